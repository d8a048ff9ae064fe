//! Machines that fetch files by TFTP, each with sockets of its own, as firmware does.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bootwright_client::tftp::{End, Receiver, Reply, Size, Strays, Wish};
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout_at};

use crate::tally::Tally;

#[derive(clap::Args)]
pub(crate) struct Tftp {
    /// The server.
    #[arg(long)]
    server: SocketAddrV4,
    /// The first address to ask from.
    #[arg(long)]
    from: Ipv4Addr,
    /// How many addresses there are, one after the other.
    #[arg(long, default_value_t = 1)]
    sources: u32,
    /// How many clients fetch at the same time.
    #[arg(long)]
    clients: u32,
    /// How many files each of them fetches, one after the other.
    #[arg(long)]
    fetches: u32,
    /// A file as the server names it, and its content: `NAME=PATH`. Clients take turns with them.
    #[arg(long = "file", required = true)]
    files: Vec<String>,
    /// After so many seconds what is not fetched yet has failed.
    #[arg(long, value_name = "SECONDS", default_value_t = 100)]
    within: u64,
    /// The blocks in a window to ask for.
    #[arg(long)]
    windowsize: Option<u16>,
}

struct File {
    name: Vec<u8>,
    content: Vec<u8>,
}

/// What all clients share.
struct Plan {
    load: Tftp,
    until: tokio::time::Instant,
    files: Vec<File>,
}

/// What became of one client's fetches.
#[derive(Default)]
struct Outcome {
    took: Vec<Duration>,
    bytes: u64,
    failures: Vec<String>,
}

impl Tftp {
    pub(crate) async fn run(self) -> Result<Value> {
        ensure!(self.sources > 0, "somebody has to ask");
        let files = self
            .files
            .iter()
            .map(|word| File::read(word))
            .collect::<Result<Vec<_>>>()?;
        let until = tokio::time::Instant::now() + Duration::from_secs(self.within);
        let plan = Rc::new(Plan {
            load: self,
            until,
            files,
        });
        let local = tokio::task::LocalSet::new();
        let began = Instant::now();
        let mut took = Tally::default();
        let (mut bytes, mut failures) = (0, Vec::new());
        local
            .run_until(async {
                let mut clients = JoinSet::new();
                for client in 0..plan.load.clients {
                    let plan = Rc::clone(&plan);
                    clients.spawn_local(async move { plan.client(client).await });
                }
                while let Some(outcome) = clients.join_next().await {
                    let outcome = outcome?;
                    outcome.took.into_iter().for_each(|each| took.add(each));
                    bytes += outcome.bytes;
                    failures.extend(outcome.failures);
                }
                Ok::<_, anyhow::Error>(())
            })
            .await?;
        let seconds = began.elapsed().as_secs_f64();
        failures.sort();
        let failed = failures.len();
        failures.dedup();
        failures.truncate(5);
        Ok(json!({
            "fetched": took.count(),
            "failed": failed,
            "failures": failures,
            "bytes": bytes,
            "seconds": seconds,
            "ms": took.milliseconds(),
        }))
    }
}

impl Plan {
    async fn client(&self, client: u32) -> Outcome {
        let mut outcome = Outcome::default();
        let from = Ipv4Addr::from(u32::from(self.load.from) + client % self.load.sources);
        for fetch in 0..self.load.fetches {
            let file = &self.files[(client + fetch) as usize % self.files.len()];
            let began = Instant::now();
            let fetched = timeout_at(self.until, self.fetch(from, file)).await;
            match fetched.unwrap_or_else(|_| Err(anyhow::anyhow!("it took too long"))) {
                Ok(()) => {
                    outcome.took.push(began.elapsed());
                    outcome.bytes += file.content.len() as u64;
                }
                Err(error) => outcome.failures.push(format!("{error:#}")),
            }
        }
        outcome
    }

    async fn fetch(&self, from: Ipv4Addr, file: &File) -> Result<()> {
        let socket = UdpSocket::bind(SocketAddrV4::new(from, 0)).await?;
        let began = Instant::now();
        let wish = Wish {
            name: file.name.clone(),
            blksize: Some(1468),
            windowsize: self.load.windowsize,
            size: Size::Asked,
            strays: Strays::AckOnce,
            patience: Duration::from_secs(1),
            tries: 8,
        };
        let (mut receiver, first) = Receiver::begin(wish, Duration::ZERO);
        self.reply(&socket, &receiver, first.reply).await?;
        let mut buffer = [0; 2048];
        let mut alarm = std::pin::pin!(sleep_until((began + receiver.deadline()).into()));
        loop {
            let step = tokio::select! {
                biased;
                received = socket.recv_from(&mut buffer) => {
                    let (len, peer) = match received {
                        Ok((len, SocketAddr::V4(peer))) if peer.ip() == self.load.server.ip() => (len, peer),
                        // A stranger's packet, or word that an earlier packet of ours found nobody.
                        Ok(_) | Err(_) => continue,
                    };
                    let at = receiver.received() as usize;
                    let step = receiver.on_packet(began.elapsed(), peer.port(), &buffer[..len]);
                    ensure!(
                        file.content.get(at..at + step.payload.len()) == Some(step.payload),
                        "the content differs"
                    );
                    step
                }
                () = alarm.as_mut() => {
                    let step = receiver.on_timer(began.elapsed());
                    alarm.as_mut().reset((began + receiver.deadline()).into());
                    step
                }
            };
            let (reply, end) = (step.reply, step.end);
            self.reply(&socket, &receiver, reply).await?;
            match end {
                None => {}
                Some(End::Complete) if receiver.received() == file.content.len() as u64 => return Ok(()),
                Some(End::Complete) => bail!("it ended early"),
                Some(other) => bail!("{other:?}"),
            }
        }
    }

    async fn reply(&self, socket: &UdpSocket, receiver: &Receiver, reply: Option<Reply>) -> Result<()> {
        let Some(reply) = reply else { return Ok(()) };
        let mut out = [0; 512];
        let len = receiver.render(reply, &mut out).context("a reply that is too long")?;
        let port = match reply {
            Reply::Request => self.load.server.port(),
            Reply::Ack(_) | Reply::Error(..) => receiver.server_port().unwrap_or(self.load.server.port()),
        };
        let to = SocketAddrV4::new(*self.load.server.ip(), port);
        // What cannot be sent now is lost like on any wire.
        let _ = socket.send_to(&out[..len], to).await;
        Ok(())
    }
}

impl File {
    fn read(word: &str) -> Result<Self> {
        let (name, path) = word.split_once('=').context("a file is given as NAME=PATH")?;
        let path = PathBuf::from(path);
        let content = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let name = name.as_bytes().to_vec();
        Ok(Self { name, content })
    }
}
