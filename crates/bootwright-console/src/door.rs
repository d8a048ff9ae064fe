//! The door for browsers and other boxes: a listener with TLS, and what each request must be before anything answers it.
//!
//! Machines owe it nothing. It runs on a runtime of its own; where its port is taken or its certificate cannot be read it says
//! so and tries again, and everything else goes on.

mod answer;
mod certificate;
mod cookie;
mod form;
mod gate;
mod host;
mod limit;
mod listen;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::sync::Notify;

pub use certificate::fingerprint;
pub use gate::Csrf;

use crate::access::Access;
use certificate::Served;
use limit::Places;

/// How often a port that is taken is tried again, and the site's own certificate is looked at.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The most connections at once. A dashboard that is open holds one.
const CONNECTIONS_MAX: usize = 2048;

/// The most of them from one source, such as an office behind one address.
const CONNECTIONS_EACH_MAX: usize = 1024;

/// How connections are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By a certificate that is made once and kept.
    SelfSigned,
    /// By the site's own, both as PEM.
    Own {
        /// The certificate, and those between it and its authority.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// Not at all: something in front does it.
    Off,
}

/// What the configuration says of the door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on; none means all.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// How connections are protected.
    pub tls: Tls,
    /// The names under which it may be asked for, beside its addresses.
    pub names: Vec<String>,
    /// Where a certificate of our own is kept.
    pub directory: PathBuf,
    /// For how many connections there is room, by the descriptors that we have.
    pub connections_max: usize,
}

/// What answers requests that were let in.
#[derive(Clone, Debug)]
pub struct Planes {
    /// `/api/…`, `/metrics`, and without a login `/healthz` and `/readyz`.
    pub api: Router,
    /// Everything else; without a login only `/static/…`. A request has an [`Operator`](crate::Operator) and a [`Csrf`] as
    /// extensions, and is checked for whence it comes.
    pub pages: Router,
}

/// How the door does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether it is open.
    pub open: bool,
    /// Why it is not, or what of it is not as the files say.
    pub trouble: Option<String>,
    /// The SHA-256 of the certificate, as browsers show it.
    pub fingerprint: Option<String>,
}

/// The door.
#[derive(Debug)]
pub struct Door {
    settings: Settings,
    served: Arc<Served>,
    places: Arc<Places>,
    state: Mutex<State>,
    /// Told once it was first tried to open it.
    tried: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    port_trouble: Option<String>,
    certificate_trouble: Option<String>,
}

impl Door {
    /// The door of these settings, closed. A certificate of our own is made if there is none.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let door = Self {
            places: Places::new(
                settings.connections_max.min(CONNECTIONS_MAX),
                settings.connections_max.min(CONNECTIONS_EACH_MAX),
            ),
            settings,
            served: Arc::default(),
            state: Mutex::default(),
            tried: Notify::new(),
        };
        door.read_certificate();
        door
    }

    /// What the configuration says of it.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How it does.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = self.state();
        Report {
            open: state.open,
            trouble: state.port_trouble.clone().or_else(|| state.certificate_trouble.clone()),
            fingerprint: self.served.fingerprint(),
        }
    }

    /// Waits until it was first tried to open it, whatever came of that. For one who waits.
    pub async fn tried(&self) {
        self.tried.notified().await;
    }

    /// Opens it as soon as that can be done, and serves for as long as the future is polled.
    pub async fn serve(self: Arc<Self>, access: Arc<Access>, planes: Planes) {
        let gate = Arc::new(gate::Gate::new(Arc::clone(&self), Arc::clone(&access), planes));
        let stamp = || certificate::stamp(&self.settings.tls);
        let mut known = stamp();
        let mut listening: Option<Vec<Task>> = None;
        loop {
            if listening.is_none() {
                listening = self.open(&gate);
                self.tried.notify_one();
            }
            tokio::time::sleep(AGAIN_AFTER).await;
            access.keep().await;
            let (door, now) = (Arc::clone(&self), stamp());
            if now != known || (self.state().certificate_trouble.is_some() && self.served.fingerprint().is_none()) {
                known = now;
                // What is wrong is told and shown by then.
                let _ = tokio::task::spawn_blocking(move || door.read_certificate()).await;
            }
        }
    }

    /// Listens, unless something is in the way.
    fn open(&self, gate: &Arc<gate::Gate>) -> Option<Vec<Task>> {
        if self.settings.tls != Tls::Off && self.served.fingerprint().is_none() {
            return None;
        }
        let port = self.settings.port;
        let opened = listen::bind(&self.settings).map_err(|error| format!("port {port}/tcp: {error}"));
        let listeners = opened.and_then(|listeners| {
            let tls = match self.settings.tls {
                Tls::Off => None,
                Tls::SelfSigned | Tls::Own { .. } => {
                    let config = certificate::config(Arc::clone(&self.served));
                    Some(config.map_err(|error| format!("TLS: {error}"))?)
                }
            };
            Ok((listeners, tls))
        });
        let mut state = self.state();
        match listeners {
            Ok((listeners, tls)) => {
                if state.port_trouble.take().is_some() {
                    tracing::info!("the dashboard can be reached now, on port {port}/tcp");
                }
                state.open = true;
                let serve = |listener| {
                    let serving = listen::serve(listener, tls.clone(), Arc::clone(gate), Arc::clone(&self.places));
                    Task(tokio::spawn(serving))
                };
                Some(listeners.into_iter().map(serve).collect())
            }
            Err(why) => {
                let why = format!(
                    "the dashboard cannot be reached: {why}; machines boot all the same; set another `listen` in \
                     `[control]`, or stop who holds the port: it is tried again every few seconds"
                );
                if state.port_trouble.is_none() {
                    tracing::warn!(code = "W441", "{why}");
                }
                state.port_trouble = Some(why);
                None
            }
        }
    }

    fn read_certificate(&self) {
        let Settings {
            tls, directory, names, ..
        } = &self.settings;
        let read = self.served.read(tls, directory, names);
        let mut state = self.state();
        state.certificate_trouble = match read {
            Ok(()) => {
                if state.certificate_trouble.is_some() || state.open {
                    let fingerprint = self.served.fingerprint().unwrap_or_default();
                    tracing::info!("the certificate of the dashboard was read again; its SHA-256 is {fingerprint}");
                }
                None
            }
            Err(why) => {
                let what = match self.served.fingerprint() {
                    Some(_) => "the one before stays in use",
                    None => "the dashboard cannot be reached; machines boot all the same",
                };
                let why = format!("the certificate of the dashboard: {why}; {what}");
                if state.certificate_trouble.as_ref() != Some(&why) {
                    tracing::warn!(code = "W441", "{why}");
                }
                Some(why)
            }
        };
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that runs until this is dropped.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a request came from, and where it arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
}
