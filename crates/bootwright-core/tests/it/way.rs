//! By which way a request came, and which ways are heard.

use std::net::Ipv4Addr;

use bootwright_core::way::{Nearness, Traces};
use bootwright_core::{Policy, Way};
use expect_test::{Expect, expect};

/// Our box: 10.0.0.1 in 10.0.0.0/24. A relay with 10.0.0.9 on our side and 10.8.0.1 on the other, and a second one behind it.
fn nearness(address: Ipv4Addr) -> Nearness {
    match address.octets() {
        [10, 0, 0, 1] => Nearness::Ours,
        [10, 0, 0, _] => Nearness::OnLink,
        _ => Nearness::Elsewhere,
    }
}

/// Each line of the story is `giaddr ciaddr sender destination`; `-` is 0.0.0.0, `*` the broadcast address.
fn check(relays: &[&str], story: &str, expected: Expect) {
    let address = |word: &str| match word {
        "-" => Ipv4Addr::UNSPECIFIED,
        "*" => Ipv4Addr::BROADCAST,
        word => word.parse().expect("an address"),
    };
    let policy = Policy {
        relays: relays.iter().map(|relay| address(relay)).collect(),
        ..Policy::default()
    };
    let mut transcript = String::new();
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<Ipv4Addr> = line.split_whitespace().map(address).collect();
        let [giaddr, ciaddr, sender, destination] = words[..] else {
            panic!("four words: {line}")
        };
        let traces = Traces {
            giaddr,
            ciaddr,
            sender,
            destination,
        };
        let way = Way::of(traces, nearness);
        let heard = way
            .refusal(&policy)
            .map_or_else(|| "heard".to_owned(), |why| format!("{}: {why}", why.name()));
        transcript += &format!("{line} -> {heard}\n");
    }
    expected.assert_eq(&transcript);
}

const LOCAL: &str = "
    - - - *
    - - 10.0.0.50 *
    - 10.0.0.50 10.0.0.50 10.0.0.1
    - - 10.0.0.50 10.0.0.1
    - - 192.0.2.7 *
";

const RELAYED: &str = "
    10.8.0.1 - 10.0.0.9 10.0.0.1
    10.8.0.1 - 10.8.0.1 10.0.0.1
    10.9.0.1 - 10.0.0.9 10.0.0.1
    10.8.0.1 - 10.0.0.50 10.0.0.1
    10.8.0.1 - - *
    10.0.0.1 - 10.0.0.9 10.0.0.1
    10.0.0.1 - 10.0.0.1 10.0.0.1
    255.255.255.255 - 10.0.0.9 10.0.0.1
    127.0.0.1 - 10.0.0.9 10.0.0.1
";

const ROUTED: &str = "
    - 10.8.0.50 10.8.0.50 10.0.0.1
    - - 10.8.0.50 10.0.0.1
    - 10.8.0.51 10.8.0.50 10.0.0.1
";

