//! Format 6: the address that a run's script was served to. Its golden file is never edited.

use std::net::IpAddr;

use bootwright_core::{Change, Grantor, HostState, Phase, Run};

use super::value::{grant, name, run};
use super::{check_lines, event_row};
use crate::row::EventRow;

const CHANGES: &str = include_str!("../../../test_data/v6/changes.jsonl");

fn changes() -> Vec<Change> {
    let addresses: [IpAddr; 2] = [[10, 0, 0, 7].into(), [0xfd00, 0, 0, 0, 0, 0, 0, 7].into()];
    let state = |to| HostState {
        phase: Phase::Installing {
            run: Run { to: Some(to), ..run() },
            grant: Box::new(grant(Grantor::Operator("anna".to_owned()))),
            rest: vec![name("leap")],
        },
        ..HostState::default()
    };
    let change = |to| Change::StateSet {
        host: name("oak-42"),
        state: state(to),
    };
    addresses.map(change).into()
}

#[test]
fn changes_are_written_as_format_6_says_and_read_back() {
    check_lines(CHANGES, changes().iter().map(|change| event_row(change).change));
    for (line, change) in CHANGES.lines().zip(changes()) {
        let row = EventRow {
            change: line.to_owned(),
            ..event_row(&change)
        };
        assert_eq!(row.into_recorded().unwrap().entry.change, change, "{line}");
    }
}
