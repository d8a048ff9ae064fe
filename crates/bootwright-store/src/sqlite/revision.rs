//! The table of the profiles that runs under way were started with. What its rows add up to stands in the row of the site.

use bootwright_core::{Profile, RevisionChange};
use rusqlite::{Connection, OptionalExtension};

use super::table::Head;
use super::trouble::{Result, Trouble};
use crate::row::{key_text, profile_body, profile_from};
use crate::sum::Sum;

/// Makes the changes, in their order; the head is left for the caller to write. Returns how many bytes went into the table.
pub(super) fn change(connection: &Connection, head: &mut Head, changes: &[RevisionChange]) -> Result<u64> {
    let mut bytes = 0;
    for change in changes {
        let (profile, revision) = key_text(&change.key());
        let mut statement =
            connection.prepare_cached("SELECT sum FROM revisions WHERE profile = ?1 AND revision = ?2")?;
        let before: Option<i64> = statement
            .query_row((&profile, &revision), |row| row.get(0))
            .optional()?;
        let after = match change {
            RevisionChange::Kept(kept) => {
                let body = profile_body(kept)?;
                let sum = sum(&profile, &revision, &body);
                let mut statement = connection.prepare_cached(
                    "INSERT INTO revisions (profile, revision, body, sum) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (profile, revision) DO UPDATE SET body = excluded.body, sum = excluded.sum",
                )?;
                statement.execute((profile, revision, &body, sum))?;
                bytes += body.len() as u64;
                sum
            }
            RevisionChange::Dropped(_) => {
                let mut statement =
                    connection.prepare_cached("DELETE FROM revisions WHERE profile = ?1 AND revision = ?2")?;
                statement.execute((profile, revision))?;
                0
            }
        };
        let total = &mut head.site.revisions;
        *total = total.wrapping_add(after).wrapping_sub(before.unwrap_or(0));
    }
    Ok(bytes)
}

/// Reads all of them, each row checked and all of them added up.
pub(super) fn read(connection: &Connection, head: &Head) -> Result<Vec<Profile>> {
    let mut statement =
        connection.prepare("SELECT profile, revision, body, sum FROM revisions ORDER BY profile, revision")?;
    let mut rows = statement.query([])?;
    let (mut found, mut total) = (Vec::new(), 0_i64);
    while let Some(row) = rows.next()? {
        let (profile, revision, body): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let damaged = |what: &str| Trouble::damaged(format!("revision {revision} of profile `{profile}`: {what}"));
        let written: i64 = row.get(3)?;
        if sum(&profile, &revision, &body) != written {
            return Err(damaged("a wrong checksum"));
        }
        total = total.wrapping_add(written);
        found.push(profile_from(&profile, &revision, &body).map_err(|error| damaged(&error.to_string()))?);
    }
    if total == head.site.revisions {
        Ok(found)
    } else {
        Err(Trouble::damaged(format!(
            "{} revisions of profiles do not add up to what was written",
            found.len()
        )))
    }
}

fn sum(profile: &str, revision: &str, body: &str) -> i64 {
    Sum::of("revision").text(profile).text(revision).text(body).finish()
}
