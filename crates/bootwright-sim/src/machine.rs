//! A machine: its firmware, its disk, and what it does after the firmware.

use std::net::Ipv4Addr;
use std::time::Duration;

use bootwright_client::ipxe::Generation;
use bootwright_client::machine::{Machine, Spec, Start};
use bootwright_client::rom::Quirk;
use bootwright_core::{MacAddr, Token};

use crate::installer::Installer;
use crate::system::System;

/// What is on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Somebody's data, which starts nothing.
    Data,
    /// What an install of this run has written so far.
    Half(Token),
    /// A system that starts, written by this run.
    System(Token),
}

/// By which ways a disk with a system on it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Starts {
    /// By every way.
    #[default]
    Anyhow,
    /// Only if the firmware comes to it by itself: what iPXE starts resets the machine.
    ByFirmware,
    /// Only if no boot loader has run: what is started after one resets the machine.
    Untouched,
    /// By none: it resets the machine.
    Never,
}

/// What a machine is, where it is not as most are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// How it starts.
    pub start: Start,
    /// What its firmware does not understand.
    pub quirk: Quirk,
    /// The boot program, if there is one, that hangs on it.
    pub dead_program: Option<&'static str>,
    /// How its disk starts, if a system is on it.
    pub starts: Starts,
}

/// What a machine is doing.
#[derive(Debug)]
pub enum Doing {
    /// It is off.
    Off,
    /// Its firmware and its boot loader run.
    Firmware(Box<Machine>),
    /// An installer runs.
    Installer(Installer),
    /// The system on its disk runs.
    System,
    /// Its firmware found nothing to start, and says so.
    Stuck,
}

/// A machine on the segment.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) mac: MacAddr,
    pub(crate) start: Start,
    pub(crate) quirk: Quirk,
    pub(crate) dead_program: Option<String>,
    pub(crate) starts: Starts,
    /// Whether its firmware begins anew when it finds nothing, and somebody resets it when it hangs.
    pub(crate) tries_again: bool,
    pub(crate) serial: String,
    pub(crate) disk: String,
    pub(crate) content: Content,
    pub(crate) doing: Doing,
    /// How often it was switched on or reset: what was meant for an earlier time does not reach it.
    pub(crate) power: u32,
    /// Whether another machine stands in its place until the next reset.
    pub(crate) is_another: bool,
    /// The address that its firmware, its installer or its system has.
    pub(crate) address: Option<Ipv4Addr>,
    /// The address that the system on its disk had when it was last up.
    pub(crate) remembered: Option<Ipv4Addr>,
    /// The network of its system, where the site leases addresses.
    pub(crate) system: Option<System>,
    /// What its system has to report still.
    pub(crate) reports_left: Vec<(Token, &'static str)>,
}

impl Body {
    /// The machine with this number, off, with an empty disk or one that holds data.
    pub(crate) fn new(number: usize, data: bool) -> Self {
        let [.., high, low] = u32::try_from(number).unwrap_or(0).to_be_bytes();
        let start = match number % 5 {
            0 => Start::BiosPxe,
            1 => Start::UefiPxe,
            2 => Start::IpxeRom,
            3 => Start::Arm64Pxe,
            _ => Start::UefiHttp,
        };
        Self {
            mac: MacAddr::new([0x52, 0x54, 0x00, 0x77, high, low]),
            start,
            quirk: Quirk::None,
            dead_program: None,
            starts: Starts::Anyhow,
            tries_again: false,
            serial: format!("SN{number:05}"),
            disk: format!("DISK{number:05}"),
            content: if data { Content::Data } else { Content::Empty },
            doing: Doing::Off,
            power: 0,
            is_another: false,
            address: None,
            remembered: None,
            system: None,
            reports_left: Vec::new(),
        }
    }

    pub(crate) fn spec(&self, seed: u32) -> Spec {
        let uuid = format!("00112233-4455-6677-8899-{}", self.mac.hyphens().replace('-', ""));
        Spec {
            start: self.start,
            generation: Generation::Of2025,
            mac: self.mac,
            others: std::collections::BTreeSet::new(),
            uuid: uuid.parse().ok(),
            serial: Some(if self.is_another {
                format!("OTHER-{}", self.serial)
            } else {
                self.serial.clone()
            }),
            asset: None,
            manufacturer: Some("Simulated".to_owned()),
            product: Some("Rack".to_owned()),
            quirk: self.quirk,
            dead_program: self.dead_program.clone(),
            seed,
        }
    }

    /// Looks which address it has now. An installer goes on with its firmware's.
    pub(crate) fn look_at_address(&mut self) {
        self.address = match &self.doing {
            Doing::Firmware(machine) => machine.address(),
            Doing::Installer(_) => self.address,
            Doing::System => self.system.as_ref().and_then(System::address),
            Doing::Off | Doing::Stuck => None,
        };
        if let Doing::System = self.doing {
            self.remembered = self.address.or(self.remembered);
        }
    }

    /// When something of it has to be called.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        match &self.doing {
            Doing::Firmware(machine) => machine.deadline(),
            Doing::System => self.system.as_ref().map(System::deadline),
            Doing::Off | Doing::Installer(_) | Doing::Stuck => None,
        }
    }

    /// What the disk guard is told.
    pub(crate) fn found(&self) -> Option<&'static str> {
        match self.content {
            Content::Empty => None,
            Content::Data => Some("ext4"),
            Content::Half(_) => Some("half"),
            Content::System(_) => Some("system"),
        }
    }
}
