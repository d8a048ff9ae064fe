use bootwright_core::FrontEnd;
use bootwright_proto::script::ipxe::{Fault, Image};
use bootwright_proto::script::name::{PiAsking, PiFile, PiSerial, Who, read};
use bootwright_proto::script::pi::{arguments, render};
use bootwright_proto::script::told::Told;
use expect_test::expect;
use proptest::prelude::*;

use super::{answers, image, install, live};

const FRONT: FrontEnd = FrontEnd::RaspberryPi;

fn serial() -> Who {
    Who::Serial(PiSerial::parse("9ffefdef").expect("a serial number"))
}

fn other(name: &str) -> PiFile {
    PiFile::Other(name.to_owned())
}

/// The names are those that a 3B+ was seen to ask for, and those of the settings of a Pi 4's EEPROM.
#[test]
fn a_pi_says_who_it_is_by_the_directory_that_it_asks_below() {
    let card = Who::Card {
        mac: "dc:a6:32:01:02:03".parse().expect("an address"),
        uuid: None,
    };
    for (name, who, file) in [
        ("9ffefdef/start.elf", serial(), other("start.elf")),
        ("9FFEFDEF/start4.elf", serial(), other("start4.elf")),
        ("/9ffefdef//config.txt", serial(), PiFile::Config),
        (
            "9ffefdef/overlays/overlay_map.dtb",
            serial(),
            other("overlays/overlay_map.dtb"),
        ),
        ("9ffefdef/bootwright/pi/kernel", serial(), PiFile::Kernel),
        ("9ffefdef/bootwright/pi/ramdisk", serial(), PiFile::Ramdisk),
        ("9ffefdef/bootwright/pi/cmdline.txt", serial(), PiFile::Arguments),
        ("dc-a6-32-01-02-03/start4.elf", card, other("start4.elf")),
        ("bootcode.bin", Who::Anyone, other("bootcode.bin")),
        ("bootsig.bin", Who::Anyone, other("bootsig.bin")),
        ("start4.elf", Who::Anyone, other("start4.elf")),
        ("config.txt", Who::Anyone, PiFile::Config),
        ("kernel_2712.img", Who::Anyone, other("kernel_2712.img")),
        ("bootwright/pi/kernel", Who::Anyone, PiFile::Kernel),
    ] {
        assert_eq!(PiAsking::read(name), Some(PiAsking { who, file }), "{name}");
        assert_eq!(read(name), None, "no other boot loader asks for {name}");
    }
}

#[test]
fn other_names_are_none_of_a_pi() {
    for name in [
        "",
        "9ffefdef",
        "9ffefde/start4.elf",
        "9ffefdefa/start4.elf",
        "9ffefdeg/start4.elf",
        "00-00-00-00-00-00/start4.elf",
        "undionly.kpxe",
        "pxelinux.cfg/default",
        "pxelinux.cfg/0A4D0032",
        "grub/grub.cfg",
        "images/debian/config.txt",
        "bootwright/pi/else",
        "bootwright/pxelinux/first/anyone",
    ] {
        assert_eq!(PiAsking::read(name), None, "{name}");
    }
}

fn text(told: &Told) -> String {
    let text = render(told).expect("a configuration");
    for line in text.lines() {
        assert!(
            line.starts_with('#') || line.len() <= 78,
            "the firmware may cut `{line}`"
        );
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
    }
    text
}

#[test]
fn an_install_is_three_files_behind_the_operators_lines() {
    let told = install(FRONT, &image()).expect("a kernel");
    expect![[r#"
        [all]
        # Bootwright: installing debian on oak-42: run 3, attempt 1 of 2.
        os_prefix=
        auto_initramfs=0
        kernel=bootwright/pi/kernel
        cmdline=bootwright/pi/cmdline.txt
        initramfs bootwright/pi/ramdisk followkernel
    "#]]
    .assert_eq(&text(&told));
    let Told::Start(load) = &told else { panic!("it starts") };
    expect![[r#"
        auto=true priority=critical console=ttyS0
    "#]]
    .assert_eq(&arguments(load));
    // Live, and without a ramdisk.
    let bare = Image {
        initrds: Vec::new(),
        ..image()
    };
    assert!(!text(&live(FRONT, &bare).expect("a kernel")).contains("\ninitramfs "));
}

#[test]
fn what_starts_nothing_holds_only_comments() {
    for (name, _, told) in answers(FRONT) {
        if matches!(told, Told::Start(_)) {
            continue;
        }
        assert!(text(&told).lines().all(|line| line.starts_with('#')), "{name}");
    }
}

#[test]
fn what_lies_on_another_server_cannot_be_told() {
    let away = Image {
        kernel: "http://mirror.example/vmlinuz".to_owned(),
        ..image()
    };
    let told = install(FRONT, &away).expect("a kernel");
    assert_eq!(render(&told).map_err(|error| error.fault), Err(Fault::Elsewhere));
}

proptest! {
    #[test]
    fn any_name_is_read_without_a_panic_and_a_serial_number_as_it_was_written(name in "[a-f0-9/.-]{0,24}|.{0,40}") {
        if let Some(PiAsking { who, file: PiFile::Other(path) }) = PiAsking::read(&name) {
            prop_assert!(!path.is_empty() && !path.starts_with('/'), "{name:?}: {path:?}");
            if let Who::Serial(serial) = who {
                prop_assert_eq!(PiSerial::parse(&serial.to_string()), Some(serial));
            }
        }
    }
}
