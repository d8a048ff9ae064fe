//! What TFTP serves: the firmware catalogue, scripts that are made on demand, and the operator's directory below them.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bootwright_core::Span;
use bootwright_engine::{FetchKind, Fetched};
use bootwright_net::Link;
use bootwright_net::beneath::Root;
use bootwright_net::neighbour::station;
use bootwright_proto::http::BaseUrl;
use bootwright_proto::script::ipxe::autoexec_script;
use bootwright_proto::tftp::{ErrorCode, Name};
use tokio::sync::mpsc;

use crate::core::Core;
use crate::counter::Counters;
use crate::firmware::Catalogue;
use crate::tftp::{Content, Ending, Files, Notice, Refusal, Server, TransferReport, open_below};

/// The TFTP server of the daemon.
pub type Tftp = Server<BootFiles>;

/// Where TFTP's files come from.
pub struct BootFiles {
    /// The engine, which knows who asked by DHCP.
    pub core: Arc<Core>,
    /// The firmware catalogue.
    pub catalogue: Arc<Catalogue>,
    /// The operator's directory.
    pub root: Option<Arc<Root>>,
    /// Whether only machines are served that asked by DHCP before.
    pub strict: bool,
    /// The box's links, as last seen.
    pub links: Arc<ArcSwap<Vec<Link>>>,
    /// The URL of the machine plane, if the configuration sets it.
    pub fixed_url: Option<BaseUrl>,
    /// The machine plane's port.
    pub http_port: u16,
}

impl Files for BootFiles {
    fn admits(&self, peer: SocketAddr, _local: IpAddr) -> bool {
        // Machines of other networks are served too where relays bring their requests.
        let near = !self.core.policy().relays.is_empty() || self.is_on_link(peer.ip());
        near && (!self.strict || self.core.read(|engine, now| engine.host_at(now, peer.ip()).is_some()))
    }

    fn open(
        &self,
        _peer: SocketAddr,
        local: IpAddr,
        name: &Name,
    ) -> impl Future<Output = Result<Content, Refusal>> + Send {
        let made = name.as_str().and_then(|name| self.made(name, local));
        async move {
            match (made, &self.root) {
                (Some(content), _) => Ok(content),
                (None, Some(root)) => open_below(root, name).await,
                (None, None) => Err(Refusal::NotFound),
            }
        }
    }
}

impl BootFiles {
    /// Whether a peer is on one of our links, so that nobody elsewhere gets an answer that he did not ask for.
    fn is_on_link(&self, peer: IpAddr) -> bool {
        let links = self.links.load();
        let mut addresses = links.iter().flat_map(|link| &link.addresses);
        addresses.any(|address| address.covers(peer))
    }

    /// What is in the catalogue or made on demand, under its name or wherever a loader thinks that it is.
    fn made(&self, name: &str, local: IpAddr) -> Option<Content> {
        let last = name.rsplit('/').next().unwrap_or(name);
        if let Some(file) = self.catalogue.get(name).or_else(|| self.catalogue.get(last)) {
            return Some(Content::Memory(file.content.clone()));
        }
        if last == "autoexec.ipxe" {
            let own = BaseUrl::of(SocketAddr::new(local, self.http_port));
            let script = autoexec_script(self.fixed_url.as_ref().unwrap_or(&own));
            return Some(Content::Memory(script.into_bytes().into()));
        }
        None
    }
}

/// Hands on what TFTP tells of its transfers, until the server is gone.
pub async fn follow_transfers(
    core: Arc<Core>,
    counters: Arc<Counters>,
    catalogue: Arc<Catalogue>,
    mut notices: mpsc::Receiver<Notice>,
) {
    let mut strangers = Strangers::default();
    while let Some(notice) = notices.recv().await {
        match notice {
            Notice::Finished(report) => {
                counters.count("tftp", report.ending.name());
                strangers.look_up(&core, report.peer.ip()).await;
                tell(&core, &catalogue, &report);
            }
            Notice::Refused { peer, name, code, text } => {
                // Loaders probe for files that nobody has; that is no news.
                counters.count("tftp", "refused");
                tracing::debug!(%peer, file = name, ?code, "refused: {text}");
                if code == ErrorCode::NotFound {
                    tell_missing(&core, peer.ip(), &name);
                }
            }
            Notice::Progress { .. } => {}
        }
    }
}

/// Peers of which no DHCP request told who they are, and when the kernel was asked about them.
#[derive(Default)]
struct Strangers(BTreeMap<IpAddr, Instant>);

impl Strangers {
    /// How many are remembered; with more, all are looked up anew.
    const MAX: usize = 4096;
    /// How long a look-up that found nothing is not repeated.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// Finds out which machine has an address, if no host is known to have it: from the kernel's neighbour table.
    async fn look_up(&mut self, core: &Core, peer: IpAddr) {
        let IpAddr::V4(address) = peer else { return };
        if core.read(|engine, now| engine.host_at(now, peer).is_some()) {
            return;
        }
        if self.0.get(&peer).is_some_and(|asked| asked.elapsed() < Self::PATIENCE) {
            return;
        }
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        self.0.insert(peer, Instant::now());
        match station(address).await {
            Ok(Some(mac)) => core.learn_address(mac, peer),
            Ok(None) => {}
            Err(error) => tracing::debug!(%peer, why = %error, "cannot read the neighbour table"),
        }
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

fn tell(core: &Core, catalogue: &Catalogue, report: &TransferReport) {
    let name = report.name.as_str().unwrap_or("?");
    let last = name.rsplit('/').next().unwrap_or(name);
    tracing::debug!(
        peer = %report.peer, file = name, bytes = report.acked_bytes, ms = report.duration.as_millis(),
        status = report.ending.name(), "{} retransmissions", report.retransmits
    );
    let failure = match report.ending {
        Ending::Delivered | Ending::SentUnacknowledged => None,
        // Asking for the size and breaking off is how firmware begins.
        Ending::SizeProbe | Ending::Superseded | Ending::Stopped | Ending::Aborted { code: 0 | 8 } => {
            return core.fetching(report.peer.ip());
        }
        ending => Some(ending.name().replace('_', " ")),
    };
    let kind = if catalogue.get(last).is_some() {
        FetchKind::Firmware
    } else {
        FetchKind::Other
    };
    let took = Span::from_millis(u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX));
    let fetched = Fetched {
        peer: report.peer.ip(),
        name: last.to_owned(),
        kind,
        bytes: report.acked_bytes,
        took,
        failure,
    };
    core.ask(|engine, now| engine.fetched(now, &fetched)).now();
}
