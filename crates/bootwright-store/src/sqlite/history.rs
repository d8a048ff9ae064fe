//! What is put in order after a commit: the write-ahead log, and history beyond its bound.

use bootwright_core::Entry;
use rusqlite::TransactionBehavior;

use super::fold::fold_base;
use super::table::{EVENT_COLUMNS, event, read_base, update_base};
use super::trouble::{Result, Trouble};
use super::{Limits, Open};
use crate::Seq;

/// The most events that are dropped at once: some ten milliseconds of work.
const DROP_MAX: u64 = 1000;

/// A bounded piece of what is to be done.
pub(super) fn maintain(open: &mut Open, limits: Limits) -> Result<()> {
    drop_oldest(open, limits.events_max)?;
    if open.logged >= limits.checkpoint_events {
        // Readers may keep part of it from being folded in; the rest follows at the next turn.
        open.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        open.logged = 0;
    }
    Ok(())
}

/// Folds the oldest events into the base and drops them, once there are enough of them to be worth a transaction.
fn drop_oldest(open: &mut Open, events_max: u64) -> Result<()> {
    let kept = open.head.seq.plus(1).get().saturating_sub(open.first.get());
    let chunk = (events_max / 10).clamp(1, DROP_MAX);
    if kept < events_max.saturating_add(chunk) {
        return Ok(());
    }
    let transaction = open
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (base, mut site) = read_base(&transaction)?;
    let last = base.plus(chunk);
    let mut entries: Vec<Entry> = Vec::new();
    {
        let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq <= ?1 ORDER BY seq");
        let mut statement = transaction.prepare_cached(&sql)?;
        let mut rows = statement.query([last.get().cast_signed()])?;
        let mut expected = base;
        while let Some(row) = rows.next()? {
            let recorded = event(row)?;
            expected = expected.plus(1);
            if recorded.seq != expected {
                return Err(Trouble::damaged(format!("event {expected} is gone")));
            }
            entries.push(recorded.entry);
        }
    }
    if entries.len() as u64 != chunk {
        return Err(Trouble::damaged("the oldest events are gone"));
    }
    fold_base(&transaction, &mut site, &entries)?;
    update_base(&transaction, last, &site)?;
    transaction.execute("DELETE FROM events WHERE seq <= ?1", [last.get().cast_signed()])?;
    transaction.commit()?;
    open.first = last.plus(1);
    open.logged += chunk;
    tracing::debug!(seq = Seq::get(last), "the oldest events were folded into the base");
    Ok(())
}
