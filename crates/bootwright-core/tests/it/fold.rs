//! Stories of `apply`: what the record says of a site.

use bootwright_core::{
    Cause, Change, Entry, Facts, HostId, HostState, LocalBoot, LocalMethod, RuleRecord, Span, Step, Timestamp, Verb,
    World, apply, step,
};
use expect_test::expect;

use crate::story::{START, describe, event};

fn id(name: &str) -> HostId {
    name.parse().expect("a name")
}

fn entry(at: Timestamp, change: Change) -> Entry {
    Entry {
        at,
        by: Cause::Daemon,
        verb: Verb::Set,
        note: String::new(),
        change,
    }
}

fn add(world: &mut World, name: &str) {
    let (host, facts) = (id(name), Facts::default());
    apply(world, &entry(START, Change::HostAdded { host, facts }));
}

/// Lets a story happen to a host, each word a second after the last, and records what it comes to.
fn happen(world: &mut World, name: &str, story: &str) {
    let mut state = world
        .hosts
        .get(&id(name))
        .map(|host| host.state.clone())
        .unwrap_or_default();
    for (seconds, words) in (1..).zip(story.split(';').map(str::trim)) {
        let at = START.after(Span::from_secs(seconds));
        if let Step::Moved(next) = step(&state, &event(words, at)) {
            state = *next;
            let change = Change::StateSet {
                host: id(name),
                state: state.clone(),
            };
            apply(world, &entry(at, change));
        }
    }
}

fn memory(world: &World, name: &str) -> String {
    let host = world.hosts.get(&id(name)).expect("the host");
    let mut text = format!("{}; {} failures in a row\n", describe(&host.state), world.site.failures);
    for run in &host.runs {
        let end = run
            .failure
            .as_ref()
            .map_or_else(|| "finished".to_owned(), ToString::to_string);
        text.push_str(&format!(
            "    run {} {} attempts {} after {}: {end}\n",
            run.number,
            run.profile,
            run.attempts,
            run.ended.since(run.started)
        ));
    }
    text
}

