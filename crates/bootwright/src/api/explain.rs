//! Exactly what a host would be answered now, and why. Nothing here changes anything.

mod answer;
mod config;
mod safety;
mod subject;
mod supposed;
mod why_not;

use axum::Json;
use axum::extract::{Path, State};
use bootwright_core::{HoldWhy, RuleVerdict, Timestamp, Trial};
use bootwright_engine::{Explanation as Explained, HostView};
use bootwright_proto::http::api::{Candidate, Explanation, GuardView, IdentityView, Line, Meant, RuleView};

use super::fault::Fault;
use super::moment::Now;
use super::query::Items;
use super::{ApiState, host, lease, server, view};
use answer::At;
use subject::{Subject, Who};
use supposed::Supposed;

/// What the engine has to say, taken at one moment.
enum Thought {
    /// It would be told this.
    Told {
        explained: Box<Explained>,
        who: Who,
        safety: Vec<Line>,
        leases: Vec<Line>,
        segment: Vec<Line>,
    },
    /// Nobody knows which host it is.
    Doubt { why: HoldWhy, identity: IdentityView },
}

pub(super) async fn explain(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    items: Items,
) -> Result<Json<Explanation>, Fault> {
    let at = items.text("at").map(|at| At::read(&at)).transpose()?;
    let bytes = items.text("bytes").as_deref() == Some("yes");
    let supposed = Supposed::read(items.all("as_if"), &state.core.policy())?;
    let clock = state.moments.read();
    let (subject, mut thought) = state.core.read(|engine, now| {
        let subject = Subject::find(engine, now, &name, &supposed)?;
        let thought = think(engine, now, clock, &subject, None);
        Ok::<_, Fault>((subject, thought))
    })?;
    // What it would install is rendered as if it asked; if that fails it waits.
    if let Thought::Told { explained, .. } = &thought
        && let Some(trial) = answer::try_out(&state, explained, &subject)
    {
        thought = state
            .core
            .read(|engine, now| think(engine, now, clock, &subject, Some(&trial)));
    }
    let mut explanation = document(&state, &name, &subject, thought, clock, bytes);
    if let Some(at) = at {
        explanation.answers.retain(|answer| at.covers(answer));
    }
    Ok(Json(explanation))
}

fn think(
    engine: &bootwright_engine::Engine,
    now: Timestamp,
    clock: Now,
    subject: &Subject,
    trial: Option<&Trial>,
) -> Thought {
    match &subject.who {
        Who::Known(view) | Who::New(view) => {
            let seen = (&subject.seen, trial);
            let explained = engine.explain_supposing(now, (**view).clone(), seen, &subject.site);
            let safety = safety::lines(engine, now, clock, &explained);
            let link = explained.view.visit.link.as_deref();
            let census = link.and_then(|link| Some((link, engine.census().get(link)?)));
            let over_ipv6 = link.and_then(|link| Some((link, engine.census6().get(link)?)));
            let of_ipv4 = census.map(|(link, census)| server::lines(link, "DHCP", census, clock));
            let of_ipv6 = over_ipv6.map(|(link, census)| server::lines(link, "DHCPv6", census, clock));
            let segment = of_ipv4.into_iter().chain(of_ipv6).flatten().collect();
            Thought::Told {
                explained: Box::new(explained),
                who: subject.who.clone(),
                safety,
                leases: lease::lines(engine, now, clock, view),
                segment,
            }
        }
        Who::Nobody => Thought::Doubt {
            why: HoldWhy::Nobody,
            identity: IdentityView::Nobody,
        },
        Who::Doubtful { candidates, why } => {
            let candidate = |id: &bootwright_core::HostId| {
                let host = engine.world().hosts.get(id)?;
                Some(Candidate {
                    host: engine.display_name(id).to_string(),
                    facts: view::facts(&host.facts),
                })
            };
            Thought::Doubt {
                why: HoldWhy::Contradiction(why.clone()),
                identity: IdentityView::Contradiction {
                    candidates: candidates.iter().filter_map(candidate).collect(),
                    why: why.clone(),
                },
            }
        }
    }
}

