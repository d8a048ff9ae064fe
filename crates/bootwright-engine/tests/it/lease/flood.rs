//! Many strangers and few addresses.

use bootwright_core::MacAddr;
use bootwright_core::lease::LeaseMessage;
use bootwright_engine::LeaseReply;
use expect_test::expect;

use super::story::{Segment, address, host, policy, subnet};

/// As many strangers as this ask; how many were offered an address, and how many of those took it.
fn flood(segment: &mut Segment, strangers: u32, takes: bool) -> (usize, usize) {
    let (mut offered, mut granted) = (0, 0);
    for number in 0..strangers {
        let [_, a, b, c] = number.to_be_bytes();
        let mut ask = segment.ask('z', LeaseMessage::Discover { wish: None });
        ask.mac = MacAddr::new([a.wrapping_add(c).wrapping_mul(4), b, c, 0, 0, 1]);
        let outcome = segment.engine.lease(segment.now, &ask);
        let Some(address) = outcome.reply.address() else {
            continue;
        };
        offered += 1;
        if takes {
            ask.message = LeaseMessage::Select { address };
            let outcome = segment.engine.lease(segment.now, &ask);
            granted += usize::from(matches!(outcome.reply, LeaseReply::Ack { .. }));
        }
    }
    (offered, granted)
}

fn small(known_share: u8) -> Segment {
    let mut subnet = subnet(0, 100, 119);
    subnet.known_share = known_share;
    let mut policy = policy(vec![subnet]);
    host(&mut policy, "oak", 'a', &[]);
    host(&mut policy, "elm", 'b', &[".200"]);
    Segment::new(policy)
}

#[test]
fn threat_13_strangers_that_take_every_address_leave_the_share_of_known_machines() {
    let mut segment = small(20);
    let (_, granted) = flood(&mut segment, 200, true);
    assert_eq!(granted, 16, "of 20 addresses, four are kept");
    segment.tell(
        "a discover
         b discover
         c discover
         d discover",
    );
    expect![[r#"
        a discover -> offer .112 for 12 h as oak
        b discover -> offer .200 for 12 h as elm
        c discover -> silence (what is left of the pool of 10.0.0.0/24 is kept for machines that the configuration names or that were armed)
        d discover -> silence (what is left of the pool of 10.0.0.0/24 is kept for machines that the configuration names or that were armed)
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn threat_13_strangers_that_never_take_what_they_are_offered_tie_up_nothing() {
    let mut segment = small(20);
    let (offered, _) = flood(&mut segment, 10_000, false);
    assert!(offered > 16, "{offered}: the same addresses are offered again");
    let ask = segment.ask('s', LeaseMessage::Discover { wish: None });
    let Some(address) = segment.engine.lease(segment.now, &ask).reply.address() else {
        panic!("an honest stranger is offered an address")
    };
    let mut flood_on = segment.ask('t', LeaseMessage::Discover { wish: None });
    for number in 0..200_u8 {
        flood_on.mac = MacAddr::new([number & 0xfc, 1, 1, 1, 1, number]);
        let _ = segment.engine.lease(segment.now, &flood_on);
    }
    let ask = segment.ask('s', LeaseMessage::Select { address });
    match segment.engine.lease(segment.now, &ask).reply {
        LeaseReply::Ack { lease, .. } => assert_eq!(lease.address, address),
        other => panic!("{other:?}"),
    }
    segment.tell("a discover");
    assert!(segment.told().contains("offer"));
}

#[test]
fn threat_13_strangers_that_come_back_cannot_grow_into_the_share_of_known_machines() {
    let mut segment = small(20);
    for _ in 0..5 {
        let (_, granted) = flood(&mut segment, 60, true);
        assert!(granted <= 16, "{granted}");
        segment.tell("wait 13h");
    }
    let (_, granted) = flood(&mut segment, 60, true);
    assert!(granted <= 16, "{granted}");
    let _ = segment.told();
    segment.tell("a discover");
    assert!(segment.told().contains("offer"));
}

#[test]
fn threat_13_an_exhausted_pool_is_warned_of_once_in_ten_minutes() {
    let mut segment = small(0);
    let (_, granted) = flood(&mut segment, 20, true);
    assert_eq!(granted, 20);
    segment.tell("c discover; c discover; a discover; b discover; wait 10m; c discover");
    expect![[r#"
        c discover -> silence (the pool of 10.0.0.0/24 has no address left)
            Warn: the pool of 10.0.0.0/24 has no address left
        c discover -> silence (the pool of 10.0.0.0/24 has no address left)
        a discover -> silence (the pool of 10.0.0.0/24 has no address left)
        b discover -> offer .200 for 12 h as elm
        wait 10m
        c discover -> silence (the pool of 10.0.0.0/24 has no address left)
            Warn: the pool of 10.0.0.0/24 has no address left
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn at_a_share_of_a_hundred_strangers_get_nothing() {
    let mut segment = small(100);
    segment.tell("c discover; a discover .100; a select .100");
    let address = address(".100");
    assert_eq!(segment.recorded.keys().copied().collect::<Vec<_>>(), [address]);
    expect![[r#"
        c discover -> silence (what is left of the pool of 10.0.0.0/24 is kept for machines that the configuration names or that were armed)
            Warn: what is left of the pool of 10.0.0.0/24 is kept for machines that the configuration names or that were armed
        a discover .100 -> offer .100 for 12 h as oak
        a select .100 -> ack .100 for 12 h as oak [.100 a 12 h], once recorded
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn a_large_pool_is_lent_out_to_the_last_address() {
    let mut wide = subnet(0, 100, 109);
    wide.network = "10.0.0.0/16".parse().expect("a network");
    wide.ranges = vec![bootwright_core::lease::AddressRange {
        first: [10, 0, 1, 0].into(),
        last: [10, 0, 255, 255].into(),
    }];
    let mut segment = Segment::new(policy(vec![wide]));
    let mut seen = std::collections::BTreeSet::new();
    let mut ask = segment.ask('z', LeaseMessage::Discover { wish: None });
    for number in 0..70_000_u32 {
        // So slowly that nobody has to stand in line.
        segment.now = segment.now.after(bootwright_core::Span::from_millis(600));
        let [a, b, c, d] = number.to_be_bytes();
        ask.mac = MacAddr::new([a, d.wrapping_mul(4), b, c, d, 1]);
        ask.message = LeaseMessage::Discover { wish: None };
        let Some(address) = segment.engine.lease(segment.now, &ask).reply.address() else {
            continue;
        };
        ask.message = LeaseMessage::Select { address };
        if let LeaseReply::Ack { .. } = segment.engine.lease(segment.now, &ask).reply {
            assert!(seen.insert(address), "{address} has two holders");
            assert!(!matches!(address.octets(), [_, _, _, 0 | 255]), "{address}");
        }
    }
    // 255 blocks of 254 addresses, but for the relay's; the leases of twelve hours outlast the story.
    assert_eq!(seen.len(), 255 * 254 - 1);
}
