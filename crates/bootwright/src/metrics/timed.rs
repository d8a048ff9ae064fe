//! A store whose commits are measured.

use std::sync::Arc;
use std::time::Instant;

use bootwright_store::{Batch, ClockMark, Loaded, Reader, Seq, Space, Store, StoreError};

use crate::counter::Counters;

/// A store whose commits are measured.
pub struct Timed<S> {
    store: S,
    counters: Arc<Counters>,
}

impl<S> Timed<S> {
    /// The same store.
    pub fn new(store: S, counters: Arc<Counters>) -> Self {
        Self { store, counters }
    }
}

impl<S: Store> Store for Timed<S> {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.store.load()
    }

    fn commit(&mut self, batch: Batch<'_>, wall_ms: u64, clock: &ClockMark) -> Result<Seq, StoreError> {
        let began = Instant::now();
        let committed = self.store.commit(batch, wall_ms, clock);
        self.counters.meters.commit.observe(began.elapsed());
        committed
    }

    fn maintain(&mut self) -> Result<(), StoreError> {
        self.store.maintain()
    }

    fn space(&self) -> Space {
        self.store.space()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.store.reader()
    }
}
