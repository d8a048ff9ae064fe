//! Folds the whole record again and compares it with the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bootwright_core::{Profile, RevisionKey, World, apply};
use rusqlite::Connection;

use super::lease::read_leases;
use super::load::read_world;
use super::revision;
use super::schema;
use super::table::{EVENT_COLUMNS, Head, Table, event, host, read_base};
use super::trouble::{Result, Trouble};
use crate::{Report, Seq, StoreError};

/// Looks for everything that can be wrong, in one view of the store.
pub(super) fn verify(connection: &mut Connection, path: &Path) -> Result<Report> {
    let transaction = connection.transaction()?;
    let mut report = Report {
        first: Seq::ZERO,
        last: Seq::ZERO,
        hosts: 0,
        leases: 0,
        problems: Vec::new(),
    };
    let note = |report: &mut Report, trouble: Trouble| {
        report.add(match trouble.at("read", path) {
            StoreError::Damaged { what } => what,
            other => other.to_string(),
        });
    };
    if let Err(trouble) = schema::check(&transaction, path) {
        note(&mut report, trouble);
    }
    if let Err(trouble) = check_pages(&transaction, &mut report) {
        note(&mut report, trouble);
    }
    let tables = Head::read(&transaction).and_then(|head| {
        report.last = head.seq;
        Ok((read_world(&transaction, &head)?, revision::read(&transaction, &head)?))
    });
    match read_leases(&transaction) {
        Ok((leases, _)) => report.leases = leases.len(),
        Err(trouble) => note(&mut report, trouble),
    }
    let refolded = refold(&transaction, &mut report);
    match (tables, refolded) {
        (Ok((tables, revisions)), Ok(refolded)) => {
            report.hosts = tables.hosts.len();
            compare(&tables, &refolded, &mut report);
            check_runs(&tables, &revisions, &mut report);
        }
        (tables, refolded) => {
            for trouble in [tables.err(), refolded.err()].into_iter().flatten() {
                note(&mut report, trouble);
            }
        }
    }
    Ok(report)
}

/// Every run under way must be able to go on.
fn check_runs(tables: &World, revisions: &[Profile], report: &mut Report) {
    let known: BTreeSet<RevisionKey> = revisions.iter().map(RevisionKey::of).collect();
    for host in tables.hosts.values() {
        let Some(run) = host.state.phase.run() else { continue };
        let key = RevisionKey {
            profile: run.profile.clone(),
            revision: run.revision,
        };
        if !known.contains(&key) {
            report.add(format!(
                "what run {} of host `{}` was started with is not in the table `revisions`",
                run.number, host.id
            ));
        }
    }
}

/// SQLite's own look at its pages and indices.
fn check_pages(connection: &Connection, report: &mut Report) -> Result<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            report.add(line);
        }
    }
    Ok(())
}

/// The world as the record says: the base and every event since, none missing.
fn refold(connection: &Connection, report: &mut Report) -> Result<World> {
    let (base, site) = read_base(connection)?;
    let mut hosts = BTreeMap::new();
    Table::BaseHosts.for_each(connection, |name, body| {
        let host = host(name, body)?;
        hosts.insert(host.id.clone(), Arc::new(host));
        Ok(())
    })?;
    let mut world = World { hosts, site };
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events ORDER BY seq");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let mut last = base;
    while let Some(row) = rows.next()? {
        let recorded = event(row)?;
        if recorded.seq != last.plus(1) {
            return Err(Trouble::damaged(format!(
                "the events from {} up to {} are gone",
                last.plus(1),
                recorded.seq
            )));
        }
        if last == base {
            report.first = recorded.seq;
        }
        last = recorded.seq;
        apply(&mut world, &recorded.entry);
    }
    if last != report.last {
        return Err(Trouble::damaged(format!(
            "the record ends with event {last}, the tables with event {}",
            report.last
        )));
    }
    Ok(world)
}

fn compare(tables: &World, refolded: &World, report: &mut Report) {
    for (id, expected) in &refolded.hosts {
        match tables.hosts.get(id) {
            Some(host) if host == expected => {}
            Some(_) => report.add(format!("host `{id}` is not what its events say")),
            None => report.add(format!("host `{id}` is missing from the table")),
        }
    }
    for id in tables.hosts.keys().filter(|id| !refolded.hosts.contains_key(*id)) {
        report.add(format!("no event speaks of host `{id}`"));
    }
    if tables.site != refolded.site {
        report.add("the site and its rules are not what the events say".to_owned());
    }
}
