//! The transition table: what becomes of a host when something happens to it.
//!
//! Total and pure. Every event names every phase, so that a new event or phase does not compile until all its cells are
//! decided. What is late, repeated or foreign changes nothing.

use std::fmt;
use std::net::IpAddr;

use crate::state::{QUEUE_MAX, WIPES_MAX};
use crate::{Event, Failure, Grant, Grantor, HostState, Phase, ProfileName, Run, RunNumber, Stance, Timestamp, Token};

/// What an event does to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The host is now in this state.
    Moved(Box<HostState>),
    /// Nothing changes, for this reason.
    Stayed(Stayed),
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stayed {
    /// It is so already.
    Already,
    /// It speaks of a run that is over, or comes after a deadline.
    Late,
    /// It names a run or token that is not the present one's.
    Foreign,
    /// No install was granted.
    NotGranted,
    /// The host is locked.
    Locked,
    /// The run under way has to be stopped first.
    Installing,
    /// There is no arming or run to which it could apply.
    NotArmed,
    /// An operator's word stands against a rule.
    Decided,
    /// The queue would be empty or too long.
    QueueLength,
    /// All attempts of the run are used.
    AttemptsUsed,
    /// It is not time yet.
    Early,
    /// A disk without a serial number cannot be told from another.
    NoSerial,
}

use Step::{Moved, Stayed as Stay};

/// What becomes of a host in `state` when `event` happens.
#[must_use]
pub fn step(state: &HostState, event: &Event) -> Step {
    match event {
        Event::Armed { grant, queue } => armed(state, grant, queue),
        Event::Queued { profiles } => queued(state, profiles),
        Event::WipeAllowed { serial } => wipe_allowed(state, serial),
        Event::Held => settled(state, Phase::New { stance: Stance::Hold }),
        Event::LocalChosen => settled(state, Phase::New { stance: Stance::Local }),
        Event::LiveChosen { profile } => live_chosen(state, profile),
        Event::Ignored => settled(state, Phase::Ignored),
        Event::Locked => locked(state),
        Event::Unlocked { at } => unlocked(state, *at),
        Event::ScriptServed {
            token,
            chosen,
            revision,
            at,
            deadline,
            max_attempts,
            to,
        } => script_served(
            state,
            (*token, chosen.as_ref(), *revision),
            (*at, *deadline),
            *max_attempts,
            *to,
        ),
        Event::Finished { run, token, at } => finished(state, *run, *token, *at),
        Event::RunFailed {
            run,
            token,
            at,
            failure,
        } => run_failed(state, *run, *token, *at, failure),
        Event::CameUp { run, token, at } => came_up(state, *run, *token, *at),
        Event::GuardPassed { run, token, serial } => guard_passed(state, *run, *token, serial),
        Event::AttemptsSpent { at, max_attempts } => attempts_spent(state, *at, *max_attempts),
        Event::IdentityChanged { difference, at, .. } => identity_changed(state, difference, *at),
        Event::GrantExpired { at } => grant_expired(state, *at),
        Event::DeadlinePassed { at } => deadline_passed(state, *at),
        Event::Restored => restored(state),
        Event::StageOverdue { run } => stalled(state, *run, true),
        Event::StageReached { run } => stalled(state, *run, false),
    }
}

