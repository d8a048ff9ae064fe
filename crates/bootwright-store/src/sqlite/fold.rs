//! Folds entries into tables: only the rows that they touch are read and written.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{Change, Entry, HostId, RuleName, Site, World, apply};
use rusqlite::Connection;

use super::table::{Head, Table, body_of, body_of_rule, host, rule};
use super::trouble::Result;

/// By how much a table's number of rows and sum of sums changed.
#[derive(Default)]
struct Tally {
    rows: i64,
    digest: i64,
}

/// Folds entries into the tables of hosts and rules and into the head.
pub(super) fn fold(connection: &Connection, head: &mut Head, entries: &[Entry]) -> Result<()> {
    let mut site = Site {
        paused: head.site.paused.clone(),
        failures: head.site.failures,
        rules: BTreeMap::new(),
    };
    let mut rules: BTreeMap<RuleName, Option<i64>> = BTreeMap::new();
    for entry in entries {
        if let Change::RuleSet { rule: name, .. } = &entry.change
            && !rules.contains_key(name)
        {
            let row = Table::Rules.get(connection, name.as_str())?;
            if let Some((body, _)) = &row {
                let (name, record) = rule(name.as_str(), body)?;
                site.rules.insert(name, record);
            }
            rules.insert(name.clone(), row.map(|(_, sum)| sum));
        }
    }
    let hosts = fold_hosts(connection, Table::Hosts, &mut site, entries)?;
    let mut tally = Tally::default();
    for (name, before) in rules {
        let body = site.rules.get(&name).map(body_of_rule).transpose()?;
        tally.put(connection, Table::Rules, name.as_str(), before, body.as_deref())?;
    }
    head.hosts += hosts.rows;
    head.rules += tally.rows;
    head.digest = head.digest.wrapping_add(hosts.digest).wrapping_add(tally.digest);
    head.site.paused = site.paused;
    head.site.failures = site.failures;
    Ok(())
}

/// Folds entries into the base and into its site, which holds all rules.
pub(super) fn fold_base(connection: &Connection, site: &mut Site, entries: &[Entry]) -> Result<()> {
    fold_hosts(connection, Table::BaseHosts, site, entries)?;
    Ok(())
}

fn fold_hosts(connection: &Connection, table: Table, site: &mut Site, entries: &[Entry]) -> Result<Tally> {
    let mut world = World {
        hosts: BTreeMap::new(),
        site: std::mem::take(site),
    };
    let mut touched: BTreeMap<HostId, Option<i64>> = BTreeMap::new();
    for entry in entries {
        if let Some(id) = changed_host(&entry.change)
            && !touched.contains_key(id)
        {
            let row = table.get(connection, id.as_str())?;
            if let Some((body, _)) = &row {
                world.hosts.insert(id.clone(), Arc::new(host(id.as_str(), body)?));
            }
            touched.insert(id.clone(), row.map(|(_, sum)| sum));
        }
    }
    for entry in entries {
        apply(&mut world, entry);
    }
    let mut tally = Tally::default();
    for (id, before) in touched {
        let body = world.hosts.get(&id).map(|host| body_of(host)).transpose()?;
        tally.put(connection, table, id.as_str(), before, body.as_deref())?;
    }
    *site = world.site;
    Ok(tally)
}

/// The host whose row the change may alter.
const fn changed_host(change: &Change) -> Option<&HostId> {
    match change {
        Change::HostNoted { .. } => None,
        Change::HostAdded { .. }
        | Change::FactsBound { .. }
        | Change::StateSet { .. }
        | Change::FirstStepSet { .. }
        | Change::LocalBootSet { .. }
        | Change::LabelSet { .. }
        | Change::MetadataSet { .. }
        | Change::ReportedSet { .. }
        | Change::HostForgotten { .. }
        | Change::PauseSet { .. }
        | Change::RuleSet { .. }
        | Change::SiteNoted => change.host(),
    }
}

impl Tally {
    /// Writes a row whose sum was `before`, if it was there.
    fn put(
        &mut self,
        connection: &Connection,
        table: Table,
        name: &str,
        before: Option<i64>,
        body: Option<&str>,
    ) -> Result<()> {
        if before.is_none() && body.is_none() {
            return Ok(());
        }
        let sum = table.put(connection, name, body)?;
        self.rows += i64::from(body.is_some()) - i64::from(before.is_some());
        self.digest = self.digest.wrapping_add(sum).wrapping_sub(before.unwrap_or(0));
        Ok(())
    }
}
