//! Which requests are for this site at all.

use std::net::Ipv4Addr;

use bootwright_core::{Arch, Ask, Asker, DhcpMode, Facts, HostDefinition, Loader, Policy, Way, Why, admit};

use crate::decide_cell::Case;

const RELAY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);
const ARM64_UBOOT: Arch = Arch::new(0x16);

fn offer(loader: Loader, arch: Arch, relay: Option<Ipv4Addr>) -> Ask {
    let through = |relay| Way::Relay {
        relay,
        sender: relay,
        is_ours: false,
    };
    Ask::Offer {
        arch,
        loader,
        file: 0,
        handed: false,
        entry: false,
        way: relay.map_or(Way::Link, through),
    }
}

fn with_own_file() -> HostDefinition {
    HostDefinition {
        name: None,
        facts: Facts::default(),
        profile: None,
        labels: std::collections::BTreeMap::new(),
        metadata: std::collections::BTreeMap::new(),
        first_file: Some("board.img".to_owned()),
        directory: None,
        offer: None,
        local: None,
        addresses: Vec::new(),
    }
}

#[test]
fn only_listed_relays_are_heard() {
    let mut policy = Policy::default();
    let relayed = offer(Loader::Firmware, Arch::BIOS, Some(RELAY));
    assert_eq!(admit(&policy, None, relayed), Some(Why::RelayNotListed(RELAY)));
    policy.relays.insert(RELAY);
    assert_eq!(admit(&policy, None, relayed), None);
    let other = Ipv4Addr::new(10, 1, 0, 2);
    let relayed = offer(Loader::Ipxe, Arch::BIOS, Some(other));
    assert_eq!(admit(&policy, None, relayed), Some(Why::RelayNotListed(other)));
    assert_eq!(admit(&policy, None, offer(Loader::Ipxe, Arch::BIOS, None)), None);
    assert_eq!(
        admit(&policy, None, Ask::Script),
        None,
        "a script is not asked for through a relay"
    );
}

#[test]
fn u_boot_is_heard_where_the_site_or_its_host_has_a_boot_file_for_it() {
    let mut policy = Policy::default();
    let board = offer(Loader::UBoot, ARM64_UBOOT, None);
    assert_eq!(admit(&policy, None, board), Some(Why::UBootNotServed));
    assert_eq!(admit(&policy, Some(&with_own_file()), board), None);
    policy.first_files.insert(ARM64_UBOOT, "board.efi".to_owned());
    assert_eq!(admit(&policy, None, board), None);
    // One that calls itself a BIOS must not be handed the BIOS's boot program.
    let pretender = offer(Loader::UBoot, Arch::BIOS, None);
    assert_eq!(admit(&policy, None, pretender), Some(Why::UBootNotServed));
}

#[test]
fn a_raspberry_pi_is_heard_where_the_site_keeps_its_firmware() {
    let mut policy = Policy::default();
    let pi = offer(Loader::RaspberryPi, Arch::BIOS, None);
    assert_eq!(admit(&policy, None, pi), Some(Why::PiNotServed));
    policy.raspberry_pi = true;
    assert_eq!(admit(&policy, None, pi), None);
}

#[test]
fn nobody_is_told_of_an_entry_of_a_menu_that_was_not_shown() {
    let entry = Ask::Offer {
        arch: Arch::EFI64,
        loader: Loader::Firmware,
        file: 0,
        handed: false,
        entry: true,
        way: Way::Link,
    };
    assert_eq!(admit(&Policy::default(), None, entry), Some(Why::NoMenu));
}

#[test]
fn what_is_not_for_us_is_silence_in_every_mode() {
    for mode in [DhcpMode::Proxy, DhcpMode::Server, DhcpMode::Observe, DhcpMode::Off] {
        let case = Case::with(|case| {
            case.policy = Policy {
                dhcp: mode,
                ..Policy::default()
            };
        });
        let relayed = offer(Loader::Firmware, Arch::BIOS, Some(RELAY));
        let told = case.ask(Asker::Stranger, None, relayed);
        assert_eq!(told, format!("silence ({})", Why::RelayNotListed(RELAY)), "{mode:?}");
    }
}
