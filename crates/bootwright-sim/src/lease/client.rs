//! One client: what it believes, and what it says next.

use std::net::Ipv4Addr;

use bootwright_core::lease::{LeaseMessage, Origin, Relay};
use bootwright_core::{Arch, Loader, MacAddr, Make, Sighting, Timestamp, Way};
use bootwright_engine::{LeaseAsk, OfferAsk, Wants};

use crate::Chance;

/// What a client believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    /// It has no address.
    Nothing,
    /// It was offered this one.
    Offered(Ipv4Addr),
    /// It has this one until then, since the configuration of that number.
    Bound(Ipv4Addr, Timestamp, u32),
}

/// A client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) mac: MacAddr,
    pub(super) belief: Belief,
    /// Whether it is on the segment behind the relay.
    pub(super) relayed: bool,
}

/// The relay of the second segment.
pub(super) const RELAY: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 1);

impl Client {
    /// The address that it believes to have.
    pub(super) fn bound(&self, now: Timestamp) -> Option<(Ipv4Addr, u32)> {
        match self.belief {
            Belief::Bound(address, until, epoch) if until > now => Some((address, epoch)),
            Belief::Bound(..) | Belief::Nothing | Belief::Offered(_) => None,
        }
    }

    /// What it says next: mostly what a decent client says, at times anything.
    pub(super) fn speaks(&self, chance: &mut Chance, now: Timestamp) -> LeaseMessage {
        if chance.percent(15) {
            return anything(chance);
        }
        let wish = chance.percent(20).then(|| any_address(chance));
        match self.belief {
            Belief::Nothing => LeaseMessage::Discover { wish },
            Belief::Offered(address) => match chance.below(10) {
                0 => LeaseMessage::Discover { wish },
                1 => LeaseMessage::ChoseAnother { server: RELAY },
                2 => LeaseMessage::Decline { address },
                _ => LeaseMessage::Select { address },
            },
            Belief::Bound(address, until, _) if until > now => match chance.below(20) {
                0 => LeaseMessage::Release { address },
                1 => LeaseMessage::Decline { address },
                2..6 => LeaseMessage::Reboot { address },
                6..9 => LeaseMessage::Discover { wish },
                9 => LeaseMessage::Inform { address },
                10..16 => LeaseMessage::Renew { address },
                _ => LeaseMessage::Rebind { address },
            },
            Belief::Bound(address, ..) => match chance.below(3) {
                0 => LeaseMessage::Reboot { address },
                _ => LeaseMessage::Discover { wish: Some(address) },
            },
        }
    }

    /// The request that the engine sees. Firmware and the system of the machine take turns.
    pub(super) fn ask(&self, chance: &mut Chance, message: LeaseMessage) -> LeaseAsk {
        let booting = chance.percent(50);
        let relay = self.relayed && !matches!(message, LeaseMessage::Renew { .. } | LeaseMessage::Release { .. });
        let way = match message {
            _ if relay => Way::Relay {
                relay: RELAY,
                sender: RELAY,
                is_ours: false,
            },
            LeaseMessage::Renew { address } | LeaseMessage::Release { address } if self.relayed => {
                Way::Routed { sender: address }
            }
            _ => Way::Link,
        };
        let mut seen = Sighting {
            boot_mac: Some(self.mac),
            ..Sighting::default()
        };
        seen.facts.macs.insert(self.mac);
        LeaseAsk {
            message,
            mac: self.mac,
            uuid: None,
            origin: Origin {
                link: "lan0".to_owned(),
                addresses: vec![Ipv4Addr::new(10, 1, 0, 1)],
                way,
                relay: relay.then(|| Relay {
                    address: RELAY,
                    selection: None,
                    circuit: Vec::new(),
                }),
                wish: None,
            },
            client_id: (!booting).then(|| vec![255, 0, 1]),
            host_name: None,
            booting,
            boot: booting.then_some(OfferAsk {
                seen,
                arch: Arch::EFI64,
                loader: Loader::Firmware,
                way,
                make: Make::new(b"PXEClient", self.mac),
                wants: Wants::Offer,
            }),
        }
    }
}

/// An address near those that are lent.
fn any_address(chance: &mut Chance) -> Ipv4Addr {
    let byte = |number: u64| u8::try_from(number).unwrap_or(0);
    Ipv4Addr::new(10, byte(chance.between(1, 3)), 0, byte(chance.below(24)))
}

fn anything(chance: &mut Chance) -> LeaseMessage {
    let address = any_address(chance);
    match chance.below(9) {
        0 => LeaseMessage::Discover { wish: Some(address) },
        1 => LeaseMessage::Select { address },
        2 => LeaseMessage::ChoseAnother { server: address },
        3 => LeaseMessage::Reboot { address },
        4 => LeaseMessage::Renew { address },
        5 => LeaseMessage::Rebind { address },
        6 => LeaseMessage::Decline { address },
        7 => LeaseMessage::Release { address },
        _ => LeaseMessage::Inform { address },
    }
}
