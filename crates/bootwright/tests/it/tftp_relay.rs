//! A bad cable for TFTP in this process: between a client and a server it loses, doubles, delays and reorders datagrams.
//!
//! The kernel's own packet filter can lose packets, and no more. Here each direction of each transfer has dice of its own,
//! so that a seed says which of its datagrams are in trouble, whatever the other direction does.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use crate::tftp_segment::{PATIENCE, SERVER, Segment};

/// Where the relay stands: what the clients take for their server.
pub(crate) const RELAY: Ipv4Addr = Ipv4Addr::new(10, 92, 0, 10);

/// After this long without a datagram, those that wait to be overtaken go on: a client that waits for its answer sends none.
const QUIET: Duration = Duration::from_millis(15);

/// What happens to datagrams, in each thousand of them, each way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    pub(crate) seed: u64,
    pub(crate) lost: u64,
    /// Arrive twice, one behind the other.
    pub(crate) doubled: u64,
    /// Arrive, and once more behind some later ones.
    pub(crate) echoed: u64,
    /// Arrive behind some later ones.
    pub(crate) late: u64,
}

/// How often it happened.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    pub(crate) lost: AtomicU64,
    pub(crate) doubled: AtomicU64,
    pub(crate) echoed: AtomicU64,
    pub(crate) late: AtomicU64,
}

impl Damage {
    /// Fails where nothing happened that could have shown anything.
    pub(crate) fn assert_some(&self, trouble: Trouble) {
        for (wanted, happened) in [
            (trouble.lost, &self.lost),
            (trouble.doubled, &self.doubled),
            (trouble.echoed, &self.echoed),
            (trouble.late, &self.late),
        ] {
            let happened = happened.load(Ordering::Relaxed);
            assert!(
                wanted == 0 || happened > 0,
                "the cable was too good: {self:?} of {trouble:?}"
            );
        }
    }
}

/// Relays TFTP from [`RELAY`] to the segment's server while `test` does.
pub(crate) fn through(segment: &Segment, trouble: Trouble, test: impl FnOnce(&Damage)) {
    let damage = Arc::new(Damage::default());
    let ended = Arc::new(AtomicBool::new(false));
    let (ready, is_ready) = mpsc::channel();
    thread::scope(|scope| {
        let (inner, end) = (Arc::clone(&damage), Arc::clone(&ended));
        scope.spawn(move || {
            segment.clients.enter();
            let requests = UdpSocket::bind((RELAY, 69)).expect("the port is free in a fresh namespace");
            ready.send(()).expect("the test waits");
            take_requests(&requests, trouble, &inner, &end);
        });
        is_ready.recv_timeout(PATIENCE).expect("the relay starts");
        // Ended also where the test panics, so that its threads are not waited for without end.
        let _end = EndOnDrop(&ended);
        test(&damage);
    });
}

struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Each port that asks has a pair of sockets of its own: the server's ports stay its identity, as without a relay.
fn take_requests(requests: &UdpSocket, trouble: Trouble, damage: &Arc<Damage>, ended: &Arc<AtomicBool>) {
    let mut transfers: BTreeMap<SocketAddr, mpsc::Sender<Vec<u8>>> = BTreeMap::new();
    requests.set_read_timeout(Some(QUIET)).expect("a time limit");
    let mut buffer = [0; 2048];
    thread::scope(|scope| {
        while !ended.load(Ordering::Relaxed) {
            let Ok((len, client)) = requests.recv_from(&mut buffer) else {
                continue;
            };
            let number = transfers.len() as u64;
            let sender = transfers.entry(client).or_insert_with(|| {
                let (sender, more) = mpsc::channel();
                let transfer = Transfer::new(client, trouble, number, damage, ended);
                let (there, back) = (transfer.clone(), transfer);
                scope.spawn(move || there.carry_there(&more));
                scope.spawn(move || back.carry_back());
                sender
            });
            sender.send(buffer[..len].to_vec()).expect("it runs as long as we do");
        }
    });
}

/// One client's port and the transfer that it asked for.
#[derive(Clone)]
struct Transfer {
    client: SocketAddr,
    /// Faces the client.
    down: Arc<UdpSocket>,
    /// Faces the server.
    up: Arc<UdpSocket>,
    /// The server's port for this transfer, once it has answered.
    server: Arc<OnceLock<SocketAddr>>,
    trouble: Trouble,
    number: u64,
    damage: Arc<Damage>,
    ended: Arc<AtomicBool>,
}

