//! A segment for TFTP tests: a service on one side, a place for clients on the other, a cable between.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc as std_mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bootwright::tftp::{Content, Files, Limits, Notice, Refusal, Server, TransferReport, Why, open_below};
use bootwright_client::tftp::{End, Receiver, Reply, Size, Step, Strays, Wish};
use bootwright_net::beneath::Root;
use bootwright_net::udp::Socket;
use bootwright_proto::tftp::Name;
use tokio::sync::mpsc;

use crate::netns::{Netns, cable};

/// The address of the service that most tests ask.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 92, 0, 1);
/// Its second address.
pub(crate) const SECOND: Ipv4Addr = Ipv4Addr::new(10, 92, 0, 2);
/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The catalogue panics when it is asked for this.
pub(crate) const BUG: &str = "a-bug-of-ours";

/// A file catalogue in memory, with an operator's directory below it.
#[derive(Default)]
pub(crate) struct Catalogue {
    pub(crate) memory: BTreeMap<String, Vec<u8>>,
    pub(crate) root: Option<Arc<Root>>,
}

impl Files for Catalogue {
    async fn open(&self, _peer: SocketAddr, _local: IpAddr, name: &Name) -> Result<Content, Refusal> {
        assert_ne!(name.as_str(), Some(BUG), "on purpose");
        if let Some(bytes) = name.as_str().and_then(|name| self.memory.get(name)) {
            return Ok(Content::Memory(bytes.clone().into()));
        }
        match &self.root {
            Some(root) => open_below(root, name).await,
            None => Err(Refusal::NotFound),
        }
    }
}

/// The two sides and what goes on between them.
pub(crate) struct Segment {
    pub(crate) server: Netns,
    pub(crate) clients: Netns,
}

/// A service that runs on a segment.
pub(crate) struct Service<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) server: Arc<Server<Catalogue>>,
    notices: Mutex<mpsc::Receiver<Notice>>,
}

/// What a fetch brought.
pub(crate) struct Fetched {
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
    /// Where the answers came from.
    pub(crate) from: Option<SocketAddr>,
}

impl Segment {
    pub(crate) fn new() -> Self {
        use crate::netns::End;
        let segment = Self {
            server: Netns::new("tftp"),
            clients: Netns::new("clients"),
        };
        cable(
            &End::new(&segment.server, "eth0", "10.92.0.1/16"),
            &End::new(&segment.clients, "eth0", "10.92.0.10/16"),
        );
        segment.server.ip("addr add 10.92.0.2/16 dev eth0");
        segment
    }

    /// Runs the service while `test` does.
    pub(crate) fn serve(&self, limits: Limits, files: Catalogue, test: impl FnOnce(&Service<'_>)) {
        let (sender, notices) = mpsc::channel(10_000);
        let server = Server::start(files, limits, sender).expect("a thread");
        let service = Service {
            segment: self,
            server: Arc::clone(&server),
            notices: Mutex::new(notices),
        };
        let (ready, is_ready) = std_mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                self.server.enter();
                runtime().block_on(async {
                    let socket = Socket::bind("eth0", 69).expect("the port is free in a fresh namespace");
                    ready.send(()).expect("the test waits");
                    tokio::select! {
                        error = server.serve(socket) => panic!("the service ended: {error}"),
                        _ = stopped => {}
                    }
                });
            });
            is_ready.recv_timeout(PATIENCE).expect("the service starts");
            test(&service);
            drop(stop);
        });
    }

    /// Loses that many percent of the packets both ways.
    pub(crate) fn lose(&self, percent: f64) {
        need("nft", "nftables");
        self.server.drop_udp("eth0", percent);
        self.clients.drop_udp("eth0", percent);
    }

    /// Fetches with our own client from a fresh port.
    pub(crate) fn fetch(&self, wish: Wish, server: Ipv4Addr) -> Fetched {
        self.clients.run(|| fetch_from(&socket("10.92.0.10:0"), wish, server))
    }
}

