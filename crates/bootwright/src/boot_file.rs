//! What TFTP serves: scripts that are made on demand, the firmware catalogue, the directories that HTTP serves, and the
//! operator's directory below them.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bootwright_core::{MacAddr, Span};
use bootwright_engine::{FetchKind, Fetched, Fetching};
use bootwright_net::beneath::Root;
use bootwright_net::neighbour::Stations;
use bootwright_proto::script::ipxe::autoexec_script;
use bootwright_proto::script::name::{PiAsking, Wanted, is_module, read};
use bootwright_proto::tftp::{ErrorCode, Name};
use tokio::sync::mpsc;

use crate::core::Core;
use crate::front::{self, Part};
use crate::http::{Ends, Plane, Shelf};
use crate::pi;
use crate::tftp::{Content, Ending, Files, Notice, Refusal, Server, TransferReport, open_below};

/// The TFTP server of the daemon.
pub type Tftp = Server<BootFiles>;

/// Where TFTP's files come from.
pub struct BootFiles {
    /// The machine plane: what is served by HTTP is served by TFTP too.
    pub plane: Arc<Plane>,
    /// The operator's directory.
    pub root: Option<Arc<Root>>,
    /// The firmware of Raspberry Pis.
    pub pi: Option<Arc<Root>>,
    /// Whether only machines are served that asked by DHCP before.
    pub strict: bool,
}

impl Files for BootFiles {
    fn admits(&self, peer: SocketAddr, _local: IpAddr) -> bool {
        // Machines of other networks are served too where relays bring their requests.
        let core = &self.plane.core;
        let near = core.policy().serves_beyond() || self.is_on_link(peer.ip());
        near && (!self.strict || core.read(|engine, now| engine.host_at(now, peer.ip()).is_some()))
    }

    async fn open(&self, peer: SocketAddr, local: IpAddr, name: &Name) -> Result<Content, Refusal> {
        let (peer, local) = (peer.ip().to_canonical(), local.to_canonical());
        let ends = Ends { peer, local };
        if let (Some(root), Some(asking)) = (&self.pi, name.as_str().and_then(PiAsking::read))
            && let Some(opened) = pi::open(&self.plane, root, ends, &asking).await
        {
            return opened;
        }
        if let Some(text) = name.as_str()
            && let Some(content) = self.made(ends, text).await
        {
            return Ok(content);
        }
        // Where the path begins with it, and else wherever a loader believes our root to be: but first comes the
        // operator's directory, which may have a directory of that name itself.
        let shelved = name.as_str().and_then(|text| self.shelved(text));
        let places = [
            shelved.as_ref().filter(|shelved| shelved.at_root).map(Shelved::place),
            self.root.as_ref().map(|root| (root, name.clone())),
            shelved.as_ref().filter(|shelved| !shelved.at_root).map(Shelved::place),
        ];
        for (root, name) in places.into_iter().flatten() {
            match open_below(root, &name).await {
                Err(Refusal::NotFound) => {}
                opened => return opened,
            }
        }
        Err(Refusal::NotFound)
    }
}

/// A file of one of the directories that HTTP serves.
struct Shelved<'a> {
    shelf: &'a Shelf,
    name: Name,
    /// Whether the path begins with the directory's name.
    at_root: bool,
}

impl Shelved<'_> {
    fn place(&self) -> (&Arc<Root>, Name) {
        (&self.shelf.root, self.name.clone())
    }
}

impl BootFiles {
    /// Whether a peer is on one of our links, so that nobody elsewhere gets an answer that he did not ask for.
    fn is_on_link(&self, peer: IpAddr) -> bool {
        let links = self.plane.links.load();
        let mut addresses = links.iter().flat_map(|link| &link.addresses);
        addresses.any(|address| address.covers(peer))
    }

    /// What is in the catalogue or made on demand, under its name or wherever a loader thinks that it is.
    async fn made(&self, ends: Ends, name: &str) -> Option<Content> {
        let plane = &self.plane;
        let memory = |text: String| Content::Memory(text.into_bytes().into());
        match read(name) {
            Some(Wanted::Part { token, place }) => {
                return match front::part(plane, ends, token, place).await? {
                    Part::Made { content, .. } => Some(Content::Memory(content)),
                    Part::File(shelf, name) => {
                        let name = Name::normalise(name.as_str().as_bytes()).ok()?;
                        open_below(&shelf.root, &name).await.ok()
                    }
                };
            }
            Some(Wanted::Parts { token }) => {
                let load = pi::load_of(plane, token)?;
                return pi::ramdisk(plane, ends, &plane.base_url(ends), &load).await.ok();
            }
            // Without an answer of ours the operator's directory may have one.
            Some(wanted) => return front::script(plane, ends, &wanted).await.map(memory),
            None => {}
        }
        let last = name.rsplit('/').next().unwrap_or(name);
        if let Some(file) = plane.catalogue.get(name).or_else(|| plane.catalogue.get(last)) {
            return Some(Content::Memory(file.content.clone()));
        }
        (last == "autoexec.ipxe").then(|| memory(autoexec_script(&plane.base_url(ends))))
    }