fn armed(state: &HostState, grant: &Grant, queue: &[ProfileName]) -> Step {
    if state.locked {
        return Stay(Stayed::Locked);
    }
    if queue.is_empty() || queue.len() > QUEUE_MAX || grant.wipe.len() > WIPES_MAX {
        return Stay(Stayed::QueueLength);
    }
    let by_rule = matches!(grant.by, Grantor::Rule(_));
    match &state.phase {
        Phase::New {
            stance: Stance::Hold | Stance::Local,
        } if by_rule => Stay(Stayed::Decided),
        Phase::Armed { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored
            if by_rule =>
        {
            Stay(Stayed::Decided)
        }
        Phase::Installing { .. } => Stay(Stayed::Installing),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => moved(
            state,
            Phase::Armed {
                grant: Box::new(grant.clone()),
                queue: queue.to_vec(),
            },
        ),
    }
}

fn queued(state: &HostState, profiles: &[ProfileName]) -> Step {
    let longer = |queue: &[ProfileName]| -> Option<Vec<ProfileName>> {
        let queue = [queue, profiles].concat();
        (!profiles.is_empty() && queue.len() <= QUEUE_MAX).then_some(queue)
    };
    let phase = match &state.phase {
        Phase::Armed { grant, queue } => longer(queue).map(|queue| Phase::Armed {
            grant: grant.clone(),
            queue,
        }),
        Phase::Installing { run, grant, rest } => longer(rest).map(|rest| Phase::Installing {
            run: run.clone(),
            grant: grant.clone(),
            rest,
        }),
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            return Stay(Stayed::NotArmed);
        }
    };
    phase.map_or(Stay(Stayed::QueueLength), |phase| moved(state, phase))
}

fn wipe_allowed(state: &HostState, serial: &str) -> Step {
    match &state.phase {
        Phase::Armed { grant, queue } => with_wipe(grant, serial).map_or_else(Stay, |grant| {
            moved(
                state,
                Phase::Armed {
                    grant,
                    queue: queue.clone(),
                },
            )
        }),
        Phase::Installing { run, grant, rest } => with_wipe(grant, serial).map_or_else(Stay, |grant| {
            moved(
                state,
                Phase::Installing {
                    run: run.clone(),
                    grant,
                    rest: rest.clone(),
                },
            )
        }),
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            Stay(Stayed::NotArmed)
        }
    }
}

fn with_wipe(grant: &Grant, serial: &str) -> Result<Box<Grant>, Stayed> {
    if serial.is_empty() {
        return Err(Stayed::NoSerial);
    }
    if grant.wipe.contains(serial) {
        return Err(Stayed::Already);
    }
    if grant.wipe.len() >= WIPES_MAX {
        return Err(Stayed::QueueLength);
    }
    let mut grant = grant.clone();
    grant.wipe.insert(serial.to_owned());
    Ok(Box::new(grant))
}

/// An operator's word that ends whatever the host was doing.
fn settled(state: &HostState, phase: Phase) -> Step {
    if state.phase == phase {
        Stay(Stayed::Already)
    } else {
        moved(state, phase)
    }
}

fn live_chosen(state: &HostState, profile: &ProfileName) -> Step {
    if state.locked {
        return Stay(Stayed::Locked);
    }
    match &state.phase {
        Phase::Live { profile: present } if present == profile => Stay(Stayed::Already),
        Phase::Installing { .. } => Stay(Stayed::Installing),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => moved(
            state,
            Phase::Live {
                profile: profile.clone(),
            },
        ),
    }
}

/// A lock takes an unused arming away; a run under way has to be stopped by another word first.
fn locked(state: &HostState) -> Step {
    if state.locked {
        return Stay(Stayed::Already);
    }
    let phase = match &state.phase {
        Phase::Installing { .. } => return Stay(Stayed::Installing),
        Phase::Armed { .. } => Phase::New { stance: Stance::Hold },
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            state.phase.clone()
        }
    };
    Moved(Box::new(HostState {
        phase,
        locked: true,
        runs: state.runs,
    }))
}

