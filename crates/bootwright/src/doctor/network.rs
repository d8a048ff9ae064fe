//! Interfaces: N01 to N08.

use std::net::Ipv4Addr;

use bootwright_net::Link;
use bootwright_net::environment::Environment;
use bootwright_net::link::Kind;
use bootwright_net::selection::{Choice, WhyNot};

use super::facts::{Facts, Network};
use super::report::Judged;

/// Networks to choose from where an interface has no address: private ones that hardly anybody begins with.
const SPARE: [Ipv4Addr; 4] = [
    Ipv4Addr::new(10, 87, 0, 1),
    Ipv4Addr::new(172, 29, 87, 1),
    Ipv4Addr::new(192, 168, 187, 1),
    Ipv4Addr::new(10, 187, 87, 1),
];

/// How long a port of a bridge may wait before machines give up: most firmware tries for some twenty seconds.
const SPANNING_SECS_MAX: u32 = 8;

pub(super) fn interface_up(facts: &Facts) -> Judged {
    let network = &facts.network;
    if let Some(why) = &network.trouble {
        return Judged::error(format!("the interfaces cannot be listed: {why}")).advice("run it as root");
    }
    let served: Vec<&str> = network.served().map(|link| link.name.as_str()).collect();
    if !served.is_empty() {
        return Judged::ok(format!("served: {}", served.join(", ")));
    }
    let why = network
        .links
        .iter()
        .filter_map(|(link, choice)| match choice {
            Choice::Skipped(WhyNot::Loopback) | Choice::Served => None,
            Choice::Skipped(why) => Some(format!("{}: {why}", link.name)),
        })
        .collect::<Vec<_>>()
        .join("; ");
    let why = if why.is_empty() {
        "there is no network card".to_owned()
    } else {
        why
    };
    let down: Vec<String> = skipped(network, &WhyNot::Down)
        .map(|link| format!("ip link set {} up", link.name))
        .collect();
    let judged = Judged::error(format!("no interface is served: {why}"));
    if down.is_empty() {
        judged.advice("plug in a card, or name the interface in `server.interfaces`")
    } else {
        judged.repair(down.join(" && "))
    }
}

pub(super) fn carrier(facts: &Facts) -> Judged {
    let served: Vec<&Link> = facts.network.served().collect();
    let dark: Vec<&str> = served
        .iter()
        .filter(|link| !link.carrier)
        .map(|link| link.name.as_str())
        .collect();
    if served.is_empty() {
        Judged::skipped("no interface is served (N01)")
    } else if dark.is_empty() {
        Judged::ok("every served interface has its other end")
    } else {
        Judged::error(format!(
            "{} has no carrier: nobody is at the other end",
            dark.join(", ")
        ))
        .advice("plug in the cable, or switch on the machine or switch at its other end")
    }
}

pub(super) fn address(facts: &Facts) -> Judged {
    let network = &facts.network;
    let without: Vec<&Link> = skipped(network, &WhyNot::NoAddress).collect();
    let by_itself: Vec<&Link> = network
        .served()
        .filter(|link| link.ipv4_addresses().all(|address| address.is_link_local()) && link.ipv4().is_some())
        .collect();
    let served = network.served().count();
    let (words, links) = match (without.first(), by_itself.first()) {
        (_, Some(link)) => (
            format!("{} has only an address that it gave itself", link.name),
            &by_itself,
        ),
        (Some(link), None) if served == 0 || !facts.site.daemon.interfaces.is_empty() => {
            (format!("{} has no IPv4 address", link.name), &without)
        }
        _ if served == 0 => return Judged::skipped("no interface is served (N01)"),
        _ => return Judged::ok("every served interface has an IPv4 address"),
    };
    let commands: Vec<String> = links
        .iter()
        .zip(spare(network))
        .map(|(link, address)| format!("ip address add {address}/24 broadcast + dev {}", link.name))
        .collect();
    Judged::error(words).repair(commands.join(" && ")).advice(
        "take an address of your own network where there is one, and enter it where this box sets its network up",
    )
}

/// Addresses that collide with no network of this box.
fn spare(network: &Network) -> impl Iterator<Item = Ipv4Addr> {
    let addresses = || network.links.iter().flat_map(|(link, _)| &link.addresses);
    SPARE
        .into_iter()
        .filter(move |address| !addresses().any(|own| own.covers((*address).into())))
}

