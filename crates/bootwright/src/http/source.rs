//! The connections of each address: how many it has, and which of them it has forgotten.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

/// How many connections one address may have; installers that fetch in parallel need some.
const CONNECTIONS_PER_SOURCE_MAX: usize = 128;

/// The addresses that have connections.
#[derive(Debug, Default)]
pub struct Sources(Mutex<BTreeMap<IpAddr, Address>>);

#[derive(Debug)]
struct Address {
    connections: usize,
    /// When the machine there last began anew.
    began: watch::Sender<Instant>,
}

/// One connection of an address. Dropping it makes room for another.
#[derive(Debug)]
pub struct Source {
    sources: Arc<Sources>,
    address: IpAddr,
    opened: Instant,
    began: watch::Receiver<Instant>,
}

impl Sources {
    /// Room for a connection of this address, unless it has too many.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Source> {
        let opened = Instant::now();
        let mut addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = addresses.entry(address).or_insert_with(|| Address {
            connections: 0,
            began: watch::Sender::new(opened),
        });
        if state.connections >= CONNECTIONS_PER_SOURCE_MAX {
            return None;
        }
        state.connections += 1;
        Some(Source {
            sources: Arc::clone(self),
            address,
            opened,
            began: state.began.subscribe(),
        })
    }

    /// The machine at this address began anew at that time: what it opened before is nothing to it any more.
    pub fn begins(&self, address: IpAddr, at: Instant) {
        let addresses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = addresses.get(&address) {
            state.began.send_replace(at);
        }
    }
}

impl Source {
    /// Resolves once the machine has forgotten this connection.
    pub async fn forgotten(&mut self) {
        let opened = self.opened;
        if self.began.wait_for(|began| *began > opened).await.is_err() {
            // Nobody can say so any more.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut addresses = self.sources.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = addresses.get_mut(&self.address) {
            state.connections -= 1;
            if state.connections == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}
