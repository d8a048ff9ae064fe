//! Machines that fetch one large file by HTTP. The bytes are counted and left in the kernel, so that the clients cost
//! little beside the server; one client before all others reads and compares them.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::tally::Tally;

/// How much is taken from a connection at once.
const TAKE: usize = 1 << 20;
/// No transfer makes pauses as long as this.
const PAUSE_MAX: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub(crate) struct Download {
    /// The server.
    #[arg(long)]
    server: SocketAddrV4,
    /// The first address to ask from.
    #[arg(long)]
    from: Ipv4Addr,
    /// How many addresses there are, one after the other.
    #[arg(long, default_value_t = 1)]
    sources: u32,
    /// The path to ask for.
    #[arg(long)]
    target: String,
    /// The file that it stands for.
    #[arg(long)]
    content: PathBuf,
    /// Compare the content, with one client, and measure nothing.
    #[arg(long)]
    compare: bool,
    /// How many clients fetch it at the same time.
    #[arg(long, default_value_t = 1)]
    clients: u32,
    /// How often each of them does so.
    #[arg(long, default_value_t = 1)]
    times: u32,
}

impl Download {
    pub(crate) async fn run(self) -> Result<Value> {
        let size = std::fs::metadata(&self.content)?.len();
        if self.compare {
            self.compare(size).await?;
            return Ok(json!({ "same": true, "bytes": size }));
        }
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for client in 0..self.clients {
            let from = Ipv4Addr::from(u32::from(self.from) + client % self.sources);
            let (server, target, times) = (self.server, self.target.clone(), self.times);
            clients.spawn(async move {
                let mut took = Vec::new();
                for _ in 0..times {
                    let began = Instant::now();
                    let (stream, early) = request(from, server, &target, size).await?;
                    discard(&stream, size - early.len() as u64).await?;
                    took.push(began.elapsed());
                }
                Ok::<_, anyhow::Error>(took)
            });
        }
        let mut took = Tally::default();
        while let Some(client) = clients.join_next().await {
            client??.into_iter().for_each(|each| took.add(each));
        }
        Ok(json!({
            "fetched": took.count(),
            "bytes": size * took.count() as u64,
            "seconds": began.elapsed().as_secs_f64(),
            "ms": took.milliseconds(),
        }))
    }

    async fn compare(&self, size: u64) -> Result<()> {
        let (mut stream, mut bytes) = request(self.from, self.server, &self.target, size).await?;
        let mut file = tokio::fs::File::open(&self.content).await?;
        let mut expected = vec![0; TAKE];
        let mut done = 0;
        while done < size {
            if bytes.is_empty() {
                bytes.resize(TAKE, 0);
                let read = timeout(PAUSE_MAX, stream.read(&mut bytes)).await??;
                ensure!(read > 0, "the answer ends after {done} bytes");
                bytes.truncate(read);
            }
            let expected = &mut expected[..bytes.len()];
            file.read_exact(expected).await?;
            ensure!(*expected == bytes[..], "the content differs after {done} bytes");
            done += bytes.len() as u64;
            bytes.clear();
        }
        Ok(())
    }
}

/// Asks for the file, reads the head of the answer, and returns what came with it.
async fn request(from: Ipv4Addr, server: SocketAddrV4, target: &str, size: u64) -> Result<(TcpStream, Vec<u8>)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddrV4::new(from, 0).into())?;
    let mut stream = socket.connect(server.into()).await?;
    let host = server.ip();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    loop {
        ensure!(timeout(PAUSE_MAX, stream.read_buf(&mut head)).await?? > 0, "no answer");
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = head.split_off(end + 4);
            let head = String::from_utf8(head)?.to_ascii_lowercase();
            ensure!(head.starts_with("http/1.1 200"), "the answer is {head}");
            ensure!(
                head.contains(&format!("content-length: {size}\r\n")),
                "another size: {head}"
            );
            return Ok((stream, rest));
        }
    }
}

/// Takes the rest of an answer without copying it out of the kernel (MSG_TRUNC of `tcp(7)`).
async fn discard(stream: &TcpStream, mut left: u64) -> Result<()> {
    let mut nowhere = Vec::with_capacity(TAKE);
    while left > 0 {
        timeout(PAUSE_MAX, stream.readable())
            .await
            .context("the transfer stands still")??;
        let room = nowhere.spare_capacity_mut();
        let len = room.len().min(usize::try_from(left).unwrap_or(TAKE));
        let taken = stream.try_io(Interest::READABLE, || {
            SockRef::from(stream).recv_with_flags(&mut room[..len], libc::MSG_TRUNC)
        });
        match taken {
            Ok(0) => anyhow::bail!("the answer ends {left} bytes early"),
            Ok(taken) => left -= taken as u64,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
