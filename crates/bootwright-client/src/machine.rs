//! A whole machine from power-on to its kernel or its own disk, without sockets.
//!
//! Firmware, the fetch of iPXE, iPXE's own round, and the scripts, one after the other as on a real machine. The caller
//! carries datagrams and HTTP requests, keeps the time, and says what comes of a kernel or a disk. Equal inputs give
//! equal outputs.

mod stage;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_core::{Arch, Firmware, MacAddr, Uuid};

use crate::ipxe::{Boot, Generation, Kind, Reply, Settings, errno};
use crate::rom::{self, Datagram, Fault, Quirk};
use crate::tftp::End;

use stage::Stage;

/// How a machine starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A BIOS with a PXE ROM.
    BiosPxe,
    /// x64 UEFI by PXE.
    UefiPxe,
    /// arm64 UEFI by PXE.
    Arm64Pxe,
    /// x64 UEFI by HTTP boot.
    UefiHttp,
    /// iPXE in the network card's ROM.
    IpxeRom,
}

/// What a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// How it starts.
    pub start: Start,
    /// The iPXE in its ROM, or the one that it is served.
    pub generation: Generation,
    /// The card that it boots from.
    pub mac: MacAddr,
    /// Its other cards.
    pub others: BTreeSet<MacAddr>,
    /// Its UUID.
    pub uuid: Option<Uuid>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its asset tag.
    pub asset: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What the maker calls it.
    pub product: Option<String>,
    /// What its firmware does not understand.
    pub quirk: Quirk,
    /// The boot program, if there is one, that never gets the network to work on it.
    pub dead_program: Option<String>,
    /// Makes its transaction ids; give each boot another.
    pub seed: u32,
}

/// What a machine wants of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this. Datagrams to port 69 and beyond are TFTP's.
    Send(Datagram),
    /// Fetch this by GET, and hand in the answer with this number. An earlier fetch is given up.
    Fetch {
        /// The number.
        id: u32,
        /// The URL, as it goes over the wire.
        url: String,
    },
    /// A line on the console.
    Print(String),
}

/// Where a machine has come to. It stays there until the caller says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A kernel started. [`Machine::came_back`] if it ever does.
    Kernel(Boot),
    /// The local disk is to start. [`Machine::came_back`] if there is nothing on it.
    Disk {
        /// The number of the drive.
        drive: u8,
    },
    /// The firmware went on to its next boot entry.
    NextEntry(Gone),
    /// The script restarts the machine.
    Reboot,
    /// The boot program hangs, and only a reset gets it out of that.
    Hung,
}

/// Why a firmware went on to its next boot entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Nothing was found to boot.
    Fault(Fault),
    /// The boot file could not be fetched by TFTP.
    Tftp(End),
    /// The boot file could not be fetched by HTTP.
    Http,
    /// iPXE was left with this code.
    Left(u32),
    /// A script ran for ever without wanting anything.
    Runaway,
}

/// A machine that is on.
#[derive(Clone, Debug)]
pub struct Machine {
    spec: Spec,
    stage: Stage,
    address: Ipv4Addr,
    fetches: u32,
    port: u16,
    rounds: u32,
    /// The name of the boot program that its firmware fetched.
    program: Vec<u8>,
}

/// The first local port of TFTP fetches, as ROMs of Intel's line use it.
const TFTP_PORT_FIRST: u16 = 2070;

impl Machine {
    /// Switches a machine on.
    #[must_use]
    pub fn power_on(spec: Spec, now: Duration) -> (Self, Vec<Output>) {
        let mut machine = Self {
            spec,
            stage: Stage::Loading,
            address: Ipv4Addr::UNSPECIFIED,
            fetches: 0,
            port: TFTP_PORT_FIRST,
            rounds: 0,
            program: Vec::new(),
        };
        let firmware = match machine.spec.start {
            Start::BiosPxe => rom::Firmware::Bios,
            Start::UefiPxe | Start::Arm64Pxe => rom::Firmware::Uefi { arch: machine.arch() },
            Start::UefiHttp => rom::Firmware::UefiHttp,
            Start::IpxeRom => machine.ipxe_firmware(false),
        };
        let outputs = machine.look(firmware, now);
        (machine, outputs)
    }

    /// Where it has come to, once it has.
    #[must_use]
    pub const fn fate(&self) -> Option<&Fate> {
        match &self.stage {
            Stage::Ended { fate, .. } => Some(fate),
            Stage::Looking { .. } | Stage::Fetching { .. } | Stage::Loading | Stage::Script { .. } => None,
        }
    }

    /// Its address, once it has one.
    #[must_use]
    pub const fn address(&self) -> Option<Ipv4Addr> {
        if self.address.is_unspecified() {
            None
        } else {
            Some(self.address)
        }
    }

