//! A segment for stories about addresses: lines such as `a discover; a select .100` in, what became of them out.
//!
//! Machines are the letters `a` to `z`, in upper case if firmware speaks. `.100` is an address of the subnet 10.0.0.0/24,
//! `1.100` one of 10.0.1.0/24. What the engine wants recorded is recorded; `crash` forgets all else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use bootwright_core::census::{By, Deed, Sign};
use bootwright_core::lease::{AddressRange, Lease, LeaseMessage, LeaseState, Origin, Probed, Relay, Subnet};
use bootwright_core::{
    Arch, DhcpMode, Facts, HostDefinition, Loader, MacAddr, Policy, Sighting, Span, Timestamp, Way, World,
};
use bootwright_engine::{Engine, LeaseAsk, LeaseReply, OfferAsk, OfferReply, Outcome};

pub(crate) struct Segment {
    pub(crate) engine: Engine,
    pub(crate) policy: Policy,
    pub(crate) now: Timestamp,
    pub(crate) recorded: BTreeMap<Ipv4Addr, Lease>,
    world: World,
    told: String,
}

pub(crate) fn mac(name: char) -> MacAddr {
    let number = u8::try_from(name.to_ascii_lowercase()).expect("a letter");
    MacAddr::new([0x52, 0x54, 0, 0, 0, number])
}

/// `.100` or `1.100`.
pub(crate) fn address(text: &str) -> Ipv4Addr {
    let (subnet, host) = text.split_once('.').unwrap_or_else(|| panic!("`{text}` is no address"));
    let number = |text: &str| {
        if text.is_empty() {
            0
        } else {
            text.parse().expect("a byte")
        }
    };
    Ipv4Addr::new(10, 0, number(subnet), number(host))
}

fn short(address: Ipv4Addr) -> String {
    let [a, b, subnet, host] = address.octets();
    match (a, b, subnet) {
        (10, 0, 0) => format!(".{host}"),
        (10, 0, subnet) => format!("{subnet}.{host}"),
        _ => address.to_string(),
    }
}

pub(crate) fn subnet(number: u8, first: u8, last: u8) -> Subnet {
    let at = |host| Ipv4Addr::new(10, 0, number, host);
    Subnet {
        network: format!("10.0.{number}.0/24").parse().expect("a network"),
        ranges: vec![AddressRange {
            first: at(first),
            last: at(last),
        }],
        routers: vec![at(1)],
        dns: vec![at(2)],
        domain: Some("example.net".to_owned()),
        search: Vec::new(),
        ntp: Vec::new(),
        mtu: None,
        lease: Span::from_hours(12),
        boot_lease: Span::from_mins(10),
        links: Vec::new(),
        relays: Vec::new(),
        probe: false,
        known_share: 0,
    }
}

pub(crate) fn policy(subnets: Vec<Subnet>) -> Policy {
    Policy {
        dhcp: DhcpMode::Server,
        subnets: subnets.into_iter().map(Arc::new).collect(),
        relays: BTreeSet::from([Ipv4Addr::new(10, 0, 1, 1)]),
        ..crate::site::policy()
    }
}

pub(crate) fn host(policy: &mut Policy, name: &str, card: char, addresses: &[&str]) {
    let definition = HostDefinition {
        name: None,
        facts: Facts::of_mac(mac(card)),
        profile: None,
        labels: BTreeMap::new(),
        metadata: BTreeMap::new(),
        first_file: None,
        directory: None,
        offer: None,
        local: None,
        addresses: addresses.iter().map(|text| address(text)).collect(),
    };
    policy.hosts.insert(name.parse().expect("a name"), definition);
}

/// Tells a story on one subnet with the addresses .100 to .109, on which nobody else leases any.
pub(crate) fn told(story: &str) -> String {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109)]));
    segment.tell(story);
    segment.told()
}

impl Segment {
    /// A segment on which nobody else leases addresses.
    pub(crate) fn new(policy: Policy) -> Self {
        let mut segment = Self::unseen(policy);
        let _ = segment.census(None);
        segment
    }

    /// A segment on which nobody has looked yet.
    pub(crate) fn unseen(policy: Policy) -> Self {
        let now = Timestamp::from_millis(1_000_000_000_000);
        Self {
            engine: engine(&policy, World::default(), now),
            policy,
            now,
            recorded: BTreeMap::new(),
            world: World::default(),
            told: String::new(),
        }
    }

