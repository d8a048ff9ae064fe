//! Reading beside the one who writes.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::copy::copy;
use super::open::{beside, connect_to_read, create_private, sync_directory};
use super::table::{EVENT_COLUMNS, event};
use super::trouble::{Result, Trouble};
use super::verify;
use crate::{EventQuery, PAGE_EVENTS_MAX, Page, Reader, Recorded, Report, Seq, StoreError};

/// A connection that only reads: it sees what is committed and holds up no commit.
pub struct SqliteReader {
    connection: Connection,
    path: PathBuf,
}

impl SqliteReader {
    /// Opens a store to read it, whoever holds it.
    ///
    /// # Errors
    /// When it cannot be opened, or is not of the present format.
    pub fn open(path: &Path) -> std::result::Result<Self, StoreError> {
        let connection = connect_to_read(path).map_err(|trouble| trouble.at("open", path))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }
}

impl Reader for SqliteReader {
    fn events(&mut self, query: &EventQuery) -> std::result::Result<Vec<Recorded>, StoreError> {
        page(&mut self.connection, query).map_err(|trouble| trouble.at("read", &self.path))
    }

    fn verify(&mut self) -> std::result::Result<Report, StoreError> {
        verify::verify(&mut self.connection, &self.path).map_err(|trouble| trouble.at("read", &self.path))
    }

    fn backup(&mut self, to: &Path) -> std::result::Result<(), StoreError> {
        // Claims the name, and is then replaced by the copy as a whole.
        drop(create_private(to)?);
        let part = beside(to, ".part");
        let copied = create_private(&part).and_then(|_| {
            copy(&self.connection, &part).map_err(|trouble| trouble.at("write", &part))?;
            fs::rename(&part, to).map_err(|error| StoreError::io("rename", &part, &error))?;
            sync_directory(to)
        });
        if copied.is_err() {
            // What is left of it must not be taken for a backup; that it cannot be removed adds nothing to the error.
            let _ = fs::remove_file(&part);
            let _ = fs::remove_file(to);
        }
        copied
    }
}

/// One page of events, with its borders checked: events that are missing are damage.
fn page(connection: &mut Connection, query: &EventQuery) -> Result<Vec<Recorded>> {
    let transaction = connection.transaction()?;
    let limit = query.limit.min(PAGE_EVENTS_MAX);
    let forward = matches!(query.page, Page::After(_));
    let from = match query.page {
        Page::After(seq) | Page::Before(seq) => i64::try_from(seq.get()).unwrap_or(i64::MAX),
        Page::Last => i64::MAX,
    };
    let side = if forward { ">" } else { "<" };
    let order = if forward { "ASC" } else { "DESC" };
    let about = if query.host.is_some() {
        "AND host = ?3"
    } else {
        "AND ?3 IS NULL"
    };
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq {side} ?1 {about} ORDER BY seq {order} LIMIT ?2");
    let mut events = Vec::new();
    {
        let mut statement = transaction.prepare_cached(&sql)?;
        let host = query.host.as_ref().map(|host| host.as_str());
        let mut rows = statement.query((from, i64::try_from(limit).unwrap_or(i64::MAX), host))?;
        while let Some(row) = rows.next()? {
            events.push(event(row)?);
        }
    }
    if !forward {
        events.reverse();
    }
    match &query.host {
        Some(host) if events.iter().any(|event| event.entry.change.host() != Some(host)) => {
            return Err(Trouble::damaged(format!("events of others stand under `{host}`")));
        }
        Some(_) => {}
        None => check_page(&transaction, query.page, limit, &events)?,
    }
    Ok(events)
}

/// An event that should be on the page is.
fn check_page(connection: &Connection, page: Page, limit: usize, events: &[Recorded]) -> Result<()> {
    let bounds: (Option<i64>, i64) = connection.query_row(
        "SELECT (SELECT min(seq) FROM events), (SELECT seq FROM site)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let kept = bounds.0.map_or(u64::MAX, i64::cast_unsigned);
    let end = bounds.1.cast_unsigned();
    // The places that the page should hold, first and last.
    let limit = limit as u64;
    let (first, last) = match page {
        Page::After(seq) => {
            let first = seq.get().saturating_add(1).max(kept);
            (first, end.min(first.saturating_add(limit).saturating_sub(1)))
        }
        Page::Before(_) | Page::Last => {
            let last = match page {
                Page::Before(seq) => end.min(seq.get().saturating_sub(1)),
                Page::After(_) | Page::Last => end,
            };
            (kept.max(last.saturating_add(1).saturating_sub(limit)), last)
        }
    };
    let expected = first..=last;
    let present = events.iter().map(|event| event.seq.get());
    if limit == 0 || present.eq(expected) {
        Ok(())
    } else {
        Err(Trouble::damaged(format!(
            "events between {} and {last} are gone",
            Seq::new(first)
        )))
    }
}
