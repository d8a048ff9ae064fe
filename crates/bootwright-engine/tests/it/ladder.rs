//! Firmware that does not understand its offer, boot programs that never call, and what is remembered of both.

use bootwright_core::{Arch, Facts, Loader, Make, Sighting, Span, Strategy, Way};
use bootwright_engine::{FetchKind, OfferAsk, OfferReply, Wants};
use expect_test::expect;

use crate::site::{Site, address, mac, policy};

const RELAY: std::net::Ipv4Addr = std::net::Ipv4Addr::new(10, 1, 0, 1);

const CLASS: &[u8] = b"PXEClient:Arch:00007:UNDI:003016";

fn question(number: u8, wants: Wants) -> OfferAsk {
    OfferAsk {
        seen: Sighting {
            facts: Facts::of_mac(mac(number)),
            boot_mac: Some(mac(number)),
            ..Sighting::default()
        },
        arch: Arch::EFI64,
        loader: Loader::Firmware,
        make: Make::new(CLASS, mac(number)),
        wants,
        way: Way::Link,
    }
}

/// What a machine's firmware is told: the wording and the file.
fn told(site: &mut Site, ask: &OfferAsk) -> String {
    match site.engine.offer(site.now, ask).reply {
        OfferReply::FirstFile { file, strategy, .. } => format!("{strategy} {file}"),
        other => format!("{other:?}"),
    }
}

fn search(site: &mut Site, number: u8) -> String {
    told(site, &question(number, Wants::Offer))
}

/// Searches once a minute until the offer is worded so, and then boots: the machine fetches its file, which calls.
fn boots_only_with(site: &mut Site, number: u8, strategy: Strategy) -> usize {
    for searches in 1..=20 {
        let offer = search(site, number);
        if offer.starts_with(&format!("{strategy} ")) {
            boot(site, number, offer.split_once(' ').expect("two words").1);
            return searches;
        }
        site.wait(Span::from_mins(1));
    }
    panic!("it never booted");
}

fn fetch(site: &mut Site, number: u8, file: &str) {
    site.engine.learn_address(mac(number), address(mac(number)));
    site.wait(Span::from_secs(2));
    site.fetched(number, file, FetchKind::Firmware, None);
}

fn boot(site: &mut Site, number: u8, file: &str) {
    fetch(site, number, file);
    site.wait(Span::from_secs(5));
    site.ask_mac(number);
}

