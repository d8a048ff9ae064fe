//! From the file to the world: the tables, and what the record has beyond them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bootwright_core::{Entry, Host, Phase, ProfileName, Site, Timestamp, World, after_restore};
use rusqlite::{Connection, TransactionBehavior};

use super::Open;
use super::append::record;
use super::fold::fold;
use super::lease::read_leases;
use super::open::connect;
use super::revision;
use super::table::{EVENT_COLUMNS, Head, Table, event, host, rule};
use super::trouble::{Result, Trouble};
use crate::{Loaded, Recorded, Seq};

/// Opens the file and reads everything, each row checked.
pub(super) fn load(path: &Path) -> Result<(Open, Loaded)> {
    let mut connection = connect(path)?;
    settle(&connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut head = Head::read(&transaction)?;
    let mut world = read_world(&transaction, &head)?;
    let first = first_event(&transaction)?;
    check_record(&transaction, head.seq)?;
    let (leases, lease_sums) = read_leases(&transaction)?;
    let revisions = revision::read(&transaction, &head)?;
    let tail = tail(&transaction, head.seq)?;
    let restored = head.site.backup;
    if !tail.is_empty() || restored {
        catch_up(&transaction, &mut head, &tail)?;
        if restored {
            start_from_backup(&transaction, &mut head)?;
        }
        world = read_world(&transaction, &head)?;
    }
    // Written even if nothing changed: a store that cannot be written is noticed now and not at the first transition.
    head.update(&transaction)?;
    transaction.commit()?;
    let loaded = Loaded {
        world,
        leases,
        revisions,
        seq: head.seq,
        clock: head.site.clock.as_ref().map(|clock| clock.mark()),
        restored,
    };
    let open = Open {
        connection,
        head,
        leases: lease_sums,
        first,
        logged: 0,
    };
    Ok((open, loaded))
}

/// Folds what the log holds into the file and syncs it. What was in the log after a failed sync may be in the system's
/// cache only, where reading finds it although the disk does not have it; so it is written again before it is believed.
fn settle(connection: &Connection) -> Result<()> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
    if busy != 0 {
        tracing::warn!("somebody reads the store, its log could not be folded in");
    }
    Ok(())
}

/// The hosts and the site as the tables say.
pub(super) fn read_world(connection: &Connection, head: &Head) -> Result<World> {
    let mut hosts = Vec::with_capacity(usize::try_from(head.hosts).unwrap_or(0).min(1 << 20));
    let mut names = BTreeSet::new();
    let (hosts_count, hosts_digest) = Table::Hosts.for_each(connection, |name, body| {
        let mut host = host(name, body)?;
        share_names(&mut host, &mut names);
        hosts.push((host.id.clone(), Arc::new(host)));
        Ok(())
    })?;
    let mut world = World {
        hosts: hosts.into_iter().collect(),
        site: Site::default(),
    };
    let (rules_count, rules_digest) = Table::Rules.for_each(connection, |name, body| {
        let (name, record) = rule(name, body)?;
        world.site.rules.insert(name, record);
        Ok(())
    })?;
    world.site.paused.clone_from(&head.site.paused);
    world.site.failures = head.site.failures;
    let digest = hosts_digest.wrapping_add(rules_digest);
    if (hosts_count, rules_count, digest) != (head.hosts, head.rules, head.digest) {
        return Err(Trouble::damaged(format!(
            "{hosts_count} hosts and {rules_count} rules do not add up to the {} and {} that were written",
            head.hosts, head.rules
        )));
    }
    Ok(world)
}

/// Hosts of one profile share its name: a hundred thousand copies of it are megabytes.
fn share_names(host: &mut Host, names: &mut BTreeSet<ProfileName>) {
    let mut share = |name: &mut ProfileName| match names.get(name) {
        Some(known) => *name = known.clone(),
        None => drop(names.insert(name.clone())),
    };
    match &mut host.state.phase {
        Phase::New { .. } | Phase::Ignored => {}
        Phase::Armed { queue, .. } => queue.iter_mut().for_each(&mut share),
        Phase::Installing { run, rest, .. } => {
            share(&mut run.profile);
            rest.iter_mut().for_each(&mut share);
        }
        Phase::Installed { profile, .. } | Phase::Failed { profile, .. } | Phase::Live { profile } => share(profile),
    }
    host.runs.iter_mut().for_each(|run| share(&mut run.profile));
}

/// The first event that is kept; the next one to be written if there is none.
fn first_event(connection: &Connection) -> Result<Seq> {
    let first: Option<i64> = connection.query_row("SELECT min(seq) FROM events", [], |row| row.get(0))?;
    Ok(Seq::new(first.map_or(1, i64::cast_unsigned)))
}

/// The event that the tables are said to hold last must be there, and be whole.
fn check_record(connection: &Connection, seq: Seq) -> Result<()> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq = ?1");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([seq.get().cast_signed()])?;
    let last = rows.next()?.map(event).transpose()?;
    if last.is_none() && seq != Seq::ZERO {
        return Err(Trouble::damaged(format!("event {seq} is gone")));
    }
    Ok(())
}

/// The events beyond the tables. There are none unless somebody else wrote them: the tables are written with each.
fn tail(connection: &Connection, after: Seq) -> Result<Vec<Recorded>> {
    let sql = format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq > ?1 ORDER BY seq");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([after.get().cast_signed()])?;
    let mut tail = Vec::new();
    while let Some(row) = rows.next()? {
        tail.push(event(row)?);
    }
    Ok(tail)
}

fn catch_up(connection: &Connection, head: &mut Head, tail: &[Recorded]) -> Result<()> {
    let entries: Vec<Entry> = tail.iter().map(|recorded| recorded.entry.clone()).collect();
    fold(connection, head, &entries)?;
    if let Some(last) = tail.last() {
        head.seq = last.seq;
        tracing::warn!(
            seq = last.seq.get(),
            "the tables were behind the record and have caught up"
        );
    }
    Ok(())
}

/// Records that the store was a backup, and what follows from that.
fn start_from_backup(connection: &Connection, head: &mut Head) -> Result<()> {
    let world = read_world(connection, head)?;
    let clock = head.site.clock.as_ref().map(|clock| clock.mark());
    let (at, wall_ms) = clock.map_or((0, 0), |mark| (mark.site_ms, mark.reading.wall_ms));
    let entries = after_restore(&world, Timestamp::from_millis(at));
    record(connection, head, &entries, wall_ms)?;
    head.site.backup = false;
    tracing::warn!(
        code = "W305",
        "the store is a restored backup: grants are withdrawn, installs are paused"
    );
    Ok(())
}
