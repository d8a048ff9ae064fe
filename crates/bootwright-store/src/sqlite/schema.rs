//! The ladder of formats, and whether a file stands on it.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::lease::insert_total;
use super::table::{Head, insert_base};
use super::trouble::{Result, Trouble};
use crate::StoreError;
use crate::row::SiteRow;

/// Marks the file as ours in its header (`file` shows it): "boot" in ASCII.
const APPLICATION_ID: i32 = 0x626f_6f74;

/// One step for each format; the first makes an empty file a store. Frozen as soon as it was released.
const STEPS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_leases.sql"),
    include_str!("../migrations/0003_first_step.sql"),
    include_str!("../migrations/0004_revisions.sql"),
    include_str!("../migrations/0005_reported.sql"),
    include_str!("../migrations/0006_script_address.sql"),
];

/// The format from which on there are leases.
const LEASES_FORMAT: usize = 2;

/// The format that this version writes.
pub(super) const FORMAT: u32 = STEPS.len() as u32;

/// Makes a store of an empty file.
pub(super) fn create(connection: &mut Connection, path: &Path) -> Result<()> {
    climb(connection, path, STEPS)
}

/// Brings a store of an older format to the present one, in one transaction.
pub(super) fn upgrade(connection: &mut Connection, path: &Path) -> Result<()> {
    if format(connection, path, STEPS.len())? == 0 {
        return Err(StoreError::Foreign(path.to_owned()).into());
    }
    climb(connection, path, STEPS)
}

fn climb(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    let found = format(connection, path, steps.len())?;
    if found as usize == steps.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for step in steps.iter().skip(found as usize) {
        transaction.execute_batch(step)?;
    }
    if found == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        insert_base(&transaction)?;
        Head::new(SiteRow::default()).insert(&transaction)?;
    } else {
        tracing::warn!(from = found, to = steps.len(), "the store gets a newer format");
    }
    if (found as usize) < LEASES_FORMAT && steps.len() >= LEASES_FORMAT {
        insert_total(&transaction)?;
    }
    transaction.pragma_update(None, "user_version", u32::try_from(steps.len()).unwrap_or(u32::MAX))?;
    transaction.commit()?;
    Ok(())
}

/// The format of the file: 0 if it is empty.
fn format(connection: &Connection, path: &Path, known: usize) -> Result<u32> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = number("application_id")?;
    let found = number("user_version")?;
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let (known, found) = (
        u32::try_from(known).unwrap_or(u32::MAX),
        u32::try_from(found).unwrap_or(u32::MAX),
    );
    if application == 0 && found == 0 && objects == 0 {
        return Ok(0);
    }
    if application != i64::from(APPLICATION_ID) {
        return Err(StoreError::Foreign(path.to_owned()).into());
    }
    if found > known {
        return Err(StoreError::Newer { found, known }.into());
    }
    if found == 0 {
        return Err(Trouble::damaged("its format number is gone"));
    }
    Ok(found)
}

/// Makes sure that the tables, indices and views are those of the present format: damage there could hide rows that are
/// whole. What somebody added under other names is let be.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<()> {
    if format(connection, path, STEPS.len())? != FORMAT {
        return Err(Trouble::damaged("its format is not the present one"));
    }
    let mut model = Connection::open_in_memory()?;
    create(&mut model, path)?;
    let mut expected = model.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    let mut present = connection
        .prepare("SELECT count(*) FROM sqlite_schema WHERE type = ?1 AND name = ?2 AND tbl_name = ?3 AND sql IS ?4")?;
    let objects = expected.query_map([], |row| {
        let object: (String, String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(object)
    })?;
    for object in objects {
        let (kind, name, table, sql) = object?;
        let count: i64 = present.query_row((&kind, &name, table, sql), |row| row.get(0))?;
        if count != 1 {
            return Err(Trouble::damaged(format!("the {kind} `{name}` is not as it was made")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_climbs_from_its_format_to_the_present_one() {
        let path = Path::new("test");
        let mut connection = Connection::open_in_memory().unwrap();
        create(&mut connection, path).unwrap();
        let later = [STEPS, &["CREATE TABLE moods (day TEXT PRIMARY KEY) STRICT"]].concat();
        climb(&mut connection, path, &later).unwrap();
        assert_eq!(format(&connection, path, later.len()).unwrap(), FORMAT + 1);
        connection.execute("INSERT INTO moods VALUES ('monday')", []).unwrap();
        // And this version refuses it from then on.
        let refused = check(&connection, path).unwrap_err().at("open", path).to_string();
        assert!(
            refused.contains(&format!("format {}", FORMAT + 1)) && refused.contains(&format!("up to format {FORMAT}")),
            "{refused}"
        );
    }

    #[test]
    fn a_step_that_fails_leaves_the_store_as_it_was() {
        let path = Path::new("test");
        let mut connection = Connection::open_in_memory().unwrap();
        create(&mut connection, path).unwrap();
        let step = "CREATE TABLE moods (day TEXT); CREATE TABLE events (oops TEXT)";
        let broken = [STEPS, &[step]].concat();
        climb(&mut connection, path, &broken).unwrap_err();
        check(&connection, path).unwrap();
        let moods = connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'moods'", [], |row| {
            row.get::<_, i64>(0)
        });
        assert_eq!(moods.unwrap(), 0);
    }
}
