//! Addresses that somebody else uses: DECLINE, and what a probe finds.

use expect_test::expect;

use super::story::{Segment, policy, subnet, told};

#[test]
fn a_declined_address_is_nobody_s_for_an_hour() {
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        a decline .100 -> noted [.100 declined 1 h]
            Warn: 52:54:00:00:00:61: declined 10.0.0.100: another machine uses it; nobody gets it for an hour
        a discover .100 -> offer .109 for 12 h
        a reboot .100 -> silence (there is no record that it ever had 10.0.0.100 from here)
        b select .100 -> nak (10.0.0.100 is not lent to it)
        b decline .100 -> silence (there is no record that it ever had 10.0.0.100 from here)
        b decline .105 -> silence (there is no record that it ever had 10.0.0.105 from here)
        wait 59m
        b discover .100 -> offer .108 for 12 h
        wait 2m
        b discover .100 -> offer .108 for 12 h
    "#]]
    .assert_eq(&told(
        "a discover .100; a select .100
         a decline .100
         a discover .100
         a reboot .100
         b select .100
         b decline .100
         b decline .105
         wait 59m
         b discover .100
         wait 2m
         b discover .100",
    ));
}

#[test]
fn no_more_than_a_quarter_of_a_pool_is_kept_back() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 107)]));
    segment.tell(
        "a discover .100; a decline .100
         wait 1s
         a discover .101; a decline .101
         wait 1s
         a discover .102; a decline .102
         b discover .101
         b discover .100",
    );
    expect![[r#"
        a discover .100 -> offer .100 for 12 h
        a decline .100 -> noted [.100 declined 1 h]
            Warn: 52:54:00:00:00:61: declined 10.0.0.100: another machine uses it; nobody gets it for an hour
        wait 1s
        a discover .101 -> offer .101 for 12 h
        a decline .101 -> noted [.101 declined 1 h]
            Warn: 52:54:00:00:00:61: declined 10.0.0.101: another machine uses it; nobody gets it for an hour
        wait 1s
        a discover .102 -> offer .102 for 12 h
        a decline .102 -> noted [.100 declined 0 ms] [.102 declined 1 h]
            Warn: 52:54:00:00:00:61: declined 10.0.0.102: another machine uses it; nobody gets it for an hour
        b discover .101 -> offer .106 for 12 h
        b discover .100 -> offer .106 for 12 h
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn an_address_is_tried_before_it_is_offered_and_not_again_within_ten_minutes() {
    let mut own = subnet(0, 100, 109);
    own.probe = true;
    let mut segment = Segment::new(policy(vec![own]));
    segment.tell(
        "a discover .100
         probe .100 used z
         a discover .100
         a discover .101
         probe .101 used
         a discover .102
         probe .102 used a
         a discover .102
         a select .102
         a discover .102
         b discover .103
         probe .103 free
         b leaves
         wait 9m
         c discover .103
         wait 2m
         d discover .103",
    );
    expect![[r#"
        a discover .100 -> offer .100 for 12 h, to be tried first
        probe .100 used z ->  [.100 declined 1 h]
            Warn: 52:54:00:00:00:7a: uses 10.0.0.100, which is not leased to it; nobody gets it for an hour
        a discover .100 -> offer .109 for 12 h, to be tried first
        a discover .101 -> offer .109 for 12 h, to be tried first
        probe .101 used ->  [.101 declined 1 h]
            Warn: a machine uses 10.0.0.101, which is not leased to it; nobody gets it for an hour
        a discover .102 -> offer .109 for 12 h, to be tried first
        probe .102 used a ->  [.102 declined 1 h]
            Warn: 52:54:00:00:00:61: uses 10.0.0.102, which is not leased to it; nobody gets it for an hour
        a discover .102 -> offer .109 for 12 h, to be tried first
        a select .102 -> nak (10.0.0.102 is not lent to it)
        a discover .102 -> offer .109 for 12 h, to be tried first
        b discover .103 -> offer .103 for 12 h, to be tried first
        probe .103 free
        b leaves -> silence (it took the offer of the server 10.0.0.9)
        wait 9m
        c discover .103 -> offer .103 for 12 h
        wait 2m
        d discover .103 -> offer .103 for 12 h, to be tried first
    "#]]
    .assert_eq(&segment.told());
}

/// Two strangers are offered the last address, and one takes it: what the other says of it ended the lease.
#[test]
fn who_was_offered_an_address_that_another_took_cannot_have_it_kept_back() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 100)]));
    segment.tell(
        "a discover
         b discover
         b select .100
         a decline .100
         probe .100 used
         probe .100 used z
         b renew .100",
    );
    expect![[r#"
        a discover -> offer .100 for 12 h
        b discover -> offer .100 for 12 h
        b select .100 -> ack .100 for 12 h [.100 b 12 h], once recorded
        a decline .100 -> silence (10.0.0.100 belongs to 52:54:00:00:00:62)
        probe .100 used
        probe .100 used z
        b renew .100 -> ack .100 for 12 h, once recorded
    "#]]
    .assert_eq(&segment.told());
}
