//! Chains of rules, whoever wrote them, and what becomes of a packet in them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use super::Variant;

/// How deep chains may call each other; the kernel's own limit is 16.
const DEPTH_MAX: usize = 16;

/// A packet of IPv4.
#[derive(Clone, Debug)]
pub(in super::super) struct Packet {
    /// Whether it arrives here; else it leaves.
    pub(super) arrives: bool,
    /// The interface.
    pub(super) link: String,
    /// UDP; else TCP.
    pub(super) udp: bool,
    pub(super) from: Ipv4Addr,
    pub(super) to: Ipv4Addr,
    pub(super) from_port: u16,
    pub(super) to_port: u16,
    pub(super) state: State,
    pub(super) broadcast: bool,
}

/// What the kernel's table of connections says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum State {
    New,
    Established,
}

/// All rules.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Ruleset {
    pub(in super::super) chains: Vec<Chain>,
}

/// A chain.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Chain {
    /// `ip`, `inet` or `netdev`.
    pub(in super::super) family: String,
    pub(in super::super) table: String,
    pub(in super::super) name: String,
    /// How iptables made it; nothing if it was made with nftables.
    pub(super) variant: Option<Variant>,
    /// Where packets enter it, if it is no chain that others call.
    pub(super) base: Option<Base>,
    pub(super) rules: Vec<Rule>,
}

/// Where packets enter a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) hook: Hook,
    /// The order among chains of one hook.
    pub(super) priority: i64,
    /// Whether what no rule decides passes.
    pub(super) accepts: bool,
    /// The only interface that it is for.
    pub(super) link: Option<String>,
}

/// The places that a packet of ours comes by, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hook {
    Ingress,
    Prerouting,
    Input,
    Output,
    Postrouting,
}

/// A rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    /// As people read it.
    pub(super) text: String,
    pub(super) tests: Vec<Test>,
    pub(super) act: Act,
}

/// What a rule does with what it fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing that decides, such as counting.
    #[default]
    Nothing,
    Accept,
    Drop,
    Jump(String),
    Goto(String),
    Return,
    /// Something else that may decide.
    Other,
}

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) asks: Asks,
    /// Whether it fits what it asks for, or all else.
    pub(super) is_not: bool,
}

/// What a condition asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// The interface by which it arrives: names, or beginnings with a `*`.
    ArrivesBy(BTreeSet<String>),
    /// The interface by which it leaves.
    LeavesBy(BTreeSet<String>),
    /// `udp`, `tcp` and so on, in lower case.
    Protocol(BTreeSet<String>),
    FromPort(Vec<RangeInclusive<u16>>),
    ToPort(Vec<RangeInclusive<u16>>),
    /// Addresses: the first and the last.
    From(Vec<(Ipv4Addr, Ipv4Addr)>),
    To(Vec<(Ipv4Addr, Ipv4Addr)>),
    /// `new`, `established` and so on.
    State(BTreeSet<String>),
    /// `broadcast`, `unicast` or `host`, `multicast`.
    Cast(BTreeSet<String>),
    /// `ipv4`, `ipv6`.
    Family(BTreeSet<String>),
    /// What is not understood here.
    Unknown,
}

/// What becomes of a packet.
#[derive(Clone, Debug)]
pub(super) enum Fate<'a> {
    Accepted,
    Dropped {
        chain: &'a Chain,
        rule: String,
    },
    /// It hangs on a rule that is not understood here.
    Unsure {
        rule: String,
    },
}

/// What becomes of it in one chain.
enum Course {
    Accept,
    Drop(String),
    Unsure(String),
    /// It goes on behind the chain.
    Through,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    No,
    Perhaps,
}

