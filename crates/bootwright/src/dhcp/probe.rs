//! Looking whether somebody uses an address before it is offered.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bootwright_core::lease::Probed;
use bootwright_net::Link;
use bootwright_net::probe::{ArpProber, EchoProber};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many addresses are looked at at once: a rack that is switched on in one moment.
const LOOKS_MAX: usize = 1024;

/// Where it is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// On the link itself.
    Here,
    /// Behind a relay.
    Beyond,
}

/// The sockets for looking, opened when they are first needed.
#[derive(Debug)]
pub(super) struct Looks {
    here: OnceLock<Option<ArpProber>>,
    beyond: OnceLock<Option<EchoProber>>,
    at: Mutex<BTreeSet<Ipv4Addr>>,
    room: Arc<Semaphore>,
}

/// A look at one address. While it lasts nobody else looks at the same one.
pub(super) struct Looking {
    looks: Arc<Looks>,
    address: Ipv4Addr,
    place: Where,
    _room: OwnedSemaphorePermit,
}

/// Why it is not looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoLook {
    /// There is no socket for it, so that the address is offered untried.
    Blind,
    /// It is already being looked at.
    UnderWay,
    /// Too many others are.
    Busy,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            here: OnceLock::new(),
            beyond: OnceLock::new(),
            at: Mutex::default(),
            room: Arc::new(Semaphore::new(LOOKS_MAX)),
        }
    }
}

impl Looks {
    /// Begins to look at an address. Must be called inside the runtime.
    pub(super) fn begin(self: &Arc<Self>, link: &Link, address: Ipv4Addr, place: Where) -> Result<Looking, NoLook> {
        let sees = match place {
            Where::Here => self.here.get_or_init(|| opened(link, ArpProber::open(link))).is_some(),
            Where::Beyond => self.beyond.get_or_init(|| opened(link, EchoProber::open())).is_some(),
        };
        if !sees {
            return Err(NoLook::Blind);
        }
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| NoLook::Busy)?;
        let fresh = self.at.lock().unwrap_or_else(PoisonError::into_inner).insert(address);
        if !fresh {
            return Err(NoLook::UnderWay);
        }
        Ok(Looking {
            looks: Arc::clone(self),
            address,
            place,
            _room: room,
        })
    }
}

fn opened<T>(link: &Link, prober: io::Result<T>) -> Option<T> {
    prober
        .inspect_err(|error| {
            tracing::warn!(
                code = "W109",
                link = %link.name,
                why = %error,
                "addresses are offered without a look whether somebody uses them; that takes the capability NET_RAW"
            );
        })
        .ok()
}

impl Looking {
    pub(super) const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Looks, for half a second at most.
    pub(super) async fn look(&self) -> Probed {
        let heard = match self.place {
            Where::Here => match self.looks.here.get() {
                Some(Some(prober)) => prober.probe(self.address).await,
                _ => Ok(None),
            },
            Where::Beyond => match self.looks.beyond.get() {
                Some(Some(prober)) => prober.probe(self.address).await,
                _ => Ok(None),
            },
        };
        match heard {
            Ok(Some(heard)) => Probed::InUse(heard.station),
            Ok(None) => Probed::Free,
            Err(error) => {
                tracing::debug!(why = %error, "cannot look whether {} is used", self.address);
                Probed::Free
            }
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut at = self.looks.at.lock().unwrap_or_else(PoisonError::into_inner);
        at.remove(&self.address);
    }
}
