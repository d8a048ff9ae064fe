//! Who is handed a boot program, and who would only run in circles with it.

use bootwright_core::{Loader, Span, Way};
use bootwright_engine::FetchKind;
use expect_test::expect;

use crate::site::{Site, address, mac, policy};

/// A machine with an iPXE that does not speak HTTP, which has fetched what it was handed.
fn handed() -> Site {
    let mut site = Site::new(policy());
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    site.wait(Span::from_secs(1));
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    site.engine.learn_address(mac(1), address(mac(1)));
    site.fetched(1, "undionly.kpxe", FetchKind::Firmware, None);
    site
}

#[test]
fn an_ipxe_without_http_that_its_boot_program_leads_back_to_gets_it_once_in_ten_minutes() {
    let mut site = handed();
    site.wait(Span::from_secs(3));
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    site.wait(Span::from_mins(9));
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    site.wait(Span::from_mins(1));
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            New quince-61: 52:54:00:00:00:01
            Seen quince-61: iPXE asks where to boot, x86 BIOS
        wait 1 s
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
        undionly.kpxe was sent to 52:54:00:00:00:01
            Fetch quince-61: fetched undionly.kpxe, 4 MB in 2 s
        wait 3 s
        52:54:00:00:00:01 wants to boot -> Silence(HandedBefore)
        wait 9 min
        52:54:00:00:00:01 wants to boot -> Silence(HandedBefore)
        wait 1 min
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn an_ipxe_without_http_that_gets_on_is_handed_the_same_at_its_next_boot() {
    let mut site = handed();
    site.wait(Span::from_secs(3));
    site.offer_to(Loader::Ipxe, 1);
    site.wait(Span::from_mins(5));
    let _ = site.story();
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_boot_program_that_was_never_fetched_is_handed_out_again() {
    let mut site = Site::new(policy());
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    site.wait(Span::from_secs(40));
    let _ = site.story();
    site.offer_to(Loader::IpxeWithoutHttp, 1);
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
    "#]]
    .assert_eq(&site.story());
}

fn through(relay: [u8; 4]) -> Way {
    let relay = relay.into();
    Way::Relay {
        relay,
        sender: relay,
        is_ours: false,
    }
}

#[test]
fn a_request_that_is_none_of_ours_leaves_no_host_in_the_record() {
    let mut site = Site::new(policy());
    let relay = [10, 1, 0, 1];
    site.offer_through(through(relay), 1);
    site.offer_to(Loader::UBoot, 2);
    assert!(site.engine.world().hosts.is_empty());
    let listed = bootwright_core::Policy {
        relays: [relay.into()].into(),
        ..policy()
    };
    site.reload(listed);
    site.offer_through(through(relay), 1);
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> Silence(RelayNotListed(10.1.0.1))
            Warn 52:54:00:00:00:01 is not answered: relay 10.1.0.1 is not in `dhcp.relays`
        52:54:00:00:00:02 wants to boot -> Silence(UBootNotServed)
        reload -> would arm []
            Reload configuration in force: 3 profiles, 0 hosts, 0 rules
            (all who wait ask again)
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            New quince-61: 52:54:00:00:00:01
            Seen quince-61: firmware asks where to boot, x86 BIOS through relay 10.1.0.1
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_relay_that_is_not_listed_is_told_once_and_a_flood_of_made_up_ones_is_told_of_a_few() {
    let mut site = Site::new(policy());
    for _ in 0..3 {
        site.offer_through(through([10, 1, 0, 1]), 1);
    }
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> Silence(RelayNotListed(10.1.0.1))
            Warn 52:54:00:00:00:01 is not answered: relay 10.1.0.1 is not in `dhcp.relays`
        52:54:00:00:00:01 wants to boot -> Silence(RelayNotListed(10.1.0.1))
        52:54:00:00:00:01 wants to boot -> Silence(RelayNotListed(10.1.0.1))
    "#]]
    .assert_eq(&site.story());
    for number in 0..=255 {
        site.offer_through(through([10, 2, 0, number]), 1);
    }
    let told = site
        .story()
        .lines()
        .filter(|line| line.contains("is not answered"))
        .count();
    assert_eq!(told, 31, "of 32 addresses in an hour, the first one included");
    site.wait(Span::from_mins(61));
    site.offer_through(through([10, 1, 0, 1]), 1);
    assert!(
        site.story().contains("is not answered"),
        "it is told again when it goes on"
    );
}
