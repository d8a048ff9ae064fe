//! The table of leases, and what it must add up to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bootwright_core::lease::Lease;
use rusqlite::{Connection, OptionalExtension};

use super::trouble::{Result, Trouble};
use crate::row::LeaseRow;
use crate::sum::Sum;

/// The sums of all rows by their addresses: what an upsert replaces need not be read for it.
#[derive(Clone, Default)]
pub(super) struct LeaseSums {
    sums: BTreeMap<u32, i64>,
    digest: i64,
}

impl LeaseSums {
    /// Writes the leases, each in the place of what was there of its address. If that fails, the sums must be dropped with
    /// the transaction.
    pub(super) fn upsert(&mut self, connection: &Connection, leases: &[Lease]) -> Result<()> {
        if leases.is_empty() {
            return Ok(());
        }
        let mut statement = connection.prepare_cached(
            "INSERT INTO leases (address, holder, state, since, until, client_id, host_name, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (address) DO UPDATE SET holder = excluded.holder, state = excluded.state,
                 since = excluded.since, until = excluded.until, client_id = excluded.client_id,
                 host_name = excluded.host_name, sum = excluded.sum",
        )?;
        for row in last_of_each(leases).into_values().map(LeaseRow::new) {
            statement.execute((
                row.address,
                &row.holder,
                &row.state,
                row.since.cast_signed(),
                row.until.cast_signed(),
                &row.client_id,
                &row.host_name,
                row.sum,
            ))?;
            let before = self.sums.insert(row.address, row.sum).unwrap_or(0);
            self.digest = self.digest.wrapping_add(row.sum).wrapping_sub(before);
        }
        self.write_total(connection)
    }

    fn write_total(&self, connection: &Connection) -> Result<()> {
        let total = Total {
            leases: i64::try_from(self.sums.len()).unwrap_or(i64::MAX),
            digest: self.digest,
        };
        total.write(connection)
    }
}

/// A batch may speak of an address more than once: the last word counts.
fn last_of_each(leases: &[Lease]) -> BTreeMap<u32, &Lease> {
    leases.iter().map(|lease| (lease.address.to_bits(), lease)).collect()
}

/// Reads all leases, in the order of their addresses, each row checked and all of them added up.
pub(super) fn read_leases(connection: &Connection) -> Result<(Vec<Lease>, LeaseSums)> {
    let mut statement = connection.prepare(
        "SELECT address, holder, state, since, until, client_id, host_name, sum FROM leases ORDER BY address",
    )?;
    let mut rows = statement.query([])?;
    let (mut leases, mut sums) = (Vec::new(), LeaseSums::default());
    while let Some(row) = rows.next()? {
        let address: i64 = row.get(0)?;
        let row = LeaseRow {
            address: u32::try_from(address).map_err(|_| Trouble::damaged("a lease of what is no address"))?,
            holder: row.get(1)?,
            state: Cow::Owned(row.get(2)?),
            since: row.get::<_, i64>(3)?.cast_unsigned(),
            until: row.get::<_, i64>(4)?.cast_unsigned(),
            client_id: row.get(5)?,
            host_name: row.get(6)?,
            sum: row.get(7)?,
        };
        sums.sums.insert(row.address, row.sum);
        sums.digest = sums.digest.wrapping_add(row.sum);
        leases.push(row.into_lease()?);
    }
    let found = Total {
        leases: i64::try_from(leases.len()).unwrap_or(i64::MAX),
        digest: sums.digest,
    };
    let written = Total::read(connection)?;
    if found != written {
        return Err(Trouble::damaged(format!(
            "{} leases do not add up to the {} that were written",
            found.leases, written.leases
        )));
    }
    Ok((leases, sums))
}

/// The row of what the leases add up to.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Total {
    leases: i64,
    digest: i64,
}

impl Total {
    fn sum(self) -> i64 {
        Sum::of("lease total")
            .number(self.leases.cast_unsigned())
            .number(self.digest.cast_unsigned())
            .finish()
    }

    fn read(connection: &Connection) -> Result<Self> {
        let row: Option<(i64, i64, i64)> = connection
            .query_row("SELECT leases, digest, sum FROM lease_total", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        let (leases, digest, sum) = row.ok_or(Trouble::damaged("the total of the leases is gone"))?;
        let total = Self { leases, digest };
        if total.sum() == sum {
            Ok(total)
        } else {
            Err(Trouble::damaged("the total of the leases has a wrong checksum"))
        }
    }

    fn write(self, connection: &Connection) -> Result<()> {
        let mut statement =
            connection.prepare_cached("UPDATE lease_total SET leases = ?1, digest = ?2, sum = ?3 WHERE one = 1")?;
        match statement.execute((self.leases, self.digest, self.sum()))? {
            1 => Ok(()),
            _ => Err(Trouble::damaged("the total of the leases is gone")),
        }
    }
}

/// The total of a store that has no leases yet.
pub(super) fn insert_total(connection: &Connection) -> Result<()> {
    let none = Total { leases: 0, digest: 0 };
    connection.execute(
        "INSERT INTO lease_total (one, leases, digest, sum) VALUES (1, 0, 0, ?1)",
        [none.sum()],
    )?;
    Ok(())
}
