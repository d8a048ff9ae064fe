//! Addresses that the configuration keeps for a machine.

use expect_test::expect;

use super::story::{Segment, host, policy, subnet};

#[test]
fn a_reserved_address_is_its_machine_s_alone() {
    let mut policy = policy(vec![subnet(0, 100, 109)]);
    host(&mut policy, "oak", 'a', &[".105"]);
    host(&mut policy, "elm", 'b', &[".20"]);
    let mut segment = Segment::new(policy);
    segment.tell(
        "c discover .105
         c select .105
         a discover
         a select .105
         a reboot .105
         a reboot .100
         b discover .100
         b select .20
         b renew .20
         crash
         b rebind .20",
    );
    expect![[r#"
        c discover .105 -> offer .103 for 12 h
        c select .105 -> nak (10.0.0.105 is not lent to it)
        a discover -> offer .105 for 12 h as oak
        a select .105 -> ack .105 for 12 h as oak [.105 a 12 h], once recorded
        a reboot .105 -> ack .105 for 12 h as oak, once recorded
        a reboot .100 -> nak (its address is 10.0.0.105)
        b discover .100 -> offer .20 for 12 h as elm
        b select .20 -> ack .20 for 12 h as elm [.20 b 12 h], once recorded
        b renew .20 -> ack .20 for 12 h as elm, once recorded
        crash
        b rebind .20 -> ack .20 for 11 h 59 min as elm, once recorded
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn a_reservation_that_comes_later_moves_its_machine_when_it_starts_again_and_the_address_is_free() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109)]));
    segment.tell("a discover .100; a select .100; b discover .105; b select .105");
    host(&mut segment.policy, "oak", 'a', &[".105"]);
    segment.tell(
        "reload
         a renew .100
         b renew .105
         b discover .106
         a renew .100
         wait 13h
         a renew .100
         a reboot .100
         a discover
         a select .105
         c discover .109; c select .109",
    );
    host(&mut segment.policy, "elm", 'c', &[".20"]);
    segment.tell(
        "reload
         c renew .109
         c discover",
    );
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        b discover .105 -> offer .105 for 12 h
        b select .105 -> ack .105 for 12 h [.105 b 12 h], once recorded
        reload
            Reload: configuration in force: 3 profiles, 1 host, 0 rules
        a renew .100 -> ack .100 for 12 h as oak, once recorded
        b renew .105 -> nak (10.0.0.105 is not lent to it)
        b discover .106 -> offer .106 for 12 h
        a renew .100 -> ack .100 for 12 h as oak, once recorded
        wait 13h
        a renew .100 -> ack .100 for 12 h as oak [.100 a 12 h], once recorded
        a reboot .100 -> nak (its address is 10.0.0.105)
        a discover -> offer .105 for 12 h as oak
        a select .105 -> ack .105 for 12 h as oak [.100 a released] [.105 a 12 h], once recorded
        c discover .109 -> offer .109 for 12 h
        c select .109 -> ack .109 for 12 h [.109 c 12 h], once recorded
        reload
            Reload: configuration in force: 3 profiles, 2 hosts, 0 rules
        c renew .109 -> nak (its address is 10.0.0.20)
        c discover -> offer .20 for 12 h as elm
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn a_machine_whose_reserved_address_somebody_else_uses_gets_another_meanwhile() {
    let mut policy = policy(vec![subnet(0, 100, 109)]);
    host(&mut policy, "oak", 'a', &[".20"]);
    let mut segment = Segment::new(policy);
    segment.tell(
        "a discover
         a decline .20
         a discover .104
         a select .104
         wait 30m
         a renew .104
         wait 31m
         a renew .104
         a discover",
    );
    expect![[r#"
        a discover -> offer .20 for 12 h as oak
        a decline .20 -> noted [.20 declined 1 h]
            Warn: 52:54:00:00:00:61: declined 10.0.0.20: another machine uses it; nobody gets it for an hour
        a discover .104 -> offer .104 for 12 h as oak
        a select .104 -> ack .104 for 12 h as oak [.104 a 12 h], once recorded
        wait 30m
        a renew .104 -> ack .104 for 11 h 30 min as oak, once recorded
        wait 31m
        a renew .104 -> nak (its address is 10.0.0.20)
        a discover -> offer .20 for 12 h as oak
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn of_two_cards_of_one_machine_the_first_has_the_reserved_address() {
    let mut policy = policy(vec![subnet(0, 100, 109)]);
    host(&mut policy, "oak", 'a', &[".20"]);
    if let Some(oak) = policy.hosts.get_mut("oak") {
        oak.facts.macs.insert(super::story::mac('b'));
    }
    let mut segment = Segment::new(policy);
    segment.tell(
        "a discover
         a select .20
         b discover .105
         b select .105
         a release .20
         b renew .105
         b discover
         b select .20
         a discover .101",
    );
    expect![[r#"
        a discover -> offer .20 for 12 h as oak
        a select .20 -> ack .20 for 12 h as oak [.20 a 12 h], once recorded
        b discover .105 -> offer .105 for 12 h as oak
        b select .105 -> ack .105 for 12 h as oak [.105 b 12 h], once recorded
        a release .20 -> noted [.20 a released]
        b renew .105 -> ack .105 for 12 h as oak, once recorded
        b discover -> offer .20 for 12 h as oak
        b select .20 -> ack .20 for 12 h as oak [.105 b released] [.20 b 12 h], once recorded
        a discover .101 -> offer .101 for 12 h as oak
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn an_address_is_kept_for_the_cards_that_the_configuration_names_and_not_for_those_that_its_host_has_besides() {
    let mut policy = policy(vec![subnet(0, 100, 109)]);
    host(&mut policy, "oak", 'b', &[".20"]);
    let mut segment = Segment::new(policy);
    segment.tell("B discover");
    // The host keeps its name and the card that it was seen with.
    host(&mut segment.policy, "oak", 'a', &[".20"]);
    segment.tell(
        "reload
         b discover .105
         a discover",
    );
    expect![[r#"
        B discover -> offer .20 for 10 min as oak with snponly.efi
            New: 52:54:00:00:00:62
            Seen: firmware asks where to boot, x64 UEFI
        reload
            Reload: configuration in force: 3 profiles, 1 host, 0 rules
        b discover .105 -> offer .105 for 12 h as oak
        a discover -> offer .20 for 12 h as oak
    "#]]
    .assert_eq(&segment.told());
}
