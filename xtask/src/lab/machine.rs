//! A virtual machine: QEMU without hardware acceleration, with real firmware, on a wire of ours.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::journal::{Entry, Journal, Mark, Source, Timeline};
use super::qemu::{self, Files};
use super::segment::Segment;
use super::terminal;
use super::wire::{Ends, Rom, Wire};

/// What starts the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Firmware {
    /// SeaBIOS, and QEMU's network ROM, which is iPXE.
    Bios,
    /// OVMF and its own PXE client: QEMU's ROM is left out.
    Uefi,
    /// The same OVMF without IPv6, over which it would wait for minutes where nobody answers.
    UefiIpv4,
    /// The same OVMF with PXE switched off in its setup, which leaves it HTTP boot.
    UefiHttp,
    /// OVMF with Secure Boot on: it starts only what Microsoft's keys have signed.
    Secure,
    /// The same, and it knows a key of the site's own as well.
    SecureOwn,
    /// The same with PXE switched off, which leaves it HTTP boot.
    SecureOwnHttp,
    /// OVMF with PXE over IPv4 switched off, which leaves it PXE over IPv6.
    UefiIpv6,
    /// OVMF with all of PXE switched off, for a segment where HTTP boot finds nothing over IPv4.
    UefiHttpIpv6,
    /// AAVMF and its own PXE client, on an emulated 64-bit ARM machine.
    Arm64,
}

impl Firmware {
    /// Whether it is UEFI, which keeps variables and starts disks by their EFI partition.
    pub(crate) fn is_uefi(self) -> bool {
        match self {
            Self::Bios => false,
            Self::Uefi
            | Self::UefiIpv4
            | Self::UefiHttp
            | Self::UefiIpv6
            | Self::UefiHttpIpv6
            | Self::Secure
            | Self::SecureOwn
            | Self::SecureOwnHttp
            | Self::Arm64 => true,
        }
    }
}

/// What a machine is made of. Its addresses and serial numbers follow from `number`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build {
    pub(crate) name: &'static str,
    /// 1 to 99, unique in the lab.
    pub(crate) number: u8,
    pub(crate) firmware: Firmware,
    pub(crate) rom: Rom,
}

impl Build {
    /// In QEMU's range, with the number as its last byte.
    pub(crate) fn mac(&self) -> String {
        format!("52:54:00:1a:b0:{:02x}", self.number)
    }

    pub(crate) fn uuid(&self) -> String {
        format!("1ab00000-0000-4000-8000-0000000000{:02x}", self.number)
    }

    pub(crate) fn serial(&self) -> String {
        format!("LAB{:04}", self.number)
    }

    /// Cards beside the one that it boots from, with nothing plugged in.
    pub(crate) fn idle_cards(&self) -> Vec<String> {
        let many = if self.name == "bios-rom" { 10 } else { 0 };
        let mac = |card: u8| format!("52:54:00:1a:{:02x}:{:02x}", 0xc0 + card, self.number);
        (0..many).map(mac).collect()
    }

    pub(crate) fn disk_serial(&self) -> String {
        format!("LABDISK{:04}", self.number)
    }
}

/// The disk: larger than the image, so that its end stays empty.
pub(crate) const DISK_BYTES: u64 = 64 << 20;

/// Its memory.
pub(crate) const MEMORY_MIB: u64 = 512;

/// A machine that exists; it may be on or off.
pub(crate) struct Machine {
    pub(crate) build: Build,
    pub(crate) journal: Arc<Journal>,
    pub(crate) wire: Arc<Wire>,
    files: Files,
    process: Mutex<Option<Child>>,
    keyboard: Arc<Mutex<Option<UnixStream>>>,
    monitor: Arc<Mutex<Option<UnixStream>>>,
}

impl Machine {
    /// Makes a machine with an empty disk and plugs it into the segment. It is off.
    ///
    /// `logs` takes its disk, capture and serial log; `sockets` is a short path, since socket names have little room.
    pub(crate) fn new(
        build: Build,
        segment: &Segment,
        timeline: &Arc<Timeline>,
        logs: &Path,
        sockets: &Path,
    ) -> Result<Self> {
        let name = build.name;
        let socket = |end: &str| sockets.join(format!("{name}.{end}"));
        let files = Files {
            disk: logs.join(format!("{name}.disk")),
            variables: logs.join(format!("{name}.vars")),
            log: logs.join(format!("{name}.qemu.log")),
            nic: socket("nic"),
            wire: socket("wire"),
            serial: socket("serial"),
            monitor: socket("monitor"),
        };
        File::create(&files.disk)?.set_len(DISK_BYTES)?;
        if build.firmware.is_uefi() {
            fs::copy(qemu::firmware(build.firmware)?.variables, &files.variables)?;
        }
        let journal = Journal::new(name, timeline);
        let interface = segment.add_port()?;
        let ends = Ends {
            interface: &interface,
            machine: &files.nic,
            ours: &files.wire,
            station: build.mac(),
        };
        let capture = logs.join(format!("{name}.pcap"));
        let wire = Arc::new(Wire::lay(&ends, build.rom, &journal, &capture)?);
        let machine = Machine {
            build,
            journal,
            wire,
            process: Mutex::new(None),
            keyboard: Arc::default(),
            monitor: Arc::default(),
            files,
        };
        machine.listen_to_serial(File::create(logs.join(format!("{name}.serial.log")))?)?;
        machine.listen_to_monitor()?;
        Ok(machine)
    }

