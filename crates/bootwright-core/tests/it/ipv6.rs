//! What machines are told about their addresses over IPv6.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use crate::story::START;
use bootwright_core::ipv6::{Association, Claim, Grant, Holder, Message, Mode, Prefix, Silence, Verdict, decide};
use bootwright_core::{Arch, Ask, Asker, DhcpMode, Loader, MacAddr, Policy, Sighting, Site, Situation, Way, Why};

const MESSAGES: [Message; 8] = [
    Message::Solicit,
    Message::Request,
    Message::Confirm,
    Message::Renew,
    Message::Rebind,
    Message::Release,
    Message::Decline,
    Message::Information,
];

fn prefix() -> Prefix {
    "fd00:77::/64".parse().expect("a network")
}

fn policy(mode: Mode) -> Policy {
    let mut policy = Policy::default();
    policy.ipv6.mode = mode;
    policy.ipv6.prefixes = vec![prefix()];
    policy
}

fn card(last: u8) -> Holder {
    Holder::Card(MacAddr::new([0x52, 0x54, 0, 0, 0, last]))
}

/// What a boot client with card 1 is told that has these addresses.
fn told(policy: &Policy, message: Message, addresses: &[Ipv6Addr], boots: bool) -> Verdict {
    told_without(policy, message, addresses, boots, &BTreeSet::new())
}

fn told_without(
    policy: &Policy,
    message: Message,
    addresses: &[Ipv6Addr],
    boots: bool,
    declined: &BTreeSet<Ipv6Addr>,
) -> Verdict {
    let associations = [Association {
        id: 7,
        addresses: addresses.to_vec(),
    }];
    let claim = Claim {
        message,
        holder: &card(1),
        associations: if message == Message::Information {
            &[]
        } else {
            &associations
        },
        here: &[prefix()],
        relay: None,
        boots,
        takes_proxy: boots,
    };
    decide(policy, &claim, |address| declined.contains(&address))
}

fn own() -> Ipv6Addr {
    prefix().address(&card(1), 0, 0)
}

fn grant(address: Option<Ipv6Addr>, withdrawn: &[Ipv6Addr]) -> Vec<Grant> {
    vec![Grant {
        association: 7,
        address,
        withdrawn: withdrawn.to_vec(),
    }]
}

#[test]
fn ipv6_is_off_until_it_is_switched_on() {
    for message in MESSAGES {
        assert_eq!(
            told(&Policy::default(), message, &[own()], true),
            Verdict::Silence(Silence::Off),
            "{message:?}"
        );
    }
}

#[test]
fn observing_covers_ipv6() {
    let mut policy = policy(Mode::Server);
    policy.dhcp = DhcpMode::Observe;
    for message in MESSAGES {
        assert_eq!(
            told(&policy, message, &[own()], true),
            Verdict::Silence(Silence::Observing),
            "{message:?}"
        );
    }
}

#[test]
fn beside_another_server_only_boot_clients_hear_and_only_of_booting() {
    let policy = policy(Mode::Proxy);
    assert_eq!(told(&policy, Message::Solicit, &[], true), Verdict::AdvertiseBoot);
    assert_eq!(told(&policy, Message::Information, &[], true), Verdict::Inform);
    for message in MESSAGES {
        let plain = match message {
            Message::Solicit | Message::Information => Silence::NotABootClient,
            _ => Silence::AddressesElsewhere,
        };
        assert_eq!(
            told(&policy, message, &[own()], false),
            Verdict::Silence(plain),
            "{message:?}"
        );
        if !matches!(message, Message::Solicit | Message::Information) {
            let booting = told(&policy, message, &[own()], true);
            assert_eq!(booting, Verdict::Silence(Silence::AddressesElsewhere), "{message:?}");
        }
    }
}

