//! The record and the clock: S03, S04.

use bootwright_store::StoreError;

use super::facts::Facts;
use super::port::quoted;
use super::report::Judged;

/// The first of 2025, in seconds since 1970: no clock that is right shows less.
const FLOOR: u64 = 1_735_689_600;

/// How far the record may lie ahead of the clock, in seconds: clocks of two boxes differ.
const AHEAD_MAX: u64 = 24 * 60 * 60;

/// The words of a store that cannot be read.
pub(super) fn unreadable(error: &StoreError) -> String {
    error.to_string()
}

pub(super) fn integrity(facts: &Facts) -> Judged {
    let store = &facts.store;
    let file = facts.site.data_dir.join(crate::api::DATABASE);
    let file = quoted(&file.display().to_string());
    let broken = |words: String| {
        Judged::error(words)
            .repair(format!(
                "for part in '' -wal -shm; do if [ -e {file}$part ]; then mv {file}$part {file}.damaged$part; fi; done"
            ))
            .advice(
                "with the daemon stopped; it then begins with an empty record, in which every machine is unknown and none is \
                 installed by itself. Put a backup in its place where there is one",
            )
    };
    match &store.problems {
        None => Judged::ok("there is no record yet"),
        Some(Ok(problems)) if problems.is_empty() => {
            Judged::ok(format!("all {} entries agree with the tables", store.last))
        }
        Some(Ok(problems)) => {
            let first = problems.first().map(String::as_str).unwrap_or_default();
            let more = problems.len().saturating_sub(1);
            broken(format!("the record is damaged: {first} (and {more} more)"))
        }
        Some(Err(why)) => broken(format!("the record cannot be read: {why}")),
    }
}

pub(super) fn clock(facts: &Facts) -> Judged {
    let store = &facts.store;
    let set = |evidence: String| {
        Judged::error(evidence)
            .repair("timedatectl set-ntp true")
            .advice("or set it by hand with `date -s`; certificates, signatures and the times of events hang on it")
    };
    if store.now < FLOOR {
        return set("the clock shows a year before 2025".to_owned());
    }
    match store.written {
        Some(written) if written > store.now.saturating_add(AHEAD_MAX) => set(format!(
            "the clock is {} days behind the time at which the record was last written",
            (written - store.now) / 86_400
        )),
        Some(_) => Judged::ok("the clock is not behind the record"),
        None => Judged::ok("the clock shows a time that can be right"),
    }
}