impl Transfer {
    fn new(client: SocketAddr, trouble: Trouble, number: u64, damage: &Arc<Damage>, ended: &Arc<AtomicBool>) -> Self {
        let socket = || {
            let socket = UdpSocket::bind((RELAY, 0)).expect("a free port");
            socket.set_read_timeout(Some(QUIET)).expect("a time limit");
            Arc::new(socket)
        };
        Self {
            client,
            down: socket(),
            up: socket(),
            server: Arc::default(),
            trouble,
            number,
            damage: Arc::clone(damage),
            ended: Arc::clone(ended),
        }
    }

    /// From the client: its requests come by another port than what follows.
    fn carry_there(&self, requests: &mpsc::Receiver<Vec<u8>>) {
        let mut cable = Cable::new(self.trouble, self.number * 2, &self.damage);
        let mut buffer = [0; 2048];
        let asks = SocketAddr::V4(SocketAddrV4::new(SERVER, 69));
        while !self.ended.load(Ordering::Relaxed) {
            let mut out = Vec::new();
            for request in requests.try_iter() {
                out.extend(cable.carry((asks, request)));
            }
            match self.down.recv_from(&mut buffer) {
                Ok((len, from)) if from == self.client => {
                    let server = *self.server.get().unwrap_or(&asks);
                    out.extend(cable.carry((server, buffer[..len].to_vec())));
                }
                Ok(_) => {}
                Err(error) => out.extend(cable.rest(&error)),
            }
            for (to, datagram) in out {
                // A port that is closed by now is no trouble of the cable.
                let _ = self.up.send_to(&datagram, to);
            }
        }
    }

    /// From the server: what comes first tells its port, and another one belongs to no transfer of this client.
    fn carry_back(&self) {
        let mut cable = Cable::new(self.trouble, self.number * 2 + 1, &self.damage);
        let mut buffer = [0; 2048];
        while !self.ended.load(Ordering::Relaxed) {
            let out = match self.up.recv_from(&mut buffer) {
                Ok((len, from)) if *self.server.get_or_init(|| from) == from => {
                    cable.carry((self.client, buffer[..len].to_vec()))
                }
                // A request that came once more after its transfer had ended began another one.
                Ok(_) => Vec::new(),
                Err(error) => cable.rest(&error),
            };
            for (to, datagram) in out {
                let _ = self.down.send_to(&datagram, to);
            }
        }
    }
}

type Datagram = (SocketAddr, Vec<u8>);

/// One direction.
struct Cable<'a> {
    trouble: Trouble,
    random: u64,
    damage: &'a Damage,
    /// What waits, and how many others go first.
    held: Vec<(u64, Datagram)>,
}

impl<'a> Cable<'a> {
    fn new(trouble: Trouble, number: u64, damage: &'a Damage) -> Self {
        let random = (trouble.seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1;
        Self {
            trouble,
            random,
            damage,
            held: Vec::new(),
        }
    }

    /// What leaves at the other end now that this one has come.
    fn carry(&mut self, datagram: Datagram) -> Vec<Datagram> {
        let dice = self.roll() % 1000;
        let behind = 1 + self.roll() % 4;
        let Trouble {
            lost,
            doubled,
            echoed,
            late,
            ..
        } = self.trouble;
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        let mut out = Vec::new();
        if dice < lost {
            count(&self.damage.lost);
        } else if dice < lost + doubled {
            count(&self.damage.doubled);
            out.extend([datagram.clone(), datagram]);
        } else if dice < lost + doubled + echoed {
            count(&self.damage.echoed);
            out.push(datagram.clone());
            self.held.push((behind + 1, datagram));
        } else if dice < lost + doubled + echoed + late {
            count(&self.damage.late);
            self.held.push((behind + 1, datagram));
        } else {
            out.push(datagram);
        }
        for (others, _) in &mut self.held {
            *others -= 1;
        }
        let due = self.held.extract_if(.., |(others, _)| *others == 0);
        out.extend(due.map(|(_, datagram)| datagram));
        out
    }

    /// What leaves where nothing more has come.
    fn rest(&mut self, error: &io::Error) -> Vec<Datagram> {
        let quiet = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        // A port that was closed at the other end.
        assert!(quiet || error.kind() == io::ErrorKind::ConnectionRefused, "{error}");
        self.held.drain(..).map(|(_, datagram)| datagram).collect()
    }

    /// Xorshift: no secrets here, only a sequence that comes again with its seed.
    fn roll(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}
