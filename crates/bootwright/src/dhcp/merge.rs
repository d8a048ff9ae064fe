//! Offers that wait for the DHCP server's own: between the desk that holds them and the ear that hears the server.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bootwright_core::Timestamp;
use bootwright_proto::dhcp::{Answer, Boot, Merger, Request, Unrenderable};

/// The held offers of one link.
#[derive(Debug, Default)]
pub struct Merging {
    merger: Mutex<Merger>,
    hears: AtomicBool,
}

impl Merging {
    /// From now on what servers answer is heard on this link.
    pub fn listen(&self) {
        self.hears.store(true, Ordering::Relaxed);
    }

    /// Whether what servers answer is heard; without that no offer can wait for it.
    pub(super) fn hears(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    pub(super) fn ask(
        &self,
        now: Timestamp,
        request: &Request,
        from: Ipv4Addr,
        boot: Boot,
    ) -> Result<Option<Vec<u8>>, Unrenderable> {
        let mut merger = self.merger.lock().unwrap_or_else(PoisonError::into_inner);
        merger.ask(now, request, from, boot)
    }

    /// A server answers somebody: what is to be broadcast to him, if he waits for it.
    pub fn hear(&self, now: Timestamp, answer: &Answer, ours: &[Ipv4Addr]) -> Option<Vec<u8>> {
        let mut merger = self.merger.lock().unwrap_or_else(PoisonError::into_inner);
        merger
            .hear(now, answer, ours)
            .inspect_err(|why| tracing::debug!(mac = %answer.mac, %why, "no merged offer"))
            .ok()
            .flatten()
    }
}
