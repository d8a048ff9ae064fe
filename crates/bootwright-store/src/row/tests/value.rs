//! The values that the golden files spell: every change, phase, failure, cause and verb.

use std::collections::{BTreeMap, BTreeSet};

use bootwright_core::{
    Cause, Change, Entry, Facts, Failure, FinishedRun, Grant, Grantor, Host, HostState, LocalBoot, LocalMethod,
    MacAddr, Phase, RuleRecord, Run, RunNumber, Stance, Timestamp, Token, Verb,
};

use crate::{Recorded, Seq};

pub(super) fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(1_760_000_000_000 + secs * 1000)
}

pub(super) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(super) fn facts() -> Facts {
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

pub(super) fn grant(by: Grantor) -> Grant {
    Grant {
        by,
        at: at(1),
        expires: at(86_401),
        machine: facts(),
        wipe: BTreeSet::from(["WD-1".to_owned(), "WD-2".to_owned()]),
    }
}

pub(super) fn run() -> Run {
    Run {
        number: RunNumber::new(3),
        profile: name("debian"),
        revision: 0xfedc_ba98_7654_3210,
        token: Token::new(*b"\x00\x01\x02\x03 secret ...."),
        started: at(2),
        deadline: at(21_602),
        attempts: 2,
        stalled: true,
        to: None,
    }
}

pub(super) fn failures() -> Vec<Failure> {
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
pub(super) fn phases() -> Vec<Phase> {
    let operator = || grant(Grantor::Operator("anna".to_owned()));
    let mut phases = vec![
        Phase::New { stance: Stance::Policy },
        Phase::New { stance: Stance::Hold },
        Phase::New { stance: Stance::Local },
        Phase::Armed {
            grant: Box::new(operator()),
            queue: vec![name("discover"), name("debian")],
        },
        Phase::Armed {
            grant: Box::new(Grant {
                wipe: BTreeSet::new(),
                machine: Facts::default(),
                ..grant(Grantor::Rule(name("racks")))
            }),
            queue: vec![name("debian")],
        },
        Phase::Installing {
            run: run(),
            grant: Box::new(operator()),
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
pub(super) fn changes() -> Vec<Change> {
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

pub(super) fn locals() -> Vec<LocalBoot> {
    let mut locals = vec![LocalBoot::default()];
    let methods = [LocalMethod::BiosDisk, LocalMethod::UefiDisk, LocalMethod::Exit];
    locals.extend(methods.map(|method| LocalBoot {
        method: Some(method),
        served: Some(at(5)),
        returns: 2,
    }));
    locals
}

pub(super) fn record() -> RuleRecord {
    RuleRecord {
        fingerprint: 0x0123_4567_89ab_cdef,
        since: at(0),
        granted: 12,
    }
}

pub(super) fn hosts() -> Vec<Host> {
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
                grant: Box::new(grant(Grantor::Operator("anna".to_owned()))),
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
pub(super) fn events() -> Vec<Recorded> {
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