#[test]
fn what_is_sent_on_the_link_is_heard_whatever_address_its_sender_shows() {
    let heard = expect![[r#"
        - - - * -> heard
        - - 10.0.0.50 * -> heard
        - 10.0.0.50 10.0.0.50 10.0.0.1 -> heard
        - - 10.0.0.50 10.0.0.1 -> heard
        - - 192.0.2.7 * -> heard
    "#]];
    check(&[], LOCAL, heard);
}

#[test]
fn threat_37_without_a_list_nothing_is_heard_that_names_a_relay() {
    check(
        &[],
        RELAYED,
        expect![[r#"
            10.8.0.1 - 10.0.0.9 10.0.0.1 -> relay-not-listed: relay 10.8.0.1 is not in `dhcp.relays`
            10.8.0.1 - 10.8.0.1 10.0.0.1 -> relay-not-listed: relay 10.8.0.1 is not in `dhcp.relays`
            10.9.0.1 - 10.0.0.9 10.0.0.1 -> relay-not-listed: relay 10.9.0.1 is not in `dhcp.relays`
            10.8.0.1 - 10.0.0.50 10.0.0.1 -> relay-not-listed: relay 10.8.0.1 is not in `dhcp.relays`
            10.8.0.1 - - * -> relay-not-listed: relay 10.8.0.1 is not in `dhcp.relays`
            10.0.0.1 - 10.0.0.9 10.0.0.1 -> relay-is-us: it names 10.0.0.1 as its relay, which is this box: no relay sent it
            10.0.0.1 - 10.0.0.1 10.0.0.1 -> relay-is-us: it names 10.0.0.1 as its relay, which is this box: no relay sent it
            255.255.255.255 - 10.0.0.9 10.0.0.1 -> relay-not-listed: relay 255.255.255.255 is not in `dhcp.relays`
            127.0.0.1 - 10.0.0.9 10.0.0.1 -> relay-not-listed: relay 127.0.0.1 is not in `dhcp.relays`
        "#]],
    );
}

#[test]
fn threat_37_a_relay_is_heard_by_the_addresses_that_are_listed_and_a_pretender_is_not() {
    check(
        &["10.8.0.1", "10.0.0.9"],
        RELAYED,
        expect![[r#"
            10.8.0.1 - 10.0.0.9 10.0.0.1 -> heard
            10.8.0.1 - 10.8.0.1 10.0.0.1 -> heard
            10.9.0.1 - 10.0.0.9 10.0.0.1 -> relay-not-listed: relay 10.9.0.1 is not in `dhcp.relays`
            10.8.0.1 - 10.0.0.50 10.0.0.1 -> relay-sender-not-listed: relay 10.8.0.1 is in `dhcp.relays`, but 10.0.0.50 sent it, which is not: list that too if the relay has it
            10.8.0.1 - - * -> relay-sender-not-listed: relay 10.8.0.1 is in `dhcp.relays`, but 0.0.0.0 sent it, which is not: list that too if the relay has it
            10.0.0.1 - 10.0.0.9 10.0.0.1 -> relay-is-us: it names 10.0.0.1 as its relay, which is this box: no relay sent it
            10.0.0.1 - 10.0.0.1 10.0.0.1 -> relay-is-us: it names 10.0.0.1 as its relay, which is this box: no relay sent it
            255.255.255.255 - 10.0.0.9 10.0.0.1 -> relay-not-listed: relay 255.255.255.255 is not in `dhcp.relays`
            127.0.0.1 - 10.0.0.9 10.0.0.1 -> relay-not-listed: relay 127.0.0.1 is not in `dhcp.relays`
        "#]],
    );
}

#[test]
fn our_own_address_is_no_relays_even_where_somebody_lists_it() {
    check(
        &["10.0.0.1"],
        "10.0.0.1 - 10.0.0.1 10.0.0.1",
        expect![[r#"
            10.0.0.1 - 10.0.0.1 10.0.0.1 -> relay-is-us: it names 10.0.0.1 as its relay, which is this box: no relay sent it
        "#]],
    );
}

#[test]
fn a_machine_of_another_network_is_heard_by_its_own_address_and_where_relays_are_listed() {
    check(
        &[],
        ROUTED,
        expect![[r#"
            - 10.8.0.50 10.8.0.50 10.0.0.1 -> not-on-link: it came from 10.8.0.50, in none of our networks and through no listed relay
            - - 10.8.0.50 10.0.0.1 -> not-on-link: it came from 10.8.0.50, in none of our networks and through no listed relay
            - 10.8.0.51 10.8.0.50 10.0.0.1 -> not-on-link: it came from 10.8.0.50, in none of our networks and through no listed relay
        "#]],
    );
    check(
        &["10.8.0.1", "10.0.0.9"],
        ROUTED,
        expect![[r#"
            - 10.8.0.50 10.8.0.50 10.0.0.1 -> heard
            - - 10.8.0.50 10.0.0.1 -> not-on-link: it came from 10.8.0.50, in none of our networks and through no listed relay
            - 10.8.0.51 10.8.0.50 10.0.0.1 -> not-on-link: it came from 10.8.0.50, in none of our networks and through no listed relay
        "#]],
    );
}
