//! The cable between one machine and the segment.
//!
//! QEMU hands every frame over as one datagram; we carry it to our end of a virtual Ethernet pair whose other end is a
//! port of the segment's bridge, and back. On the way a frame is recorded, and may be changed, lost or doubled.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use anyhow::{Context as _, Result, bail};
use pnet_datalink::{Channel, Config, DataLinkReceiver, DataLinkSender};

use super::journal::{Journal, Source};
use super::packet::{self, option};
use super::pcap;
use super::sight::Sight;

/// The largest frame: MTU 1500, Ethernet header, one VLAN tag.
const FRAME_MAX: usize = 1518;
/// What BIOS machines are given first.
const BIOS_LOADER: &str = "undionly.kpxe";

/// How the machine's boot ROM appears on the segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rom {
    /// As it is.
    Itself,
    /// As a vendor's PXE ROM: nothing says iPXE until `undionly.kpxe` has been fetched.
    VendorLike,
}

/// Trouble on the cable, the same for the same seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    pub(crate) seed: u64,
    /// Frames lost of a thousand, each way.
    pub(crate) lost_per_mille: u64,
    /// Frames that arrive twice, of a thousand, each way.
    pub(crate) doubled_per_mille: u64,
}

/// What trouble has done so far, in frames.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Damage {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
}

/// One machine's cable.
pub(crate) struct Wire {
    shared: Arc<Shared>,
    capture: PathBuf,
}

struct Shared {
    journal: Arc<Journal>,
    /// The machine's hardware address.
    station: String,
    rom: Rom,
    state: Mutex<State>,
}

struct State {
    capture: pcap::Writer,
    /// The vendor-like ROM is speaking: what says iPXE is taken out of its requests.
    disguised: bool,
    loader: Option<LoaderTransfer>,
    plugged: bool,
    trouble: Option<Trouble>,
    random: u64,
    damage: Damage,
}

/// The machine's TFTP transfer of its first loader.
#[derive(Clone, Copy)]
struct LoaderTransfer {
    client_port: u16,
    block_bytes: usize,
}

/// The ends of a wire.
pub(super) struct Ends<'a> {
    /// Our end of the virtual Ethernet pair.
    pub(super) interface: &'a str,
    /// Where QEMU receives.
    pub(super) machine: &'a Path,
    /// Where we receive from QEMU.
    pub(super) ours: &'a Path,
    /// The machine's hardware address.
    pub(super) station: String,
}

impl Wire {
    /// Connects the ends and records to `capture`.
    pub(super) fn lay(ends: &Ends<'_>, rom: Rom, journal: &Arc<Journal>, capture: &Path) -> Result<Self> {
        let interface = pnet_datalink::interfaces()
            .into_iter()
            .find(|interface| interface.name == ends.interface)
            .with_context(|| format!("no interface `{}`", ends.interface))?;
        let config = Config {
            read_buffer_size: 65536,
            write_buffer_size: 65536,
            ..Config::default()
        };
        let Channel::Ethernet(to_segment, from_segment) = pnet_datalink::channel(&interface, config)? else {
            bail!("`{}` carries no Ethernet frames", ends.interface);
        };
        let socket = UnixDatagram::bind(ends.ours).with_context(|| format!("{}", ends.ours.display()))?;
        let shared = Arc::new(Shared {
            journal: Arc::clone(journal),
            station: ends.station.clone(),
            rom,
            state: Mutex::new(State {
                capture: pcap::Writer::create(capture)?,
                disguised: rom == Rom::VendorLike,
                loader: None,
                plugged: true,
                trouble: None,
                random: 1,
                damage: Damage::default(),
            }),
        });
        // Both threads end with the process: a wire lives as long as the lab.
        let (outgoing, sending) = (Arc::clone(&shared), socket.try_clone()?);
        thread::spawn(move || carry_out(&outgoing, &sending, to_segment));
        let (incoming, machine) = (Arc::clone(&shared), ends.machine.to_owned());
        thread::spawn(move || carry_in(&incoming, from_segment, &socket, &machine));
        Ok(Wire {
            shared,
            capture: capture.to_owned(),
        })
    }

    /// The machine starts from the beginning, so its ROM speaks again.
    pub(super) fn restarted(&self) {
        self.shared.lock().disguised = self.shared.rom == Rom::VendorLike;
    }

    /// Pulls the cable out or plugs it in.
    pub(crate) fn plug(&self, plugged: bool) {
        self.shared.lock().plugged = plugged;
        self.shared.journal.tell(
            Source::Power,
            if plugged {
                "cable plugged in"
            } else {
                "cable pulled out"
            },
        );
    }

