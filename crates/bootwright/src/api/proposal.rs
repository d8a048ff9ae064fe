//! What rules propose, and the operator's word on it.

use axum::extract::State;
use axum::{Extension, Json};
use bootwright_console::Operator;
use bootwright_core::HostId;
use bootwright_engine::{Engine, Proposal as Proposed, Rehearsal};
use bootwright_proto::http::api::{ApplyReport, ApplyRequest, Proposal, ProposalList};

use super::body::{self, Body};
use super::fault::Fault;
use super::{ApiState, rehearsal};

pub(super) async fn list(State(state): State<ApiState>) -> Result<Json<ProposalList>, Fault> {
    let proposals = state.core.read(|engine, _| {
        let proposals = engine.proposals();
        proposals.iter().map(|proposal| view(engine, proposal)).collect()
    });
    Ok(Json(ProposalList { proposals }))
}

pub(super) async fn apply(
    State(state): State<ApiState>,
    Extension(operator): Extension<Operator>,
    body: Body,
) -> Result<Json<ApplyReport>, Fault> {
    let ApplyRequest { hosts } = body::document_or_default(body)?;
    let meant = state.core.read(|engine, _| {
        let resolve = |name: &String| engine.resolve(name).ok_or_else(|| Fault::unknown_host(engine, name));
        hosts.iter().map(resolve).collect::<Result<Vec<HostId>, Fault>>()
    })?;
    let proposed: Vec<(HostId, Vec<Rehearsal>)> = state.core.read(|engine, now| {
        let proposals = engine.proposals().into_iter();
        let asked = proposals.filter(|proposal| meant.is_empty() || meant.contains(&proposal.host));
        asked
            .map(|Proposed { host, profile, .. }| {
                let rehearsals = engine.rehearse(now, host.as_str(), &[profile]);
                (host, rehearsals)
            })
            .collect()
    });
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for (host, rehearsals) in proposed {
        let slip = rehearsals
            .iter()
            .find_map(|one| Some((one, rehearsal::slip(&state, one)?)));
        match slip {
            None => fit.push(host),
            Some((rehearsal, slip)) => unfit.push(format!(
                "{}: not armed, {}",
                rehearsal.ticket.name,
                rehearsal::words(rehearsal, &slip)
            )),
        }
    }
    let answer = state.core.ask(|engine, now| {
        let proposed = engine.proposals();
        let outcome = engine.apply_proposals(now, operator.name(), &fit);
        let armed: Vec<Proposal> = outcome.reply.iter().map(|proposal| view(engine, proposal)).collect();
        let over_limit = proposed
            .iter()
            .filter(|proposal| fit.contains(&proposal.host))
            .filter(|proposal| !outcome.reply.contains(proposal))
            .map(|proposal| {
                let name = engine.display_name(&proposal.host);
                format!(
                    "{name}: not armed, rule {} has granted all that its `limit` allows",
                    proposal.rule
                )
            });
        let not_proposed = meant
            .iter()
            .filter(|host| !proposed.iter().any(|proposal| proposal.host == **host))
            .map(|host| format!("{}: no rule proposes to arm it", engine.display_name(host)));
        let skipped = unfit.into_iter().chain(over_limit).chain(not_proposed).collect();
        outcome.map(|_| ApplyReport { armed, skipped })
    });
    Ok(Json(answer.settled().await?))
}

fn view(engine: &Engine, proposal: &Proposed) -> Proposal {
    let host = engine.world().hosts.get(&proposal.host);
    Proposal {
        host: engine.display_name(&proposal.host).to_string(),
        rule: proposal.rule.to_string(),
        profile: proposal.profile.to_string(),
        state: host.map_or("new", |host| host.state.phase.name()).to_owned(),
    }
}
