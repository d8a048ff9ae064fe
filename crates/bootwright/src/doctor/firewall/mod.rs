//! The packet filter: P07. Every packet that a boot needs is led through the rules, as the kernel would.

mod iptables;
mod nft;
mod rule;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use bootwright_config::Sockets;
use bootwright_core::DhcpMode;
use bootwright_net::Link;
use bootwright_net::link::Address;

use super::facts::Facts;
use super::report::Judged;

pub(super) use iptables::{Variant, parse as parse_iptables};
pub(super) use nft::parse as parse_nft;
pub(super) use rule::{Chain, Ruleset};
use rule::{Fate, Packet, State};

/// A port from which a machine fetches by TFTP, as ROMs of Intel's line use it.
const CLIENT_TFTP_PORT: u16 = 2070;
/// A port of ours from which a transfer is sent.
const TRANSFER_PORT: u16 = 40_000;

/// A packet that a boot needs, and what it is for.
struct Needed {
    what: String,
    packet: Packet,
}

/// What a blocked packet asks of a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    /// Let this port in.
    Port { udp: bool, port: u16 },
    /// Let in what belongs to what was let in.
    Established,
    /// Let what leaves this port out.
    From { udp: bool, port: u16 },
    /// Let out what transfers send.
    Transfers,
}

pub(super) fn verdict(facts: &Facts) -> Judged {
    let rules = match &facts.firewall.rules {
        None => return Judged::skipped("the rules of the packet filter were not read"),
        Some(Err(why)) => return Judged::skipped(why.clone()),
        Some(Ok(rules)) => rules,
    };
    if rules.chains.is_empty() {
        return Judged::ok("there are no rules");
    }
    let (mut blocked, mut unsure) = (Vec::new(), BTreeSet::new());
    let mut commands: Vec<(Chain, String, Wish)> = Vec::new();
    for link in facts.network.served() {
        for Needed { what, packet } in needed(facts, link) {
            match rules.judge(&packet) {
                Fate::Accepted => {}
                Fate::Unsure { rule } => {
                    unsure.insert(format!("whether {what} passes hangs on `{rule}`"));
                }
                Fate::Dropped { chain, rule } => {
                    blocked.push(format!("{what} on {} ({rule})", link.name));
                    let wish = wish_of(&packet);
                    let known = |(other, on, other_wish): &(Chain, String, Wish)| {
                        other.is(chain) && *on == link.name && *other_wish == wish
                    };
                    if !commands.iter().any(known) {
                        commands.push((chain.bare(), link.name.clone(), wish));
                    }
                }
            }
        }
    }
    if !blocked.is_empty() {
        return Judged::error(format!("the packet filter drops {}", blocked.join(", ")))
            .repair(repairs(&commands).join(" && "))
            .advice(keeps(rules));
    }
    let ports = "DHCP, PXE, TFTP and HTTP pass";
    if unsure.is_empty() {
        Judged::ok(format!("{ports} all {} chains", rules.chains.len()))
    } else {
        Judged::ok(format!(
            "{ports} as far as the rules can be read: {}",
            unsure.into_iter().collect::<Vec<_>>().join("; ")
        ))
    }
}

/// How what a command has set outlives the next start, by who manages the rules.
fn keeps(rules: &Ruleset) -> String {
    let has = |begin: &str| {
        rules
            .chains
            .iter()
            .any(|chain| chain.table.starts_with(begin) || chain.name.starts_with(begin))
    };
    if has("firewalld") {
        "firewalld manages the rules: enter the ports there too (`firewall-cmd --permanent --add-port=67/udp`, …), or they are gone \
         with its next reload"
            .to_owned()
    } else if has("ufw") {
        "ufw manages the rules: enter the ports there too (`ufw allow 67/udp`, …), or they are gone with its next reload".to_owned()
    } else {
        "enter the rules where this box keeps them, such as `/etc/nftables.conf`, or they are gone with its next start"
            .to_owned()
    }
}

