//! Every event in every state, as a table for people: `docs/states.md` is this function's output.

use std::iter::successors;

use bootwright_core::{Event, HostState, Phase, Stance, Step, Timestamp, step};
use expect_test::expect_file;

use crate::story::{START, describe, event};

/// A row of the table: the words for people, and the event in the words of stories.
const ROWS: &[(&str, &str)] = &[
    ("an operator arms it", "arm debian"),
    ("a rule arms it", "rule-arms debian"),
    ("profiles are queued", "queue wipe"),
    ("a disk may be overwritten", "allow S1"),
    ("an operator holds it", "hold"),
    ("an operator chooses its disk", "local"),
    ("an operator chooses a live profile", "live rescue"),
    ("an operator ignores it", "ignore"),
    ("it is locked", "lock"),
    ("it is unlocked", "unlock"),
    ("its script is asked for", "start 7"),
    ("done, of this run", "finish 1"),
    ("done, of an older run or another token", "finish 1/9"),
    ("fail, of this run", "fail 1"),
    ("fail, of an older run or another token", "fail 1/9"),
    ("up, of this run", "up 1"),
    ("up, of an older run or another token", "up 1/9"),
    ("the disk guard lets it pass", "guard 1 S1"),
    ("no attempt is left", "spend"),
    ("another machine comes in its name", "another-machine"),
    ("its arming expires", "expire"),
    ("its deadline passes", "deadline"),
    ("the record is restored from a backup", "restore"),
    ("a stage takes too long", "overdue 1"),
    ("it is heard of again", "heard 1"),
];

/// The state in a column, reached by a story, and the moment at which the events come.
fn state(story: &[&str]) -> (HostState, Timestamp) {
    let (mut state, mut now) = (HostState::default(), START);
    for words in story {
        if *words == "wait" {
            now = now.after(bootwright_core::Span::from_hours(48));
            continue;
        }
        match step(&state, &event(words, now)) {
            Step::Moved(next) => state = *next,
            Step::Stayed(why) => panic!("{words}: {why}"),
        }
    }
    (state, now)
}

/// A column for every phase, in the order of the phases, so that a new one does not compile until it has columns.
fn columns() -> Vec<(HostState, Timestamp)> {
    let first = Some(Phase::default());
    let phases = successors(first, |phase| {
        let story: &[&str] = match phase {
            Phase::New { stance: Stance::Policy } => &["hold"],
            Phase::New { stance: Stance::Hold } => &["local"],
            Phase::New { stance: Stance::Local } => &["arm debian"],
            Phase::Armed { .. } => &["arm debian", "start 1"],
            Phase::Installing { .. } => &["arm debian", "start 1", "finish 1"],
            Phase::Installed { .. } => &["arm debian", "start 1", "fail 1"],
            Phase::Failed { .. } => &["live other"],
            Phase::Live { .. } => &["ignore"],
            Phase::Ignored => return None,
        };
        Some(state(story).0.phase)
    });
    let mut columns: Vec<(HostState, Timestamp)> = phases
        .map(|phase| {
            let runs = u32::from(!matches!(phase, Phase::New { .. } | Phase::Armed { .. }));
            let state = HostState {
                phase,
                locked: false,
                runs,
            };
            (state, START)
        })
        .collect();
    for story in [
        &["arm debian", "wait"] as &[&str],
        &["arm debian", "start 1", "start 2"],
        &["arm debian leap", "start 1"],
        &["arm debian", "start 1", "wait"],
        &["arm debian", "start 1", "up 1"],
    ] {
        columns.push(state(story));
    }
    columns.sort_by_key(|(state, now)| (rank(&state.phase), *now));
    columns
}

fn rank(phase: &Phase) -> u8 {
    match phase {
        Phase::New { stance: Stance::Policy } => 0,
        Phase::New { stance: Stance::Hold } => 1,
        Phase::New { stance: Stance::Local } => 2,
        Phase::Armed { .. } => 3,
        Phase::Installing { .. } => 4,
        Phase::Installed { .. } => 5,
        Phase::Failed { .. } => 6,
        Phase::Live { .. } => 7,
        Phase::Ignored => 8,
    }
}

fn cell(state: &HostState, event: &Event) -> String {
    match step(state, event) {
        Step::Moved(next) => format!("**{}**", describe(&next)),
        Step::Stayed(why) => format!("{why:?}").to_lowercase(),
    }
}

