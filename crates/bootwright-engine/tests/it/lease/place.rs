//! Where addresses are leased: links, relays, and who else leases there.

use expect_test::expect;

use super::story::{Segment, policy, subnet};

#[test]
fn nothing_is_leased_where_another_server_was_first() {
    let mut segment = Segment::unseen(policy(vec![subnet(0, 100, 109)]));
    segment.tell(
        "a discover
         census 10.0.0.9
         a discover
         census 10.0.0.9
         census none
         a discover .100
         a select .100
         wait 1h
         census 10.0.0.9
         b discover .101
         a renew .100",
    );
    let before = segment.told();
    let mut forced = segment.policy.clone();
    forced.force = true;
    let mut segment = Segment::unseen(forced);
    segment.tell("b discover .101; census 10.0.0.9; b discover .101");
    expect![[r#"
        a discover -> silence (it is still being looked whether another DHCP server answers here)
        census 10.0.0.9
            Warn: there is a server on eth1: 10.0.0.9 leases addresses
        a discover -> silence (the DHCP server 10.0.0.9 leases addresses here; switch it off, or set `dhcp.force = true`)
        census 10.0.0.9
        census none
            Seen: server 10.0.0.9 on eth1 is gone: it answers no search any more
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        wait 1h
        census 10.0.0.9
            Warn: a server has appeared on eth1: 10.0.0.9 leases addresses
        b discover .101 -> offer .101 for 12 h
        a renew .100 -> ack .100 for 10 h 59 min, once recorded
        b discover .101 -> offer .101 for 12 h
        census 10.0.0.9
            Warn: there is a server on eth1: 10.0.0.9 leases addresses
        b discover .101 -> offer .101 for 12 h
    "#]]
    .assert_eq(&(before + &segment.told()));
}

#[test]
fn a_relay_tells_the_subnet_and_only_a_listed_one_is_heard() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109), subnet(1, 100, 109)]));
    segment.tell(
        "a discover .100
         a discover 1.100 via relay
         a select 1.100 via relay
         a renew 1.100
         a renew 1.100 routed
         b renew 1.100 routed
         b discover via forger
         a discover .100
         a discover via stranger
         b discover 1.105
         b discover on eth2
         b renew 1.100
         a select .100
         a reboot 1.100",
    );
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a discover 1.100 via relay -> offer 1.100 for 12 h
        a select 1.100 via relay -> ack 1.100 for 12 h [1.100 a 12 h], once recorded
        a renew 1.100 -> ack 1.100 for 12 h, once recorded
        a renew 1.100 routed -> ack 1.100 for 12 h, once recorded
        b renew 1.100 routed -> silence (10.0.1.100 is in no subnet that is served there)
        b discover via forger -> silence (relay 10.0.1.1 is in `dhcp.relays`, but 10.0.0.50 sent it, which is not: list that too if the relay has it)
            Warn: 52:54:00:00:00:62 is not answered: relay 10.0.1.1 is in `dhcp.relays`, but 10.0.0.50 sent it, which is not: list that too if the relay has it
        a discover .100 -> offer .100 for 12 h
        a discover via stranger -> silence (relay 10.0.7.1 is not in `dhcp.relays`)
            Warn: 52:54:00:00:00:61 is not answered: relay 10.0.7.1 is not in `dhcp.relays`
        b discover 1.105 -> offer .108 for 12 h
        b discover on eth2 -> silence (it is still being looked whether another DHCP server answers here)
        b renew 1.100 -> silence (10.0.1.100 is in no subnet that is served there)
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        a reboot 1.100 -> nak (10.0.1.100 does not belong to this segment)
    "#]]
    .assert_eq(&segment.told());
}

