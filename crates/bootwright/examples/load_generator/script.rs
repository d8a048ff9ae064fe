//! Machines that ask by HTTP what to boot, over connections that stay open.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fleet::question;
use crate::tally::Tally;

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct Script {
    /// The server.
    #[arg(long)]
    server: SocketAddrV4,
    /// The first address to ask from.
    #[arg(long)]
    from: Ipv4Addr,
    /// How many addresses there are, one after the other.
    #[arg(long, default_value_t = 1)]
    sources: u32,
    /// How many connections ask at the same time.
    #[arg(long)]
    connections: u32,
    /// How many machines take turns in asking.
    #[arg(long)]
    machines: u32,
    /// How many questions are asked in all.
    #[arg(long)]
    questions: u32,
}

impl Script {
    pub(crate) async fn run(self) -> Result<Value> {
        let began = Instant::now();
        let mut clients = JoinSet::new();
        let each = self.questions / self.connections;
        for connection in 0..self.connections {
            let from = Ipv4Addr::from(u32::from(self.from) + connection % self.sources);
            let (server, machines) = (self.server, self.machines);
            clients.spawn(async move {
                let mut stream = connect(from, server).await?;
                let mut took = Vec::with_capacity(each as usize);
                let mut answer = Vec::new();
                for number in 0..each {
                    // Far apart, so that neighbours in the store are not neighbours in time.
                    let machine = (connection * each + number).wrapping_mul(7919) % machines;
                    let began = Instant::now();
                    let body = ask(&mut stream, &question(machine, &from.to_string()), &mut answer).await?;
                    took.push(began.elapsed());
                    ensure!(body.starts_with(b"#!ipxe\n"), "the answer is no script");
                }
                Ok::<_, anyhow::Error>(took)
            });
        }
        let mut took = Tally::default();
        while let Some(client) = clients.join_next().await {
            client??.into_iter().for_each(|each| took.add(each));
        }
        Ok(json!({
            "answers": took.count(),
            "seconds": began.elapsed().as_secs_f64(),
            "ms": took.milliseconds(),
        }))
    }
}

/// A connection from this address.
pub(crate) async fn connect(from: Ipv4Addr, server: SocketAddrV4) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddrV4::new(from, 0).into())?;
    let stream = socket.connect(server.into()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One question and its whole answer, which must be a good one.
pub(crate) async fn ask<'a>(stream: &mut TcpStream, target: &str, answer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
    let request = format!("GET {target} HTTP/1.1\r\nUser-Agent: iPXE/1.21.1\r\nHost: boot\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    answer.clear();
    loop {
        let read = timeout(PATIENCE, stream.read_buf(answer))
            .await
            .context("no answer in time")??;
        ensure!(read > 0, "the connection ended");
        let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&answer[..head])?;
        ensure!(text.starts_with("HTTP/1.1 200"), "the answer is {text}");
        let length = text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .context("no length")?
            .1;
        let from = head + 4;
        if answer.len() - from >= length.parse()? {
            return Ok(&answer[from..]);
        }
    }
}
