//! DISCOVER and the REQUEST that follows it (RFC 2131 section 4.3.1 and 4.3.2).

use expect_test::expect;

use super::story::{Segment, policy, subnet, told};

#[test]
fn an_offer_promises_nothing_and_an_acknowledgement_waits_for_its_record() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a discover -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        b discover .105 -> offer .105 for 12 h
        b leaves -> silence (it took the offer of the server 10.0.0.9)
    "#]]
    .assert_eq(&told(
        "a discover .100; a discover; a select .100; b discover .105; b leaves",
    ));
}

#[test]
fn a_machine_is_granted_what_it_was_offered_and_nothing_else() {
    expect![[r#"
        a discover .109 -> offer .109 for 12 h
        b discover .108 -> offer .108 for 12 h
        b select .101 -> nak (its address is 10.0.0.108)
        a select .109 -> ack .109 for 12 h [.109 a 12 h], once recorded
        a select 3.7 -> nak (10.0.3.7 does not belong to this segment)
        c select .101 -> ack .101 for 12 h [.101 c 12 h], once recorded
        c select .1 -> nak (10.0.0.1 is not lent to it)
        c select .2 -> nak (10.0.0.2 is not lent to it)
        c select .50 -> nak (10.0.0.50 is not lent to it)
        c select .100 -> nak (its address is 10.0.0.101)
    "#]]
    .assert_eq(&told(
        "a discover .109
         b discover .108
         b select .101
         a select .109
         a select 3.7
         c select .101
         c select .1
         c select .2
         c select .50
         c select .100",
    ));
}

#[test]
fn an_offer_that_nobody_takes_is_forgotten() {
    expect![[r#"
        a discover .105 -> offer .105 for 12 h
        b discover .105 -> offer .108 for 12 h
        a leaves -> silence (it took the offer of the server 10.0.0.9)
        b discover .105 -> offer .108 for 12 h
        c discover .104 -> offer .104 for 12 h
        wait 61s
        d discover .104 -> offer .104 for 12 h
    "#]]
    .assert_eq(&told(
        "a discover .105
         b discover .105
         a leaves
         b discover .105
         c discover .104
         wait 61s
         d discover .104",
    ));
}

#[test]
fn a_machine_may_take_after_a_restart_what_it_was_offered_before() {
    expect![[r#"
        a discover .104 -> offer .104 for 12 h
        b discover .105 -> offer .105 for 12 h
        b select .105 -> ack .105 for 12 h [.105 b 12 h], once recorded
        crash
        a select .104 -> ack .104 for 12 h [.104 a 12 h], once recorded
        c select .105 -> nak (another machine has 10.0.0.105)
    "#]]
    .assert_eq(&told(
        "a discover .104
         b discover .105
         b select .105
         crash
         a select .104
         c select .105",
    ));
}

#[test]
fn a_machine_keeps_its_address_over_its_whole_life() {
    expect![[r#"
        A discover .107 -> offer .107 for 10 min with snponly.efi
            New: 52:54:00:00:00:61
            Seen: firmware asks where to boot, x64 UEFI
        A select .107 -> ack .107 for 10 min with snponly.efi [.107 a 10 min], once recorded
        a discover -> offer .107 for 12 h
        a select .107 -> ack .107 for 12 h [.107 a 12 h], once recorded
        wait 13h
        b discover .107 -> offer .108 for 12 h
        a discover -> offer .107 for 12 h
        a select .107 -> ack .107 for 12 h [.107 a 12 h], once recorded
        a release .107 -> noted [.107 a released]
        b discover .107 -> offer .108 for 12 h
        b leaves -> silence (it took the offer of the server 10.0.0.9)
        a discover .101 -> offer .107 for 12 h
    "#]]
    .assert_eq(&told(
        "A discover .107
         A select .107
         a discover
         a select .107
         wait 13h
         b discover .107
         a discover
         a select .107
         a release .107
         b discover .107
         b leaves
         a discover .101",
    ));
}

#[test]
fn the_address_that_was_unused_for_longest_is_given_away_first_and_none_before_its_grace_is_over() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 101)]));
    segment.tell(
        "A discover .100; A select .100
         wait 1m
         B discover .101; B select .101
         c discover
         wait 15m
         c discover
         wait 4m
         c discover
         wait 2m
         c discover
         d discover
         wait 1m
         d discover
         c select .100
         A discover
         d leaves
         A discover
         A select .101
         B discover",
    );
    expect![[r#"
        A discover .100 -> offer .100 for 10 min with snponly.efi
            New: 52:54:00:00:00:61
            Seen: firmware asks where to boot, x64 UEFI
        A select .100 -> ack .100 for 10 min with snponly.efi [.100 a 10 min], once recorded
        wait 1m
        B discover .101 -> offer .101 for 10 min with snponly.efi
            New: 52:54:00:00:00:62
            Seen: firmware asks where to boot, x64 UEFI
        B select .101 -> ack .101 for 10 min with snponly.efi [.101 b 10 min], once recorded
        c discover -> silence (the pool of 10.0.0.0/24 has no address left)
            Warn: the pool of 10.0.0.0/24 has no address left
        wait 15m
        c discover -> silence (the pool of 10.0.0.0/24 has no address left)
            Warn: the pool of 10.0.0.0/24 has no address left
        wait 4m
        c discover -> offer .100 for 12 h
        wait 2m
        c discover -> offer .100 for 12 h
        d discover -> offer .101 for 12 h
        wait 1m
        d discover -> offer .100 for 12 h
        c select .100 -> nak (another machine has 10.0.0.100)
        A discover -> offer .101 for 10 min with snponly.efi
            Seen: firmware asks where to boot, x64 UEFI
        d leaves -> silence (it took the offer of the server 10.0.0.9)
        A discover -> offer .101 for 10 min with snponly.efi
        A select .101 -> ack .101 for 10 min with snponly.efi [.101 a 10 min], once recorded
        B discover -> offer .100 for 10 min with snponly.efi
            Seen: firmware asks where to boot, x64 UEFI
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn nothing_is_granted_while_the_store_cannot_be_written() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        store down
        a select .100 -> silence (the store cannot be written, so that no address can be granted)
        b discover -> offer .108 for 12 h
        store up
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        store down
        a renew .100 -> silence (the store cannot be written, so that no address can be granted)
        a release .100 -> silence (the store cannot be written, so that no address can be granted)
    "#]]
    .assert_eq(&told(
        "a discover .100
         store down
         a select .100
         b discover
         store up
         a select .100
         store down
         a renew .100
         a release .100",
    ));
}
