//! The listening side: who may ask what, and a transfer for each who may.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootwright_net::udp::{Batch, Datagram, Outgoing, Socket};
use bootwright_net::udp6;
use bootwright_proto::tftp::packet::{ERROR_BYTES_MAX, REQUEST_BYTES_MAX, parse_request, render_error};
use bootwright_proto::tftp::{Asked, Caps, ErrorCode, Mode, Name, Reject};
use futures_util::FutureExt as _;
use tokio::sync::mpsc;

use super::begin::begin;
use super::books::Books;
use super::count::{Counts, Why};
use super::files::Files;
use super::mailbox::Mailbox;
use super::pump;
use super::report::Notice;
use super::session::{Key, Table};

/// Ports below 1024 from which boot clients are known to ask. The others belong to services that answer whatever comes,
/// such as echo, and an answer of ours would start an endless conversation (CVE-2024-2169).
const RESERVED_ALLOWED: std::ops::RangeInclusive<u16> = 67..=69;
/// How long transfers may take to end when the service does.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// What the service allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Transfers for one source address at a time.
    pub per_source: usize,
    /// Transfers in all at a time.
    pub total: usize,
    /// The longest block and the widest window granted.
    pub caps: Caps,
}

impl Limits {
    /// The site's defaults: 8 transfers for each source and 2,000 in all, Ethernet's block, windows of 16.
    pub const SITE: Self = Self {
        per_source: 8,
        total: 2000,
        caps: Caps {
            blksize: 1468,
            windowsize: 16,
        },
    };
}

/// The TFTP service.
#[derive(Debug)]
pub struct Server<F> {
    pub(super) files: F,
    pub(super) limits: Limits,
    pub(super) books: Arc<Books>,
    pub(super) mailbox: Arc<Mailbox>,
    /// Ends with the service.
    _pump: pump::Thread,
}

/// A request that is going to be served.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) peer: SocketAddr,
    pub(super) local: IpAddr,
    pub(super) device: Arc<str>,
    pub(super) name: Arc<Name>,
    pub(super) mode: Mode,
    pub(super) asked: Asked,
}

/// A request as it arrived, over IPv4 or IPv6.
struct Request<'a> {
    payload: &'a [u8],
    peer: SocketAddr,
    /// Our address that it was sent to; none if it was sent to everybody.
    local: Option<IpAddr>,
    index: u32,
}

impl<'a> Request<'a> {
    fn of_ipv4(datagram: &Datagram<'a>) -> Self {
        Self {
            payload: datagram.payload,
            peer: SocketAddr::V4(datagram.source),
            local: datagram.local.map(IpAddr::V4),
            index: datagram.index,
        }
    }

    fn of_ipv6(datagram: &udp6::Datagram<'a>) -> Self {
        let local: Ipv6Addr = datagram.destination;
        Self {
            payload: datagram.payload,
            peer: SocketAddr::V6(datagram.source),
            local: Some(local).filter(|local| !local.is_multicast()).map(IpAddr::V6),
            index: datagram.index,
        }
    }
}

