//! The frozen spelling: golden files of format 1, which are never edited, and the way there and back for any value.

use std::collections::{BTreeMap, BTreeSet};

use bootwright_core::{
    Cause, Change, Entry, Facts, Failure, FinishedRun, Grant, Grantor, Host, HostState, LocalBoot, LocalMethod,
    MacAddr, Phase, RuleRecord, Run, RunNumber, Site, Stance, Timestamp, Token, Uuid, Verb,
};
use proptest::prelude::*;

use super::entry::EventRow;
use super::site::SiteRow;
use super::{host_body, host_from};
use crate::sample::Sample;
use crate::{ClockMark, ClockReading, Recorded, Seq};

const CHANGES: &str = include_str!("../../test_data/v1/changes.jsonl");
const HOSTS: &str = include_str!("../../test_data/v1/hosts.jsonl");
const EVENTS: &str = include_str!("../../test_data/v1/events.jsonl");
const SITE: &str = include_str!("../../test_data/v1/site.jsonl");

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000 + secs * 1000)
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn facts() -> Facts {
    Facts {
        macs: BTreeSet::from([
            MacAddr::new([0x52, 0x54, 0, 0xab, 0xcd, 0xef]),
            MacAddr::new([0, 0x1b, 0x21, 1, 2, 3]),
        ]),
        uuid: Some(name("00112233-4455-6677-8899-aabbccddeeff")),
        serial: Some("S4EV \"NX0M\"".to_owned()),
        asset: Some("R2/U17".to_owned()),
        manufacturer: Some("Straße & Söhne".to_owned()),
        product: Some("X\\1".to_owned()),
    }
}

fn grant(by: Grantor) -> Grant {
    Grant {
        by,
        at: at(1),
        expires: at(86_401),
        machine: facts(),
        wipe: BTreeSet::from(["WD-1".to_owned(), "WD-2".to_owned()]),
    }
}

fn run() -> Run {
    Run {
        number: RunNumber::new(3),
        profile: name("debian"),
        revision: 0xfedc_ba98_7654_3210,
        token: Token::new(*b"\x00\x01\x02\x03 secret ...."),
        started: at(2),
        deadline: at(21_602),
        attempts: 2,
        stalled: true,
    }
}

fn failures() -> Vec<Failure> {
    vec![
        Failure::Reported("no route to mirror".to_owned()),
        Failure::Deadline,
        Failure::AttemptsUsed,
        Failure::Guard("disk `WD-9` is not empty".to_owned()),
        Failure::Cancelled,
        Failure::IdentityChanged("another serial".to_owned()),
    ]
}

/// Every phase, and every value of what it holds.
fn phases() -> Vec<Phase> {
    let operator = || grant(Grantor::Operator("anna".to_owned()));
    let mut phases = vec![
        Phase::New { stance: Stance::Policy },
        Phase::New { stance: Stance::Hold },
        Phase::New { stance: Stance::Local },
        Phase::Armed {
            grant: operator(),
            queue: vec![name("discover"), name("debian")],
        },
        Phase::Armed {
            grant: Grant {
                wipe: BTreeSet::new(),
                machine: Facts::default(),
                ..grant(Grantor::Rule(name("racks")))
            },
            queue: vec![name("debian")],
        },
        Phase::Installing {
            run: run(),
            grant: operator(),
            rest: vec![name("leap")],
        },
        Phase::Installed {
            run: RunNumber::new(3),
            profile: name("debian"),
            done: at(900),
            up: None,
        },
        Phase::Installed {
            run: RunNumber::new(3),
            profile: name("debian"),
            done: at(900),
            up: Some(at(990)),
        },
        Phase::Live {
            profile: name("rescue"),
        },
        Phase::Ignored,
    ];
    phases.extend(failures().into_iter().map(|failure| Phase::Failed {
        run: RunNumber::new(4),
        profile: name("debian"),
        at: at(77),
        failure,
    }));
    phases
}

