//! The other DHCP and boot servers of a link, as the census knows them.

use std::fmt::Display;

use bootwright_core::Census;
use bootwright_core::census::Deed;
use bootwright_proto::http::api::{Line, ServerView};

use super::moment::Now;

/// One sentence for each.
pub(super) fn sentences<A: Copy + Ord + Display>(census: &Census<A>) -> Vec<String> {
    let servers = census.servers().iter();
    servers.map(|(address, server)| format!("{address} {server}")).collect()
}

/// Each of them, taken apart.
pub(super) fn views<A: Copy + Ord + Display>(census: &Census<A>, clock: Now) -> Vec<ServerView> {
    let servers = census.servers().iter();
    servers
        .map(|(address, server)| ServerView {
            address: address.to_string(),
            station: server.station.map(|station| station.to_string()),
            process: server.process.clone(),
            deeds: server.deeds.iter().map(|deed| deed.name().to_owned()).collect(),
            since: clock.text(server.first),
            heard: clock.text(server.last),
        })
        .collect()
}

/// What they mean for a machine on the link; `kind` is what they speak.
pub(super) fn lines<A: Copy + Ord + Display>(link: &str, kind: &str, census: &Census<A>, clock: Now) -> Vec<Line> {
    let servers = census.servers().iter();
    let mut lines: Vec<Line> = servers
        .map(|(address, server)| Line {
            code: server
                .deeds
                .first()
                .map_or("server", |deed: &Deed| deed.name())
                .to_owned(),
            words: format!("on {link}, {address} {server}"),
            time: Some(clock.text(server.last)),
            count: None,
        })
        .collect();
    if lines.is_empty() {
        let words = match (census.blind(), census.is_taken()) {
            (Some(why), _) => format!("on {link}, other {kind} servers cannot be searched for: {why}"),
            (None, true) => format!("on {link}, no other {kind} server answers"),
            (None, false) => format!("on {link}, other {kind} servers are still being searched for"),
        };
        lines.push(Line {
            code: "no-server".to_owned(),
            words,
            time: None,
            count: None,
        });
    }
    lines
}