/// The packets of a boot on one link.
fn needed(facts: &Facts, link: &Link) -> Vec<Needed> {
    let Some((own, machine)) = addresses(link) else {
        return Vec::new();
    };
    let site = &facts.site;
    let arrives = |udp, (from, from_port), (to, to_port), state, broadcast| Packet {
        arrives: true,
        link: link.name.clone(),
        udp,
        from,
        to,
        from_port,
        to_port,
        state,
        broadcast,
    };
    let leaves = |udp, from_port, (to, to_port), state, broadcast| Packet {
        arrives: false,
        ..arrives(udp, (own, from_port), (to, to_port), state, broadcast)
    };
    let (nobody, everybody) = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
    let http = site.daemon.http.port;
    let mut all = Vec::new();
    let mut need = |what: &str, packet| {
        all.push(Needed {
            what: what.to_owned(),
            packet,
        });
    };
    // Captured packets are seen before the filter, and answers to them leave behind it.
    if site.mode != DhcpMode::Off && site.daemon.dhcp.sockets != Sockets::Packet {
        need(
            "port 67/udp (DHCP)",
            arrives(true, (nobody, 68), (everybody, 67), State::New, true),
        );
        need(
            "port 4011/udp (PXE)",
            arrives(true, (machine, 68), (own, 4011), State::New, false),
        );
        need("DHCP offers", leaves(true, 67, (everybody, 68), State::New, true));
    }
    need(
        "port 69/udp (TFTP)",
        arrives(true, (machine, CLIENT_TFTP_PORT), (own, 69), State::New, false),
    );
    need(
        "TFTP blocks that leave",
        leaves(true, TRANSFER_PORT, (machine, CLIENT_TFTP_PORT), State::New, false),
    );
    need(
        "acknowledgements of TFTP",
        arrives(
            true,
            (machine, CLIENT_TFTP_PORT),
            (own, TRANSFER_PORT),
            State::Established,
            false,
        ),
    );
    let named = format!("port {http}/tcp (HTTP)");
    need(
        &named,
        arrives(false, (machine, 49_152), (own, http), State::New, false),
    );
    need(
        "HTTP requests under way",
        arrives(false, (machine, 49_152), (own, http), State::Established, false),
    );
    need(
        "HTTP answers",
        leaves(false, http, (machine, 49_152), State::Established, false),
    );
    all
}

/// Our address on a link, and one that a machine there could have.
fn addresses(link: &Link) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let own = link.ipv4()?;
    let covers = |other: Ipv4Addr| {
        let network = link.addresses.iter().find(|address| address.ip == IpAddr::V4(own));
        network.is_some_and(|network: &Address| network.covers(IpAddr::V4(other)))
    };
    let near = [1, -1, 2, -2].into_iter().find_map(|step: i32| {
        let other = Ipv4Addr::from_bits(own.to_bits().wrapping_add_signed(step));
        covers(other).then_some(other)
    });
    Some((own, near.unwrap_or(own)))
}

fn wish_of(packet: &Packet) -> Wish {
    let udp = packet.udp;
    match (packet.arrives, packet.state) {
        (true, State::Established) => Wish::Established,
        (true, State::New) => Wish::Port {
            udp,
            port: packet.to_port,
        },
        (false, _) if packet.from_port == TRANSFER_PORT => Wish::Transfers,
        (false, _) => Wish::From {
            udp,
            port: packet.from_port,
        },
    }
}

/// One command for each chain, link and kind of wish: ports of one protocol are let in together.
fn repairs(commands: &[(Chain, String, Wish)]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (chain, link, wish) in commands {
        let ports = |wanted: &Wish| {
            let mut ports: Vec<u16> = commands
                .iter()
                .filter(|(other, on, _)| other.is(chain) && on == link)
                .filter_map(|(_, _, wish)| match (wish, wanted) {
                    (Wish::Port { udp, port }, Wish::Port { udp: same, .. })
                    | (Wish::From { udp, port }, Wish::From { udp: same, .. })
                        if udp == same =>
                    {
                        Some(*port)
                    }
                    _ => None,
                })
                .collect();
            ports.sort_unstable();
            ports.dedup();
            ports
        };
        let command = chain.let_through(link, wish, &ports(wish));
        if !all.contains(&command) {
            all.push(command);
        }
    }
    all
}

impl Chain {
    /// The command that puts a rule in front of this chain.
    fn let_through(&self, link: &str, wish: &Wish, ports: &[u16]) -> String {
        let protocol = |udp: &bool| if *udp { "udp" } else { "tcp" };
        let list = |separator: &str| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(separator);
        if let Some(variant) = self.variant {
            let front = format!("{} -t {} -I {}", variant.command(), self.table, self.name);
            return match wish {
                Wish::Port { udp, .. } => {
                    let protocol = protocol(udp);
                    format!(
                        "{front} -i {link} -p {protocol} -m multiport --dports {} -j ACCEPT",
                        list(",")
                    )
                }
                Wish::From { udp, .. } => {
                    let protocol = protocol(udp);
                    format!(
                        "{front} -o {link} -p {protocol} -m multiport --sports {} -j ACCEPT",
                        list(",")
                    )
                }
                Wish::Established => format!("{front} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"),
                Wish::Transfers => format!("{front} -o {link} -p udp --sport 1024: -j ACCEPT"),
            };
        }
        let front = format!("insert rule {} {} {}", self.family, self.table, self.name);
        let rule = match wish {
            Wish::Port { udp, .. } => format!("iifname \"{link}\" {} dport {{ {} }} accept", protocol(udp), list(", ")),
            Wish::From { udp, .. } => format!("oifname \"{link}\" {} sport {{ {} }} accept", protocol(udp), list(", ")),
            Wish::Established => "ct state established,related accept".to_owned(),
            Wish::Transfers => format!("oifname \"{link}\" udp sport 1024-65535 accept"),
        };
        format!("nft '{front} {rule}'")
    }
}