    /// From now on this cable has trouble, or none.
    pub(crate) fn trouble(&self, trouble: Option<Trouble>) {
        let mut state = self.shared.lock();
        state.random = trouble.map_or(1, |trouble| trouble.seed | 1);
        state.trouble = trouble;
        drop(state);
        let text = trouble.map_or("the cable is good again".to_owned(), |trouble| {
            format!("a bad cable: {trouble:?}")
        });
        self.shared.journal.tell(Source::Power, text);
    }

    /// What trouble has done so far.
    pub(crate) fn damage(&self) -> Damage {
        self.shared.lock().damage
    }

    /// What went over the segment's side of this wire so far as the machine's own or for it, read back from the capture
    /// file, which has the rest as well.
    pub(crate) fn captured(&self) -> Result<Vec<Sight>> {
        let _whole = self.shared.lock();
        Ok(pcap::read(&self.capture)?
            .iter()
            .filter_map(|frame| self.shared.sight(frame))
            .collect())
    }
}

/// From the machine to the segment.
fn carry_out(shared: &Shared, socket: &UnixDatagram, mut segment: Box<dyn DataLinkSender>) {
    let mut buffer = [0; FRAME_MAX + 1];
    loop {
        let Ok(len) = socket.recv(&mut buffer) else { return };
        let frame = &buffer[..len];
        let disguise = shared
            .lock()
            .disguised
            .then(|| packet::without_options(frame, &[option::USER_CLASS, option::IPXE]));
        let changed = disguise.flatten();
        let frame = changed.as_deref().unwrap_or(frame);
        for _ in 0..shared.copies(frame) {
            shared.record(frame);
            // A frame that the interface does not take is a lost frame, as on any cable.
            let _ = segment.send_to(frame, None);
        }
    }
}

/// From the segment to the machine. While the machine is off, its frames go nowhere.
fn carry_in(shared: &Shared, mut segment: Box<dyn DataLinkReceiver>, socket: &UnixDatagram, machine: &Path) {
    loop {
        let frame = match segment.next() {
            Ok(frame) => frame,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        for _ in 0..shared.copies(frame) {
            shared.record(frame);
            let _ = socket.send_to(frame, machine);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding a wire")
    }

    /// What a frame means for this machine. What other stations ask of everybody, such as Bootwright's own searches for
    /// DHCP servers, is none of its boot.
    fn sight(&self, frame: &[u8]) -> Option<Sight> {
        Sight::of(frame).filter(|sight| match sight {
            Sight::Dhcp(dhcp) => dhcp.station == self.station,
            _ => true,
        })
    }

    /// How often a frame arrives: 0, 1 or 2 times.
    fn copies(&self, frame: &[u8]) -> usize {
        let mut state = self.lock();
        if !state.plugged || frame.len() > FRAME_MAX {
            return 0;
        }
        let Some(trouble) = state.trouble else { return 1 };
        // Xorshift: no secrets here, only a sequence that comes again with its seed.
        state.random ^= state.random << 13;
        state.random ^= state.random >> 7;
        state.random ^= state.random << 17;
        let dice = state.random % 1000;
        if dice < trouble.lost_per_mille {
            state.damage.lost += 1;
            0
        } else if dice < trouble.lost_per_mille + trouble.doubled_per_mille {
            state.damage.doubled += 1;
            2
        } else {
            1
        }
    }

    fn record(&self, frame: &[u8]) {
        let is_stream = packet::is_stream(frame);
        let mut state = self.lock();
        if let Err(error) = state
            .capture
            .frame(frame, if is_stream { pcap::KEPT_OF_STREAM } else { usize::MAX })
        {
            self.journal
                .tell(Source::Wire, format!("the capture cannot be written: {error}"));
        }
        if state.disguised {
            state.watch_loader(frame);
        }
        let sight = self.sight(frame);
        drop(state);
        match sight {
            None | Some(Sight::HttpReply { .. }) => {}
            Some(sight) => self.journal.tell(Source::Wire, sight.to_string()),
        }
    }
}

impl State {
    /// The disguise ends with the last block of the first loader: what speaks next is that loader.
    fn watch_loader(&mut self, frame: &[u8]) {
        let Some((from, to, payload)) =
            packet::ipv4(frame).and_then(|packet| packet::udp(packet.protocol, packet.body))
        else {
            return;
        };
        if let (69, Some(Sight::TftpRead { file })) = (to, Sight::of(frame)) {
            let is_loader = file.trim_start_matches('/') == BIOS_LOADER;
            self.loader = is_loader.then_some(LoaderTransfer {
                client_port: from,
                block_bytes: 0,
            });
        }
        if let Some(loader) = &mut self.loader
            && to == loader.client_port
            && payload.get(..2) == Some(&[0, 3])
        {
            // Every block but the last is as long as the first (RFC 1350); a repeat of the first is no end either.
            if payload.len() < loader.block_bytes {
                self.disguised = false;
                self.loader = None;
            } else {
                loader.block_bytes = payload.len();
            }
        }
    }
}
