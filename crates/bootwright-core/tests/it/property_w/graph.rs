//! Every state that one host can come to, and every way between them.
//!
//! The moment is always the same: instead of letting the clock run, all times in the state move back by a tick. `step` and
//! `decide` only compare times, so that this is exact. What neither of them reads (why a run failed, when it began, which
//! revision it has) does not tell states apart.

use std::collections::BTreeMap;

use bootwright_core::{
    Disk, Event, Facts, Failure, Grant, GuardVerdict, HostState, Phase, RunNumber, Span, Stance, Step, Timestamp,
    Token, Wipe, guard,
};

use super::Rules;
use super::ledger::{DEADLINE, Ledger, MAX_ATTEMPTS, TTL};
use crate::story::{alice, profile, rule, token};

/// The moment.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

const TICK: Span = Span::from_hours(1);

/// How many runs a host may begin; nothing is granted beyond.
const RUNS_MAX: u32 = 3;

fn ticks(count: u8) -> Span {
    Span::from_millis(u64::from(count) * TICK.as_millis())
}

/// A state of one host, with the account of what is permitted beside it.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) state: HostState,
    pub(super) ledger: Ledger,
    /// Where it was first reached from, and by what; nothing for the first.
    pub(super) parent: Option<(usize, Way)>,
}

/// What leads from one state to another.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // Few of them, and short-lived.
pub(super) enum Way {
    Event(Event),
    Tick,
}

/// Who can cause an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    Operator,
    /// An operator's rule, by way of a machine that asks.
    Rule,
    Machine,
    Clock,
}

/// All states of one host and all ways between them.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// For each state: what happens, and the state that it leads to, which may be the same.
    pub(super) ways: Vec<Vec<(Way, usize)>>,
    /// How often each kind of event moved a host.
    pub(super) moved: BTreeMap<&'static str, usize>,
    /// How many events were tried.
    pub(super) steps: usize,
}

/// The kind and cause of an event. A new kind of event breaks this until it says who may cause it.
pub(super) fn kind(event: &Event) -> (&'static str, Actor) {
    match event {
        Event::Armed { grant, .. } if grant.by == rule() => ("armed by a rule", Actor::Rule),
        Event::Armed { .. } => ("armed", Actor::Operator),
        Event::Queued { .. } => ("queued", Actor::Operator),
        Event::WipeAllowed { .. } => ("wipe allowed", Actor::Operator),
        Event::Held => ("held", Actor::Operator),
        Event::LocalChosen => ("local", Actor::Operator),
        Event::LiveChosen { .. } => ("live", Actor::Operator),
        Event::Ignored => ("ignored", Actor::Operator),
        Event::Locked => ("locked", Actor::Operator),
        Event::Unlocked { .. } => ("unlocked", Actor::Operator),
        Event::ScriptServed { .. } => ("script served", Actor::Machine),
        Event::Finished { .. } => ("finished", Actor::Machine),
        Event::RunFailed { .. } => ("failed", Actor::Machine),
        Event::CameUp { .. } => ("came up", Actor::Machine),
        Event::GuardPassed { .. } => ("guard passed", Actor::Machine),
        Event::AttemptsSpent { .. } => ("attempts spent", Actor::Machine),
        Event::IdentityChanged { .. } => ("identity changed", Actor::Machine),
        Event::GrantExpired { .. } => ("grant expired", Actor::Clock),
        Event::DeadlinePassed { .. } => ("deadline passed", Actor::Clock),
        Event::Restored => ("restored", Actor::Operator),
        Event::StageOverdue { .. } => ("stage overdue", Actor::Clock),
        Event::StageReached { .. } => ("stage reached", Actor::Clock),
    }
}

/// How many kinds there are.
pub(super) const KINDS: usize = 22;

fn grant_by(by: bootwright_core::Grantor) -> Grant {
    Grant {
        by,
        at: NOW,
        expires: NOW.after(ticks(TTL)),
        machine: Facts::default(),
        wipe: std::collections::BTreeSet::new(),
    }
}

