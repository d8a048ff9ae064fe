//! Boot data and addresses in one reply.

use bootwright_core::lease::LeaseMessage;
use bootwright_core::{Arch, Loader, Unknown, Why};
use bootwright_engine::{LeaseReply, OfferReply};
use expect_test::expect;

use super::story::{Segment, address, policy, subnet};

#[test]
fn firmware_and_system_have_one_address_and_only_the_firmware_is_told_what_to_boot() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109)]));
    segment.tell(
        "A discover .100
         A select .100
         A discover .105
         A select .100
         a discover
         a select .100",
    );
    expect![[r#"
        A discover .100 -> offer .100 for 10 min with snponly.efi
            New: 52:54:00:00:00:61
            Seen: firmware asks where to boot, x64 UEFI
        A select .100 -> ack .100 for 10 min with snponly.efi [.100 a 10 min], once recorded
        A discover .105 -> offer .100 for 10 min with snponly.efi
        A select .100 -> ack .100 for 10 min with snponly.efi, once recorded
        a discover -> offer .100 for 12 h
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
    "#]]
    .assert_eq(&segment.told());
    let host = segment.engine.host_at(segment.now, address(".100").into());
    assert!(host.is_some(), "the lease tells which host has the address");
}

#[test]
fn the_address_of_a_host_is_known_after_a_crash() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109)]));
    segment.tell("A discover .100; A select .100");
    let before = segment.engine.host_at(segment.now, address(".100").into());
    segment.tell("crash");
    let after = segment.engine.host_at(segment.now, address(".100").into());
    assert!(before.is_some());
    assert_eq!(after, before);
    segment.tell("wait 1h");
    assert_eq!(
        segment.engine.host_at(segment.now, address(".100").into()),
        None,
        "its lease has ended"
    );
}

#[test]
fn an_address_that_goes_to_a_stranger_is_no_host_s_any_more() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 100)]));
    segment.tell("A discover; A select .100; wait 21m; b discover; b select .100");
    assert_eq!(segment.engine.host_at(segment.now, address(".100").into()), None);
}

#[test]
fn a_boot_client_that_is_not_to_be_answered_gets_no_address_either_but_its_system_does() {
    let mut policy = policy(vec![subnet(0, 100, 109)]);
    policy.safety.unknown = Unknown::Ignore;
    let mut segment = Segment::new(policy);
    segment.tell("A discover; a discover .100; A select .100; a select .100; A renew .100");
    expect![[r#"
        A discover -> silence (the policy for unknown hosts is `ignore`)
            New: 52:54:00:00:00:61
            Seen: firmware asks where to boot, x64 UEFI
        a discover .100 -> offer .100 for 12 h
        A select .100 -> silence (the policy for unknown hosts is `ignore`)
        a select .100 -> ack .100 for 12 h [.100 a 12 h], once recorded
        A renew .100 -> silence (the policy for unknown hosts is `ignore`)
    "#]]
    .assert_eq(&segment.told());
}

#[test]
fn u_boot_gets_its_address_whether_the_site_serves_it_or_not() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109)]));
    let mut ask = segment.ask('A', LeaseMessage::Discover { wish: None });
    let boot = ask.boot.as_mut().expect("firmware asks");
    (boot.arch, boot.loader) = (Arch::new(0x16), Loader::UBoot);
    match segment.engine.lease(segment.now, &ask).reply {
        LeaseReply::Offer { boot: None, .. } => {}
        other => panic!("{other:?}"),
    }
    segment
        .policy
        .first_files
        .insert(Arch::new(0x16), "boot.scr".to_owned());
    segment.tell("reload");
    match segment.engine.lease(segment.now, &ask).reply {
        LeaseReply::Offer {
            boot: Some(OfferReply::FirstFile { file, .. }),
            ..
        } => assert_eq!(file, "boot.scr"),
        other => panic!("{other:?}"),
    }
    let (Some(boot), _) = (ask.boot.as_mut(), ()) else {
        return;
    };
    (boot.arch, boot.loader) = (Arch::new(0x99), Loader::Firmware);
    match segment.engine.lease(segment.now, &ask).reply {
        LeaseReply::Silence(why) => assert_eq!(why.name(), Why::ArchNotServed(Arch::new(0x99)).name()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_shows_the_leases_of_its_cards() {
    let mut segment = Segment::new(policy(vec![subnet(0, 100, 109)]));
    segment.tell("A discover .100; A select .100; b discover .101; b select .101");
    let id = segment
        .engine
        .resolve(&super::story::mac('a').to_string())
        .expect("a host");
    let view = segment.engine.view(id.as_str()).expect("a host");
    let shown: Vec<_> = view.leases.iter().map(|lease| (lease.address, lease.holder)).collect();
    assert_eq!(shown, [(address(".100"), super::story::mac('a'))]);
}
