//! The frozen spelling: golden files of format 1, which are never edited, and the way there and back for any value.

mod fifth;
mod fourth;
mod sixth;
mod third;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use bootwright_core::{Cause, Change, Entry, Host, Site, Uuid, Verb};
use proptest::prelude::*;

use self::value::{at, changes, events, facts, hosts, name, record};
use super::entry::EventRow;
use super::site::SiteRow;
use super::{host_body, host_from};
use crate::sample::Sample;
use crate::{ClockMark, ClockReading, Recorded, Seq};

const CHANGES: &str = include_str!("../../test_data/v1/changes.jsonl");
const HOSTS: &str = include_str!("../../test_data/v1/hosts.jsonl");
const EVENTS: &str = include_str!("../../test_data/v1/events.jsonl");
const SITE: &str = include_str!("../../test_data/v1/site.jsonl");

/// The columns of an event as one line: what SQLite keeps of it.
fn columns(row: &EventRow) -> String {
    let columns = (
        row.seq,
        row.at,
        row.wall,
        &row.cause,
        &row.actor,
        &row.verb,
        &row.note,
        &row.change,
        row.sum,
    );
    serde_json::to_string(&columns).unwrap()
}

fn row_of(line: &str) -> EventRow {
    let (seq, at, wall, cause, actor, verb, note, change, sum) = serde_json::from_str(line).unwrap();
    EventRow {
        seq,
        at,
        wall,
        cause,
        actor,
        verb,
        note,
        change,
        sum,
    }
}

fn event_row(change: &Change) -> EventRow {
    let entry = Entry {
        at: at(0),
        by: Cause::Machine,
        verb: Verb::Set,
        note: String::new(),
        change: change.clone(),
    };
    EventRow::new(Seq::new(1), 0, &entry).unwrap()
}

/// Compares line by line, so that a difference names its line.
fn check_lines(golden: &str, written: impl Iterator<Item = String>) {
    let written: Vec<String> = written.collect();
    let golden: Vec<&str> = golden.lines().collect();
    for (number, (golden, written)) in golden.iter().zip(&written).enumerate() {
        assert_eq!(written, golden, "line {}", number + 1);
    }
    assert_eq!(golden.len(), written.len(), "\n{}", written.join("\n"));
}

#[test]
fn changes_are_written_as_format_1_says_and_read_back() {
    check_lines(CHANGES, changes().iter().map(|change| event_row(change).change));
    for (line, change) in CHANGES.lines().zip(changes()) {
        let row = EventRow {
            change: line.to_owned(),
            ..event_row(&change)
        };
        assert_eq!(row.into_recorded().unwrap().entry.change, change, "{line}");
    }
}

#[test]
fn events_are_written_as_format_1_says_and_read_back() {
    let rows = events()
        .into_iter()
        .map(|event| EventRow::new(event.seq, event.wall_ms, &event.entry).unwrap());
    check_lines(EVENTS, rows.map(|row| columns(&row)));
    let read = EVENTS.lines().map(|line| row_of(line).into_recorded().unwrap());
    assert!(read.eq(events()));
}

#[test]
fn a_verb_that_came_later_is_written_and_read_back() {
    let entry = Entry {
        verb: Verb::Auth,
        by: Cause::Operator("anna".to_owned()),
        at: at(0),
        note: "logged in from 10.0.0.5".to_owned(),
        change: Change::SiteNoted,
    };
    let row = EventRow::new(Seq::new(1), 0, &entry).unwrap();
    assert_eq!(row.verb, "auth");
    assert_eq!(row.into_recorded().unwrap().entry, entry);
}

#[test]
fn hosts_are_written_as_format_1_says_and_read_back() {
    check_lines(HOSTS, hosts().iter().map(|host| host_body(host).unwrap()));
    for (line, host) in HOSTS.lines().zip(hosts()) {
        assert_eq!(host_from(host.id.clone(), line).unwrap(), host);
    }
}

#[test]
fn the_site_is_written_as_format_1_says_and_read_back() {
    let site = Site {
        paused: Some("maintenance".to_owned()),
        rules: BTreeMap::from([(name("racks"), record())]),
        failures: 2,
    };
    let mark = ClockMark {
        reading: ClockReading {
            boot_id: Uuid::from_text_order([7; 16]),
            boottime_ms: 123_456,
            wall_ms: 1_760_000_000_000,
        },
        site_ms: 1_760_000_000_001,
    };
    let rows = [
        SiteRow::default(),
        SiteRow::whole(&site),
        SiteRow {
            clock: Some(mark.into()),
            backup: true,
            ..SiteRow::default()
        },
    ];
    check_lines(SITE, rows.iter().map(|row| row.body().unwrap()));
    let read: Vec<SiteRow> = SITE.lines().map(|line| SiteRow::from_body(line).unwrap()).collect();
    assert_eq!(read[1].clone().into_site().unwrap(), site);
    assert_eq!(read[2].clock.as_ref().map(|clock| clock.mark()), Some(mark));
    assert!(read[2].backup && !read[0].backup);
}

