//! What an arming would lead to, rendered before it is granted.

use std::net::IpAddr;

use bootwright_content::{Context, ServerValues, check_ahead};
use bootwright_core::ProfileName;
use bootwright_engine::Rehearsal;
use bootwright_proto::http::api::{Problem, ProblemCode};

use super::ApiState;
use super::fault::Fault;
use super::here::here;
use crate::http::script::values;
use crate::slip::Slip;

/// Refuses to arm a host with a profile that cannot be rendered for it. What is not known of the host yet is supposed; what
/// it turns out to be is looked at again when it asks, and costs no attempt then.
pub(super) fn demand(state: &ApiState, host: &str, profiles: &[ProfileName]) -> Result<(), Fault> {
    let rehearsals = state.core.read(|engine, now| engine.rehearse(now, host, profiles));
    for rehearsal in &rehearsals {
        if let Some(slip) = slip(state, rehearsal) {
            let problem = Problem::new(ProblemCode::BadConfiguration).detail(format!(
                "{}: {}",
                rehearsal.ticket.name,
                words(rehearsal, &slip)
            ));
            return Err(Problem {
                hint: slip.hint,
                ..problem
            }
            .into());
        }
    }
    Ok(())
}

/// What a rehearsal renders with. It hides secrets unless it is given them, and a rehearsal's token opens nothing.
pub(super) fn context(state: &ApiState, rehearsal: &Rehearsal) -> Context {
    let Rehearsal {
        ticket,
        seen,
        definition,
    } = rehearsal;
    let here = here(state, seen);
    let server = ServerValues {
        url: here.base.to_string(),
        address: IpAddr::V4(here.address),
    };
    Context::new(
        &ticket.host,
        definition.as_ref(),
        seen,
        ticket.profile.name.clone(),
        Some(values(ticket)),
        server,
    )
}

/// What is wrong with a profile for a host, if anything is.
pub(super) fn slip(state: &ApiState, rehearsal: &Rehearsal) -> Option<Slip> {
    let profile = &rehearsal.ticket.profile;
    let context = context(state, rehearsal);
    let slip = Slip::first(&check_ahead(profile, &context), profile, &state.plane.places.load());
    slip.or_else(|| {
        let what = state.plane.secrets.trouble(profile)?;
        Some(Slip {
            what,
            cannot: Slip::RENDERED,
            hint: None,
        })
    })
    .or_else(|| state.plane.artefacts.trouble(profile, &context).map(Slip::of_image))
}

/// The slip as a sentence, without what to do about it.
pub(super) fn words(rehearsal: &Rehearsal, slip: &Slip) -> String {
    format!(
        "profile {} cannot {}: {}",
        rehearsal.ticket.profile.name, slip.cannot, slip.what
    )
}
