//! Machines that speak over IPv6.

use std::net::Ipv6Addr;

use bootwright_core::ipv6::{Association, Holder, Message, Mode, Prefix};
use bootwright_core::{Arch, DhcpMode, Loader, Make, Policy, Sighting, Unknown, Way};
use bootwright_engine::{Ipv6Ask, Ipv6Reply, OfferAsk, OfferReply, Told, Wants};

use crate::site::{Site, mac, policy};

fn network() -> Prefix {
    "fd00:77::/64".parse().expect("a network")
}

fn server() -> Policy {
    let mut policy = policy();
    policy.ipv6.mode = Mode::Server;
    policy.ipv6.prefixes = vec![network()];
    policy
}

/// What machine 1 says, as firmware if it boots.
fn ask(message: Message, boots: bool) -> Ipv6Ask {
    let mut seen = Sighting {
        boot_mac: Some(mac(1)),
        arch: Some(Arch::EFI64),
        ..Sighting::default()
    };
    seen.facts.macs.insert(mac(1));
    let boot = OfferAsk {
        seen,
        arch: Arch::EFI64,
        loader: Loader::Firmware,
        way: Way::Ipv6,
        make: Make::new(b"PXEClient:Arch:00007:UNDI:003000", mac(1)),
        wants: Wants::Offer,
    };
    Ipv6Ask {
        message,
        holder: Holder::Card(mac(1)),
        associations: vec![Association {
            id: 7,
            addresses: Vec::new(),
        }],
        here: vec![network()],
        relay: None,
        boots,
        takes_proxy: boots,
        boot: boots.then_some(boot),
    }
}

fn told(site: &mut Site, ask: &Ipv6Ask) -> Ipv6Reply {
    let outcome = site.engine.ipv6(site.now, ask);
    assert!(
        !outcome.promises,
        "an address that follows from the card waits for nothing"
    );
    outcome.reply
}

fn address(told: &Told) -> Option<Ipv6Addr> {
    told.grants.first().and_then(|grant| grant.address)
}

#[test]
fn a_stranger_is_remembered_and_gets_an_address_and_its_boot_program() {
    let mut site = Site::new(server());
    let Ipv6Reply::Advertise(offered) = told(&mut site, &ask(Message::Solicit, true)) else {
        panic!("an advertisement");
    };
    assert!(matches!(&offered.boot, Some(OfferReply::FirstFile { file, .. }) if file == "snponly.efi"));
    assert!(
        site.engine
            .world()
            .hosts
            .values()
            .any(|host| host.facts.macs.contains(&mac(1)))
    );
    let Ipv6Reply::Grant(granted) = told(&mut site, &ask(Message::Request, true)) else {
        panic!("a grant");
    };
    assert!(address(&granted).is_some());
    assert_eq!(address(&granted), address(&offered));
}

#[test]
fn a_boot_client_that_is_not_to_be_answered_gets_no_address_either() {
    let mut policy = server();
    policy.safety.unknown = Unknown::Ignore;
    let mut site = Site::new(policy);
    let reply = told(&mut site, &ask(Message::Solicit, true));
    assert!(
        matches!(&reply, Ipv6Reply::Silence(why) if why.name() == "unknown-ignored"),
        "{reply:?}"
    );
    let plain = told(&mut site, &ask(Message::Solicit, false));
    assert!(
        matches!(plain, Ipv6Reply::Advertise(Told { boot: None, .. })),
        "{plain:?}"
    );
}

#[test]
fn what_is_only_observed_is_recorded_and_not_answered() {
    let mut policy = server();
    policy.dhcp = DhcpMode::Observe;
    let mut site = Site::new(policy);
    let outcome = site.engine.ipv6(site.now, &ask(Message::Solicit, true));
    assert!(matches!(&outcome.reply, Ipv6Reply::Silence(why) if why.name() == "observing"));
    assert!(!outcome.entries.is_empty(), "what it would have been told");
    let plain = told(&mut site, &ask(Message::Solicit, false));
    assert!(
        matches!(&plain, Ipv6Reply::Silence(why) if why.name() == "observing"),
        "{plain:?}"
    );
}

#[test]
fn firmware_that_asks_again_and_again_over_ipv6_is_told_the_same() {
    let mut site = Site::new(server());
    for _ in 0..50 {
        let Ipv6Reply::Advertise(offered) = told(&mut site, &ask(Message::Solicit, true)) else {
            panic!("an advertisement");
        };
        assert!(matches!(&offered.boot, Some(OfferReply::FirstFile { file, .. }) if file == "snponly.efi"));
    }
}

#[test]
fn declined_addresses_are_remembered_within_bounds() {
    let mut site = Site::new(server());
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..4_500_u32 {
        let mut ask = ask(Message::Solicit, false);
        ask.holder = Holder::Name(number.to_be_bytes().to_vec());
        let Ipv6Reply::Advertise(offered) = told(&mut site, &ask) else {
            panic!("an advertisement");
        };
        let address = address(&offered).expect("an address");
        assert!(seen.insert(address), "{address} twice");
        ask.message = Message::Decline;
        ask.associations[0].addresses = vec![address];
        assert_eq!(told(&mut site, &ask), Ipv6Reply::Noted);
    }
}
