//! A machine that says that it has an address: INIT-REBOOT, RENEWING, REBINDING (RFC 2131 section 4.3.2), INFORM, RELEASE.

use expect_test::expect;

use super::story::{Segment, policy, subnet, told};

#[test]
fn a_machine_that_starts_again_gets_its_address_or_hears_that_it_has_another() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        a reboot .100 -> ack .100 for 12 h, once recorded
        a reboot .105 -> nak (its address is 10.0.0.100)
        a reboot 3.7 -> nak (10.0.3.7 does not belong to this segment)
        b reboot .100 -> silence (there is no record that it ever had 10.0.0.100 from here)
        b reboot .105 -> silence (there is no record that it ever had 10.0.0.105 from here)
        b reboot 3.7 -> nak (10.0.3.7 does not belong to this segment)
        wait 13h
        a reboot .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        a release .100 -> noted [.100 a released]
        a reboot .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
    "#]]
    .assert_eq(&told(
        "a discover .100; a select .100
         a reboot .100
         a reboot .105
         a reboot 3.7
         b reboot .100
         b reboot .105
         b reboot 3.7
         wait 13h
         a reboot .100
         a release .100
         a reboot .100",
    ));
}

#[test]
fn where_another_server_may_be_right_nobody_is_told_that_its_address_is_wrong() {
    expect![[r#"
        wait 1h
        census 10.0.0.9
            Warn: a server has appeared on eth1: 10.0.0.9 leases addresses
        b reboot 3.7 -> silence (10.0.3.7 is in no subnet that is served there)
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
    "#]]
    .assert_eq(&told(
        "wait 1h
         census 10.0.0.9
         b reboot 3.7
         a discover .100; a select .100",
    ));
}

#[test]
fn a_lease_is_renewed_as_often_as_its_machine_asks() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        wait 1h
        a renew .100 -> ack .100 for 11 h, once recorded
        wait 5h
        a renew .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        wait 11h
        a rebind .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        wait 13h
        a rebind .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        b renew .100 -> nak (another machine has 10.0.0.100)
        b rebind .100 -> nak (another machine has 10.0.0.100)
        b renew .101 -> silence (there is no record that it ever had 10.0.0.101 from here)
        b rebind .101 -> silence (there is no record that it ever had 10.0.0.101 from here)
        a renew 3.7 -> silence (10.0.3.7 is in no subnet that is served there)
    "#]]
    .assert_eq(&told(
        "a discover .100; a select .100
         wait 1h
         a renew .100
         wait 5h
         a renew .100
         wait 11h
         a rebind .100
         wait 13h
         a rebind .100
         b renew .100
         b rebind .100
         b renew .101
         b rebind .101
         a renew 3.7",
    ));
}

#[test]
fn firmware_that_asks_while_the_system_s_lease_lasts_costs_no_record() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        wait 1h
        A discover -> offer .100 for 10 min with snponly.efi
            New: 52:54:00:00:00:61
            Seen: firmware asks where to boot, x64 UEFI
        A select .100 -> ack .100 for 10 min with snponly.efi, once recorded
        wait 1m
        a discover -> offer .100 for 12 h
        a select .100 -> ack .100 for 10 h 59 min, once recorded
    "#]]
    .assert_eq(&told(
        "a discover .100; a select .100
         wait 1h
         A discover
         A select .100
         wait 1m
         a discover
         a select .100",
    ));
}

#[test]
fn a_machine_is_told_what_belongs_to_its_address() {
    expect![[r#"
        a inform .7 -> told 255.255.255.0 1
        a inform 3.7 -> silence (10.0.3.7 is in no subnet that is served there)
    "#]]
    .assert_eq(&told("a inform .7; a inform 3.7"));
}

#[test]
fn only_who_has_an_address_can_give_it_back() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        b release .100 -> silence (10.0.0.100 belongs to 52:54:00:00:00:61)
        b release .101 -> silence (there is no record that it ever had 10.0.0.101 from here)
        a release .100 -> noted [.100 a released]
        a release .100 -> silence (there is no record that it ever had 10.0.0.100 from here)
        b discover .100 -> offer .108 for 12 h
    "#]]
    .assert_eq(&told(
        "a discover .100; a select .100
         b release .100
         b release .101
         a release .100
         a release .100
         b discover .100",
    ));
}

#[test]
fn an_address_that_the_configuration_takes_away_is_taken_back_when_its_machine_asks() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109)]));
    segment.tell("a discover .100; a select .100; b discover .105; b select .105");
    segment.policy.subnets = vec![std::sync::Arc::new(subnet(0, 105, 109))];
    segment.tell(
        "reload
         a renew .100
         a discover
         b renew .105
         c select .100",
    );
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        b discover .105 -> offer .105 for 12 h
        b select .105 -> ack .105 for 12 h [.105 b 12 h], once recorded
        reload
            Reload: configuration in force: 3 profiles, 0 hosts, 0 rules
        a renew .100 -> nak (10.0.0.100 is not lent to it)
        a discover -> offer .109 for 12 h
        b renew .105 -> ack .105 for 12 h, once recorded
        c select .100 -> nak (10.0.0.100 is not lent to it)
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn leases_survive_a_crash() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        b discover .101 -> offer .101 for 12 h
        b select .101 -> ack .101 for 12 h [.101 b 12 h], once recorded
        b release .101 -> noted [.101 b released]
        c discover .102 -> offer .102 for 12 h
        c select .102 -> ack .102 for 12 h [.102 c 12 h], once recorded
        c decline .102 -> noted [.102 declined 1 h]
            Warn: 52:54:00:00:00:63: declined 10.0.0.102: another machine uses it; nobody gets it for an hour
        crash
        d discover .100 -> offer .108 for 12 h
        d discover .102 -> offer .108 for 12 h
        a renew .100 -> ack .100 for 11 h 59 min, once recorded
        b discover -> offer .101 for 12 h
        wait 13h
        d discover .102 -> offer .108 for 12 h
        d discover .100 -> offer .108 for 12 h
    "#]]
    .assert_eq(&told(
        "a discover .100; a select .100
         b discover .101; b select .101; b release .101
         c discover .102; c select .102; c decline .102
         crash
         d discover .100
         d discover .102
         a renew .100
         b discover
         wait 13h
         d discover .102
         d discover .100",
    ));
}