/// The time after which an installed host is protected begins anew, else the next tick would lock it again.
fn unlocked(state: &HostState, at: Timestamp) -> Step {
    if !state.locked {
        return Stay(Stayed::Already);
    }
    let mut phase = state.phase.clone();
    match &mut phase {
        Phase::Installed { up: Some(up), .. } => *up = at,
        Phase::Installed { up: None, .. }
        | Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installing { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => {}
    }
    Moved(Box::new(HostState {
        phase,
        locked: false,
        runs: state.runs,
    }))
}

fn script_served(
    state: &HostState,
    (token, chosen, revision): (Token, Option<&ProfileName>, u64),
    (at, deadline): (Timestamp, Timestamp),
    max_attempts: u32,
    to: Option<IpAddr>,
) -> Step {
    if state.locked {
        return Stay(Stayed::Locked);
    }
    match &state.phase {
        Phase::Armed { grant, .. } if at >= grant.expires => Stay(Stayed::Late),
        Phase::Armed { .. } if max_attempts == 0 => Stay(Stayed::AttemptsUsed),
        Phase::Armed { grant, queue } => {
            let Some((profile, rest)) = queue.split_first() else {
                return Stay(Stayed::NotGranted);
            };
            let runs = state.runs.saturating_add(1);
            let number = RunNumber::new(runs);
            let profile = chosen.unwrap_or(profile).clone();
            let run = Run {
                number,
                profile,
                revision,
                token,
                started: at,
                deadline,
                attempts: 1,
                stalled: false,
                to,
            };
            let phase = Phase::Installing {
                run,
                grant: grant.clone(),
                rest: rest.to_vec(),
            };
            Moved(Box::new(HostState {
                phase,
                locked: false,
                runs,
            }))
        }
        Phase::Installing { run, .. } if at >= run.deadline => Stay(Stayed::Late),
        Phase::Installing { run, .. } if run.attempts >= max_attempts => Stay(Stayed::AttemptsUsed),
        Phase::Installing { run, grant, rest } => {
            let run = Run {
                attempts: run.attempts.saturating_add(1),
                stalled: false,
                to,
                ..run.clone()
            };
            moved(
                state,
                Phase::Installing {
                    run,
                    grant: grant.clone(),
                    rest: rest.clone(),
                },
            )
        }
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            Stay(Stayed::NotGranted)
        }
    }
}

fn finished(state: &HostState, number: RunNumber, token: Token, at: Timestamp) -> Step {
    match &state.phase {
        Phase::Installing { run, .. } if run.number != number || run.token != token => Stay(Stayed::Foreign),
        Phase::Installing { run, grant, rest } => match rest.is_empty() {
            true => moved(state, installed(run, at, None)),
            false => moved(
                state,
                Phase::Armed {
                    grant: Box::new(renewed(grant, at)),
                    queue: rest.clone(),
                },
            ),
        },
        Phase::Installed { run, .. } if *run == number => Stay(Stayed::Already),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::Late),
    }
}

fn installed(run: &Run, done: Timestamp, up: Option<Timestamp>) -> Phase {
    Phase::Installed {
        run: run.number,
        profile: run.profile.clone(),
        done,
        up,
    }
}

/// The grant for the rest of a queue: it lapses after the same time as at first, counted from now.
fn renewed(grant: &Grant, at: Timestamp) -> Grant {
    Grant {
        at,
        expires: at.after(grant.expires.since(grant.at)),
        ..grant.clone()
    }
}

fn run_failed(state: &HostState, number: RunNumber, token: Token, at: Timestamp, failure: &Failure) -> Step {
    match &state.phase {
        Phase::Installing { run, .. } if run.number != number || run.token != token => Stay(Stayed::Foreign),
        Phase::Installing { run, .. } => moved(state, failed(run, at, failure.clone())),
        Phase::Failed { run, .. } if *run == number => Stay(Stayed::Already),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::Late),
    }
}

fn failed(run: &Run, at: Timestamp, failure: Failure) -> Phase {
    Phase::Failed {
        run: run.number,
        profile: run.profile.clone(),
        at,
        failure,
    }
}

/// An installed system that calls proves that the install is over, even where the installer's own report was lost.
fn came_up(state: &HostState, number: RunNumber, token: Token, at: Timestamp) -> Step {
    match &state.phase {
        Phase::Installing { run, .. } if run.number != number || run.token != token => Stay(Stayed::Foreign),
        Phase::Installing { run, grant, rest } => match rest.is_empty() {
            true => moved(state, installed(run, at, Some(at))),
            false => moved(
                state,
                Phase::Armed {
                    grant: Box::new(renewed(grant, at)),
                    queue: rest.clone(),
                },
            ),
        },
        Phase::Installed { run, up: Some(_), .. } if *run == number => Stay(Stayed::Already),
        Phase::Installed {
            run,
            profile,
            done,
            up: None,
        } if *run == number => moved(
            state,
            Phase::Installed {
                run: *run,
                profile: profile.clone(),
                done: *done,
                up: Some(at),
            },
        ),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::Late),
    }
}