/// Everything that can happen to a host in this state, with every run and token that a report could name.
fn events(node: &Node) -> Vec<Event> {
    let mut events = vec![
        Event::Held,
        Event::Restored,
        Event::LocalChosen,
        Event::Ignored,
        Event::Locked,
        Event::Unlocked { at: NOW },
        Event::GrantExpired { at: NOW },
        Event::DeadlinePassed { at: NOW },
        Event::AttemptsSpent {
            at: NOW,
            max_attempts: MAX_ATTEMPTS,
        },
        Event::LiveChosen {
            profile: profile("live"),
        },
        Event::WipeAllowed {
            serial: "S1".to_owned(),
        },
        Event::IdentityChanged {
            seen: Facts::default(),
            difference: String::new(),
            at: NOW,
        },
        Event::ScriptServed {
            token: token(u8::try_from(node.state.runs + 1).expect("few runs")),
            chosen: None,
            revision: 0,
            at: NOW,
            deadline: NOW.after(ticks(DEADLINE)),
            max_attempts: MAX_ATTEMPTS,
            to: None,
        },
    ];
    let planned = match &node.state.phase {
        Phase::Armed { queue, .. } => queue.len(),
        Phase::Installing { rest, .. } => rest.len(),
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => 0,
    };
    let room = |more: u32| node.state.runs + u32::try_from(planned).expect("a short queue") + more <= RUNS_MAX;
    let (one, two) = (vec![profile("a")], vec![profile("a"), profile("b")]);
    let armed = |by, queue: &Vec<_>| Event::Armed {
        grant: grant_by(by),
        queue: queue.clone(),
    };
    if node.state.runs < RUNS_MAX {
        events.push(armed(alice(), &one));
        events.push(armed(rule(), &one));
    }
    if node.state.runs + 2 <= RUNS_MAX {
        events.push(armed(alice(), &two));
    }
    if room(1) {
        events.push(Event::Queued { profiles: one });
    }
    for run in 1..=node.state.runs.max(1) {
        let run = RunNumber::new(run);
        let own = token(u8::try_from(run.get()).expect("few runs"));
        for token in [own, token(99)] {
            reports(&mut events, run, token, node);
        }
        events.push(Event::StageOverdue { run });
        events.push(Event::StageReached { run });
    }
    events
}

fn reports(events: &mut Vec<Event>, run: RunNumber, token: Token, node: &Node) {
    events.push(Event::Finished { run, token, at: NOW });
    events.push(Event::CameUp { run, token, at: NOW });
    events.push(Event::RunFailed {
        run,
        token,
        at: NOW,
        failure: Failure::Reported(String::new()),
    });
    // A disk is let pass only by the guard, which knows the grant.
    if let Phase::Installing { grant, .. } = &node.state.phase {
        for disk in DISKS {
            if guard(Wipe::EmptyOnly, grant, disk) == GuardVerdict::Go {
                let serial = disk.serial.to_owned();
                events.push(Event::GuardPassed { run, token, serial });
            }
        }
    }
}

/// The disks of the machine: one empty, one not, each also without a serial number.
const DISKS: [Disk<'static>; 4] = [
    Disk {
        serial: "S0",
        content: None,
    },
    Disk {
        serial: "S1",
        content: Some("ext4"),
    },
    Disk {
        serial: "",
        content: None,
    },
    Disk {
        serial: "",
        content: Some("ntfs"),
    },
];

/// What tells this state from others.
fn key(node: &Node) -> String {
    format!("{} {:?}", state_key(&node.state), node.ledger)
}