#[test]
fn runs_that_are_over_are_remembered_with_how_they_ended() {
    let mut world = World::default();
    add(&mut world, "oak");
    happen(
        &mut world,
        "oak",
        "arm discover leap; start 1; start 1; finish 1; start 2; fail 2; arm debian; start 3; hold; arm debian; start 4; up 4",
    );
    expect![[r#"
        installed debian #4, up; 0 failures in a row
            run 1 discover attempts 2 after 2 s: finished
            run 2 leap attempts 1 after 1 s: the installer reported: no disk
            run 3 debian attempts 1 after 1 s: an operator stopped it
            run 4 debian attempts 1 after 1 s: finished
    "#]]
    .assert_eq(&memory(&world, "oak"));
}

#[test]
fn failures_in_a_row_are_counted_over_all_hosts_and_a_stopped_run_is_none() {
    let mut world = World::default();
    let mut text = String::new();
    for (name, story) in [
        ("oak", "arm debian; start 1; fail 1"),
        ("elm", "arm debian; start 1; another-machine"),
        ("ash", "arm debian; start 1; hold"),
        ("fir", "arm debian; start 1; start 1; spend"),
        ("yew", "arm debian; start 1; finish 1"),
    ] {
        add(&mut world, name);
        happen(&mut world, name, story);
        text.push_str(&memory(&world, name));
    }
    expect![[r#"
        failed debian #1 (the installer reported: no disk); 1 failures in a row
            run 1 debian attempts 1 after 1 s: the installer reported: no disk
        failed debian #1 (another machine came back: another serial number); 2 failures in a row
            run 1 debian attempts 1 after 1 s: another machine came back: another serial number
        new, held; 2 failures in a row
            run 1 debian attempts 1 after 1 s: an operator stopped it
        failed debian #1 (all attempts used); 3 failures in a row
            run 1 debian attempts 2 after 2 s: all attempts used
        installed debian #1; 0 failures in a row
            run 1 debian attempts 1 after 1 s: finished
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_pause_and_its_end_begin_the_count_of_failures_anew() {
    let mut world = World::default();
    add(&mut world, "oak");
    happen(&mut world, "oak", "arm debian; start 1; fail 1");
    assert_eq!(world.site.failures, 1);
    let why = Some("three in a row".to_owned());
    apply(&mut world, &entry(START, Change::PauseSet { why: why.clone() }));
    assert_eq!((world.site.paused.clone(), world.site.failures), (why, 0));
    apply(&mut world, &entry(START, Change::PauseSet { why: None }));
    assert_eq!(world.site.paused, None);
}

#[test]
fn a_hosts_memory_of_runs_is_bounded_and_the_oldest_goes_first() {
    let mut world = World::default();
    add(&mut world, "oak");
    for run in 1..=25 {
        happen(&mut world, "oak", &format!("arm debian; start {run}; finish {run}"));
    }
    let host = world.hosts.get(&id("oak")).expect("the host");
    let numbers: Vec<u32> = host.runs.iter().map(|run| run.number.get()).collect();
    assert_eq!(numbers, (6..=25).collect::<Vec<u32>>());
}

#[test]
fn the_end_of_a_run_forgets_that_the_host_came_back_from_its_disk_but_not_the_method() {
    let mut world = World::default();
    add(&mut world, "oak");
    let local = LocalBoot {
        method: Some(LocalMethod::Exit),
        served: Some(START),
        returns: 2,
    };
    apply(
        &mut world,
        &entry(START, Change::LocalBootSet { host: id("oak"), local }),
    );
    happen(&mut world, "oak", "arm debian; start 1; finish 1");
    let host = world.hosts.get(&id("oak")).expect("the host");
    let expected = LocalBoot {
        method: Some(LocalMethod::Exit),
        served: None,
        returns: 0,
    };
    assert_eq!(host.local, expected);
}

#[test]
fn labels_metadata_facts_and_rules_are_set_and_taken_away() {
    let mut world = World::default();
    add(&mut world, "oak");
    let host = || id("oak");
    let facts = Facts::of_mac("52:54:00:00:00:01".parse().expect("an address"));
    let value = |text: &str| Some(text.to_owned());
    let rule = || "rack".parse().expect("a name");
    let record = RuleRecord {
        fingerprint: 1,
        since: START,
        granted: 3,
    };
    let label = |key: &str, value| Change::LabelSet {
        host: host(),
        key: key.to_owned(),
        value,
    };
    let item = |key: &str, value| Change::MetadataSet {
        host: host(),
        key: key.to_owned(),
        value,
    };
    for change in [
        label("rack", value("r1")),
        label("rack", value("r2")),
        label("row", value("a")),
        label("row", None),
        item("vlan", value("7")),
        item("gone", None),
        Change::FactsBound {
            host: host(),
            facts: facts.clone(),
        },
        Change::HostNoted { host: host() },
        Change::SiteNoted,
        Change::RuleSet {
            rule: rule(),
            record: Some(record.clone()),
        },
    ] {
        apply(&mut world, &entry(START, change));
    }
    let oak = world.hosts.get(&host()).expect("the host");
    assert_eq!(
        format!("{:?} {:?}", oak.labels, oak.metadata),
        r#"{"rack": "r2"} {"vlan": "7"}"#
    );
    assert_eq!(oak.facts, facts);
    assert_eq!(world.site.rules.get("rack"), Some(&record));
    let change = Change::RuleSet {
        rule: rule(),
        record: None,
    };
    apply(&mut world, &entry(START, change));
    assert!(world.site.rules.is_empty());
}

#[test]
fn an_entry_about_a_host_that_is_not_there_changes_nothing() {
    let mut world = World::default();
    let host = || id("oak");
    for change in [
        Change::StateSet {
            host: host(),
            state: HostState::default(),
        },
        Change::FactsBound {
            host: host(),
            facts: Facts::default(),
        },
        Change::HostForgotten { host: host() },
        Change::HostNoted { host: host() },
    ] {
        apply(&mut world, &entry(START, change));
    }
    assert_eq!(world, World::default());
}

#[test]
fn a_host_that_is_added_twice_keeps_what_it_has_and_one_that_is_forgotten_starts_anew() {
    let mut world = World::default();
    add(&mut world, "oak");
    happen(&mut world, "oak", "arm debian; start 1; finish 1");
    let before = world.clone();
    add(&mut world, "oak");
    assert_eq!(world, before);
    apply(&mut world, &entry(START, Change::HostForgotten { host: id("oak") }));
    add(&mut world, "oak");
    expect![[r#"
        new; 0 failures in a row
    "#]]
    .assert_eq(&memory(&world, "oak"));
}
