//! Ports and rights: P01 to P06, P08.

use bootwright_config::Sockets;
use bootwright_core::DhcpMode;

use super::facts::{Facts, Holder};
use super::report::Judged;

/// To bind ports below 1024 (`capability.h`).
const NET_BIND_SERVICE: u32 = 10;
/// To capture packets and send raw ones.
const NET_RAW: u32 = 13;

fn holders(foreign: &[Holder]) -> String {
    let one = |holder: &Holder| match &holder.unit {
        Some(unit) => format!("{} of `{unit}`", holder.words),
        None => holder.words.clone(),
    };
    foreign.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A port that nobody else may hold.
fn alone(facts: &Facts, id: &str, needed: &str, elsewhere: &str) -> Judged {
    let Some(port) = facts.ports.ports.get(id) else {
        return Judged::skipped(needed.to_owned());
    };
    let name = format!("port {}/{}", port.number, port.protocol);
    if port.foreign.is_empty() {
        return Judged::ok(if port.ours {
            format!("{name} is held by the daemon")
        } else {
            format!("{name} is free")
        });
    }
    let stops: Vec<&str> = port
        .foreign
        .iter()
        .filter_map(|holder| holder.stop.as_deref())
        .collect();
    Judged::error(format!("{name} is held by {}", holders(&port.foreign)))
        .repair(if stops.is_empty() {
            format!("ss -{}lpn 'sport = :{}'", &port.protocol[..1], port.number)
        } else {
            stops.join(" && ")
        })
        .advice(elsewhere.to_owned())
}

pub(super) fn dhcp(facts: &Facts) -> Judged {
    let judged = alone(
        facts,
        "P01",
        "`mode = \"off\"`: DHCP is not served",
        "or keep it and set `sockets = \"auto\"` in `[dhcp]`: then packets are captured beside it",
    );
    let foreign = facts.ports.ports.get("P01").map(|port| &port.foreign);
    match foreign.filter(|foreign| !foreign.is_empty()) {
        Some(foreign) if facts.site.daemon.dhcp.sockets != Sockets::Kernel => Judged::ok(format!(
            "port 67/udp is held by {}, and packets are captured beside it",
            holders(foreign)
        )),
        _ => judged,
    }
}

pub(super) fn pxe(facts: &Facts) -> Judged {
    alone(
        facts,
        "P02",
        "`mode = \"off\"`: DHCP is not served",
        "machines ask for their boot file on port 4011 and on no other",
    )
}

pub(super) fn tftp(facts: &Facts) -> Judged {
    alone(
        facts,
        "P03",
        "TFTP is not served",
        "machines ask on port 69 and on no other",
    )
}

pub(super) fn machine_plane(facts: &Facts) -> Judged {
    alone(
        facts,
        "P04",
        "the machine plane is not served",
        "or set another `http` in `[server]`, such as \":8081\"",
    )
}

pub(super) fn control_plane(facts: &Facts) -> Judged {
    alone(
        facts,
        "P05",
        "the control plane is not served",
        "or set another `listen` in `[control]`",
    )
}

pub(super) fn syslog(facts: &Facts) -> Judged {
    alone(
        facts,
        "P06",
        "no syslog receiver is configured",
        "or set another `syslog` in `[server]`",
    )
}

pub(super) fn capabilities(facts: &Facts) -> Judged {
    let process = &facts.process;
    let Some(bits) = process.capabilities else {
        return Judged::skipped("the capabilities cannot be read");
    };
    let missing: Vec<&str> = [(NET_BIND_SERVICE, "NET_BIND_SERVICE"), (NET_RAW, "NET_RAW")]
        .into_iter()
        .filter(|(bit, _)| bits >> bit & 1 == 0)
        .map(|(_, name)| name)
        .collect();
    if missing.is_empty() {
        return Judged::ok(format!("{} has NET_BIND_SERVICE and NET_RAW", process.whose));
    }
    let needs_raw_only = missing == ["NET_RAW"] && facts.site.mode != DhcpMode::Server;
    let evidence = format!("{} lacks {}", process.whose, missing.join(" and "));
    let judged = if needs_raw_only {
        Judged::warning(evidence)
    } else {
        Judged::error(evidence)
    };
    let file = process.program.as_ref().map(|file| file.display().to_string());
    judged
        .repair_if(file.map(|file| format!("setcap cap_net_bind_service,cap_net_raw=+ep {}", quoted(&file))))
        .advice(
            "in a container `cap_add: [NET_BIND_SERVICE, NET_RAW]`, in a unit `AmbientCapabilities=CAP_NET_BIND_SERVICE \
             CAP_NET_RAW`",
        )
}

/// A word for a shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word_for_a_shell() {
        assert_eq!(quoted("/var/lib/bootwright"), "/var/lib/bootwright");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(quoted(""), "''");
    }
}
