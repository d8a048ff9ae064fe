//! Format 3: what it can say beyond the formats before it. Its golden files are never edited either.

use bootwright_core::{Change, Facts, FirstStep, Host, LocalBoot, LocalMethod, MacAddr, Make, Strategy};

use super::super::{host_body, host_from};
use super::value::{at, name};
use super::{check_lines, event_row};
use crate::row::EventRow;

const CHANGES: &str = include_str!("../../../test_data/v3/changes.jsonl");
const HOSTS: &str = include_str!("../../../test_data/v3/hosts.jsonl");

fn step(strategy: Option<Strategy>) -> FirstStep {
    FirstStep {
        make: Make::new(
            b"PXEClient:Arch:00007:UNDI:003016",
            MacAddr::new([0x52, 0x54, 0, 0xab, 0xcd, 0xef]),
        ),
        strategy,
        file: "snponly.efi".to_owned(),
    }
}

fn changes() -> Vec<Change> {
    let host = || name("oak-42");
    let strategies = Strategy::LADDER.map(Some).into_iter().chain([None]);
    let steps = strategies.map(|strategy| Some(step(strategy))).chain([None]);
    let steps = steps.map(|step| Change::FirstStepSet { host: host(), step });
    let methods = [LocalMethod::NoFile, LocalMethod::NoOffer].map(|method| Change::LocalBootSet {
        host: host(),
        local: LocalBoot {
            method: Some(method),
            served: Some(at(5)),
            returns: 2,
        },
    });
    steps.chain(methods).collect()
}

fn hosts() -> Vec<Host> {
    let plain = Host::new(name("oak-42"), at(0), Facts::default());
    let stepped = Host {
        first_step: Some(Box::new(step(Some(Strategy::NoVendorOptions)))),
        ..plain
    };
    vec![stepped]
}

#[test]
fn changes_are_written_as_format_3_says_and_read_back() {
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
fn hosts_are_written_as_format_3_says_and_read_back() {
    check_lines(HOSTS, hosts().iter().map(|host| host_body(host).unwrap()));
    for (line, host) in HOSTS.lines().zip(hosts()) {
        assert_eq!(host_from(host.id.clone(), line).unwrap(), host);
    }
}
