//! QEMU's command line for a machine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::machine::{Build, Firmware, MEMORY_MIB};
use super::own_keys;
use crate::tree;

/// Where a machine's parts are outside of it.
pub(super) struct Files {
    pub(super) disk: PathBuf,
    /// The firmware's own memory; UEFI only.
    pub(super) variables: PathBuf,
    pub(super) log: PathBuf,
    /// Sockets: the network card's, our end of its wire, the serial port's, the monitor's.
    pub(super) nic: PathBuf,
    pub(super) wire: PathBuf,
    pub(super) serial: PathBuf,
    pub(super) monitor: PathBuf,
}

/// UEFI firmware: its code, and what its variables are at first.
pub(super) struct Uefi {
    pub(super) code: PathBuf,
    pub(super) variables: PathBuf,
}

/// The program that is this machine.
pub(super) fn program(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios
        | Firmware::Uefi
        | Firmware::UefiHttp
        | Firmware::UefiIpv4
        | Firmware::UefiIpv6
        | Firmware::UefiHttpIpv6
        | Firmware::Secure
        | Firmware::SecureOwn
        | Firmware::SecureOwnHttp => "qemu-system-x86_64",
        Firmware::Arm64 => "qemu-system-aarch64",
    }
}

/// Finds OVMF or AAVMF by their names in Debian 12 and 13.
pub(super) fn firmware(firmware: Firmware) -> Result<Uefi> {
    let (directory, package, names): (_, _, &[_]) = match firmware {
        Firmware::Arm64 => (
            "/usr/share/AAVMF",
            "qemu-efi-aarch64",
            &[
                ("AAVMF_CODE.no-secboot.fd", "AAVMF_VARS.fd"),
                ("AAVMF_CODE.fd", "AAVMF_VARS.fd"),
            ],
        ),
        Firmware::Secure | Firmware::SecureOwn | Firmware::SecureOwnHttp => (
            "/usr/share/OVMF",
            "ovmf",
            &[("OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd")],
        ),
        Firmware::Bios
        | Firmware::Uefi
        | Firmware::UefiIpv4
        | Firmware::UefiHttp
        | Firmware::UefiIpv6
        | Firmware::UefiHttpIpv6 => (
            "/usr/share/OVMF",
            "ovmf",
            &[("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"), ("OVMF_CODE.fd", "OVMF_VARS.fd")],
        ),
    };
    let directory = Path::new(directory);
    names
        .iter()
        .map(|(code, variables)| Uefi {
            code: directory.join(code),
            variables: match firmware {
                Firmware::SecureOwn | Firmware::SecureOwnHttp => own_keys::variables(&tree::target().join("lab")),
                Firmware::Bios
                | Firmware::Uefi
                | Firmware::UefiHttp
                | Firmware::UefiIpv4
                | Firmware::UefiIpv6
                | Firmware::UefiHttpIpv6
                | Firmware::Secure
                | Firmware::Arm64 => directory.join(variables),
            },
        })
        .find(|uefi| uefi.code.exists() && uefi.variables.exists())
        .with_context(|| {
            format!(
                "no firmware in {}\ninstall Debian's package `{package}`",
                directory.display()
            )
        })
}

/// The machine itself, without hardware acceleration: that is not everywhere, and where it is itself emulated OVMF does not
/// survive it.
fn board(firmware: Firmware) -> &'static [(&'static str, &'static str)] {
    match firmware {
        Firmware::Bios
        | Firmware::Uefi
        | Firmware::UefiIpv4
        | Firmware::UefiHttp
        | Firmware::UefiIpv6
        | Firmware::UefiHttpIpv6 => &[("-machine", "q35,accel=tcg,graphics=off"), ("-vga", "none")],
        // The keys are out of reach for whoever is not in system management mode.
        Firmware::Secure | Firmware::SecureOwn | Firmware::SecureOwnHttp => &[
            ("-machine", "q35,smm=on,accel=tcg,graphics=off"),
            ("-global", "driver=cfi.pflash01,property=secure,value=on"),
            ("-vga", "none"),
        ],
        Firmware::Arm64 => &[("-machine", "virt,accel=tcg"), ("-cpu", "cortex-a72")],
    }
}