    pub(crate) fn told(&mut self) -> String {
        std::mem::take(&mut self.told)
    }

    pub(crate) fn tell(&mut self, story: &str) {
        for line in story.split([';', '\n']).map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let answer = self.happen(&words);
            self.told.push_str(line);
            if let Some(answer) = answer.filter(|answer| !answer.is_empty()) {
                self.told.push_str(if answer.starts_with('\n') { "" } else { " -> " });
                self.told.push_str(&answer);
            }
            self.told.push('\n');
        }
    }

    fn happen(&mut self, words: &[&str]) -> Option<String> {
        match words {
            ["wait", span] => {
                let (number, unit) = span.split_at(span.len() - 1);
                let number: u64 = number.parse().expect("a number");
                self.now = self.now.after(match unit {
                    "s" => Span::from_secs(number),
                    "m" => Span::from_mins(number),
                    _ => Span::from_hours(number),
                });
                None
            }
            ["crash"] => {
                self.engine = engine(&self.policy, self.world.clone(), self.now);
                self.engine.load_leases(self.now, self.recorded.values().cloned());
                let _ = self.census(None);
                None
            }
            ["reload"] => {
                let outcome = self.engine.reload(self.now, None, Arc::new(self.policy.clone()));
                Some(self.settled(outcome).1)
            }
            ["store", state] => {
                let _ = self.engine.set_store(*state == "up", false);
                None
            }
            ["census", server] => {
                let news = self.census(server.parse().ok());
                Some(news)
            }
            ["probe", at, "free"] => self.probe(at, Probed::Free),
            ["probe", at, "used"] => self.probe(at, Probed::InUse(None)),
            ["probe", at, "used", by] => self.probe(at, Probed::InUse(Some(mac(letter(by))))),
            [who, verb, rest @ ..] => Some(self.say(letter(who), verb, rest)),
            _ => panic!("no such words: {words:?}"),
        }
    }

    /// Looks who else leases addresses on `eth1`, and says what is new.
    fn census(&mut self, server: Option<Ipv4Addr>) -> String {
        let mut news = String::new();
        // Who is gone must have missed two rounds.
        for _ in 0..2 {
            let _ = self.engine.census_hurry(self.now, "eth1");
            let _ = self.engine.census_searched(self.now, "eth1");
            if let Some(server) = server {
                let sign = Sign {
                    server,
                    station: None,
                    process: None,
                    deeds: BTreeSet::from([Deed::Leases]),
                    by: By::Search,
                };
                let outcome = self.engine.census_heard(self.now, "eth1", &sign);
                news.push_str(&self.settled(outcome).1);
            }
            self.now = self.now.after(Span::from_secs(5));
            let outcome = self.engine.census_concluded(self.now, "eth1");
            news.push_str(&self.settled(outcome).1);
        }
        news
    }

    fn probe(&mut self, at: &str, found: Probed) -> Option<String> {
        let outcome = self.engine.probed(self.now, address(at), found);
        Some(self.settled(outcome).1)
    }

    fn say(&mut self, who: char, verb: &str, rest: &[&str]) -> String {
        let at = || address(rest.first().unwrap_or_else(|| panic!("`{verb}` needs an address")));
        let message = match verb {
            "discover" => LeaseMessage::Discover {
                wish: rest.first().filter(|text| text.contains('.')).map(|text| address(text)),
            },
            "select" => LeaseMessage::Select { address: at() },
            "reboot" => LeaseMessage::Reboot { address: at() },
            "renew" => LeaseMessage::Renew { address: at() },
            "rebind" => LeaseMessage::Rebind { address: at() },
            "decline" => LeaseMessage::Decline { address: at() },
            "release" => LeaseMessage::Release { address: at() },
            "inform" => LeaseMessage::Inform { address: at() },
            "leaves" => LeaseMessage::ChoseAnother {
                server: Ipv4Addr::new(10, 0, 0, 9),
            },
            _ => panic!("no such verb: {verb}"),
        };
        let mut ask = self.ask(who, message);
        match rest {
            [.., "via", "relay"] => through(&mut ask.origin, relay("1.1")),
            [.., "via", "stranger"] => through(&mut ask.origin, relay("7.1")),
            [.., "via", "forger"] => {
                through(&mut ask.origin, relay("1.1"));
                ask.origin.way = Way::Relay {
                    relay: address("1.1"),
                    sender: address(".50"),
                    is_ours: false,
                };
            }
            [from, .., "routed"] => ask.origin.way = Way::Routed { sender: address(from) },
            [.., "on", link] => ask.origin.link = (*link).to_owned(),
            _ => {}
        }
        self.answer(&ask)
    }

    pub(crate) fn ask(&self, who: char, message: LeaseMessage) -> LeaseAsk {
        let firmware = who.is_ascii_uppercase();
        let mut seen = Sighting {
            boot_mac: Some(mac(who)),
            ..Sighting::default()
        };
        seen.facts.macs.insert(mac(who));
        LeaseAsk {
            message,
            mac: mac(who),
            uuid: None,
            origin: Origin {
                link: "eth1".to_owned(),
                addresses: vec![Ipv4Addr::new(10, 0, 0, 1)],
                way: Way::Link,
                relay: None,
                wish: None,
            },
            client_id: (!firmware).then(|| vec![255, 1]),
            host_name: None,
            booting: firmware,
            boot: firmware.then_some(OfferAsk {
                seen,
                arch: Arch::EFI64,
                loader: Loader::Firmware,
                way: Way::Link,
                make: bootwright_core::Make::new(b"PXEClient", mac(who)),
                wants: bootwright_engine::Wants::Offer,
            }),
        }
    }

    pub(crate) fn answer(&mut self, ask: &LeaseAsk) -> String {
        let outcome = self.engine.lease(self.now, ask);
        let (reply, news) = self.settled(outcome);
        let answer = match reply {
            LeaseReply::Offer { lease, boot, probe } => {
                let probe = if probe { ", to be tried first" } else { "" };
                format!("offer {}{}{probe}", terms(&lease), file(boot.as_ref()))
            }
            LeaseReply::Ack { lease, boot } => format!("ack {}{}", terms(&lease), file(boot.as_ref())),
            LeaseReply::Told(lease) => format!("told {} {}", lease.mask, lease.routers.len()),
            LeaseReply::Nak(why) => format!("nak ({why})"),
            LeaseReply::Noted => "noted".to_owned(),
            LeaseReply::Silence(why) => format!("silence ({why})"),
        };
        format!("{answer}{news}")
    }

    /// Records what is to be recorded, and says it.
    fn settled<R>(&mut self, outcome: Outcome<R>) -> (R, String) {
        let mut news = String::new();
        for lease in outcome.leases {
            let holder = char::from(lease.holder.octets()[5]);
            let until = lease.until.since(self.now);
            news.push_str(&match lease.state {
                LeaseState::Bound => format!(" [{} {holder} {until}]", short(lease.address)),
                LeaseState::Released => format!(" [{} {holder} released]", short(lease.address)),
                LeaseState::Declined => format!(" [{} declined {until}]", short(lease.address)),
            });
            self.recorded.insert(lease.address, lease);
        }
        if outcome.promises {
            news.push_str(", once recorded");
        }
        for entry in &outcome.entries {
            news.push_str(&format!("\n    {:?}: {}", entry.verb, entry.note));
            bootwright_core::apply(&mut self.world, entry);
        }
        (outcome.reply, news)
    }
}

