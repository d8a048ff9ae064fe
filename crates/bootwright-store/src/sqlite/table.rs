//! Rows and their sums, in and out of the tables.

use bootwright_core::{Host, HostId, RuleName, RuleRecord, Site};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::row::{EventRow, RowError, SiteRow, host_body, host_from, rule_body, rule_from};
use crate::sum::Sum;
use crate::{Recorded, Seq};

use super::trouble::{Result, Trouble};

/// The row of the site: how far the tables are, and what they add up to.
#[derive(Clone)]
pub(super) struct Head {
    pub(super) seq: Seq,
    pub(super) hosts: i64,
    pub(super) rules: i64,
    /// The sums of all rows of `hosts` and `rules`, added up, so that a row that is missing is noticed.
    pub(super) digest: i64,
    pub(super) site: SiteRow,
}

/// A table of named bodies, each with its sum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Hosts,
    Rules,
    BaseHosts,
}

impl Table {
    const fn kind(self) -> &'static str {
        match self {
            Self::Hosts => "host",
            Self::Rules => "rule",
            Self::BaseHosts => "base host",
        }
    }

    const fn select(self) -> &'static str {
        match self {
            Self::Hosts => "SELECT body, sum FROM hosts WHERE id = ?1",
            Self::Rules => "SELECT body, sum FROM rules WHERE name = ?1",
            Self::BaseHosts => "SELECT body, sum FROM base_hosts WHERE id = ?1",
        }
    }

    const fn select_all(self) -> &'static str {
        match self {
            Self::Hosts => "SELECT id, body, sum FROM hosts",
            Self::Rules => "SELECT name, body, sum FROM rules",
            Self::BaseHosts => "SELECT id, body, sum FROM base_hosts",
        }
    }

    const fn upsert(self) -> &'static str {
        match self {
            Self::Hosts => {
                "INSERT INTO hosts (id, body, sum) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET body = excluded.body, sum = excluded.sum"
            }
            Self::Rules => {
                "INSERT INTO rules (name, body, sum) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET body = excluded.body, sum = excluded.sum"
            }
            Self::BaseHosts => {
                "INSERT INTO base_hosts (id, body, sum) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET body = excluded.body, sum = excluded.sum"
            }
        }
    }

    const fn delete(self) -> &'static str {
        match self {
            Self::Hosts => "DELETE FROM hosts WHERE id = ?1",
            Self::Rules => "DELETE FROM rules WHERE name = ?1",
            Self::BaseHosts => "DELETE FROM base_hosts WHERE id = ?1",
        }
    }

    fn sum(self, name: &str, body: &str) -> i64 {
        Sum::of(self.kind()).text(name).text(body).finish()
    }

    /// Fails unless the row is as it was written.
    fn check(self, name: &str, body: &str, sum: i64) -> std::result::Result<(), RowError> {
        if self.sum(name, body) == sum {
            Ok(())
        } else {
            Err(RowError::new(format!("{} `{name}` has a wrong checksum", self.kind())))
        }
    }

    /// The body of this name, with its sum.
    pub(super) fn get(self, connection: &Connection, name: &str) -> Result<Option<(String, i64)>> {
        let mut statement = connection.prepare_cached(self.select())?;
        let row: Option<(String, i64)> = statement
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((body, sum)) = &row {
            self.check(name, body, *sum)?;
        }
        Ok(row)
    }

    /// Writes the body, or takes it away. Returns its sum, zero if there is none.
    pub(super) fn put(self, connection: &Connection, name: &str, body: Option<&str>) -> Result<i64> {
        if let Some(body) = body {
            let sum = self.sum(name, body);
            let mut statement = connection.prepare_cached(self.upsert())?;
            statement.execute((name, body, sum))?;
            Ok(sum)
        } else {
            let mut statement = connection.prepare_cached(self.delete())?;
            statement.execute([name])?;
            Ok(0)
        }
    }

    /// Goes through all rows, each checked against its sum; returns their number and the sum of sums.
    pub(super) fn for_each(
        self,
        connection: &Connection,
        mut use_row: impl FnMut(&str, &str) -> std::result::Result<(), RowError>,
    ) -> Result<(i64, i64)> {
        let mut statement = connection.prepare(self.select_all())?;
        let mut rows = statement.query([])?;
        let (mut count, mut digest) = (0_i64, 0_i64);
        while let Some(row) = rows.next()? {
            let (name, body) = (text(row, 0)?, text(row, 1)?);
            let sum = row.get(2)?;
            self.check(name, body, sum)?;
            use_row(name, body)?;
            count += 1;
            digest = digest.wrapping_add(sum);
        }
        Ok((count, digest))
    }
}

/// A text column, borrowed from SQLite.
fn text<'a>(row: &'a Row<'_>, column: usize) -> std::result::Result<&'a str, RowError> {
    let value = row.get_ref(column).map_err(|error| RowError::new(error.to_string()))?;
    let ValueRef::Text(bytes) = value else {
        return Err(RowError::new("a column without text"));
    };
    std::str::from_utf8(bytes).map_err(|_| RowError::new("a text that is not UTF-8"))
}

/// A host by its row.
pub(super) fn host(name: &str, body: &str) -> std::result::Result<Host, RowError> {
    let decoded = name
        .parse::<HostId>()
        .map_err(|error| RowError::new(error.to_string()))
        .and_then(|id| host_from(id, body));
    decoded.map_err(|error| RowError::new(format!("host `{name}`: {error}")))
}

/// The body of a host's row.
pub(super) fn body_of(host: &Host) -> Result<String> {
    Ok(host_body(host)?)
}

