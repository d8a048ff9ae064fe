//! No sequence of network messages leads to an install script without an operator's grant.
//!
//! Explored exhaustively over the real `step`, `decide` and `guard`: two hosts, three runs each, every event with every
//! run and token that it could name, a rule that arms by itself, budgets, pauses, reloads, time and restarts. An account of
//! what was permitted is kept beside it from the events alone; every verdict and every served script is held against it.
//!
//! A crash needs no events of its own here: what was not recorded has not happened, and what was recorded but not answered
//! has. Whether the fold of the record is the state is a test of its own.

mod graph;
mod ledger;
mod site;

use bootwright_core::{
    Ask, Asker, Cause, Change, Entry, Event, Facts, Grant, HostDefinition, HostId, HostState, Phase, Policy, Sighting,
    Situation, Stayed, Step, Timestamp, Verb, Verdict, World, apply, decide, step,
};

use graph::{Actor, Graph, KINDS, NOW, Way, kind};

type Decide = fn(&Policy, &Situation<'_>, Asker<'_>, Option<&HostDefinition>, &Sighting, Ask) -> Verdict;

/// The functions under test, or broken ones in their place.
struct Rules {
    step: fn(&HostState, &Event) -> Step,
    decide: Decide,
}

const REAL: Rules = Rules { step, decide };

fn explore(rules: &Rules) -> Result<(Graph, site::Explored), String> {
    let graph = Graph::explore(rules)?;
    let explored = site::explore(rules, &graph)?;
    Ok((graph, explored))
}

#[test]
fn no_install_script_is_served_that_nobody_granted() {
    let (graph, explored) = match explore(&REAL) {
        Ok(explored) => explored,
        Err(what) => panic!("{what}"),
    };
    println!(
        "property W: {} states of two hosts on a site, {} ways, {} install scripts; {} states of one host, {} steps",
        explored.states,
        explored.ways,
        explored.served,
        graph.nodes.len(),
        graph.steps
    );
    assert_eq!(
        graph.moved.len(),
        KINDS,
        "every kind of event moved a host: {:?}",
        graph.moved
    );
    assert!(explored.states >= 1_000_000, "{explored:?}");
    assert!(explored.served > 0);
}

#[test]
fn machines_and_time_alone_never_lead_to_a_grant() {
    let graph = Graph::explore(&REAL).expect("nothing is wrong");
    let (mut reached, mut queue) = (vec![false; graph.nodes.len()], vec![0]);
    while let Some(place) = queue.pop() {
        if std::mem::replace(&mut reached[place], true) {
            continue;
        }
        let phase = &graph.nodes[place].state.phase;
        assert!(
            !matches!(phase, Phase::Armed { .. } | Phase::Installing { .. }),
            "{:?}",
            graph.path(place)
        );
        let alone = |way: &Way| match way {
            Way::Tick => true,
            Way::Event(event) => matches!(kind(event).1, Actor::Machine | Actor::Clock),
        };
        queue.extend(
            graph.ways[place]
                .iter()
                .filter(|(way, _)| alone(way))
                .map(|(_, target)| *target),
        );
    }
}

/// Every state is reached once more on a clock that runs, recorded entry by entry, and folded from the record as a restart
/// does it: that is the state which was there before, and the one which the exploration reached with the clock standing.
#[test]
fn a_restart_at_any_moment_changes_nothing() {
    let graph = Graph::explore(&REAL).expect("nothing is wrong");
    let host: HostId = "oak".parse().expect("a name");
    for place in 0..graph.nodes.len() {
        let facts = Facts::default();
        let mut entries = vec![entry(Change::HostAdded {
            host: host.clone(),
            facts,
        })];
        let (mut state, mut ticks) = (HostState::default(), 0);
        for way in graph.ways_to(place) {
            match way {
                Way::Tick => ticks += 1,
                Way::Event(event) => {
                    if let Step::Moved(next) = step(&state, &graph::later(&event, ticks)) {
                        state = *next;
                        let (host, state) = (host.clone(), state.clone());
                        entries.push(entry(Change::StateSet { host, state }));
                    }
                }
            }
        }
        let mut world = World::default();
        entries.iter().for_each(|entry| apply(&mut world, entry));
        let folded = world.hosts.get(&host).map(|host| host.state.clone()).expect("the host");
        assert_eq!(folded, state, "{:?}", graph.path(place));
        assert!(graph.is_at(place, &folded, ticks), "{:?}", graph.path(place));
    }
}

