//! What becomes due by the passing of time.

use crate::{Event, Host, Phase, Policy, Timestamp};

/// When a host has to be looked at next although nothing happens to it, and what happens to it then.
///
/// Derived from the state, so that no timer has to be kept or restored.
#[must_use]
pub fn due(policy: &Policy, host: &Host) -> Option<(Timestamp, Event)> {
    match &host.state.phase {
        Phase::Armed { grant, .. } => Some((grant.expires, Event::GrantExpired { at: grant.expires })),
        Phase::Installing { run, .. } => Some((run.deadline, Event::DeadlinePassed { at: run.deadline })),
        Phase::Installed { up: Some(up), .. } if !host.state.locked => {
            policy.safety.protect_after.map(|span| (up.after(span), Event::Locked))
        }
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            None
        }
    }
}