fn document(state: &ApiState, name: &str, subject: &Subject, thought: Thought, clock: Now, bytes: bool) -> Explanation {
    let (explained, who, safety, leases, segment) = match thought {
        Thought::Told {
            explained,
            who,
            safety,
            leases,
            segment,
        } => (explained, who, safety, leases, segment),
        Thought::Doubt { why, identity } => {
            return Explanation {
                subject: name.to_owned(),
                identity,
                state: "unknown".to_owned(),
                words: format!("it waits: {why}"),
                reported: std::collections::BTreeMap::new(),
                meant: None,
                rules: Vec::new(),
                given: std::collections::BTreeMap::new(),
                safety: Vec::new(),
                guard: None,
                answers: vec![answer::doubt(state, &subject.seen, why)],
                silences: Vec::new(),
                leases: Vec::new(),
                segment: Vec::new(),
                why_not: Vec::new(),
            };
        }
    };
    let view = &explained.view;
    let silence = view.visit.ignored.as_ref().map(|ignored| Line {
        code: "no-answer".to_owned(),
        words: ignored.why.clone(),
        time: Some(clock.text(ignored.last)),
        count: Some(ignored.times),
    });
    Explanation {
        subject: view.name.to_string(),
        identity: match who {
            Who::Known(view) => IdentityView::Known {
                host: view.name.to_string(),
                facts: view::facts(&view.host.facts),
            },
            Who::New(_) | Who::Nobody | Who::Doubtful { .. } => IdentityView::Unknown,
        },
        state: view.host.state.phase.name().to_owned(),
        words: host::told(&explained),
        reported: view.host.reported.clone(),
        meant: meant(state, &explained),
        rules: rules(state, &explained),
        given: given(view),
        safety,
        guard: Some(guard(&explained)),
        answers: answer::all(state, &explained, subject, bytes),
        silences: silence.into_iter().collect(),
        leases,
        segment,
        why_not: why_not::commands(name, &explained),
    }
}

/// The profile that the host is meant for, and what says so.
fn meant(state: &ApiState, explained: &Explained) -> Option<Meant> {
    let view = &explained.view;
    let profile = view.suggestion.as_ref()?;
    let fits = |trace: &&bootwright_engine::RuleTrace| trace.verdict == RuleVerdict::Matches;
    let defined = view
        .definition
        .as_ref()
        .filter(|definition| definition.profile.is_some());
    let by = match (defined, explained.rules.iter().find(fits)) {
        (Some(definition), _) => format!("hosts.{}.profile", definition.name.as_ref().unwrap_or(&view.name)),
        (None, Some(rule)) => format!("rules.{}", rule.rule),
        (None, None) => "safety.unknown".to_owned(),
    };
    Some(Meant {
        profile: profile.to_string(),
        place: state.plane.places.load().line(&by),
        by,
    })
}

/// The metadata that its own section does not say.
fn given(view: &HostView) -> std::collections::BTreeMap<String, String> {
    let own = view.definition.as_ref().map(|definition| &definition.metadata);
    let all = view.described.iter().flat_map(|described| &described.metadata);
    all.filter(|(name, _)| own.is_none_or(|own| !own.contains_key(*name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn rules(state: &ApiState, explained: &Explained) -> Vec<RuleView> {
    let places = state.plane.places.load();
    let fits = |verdict: &RuleVerdict| *verdict == RuleVerdict::Matches;
    let first = explained.rules.iter().position(|trace| fits(&trace.verdict));
    let traces = explained.rules.iter().enumerate();
    traces
        .map(|(index, trace)| RuleView {
            rule: trace.rule.to_string(),
            profile: trace.profile.to_string(),
            matches: fits(&trace.verdict),
            decides: first == Some(index),
            place: places.line(&format!("rules.{}", trace.rule)),
            why: match &trace.verdict {
                RuleVerdict::Matches if trace.auto_arm => "all that it asks is there; it may arm by itself".to_owned(),
                RuleVerdict::Matches => "all that it asks is there; it arms nothing by itself".to_owned(),
                RuleVerdict::Differs {
                    attribute,
                    wanted,
                    shown,
                } if shown.is_empty() => format!("{attribute} is not known, and `{}` is asked for", wanted.as_str()),
                RuleVerdict::Differs {
                    attribute,
                    wanted,
                    shown,
                } => format!(
                    "{attribute} is `{}`, and `{}` is asked for",
                    shown.join("`, `"),
                    wanted.as_str()
                ),
            },
        })
        .collect()
}

fn guard(explained: &Explained) -> GuardView {
    let wipe = match explained.policy.safety.wipe {
        bootwright_core::Wipe::EmptyOnly => "empty-only",
        bootwright_core::Wipe::Always => "always",
    };
    let grant = match &explained.view.host.state.phase {
        bootwright_core::Phase::Armed { grant, .. } | bootwright_core::Phase::Installing { grant, .. } => Some(grant),
        bootwright_core::Phase::New { .. }
        | bootwright_core::Phase::Installed { .. }
        | bootwright_core::Phase::Failed { .. }
        | bootwright_core::Phase::Live { .. }
        | bootwright_core::Phase::Ignored => None,
    };
    GuardView {
        wipe: wipe.to_owned(),
        allowed: grant
            .map(|grant| grant.wipe.iter().cloned().collect())
            .unwrap_or_default(),
    }
}