    /// The file of a directory that HTTP serves, wherever in a path that directory's name stands.
    fn shelved(&self, name: &str) -> Option<Shelved<'_>> {
        let segments: Vec<&str> = name.split('/').collect();
        let shelves = [&self.plane.images, &self.plane.assets];
        let found = segments.iter().enumerate().find_map(|(at, segment)| {
            let named = |shelf: &&&Shelf| shelf.path.trim_start_matches('/') == *segment;
            shelves.iter().find(named).map(|shelf| (at, *shelf))
        });
        let (at, shelf) = found?;
        let rest = segments.get(at + 1..).filter(|rest| !rest.is_empty())?.join("/");
        if rest.starts_with('.') {
            return None;
        }
        Some(Shelved {
            shelf,
            name: Name::normalise(rest.as_bytes()).ok()?,
            at_root: at == 0,
        })
    }
}

/// Hands on what TFTP tells of its transfers, until the server is gone.
pub async fn follow_transfers(plane: Arc<Plane>, mut notices: mpsc::Receiver<Notice>) {
    let mut strangers = Strangers::default();
    while let Some(notice) = notices.recv().await {
        match notice {
            Notice::Finished(report) => {
                plane.counters.count("tftp", report.ending.name());
                let meters = &plane.counters.meters;
                meters.tftp_retransmits.fetch_add(report.retransmits, Ordering::Relaxed);
                meters.tftp_bytes.fetch_add(report.acked_bytes, Ordering::Relaxed);
                strangers.look_up(&plane.core, report.peer.ip()).await;
                tell(&plane, &report).await;
            }
            Notice::Refused { peer, name, code, text } => {
                // Loaders probe for files that nobody has; that is no news.
                plane.counters.count("tftp", "refused");
                tracing::debug!(%peer, file = name, ?code, "refused: {text}");
                if code == ErrorCode::NotFound {
                    tell_missing(&plane.core, peer.ip(), &name);
                }
            }
            // At most two a second for each transfer, and a note in memory each.
            Notice::Progress {
                peer,
                name,
                size,
                acked_bytes,
            } => {
                let fetching = Fetching {
                    name: shown(&name).to_owned(),
                    bytes: acked_bytes,
                    size,
                };
                if !plane.core.progressing(peer.ip(), fetching) {
                    strangers.look_up(&plane.core, peer.ip()).await;
                }
            }
        }
    }
}

/// Peers of which no DHCP request told who they are.
#[derive(Default)]
struct Strangers {
    /// When they were looked up.
    asked: BTreeMap<IpAddr, Instant>,
    /// What the kernel said last, and when. Many machines that start together are found by reading its table once.
    stations: Option<(Instant, Stations)>,
}

impl Strangers {
    /// How many are remembered; with more, all are looked up anew.
    const MAX: usize = 4096;
    /// How long a look-up that found nothing is not repeated.
    const PATIENCE: Duration = Duration::from_secs(60);
    /// How long the kernel's word for a station is taken to be true.
    const FRESH: Duration = Duration::from_secs(1);

    /// Finds out which machine has an address, if no host is known to have it: from the kernel's neighbour table.
    async fn look_up(&mut self, core: &Core, peer: IpAddr) {
        let IpAddr::V4(address) = peer else { return };
        if core.read(|engine, now| engine.host_at(now, peer).is_some()) {
            return;
        }
        if self
            .asked
            .get(&peer)
            .is_some_and(|asked| asked.elapsed() < Self::PATIENCE)
        {
            return;
        }
        if self.asked.len() >= Self::MAX {
            self.asked.clear();
        }
        self.asked.insert(peer, Instant::now());
        match self.station(address).await {
            Ok(Some(mac)) => core.learn_address(mac, peer),
            Ok(None) => {}
            Err(error) => tracing::debug!(%peer, why = %error, "cannot read the neighbour table"),
        }
    }

    /// The station at an address. That there is none is never an old answer.
    async fn station(&mut self, address: Ipv4Addr) -> io::Result<Option<MacAddr>> {
        let held = self.stations.as_ref().filter(|(read, _)| read.elapsed() < Self::FRESH);
        if let Some(mac) = held.and_then(|(_, stations)| stations.at(address)) {
            return Ok(Some(mac));
        }
        let (_, stations) = self.stations.insert((Instant::now(), Stations::read().await?));
        Ok(stations.at(address))
    }
}