    /// When to call [`Machine::on_timer`]; nothing if it waits for an answer only.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Looking { rom, .. } => Some(rom.deadline()),
            Stage::Fetching { receiver, .. } => Some(receiver.deadline()),
            Stage::Script { until, .. } => *until,
            Stage::Loading | Stage::Ended { .. } => None,
        }
    }

    /// A datagram that arrived on `port` of the machine.
    pub fn on_packet(&mut self, now: Duration, source: SocketAddrV4, port: u16, bytes: &[u8]) -> Vec<Output> {
        match &mut self.stage {
            Stage::Looking { rom, .. } => {
                let reply = rom.on_packet(now, source, port, bytes);
                self.looked(now, reply)
            }
            Stage::Fetching { server, .. } if port == self.port && source.ip() == server => {
                self.on_block(now, source.port(), bytes)
            }
            Stage::Fetching { .. } | Stage::Loading | Stage::Script { .. } | Stage::Ended { .. } => Vec::new(),
        }
    }

    /// The answer to a fetch: its status and body. A status of 0 stands for a connection that failed.
    pub fn on_response(&mut self, now: Duration, id: u32, status: u16, body: Vec<u8>) -> Vec<Output> {
        if id != self.fetches {
            return Vec::new();
        }
        let good = (200..300).contains(&status);
        match &mut self.stage {
            Stage::Loading if good => self.run_program(now),
            Stage::Loading => self.end(Fate::NextEntry(Gone::Http)),
            Stage::Script { waits: true, .. } => {
                let reply = match status {
                    _ if good => Reply::Body(body),
                    0 => Reply::Failed(errno::TIMED_OUT),
                    400..500 => Reply::Failed(errno::NOT_FOUND),
                    _ => Reply::Failed(errno::SERVER),
                };
                self.go_on(now, reply)
            }
            Stage::Script { .. } | Stage::Looking { .. } | Stage::Fetching { .. } | Stage::Ended { .. } => Vec::new(),
        }
    }

    /// The time has come that [`Machine::deadline`] named.
    pub fn on_timer(&mut self, now: Duration) -> Vec<Output> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match &mut self.stage {
            Stage::Looking { rom, .. } => {
                let reply = rom.on_timer(now);
                self.looked(now, reply)
            }
            Stage::Fetching { .. } => self.on_fetch_timer(now),
            Stage::Script { asks, .. } => {
                let reply = if *asks {
                    Reply::Failed(errno::TIMED_OUT)
                } else {
                    Reply::Done
                };
                self.go_on(now, reply)
            }
            Stage::Loading | Stage::Ended { .. } => Vec::new(),
        }
    }

    /// A person presses a key. iPXE hears it where it asks for one; Ctrl-C (3) also stops a fetch.
    pub fn press(&mut self, now: Duration, key: u8) -> Vec<Output> {
        match &self.stage {
            Stage::Script { asks: true, .. } => self.go_on(now, Reply::Key(key)),
            Stage::Script { waits: true, .. } if key == 3 => {
                self.fetches = self.fetches.wrapping_add(1);
                self.go_on(now, Reply::Failed(errno::CANCELLED))
            }
            _ => Vec::new(),
        }
    }

    /// The kernel, or the attempt to start the disk, came back with this error: the script goes on.
    pub fn came_back(&mut self, now: Duration, error: u32) -> Vec<Output> {
        self.wake(now, Reply::Failed(error.max(1)))
    }

    /// The firmware of the machine, as iPXE calls it.
    const fn platform(&self) -> Firmware {
        match self.spec.start {
            Start::BiosPxe | Start::IpxeRom => Firmware::Bios,
            Start::UefiPxe | Start::Arm64Pxe | Start::UefiHttp => Firmware::Uefi,
        }
    }

    /// The architecture of what its firmware and iPXE boot by PXE.
    const fn arch(&self) -> Arch {
        match self.spec.start {
            Start::BiosPxe | Start::IpxeRom => Arch::BIOS,
            Start::UefiPxe | Start::UefiHttp => Arch::EFI64,
            Start::Arm64Pxe => Arch::ARM64,
        }
    }

    const fn ipxe_firmware(&self, chained: bool) -> rom::Firmware {
        rom::Firmware::Ipxe {
            generation: self.spec.generation,
            arch: self.arch(),
            chained,
        }
    }

    /// The settings of the machine's iPXE.
    fn settings(&self) -> Settings {
        let spec = &self.spec;
        let mut settings = Settings::new();
        let cards: Vec<MacAddr> = std::iter::once(spec.mac).chain(spec.others.iter().copied()).collect();
        // The UNDI and SNP drivers see only the card that booted.
        let seen = if spec.start == Start::IpxeRom { cards.len() } else { 1 };
        for (number, mac) in cards.iter().take(seen).enumerate() {
            settings.set(&format!("net{number}/mac"), Kind::Mac, mac.octets().to_vec());
        }
        for card in ["netX", "net0"] {
            settings.set(&format!("{card}/mac"), Kind::Mac, spec.mac.octets().to_vec());
            settings.set(&format!("{card}/ip"), Kind::Ipv4, self.address.octets().to_vec());
        }
        if let Some(uuid) = spec.uuid {
            settings.set("uuid", Kind::Uuid, uuid.text_order().to_vec());
        }
        let texts = [
            ("serial", &spec.serial),
            ("asset", &spec.asset),
            ("manufacturer", &spec.manufacturer),
            ("product", &spec.product),
        ];
        for (name, text) in texts {
            settings.set_text(name, text.as_deref().unwrap_or_default());
        }
        let (platform, buildarch) = match self.spec.start {
            Start::BiosPxe | Start::IpxeRom => ("pcbios", "i386"),
            Start::UefiPxe | Start::UefiHttp => ("efi", "x86_64"),
            Start::Arm64Pxe => ("efi", "arm64"),
        };
        settings.set_text("platform", platform);
        settings.set_text("buildarch", buildarch);
        settings.set_text(
            "version",
            match self.spec.generation {
                Generation::Of2019 => "1.0.0+git-20190125.36a4c85-5.1",
                Generation::Of2025 => "1.21.1+git20250501.dad20602+dfsg-1",
                Generation::Of2026 => "2.0.0+dfsg-5",
            },
        );
        settings
    }
}