#[test]
fn what_worked_is_remembered_for_the_host_and_over_a_restart() {
    let mut site = Site::new(policy());
    assert_eq!(boots_only_with(&mut site, 1, Strategy::NoVendorOptions), 5);
    site.wait(Span::from_hours(30));
    let _ = site.story();
    assert_eq!(
        search(&mut site, 1),
        "no-vendor-options snponly.efi",
        "the second time at once"
    );
    boot(&mut site, 1, "snponly.efi");
    expect![[r#"
        wait 2 s
        snponly.efi was sent to 52:54:00:00:00:01
            Fetch quince-61: fetched snponly.efi, 4 MB in 2 s
        wait 5 s
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            Hold quince-61: waiting: nobody has armed it
    "#]]
    .assert_eq(&site.story());
    site.restart();
    assert_eq!(search(&mut site, 1), "no-vendor-options snponly.efi");
}

#[test]
fn machines_of_the_same_make_begin_with_what_works_for_most_of_them() {
    let mut site = Site::new(policy());
    boots_only_with(&mut site, 1, Strategy::OneEntryMenu);
    site.wait(Span::from_secs(1));
    assert_eq!(search(&mut site, 2), "one-entry-menu snponly.efi");
    // Another card, another generation of firmware: nothing is known of those.
    let other = OfferAsk {
        make: Make::new(b"PXEClient:Arch:00007:UNDI:003010", mac(3)),
        ..question(3, Wants::Offer)
    };
    assert_eq!(told(&mut site, &other), "direct snponly.efi");
    // Two plain ones outvote it.
    for number in [4, 5] {
        site.wait(Span::from_secs(1));
        let direct = question(number, Wants::Offer);
        // They are answered the same at first, do not get on, and go around to the plain offer.
        while told(&mut site, &direct) != "direct snponly.efi" {
            site.wait(Span::from_mins(1));
        }
        boot(&mut site, number, "snponly.efi");
    }
    assert_eq!(search(&mut site, 6), "direct snponly.efi");
    assert_eq!(
        search(&mut site, 1),
        "one-entry-menu snponly.efi",
        "its own memory goes first"
    );
    site.restart();
    assert_eq!(search(&mut site, 7), "direct snponly.efi");
}

#[test]
fn a_forgotten_host_teaches_nothing_any_more() {
    let mut site = Site::new(policy());
    boots_only_with(&mut site, 1, Strategy::DirectWithMenu);
    site.wait(Span::from_secs(1));
    assert_eq!(search(&mut site, 2), "direct-with-menu snponly.efi");
    site.decide("quince-61", bootwright_engine::Decision::Forget);
    site.wait(Span::from_secs(1));
    assert_eq!(search(&mut site, 3), "direct snponly.efi");
}

#[test]
fn a_boot_program_that_never_calls_gives_way_and_what_calls_is_remembered() {
    let mut site = Site::new(policy());
    let mut offers = Vec::new();
    for _ in 0..3 {
        offers.push(search(&mut site, 1));
        let file = offers
            .last()
            .and_then(|offer| offer.split_once(' '))
            .expect("two words")
            .1;
        let file = file.to_owned();
        if file == "ipxe-amd64.efi" {
            boot(&mut site, 1, &file);
        } else {
            fetch(&mut site, 1, &file);
        }
        site.wait(Span::from_mins(2));
    }
    assert_eq!(
        offers,
        ["direct snponly.efi", "direct snponly.efi", "direct ipxe-amd64.efi"]
    );
    assert!(
        site.story()
            .contains("Set quince-61: boots by ipxe-amd64.efi, with the offer direct")
    );
    site.wait(Span::from_hours(2));
    assert_eq!(search(&mut site, 1), "direct ipxe-amd64.efi");
    assert_eq!(search(&mut site, 2), "direct ipxe-amd64.efi", "its like");
    let mut named = site.policy();
    named.other_files.clear();
    site.reload(named);
    site.wait(Span::from_secs(2));
    assert_eq!(
        search(&mut site, 1),
        "direct snponly.efi",
        "what the configuration no longer has"
    );
}

#[test]
fn the_entry_of_a_menu_is_for_machines_that_were_shown_one() {
    let mut site = Site::new(policy());
    assert_eq!(told(&mut site, &question(1, Wants::MenuEntry)), "Silence(NoMenu)");
    search(&mut site, 1);
    assert_eq!(told(&mut site, &question(1, Wants::MenuEntry)), "Silence(NoMenu)");
    for _ in 0..12 {
        site.wait(Span::from_mins(1));
        if search(&mut site, 1) == "one-entry-menu snponly.efi" {
            break;
        }
    }
    assert_eq!(
        told(&mut site, &question(1, Wants::MenuEntry)),
        "one-entry-menu snponly.efi"
    );
    assert_eq!(told(&mut site, &question(1, Wants::File)), "one-entry-menu snponly.efi");
}

#[test]
fn an_offer_is_merged_only_where_the_configuration_allows_it_and_not_through_a_relay() {
    let merges = |merged: bool, relayed: bool| {
        let mut policy = policy();
        policy.merged_offer = merged;
        policy.relays.insert(RELAY);
        let mut site = Site::new(policy);
        let way = if relayed {
            Way::Relay {
                relay: RELAY,
                sender: RELAY,
                is_ours: false,
            }
        } else {
            Way::Link
        };
        let ask = OfferAsk {
            way,
            ..question(1, Wants::Offer)
        };
        (0..20).any(|_| {
            site.wait(Span::from_mins(1));
            told(&mut site, &ask).starts_with("merged ")
        })
    };
    assert!(merges(true, false));
    assert!(!merges(false, false));
    assert!(!merges(true, true));
}

#[test]
fn what_the_configuration_words_stays_so() {
    let mut policy = policy();
    let definition = bootwright_core::HostDefinition {
        name: None,
        facts: Facts::of_mac(mac(1)),
        profile: None,
        labels: std::collections::BTreeMap::new(),
        metadata: std::collections::BTreeMap::new(),
        first_file: Some("own.efi".to_owned()),
        directory: None,
        offer: Some(Strategy::OneEntryMenu),
        local: None,
        addresses: Vec::new(),
    };
    policy.hosts.insert("known".parse().expect("a name"), definition);
    let mut site = Site::new(policy);
    for _ in 0..6 {
        assert_eq!(search(&mut site, 1), "one-entry-menu own.efi");
        fetch(&mut site, 1, "own.efi");
        site.wait(Span::from_mins(1));
    }
}

#[test]
fn a_site_that_only_observes_leaves_nobody_on_the_ladder() {
    let mut observing = policy();
    observing.dhcp = bootwright_core::DhcpMode::Observe;
    let mut site = Site::new(observing);
    for _ in 0..6 {
        search(&mut site, 1);
        site.wait(Span::from_mins(1));
    }
    site.reload(policy());
    assert_eq!(search(&mut site, 1), "direct snponly.efi");
}

/// Firmware with Secure Boot fetches a program whole before it refuses it, and goes on as if nothing had been.
#[test]
fn a_machine_that_is_back_without_having_started_its_boot_program_is_told_of() {
    let mut site = Site::new(policy());
    search(&mut site, 1);
    fetch(&mut site, 1, "snponly.efi");
    let _ = site.story();
    site.wait(Span::from_secs(60));
    let outcome = site.engine.offer(site.now, &question(1, Wants::Offer));
    let notes: Vec<&str> = outcome.entries.iter().map(|entry| entry.note.as_str()).collect();
    assert!(
        notes
            .iter()
            .any(|note| note.starts_with("came back without having started snponly.efi")),
        "{notes:?}"
    );
    // One that called was started, and asking once more after that is no return.
    boot(&mut site, 1, "snponly.efi");
    site.wait(Span::from_secs(60));
    let outcome = site.engine.offer(site.now, &question(1, Wants::Offer));
    assert!(
        outcome.entries.iter().all(|entry| !entry.note.contains("came back")),
        "{:?}",
        outcome.entries
    );
}