/// Everything after the program's name.
pub(super) fn arguments(build: &Build, files: &Files) -> Result<Vec<String>> {
    let at = |path: &Path| path.display().to_string();
    let mut list = vec!["-nodefaults".to_owned(), "-no-user-config".to_owned()];
    let mut add = |option: &str, value: String| list.extend([option.to_owned(), value]);
    add("-name", build.name.to_owned());
    for (option, value) in board(build.firmware) {
        add(option, (*value).to_owned());
    }
    // Debian's installer asks a question where it finds less.
    let memory = if build.name == "debian" { 1024 } else { MEMORY_MIB };
    add("-m", memory.to_string());
    add("-display", "none".to_owned());
    add("-chardev", format!("socket,id=serial,path={}", at(&files.serial)));
    add("-serial", "chardev:serial".to_owned());
    add("-chardev", format!("socket,id=monitor,path={}", at(&files.monitor)));
    add("-mon", "chardev=monitor,mode=control".to_owned());
    let (local, remote) = (at(&files.nic), at(&files.wire));
    add(
        "-netdev",
        format!("dgram,id=net,local.type=unix,local.path={local},remote.type=unix,remote.path={remote}"),
    );
    // The network comes first on every start. For UEFI, QEMU's ROM is left out: OVMF's own PXE client is to speak.
    let rom = if build.firmware.is_uefi() { ",romfile=" } else { "" };
    add(
        "-device",
        format!("virtio-net-pci,netdev=net,mac={},bootindex=1{rom}", build.mac()),
    );
    for (number, mac) in build.idle_cards().iter().enumerate() {
        add("-netdev", format!("hubport,id=idle{number},hubid={number}"));
        add(
            "-device",
            format!("virtio-net-pci,netdev=idle{number},mac={mac},romfile="),
        );
    }
    add("-drive", format!("if=none,id=disk,format=raw,file={}", at(&files.disk)));
    add(
        "-device",
        format!("virtio-blk-pci,drive=disk,serial={},bootindex=2", build.disk_serial()),
    );
    // Newer OVMF refuses to use the network without a source of randomness.
    add("-device", "virtio-rng-pci".to_owned());
    let (uuid, serial) = (build.uuid(), build.serial());
    add(
        "-smbios",
        format!("type=1,manufacturer=Bootwright Lab,product=Rack Unit,serial={serial},uuid={uuid}"),
    );
    add("-smbios", format!("type=3,asset=ASSET-{}", build.number));
    if build.firmware.is_uefi() {
        add(
            "-drive",
            format!(
                "if=pflash,format=raw,readonly=on,file={}",
                at(&firmware(build.firmware)?.code)
            ),
        );
        add("-drive", format!("if=pflash,format=raw,file={}", at(&files.variables)));
    }
    // What a person does in the firmware's setup: no PXE. HTTP boot comes next in its order.
    let switches: &[&str] = match build.firmware {
        // OVMF whose IPv4 is off boots nothing by HTTP over IPv6 either.
        Firmware::UefiHttp | Firmware::UefiHttpIpv6 | Firmware::SecureOwnHttp => &["IPv4PXESupport", "IPv6PXESupport"],
        Firmware::UefiIpv6 => &["IPv4PXESupport"],
        Firmware::UefiIpv4 => &["IPv6PXESupport", "IPv6Support"],
        Firmware::Bios | Firmware::Uefi | Firmware::Secure | Firmware::SecureOwn | Firmware::Arm64 => &[],
    };
    for switch in switches {
        add("-fw_cfg", format!("name=opt/org.tianocore/{switch},string=no"));
    }
    Ok(list)
}
