//! What firmware is offered, in each state of its host.

use std::collections::BTreeMap;

use bootwright_core::{Arch, Ask, Asker, DhcpMode, Facts, HostDefinition, Loader, Unknown, Way};
use expect_test::expect;

use crate::decide_cell::{Case, STATES, host};

#[test]
fn what_firmware_is_offered() {
    let mut text = String::new();
    let offer = |arch, loader, handed| Ask::Offer {
        arch,
        loader,
        file: 0,
        handed,
        entry: false,
        way: Way::Link,
    };
    for loader in [Loader::Firmware, Loader::IpxeWithoutHttp, Loader::Ipxe] {
        for handed in [false, true] {
            let answer = Case::new().ask(Asker::Stranger, None, offer(Arch::BIOS, loader, handed));
            text.push_str(&format!("{loader:?}, handed a file before {handed}: {answer}\n"));
        }
    }
    for dhcp in [DhcpMode::Proxy, DhcpMode::Server, DhcpMode::Observe, DhcpMode::Off] {
        let case = Case::with(|case| case.policy.dhcp = dhcp);
        let answer = case.ask(Asker::Stranger, None, offer(Arch::BIOS, Loader::Firmware, false));
        text.push_str(&format!("{dhcp:?}: {answer}\n"));
    }
    for unknown in [Unknown::Hold, Unknown::Ignore] {
        let case = Case::with(|case| case.policy.safety.unknown = unknown.clone());
        text.push_str(&format!("{unknown:?}:\n"));
        for story in STATES {
            let shown = if story.is_empty() { "new" } else { story };
            let answer = case.ask(
                Asker::Host(&host(story)),
                None,
                offer(Arch::EFI64, Loader::Firmware, false),
            );
            text.push_str(&format!("    {shown:<35} {answer}\n"));
        }
        for (name, asker) in [
            ("stranger", Asker::Stranger),
            ("nobody", Asker::Nobody),
            ("doubt", Asker::Contradiction("two serial numbers")),
        ] {
            text.push_str(&format!(
                "    {name:<35} {}\n",
                case.ask(asker, None, offer(Arch::EFI64, Loader::Firmware, false))
            ));
        }
    }
    let case = Case::new();
    let definition = HostDefinition {
        name: None,
        facts: Facts::default(),
        profile: None,
        labels: BTreeMap::new(),
        metadata: BTreeMap::new(),
        first_file: Some("custom.efi".to_owned()),
        directory: None,
        offer: None,
        local: None,
        addresses: Vec::new(),
    };
    let armed = host("arm debian");
    for (what, arch, loader, definition) in [
        ("iPXE", Arch::BIOS, Loader::Ipxe, None),
        ("unheard of", Arch::new(0x99), Loader::Firmware, None),
        ("unheard of iPXE", Arch::new(0x99), Loader::Ipxe, None),
        ("own file", Arch::EFI64, Loader::Firmware, Some(&definition)),
        (
            "own file, unheard of",
            Arch::new(0x99),
            Loader::Firmware,
            Some(&definition),
        ),
    ] {
        let answer = case.ask(Asker::Host(&armed), definition, offer(arch, loader, false));
        text.push_str(&format!("{what}: {answer}\n"));
    }
    expect![[r#"
        Firmware, handed a file before false: first file undionly.kpxe
        Firmware, handed a file before true: first file undionly.kpxe
        IpxeWithoutHttp, handed a file before false: first file undionly.kpxe
        IpxeWithoutHttp, handed a file before true: silence (it is an iPXE without HTTP, and the boot file that it was handed within the last 10 minutes led back to it)
        Ipxe, handed a file before false: fetch the script
        Ipxe, handed a file before true: fetch the script
        Proxy: first file undionly.kpxe
        Server: first file undionly.kpxe
        Observe: silence (the mode is `observe`; else it would fetch `undionly.kpxe`)
        Off: silence (the mode is `off`)
        Hold:
            new                                 first file snponly.efi
            hold                                first file snponly.efi
            local                               first file snponly.efi
            arm debian                          first file snponly.efi
            arm gone                            first file snponly.efi
            arm debian; start 1                 first file snponly.efi
            arm debian; start 1; start 2        first file snponly.efi
            arm gone; start 1                   first file snponly.efi
            arm debian; start 1; finish 1       first file snponly.efi
            arm debian; start 1; up 1           first file snponly.efi
            arm debian; start 1; fail 1         first file snponly.efi
            live rescue                         first file snponly.efi
            live gone                           first file snponly.efi
            ignore                              silence (the host is ignored)
            lock                                first file snponly.efi
            arm debian; start 1; finish 1; lock first file snponly.efi
            stranger                            first file snponly.efi
            nobody                              first file snponly.efi
            doubt                               first file snponly.efi
        Ignore:
            new                                 silence (the policy for unknown hosts is `ignore`)
            hold                                first file snponly.efi
            local                               first file snponly.efi
            arm debian                          first file snponly.efi
            arm gone                            first file snponly.efi
            arm debian; start 1                 first file snponly.efi
            arm debian; start 1; start 2        first file snponly.efi
            arm gone; start 1                   first file snponly.efi
            arm debian; start 1; finish 1       first file snponly.efi
            arm debian; start 1; up 1           first file snponly.efi
            arm debian; start 1; fail 1         first file snponly.efi
            live rescue                         first file snponly.efi
            live gone                           first file snponly.efi
            ignore                              silence (the host is ignored)
            lock                                silence (the policy for unknown hosts is `ignore`)
            arm debian; start 1; finish 1; lock first file snponly.efi
            stranger                            silence (the policy for unknown hosts is `ignore`)
            nobody                              silence (the policy for unknown hosts is `ignore`)
            doubt                               first file snponly.efi
        iPXE: fetch the script
        unheard of: silence (no boot file is configured for architecture 0x99)
        unheard of iPXE: fetch the script
        own file: first file custom.efi
        own file, unheard of: first file custom.efi
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_host_that_is_to_start_its_disk_without_a_loader_is_offered_nothing_or_a_file_that_is_not_there() {
    let offer = Ask::Offer {
        arch: Arch::EFI64,
        loader: Loader::Firmware,
        file: 0,
        handed: false,
        entry: false,
        way: bootwright_core::Way::Link,
    };
    let mut text = String::new();
    for method in bootwright_core::LocalMethod::ALL {
        let definition = HostDefinition {
            name: None,
            facts: Facts::default(),
            profile: None,
            labels: BTreeMap::new(),
            metadata: BTreeMap::new(),
            first_file: None,
            directory: None,
            offer: None,
            local: Some(method),
            addresses: Vec::new(),
        };
        for story in ["arm debian", "arm debian; start 1; finish 1"] {
            let answer = Case::new().ask(Asker::Host(&host(story)), Some(&definition), offer);
            text.push_str(&format!("{method}, {story}: {answer}\n"));
        }
    }
    expect![[r#"
        bios-disk, arm debian: first file snponly.efi
        bios-disk, arm debian; start 1; finish 1: first file snponly.efi
        uefi-disk, arm debian: first file snponly.efi
        uefi-disk, arm debian; start 1; finish 1: first file snponly.efi
        exit, arm debian: first file snponly.efi
        exit, arm debian; start 1; finish 1: first file snponly.efi
        no-file, arm debian: first file snponly.efi
        no-file, arm debian; start 1; finish 1: first file start-your-own-disk
        no-offer, arm debian: first file snponly.efi
        no-offer, arm debian; start 1; finish 1: silence (it is to start its own disk, by the method `no-offer`)
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_raspberry_pi_is_sent_to_its_own_files_whatever_state_its_host_is_in_and_never_to_a_boot_program() {
    let offer = Ask::Offer {
        arch: Arch::BIOS,
        loader: Loader::RaspberryPi,
        file: 0,
        handed: false,
        entry: false,
        way: Way::Link,
    };
    let case = Case::with(|case| case.policy.raspberry_pi = true);
    let mut text = String::new();
    for story in STATES {
        let answer = case.ask(Asker::Host(&host(story)), None, offer);
        text.push_str(&format!("{story:<35} {answer}\n"));
    }
    let definition = HostDefinition {
        name: None,
        facts: Facts::default(),
        profile: None,
        labels: BTreeMap::new(),
        metadata: BTreeMap::new(),
        first_file: Some("custom.efi".to_owned()),
        directory: None,
        offer: None,
        local: Some(bootwright_core::LocalMethod::NoOffer),
        addresses: Vec::new(),
    };
    for story in ["arm debian", "arm debian; start 1; finish 1"] {
        let answer = case.ask(Asker::Host(&host(story)), Some(&definition), offer);
        text.push_str(&format!("no-offer, {story}: {answer}\n"));
    }
    expect![[r#"
                                            its own files
        hold                                its own files
        local                               its own files
        arm debian                          its own files
        arm gone                            its own files
        arm debian; start 1                 its own files
        arm debian; start 1; start 2        its own files
        arm gone; start 1                   its own files
        arm debian; start 1; finish 1       its own files
        arm debian; start 1; up 1           its own files
        arm debian; start 1; fail 1         its own files
        live rescue                         its own files
        live gone                           its own files
        ignore                              silence (the host is ignored)
        lock                                its own files
        arm debian; start 1; finish 1; lock its own files
        no-offer, arm debian: its own files
        no-offer, arm debian; start 1; finish 1: silence (it is to start its own disk, by the method `no-offer`)
    "#]]
    .assert_eq(&text);
}
