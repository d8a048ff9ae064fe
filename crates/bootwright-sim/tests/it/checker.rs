//! The checker is fed what it must find.

use std::collections::BTreeSet;
use std::time::Duration;

use bootwright_core::{
    Cause, Change, Entry, Event, Facts, Grant, Grantor, HostState, ProfileName, Span, Step, Timestamp, Token, Verb,
    World, step,
};
use bootwright_sim::{Checker, Faults, Setup, Word};
use bootwright_store::{Recorded, Seq};
use expect_test::expect;

const START: Timestamp = Timestamp::from_millis(1_000_000);
const TOKEN: Token = Token::new([1; 16]);

/// A record that grows.
struct Record {
    checker: Checker,
    state: HostState,
    seq: u64,
}

impl Record {
    fn new() -> Self {
        let mut record = Self {
            checker: Checker::new(2),
            state: HostState::default(),
            seq: 0,
        };
        let added = Change::HostAdded {
            host: "oak".parse().expect("a name"),
            facts: Facts::default(),
        };
        record.enter(START, Cause::Machine, added).expect("a host may be added");
        record
    }

    fn enter(&mut self, at: Timestamp, by: Cause, change: Change) -> Result<(), String> {
        self.seq += 1;
        let entry = Entry {
            at,
            by,
            verb: Verb::Set,
            note: String::new(),
            change,
        };
        let recorded = Recorded {
            seq: Seq::new(self.seq),
            wall_ms: 0,
            entry,
        };
        // What is wrong is enough; the entry itself would make a long line.
        let told = self.checker.recorded(&[recorded]);
        told.map_err(|what| what.split(": ").take(2).collect::<Vec<_>>().join(": "))
    }

    fn set(&mut self, by: Cause, state: HostState) -> Result<(), String> {
        self.state = state.clone();
        let host = "oak".parse().expect("a name");
        self.enter(START, by, Change::StateSet { host, state })
    }

    fn happen(&mut self, by: Cause, event: &Event) -> Result<(), String> {
        match step(&self.state, event) {
            Step::Moved(state) => self.set(by, *state),
            Step::Stayed(why) => panic!("{why}"),
        }
    }

    fn arm(&mut self, by: Cause) -> Result<(), String> {
        let grant = Grant {
            by: Grantor::Operator("alice".to_owned()),
            at: START,
            expires: START.after(Span::from_hours(1)),
            machine: Facts::default(),
            wipe: BTreeSet::from(["S1".to_owned()]),
        };
        let queue: Vec<ProfileName> = vec!["debian".parse().expect("a name")];
        self.happen(by, &Event::Armed { grant, queue })
    }

    fn serve(&mut self) -> Result<(), String> {
        let event = Event::ScriptServed {
            token: TOKEN,
            chosen: None,
            revision: 1,
            at: START,
            deadline: START.after(Span::from_hours(6)),
            to: None,
            max_attempts: 99,
        };
        self.happen(Cause::Machine, &event)
    }
}

fn operator() -> Cause {
    Cause::Operator("alice".to_owned())
}

#[test]
fn what_may_be_is_not_complained_about() {
    let mut record = Record::new();
    let told = [
        record.arm(operator()),
        record.serve(),
        record.checker.wiped(TOKEN, "S2", None),
        record.serve(),
        record.checker.wiped(TOKEN, "S1", Some("ext4")),
    ];
    assert_eq!(told, [(); 5].map(Ok));
    assert_eq!((record.checker.runs(), record.checker.wipes()), (1, 2));
}

#[test]
fn what_may_not_be_is_found() {
    let mut found = Vec::new();
    let mut expect = |what: &str, told: Result<(), String>| found.push(format!("{what}: {told:?}"));

    expect("armed by a machine", Record::new().arm(Cause::Machine));

    let mut record = Record::new();
    record.arm(operator()).expect("an operator may");
    let armed = record.state.clone();
    record.serve().expect("it is armed");
    let served = record.state.clone();
    record.serve().expect("a second attempt");
    expect("a third attempt", record.serve());
    expect("written for the first time", record.checker.wiped(TOKEN, "S1", None));
    expect("written for the second time", record.checker.wiped(TOKEN, "S1", None));
    expect(
        "written by a run of nobody",
        record.checker.wiped(Token::new([2; 16]), "S1", None),
    );

    let mut record = Record::new();
    expect("a run from nowhere", record.set(Cause::Machine, served.clone()));

    let mut record = Record::new();
    record.arm(operator()).expect("an operator may");
    record.serve().expect("it is armed");
    expect(
        "a disk that nobody named",
        record.checker.wiped(TOKEN, "S2", Some("ntfs")),
    );
    expect("written twice in one attempt", record.checker.wiped(TOKEN, "S1", None));
    expect("an end that nobody recorded", record.checker.end_acknowledged(TOKEN));
    record.happen(operator(), &Event::Held).expect("an operator may");
    expect("an end that is recorded", record.checker.end_acknowledged(TOKEN));
    record.arm(operator()).expect("an operator may");
    expect("the same token once more", record.serve());

    let mut record = Record::new();
    record.arm(operator()).expect("an operator may");
    let why = Some("stop".to_owned());
    record
        .enter(START, operator(), Change::PauseSet { why })
        .expect("an operator may");
    expect("served during a pause", record.serve());

    let locked = HostState { locked: true, ..armed };
    expect("armed and locked", Record::new().set(operator(), locked));

    let mut record = Record::new();
    record.seq += 1;
    expect("a gap in the record", record.arm(operator()));
    expect(
        "another memory",
        record
            .checker
            .same(&World::default())
            .map_err(|_| "it differs".to_owned()),
    );
    expect![[r#"
        armed by a machine: Err("entry 2: a host is armed by nobody")
        a third attempt: Err("entry 5: attempt 3 of 2")
        written for the first time: Ok(())
        written for the second time: Ok(())
        written by a run of nobody: Err("disk S1 is written by a run that was never recorded")
        a run from nowhere: Err("entry 2: a run began without a grant")
        a disk that nobody named: Err("disk S2 is written, it held ntfs and nobody named it")
        written twice in one attempt: Err("disk S1 is written 2 times, 1 attempts are recorded")
        an end that nobody recorded: Err("a run's end was acknowledged and is not recorded")
        an end that is recorded: Ok(())
        the same token once more: Err("entry 6: two runs have the same token")
        served during a pause: Err("entry 4: an install script was served while installs were paused")
        armed and locked: Err("entry 2: a locked host is armed or installing")
        a gap in the record: Err("entry 3 follows 1")
        another memory: Err("it differs")"#]]
    .assert_eq(&found.join("\n"));
}

#[test]
fn a_daemon_that_answers_before_it_records_is_found_out() {
    let caught = (0..20).any(|seed| {
        let setup = Setup {
            seed,
            machines: 3,
            with_data: 0,
            config: bootwright_sim::chaos::CONFIG.to_owned(),
            faults: Faults {
                store: 30,
                answers_early: true,
                ..Faults::default()
            },
        };
        let mut world = bootwright_sim::World::new(&setup).expect("the configuration is right");
        for machine in 0..3 {
            let profiles = vec!["debian"];
            world.say_after(
                Duration::from_secs(1),
                Word::Arm {
                    machine,
                    profiles,
                    wipe: true,
                },
            );
            world.reset_after(Duration::from_secs(5), machine);
        }
        world.run_until(Duration::from_secs(1_800), |_| false).is_err()
    });
    assert!(caught);
}
