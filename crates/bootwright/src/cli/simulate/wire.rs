//! The sockets of a machine that is played: what it broadcasts, what it asks of servers, and what comes back.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_client::rom::Datagram;
use bootwright_core::MacAddr;
use bootwright_net::Link;
use bootwright_net::link::links;
use bootwright_net::selection::{Choice, default_selection};
use bootwright_net::udp::{Batch, Outgoing, Socket};
use bootwright_proto::dhcp::{
    CLIENT_PORT, Lease, MessageType, PXE_PORT, Reply, SERVER_PORT, parse, parse_answer, render,
};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::super::failure::Failure;

/// No datagram that a machine asked for is longer.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// The largest file that is fetched: kernels and their ramdisks.
const BODY_BYTES_MAX: usize = 4 << 30;

/// How long a server may take to answer a request. A held machine's poll is not sent.
const HTTP_WITHIN: Duration = Duration::from_secs(60);

/// How long it is waited for somebody who lends addresses, before this command does.
const LEND_AFTER: Duration = Duration::from_millis(700);

/// How long what it lends lasts, in seconds. Nobody else hears of it.
const LEASE_SECS: u32 = 600;

/// A datagram that came.
pub(super) struct Heard {
    pub(super) source: SocketAddrV4,
    /// The port of the machine that it came to.
    pub(super) port: u16,
    pub(super) bytes: Vec<u8>,
    /// Whether it was made up here.
    pub(super) own: bool,
}

/// The sockets on one interface.
pub(super) struct Wire {
    link: Link,
    own: Vec<Ipv4Addr>,
    address: Ipv4Addr,
    mac: MacAddr,
    sockets: BTreeMap<u16, Socket>,
    heard: VecDeque<Heard>,
    /// The last DISCOVER that nobody has answered with an address.
    discover: Option<Vec<u8>>,
    searching: bool,
    fetching: bool,
}

impl Wire {
    /// Opens an interface: the one of this name, or the only one that a machine could be behind.
    pub(super) fn open(name: Option<&str>, mac: MacAddr) -> Result<Self, Failure> {
        let all = links()
            .map_err(|error| trouble(format!("the interfaces cannot be listed: {error}"), "look at `ip link`"))?;
        let fits: Vec<&Link> = match name {
            Some(name) => all.iter().filter(|link| link.name == name).collect(),
            None => {
                let chosen = default_selection(&all, &[]);
                let served = chosen.iter().filter(|(_, choice)| *choice == Choice::Served);
                served.map(|(link, _)| *link).collect()
            }
        };
        let link = match fits.as_slice() {
            [link] => (*link).clone(),
            [] => {
                return Err(trouble(
                    match name {
                        Some(name) => format!("there is no interface `{name}`"),
                        None => "no interface is up, wired, and has an IPv4 address".to_owned(),
                    },
                    "name one of those that `ip link` lists with `--link`",
                ));
            }
            several => {
                let names: Vec<&str> = several.iter().map(|link| link.name.as_str()).collect();
                return Err(trouble(
                    format!("several interfaces could be meant: {}", names.join(", ")),
                    "name one of them with `--link`",
                ));
            }
        };
        let address = link.ipv4().ok_or_else(|| {
            trouble(
                format!("`{}` has no IPv4 address, from which files could be fetched", link.name),
                "give it one of the segment, or name another interface with `--link`",
            )
        })?;
        let mut wire = Self {
            own: all.iter().flat_map(Link::ipv4_addresses).collect(),
            link,
            address,
            mac,
            sockets: BTreeMap::new(),
            heard: VecDeque::new(),
            discover: None,
            searching: false,
            fetching: false,
        };
        wire.socket(CLIENT_PORT)?;
        Ok(wire)
    }

    pub(super) fn link(&self) -> &str {
        &self.link.name
    }

    pub(super) const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Whether an address is one of this box.
    pub(super) fn is_own(&self, address: Ipv4Addr) -> bool {
        self.own.contains(&address)
    }

    /// Whether what was sent last was a search for something to boot.
    pub(super) const fn is_searching(&self) -> bool {
        self.searching
    }

    /// Whether what was sent last was a part of a transfer by TFTP.
    pub(super) const fn is_fetching(&self) -> bool {
        self.fetching
    }

    fn socket(&mut self, port: u16) -> Result<&Socket, Failure> {
        if !self.sockets.contains_key(&port) {
            let socket = Socket::bind(&self.link.name, port).map_err(|error| {
                let hint = error.hint().unwrap_or_else(|| "stop what holds it".to_owned());
                trouble(error.to_string(), &hint)
            })?;
            // Each transfer has a port of its own, and the last one is over.
            self.sockets.retain(|port, _| *port < 1024 || *port == PXE_PORT);
            self.sockets.insert(port, socket);
        }
        self.sockets
            .get(&port)
            .ok_or_else(|| trouble(format!("port {port} is not open"), "try again"))
    }

    /// Sends a datagram, and gives what this command answers itself.
    pub(super) async fn send(&mut self, datagram: &Datagram) -> Result<Vec<Heard>, Failure> {
        let mut bytes = datagram.bytes.clone();
        let (from, to) = (datagram.source.port(), datagram.destination);
        self.searching = matches!(to.port(), SERVER_PORT | PXE_PORT);
        self.fetching = !self.searching;
        if to.port() == SERVER_PORT {
            // The kernel of this box has another address than the machine would have: answers go to everybody.
            if let Some(flags) = bytes.get_mut(10) {
                *flags |= 0x80;
            }
            match parse(&bytes) {
                Ok(request) if request.message == Some(MessageType::Discover) => self.discover = Some(bytes.clone()),
                // It takes what this command lends: nobody else is to hear of that.
                Ok(request) if request.server_id == Some(self.address) => {
                    return Ok(self.lend(&bytes).into_iter().collect());
                }
                _ => {}
            }
        }
        let link = self.link.name.clone();
        let address = self.address;
        let from = match to.ip().is_broadcast() {
            true => (from, Ipv4Addr::UNSPECIFIED),
            false => (from, address),
        };
        let outgoing = Outgoing {
            payload: &bytes,
            to,
            from: from.1,
        };
        let sent = self.socket(from.0)?.send(&outgoing).await;
        sent.map_err(|error| {
            trouble(
                format!("nothing can be sent from `{link}`: {error}"),
                "look whether it is up and has a route to the daemon",
            )
        })?;
        Ok(Vec::new())
    }