/// The socket that a request came through, to answer it from there.
enum Door<'a> {
    Ipv4(&'a Socket),
    Ipv6(&'a udp6::Socket),
}

impl Door<'_> {
    fn try_send(&self, payload: &[u8], to: SocketAddr, from: IpAddr) -> io::Result<()> {
        match (self, to, from) {
            (Self::Ipv4(socket), SocketAddr::V4(to), IpAddr::V4(from)) => {
                socket.try_send(&Outgoing { payload, to, from })
            }
            (Self::Ipv6(socket), SocketAddr::V6(to), IpAddr::V6(from)) => socket.try_send(payload, to, from),
            // No socket hears from the other family.
            (Self::Ipv4(_) | Self::Ipv6(_), _, _) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl<F: Files> Server<F> {
    /// A service for these files, with the thread that sends them. Notices go to `notices`; one that nobody takes in time
    /// is dropped.
    ///
    /// # Errors
    /// The kernel's: no thread, too many open files.
    pub fn start(files: F, limits: Limits, notices: mpsc::Sender<Notice>) -> io::Result<Arc<Self>> {
        let (pump, mailbox) = pump::start()?;
        let books = Books {
            table: Table::new(limits.per_source, limits.total, Arc::clone(&mailbox)),
            counts: Arc::default(),
            notices,
        };
        Ok(Arc::new(Self {
            files,
            limits,
            books: Arc::new(books),
            mailbox,
            _pump: pump,
        }))
    }

    /// Serves requests that arrive on a socket until the socket breaks, and returns why it did. Transfers under way go on:
    /// they have sockets of their own. The answers are sent from the address that was asked.
    pub async fn serve(self: Arc<Self>, socket: Socket) -> io::Error {
        let device: Arc<str> = socket.device().into();
        let mut batch = Batch::new(REQUEST_BYTES_MAX + 1);
        loop {
            if let Err(error) = socket.receive(&mut batch).await {
                return error;
            }
            for datagram in batch.datagrams() {
                if let Err(why) = self.take(&Door::Ipv4(&socket), &device, &Request::of_ipv4(&datagram)) {
                    self.books.counts.add(why);
                    tracing::debug!(peer = %datagram.source, why = why.name(), "tftp request not served");
                }
            }
        }
    }

    /// The same for a socket of IPv6.
    pub async fn serve_ipv6(self: Arc<Self>, socket: udp6::Socket) -> io::Error {
        let device: Arc<str> = socket.device().into();
        let mut buffer = [0; REQUEST_BYTES_MAX + 1];
        loop {
            let datagram = match socket.receive(&mut buffer).await {
                Ok(datagram) => datagram,
                Err(error) => return error,
            };
            if let Err(why) = self.take(&Door::Ipv6(&socket), &device, &Request::of_ipv6(&datagram)) {
                self.books.counts.add(why);
                tracing::debug!(peer = %datagram.source, why = why.name(), "tftp request not served");
            }
        }
    }

    /// How often what was not served, and why.
    #[must_use]
    pub fn counts(&self) -> &Arc<Counts> {
        &self.books.counts
    }

    /// How many transfers are under way.
    #[must_use]
    pub fn transfers(&self) -> usize {
        self.books.table.len()
    }

    /// Ends all transfers under way: each client is told, so that it need not find out by waiting. Returns when they have
    /// ended, or a little later if one does not. New ones are kept out by closing the sockets that [`Server::serve`] has.
    pub async fn stop(&self) {
        if tokio::time::timeout(STOP_PATIENCE, self.books.table.stop())
            .await
            .is_err()
        {
            tracing::warn!("{} tftp transfers did not end", self.transfers());
        }
    }

    fn take(self: &Arc<Self>, door: &Door<'_>, device: &Arc<str>, datagram: &Request<'_>) -> Result<(), Why> {
        let peer = datagram.peer;
        if peer.port() < 1024 && !RESERVED_ALLOWED.contains(&peer.port()) {
            return Err(Why::ReservedPort);
        }
        let local = datagram.local.ok_or(Why::Broadcast)?;
        if !self.files.admits(peer, local) {
            return Err(Why::NotAdmitted);
        }
        let request = match parse_request(datagram.payload) {
            Ok(request) => request,
            Err(Reject::Silence(silence)) => return Err(silence.into()),
            Err(Reject::Answer(code, text)) => return Err(self.refuse(door, datagram, code, text)),
        };
        let Ok(name) = Name::normalise(request.name) else {
            return Err(self.refuse(door, datagram, ErrorCode::Access, "no such name"));
        };
        let key = Key {
            peer,
            local,
            index: datagram.index,
        };
        let seat = self.books.table.admit(key, Instant::now())?;
        let admitted = Admitted {
            peer,
            local,
            device: Arc::clone(device),
            name: Arc::new(name),
            mode: request.mode,
            asked: request.asked,
        };
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let beginning = AssertUnwindSafe(begin(Arc::clone(&server), seat, admitted));
            if beginning.catch_unwind().await.is_err() {
                server.books.counts.add(Why::Panicked);
            }
        });
        Ok(())
    }

    /// Says an error from the request port itself: there is no transfer, and a port of its own would only live for it.
    fn refuse(&self, door: &Door<'_>, datagram: &Request<'_>, code: ErrorCode, text: &'static str) -> Why {
        let mut out = [0; ERROR_BYTES_MAX];
        if let (Some(len), Some(from)) = (render_error(code, text, &mut out), datagram.local)
            && door.try_send(&out[..len], datagram.peer, from).is_err()
        {
            self.books.counts.add(Why::SendFailed);
        }
        // The name, or whatever stands in its place: enough to recognise, escaped for whoever reads it.
        let shown = datagram.payload.iter().skip(2).take_while(|byte| **byte != 0).take(64);
        let name = shown.flat_map(|byte| byte.escape_ascii()).map(char::from).collect();
        self.books.tell(Notice::Refused {
            peer: datagram.peer,
            name,
            code,
            text,
        });
        Why::Refused
    }
}