fn entry(change: Change) -> Entry {
    Entry {
        at: NOW,
        by: Cause::Daemon,
        verb: Verb::Set,
        note: String::new(),
        change,
    }
}

/// The mutants: the real functions with altered inputs or outputs. Each must be found out.
mod mutant {
    use super::*;

    fn caught(rules: &Rules) -> String {
        match explore(rules) {
            Ok((_, explored)) => panic!("the mutant lives: {explored:?}"),
            Err(what) => what.lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// A script is served although nobody granted it.
    fn step_without_grants(state: &HostState, event: &Event) -> Step {
        let real = step(state, event);
        let (Event::ScriptServed { at, .. }, Step::Stayed(Stayed::NotGranted)) = (event, &real) else {
            return real;
        };
        let grant = Grant {
            by: crate::story::alice(),
            at: *at,
            expires: Timestamp::from_millis(u64::MAX),
            machine: Facts::default(),
            wipe: std::collections::BTreeSet::new(),
        };
        let queue = vec![crate::story::profile("a")];
        let phase = Phase::Armed {
            grant: Box::new(grant),
            queue,
        };
        step(&HostState { phase, ..state.clone() }, event)
    }

    /// Whoever waits for a decision is told to install.
    fn decide_without_grants(
        policy: &Policy,
        situation: &Situation<'_>,
        asker: Asker<'_>,
        definition: Option<&HostDefinition>,
        seen: &Sighting,
        ask: Ask,
    ) -> Verdict {
        match decide(policy, situation, asker, definition, seen, ask) {
            Verdict::Hold(bootwright_core::HoldWhy::Chosen) => Verdict::Install {
                profile: crate::story::profile("a"),
                attempt: 1,
            },
            verdict => verdict,
        }
    }

    fn decide_without_counting(
        policy: &Policy,
        situation: &Situation<'_>,
        asker: Asker<'_>,
        definition: Option<&HostDefinition>,
        seen: &Sighting,
        ask: Ask,
    ) -> Verdict {
        let mut policy = policy.clone();
        policy.safety.max_attempts = u32::MAX;
        decide(&policy, situation, asker, definition, seen, ask)
    }

    fn step_without_counting(state: &HostState, event: &Event) -> Step {
        let mut event = event.clone();
        if let Event::ScriptServed { max_attempts, .. } = &mut event {
            *max_attempts = u32::MAX;
        }
        step(state, &event)
    }

    /// Any token will do, as long as some run is under way.
    fn step_with_any_token(state: &HostState, event: &Event) -> Step {
        let mut event = event.clone();
        if let (Some(present), Event::Finished { run, token, .. }) = (state.phase.run(), &mut event) {
            (*run, *token) = (present.number, present.token);
        }
        step(state, &event)
    }

    fn decide_without_a_pause(
        policy: &Policy,
        situation: &Situation<'_>,
        asker: Asker<'_>,
        definition: Option<&HostDefinition>,
        seen: &Sighting,
        ask: Ask,
    ) -> Verdict {
        let mut site = situation.site.clone();
        site.paused = None;
        let situation = Situation {
            site: &site,
            ..*situation
        };
        decide(policy, &situation, asker, definition, seen, ask)
    }

    #[test]
    fn that_serves_without_a_grant_is_caught() {
        let step = step_without_grants;
        assert_eq!(
            caught(&Rules { step, ..REAL }),
            "an install script was served that nobody permitted"
        );
        let decide = decide_without_grants;
        let what = caught(&Rules { decide, ..REAL });
        assert!(what.starts_with("an install that nobody permitted"), "{what}");
    }

    #[test]
    fn that_ignores_attempts_is_caught() {
        let step = step_without_counting;
        assert_eq!(
            caught(&Rules { step, ..REAL }),
            "an install script was served that nobody permitted"
        );
        let decide = decide_without_counting;
        let what = caught(&Rules { decide, ..REAL });
        assert!(what.starts_with("an install that nobody permitted"), "{what}");
    }

    #[test]
    fn that_accepts_an_old_token_is_caught() {
        let step = step_with_any_token;
        let what = caught(&Rules { step, ..REAL });
        assert!(what.starts_with("a report about another run or token led to"), "{what}");
    }

    #[test]
    fn that_forgets_the_pause_is_caught() {
        let decide = decide_without_a_pause;
        let what = caught(&Rules { decide, ..REAL });
        assert!(what.contains("paused: true"), "{what}");
    }
}
