//! Where a machine would reach us that does not ask at the moment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bootwright_core::Sighting;
use bootwright_net::Link;
use bootwright_net::selection::{Choice, default_selection};
use bootwright_proto::http::BaseUrl;

use super::ApiState;

/// Where a machine would reach us.
pub(super) struct Here {
    pub(super) base: BaseUrl,
    pub(super) address: Ipv4Addr,
}

/// The address of ours on the machine's link, towards the machine if it has one; else on the first link that is served.
pub(super) fn here(state: &ApiState, seen: &Sighting) -> Here {
    let plane = &state.plane;
    let links = plane.links.load();
    let own = links.iter().find(|link| Some(&link.name) == seen.link.as_ref());
    let chosen = default_selection(&links, &plane.daemon.interfaces);
    let served = chosen.iter().find(|(_, choice)| *choice == Choice::Served);
    let link = own.or(served.map(|(link, _)| *link));
    let address = link.and_then(|link| towards(link, seen)).unwrap_or(Ipv4Addr::LOCALHOST);
    let fixed = plane.daemon.base_url.fixed().and_then(|url| url.parse().ok());
    let base = fixed.unwrap_or_else(|| BaseUrl::of(SocketAddr::from((address, plane.daemon.http.port))));
    Here { base, address }
}

fn towards(link: &Link, seen: &Sighting) -> Option<Ipv4Addr> {
    let machine = match seen.address {
        Some(IpAddr::V4(machine)) => link.ipv4_towards(machine),
        Some(IpAddr::V6(_)) | None => None,
    };
    machine.or_else(|| link.ipv4())
}