/// RFC 2131 section 4.3.5: the server looks whether the address belongs to the network, and not whether it was leased.
#[test]
fn what_belongs_to_an_address_is_told_on_its_own_subnet_only() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109), subnet(1, 100, 109)]));
    segment.tell(
        "a inform .7
         a inform .100
         a inform 1.7
         a inform 1.7 via relay
         a inform .7 via relay
         a inform 1.7 via forger
         a inform 1.7 via stranger
         a inform 1.7 routed
         a inform 3.7 routed
         a inform .1
         a inform .0
         a inform .255
         a inform 1.255 via relay",
    );
    expect![[r#"
        a inform .7 -> told 255.255.255.0 1
        a inform .100 -> told 255.255.255.0 1
        a inform 1.7 -> silence (10.0.1.7 is in no subnet that is served there)
        a inform 1.7 via relay -> told 255.255.255.0 1
        a inform .7 via relay -> silence (10.0.0.7 is in no subnet that is served there)
        a inform 1.7 via forger -> silence (relay 10.0.1.1 is in `dhcp.relays`, but 10.0.0.50 sent it, which is not: list that too if the relay has it)
            Warn: 52:54:00:00:00:61 is not answered: relay 10.0.1.1 is in `dhcp.relays`, but 10.0.0.50 sent it, which is not: list that too if the relay has it
        a inform 1.7 via stranger -> silence (relay 10.0.7.1 is not in `dhcp.relays`)
            Warn: 52:54:00:00:00:61 is not answered: relay 10.0.7.1 is not in `dhcp.relays`
        a inform 1.7 routed -> told 255.255.255.0 1
        a inform 3.7 routed -> silence (10.0.3.7 is in no subnet that is served there)
        a inform .1 -> silence (10.0.0.1 is in no subnet that is served there)
        a inform .0 -> silence (10.0.0.0 is in no subnet that is served there)
        a inform .255 -> silence (10.0.0.255 is in no subnet that is served there)
        a inform 1.255 via relay -> silence (10.0.1.255 is in no subnet that is served there)
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn a_link_without_a_subnet_gets_nothing() {
    let mut segment = Segment::new(policy(vec![subnet(1, 100, 109)]));
    segment.tell("a discover; a reboot .7; a renew .7; a select .7; a inform .7");
    expect![[r#"
        a discover -> silence (no `[[dhcp.pools]]` serves the place that it asks from)
        a reboot .7 -> silence (no `[[dhcp.pools]]` serves the place that it asks from)
        a renew .7 -> silence (10.0.0.7 is in no subnet that is served there)
        a select .7 -> nak (10.0.0.7 does not belong to this segment)
        a inform .7 -> silence (10.0.0.7 is in no subnet that is served there)
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn a_segment_for_which_somebody_forgot_a_pool_is_told_of_once_in_ten_minutes() {
    let mut segment = Segment::new(policy(vec![subnet(2, 100, 109)]));
    segment.tell(
        "A discover
         B discover
         c discover via relay
         d discover via relay
         wait 10m
         c discover via relay",
    );
    expect![[r#"
        A discover -> silence (no `[[dhcp.pools]]` serves the place that it asks from)
            Warn: 52:54:00:00:00:61 asks for an address on eth1 and gets none: no `[[dhcp.pools]]` serves the place that it asks from
        B discover -> silence (no `[[dhcp.pools]]` serves the place that it asks from)
        c discover via relay -> silence (no `[[dhcp.pools]]` serves the place that it asks from)
            Warn: 52:54:00:00:00:63 asks for an address behind relay 10.0.1.1 and gets none: no `[[dhcp.pools]]` serves the place that it asks from
        d discover via relay -> silence (no `[[dhcp.pools]]` serves the place that it asks from)
        wait 10m
        c discover via relay -> silence (no `[[dhcp.pools]]` serves the place that it asks from)
            Warn: 52:54:00:00:00:63 asks for an address behind relay 10.0.1.1 and gets none: no `[[dhcp.pools]]` serves the place that it asks from
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn in_other_modes_nothing_is_leased() {
    let mut policy = policy(vec![subnet(0, 100, 109)]);
    for mode in [
        bootwright_core::DhcpMode::Proxy,
        bootwright_core::DhcpMode::Observe,
        bootwright_core::DhcpMode::Off,
    ] {
        policy.dhcp = mode;
        let mut segment = Segment::new(policy.clone());
        segment.tell("a discover; a inform .7");
        let told = segment.told();
        assert!(
            told.lines().all(|line| line.contains("silence (the mode is ")),
            "{told}"
        );
    }
}
