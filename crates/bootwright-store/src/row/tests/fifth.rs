//! Format 5: what a machine reported of itself. Its golden files are never edited.

use std::collections::BTreeMap;

use bootwright_core::{Change, Facts, Host};

use super::super::{host_body, host_from};
use super::value::{at, name};
use super::{check_lines, event_row};
use crate::row::EventRow;

const CHANGES: &str = include_str!("../../../test_data/v5/changes.jsonl");
const HOSTS: &str = include_str!("../../../test_data/v5/hosts.jsonl");

fn reported() -> BTreeMap<String, String> {
    [
        ("disks.0.serial", "S4EVNX0M"),
        ("memory_mib", "476"),
        ("dmi.product", "it's \"quoted\" ☃"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn changes() -> Vec<Change> {
    [reported(), BTreeMap::new()]
        .map(|reported| Change::ReportedSet {
            host: name("oak-42"),
            reported,
        })
        .into()
}

#[test]
fn changes_are_written_as_format_5_says_and_read_back() {
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
fn hosts_are_written_as_format_5_says_and_read_back() {
    let host = Host {
        reported: reported(),
        ..Host::new(name("oak-42"), at(0), Facts::default())
    };
    check_lines(HOSTS, std::iter::once(host_body(&host).unwrap()));
    for line in HOSTS.lines() {
        assert_eq!(host_from(host.id.clone(), line).unwrap(), host);
    }
}