/// A rule by its row.
pub(super) fn rule(name: &str, body: &str) -> std::result::Result<(RuleName, RuleRecord), RowError> {
    let decoded = name
        .parse::<RuleName>()
        .map_err(|error| RowError::new(error.to_string()))
        .and_then(|id| Ok((id, rule_from(body)?)));
    decoded.map_err(|error| RowError::new(format!("rule `{name}`: {error}")))
}

/// The body of a rule's row.
pub(super) fn body_of_rule(record: &RuleRecord) -> Result<String> {
    Ok(rule_body(record)?)
}

impl Head {
    /// The head of a store in which nothing has happened.
    pub(super) const fn new(site: SiteRow) -> Self {
        Self {
            seq: Seq::ZERO,
            hosts: 0,
            rules: 0,
            digest: 0,
            site,
        }
    }

    fn sum(seq: i64, hosts: i64, rules: i64, digest: i64, body: &str) -> i64 {
        Sum::of("site")
            .number(seq.cast_unsigned())
            .number(hosts.cast_unsigned())
            .number(rules.cast_unsigned())
            .number(digest.cast_unsigned())
            .text(body)
            .finish()
    }

    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let row: Option<(i64, i64, i64, i64, String, i64)> = connection
            .query_row("SELECT seq, hosts, rules, digest, body, sum FROM site", [], |row| {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                ))
            })
            .optional()?;
        let (seq, hosts, rules, digest, body, sum) = row.ok_or(Trouble::damaged("the row of the site is gone"))?;
        if Self::sum(seq, hosts, rules, digest, &body) != sum {
            return Err(Trouble::damaged("the row of the site has a wrong checksum"));
        }
        Ok(Self {
            seq: Seq::new(seq.cast_unsigned()),
            hosts,
            rules,
            digest,
            site: SiteRow::from_body(&body)?,
        })
    }

    pub(super) fn insert(&self, connection: &Connection) -> Result<()> {
        self.write(
            connection,
            "INSERT INTO site (one, seq, hosts, rules, digest, body, sum) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
        )
    }

    pub(super) fn update(&self, connection: &Connection) -> Result<()> {
        self.write(
            connection,
            "UPDATE site SET seq = ?1, hosts = ?2, rules = ?3, digest = ?4, body = ?5, sum = ?6",
        )
    }

    fn write(&self, connection: &Connection, sql: &str) -> Result<()> {
        let body = self.site.body()?;
        let seq = self.seq.get().cast_signed();
        let sum = Self::sum(seq, self.hosts, self.rules, self.digest, &body);
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.execute((seq, self.hosts, self.rules, self.digest, &body, sum))?;
        if rows == 1 {
            Ok(())
        } else {
            Err(Trouble::damaged("the row of the site is gone"))
        }
    }
}

/// The base of a store whose record is kept from its beginning.
pub(super) fn insert_base(connection: &Connection) -> Result<()> {
    write_base(
        connection,
        "INSERT INTO base (one, seq, body, sum) VALUES (1, ?1, ?2, ?3)",
        Seq::ZERO,
        &Site::default(),
    )
}

/// Moves the base on to this event.
pub(super) fn update_base(connection: &Connection, seq: Seq, site: &Site) -> Result<()> {
    write_base(connection, "UPDATE base SET seq = ?1, body = ?2, sum = ?3", seq, site)
}

fn write_base(connection: &Connection, sql: &str, seq: Seq, site: &Site) -> Result<()> {
    let body = SiteRow::whole(site).body()?;
    let sum = Sum::of("base").number(seq.get()).text(&body).finish();
    connection.execute(sql, (seq.get().cast_signed(), &body, sum))?;
    Ok(())
}

/// The site as the dropped events left it, and the last of them.
pub(super) fn read_base(connection: &Connection) -> Result<(Seq, Site)> {
    let row: Option<(i64, String, i64)> = connection
        .query_row("SELECT seq, body, sum FROM base", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let (seq, body, sum) = row.ok_or(Trouble::damaged("the base is gone"))?;
    if Sum::of("base").number(seq.cast_unsigned()).text(&body).finish() != sum {
        return Err(Trouble::damaged("the base has a wrong checksum"));
    }
    let site = SiteRow::from_body(&body)?.into_site()?;
    Ok((Seq::new(seq.cast_unsigned()), site))
}

/// The columns of an event, in the order that `event` reads.
pub(super) const EVENT_COLUMNS: &str = "seq, at, wall, cause, actor, verb, note, change, sum";

/// The event in this row.
pub(super) fn event(row: &Row<'_>) -> Result<Recorded> {
    let columns = || -> rusqlite::Result<EventRow> {
        Ok(EventRow {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            at: row.get::<_, i64>(1)?.cast_unsigned(),
            wall: row.get::<_, i64>(2)?.cast_unsigned(),
            cause: row.get(3)?,
            actor: row.get(4)?,
            verb: row.get(5)?,
            note: row.get(6)?,
            change: row.get(7)?,
            sum: row.get(8)?,
        })
    };
    Ok(columns()?.into_recorded()?)
}

/// Writes an event.
pub(super) fn insert_event(connection: &Connection, row: &EventRow) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (seq, at, wall, cause, actor, verb, note, change, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    statement.execute((
        row.seq.cast_signed(),
        row.at.cast_signed(),
        row.wall.cast_signed(),
        &row.cause,
        &row.actor,
        &row.verb,
        &row.note,
        &row.change,
        row.sum,
    ))?;
    Ok(())
}