impl Service<'_> {
    /// The next report of a finished transfer.
    pub(crate) fn report(&self) -> TransferReport {
        loop {
            if let Notice::Finished(report) = self.notice() {
                return report;
            }
        }
    }

    /// The next notice.
    pub(crate) fn notice(&self) -> Notice {
        let start = Instant::now();
        loop {
            if let Ok(notice) = self.notices.lock().expect("no test panicked with it").try_recv() {
                return notice;
            }
            assert!(start.elapsed() < PATIENCE, "no notice came");
            thread::yield_now();
            thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Sends one packet from `source` to the service's request port and returns what comes back within a short time.
    pub(crate) fn ask(&self, source: &str, packet: &[u8], patience: Duration) -> Option<Vec<u8>> {
        self.segment.clients.run(|| {
            let socket = socket(source);
            socket.set_read_timeout(Some(patience)).expect("a timeout");
            socket.send_to(packet, (SERVER, 69)).expect("there is a route");
            let mut buffer = [0; 2000];
            let len = socket.recv(&mut buffer).ok()?;
            Some(buffer[..len].to_vec())
        })
    }

    /// Waits until that many packets were not served for this reason.
    pub(crate) fn wait_for(&self, why: Why, times: u64) {
        let start = Instant::now();
        while self.server.counts().get(why) < times {
            assert!(start.elapsed() < PATIENCE, "{why:?} was never the reason");
            thread::park_timeout(Duration::from_millis(1));
        }
        assert_eq!(self.server.counts().get(why), times, "{why:?}");
    }

    /// Waits until no transfer is under way.
    pub(crate) fn wait_until_idle(&self) {
        let start = Instant::now();
        while self.server.transfers() > 0 {
            assert!(
                start.elapsed() < PATIENCE,
                "{} transfers are left",
                self.server.transfers()
            );
            thread::park_timeout(Duration::from_millis(1));
        }
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

pub(crate) fn socket(source: &str) -> UdpSocket {
    UdpSocket::bind(source).expect("the address is there")
}

/// A catalogue with these files.
pub(crate) fn catalogue(files: &[(&str, Vec<u8>)]) -> Catalogue {
    let memory = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone()));
    Catalogue {
        memory: memory.collect(),
        root: None,
    }
}

/// Bytes that differ from block to block.
pub(crate) fn content(len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

/// A patient client that asks for everything.
pub(crate) fn wish(name: &str, windowsize: u16) -> Wish {
    Wish {
        name: name.into(),
        blksize: Some(1468),
        windowsize: Some(windowsize),
        size: Size::Asked,
        strays: Strays::AckOnce,
        patience: Duration::from_secs(1),
        tries: 10,
    }
}

/// Fetches through a socket, and stays a moment behind the end to acknowledge a repeated last block.
pub(crate) fn fetch_from(socket: &UdpSocket, wish: Wish, server: Ipv4Addr) -> Fetched {
    let start = Instant::now();
    let (mut receiver, first) = Receiver::begin(wish, Duration::ZERO);
    let mut fetched = Fetched {
        bytes: Vec::new(),
        end: End::Silence,
        from: None,
    };
    let (mut buffer, mut out) = ([0; 2000], [0; 600]);
    let mut send = |receiver: &Receiver, step: &Step<'_>| {
        let Some(reply) = step.reply else { return };
        let len = receiver.render(reply, &mut out).expect("there is room");
        let port = match reply {
            Reply::Request => 69,
            Reply::Ack(_) | Reply::Error(..) => receiver.server_port().unwrap_or(69),
        };
        // A refused port shows as an error here, which the client's own patience covers.
        let _ = socket.send_to(&out[..len], (server, port));
    };
    send(&receiver, &first);
    loop {
        assert!(start.elapsed() < 4 * PATIENCE, "the fetch never ends");
        let wait = receiver.deadline().saturating_sub(start.elapsed());
        socket
            .set_read_timeout(Some(wait.max(Duration::from_millis(1))))
            .expect("a timeout");
        let step = match socket.recv_from(&mut buffer) {
            Ok((len, from)) => {
                fetched.from = Some(from);
                let step = receiver.on_packet(start.elapsed(), from.port(), &buffer[..len]);
                fetched.bytes.extend_from_slice(step.payload);
                step
            }
            Err(_) => receiver.on_timer(start.elapsed()),
        };
        send(&receiver, &step);
        if let Some(end) = step.end {
            fetched.end = end;
            return fetched;
        }
    }
}

/// A directory of its own for one test, gone with it.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary directory is writable");
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("it is below")).expect("a directory");
        std::fs::write(path, bytes).expect("a file");
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Fails with what to do where a program of the test is not installed.
pub(crate) fn need(program: &str, package: &str) {
    let found = Command::new("which")
        .arg(program)
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(found, "`{program}` is missing: apt-get install {package}");
}

/// Runs the body in a process that may open that many files: this one, or itself again with just the named test.
pub(crate) fn with_open_files(limit: usize, test: &str, body: impl FnOnce()) {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .expect("it is limited");
    let soft = line.split_whitespace().nth(3).expect("a number");
    if soft == limit.to_string() {
        return body();
    }
    need("prlimit", "util-linux");
    let mut again = Command::new("prlimit");
    again
        .arg(format!("--nofile={limit}:{limit}"))
        .arg(std::env::current_exe().expect("it runs"));
    let output = again
        .args(["--exact", test, "--nocapture"])
        .output()
        .expect("it runs again");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