fn state_key(state: &HostState) -> String {
    let away = |at: Timestamp| match at.since(NOW).as_millis() {
        0 => "0".to_owned(),
        ms => format!("+{}", ms / TICK.as_millis()),
    };
    let names = |queue: &[bootwright_core::ProfileName]| {
        let names: Vec<&str> = queue.iter().map(bootwright_core::ProfileName::as_str).collect();
        names.join(" ")
    };
    let phase = match &state.phase {
        Phase::New { stance: Stance::Policy } => "new".to_owned(),
        Phase::New { stance: Stance::Hold } => "held".to_owned(),
        Phase::New { stance: Stance::Local } => "local".to_owned(),
        Phase::Armed { grant, queue } => format!(
            "armed {} {} {:?} until {}",
            grant.by,
            names(queue),
            grant.wipe,
            away(grant.expires)
        ),
        Phase::Installing { run, grant, rest } => format!(
            "run {} {} {} {} {} until {} then {} {:?} by {} for {}",
            run.number,
            run.profile,
            run.token.reveal(),
            run.attempts,
            run.stalled,
            away(run.deadline),
            names(rest),
            grant.wipe,
            grant.by,
            grant.expires.since(grant.at)
        ),
        Phase::Installed { run, up, .. } => format!("installed {run} {}", up.is_some()),
        Phase::Failed { run, .. } => format!("failed {run}"),
        Phase::Live { profile } => format!("live {profile}"),
        Phase::Ignored => "ignored".to_owned(),
    };
    format!("{phase} {} {}", state.locked, state.runs)
}

/// All times a tick further back, and further back than any limit at most.
fn aged(state: &HostState) -> HostState {
    let back = |at: Timestamp| at.before(TICK).max(NOW.before(ticks(8)));
    let aged_grant = |grant: &Grant| {
        let lasts = grant.expires.since(grant.at);
        let expires = back(grant.expires);
        Grant {
            at: expires.before(lasts),
            expires,
            ..grant.clone()
        }
    };
    let phase = match &state.phase {
        Phase::New { .. } | Phase::Live { .. } | Phase::Ignored => state.phase.clone(),
        Phase::Armed { grant, queue } => Phase::Armed {
            grant: Box::new(aged_grant(grant)),
            queue: queue.clone(),
        },
        Phase::Installing { run, grant, rest } => Phase::Installing {
            run: bootwright_core::Run {
                started: back(run.started),
                deadline: back(run.deadline),
                ..run.clone()
            },
            grant: Box::new(aged_grant(grant)),
            rest: rest.clone(),
        },
        Phase::Installed { run, profile, done, up } => Phase::Installed {
            run: *run,
            profile: profile.clone(),
            done: back(*done),
            up: up.map(back),
        },
        Phase::Failed {
            run,
            profile,
            at,
            failure,
        } => Phase::Failed {
            run: *run,
            profile: profile.clone(),
            at: back(*at),
            failure: failure.clone(),
        },
    };
    HostState { phase, ..state.clone() }
}

/// The same event so many ticks later.
pub(super) fn later(event: &Event, count: u8) -> Event {
    let mut event = event.clone();
    let late = |at: &mut Timestamp| *at = at.after(ticks(count));
    match &mut event {
        Event::Armed { grant, .. } => {
            late(&mut grant.at);
            late(&mut grant.expires);
        }
        Event::ScriptServed { at, deadline, .. } => {
            late(at);
            late(deadline);
        }
        Event::Unlocked { at }
        | Event::Finished { at, .. }
        | Event::RunFailed { at, .. }
        | Event::CameUp { at, .. }
        | Event::AttemptsSpent { at, .. }
        | Event::IdentityChanged { at, .. }
        | Event::GrantExpired { at }
        | Event::DeadlinePassed { at } => late(at),
        Event::Queued { .. }
        | Event::WipeAllowed { .. }
        | Event::Held
        | Event::Restored
        | Event::LocalChosen
        | Event::LiveChosen { .. }
        | Event::Ignored
        | Event::Locked
        | Event::GuardPassed { .. }
        | Event::StageOverdue { .. }
        | Event::StageReached { .. } => {}
    }
    event
}

impl Graph {
    /// Whether a state on a clock that ran for so many ticks is this one.
    pub(super) fn is_at(&self, place: usize, state: &HostState, count: u8) -> bool {
        let state = (0..count).fold(state.clone(), |state, _| aged(&state));
        state_key(&state) == state_key(&self.nodes[place].state)
    }