#[test]
fn what_no_version_wrote_is_refused() {
    for body in [
        "",
        "{}",
        r#"{"since":1,"facts":{}}"#,
        r#"{"since":1,"facts":{},"state":{"phase":"new"}}"#,
        r#"{"since":1,"facts":{},"state":{"phase":"wiping"}}"#,
        r#"{"since":1,"facts":{},"state":{"phase":"armed","queue":["debian"]}}"#,
        r#"{"since":1,"facts":{},"state":{"phase":"live","profile":"Not A Name"}}"#,
        r#"{"since":1,"facts":{"macs":["52:54"]},"state":{"phase":"ignored"}}"#,
        r#"{"since":-1,"facts":{},"state":{"phase":"ignored"}}"#,
        r#"{"since":1,"facts":{},"state":{"phase":"ignored"},"surprise":1}"#,
    ] {
        host_from(name("oak-42"), body).expect_err(body);
    }
    host_from(name("oak-42"), r#"{"since":1,"facts":{},"state":{"phase":"ignored"}}"#).unwrap();
}

#[test]
fn an_event_that_is_not_as_it_was_written_is_refused() {
    let row = event_row(&Change::HostNoted { host: name("oak-42") });
    let changed = [
        EventRow { seq: 2, ..row.clone() },
        EventRow { at: 2, ..row.clone() },
        EventRow { wall: 2, ..row.clone() },
        EventRow {
            cause: "clock".to_owned(),
            ..row.clone()
        },
        EventRow {
            actor: Some(String::new()),
            ..row.clone()
        },
        EventRow {
            verb: "done".to_owned(),
            ..row.clone()
        },
        EventRow {
            note: " ".to_owned(),
            ..row.clone()
        },
        EventRow {
            change: row.change.replace("42", "43"),
            ..row.clone()
        },
        EventRow {
            sum: row.sum ^ 1,
            ..row.clone()
        },
    ];
    for row in changed {
        let refused = row.clone().into_recorded().unwrap_err().to_string();
        assert!(refused.ends_with("has a wrong checksum"), "{row:?}: {refused}");
    }
    row.into_recorded().unwrap();
}

#[test]
fn samples_bring_up_every_kind_of_change_phase_and_failure() {
    let mut sample = Sample::new(1);
    let mut seen = BTreeSet::new();
    for _ in 0..5000 {
        let entry = sample.entry();
        let text = event_row(&entry.change).change;
        for kind in text.split('"').filter(|word| !word.is_empty()) {
            seen.insert(kind.to_owned());
        }
    }
    let third = include_str!("../../test_data/v3/changes.jsonl");
    let golden = [CHANGES, third]
        .into_iter()
        .flat_map(|text| text.split('"'))
        .filter(|word| word.contains('-') && word.bytes().all(|c| c == b'-' || c.is_ascii_lowercase()));
    for word in golden.chain([
        "new",
        "armed",
        "installing",
        "installed",
        "failed",
        "live",
        "ignored",
        "policy",
        "hold",
    ]) {
        assert!(seen.contains(word), "{word}");
    }
}

proptest! {
    #[test]
    fn any_entry_survives_the_way_there_and_back(seed: u64, seq in 1_u64..=u64::MAX, wall: u64) {
        let entry = Sample::new(seed).entry();
        let row = EventRow::new(Seq::new(seq), wall, &entry).unwrap();
        let read = row_of(&columns(&row)).into_recorded().unwrap();
        prop_assert_eq!(read, Recorded { seq: Seq::new(seq), wall_ms: wall, entry });
    }

    #[test]
    fn any_text_survives_in_every_place(note: String, key: String, value: String) {
        let mut facts = facts();
        facts.serial = Some(value.clone());
        let mut host = Host::new(name("oak-42"), at(0), facts);
        host.labels.insert(key.clone(), value.clone());
        host.metadata.insert(value, note);
        prop_assert_eq!(&host_from(name("oak-42"), &host_body(&host).unwrap()).unwrap(), &host);
    }

    #[test]
    fn any_text_in_place_of_a_row_is_refused_or_read_without_a_panic(body: String) {
        let _ = host_from(name("oak-42"), &body);
        let _ = SiteRow::from_body(&body);
        let row = EventRow { change: body, ..event_row(&Change::SiteNoted) };
        let _ = row.into_recorded();
    }
}