/// Every change, one of each phase included.
fn changes() -> Vec<Change> {
    let host = || name("oak-42");
    let mut changes = vec![
        Change::HostAdded {
            host: host(),
            facts: facts(),
        },
        Change::HostAdded {
            host: host(),
            facts: Facts::default(),
        },
        Change::FactsBound {
            host: host(),
            facts: Facts::of_mac(MacAddr::new([0x52, 0x54, 0, 1, 2, 3])),
        },
        Change::LabelSet {
            host: host(),
            key: "rack".to_owned(),
            value: Some("r2".to_owned()),
        },
        Change::LabelSet {
            host: host(),
            key: "rack".to_owned(),
            value: None,
        },
        Change::MetadataSet {
            host: host(),
            key: "motd".to_owned(),
            value: Some("two\nlines".to_owned()),
        },
        Change::MetadataSet {
            host: host(),
            key: "motd".to_owned(),
            value: None,
        },
        Change::HostForgotten { host: host() },
        Change::HostNoted { host: host() },
        Change::PauseSet {
            why: Some("maintenance".to_owned()),
        },
        Change::PauseSet { why: None },
        Change::RuleSet {
            rule: name("racks"),
            record: Some(record()),
        },
        Change::RuleSet {
            rule: name("racks"),
            record: None,
        },
        Change::SiteNoted,
    ];
    changes.extend(
        locals()
            .into_iter()
            .map(|local| Change::LocalBootSet { host: host(), local }),
    );
    changes.extend(phases().into_iter().map(|phase| Change::StateSet {
        host: host(),
        state: HostState {
            phase,
            locked: false,
            runs: 0,
        },
    }));
    changes.push(Change::StateSet {
        host: host(),
        state: HostState {
            phase: Phase::Ignored,
            locked: true,
            runs: 7,
        },
    });
    changes
}

fn locals() -> Vec<LocalBoot> {
    let mut locals = vec![LocalBoot::default()];
    locals.extend(LocalMethod::ALL.map(|method| LocalBoot {
        method: Some(method),
        served: Some(at(5)),
        returns: 2,
    }));
    locals
}

fn record() -> RuleRecord {
    RuleRecord {
        fingerprint: 0x0123_4567_89ab_cdef,
        since: at(0),
        granted: 12,
    }
}

fn hosts() -> Vec<Host> {
    let plain = Host::new(name("oak-42"), at(0), Facts::default());
    let finished = |number, failure| FinishedRun {
        number: RunNumber::new(number),
        profile: name("debian"),
        token: Token::new([0xab; 16]),
        deadline: at(21_602),
        started: at(2),
        ended: at(900),
        attempts: 1,
        failure,
    };
    let rich = Host {
        facts: facts(),
        labels: BTreeMap::from([("rack".to_owned(), "r2".to_owned())]),
        metadata: BTreeMap::from([
            ("motd".to_owned(), "hi \"all\"".to_owned()),
            (String::new(), String::new()),
        ]),
        state: HostState {
            phase: Phase::Installing {
                run: run(),
                grant: grant(Grantor::Operator("anna".to_owned())),
                rest: vec![],
            },
            locked: true,
            runs: 3,
        },
        local: LocalBoot {
            method: Some(LocalMethod::UefiDisk),
            served: None,
            returns: 1,
        },
        runs: vec![
            finished(1, None),
            finished(2, Some(Failure::Reported("oops".to_owned()))),
        ],
        ..plain.clone()
    };
    vec![plain, rich]
}

/// Every cause and every verb; the changes have their own file.
fn events() -> Vec<Recorded> {
    let causes = [
        Cause::Operator("anna \"a\"".to_owned()),
        Cause::Rule(name("racks")),
        Cause::Machine,
        Cause::Clock,
        Cause::Daemon,
    ];
    let verbs = [
        Verb::New,
        Verb::Hold,
        Verb::Armed,
        Verb::Boot,
        Verb::Fetch,
        Verb::Guard,
        Verb::Done,
        Verb::Up,
        Verb::Fail,
        Verb::Stall,
        Verb::Local,
        Verb::Loop,
        Verb::Live,
        Verb::Ignore,
        Verb::Lock,
        Verb::Set,
        Verb::Forget,
        Verb::Warn,
        Verb::Pause,
        Verb::Reload,
        Verb::Seen,
    ];
    let event = |(place, verb): (u64, Verb)| Recorded {
        seq: Seq::new(place + 1),
        wall_ms: 1_760_000_000_500 + place,
        entry: Entry {
            at: at(place),
            by: causes[usize::try_from(place).unwrap() % causes.len()].clone(),
            verb,
            note: "said „so“".to_owned(),
            change: Change::SiteNoted,
        },
    };
    (0..).zip(verbs).map(event).collect()
}

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
    let golden = CHANGES
        .split('"')
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