fn guard_passed(state: &HostState, number: RunNumber, token: Token, serial: &str) -> Step {
    match &state.phase {
        Phase::Installing { run, .. } if run.number != number || run.token != token => Stay(Stayed::Foreign),
        Phase::Installing { .. } => wipe_allowed(state, serial),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::Late),
    }
}

fn attempts_spent(state: &HostState, at: Timestamp, max_attempts: u32) -> Step {
    match &state.phase {
        Phase::Installing { run, .. } if run.attempts < max_attempts => Stay(Stayed::Early),
        Phase::Installing { run, .. } => moved(state, failed(run, at, Failure::AttemptsUsed)),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::NotArmed),
    }
}

fn identity_changed(state: &HostState, difference: &str, at: Timestamp) -> Step {
    match &state.phase {
        Phase::Armed { .. } => moved(state, Phase::New { stance: Stance::Hold }),
        Phase::Installing { run, .. } => moved(state, failed(run, at, Failure::IdentityChanged(difference.to_owned()))),
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            Stay(Stayed::NotArmed)
        }
    }
}

fn grant_expired(state: &HostState, at: Timestamp) -> Step {
    match &state.phase {
        Phase::Armed { grant, .. } if at < grant.expires => Stay(Stayed::Early),
        Phase::Armed { .. } => moved(state, Phase::New { stance: Stance::Hold }),
        Phase::New { .. }
        | Phase::Installing { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::NotArmed),
    }
}

/// What an earlier record permits was perhaps used since then, and nobody knows: it is withdrawn, and a person looks.
fn restored(state: &HostState) -> Step {
    match &state.phase {
        Phase::Armed { .. } | Phase::Installing { .. } => moved(state, Phase::New { stance: Stance::Hold }),
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            Stay(Stayed::NotArmed)
        }
    }
}

fn deadline_passed(state: &HostState, at: Timestamp) -> Step {
    match &state.phase {
        Phase::Installing { run, .. } if at < run.deadline => Stay(Stayed::Early),
        Phase::Installing { run, .. } => moved(state, failed(run, at, Failure::Deadline)),
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::NotArmed),
    }
}

fn stalled(state: &HostState, number: RunNumber, stalled: bool) -> Step {
    match &state.phase {
        Phase::Installing { run, .. } if run.number != number => Stay(Stayed::Foreign),
        Phase::Installing { run, .. } if run.stalled == stalled => Stay(Stayed::Already),
        Phase::Installing { run, grant, rest } => {
            let run = Run { stalled, ..run.clone() };
            moved(
                state,
                Phase::Installing {
                    run,
                    grant: grant.clone(),
                    rest: rest.clone(),
                },
            )
        }
        Phase::New { .. }
        | Phase::Armed { .. }
        | Phase::Installed { .. }
        | Phase::Failed { .. }
        | Phase::Live { .. }
        | Phase::Ignored => Stay(Stayed::Late),
    }
}

fn moved(state: &HostState, phase: Phase) -> Step {
    Moved(Box::new(HostState { phase, ..state.clone() }))
}

impl fmt::Display for Stayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Already => "it is so already",
            Self::Late => "it comes too late",
            Self::Foreign => "it speaks of another run",
            Self::NotGranted => "no install was granted",
            Self::Locked => "the host is locked; `bootwright host unlock` takes the lock away",
            Self::Installing => "an install is under way; `bootwright host hold` stops it",
            Self::NotArmed => "the host is not armed; `bootwright host arm` arms it",
            Self::Decided => "an operator decided otherwise",
            Self::QueueLength => "the queue must name between 1 and 16 profiles",
            Self::AttemptsUsed => "all attempts are used; `bootwright host arm` grants another run",
            Self::Early => "it is not time yet",
            Self::NoSerial => "a disk without a serial number cannot be named",
        })
    }
}
