//! Firmware that does not understand everything: which wording of an offer each one boots by.

use bootwright_client::machine::{Fate, Gone, Spec, Start};
use bootwright_client::rom::{Fault, Quirk};
use bootwright_proto::dhcp::Strategy;
use expect_test::expect;

use crate::machine::{local_web, spec};
use crate::segment::Segment;

fn boot(quirk: Quirk, start: Start, strategy: Strategy) -> (Option<Fate>, Vec<String>) {
    let mut segment = Segment::new(local_web);
    segment.strategy = Some(strategy);
    let spec = Spec { quirk, ..spec(start) };
    let (fate, _) = segment.boot(spec);
    (fate, segment.log)
}

#[test]
fn each_firmware_boots_by_the_wordings_that_it_understands_and_by_no_other() {
    let quirks = [
        Quirk::None,
        Quirk::WantsPrompt,
        Quirk::ForgetsOffer,
        Quirk::WantsMenu,
        Quirk::NeverMerges,
    ];
    let mut table = String::new();
    for quirk in quirks {
        let boots = |strategy: &Strategy| {
            let by = [Start::BiosPxe, Start::UefiPxe].map(|start| boot(quirk, start, *strategy).0);
            let [bios, uefi] = by.map(|fate| matches!(fate, Some(Fate::Disk { .. })));
            assert_eq!(bios, uefi, "{quirk:?} {strategy}");
            bios
        };
        let good: Vec<&str> = Strategy::LADDER.iter().filter(|s| boots(s)).map(|s| s.name()).collect();
        table.push_str(&format!("{quirk:?}: {}\n", good.join(", ")));
    }
    expect![[r#"
        None: direct, direct-with-menu, no-vendor-options, one-entry-menu, merged
        WantsPrompt: direct-with-menu, no-vendor-options, one-entry-menu
        ForgetsOffer: no-vendor-options, merged
        WantsMenu: one-entry-menu
        NeverMerges: merged
    "#]]
    .assert_eq(&table);
}

#[test]
fn firmware_that_understands_no_offer_says_so_as_its_like_do() {
    let nothing = |fault| Some(Fate::NextEntry(Gone::Fault(fault)));
    for (quirk, fault) in [
        (Quirk::WantsPrompt, Fault::NoBootFile),
        (Quirk::ForgetsOffer, Fault::NoBootFile),
        (Quirk::NeverMerges, Fault::NoBootFile),
    ] {
        assert_eq!(
            boot(quirk, Start::UefiPxe, Strategy::Direct).0,
            nothing(fault),
            "{quirk:?}"
        );
    }
}

#[test]
fn a_merged_offer_leads_to_a_lease_of_the_server_and_a_file_of_ours() {
    let (_, log) = boot(Quirk::NeverMerges, Start::UefiPxe, Strategy::Merged);
    expect![[r#"
        0   Discover of uefi-pxe
        4   Request of uefi-pxe
        4   TFTP snponly.efi
        4   TFTP snponly.efi
        4   Discover of ipxe
        4   Request of ipxe
        4   GET http://10.77.0.1:8080/boot.ipxe
        4   GET http://10.77.0.1:8080/ipxe
        4   | Bootwright: this machine starts its own disk (uefi-disk): it is installed.
    "#]]
    .assert_eq(&(log.join("\n") + "\n"));
}

#[test]
fn a_program_that_hangs_is_fetched_and_never_calls() {
    let mut segment = Segment::new(local_web);
    let spec = Spec {
        dead_program: Some("snponly.efi".to_owned()),
        ..spec(Start::UefiPxe)
    };
    assert_eq!(segment.boot(spec).0, Some(Fate::Hung));
    assert!(
        segment.log.iter().all(|line| !line.contains("ipxe")),
        "{:?}",
        segment.log
    );
}
