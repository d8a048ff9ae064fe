//! Waking a host: magic packets on the interface where it was last seen.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use bootwright_core::{HostId, MacAddr};
use bootwright_net::Link;
use bootwright_net::selection::{Choice, default_selection};
use bootwright_proto::http::api::{CommandReport, Problem, ProblemCode};
use bootwright_proto::wake::{PORT, magic_packet};

use super::ApiState;
use super::fault::Fault;

/// The most cards of one host that are woken.
const CARDS_MAX: usize = 16;

/// Sends the packets, and records that they were sent.
pub(super) async fn wake(state: &ApiState, by: &str, host: &str) -> Result<CommandReport, Fault> {
    let view = state
        .core
        .read(|engine, _| engine.view(host).ok_or_else(|| Fault::unknown_host(engine, host)))?;
    let cards: Vec<MacAddr> = view.host.facts.macs.iter().copied().take(CARDS_MAX).collect();
    if cards.is_empty() {
        return Err(refused(
            format!("{}: none of its cards is known", view.name),
            "`mac = \"…\"` in `[hosts.<name>]` names one",
        ));
    }
    let links = links(state, view.visit.link.as_deref());
    if links.is_empty() {
        return Err(refused(
            format!("{}: no interface is served on which it could be woken", view.name),
            "`bootwright status` shows the interfaces",
        ));
    }
    for link in &links {
        send(link, &cards).map_err(|error| {
            refused(
                format!("{}: no packet can be sent on {}: {error}", view.name, link.name),
                "`bootwright status` shows the interfaces",
            )
        })?;
    }
    let places: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
    let woken: Vec<String> = cards.iter().map(ToString::to_string).collect();
    let note = format!(
        "woken: a magic packet for {} went out on {}",
        woken.join(", "),
        places.join(", ")
    );
    let id: HostId = view.host.id.clone();
    let answer = state.core.ask(|engine, now| engine.note_host(now, by, &id, &note));
    answer
        .settled()
        .await?
        .map_err(|refusal| state.core.read(|engine, _| Fault::refused(engine, host, &refusal)))?;
    Ok(CommandReport {
        host: view.name.to_string(),
        changed: false,
        state: view.host.state.phase.name().to_owned(),
        notes: vec![format!("{}: {note}", view.name)],
    })
}

fn refused(detail: String, hint: &str) -> Fault {
    Problem::new(ProblemCode::Conflict).detail(detail).hint(hint).into()
}

/// Where the host was last seen; before it was, all interfaces that are served.
fn links(state: &ApiState, seen: Option<&str>) -> Vec<Link> {
    let links = state.plane.links.load();
    let chosen = default_selection(&links, &state.plane.daemon.interfaces);
    let served: Vec<&Link> = chosen
        .iter()
        .filter(|(_, choice)| *choice == Choice::Served)
        .map(|(link, _)| *link)
        .collect();
    let last = served.iter().find(|link| Some(link.name.as_str()) == seen);
    match last {
        Some(link) => vec![(*link).clone()],
        None => served.into_iter().cloned().collect(),
    }
}

fn send(link: &Link, cards: &[MacAddr]) -> io::Result<()> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
    // Routes may lead a broadcast elsewhere.
    socket.bind_device(Some(link.name.as_bytes()))?;
    socket.set_broadcast(true)?;
    let own = link.ipv4().unwrap_or(Ipv4Addr::UNSPECIFIED);
    socket.bind(&SocketAddrV4::new(own, 0).into())?;
    let socket = UdpSocket::from(socket);
    for card in cards {
        socket.send_to(&magic_packet(*card), (Ipv4Addr::BROADCAST, PORT))?;
    }
    Ok(())
}