/// A machine was told to fetch a file that is not there: unlike a loader's guess, this is news.
pub(crate) fn tell_missing(core: &Core, peer: IpAddr, name: &str) {
    let policy = core.policy();
    let of_hosts = policy.hosts.values().filter_map(|host| host.first_file.as_ref());
    let others = policy.other_files.values().flatten();
    let named = policy
        .first_files
        .values()
        .chain(others)
        .chain(of_hosts)
        .any(|file| file == name);
    if named {
        let fetched = Fetched {
            peer,
            name: name.to_owned(),
            kind: FetchKind::Firmware,
            bytes: 0,
            took: Span::ZERO,
            failure: Some(
                "there is no such firmware; `firmware/` in the data directory is the place for it".to_owned(),
            ),
        };
        core.ask(|engine, now| engine.fetched(now, &fetched)).now();
    }
}

/// A file's name, as people know it: without the directories in which a loader thinks that it is.
fn shown(name: &Name) -> &str {
    let name = name.as_str().unwrap_or("?");
    name.rsplit('/').next().unwrap_or(name)
}

async fn tell(plane: &Plane, report: &TransferReport) {
    tracing::debug!(
        peer = %report.peer, file = %report.name, bytes = report.acked_bytes, ms = report.duration.as_millis(),
        status = report.ending.name(), "{} retransmissions", report.retransmits
    );
    let failure = match report.ending {
        Ending::Delivered | Ending::SentUnacknowledged => None,
        // Asking for the size and breaking off is how firmware begins.
        Ending::SizeProbe | Ending::Superseded | Ending::Stopped | Ending::Aborted { code: 0 | 8 } => {
            plane.core.fetch_ended(report.peer.ip(), shown(&report.name));
            return plane.core.fetching(report.peer.ip());
        }
        ending => Some(ending.name().replace('_', " ")),
    };
    let text = report.name.as_str().unwrap_or("?");
    let of_pi = plane
        .daemon
        .tftp
        .raspberry_pi
        .is_some()
        .then(|| PiAsking::read(text))
        .flatten();
    let (peer, local) = (report.peer.ip().to_canonical(), report.local.to_canonical());
    let ends = Ends { peer, local };
    if let Some(asking) = of_pi
        && pi::is_asked_by_one(plane, ends, &asking).await
    {
        let fetched = pi::fetched(plane, report, &asking, failure.is_none()).await;
        if let Some((name, kind)) = fetched {
            note(plane, report, (name, kind), failure);
        }
        return;
    }
    let (name, kind) = match read(text) {
        Some(Wanted::Part { token, place }) => {
            if failure.is_none() {
                front::part_served(plane, ends, token, place);
            }
            (format!("initial ramdisk {place}"), FetchKind::Other)
        }
        Some(Wanted::Parts { token }) => {
            if failure.is_none() {
                pi::parts_served(plane, ends, token);
            }
            ("initial ramdisks".to_owned(), FetchKind::Other)
        }
        // That it was asked for is told already.
        Some(_) if failure.is_none() => return,
        Some(_) => ("its configuration".to_owned(), FetchKind::Other),
        None => what_it_is(plane, text),
    };
    // A boot program starts with nothing, and some with the ports that they used before.
    if kind == FetchKind::Firmware && !is_module(&name) {
        plane.sources.begins(report.peer.ip().to_canonical(), report.begun);
    }
    note(plane, report, (name, kind), failure);
}

fn note(plane: &Plane, report: &TransferReport, (name, kind): (String, FetchKind), failure: Option<String>) {
    let took = Span::from_millis(u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX));
    let fetched = Fetched {
        peer: report.peer.ip(),
        name,
        kind,
        bytes: report.acked_bytes,
        took,
        failure,
    };
    plane.core.ask(|engine, now| engine.fetched(now, &fetched)).now();
}

/// The name by which people know a file, and what it is to a boot.
fn what_it_is(plane: &Plane, name: &str) -> (String, FetchKind) {
    let last = name.rsplit('/').next().unwrap_or(name);
    if plane.catalogue.get(last).is_some() {
        return (last.to_owned(), FetchKind::Firmware);
    }
    let shelves = [&plane.images, &plane.assets];
    let of_shelf = shelves.into_iter().find_map(|shelf| {
        let directory = format!("{}/", shelf.path);
        let path = format!("/{name}");
        let (_, rest) = path.split_once(&directory)?;
        Some((format!("{directory}{rest}"), shelf.kind))
    });
    of_shelf.unwrap_or_else(|| (last.to_owned(), FetchKind::Other))
}