impl Ruleset {
    /// Leads a packet through all chains.
    pub(super) fn judge(&self, packet: &Packet) -> Fate<'_> {
        let hooks: &[Hook] = if packet.arrives {
            &[Hook::Ingress, Hook::Prerouting, Hook::Input]
        } else {
            &[Hook::Output, Hook::Postrouting]
        };
        let mut on_the_way: Vec<(&Base, &Chain)> = self
            .chains
            .iter()
            .filter_map(|chain| Some((chain.base.as_ref()?, chain)))
            .filter(|(base, _)| hooks.contains(&base.hook))
            .filter(|(base, _)| base.link.as_ref().is_none_or(|link| *link == packet.link))
            .collect();
        on_the_way.sort_by_key(|(base, _)| (base.hook, base.priority));
        let mut unsure = None;
        for (base, chain) in on_the_way {
            match self.walk(chain, packet, 0) {
                Course::Accept => {}
                Course::Through if base.accepts => {}
                Course::Through => {
                    let rule = format!("the policy of chain {} {}", chain.table, chain.name);
                    return Fate::Dropped { chain, rule };
                }
                Course::Drop(rule) => return Fate::Dropped { chain, rule },
                Course::Unsure(rule) => {
                    unsure.get_or_insert(rule);
                }
            }
        }
        unsure.map_or(Fate::Accepted, |rule| Fate::Unsure { rule })
    }

    fn walk(&self, chain: &Chain, packet: &Packet, depth: usize) -> Course {
        let mut perhaps: Option<String> = None;
        for rule in &chain.rules {
            let fits = rule.fits(packet);
            let text = || format!("{} {}: {}", chain.table, chain.name, rule.text);
            match (fits, &rule.act) {
                (Fits::No, _) | (_, Act::Nothing) => {}
                (Fits::Perhaps, _) | (Fits::Yes, Act::Other) => {
                    perhaps.get_or_insert_with(text);
                }
                (Fits::Yes, Act::Accept) => return perhaps.map_or(Course::Accept, Course::Unsure),
                (Fits::Yes, Act::Drop) => return perhaps.map_or_else(|| Course::Drop(text()), Course::Unsure),
                (Fits::Yes, Act::Return) => return perhaps.map_or(Course::Through, Course::Unsure),
                (Fits::Yes, Act::Jump(name) | Act::Goto(name)) => {
                    let called = self.called(chain, name).filter(|_| depth < DEPTH_MAX);
                    let course = called.map_or(Course::Unsure(text()), |called| self.walk(called, packet, depth + 1));
                    match course {
                        Course::Through if matches!(rule.act, Act::Jump(_)) => {}
                        Course::Unsure(rule) => {
                            perhaps.get_or_insert(rule);
                        }
                        course => return perhaps.map_or(course, Course::Unsure),
                    }
                }
            }
        }
        perhaps.map_or(Course::Through, Course::Unsure)
    }

    fn called(&self, chain: &Chain, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|other| {
            other.family == chain.family
                && other.table == chain.table
                && other.variant == chain.variant
                && other.name == name
        })
    }
}

impl Chain {
    /// Whether both are the same chain.
    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.family, &self.table, &self.name, self.variant)
            == (&other.family, &other.table, &other.name, other.variant)
    }

    /// The chain's name alone.
    pub(super) fn bare(&self) -> Self {
        Self {
            rules: Vec::new(),
            ..self.clone()
        }
    }
}

impl Rule {
    fn fits(&self, packet: &Packet) -> Fits {
        let mut fits = Fits::Yes;
        for test in &self.tests {
            match test.fits(packet) {
                Fits::Yes => {}
                Fits::No => return Fits::No,
                Fits::Perhaps => fits = Fits::Perhaps,
            }
        }
        fits
    }
}

impl Test {
    fn fits(&self, packet: &Packet) -> Fits {
        let by = |wanted: &BTreeSet<String>, there: bool| {
            let name = packet.link.as_str();
            let one = |pattern: &String| match pattern.strip_suffix(['*', '+']) {
                Some(begin) => name.starts_with(begin),
                None => pattern == name,
            };
            there && wanted.iter().any(one)
        };
        let among = |ranges: &[(Ipv4Addr, Ipv4Addr)], address| {
            ranges.iter().any(|(first, last)| (*first..=*last).contains(&address))
        };
        let port = |ranges: &[RangeInclusive<u16>], port| ranges.iter().any(|range| range.contains(&port));
        let does = match &self.asks {
            Asks::ArrivesBy(names) => by(names, packet.arrives),
            Asks::LeavesBy(names) => by(names, !packet.arrives),
            Asks::Protocol(names) => {
                let ours: &[&str] = if packet.udp { &["udp", "17"] } else { &["tcp", "6"] };
                names.iter().any(|name| ours.contains(&name.as_str()))
            }
            Asks::FromPort(ranges) => port(ranges, packet.from_port),
            Asks::ToPort(ranges) => port(ranges, packet.to_port),
            Asks::From(ranges) => among(ranges, packet.from),
            Asks::To(ranges) => among(ranges, packet.to),
            Asks::State(states) => states.contains(match packet.state {
                State::New => "new",
                State::Established => "established",
            }),
            Asks::Cast(kinds) => {
                let ours: &[&str] = if packet.broadcast {
                    &["broadcast"]
                } else {
                    &["unicast", "host", "local"]
                };
                kinds.iter().any(|kind| ours.contains(&kind.as_str()))
            }
            Asks::Family(names) => names.iter().any(|name| name == "ipv4" || name == "ip" || name == "2"),
            Asks::Unknown => return Fits::Perhaps,
        };
        if does == self.is_not { Fits::No } else { Fits::Yes }
    }
}

impl Asks {
    /// The condition itself.
    pub(super) const fn test(self) -> Test {
        Test {
            asks: self,
            is_not: false,
        }
    }
}
