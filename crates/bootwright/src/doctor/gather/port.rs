//! Who holds the ports that the daemon needs.

use std::fs;
use std::path::Path;

use bootwright_core::DhcpMode;
use bootwright_net::port::{Owner, Protocol, holders, unit};

use super::super::facts::{Holder, Port, Ports, Running, Site};

pub(super) fn gather(site: &Site) -> Ports {
    let daemon = &site.daemon;
    let dhcp = site.mode != DhcpMode::Off;
    let wanted = [
        ("P01", dhcp.then_some(67), Protocol::Udp),
        ("P02", dhcp.then_some(4011), Protocol::Udp),
        ("P03", Some(69), Protocol::Udp),
        ("P04", Some(daemon.http.port), Protocol::Tcp),
        ("P05", daemon.control.listen.map(|listen| listen.port), Protocol::Tcp),
        ("P06", daemon.syslog.map(|listen| listen.port), Protocol::Udp),
    ];
    let ports = wanted.into_iter().filter_map(|(id, number, protocol)| {
        let number = number?;
        let (ours, foreign): (Vec<Owner>, Vec<Owner>) = holders(protocol, number)
            .into_iter()
            .partition(|owner| is_daemons(owner, site.running.as_ref()));
        let mut foreign: Vec<Holder> = foreign.iter().map(holder).collect();
        foreign.dedup();
        let port = Port {
            number,
            protocol: match protocol {
                Protocol::Udp => "udp",
                Protocol::Tcp => "tcp",
            },
            foreign,
            ours: !ours.is_empty(),
        };
        Some((id, port))
    });
    Ports { ports: ports.collect() }
}

/// Whether a port is held by the daemon that answers us. Where its process cannot be seen, as in another container, the one
/// that cannot be seen is taken for it.
fn is_daemons(owner: &Owner, running: Option<&Running>) -> bool {
    match (running, &owner.process) {
        (Some(Running { pid: Some(pid), .. }), Some(process)) => process.pid == *pid,
        (Some(_), Some(process)) => process.name == "bootwright",
        (Some(Running { pid, .. }), None) => pid.is_none(),
        (None, _) => false,
    }
}

/// Who it is, and what ends it: its unit's own command where it has a unit that is not ours as well.
pub(super) fn holder(owner: &Owner) -> Holder {
    let Some(process) = &owner.process else {
        return Holder {
            words: owner.to_string(),
            ..Holder::default()
        };
    };
    let systemd = Path::new("/run/systemd/system").is_dir();
    let own = unit(&fs::read_to_string("/proc/self/cgroup").unwrap_or_default());
    let cgroup = fs::read_to_string(format!("/proc/{}/cgroup", process.pid)).unwrap_or_default();
    let unit = unit(&cgroup).filter(|unit| own.as_ref() != Some(unit));
    let stop = match &unit {
        Some(unit) if systemd => format!("systemctl stop {unit}"),
        _ => format!("kill {}", process.pid),
    };
    Holder {
        words: owner.to_string(),
        unit,
        stop: Some(stop),
    }
}