pub(super) fn gateway(facts: &Facts) -> Judged {
    let network = &facts.network;
    let beyond = network.gateways.iter().find(|(name, router)| {
        let link = network.links.iter().find(|(link, _)| link.name == *name);
        link.is_some_and(|(link, _)| {
            link.is_ethernet() && !link.addresses.iter().any(|address| address.covers((*router).into()))
        })
    });
    match beyond {
        Some((name, router)) => Judged::warning(format!(
            "the default router {router} is in no network of {name}: what goes there waits for ever"
        ))
        .repair(format!("ip route del default via {router} dev {name}"))
        .advice("and enter the right one where this box sets its network up"),
        None if network.gateways.is_empty() => Judged::ok("there is no default route, and none is needed to boot"),
        None => Judged::ok("the default router is in a network of its interface"),
    }
}

pub(super) fn bridged_container(facts: &Facts) -> Judged {
    match &facts.network.environment {
        Some(environment @ Environment::Bridged { .. }) => {
            Judged::error(environment.to_string()).advice(environment.hint().unwrap_or_default())
        }
        Some(_) => Judged::ok("no container engine's own network is in the way"),
        None => Judged::skipped("where this runs cannot be seen"),
    }
}

pub(super) fn desktop(facts: &Facts) -> Judged {
    match &facts.network.environment {
        Some(environment @ Environment::DockerDesktop) => {
            Judged::error(environment.to_string()).advice(environment.hint().unwrap_or_default())
        }
        Some(environment @ Environment::Wsl) => {
            Judged::warning(environment.to_string()).advice(environment.hint().unwrap_or_default())
        }
        Some(_) => Judged::ok("this is a Linux box"),
        None => Judged::skipped("where this runs cannot be seen"),
    }
}

pub(super) fn named(facts: &Facts) -> Judged {
    let network = &facts.network;
    if facts.site.daemon.interfaces.is_empty() {
        return Judged::ok("`server.interfaces` names none: all wired ones are taken");
    }
    let ports: Vec<String> = network
        .links
        .iter()
        .filter_map(|(link, choice)| match (choice, &link.kind) {
            (Choice::Skipped(WhyNot::PortOf(_)), Kind::PortOf(master)) => {
                Some(format!("{} is a port of {master}", link.name))
            }
            _ => None,
        })
        .collect();
    let absent: Vec<String> = network
        .absent
        .iter()
        .map(|name| format!("`{name}` is not there"))
        .collect();
    let config = facts.site.config.display();
    match (ports.is_empty(), absent.is_empty()) {
        (true, true) => Judged::ok("`server.interfaces` names interfaces that are there"),
        (true, false) => {
            let here: Vec<&str> = network
                .links
                .iter()
                .filter(|(link, _)| link.kind != Kind::Loopback)
                .map(|(link, _)| link.name.as_str())
                .collect();
            Judged::warning(format!(
                "`server.interfaces` names what is not there: {}; there are {}",
                absent.join(", "),
                here.join(", ")
            ))
            .advice(format!("name one that is there in `server.interfaces` of `{config}`"))
        }
        (false, _) => Judged::error(format!(
            "`server.interfaces` names what carries no address of its own: {}",
            ports.join(", ")
        ))
        .advice(format!(
            "name the bridge, bond or team itself in `server.interfaces` of `{config}`"
        )),
    }
}

pub(super) fn spanning_tree(facts: &Facts) -> Judged {
    let network = &facts.network;
    let slow: Vec<&(String, u32)> = network
        .spanning
        .iter()
        .filter(|(name, secs)| secs * 2 > SPANNING_SECS_MAX && network.served().any(|link| link.name == *name))
        .collect();
    let Some((_, secs)) = slow.first() else {
        return Judged::ok("no bridge of this box makes a machine wait that was just plugged in");
    };
    let names: Vec<&str> = slow.iter().map(|(name, _)| name.as_str()).collect();
    let commands: Vec<String> = names
        .iter()
        .map(|name| format!("ip link set {name} type bridge stp_state 0"))
        .collect();
    Judged::warning(format!(
        "on {} the spanning tree protocol keeps a port closed for {} s after a machine was switched on",
        names.join(", "),
        secs * 2
    ))
    .repair(commands.join(" && "))
    .advice("only if the bridge has one way to each network; else make the machines' ports edge ports")
}

fn skipped<'a>(network: &'a Network, wanted: &'a WhyNot) -> impl Iterator<Item = &'a Link> {
    network
        .links
        .iter()
        .filter(move |(_, choice)| matches!(choice, Choice::Skipped(why) if why == wanted))
        .map(|(link, _)| link)
}