    /// Puts what an image holds on the disk of a machine that is off.
    pub(crate) fn write_disk(&self, image: &Path) -> Result<()> {
        fs::copy(image, &self.files.disk)?;
        Ok(File::options()
            .write(true)
            .open(&self.files.disk)?
            .set_len(DISK_BYTES)?)
    }

    /// Switches the machine on.
    pub(crate) fn power_on(&self) -> Result<Mark> {
        let mark = self.journal.mark();
        self.wire.restarted();
        self.journal.tell(
            Source::Power,
            format!("on ({:?}, {})", self.build.firmware, self.build.mac()),
        );
        let log = File::options().create(true).append(true).open(&self.files.log)?;
        let program = qemu::program(self.build.firmware);
        let child = Command::new(program)
            .args(qemu::arguments(&self.build, &self.files)?)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("`{program}` does not start"))?;
        *self.process.lock().expect("no panic while locked") = Some(child);
        Ok(mark)
    }

    /// Pulls the power plug. What the disk was told before is on it.
    pub(crate) fn power_off(&self) -> Result<()> {
        if let Some(mut child) = self.process.lock().expect("no panic while locked").take() {
            child.kill()?;
            child.wait()?;
            self.journal.tell(Source::Power, "off");
        }
        Ok(())
    }

    /// Presses the reset button.
    pub(crate) fn reset(&self) -> Result<Mark> {
        let mark = self.journal.mark();
        self.journal.tell(Source::Power, "reset button");
        let mut monitor = self.monitor.lock().expect("no panic while locked");
        let monitor = monitor.as_mut().context("the machine is off")?;
        monitor.write_all(b"{\"execute\":\"system_reset\"}\n")?;
        Ok(mark)
    }

    /// Types a line at the machine's serial console.
    pub(crate) fn type_line(&self, line: &str) -> Result<()> {
        self.journal.tell(Source::Power, format!("typed `{line}`"));
        let mut keyboard = self.keyboard.lock().expect("no panic while locked");
        let keyboard = keyboard.as_mut().context("the machine is off")?;
        Ok(keyboard.write_all(format!("{line}\n").as_bytes())?)
    }

    /// Waits for a serial line that contains `text`.
    pub(crate) fn wait_serial(&self, since: Mark, text: &str, within: Duration) -> Result<Entry> {
        self.journal.wait_text(since, Source::Serial, text, within)
    }

    /// Waits for something on the wire whose description contains `text`.
    pub(crate) fn wait_wire(&self, since: Mark, text: &str, within: Duration) -> Result<Entry> {
        self.journal.wait_text(since, Source::Wire, text, within)
    }

    /// The bytes on the disk, as a power cut at this moment would leave them.
    pub(crate) fn disk(&self) -> Result<Vec<u8>> {
        Ok(fs::read(&self.files.disk)?)
    }

    fn listen_to_serial(&self, mut log: File) -> Result<()> {
        let listener = UnixListener::bind(&self.files.serial)?;
        let (journal, keyboard) = (Arc::clone(&self.journal), Arc::clone(&self.keyboard));
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                *keyboard.lock().expect("no panic while locked") = stream.try_clone().ok();
                let mut lines = terminal::Lines::default();
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    // The log is for people; without it the journal still has every line.
                    let _ = log.write_all(&buffer[..count]);
                    for line in lines.push(&buffer[..count]) {
                        tell_serial(&journal, line);
                    }
                }
                *keyboard.lock().expect("no panic while locked") = None;
            }
        });
        Ok(())
    }

    /// QEMU's monitor tells of every reset, whoever caused it.
    fn listen_to_monitor(&self) -> Result<()> {
        let listener = UnixListener::bind(&self.files.monitor)?;
        let (journal, monitor, wire) = (
            Arc::clone(&self.journal),
            Arc::clone(&self.monitor),
            Arc::clone(&self.wire),
        );
        thread::spawn(move || {
            let mut told = None;
            for mut stream in listener.incoming().map_while(Result::ok) {
                if stream.write_all(b"{\"execute\":\"qmp_capabilities\"}\n").is_err() {
                    continue;
                }
                *monitor.lock().expect("no panic while locked") = stream.try_clone().ok();
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let Ok(message) = serde_json::from_str::<serde_json::Value>(&line) else {
                        continue;
                    };
                    if message["event"] == "RESET" {
                        wire.restarted();
                        // Kernels try several ways to restart, and QEMU tells of each.
                        if told.is_none_or(|told: Instant| told.elapsed() > Duration::from_secs(1)) {
                            let cause = if message["data"]["guest"] == true {
                                "by itself"
                            } else {
                                "by us"
                            };
                            journal.tell(Source::Power, format!("starts again ({cause})"));
                        }
                        told = Some(Instant::now());
                    }
                }
                *monitor.lock().expect("no panic while locked") = None;
            }
        });
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The lab's process namespace would end it too; a machine that nobody needs should not use the processor.
        let _ = self.power_off();
    }
}

/// Firmware and kernels say much; the installer, the disk, and what Bootwright lets iPXE say go to the terminal.
fn tell_serial(journal: &Journal, line: String) {
    let told = ["lab-installer:", "lab-disk:", "ootwright", "PXE-E", "Kernel panic"];
    if told.iter().any(|word| line.contains(word)) {
        journal.tell(Source::Serial, line);
    } else {
        journal.keep(Source::Serial, line);
    }
}