fn section(title: &str, about: &str, columns: &[(HostState, Timestamp)]) -> String {
    let mut text = format!("## {title}\n\n{about}\n");
    for (state, now) in columns {
        let late = if *now > START { ", two days later" } else { "" };
        text.push_str(&format!(
            "\n### {}{late}\n\n| event | becomes |\n|---|---|\n",
            describe(state)
        ));
        for (words, story) in ROWS {
            text.push_str(&format!("| {words} | {} |\n", cell(state, &event(story, *now))));
        }
    }
    text
}

#[test]
fn the_page_on_states_is_what_step_does() {
    let open = columns();
    let locked: Vec<(HostState, Timestamp)> = open
        .iter()
        .filter(|(state, _)| !matches!(state.phase, Phase::Armed { .. } | Phase::Installing { .. }))
        .map(|(state, now)| {
            let state = HostState {
                locked: true,
                ..state.clone()
            };
            (state, *now)
        })
        .collect();
    let text = format!(
        "{INTRODUCTION}\n{}\n{}",
        section("Hosts", OPEN, &open),
        section("Locked hosts", LOCKED, &locked)
    );
    expect_file!["../../../../docs/states.md"].assert_eq(&text);
}

/// Adding an event breaks this, as a reminder that the table wants a row for it.
#[test]
fn every_event_has_a_row() {
    let next = |event: &Event| -> Option<&'static str> {
        match event {
            Event::Armed { .. } => Some("queue wipe"),
            Event::Queued { .. } => Some("allow S1"),
            Event::WipeAllowed { .. } => Some("hold"),
            Event::Held => Some("local"),
            Event::LocalChosen => Some("live rescue"),
            Event::LiveChosen { .. } => Some("ignore"),
            Event::Ignored => Some("lock"),
            Event::Locked => Some("unlock"),
            Event::Unlocked { .. } => Some("start 7"),
            Event::ScriptServed { .. } => Some("finish 1"),
            Event::Finished { .. } => Some("fail 1"),
            Event::RunFailed { .. } => Some("up 1"),
            Event::CameUp { .. } => Some("guard 1 S1"),
            Event::GuardPassed { .. } => Some("spend"),
            Event::AttemptsSpent { .. } => Some("another-machine"),
            Event::IdentityChanged { .. } => Some("expire"),
            Event::GrantExpired { .. } => Some("deadline"),
            Event::DeadlinePassed { .. } => Some("restore"),
            Event::Restored => Some("overdue 1"),
            Event::StageOverdue { .. } => Some("heard 1"),
            Event::StageReached { .. } => None,
        }
    };
    let mut story = Some("arm debian");
    while let Some(words) = story {
        assert!(ROWS.iter().any(|(_, row)| *row == words), "no row for `{words}`");
        story = next(&event(words, START));
    }
}

const INTRODUCTION: &str = "\
# States

What becomes of a host when something happens to it. The tables are the output of the function `step` of
`crates/bootwright-core`; a test writes them and fails when they differ
(`UPDATE_EXPECT=1 cargo test -p bootwright-core` writes them anew).

    new --armed--> armed --script served--> installing --done--> installed --up--> installed, up --a day--> locked
                     ^                          |
                     +---- armed again ---- failed <-- fail, deadline, no attempt left, another machine

- **new**: seen, and nobody has decided. The policy for unknown hosts, a hold or the own disk is what it gets.
- **armed**: an operator, or a rule that an operator wrote, granted one install for each profile of its queue.
- **installing**: the script was served. Runs are numbered, and each has a secret token of its own.
- **installed** and **failed**: it boots its own disk until it is armed again.
- **live**: it boots this profile every time.
- **ignored**: it is not answered.

Bold is where the host moves. The other words say why it stays:

| word | meaning |
|---|---|
| already | it is so already |
| late | the run is over, or the time is |
| foreign | another run, or another token |
| notgranted | no install was granted |
| locked | the host is locked |
| installing | the run under way has to be stopped first |
| notarmed | there is no arming or run to which it could apply |
| decided | a person has spoken, and a rule does not overrule that |
| attemptsused | the script was served as often as it may be |
| early | the time has not come |
";

const OPEN: &str = "Two attempts a run; an arming lasts a day, a run six hours.";

const LOCKED: &str =
    "A host that is armed or installing is never locked: a lock takes an unused arming away and waits for a run.";
