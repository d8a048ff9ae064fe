use bootwright_core::FrontEnd;
use bootwright_proto::script::name::{Act, Asking, ENTRIES_MAX, Wanted, Who, part_link, read};
use proptest::prelude::*;

fn card() -> Who {
    Who::Card {
        mac: "52:54:00:12:34:56".parse().expect("an address"),
        uuid: None,
    }
}

fn first(front: FrontEnd, who: Who) -> Option<Wanted> {
    let act = Act::First;
    Some(Wanted::Script(Asking { front, who, act }))
}

#[test]
fn pxelinux_and_uboot_say_who_they_are_by_the_names_that_they_ask_for() {
    let uuid = Who::Uuid("00112233-4455-6677-8899-aabbccddeeff".parse().expect("a UUID"));
    let address = Who::Address("10.77.0.50".parse().expect("an address"));
    // As PXELINUX 6.04 asks beside a server that sends no option 97, and U-Boot (`cmd/pxe_utils.c`).
    for (name, who) in [
        ("pxelinux.cfg/00112233-4455-6677-8899-aabbccddeeff", uuid),
        ("pxelinux.cfg/01-52-54-00-12-34-56", card()),
        ("/pxelinux.cfg/01-52-54-00-12-34-56", card()),
        ("boot/bios/pxelinux.cfg/01-52-54-00-12-34-56", card()),
        ("pxelinux.cfg/0A4D0032", address),
        ("pxelinux.cfg/default", Who::Anyone),
        ("pxelinux.cfg/default-arm-bcm283x-rpi", Who::Anyone),
    ] {
        assert_eq!(read(name), first(FrontEnd::Pxelinux, who), "{name}");
    }
}

#[test]
fn grub_says_who_it_is_by_name_or_asks_for_a_script_that_finds_out() {
    for name in ["grub.cfg", "grub/grub.cfg", "/debian-installer/amd64/grub/grub.cfg"] {
        assert_eq!(read(name), Some(Wanted::GrubFirst), "{name}");
    }
    let name = "/grub/grub.cfg-01-52-54-00-12-34-56";
    assert_eq!(read(name), first(FrontEnd::Grub, card()));
    let uuid: bootwright_core::Uuid = "33221100-5544-7766-8899-aabbccddeeff".parse().expect("a UUID");
    assert_eq!(
        read("grub/grub.cfg-33221100-5544-7766-8899-aabbccddeeff"),
        first(FrontEnd::Grub, Who::Uuid(uuid))
    );
    // What the script makes GRUB ask for: it writes cards with colons.
    let mac = "52:54:00:12:34:56".parse().expect("an address");
    for (name, uuid) in [
        (
            "bootwright/grub/ask/52:54:00:12:34:56/33221100-5544-7766-8899-aabbccddeeff",
            Some(uuid),
        ),
        ("bootwright/grub/ask/52:54:00:12:34:56/", None),
    ] {
        assert_eq!(read(name), first(FrontEnd::Grub, Who::Card { mac, uuid }), "{name}");
    }
    assert_eq!(read("bootwright/grub/http"), Some(Wanted::GrubHttp));
    assert_eq!(read("bootwright/grub/disk"), Some(Wanted::GrubDisk));
}

#[test]
fn what_names_no_single_machine_is_not_asked_for() {
    for name in [
        "",
        "/",
        "pxelinux.cfg",
        "pxelinux.cfg/",
        "pxelinux.cfg/0A4D003",
        "pxelinux.cfg/0",
        "pxelinux.cfg/0A4D00321",
        "pxelinux.cfg/01-52-54-00-12-34",
        "pxelinux.cfg/20-52-54-00-12-34-56",
        "pxelinux.cfg/01-00-00-00-00-00-00",
        "pxelinux.cfg/01-01-00-5e-00-00-01",
        "pxelinux.cfg/01-525400123456",
        "pxelinux.cfg/sub/default",
        "default",
        "01-52-54-00-12-34-56",
        "grub.cfg-0A4D",
        "grub.cfg-",
        "grub.cfgx",
        "grub/x86_64-efi/command.lst",
        "bootwright",
        "bootwright/grub",
        "bootwright/ipxe/first/anyone",
        "bootwright/grub/wipe/anyone",
        "bootwright/grub/first/oak-42",
        "bootwright/grub/chose-64/anyone",
        "bootwright/grub/chose--1/anyone",
        "bootwright/grub/again-1/anyone",
        "bootwright/part/0000/1",
        "bootwright/part/abababababababababababababababab/x",
    ] {
        assert_eq!(read(name), None, "{name}");
    }
}

#[test]
fn a_link_leads_back_to_who_asked_and_at_which_point() {
    for front in [FrontEnd::Pxelinux, FrontEnd::Grub] {
        for act in [
            Act::First,
            Act::Consider,
            Act::Agreed,
            Act::Chose(0),
            Act::Chose(ENTRIES_MAX - 1),
            Act::Again {
                round: 60,
                screen: 0xdead_beef,
                chosen: None,
            },
            Act::Again {
                round: 1,
                screen: 0,
                chosen: Some(ENTRIES_MAX - 1),
            },
        ] {
            for who in [card(), Who::Anyone] {
                let asking = Asking { front, who, act };
                let link = asking.link(act);
                assert_eq!(read(&link), Some(Wanted::Script(asking.clone())), "{link}");
                // Wherever the boot loader believes our root to be.
                assert_eq!(read(&format!("/some/where/{link}")), Some(Wanted::Script(asking)));
            }
        }
    }
    let token = bootwright_core::Token::new([0xab; 16]);
    let link = part_link(token, 2);
    assert_eq!(read(&link), Some(Wanted::Part { token, place: 2 }));
}

#[test]
fn whoever_is_not_told_by_a_card_is_told_by_the_address_the_next_time_too() {
    for who in [
        Who::Address("10.77.0.50".parse().expect("an address")),
        Who::Uuid("00112233-4455-6677-8899-aabbccddeeff".parse().expect("a UUID")),
    ] {
        let (front, act) = (FrontEnd::Pxelinux, Act::First);
        let link = Asking { front, who, act }.link(Act::Agreed);
        let (who, act) = (Who::Anyone, Act::Agreed);
        assert_eq!(read(&link), Some(Wanted::Script(Asking { front, who, act })));
    }
}

proptest! {
    #[test]
    fn any_name_is_read_without_a_panic_and_links_are_plain(name in "(pxelinux.cfg/|grub.cfg-|bootwright/|grub/)?[ -~]{0,60}") {
        if let Some(Wanted::Script(asking)) = read(&name) {
            let link = asking.link(asking.act);
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-".contains(&byte);
            prop_assert!(link.bytes().all(plain), "{}", link);
        }
    }
}
