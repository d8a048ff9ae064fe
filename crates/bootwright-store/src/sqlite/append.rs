//! One batch, one transaction.

use bootwright_core::Entry;
use rusqlite::{Connection, TransactionBehavior};

use super::Open;
use super::fold::fold;
use super::table::{Head, insert_event};
use super::trouble::Result;
use crate::row::EventRow;
use crate::{ClockMark, Seq};

/// Records the batch. Durable on return: the commit syncs the write-ahead log.
pub(super) fn append(open: &mut Open, batch: &[Entry], wall_ms: u64, clock: ClockMark) -> Result<Seq> {
    let transaction = open
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut head = open.head.clone();
    record(&transaction, &mut head, batch, wall_ms)?;
    head.site.clock = Some(clock.into());
    head.update(&transaction)?;
    transaction.commit()?;
    open.head = head;
    open.logged += batch.len() as u64;
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