#[test]
fn a_server_gives_a_card_one_address_whatever_it_says() {
    let policy = policy(Mode::Server);
    let other: Ipv6Addr = "fd00:77::5".parse().expect("an address");
    for boots in [true, false] {
        let told = |message, addresses: &[Ipv6Addr]| told(&policy, message, addresses, boots);
        assert_eq!(
            told(Message::Solicit, &[other]),
            Verdict::Advertise(grant(Some(own()), &[]))
        );
        assert_eq!(
            told(Message::Request, &[own()]),
            Verdict::Grant(grant(Some(own()), &[]))
        );
        assert_eq!(
            told(Message::Renew, &[own(), other]),
            Verdict::Grant(grant(Some(own()), &[other]))
        );
        assert_eq!(told(Message::Rebind, &[own()]), Verdict::Grant(grant(Some(own()), &[])));
        assert_eq!(
            told(Message::Rebind, &[other]),
            Verdict::Silence(Silence::NotOurAddresses)
        );
        assert_eq!(told(Message::Confirm, &[other]), Verdict::Confirm { on_link: true });
        let elsewhere: Ipv6Addr = "fd00:78::5".parse().expect("an address");
        assert_eq!(
            told(Message::Confirm, &[own(), elsewhere]),
            Verdict::Confirm { on_link: false }
        );
        assert_eq!(told(Message::Confirm, &[]), Verdict::Silence(Silence::NotOurAddresses));
        assert_eq!(told(Message::Release, &[own()]), Verdict::Noted { declined: vec![] });
        assert_eq!(
            told(Message::Decline, &[other]),
            Verdict::Noted { declined: vec![] },
            "not its own"
        );
        assert_eq!(
            told(Message::Decline, &[own()]),
            Verdict::Noted { declined: vec![own()] }
        );
        assert_eq!(told(Message::Information, &[]), Verdict::Inform);
    }
}

#[test]
fn a_declined_address_is_followed_by_another_and_then_by_none() {
    let policy = policy(Mode::Server);
    let mut declined = BTreeSet::new();
    loop {
        let Verdict::Advertise(grants) = told_without(&policy, Message::Solicit, &[], true, &declined) else {
            panic!("an advertisement");
        };
        match grants.first().and_then(|grant| grant.address) {
            Some(address) => assert!(declined.insert(address), "{address} was declined"),
            None => break,
        }
    }
    assert_eq!(declined.len(), 8);
}

#[test]
fn no_address_is_lent_outside_of_the_configured_networks() {
    let policy = policy(Mode::Server);
    let holder = card(1);
    let associations = [Association {
        id: 1,
        addresses: vec![],
    }];
    let claim = Claim {
        message: Message::Solicit,
        holder: &holder,
        associations: &associations,
        here: &["fd00:99::/64".parse().expect("a network")],
        relay: None,
        boots: true,
        takes_proxy: true,
    };
    assert_eq!(
        decide(&policy, &claim, |_| false),
        Verdict::Silence(Silence::NoPrefixHere)
    );
    let nothing = Claim {
        here: &[prefix()],
        associations: &[],
        ..claim
    };
    assert_eq!(
        decide(&policy, &nothing, |_| false),
        Verdict::Silence(Silence::NoAssociation)
    );
}

#[test]
fn ten_thousand_machines_have_ten_thousand_addresses_that_never_change() {
    let mut seen = BTreeSet::new();
    for number in 0..10_000_u32 {
        let [_, _, a, b] = number.to_be_bytes();
        let holder = Holder::Card(MacAddr::new([0x52, 0x54, 0, 0, a, b]));
        let address = prefix().address(&holder, 0, 0);
        assert_eq!(Prefix::of(address), prefix());
        assert!(
            address.octets()[8] & 0x80 != 0,
            "{address} could be one that people choose"
        );
        assert!(seen.insert(address), "{address} twice");
    }
    let name = Holder::Name(vec![0, 4, 1, 2, 3]);
    let of_name: BTreeSet<_> = (0..100)
        .map(|interface| prefix().address(&name, interface, 0))
        .collect();
    assert_eq!(of_name.len(), 100);
    // Machines in the field have these: whoever changes them gives every machine another address.
    let fixed = [prefix().address(&card(1), 0, 0), prefix().address(&name, 7, 1)].map(|address| address.to_string());
    assert_eq!(fixed, ["fd00:77::f524:6454:3b79:7363", "fd00:77::c903:c9a5:ca19:d1f0"]);
}

#[test]
fn the_way_says_whose_mode_holds() {
    let offer = Ask::Offer {
        arch: Arch::EFI64,
        loader: Loader::Firmware,
        file: 0,
        handed: false,
        entry: false,
        way: Way::Ipv6,
    };
    let site = Site::default();
    let silent = |policy: &Policy| {
        let situation = Situation {
            site: &site,
            installing: 0,
            started_last_hour: 0,
            store_ready: true,
            store_low: false,
            revision_lost: false,
            trial: None,
            now: START,
        };
        match bootwright_core::decide(policy, &situation, Asker::Stranger, None, &Sighting::default(), offer) {
            bootwright_core::Verdict::Silence(why) => Some(why),
            _ => None,
        }
    };
    assert_eq!(silent(&Policy::default()), Some(Why::DhcpOff));
    for mode in [Mode::Proxy, Mode::Server] {
        let mut policy = policy(mode);
        policy.dhcp = DhcpMode::Off;
        assert_eq!(silent(&policy), None, "{mode}: IPv4 may be off");
    }
}
