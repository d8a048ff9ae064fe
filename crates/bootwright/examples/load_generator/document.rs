//! Machines that begin a run by HTTP, and then fetch a document of it again and again.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::fleet::question;
use crate::script::{ask, connect};
use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Document {
    /// The server.
    #[arg(long)]
    server: SocketAddrV4,
    /// The first address to ask from.
    #[arg(long)]
    from: Ipv4Addr,
    /// The document's name.
    #[arg(long)]
    name: String,
    /// How many machines take turns, each with a run and an address of its own.
    #[arg(long)]
    machines: u32,
    /// How many connections fetch at the same time: a machine's own, one after the other.
    #[arg(long)]
    connections: u32,
    /// How often each machine fetches it.
    #[arg(long)]
    times: u32,
}

/// What the documents of one connection's machines took.
#[derive(Default)]
struct Fetched {
    took: Vec<std::time::Duration>,
    bytes: usize,
}

impl Document {
    pub(crate) async fn run(self) -> Result<Value> {
        let mut runs = Vec::new();
        for machine in 0..self.machines {
            let from = Ipv4Addr::from(u32::from(self.from) + machine);
            let mut stream = connect(from, self.server).await?;
            let mut answer = Vec::new();
            let script = ask(&mut stream, &question(machine, &from.to_string()), &mut answer).await?;
            let script = std::str::from_utf8(script)?;
            let token = script.split("/r/").nth(1).and_then(|rest| rest.get(..32));
            let token = token.with_context(|| format!("machine {machine} was told of no run:\n{script}"))?;
            runs.push((from, format!("/r/{token}/{}", self.name)));
        }
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for connection in 0..self.connections {
            let own = runs.iter().skip(connection as usize).step_by(self.connections as usize);
            clients.spawn(fetch(self.server, own.cloned().collect(), self.times));
        }
        let (mut took, mut bytes) = (Tally::default(), 0);
        while let Some(client) = clients.join_next().await {
            let fetched = client??;
            fetched.took.into_iter().for_each(|each| took.add(each));
            bytes += fetched.bytes;
        }
        Ok(json!({
            "documents": took.count(),
            "bytes": bytes,
            "seconds": began.elapsed().as_secs_f64(),
            "ms": took.milliseconds(),
        }))
    }
}

/// The documents of some machines in turn. Whatever is not as before is an error: nothing of a run changes meanwhile.
async fn fetch(server: SocketAddrV4, runs: Vec<(Ipv4Addr, String)>, times: u32) -> Result<Fetched> {
    let mut machines = Vec::new();
    for (from, target) in runs {
        machines.push((connect(from, server).await?, target, Vec::new()));
    }
    let (mut fetched, mut answer) = (Fetched::default(), Vec::new());
    for _ in 0..times {
        for (stream, target, first) in &mut machines {
            let began = Instant::now();
            let body = ask(stream, target, &mut answer).await?;
            fetched.took.push(began.elapsed());
            fetched.bytes += body.len();
            if first.is_empty() {
                first.extend_from_slice(body);
            }
            ensure!(first.as_slice() == body, "`{target}` is another document than before");
        }
    }
    Ok(fetched)
}