    /// The next datagram, if one comes in time.
    pub(super) async fn receive(&mut self, patience: Duration) -> Result<Option<Heard>, Failure> {
        let until = tokio::time::Instant::now() + patience;
        let lends_at = tokio::time::Instant::now() + LEND_AFTER;
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Ok(Some(heard));
            }
            let wake = if self.discover.is_some() {
                until.min(lends_at)
            } else {
                until
            };
            match tokio::time::timeout_at(wake, receive_any(&self.sockets)).await {
                Ok(Ok((port, came))) => {
                    for (source, bytes) in came {
                        self.take(source, port, bytes);
                    }
                }
                Ok(Err(error)) => {
                    return Err(trouble(format!("nothing can be received: {error}"), "try again"));
                }
                Err(_) => match self.discover.take().filter(|_| wake < until || patience >= LEND_AFTER) {
                    Some(discover) => return Ok(self.lend(&discover)),
                    None => return Ok(None),
                },
            }
        }
    }

    /// Keeps what is for the machine. An address without anything to boot is another server's, and is not taken.
    fn take(&mut self, source: SocketAddrV4, port: u16, bytes: Vec<u8>) {
        if matches!(port, CLIENT_PORT | PXE_PORT) {
            let Ok(answer) = parse_answer(&bytes) else { return };
            if answer.mac != self.mac {
                return;
            }
            let boots =
                !answer.file.is_empty() || answer.boot_file.is_some() || answer.vendor_class.starts_with(b"PXEClient");
            let lends = !answer.yiaddr.is_unspecified();
            if answer.message == Some(MessageType::Offer) && lends && !boots {
                return;
            }
            if lends {
                self.discover = None;
            } else if let Some(discover) = self.discover.take() {
                let lent = self.lend(&discover);
                self.heard.extend(lent);
            }
        }
        self.heard.push_back(Heard {
            source,
            port,
            bytes,
            own: false,
        });
    }

    /// The address of this interface, offered and granted to the machine as a plain DHCP server does.
    fn lend(&self, request: &[u8]) -> Option<Heard> {
        let request = parse(request).ok()?;
        let lease = Lease {
            address: self.address,
            secs: Some(LEASE_SECS),
            mask: Ipv4Addr::new(255, 255, 255, 0),
            routers: Vec::new(),
            dns: Vec::new(),
            host_name: None,
            domain: None,
            search: Vec::new(),
            broadcast: None,
            ntp: Vec::new(),
            mtu: None,
        };
        let reply = match request.message {
            Some(MessageType::Discover) => Reply::LeaseOffer(lease, None),
            _ => Reply::LeaseAck(lease, None),
        };
        Some(Heard {
            source: SocketAddrV4::new(self.address, SERVER_PORT),
            port: CLIENT_PORT,
            bytes: render(&request, self.address, &reply).ok()?,
            own: true,
        })
    }

    /// A request by HTTP: the status and the body.
    pub(super) async fn get(&mut self, url: &str) -> Result<(u16, Vec<u8>), String> {
        (self.searching, self.fetching) = (false, false);
        let asking = tokio::time::timeout(HTTP_WITHIN, get(url));
        asking
            .await
            .unwrap_or_else(|_| Err("no answer within a minute".to_owned()))
    }
}

/// What came to one of the sockets: its port, and who sent what.
type Came = (u16, Vec<(SocketAddrV4, Vec<u8>)>);

/// Waits until one of the sockets has something.
async fn receive_any(sockets: &BTreeMap<u16, Socket>) -> std::io::Result<Came> {
    let waiting = sockets.iter().map(|(port, socket)| {
        Box::pin(async move {
            let mut batch = Batch::new(DATAGRAM_BYTES_MAX);
            socket.receive(&mut batch).await?;
            let came = batch.datagrams().map(|one| (one.source, one.payload.to_vec()));
            Ok((*port, came.collect()))
        })
    });
    futures_util::future::select_all(waiting).await.0
}

async fn get(url: &str) -> Result<(u16, Vec<u8>), String> {
    let rest = url.strip_prefix("http://").ok_or("only plain HTTP is asked here")?;
    let (host, _) = rest.split_once('/').unwrap_or((rest, ""));
    let at = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let stream = TcpStream::connect(&at)
        .await
        .map_err(|error| format!("{at}: {error}"))?;
    let connection = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = Request::get(path(url))
        .header("Host", host)
        .body(Empty::<bytes::Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await;
    Ok((status, body.map_err(|error| error.to_string())?.to_bytes().to_vec()))
}

/// The path and the query of a URL.
pub(super) fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// The name in a request by TFTP.
pub(super) fn asked_file(packet: &[u8]) -> String {
    let name: Vec<u8> = packet.iter().skip(2).take_while(|byte| **byte != 0).copied().collect();
    String::from_utf8_lossy(&name).into_owned()
}

fn trouble(message: String, hint: &str) -> Failure {
    Failure::File {
        message,
        hint: hint.to_owned(),
    }
}
