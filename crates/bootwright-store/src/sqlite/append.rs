//! One batch, one transaction.

use bootwright_core::Entry;
use rusqlite::{Connection, TransactionBehavior};

use super::Open;
use super::fold::fold;
use super::revision;
use super::table::{Head, insert_event};
use super::trouble::Result;
use crate::row::EventRow;
use crate::{Batch, ClockMark, Seq};

/// How many leases put as many pages into the write-ahead log as one event does.
const LEASES_PER_EVENT: u64 = 3;

/// How many bytes of a profile put as many pages into it.
const BYTES_PER_EVENT: u64 = 12 << 10;

/// Records the batch. Durable on return: the commit syncs the write-ahead log.
pub(super) fn append(open: &mut Open, batch: Batch<'_>, wall_ms: u64, clock: ClockMark) -> Result<Seq> {
    let transaction = open
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut head = open.head.clone();
    record(&transaction, &mut head, batch.entries, wall_ms)?;
    // A batch that fails closes the store, and the sums are read anew with it.
    open.leases.upsert(&transaction, batch.leases)?;
    let written = revision::change(&transaction, &mut head, batch.revisions)?;
    head.site.clock = Some(clock.into());
    head.update(&transaction)?;
    transaction.commit()?;
    open.head = head;
    open.logged += batch.entries.len() as u64
        + (batch.leases.len() as u64).div_ceil(LEASES_PER_EVENT)
        + written.div_ceil(BYTES_PER_EVENT);
    Ok(open.head.seq)
}

/// Writes the events of a batch and folds them into the tables; the head is left for the caller to write.
pub(super) fn record(connection: &Connection, head: &mut Head, batch: &[Entry], wall_ms: u64) -> Result<()> {
    for entry in batch {
        head.seq = head.seq.plus(1);
        insert_event(connection, &EventRow::new(head.seq, wall_ms, entry)?)?;
    }
    fold(connection, head, batch)
}
