//! Who else answers on the segment: what the daemon has found, else by searching.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_core::Arch;
use bootwright_core::census::Deed;
use bootwright_net::Link;
use bootwright_net::frame::{BROADCAST, FrameSocket, OutgoingFrame};
use bootwright_net::port::{Protocol, holders, owners};
use bootwright_net::snoop::{Snoop, Wanted};
use bootwright_net::udp::{Outgoing, Socket};
use bootwright_proto::dhcp::{CLIENT_PORT, SERVER_PORT, deeds, parse_answer, search};
use tokio::time::{Instant, timeout_at};

use super::super::facts::{Facts, Segment, Server};
use super::port::holder;

/// How long answers are listened to. A server that first tries whether an address is free takes a second or two.
const PATIENCE: Duration = Duration::from_millis(2500);

/// When it is asked once more.
const AGAIN: Duration = Duration::from_millis(800);

pub(super) fn gather(facts: &Facts) -> Segment {
    // What holds port 67 on this box, beside the daemon.
    let local = || {
        let daemon = facts.site.running.as_ref().and_then(|running| running.pid);
        let all = owners(SERVER_PORT).into_iter();
        let other = all
            .filter(|owner| owner.process.as_ref().is_none_or(|process| Some(process.pid) != daemon))
            .map(|owner| holder(&owner));
        other.into_iter().next()
    };
    if let Some(running) = &facts.site.running {
        let served = running.status.links.iter().filter(|link| link.served);
        let servers = served.map(|link| {
            let found = link.servers.iter().map(|server| Server {
                address: server.address.clone(),
                deeds: server.deeds.clone(),
                process: server.process.clone(),
                stop: server.process.as_ref().and_then(|_| local()?.stop),
            });
            let found: Vec<Server> = found.collect();
            let known = link.searched || !found.is_empty();
            let found = if known {
                Ok(found)
            } else {
                Err("the daemon is still searching; ask again in some seconds".to_owned())
            };
            (link.link.clone(), found)
        });
        return Segment {
            servers: servers.collect(),
        };
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return Segment::default();
    };
    let here = local();
    let served: Vec<Link> = facts.network.served().cloned().collect();
    let servers = runtime.block_on(async {
        let searches = served.iter().map(|link| search_on(link, here.as_ref()));
        futures_util::future::join_all(searches).await
    });
    Segment {
        servers: served.iter().map(|link| link.name.clone()).zip(servers).collect(),
    }
}

/// Asks on one link as an operating system would and as firmware would, and gathers who answers.
async fn search_on(link: &Link, local: Option<&super::super::facts::Holder>) -> Result<Vec<Server>, String> {
    let Some(mac) = link.mac else {
        return Ok(Vec::new());
    };
    let raw = |error: std::io::Error| format!("{error}; that takes the capability NET_RAW");
    let snoop = Snoop::open(link, Wanted::Answers).map_err(raw)?;
    let frames = FrameSocket::open(link).map_err(raw)?;
    let mut found: BTreeMap<Ipv4Addr, (BTreeSet<Deed>, bool)> = BTreeMap::new();
    let mut number = [0; 4];
    getrandom::fill(&mut number).map_err(|error| error.to_string())?;
    let number = u32::from_be_bytes(number);
    let until = Instant::now() + PATIENCE;
    let mut again = Instant::now();
    let mut round = 0;
    while Instant::now() < until {
        if Instant::now() >= again && round < 2 {
            let arch = if round == 0 { Arch::EFI64 } else { Arch::BIOS };
            for (step, boots) in [None, Some(arch)].into_iter().enumerate() {
                let xid = number.wrapping_add(u32::try_from(step).unwrap_or_default());
                send(link, &frames, &search(mac, xid, boots), local.is_some()).await;
            }
            round += 1;
            again += AGAIN;
        }
        let next = if round < 2 { again.min(until) } else { until };
        let Ok(Ok(captured)) = timeout_at(next, snoop.receive()).await else {
            continue;
        };
        let Ok(answer) = parse_answer(&captured.payload) else {
            continue;
        };
        if answer.mac == mac && (answer.xid == number || answer.xid == number.wrapping_add(1)) {
            let server = answer.server_id.unwrap_or(*captured.source.ip());
            let entry = found.entry(server).or_default();
            entry.0.extend(deeds(&answer));
            entry.1 |= captured.source_mac == mac;
        }
    }
    let servers = found.into_iter().map(|(address, (deeds, here))| Server {
        address: address.to_string(),
        deeds: deeds.iter().map(|deed| deed.name().to_owned()).collect(),
        process: local.filter(|_| here).map(|holder| holder.words.clone()),
        stop: local.filter(|_| here).and_then(|holder| holder.stop.clone()),
    });
    Ok(servers.collect())
}

/// As the census of the daemon does it: frames do not reach a server on this box, the kernel's copies do.
async fn send(link: &Link, frames: &FrameSocket, packet: &[u8], to_this_box: bool) {
    let everybody = SocketAddrV4::new(Ipv4Addr::BROADCAST, SERVER_PORT);
    // What is lost is asked again.
    let _ = frames.send(&OutgoingFrame {
        payload: packet,
        from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT),
        to: everybody,
        station: BROADCAST,
    });
    if to_this_box && let Ok(socket) = Socket::bind(&link.name, 0) {
        let outgoing = Outgoing {
            payload: packet,
            to: everybody,
            from: Ipv4Addr::UNSPECIFIED,
        };
        let _ = socket.send(&outgoing).await;
    }
}

/// Whether another program than the daemon holds port 67, so that the daemon captures packets.
pub(super) fn is_captured(facts: &Facts) -> bool {
    let daemon = facts.site.running.as_ref().and_then(|running| running.pid);
    holders(Protocol::Udp, SERVER_PORT).iter().any(|owner| {
        owner
            .process
            .as_ref()
            .is_some_and(|process| Some(process.pid) != daemon && process.name != "bootwright")
    })
}