fn engine(policy: &Policy, world: World, now: Timestamp) -> Engine {
    let mut engine = Engine::new(Arc::new(policy.clone()), world, now);
    engine.set_own_addresses(now, BTreeSet::from([Ipv4Addr::new(10, 0, 0, 1)]));
    engine
}

fn letter(text: &str) -> char {
    text.chars().next().expect("a letter")
}

pub(crate) fn relay(text: &str) -> Relay {
    Relay {
        address: address(text),
        selection: None,
        circuit: Vec::new(),
    }
}

/// Puts a request on the way through a relay.
pub(crate) fn through(origin: &mut Origin, relay: Relay) {
    origin.way = Way::Relay {
        relay: relay.address,
        sender: relay.address,
        is_ours: false,
    };
    origin.relay = Some(relay);
}

fn terms(lease: &bootwright_proto::dhcp::Lease) -> String {
    let span = Span::from_secs(u64::from(lease.secs.unwrap_or(0)));
    let name = lease
        .host_name
        .as_ref()
        .map(|name| format!(" as {name}"))
        .unwrap_or_default();
    format!("{} for {span}{name}", short(lease.address))
}

fn file(boot: Option<&OfferReply>) -> String {
    match boot {
        Some(OfferReply::FirstFile { file, .. }) => format!(" with {file}"),
        Some(other) => format!(" with {other:?}"),
        None => String::new(),
    }
}
