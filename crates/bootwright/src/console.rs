//! The control plane's place in the daemon: where its logins are kept, what it takes down, and the runtime that it has for itself.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bootwright_config::{Daemon, Tls};
use bootwright_console::access::{Access, FileShelf, Site};
use bootwright_console::door::{self, Door, Planes, Settings};
use bootwright_net::Link;
use tokio::runtime::{Builder, Runtime};

use crate::core::Core;

/// The file of the logins in the data directory.
pub(crate) const LOGINS: &str = "access.json";

/// Threads that serve operators over the network. Machines are served by others.
const THREADS: usize = 2;

/// Threads on which passwords are hashed and files are written.
const BLOCKING_THREADS_MAX: usize = 16;

/// How long the start waits for the door.
const OPEN_WITHIN: Duration = Duration::from_secs(1);

/// One descriptor in so many may be a browser's.
const DESCRIPTORS_SHARE: u64 = 8;

/// How many addresses of this box are named where it is told how to reach it.
const URLS_MAX: usize = 8;

/// The logins and the door, and the runtime on which it is open.
pub(crate) struct Console {
    pub(crate) access: Arc<Access>,
    pub(crate) door: Option<Arc<Door>>,
    runtime: Runtime,
}

/// What it takes down goes into the record, and its clock is the record's.
struct Record(Arc<Core>);

impl Site for Record {
    fn now_ms(&self) -> u64 {
        self.0.now().as_millis()
    }

    fn note(&self, by: Option<&str>, note: String) {
        self.0.note_login(by, note);
    }
}

impl Console {
    /// Reads the logins and the certificate. What is wrong with them is told and shown, and stops nothing else.
    pub(crate) fn open(daemon: &Daemon, data_dir: &Path, core: &Arc<Core>) -> std::io::Result<Self> {
        let shelf = FileShelf::new(data_dir.join(LOGINS));
        let access = Access::open(Box::new(shelf), Box::new(Record(Arc::clone(core))));
        if let Some(why) = access.trouble() {
            tracing::error!(
                code = "E440",
                "nobody can log in: `{}` cannot be used: {why}; the control socket works, and machines boot all the same",
                data_dir.join(LOGINS).display()
            );
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_name("control")
            .enable_all()
            .build()?;
        Ok(Self {
            access: Arc::new(access),
            door: settings(daemon, data_dir).map(|settings| Arc::new(Door::new(settings))),
            runtime,
        })
    }

    /// Opens the door. The pages answer what `api` does not.
    pub(crate) fn serve(&self, api: Router) {
        if let Some(door) = &self.door {
            let pages = bootwright_console::pages(api.clone());
            let planes = Planes { api, pages };
            self.runtime
                .spawn(Arc::clone(door).serve(Arc::clone(&self.access), planes));
        }
    }

    /// Waits until the door is open, unless that takes long.
    pub(crate) async fn opened(&self) {
        if let Some(door) = &self.door {
            // What keeps it closed is told by then, or will be.
            let _ = tokio::time::timeout(OPEN_WITHIN, door.tried()).await;
        }
    }

    /// Says where the dashboard is, and how the first admin is made.
    pub(crate) fn announce(&self, links: &[Link]) {
        let Some(door) = &self.door else { return };
        let (settings, report) = (door.settings(), door.report());
        let url = urls(settings, links).into_iter().next().unwrap_or_default();
        let tls = match (&settings.tls, report.fingerprint) {
            (door::Tls::Off, _) => "without TLS".to_owned(),
            (door::Tls::SelfSigned, Some(fingerprint)) => format!("self-signed, SHA-256 {fingerprint}"),
            (door::Tls::Own { .. }, Some(fingerprint)) => format!("SHA-256 {fingerprint}"),
            (_, None) => "closed".to_owned(),
        };
        let code = self.access.first_code();
        let code = code.map_or_else(String::new, |code| {
            format!(" · login code {code} makes the first admin")
        });
        tracing::info!(event = "auth", "dashboard {url} · {tls}{code}");
    }

    /// Ends what is under way.
    pub(crate) fn stop(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

fn settings(daemon: &Daemon, data_dir: &Path) -> Option<Settings> {
    let control = &daemon.control;
    let listen = control.listen?;
    let descriptors = bootwright_net::descriptor::raise_limit().unwrap_or(1024);
    let room = usize::try_from(descriptors / DESCRIPTORS_SHARE).unwrap_or(usize::MAX);
    Some(Settings {
        address: listen.address,
        port: listen.port,
        tls: match &control.tls {
            Tls::SelfSigned => door::Tls::SelfSigned,
            Tls::Own { cert, key } => door::Tls::Own {
                certificate: cert.into(),
                key: key.into(),
            },
            Tls::Off => door::Tls::Off,
        },
        names: control.hosts.clone(),
        directory: data_dir.join("tls"),
        connections_max: room.max(16),
    })
}

/// By which URLs the door is reached: the names of the configuration, then the addresses of this box.
pub(crate) fn urls(settings: &Settings, links: &[Link]) -> Vec<String> {
    let scheme = if settings.tls == door::Tls::Off {
        "http"
    } else {
        "https"
    };
    let port = settings.port;
    let named = settings.names.iter().map(|name| match name.rsplit_once(':') {
        Some((_, digits)) if digits.parse::<u16>().is_ok() => format!("{scheme}://{name}"),
        _ => format!("{scheme}://{name}:{port}"),
    });
    let at = |address: std::net::IpAddr| format!("{scheme}://{}", std::net::SocketAddr::new(address, port));
    let addresses: Vec<String> = match settings.address {
        Some(address) => vec![at(address)],
        None => {
            let all = ours(links.iter().flat_map(Link::ipv4_addresses));
            all.into_iter().map(|address| at(address.into())).collect()
        }
    };
    let mut urls: Vec<String> = named.chain(addresses).take(URLS_MAX).collect();
    if urls.is_empty() {
        urls.push(format!("{scheme}://localhost:{port}"));
    }
    urls
}

/// The addresses of this box, at the end those by which nobody comes from another one.
fn ours(addresses: impl Iterator<Item = Ipv4Addr>) -> Vec<Ipv4Addr> {
    let mut all: Vec<_> = addresses.collect();
    all.sort_by_key(Ipv4Addr::is_loopback);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_to_open_is_one_by_which_others_reach_this_box() {
        let addresses = ["127.0.0.1", "192.0.2.7", "10.0.0.1"].map(|text| text.parse().unwrap());
        let told: Vec<String> = ours(addresses.into_iter()).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["192.0.2.7", "10.0.0.1", "127.0.0.1"]);
    }
}
