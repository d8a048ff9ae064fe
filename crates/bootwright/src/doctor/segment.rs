//! Other servers on the segment: N09 to N11.

use bootwright_core::DhcpMode;
use bootwright_core::census::Deed;

use super::facts::{Facts, Server};
use super::report::Judged;

/// From how many offers on that nobody took up it is no machine that was just switched off.
const OFFERS_MIN: u64 = 6;

/// The servers of all interfaces, each with its interface; or why it is not known who is there.
fn servers(facts: &Facts) -> Result<Vec<(&str, &Server)>, Judged> {
    let segment = &facts.segment;
    if segment.servers.is_empty() {
        return Err(Judged::skipped("no interface is served (N01)"));
    }
    let mut found = Vec::new();
    for (link, servers) in &segment.servers {
        match servers {
            Ok(servers) => found.extend(servers.iter().map(|server| (link.as_str(), server))),
            Err(why) => return Err(Judged::skipped(format!("on {link}, nobody was searched for: {why}"))),
        }
    }
    Ok(found)
}

fn words(found: &[&(&str, &Server)]) -> String {
    let one = |(link, server): &&(&str, &Server)| match &server.process {
        Some(process) => format!("{} on {link} ({process} on this box)", server.address),
        None => format!("{} on {link}", server.address),
    };
    found.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What ends those of them that run on this box.
fn stops(found: &[&(&str, &Server)]) -> Option<String> {
    let commands: Vec<&str> = found.iter().filter_map(|(_, server)| server.stop.as_deref()).collect();
    (!commands.is_empty()).then(|| commands.join(" && "))
}

pub(super) fn dhcp_servers(facts: &Facts) -> Judged {
    let all = match servers(facts) {
        Ok(all) => all,
        Err(judged) => return judged,
    };
    let lease: Vec<_> = all.iter().filter(|(_, server)| server.does(Deed::Leases)).collect();
    let serves = facts.site.mode == DhcpMode::Server;
    // By interface: two segments have a server each.
    let crowded = facts.segment.servers.keys().find_map(|link| {
        let here: Vec<_> = lease.iter().copied().filter(|(on, _)| on == link).collect();
        (here.len() > 1 || (serves && !here.is_empty())).then_some(here)
    });
    if let Some(here) = crowded {
        let evidence = if serves {
            format!("another server leases addresses beside us: {}", words(&here))
        } else {
            format!("several servers lease addresses: {}", words(&here))
        };
        let judged = if serves && facts.site.running.is_none() {
            Judged::error(evidence)
        } else {
            Judged::warning(evidence)
        };
        return judged.repair_if(stops(&here)).advice("switch all but one of them off");
    }
    let names: Vec<_> = lease
        .iter()
        .copied()
        .filter(|(_, server)| {
            [Deed::NamesFile, Deed::ClaimsPxe, Deed::HidesProxies]
                .iter()
                .any(|deed| server.does(*deed))
        })
        .collect();
    if !names.is_empty() {
        return Judged::warning(format!(
            "the DHCP server sends boot options of its own, which some firmware follows: {}",
            words(&names)
        ))
        .advice("take options 43, 60, 66, 67 and 175 and the boot file out of its configuration");
    }
    if lease.is_empty() && !serves {
        return Judged::warning("nobody leases addresses, and neither do we: no machine gets as far as booting").advice(
            "start the DHCP server, or let us lease with `mode = \"server\"` and a pool in `[dhcp]`; a server that answers \
             only machines that it knows is not seen",
        );
    }
    if lease.is_empty() {
        return Judged::ok("nobody leases addresses beside us");
    }
    Judged::ok(format!("addresses come from {}", words(&lease)))
}

pub(super) fn boot_servers(facts: &Facts) -> Judged {
    let all = match servers(facts) {
        Ok(all) => all,
        Err(judged) => return judged,
    };
    let boots: Vec<_> = all.iter().filter(|(_, server)| server.does(Deed::Boots)).collect();
    if boots.is_empty() {
        return Judged::ok("no other server tells machines where to boot");
    }
    let evidence = format!(
        "another server tells machines where to boot, and whom they follow is chance: {}",
        words(&boots)
    );
    if facts.site.mode == DhcpMode::Observe {
        return Judged::ok(format!("{evidence}; we only observe"));
    }
    Judged::warning(evidence)
        .repair_if(stops(&boots))
        .advice("switch one of the two off, or set `mode = \"observe\"` in `[dhcp]` here")
}

pub(super) fn snooping(facts: &Facts) -> Judged {
    let Some(running) = &facts.site.running else {
        return Judged::skipped("no daemon runs, so that no machine was answered");
    };
    let counters = &running.status.counters;
    let count = |name: &str| counters.get(name).copied().unwrap_or_default();
    let offers = count("dhcp.answered");
    let fetched = [
        "tftp.delivered",
        "tftp.size-probe",
        "tftp.sent-unacknowledged",
        "http.firmware",
        "http.ipxe",
    ]
    .iter()
    .map(|name| count(name))
    .sum::<u64>();
    match (offers, fetched) {
        (0, _) => Judged::ok("no machine has asked yet"),
        (OFFERS_MIN.., 0) => Judged::warning(format!(
            "{offers} offers left and no machine has fetched anything: something between us and them drops our offers"
        ))
        .advice(
            "on the switch, trust the port of this box (`ip dhcp snooping trust`), and look whether its firewall passes UDP 67 \
             to 68",
        ),
        (_, 0) => Judged::ok(format!("{offers} offers left, too few to tell what becomes of them")),
        (_, _) => Judged::ok(format!("{offers} offers left, and machines go on from them")),
    }
}