    /// Explores everything, and says what is wrong as soon as something is.
    pub(super) fn explore(rules: &Rules) -> Result<Self, String> {
        let first = Node {
            state: HostState::default(),
            ledger: Ledger::default(),
            parent: None,
        };
        let mut known = BTreeMap::from([(key(&first), 0)]);
        let mut graph = Self {
            nodes: vec![first],
            ways: Vec::new(),
            moved: BTreeMap::new(),
            steps: 0,
        };
        let mut next = 0;
        while let Some(node) = graph.nodes.get(next).cloned() {
            let mut ways = Vec::new();
            for way in events(&node).into_iter().map(Way::Event).chain([Way::Tick]) {
                let (state, ledger) = graph.follow(rules, &node, &way).map_err(|what| {
                    let path = graph.path(next);
                    format!("{what}\n    after {path:?}\n    by {way:?}")
                })?;
                let reached = Node {
                    state,
                    ledger,
                    parent: Some((next, way.clone())),
                };
                let place = *known.entry(key(&reached)).or_insert_with(|| {
                    graph.nodes.push(reached);
                    graph.nodes.len() - 1
                });
                ways.push((way, place));
            }
            graph.ways.push(ways);
            next += 1;
        }
        Ok(graph)
    }

    /// What comes of one thing that happens, checked against the account.
    fn follow(&mut self, rules: &Rules, node: &Node, way: &Way) -> Result<(HostState, Ledger), String> {
        let mut ledger = node.ledger.clone();
        let event = match way {
            Way::Tick => {
                ledger.tick();
                return Ok((aged(&node.state), ledger));
            }
            Way::Event(event) => event,
        };
        self.steps += 1;
        let after = match (rules.step)(&node.state, event) {
            Step::Moved(state) => {
                *self.moved.entry(kind(event).0).or_insert(0) += 1;
                Some(*state)
            }
            Step::Stayed(_) => None,
        };
        check(node, event, after.as_ref())?;
        ledger.note(event);
        let state = after.unwrap_or_else(|| node.state.clone());
        Ok((state, ledger))
    }

    /// What led to a state, in short.
    pub(super) fn path(&self, place: usize) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = place;
        while let Some((before, way)) = &self.nodes[at].parent {
            path.push(match way {
                Way::Tick => "tick".to_owned(),
                Way::Event(event) => format!("{event:?}"),
            });
            at = *before;
        }
        path.reverse();
        path
    }

    /// The ways that led to a state, first to last.
    pub(super) fn ways_to(&self, place: usize) -> Vec<Way> {
        let mut ways = Vec::new();
        let mut at = place;
        while let Some((before, way)) = &self.nodes[at].parent {
            ways.push(way.clone());
            at = *before;
        }
        ways.reverse();
        ways
    }
}

/// What must hold of every single step.
fn check(node: &Node, event: &Event, after: Option<&HostState>) -> Result<(), String> {
    let served = matches!(event, Event::ScriptServed { .. });
    if served && after.is_some() && node.ledger.permitted_attempt().is_none() {
        return Err("an install script was served that nobody permitted".to_owned());
    }
    let named = match event {
        Event::Finished { run, token, .. }
        | Event::CameUp { run, token, .. }
        | Event::RunFailed { run, token, .. }
        | Event::GuardPassed { run, token, .. } => Some((*run, *token)),
        _ => None,
    };
    if let (Some((run, token)), Some(after)) = (named, after)
        && node.ledger.run.is_some()
        && !node.ledger.is_present(run, token)
    {
        return Err(format!("a report about another run or token led to {after:?}"));
    }
    let begins = |state: &HostState| matches!(state.phase, Phase::Armed { .. } | Phase::Installing { .. });
    if after.is_some_and(begins) && !begins(&node.state) && !matches!(event, Event::Armed { .. }) {
        return Err("a grant came from nowhere".to_owned());
    }
    if let (Phase::Installing { grant, .. }, None) = (&node.state.phase, after) {
        for disk in DISKS {
            let named = node.ledger.wipes.iter().any(|serial| serial == disk.serial);
            let go = guard(Wipe::EmptyOnly, grant, disk) == GuardVerdict::Go;
            if go && disk.content.is_some() && !named {
                return Err(format!("the guard let {disk:?} pass, which nobody named"));
            }
        }
    }
    Ok(())
}
