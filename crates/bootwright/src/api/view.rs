//! Hosts as the API shows them.

use std::collections::BTreeMap;

use bootwright_core::fact::{Quality, mac_quality};
use bootwright_core::lease::Lease;
use bootwright_core::nickname::console_code;
use bootwright_core::{Facts, Failure, Firmware, Grant, Grantor, Phase, Run, Stance};
use bootwright_engine::{HostView, Stage};
use bootwright_proto::http::api::{
    CardView, FactsView, FinishedRunView, FirstStepView, GrantView, HostDetail, HostSummary, LeaseView, LocalBootView,
    ProgressView, RunView, StateView,
};

use super::moment::Now;

/// A host in a list.
pub(super) fn summary(view: &HostView, now: Now) -> HostSummary {
    let (host, visit) = (&view.host, &view.visit);
    let run = host.state.phase.run();
    HostSummary {
        host: view.name.to_string(),
        state: host.state.phase.name().to_owned(),
        profile: host.state.phase.profile().map(ToString::to_string),
        locked: host.state.locked,
        stalled: run.is_some_and(|run| run.stalled),
        run: host.state.runs,
        mac: visit
            .boot_mac
            .or_else(|| host.facts.macs.first().copied())
            .map(|mac| mac.to_string()),
        address: visit.address.map(|address| address.to_string()),
        last_seen: visit.seen.map(|seen| now.text(seen)),
        progress: (run.is_some() || visit.fetching.is_some()).then(|| progress(view)),
        badge: view.badge.to_owned(),
        attention: view.attention,
        why: why(view),
        suggestion: view.suggestion.as_ref().map(ToString::to_string),
        run_started: run.map(|run| now.text(run.started)),
        labels: merged(
            &host.labels,
            view.definition.as_ref().map(|definition| &definition.labels),
        ),
        link: visit.link.clone(),
        firmware: visit.firmware.map(|firmware| {
            let name = match firmware {
                Firmware::Bios => "bios",
                Firmware::Uefi => "uefi",
            };
            name.to_owned()
        }),
        make: make(&host.facts),
    }
}

/// What the machine waits for, or why its run ended.
fn why(view: &HostView) -> Option<String> {
    match &view.host.state.phase {
        Phase::Failed { failure, .. } => Some(failure.to_string()),
        _ => view.visit.held.as_ref().map(ToString::to_string),
    }
}

/// The maker, and what the maker calls it.
fn make(facts: &Facts) -> Option<String> {
    let words: Vec<&str> = [&facts.manufacturer, &facts.product]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn merged(own: &BTreeMap<String, String>, defined: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut all = defined.cloned().unwrap_or_default();
    all.extend(own.clone());
    all
}

fn progress(view: &HostView) -> ProgressView {
    let visit = &view.visit;
    let fetching = visit.fetching.as_ref();
    let stage = match visit.stage {
        Stage::Unseen if view.host.state.phase.run().is_some() => Stage::Script,
        Stage::Unseen => Stage::FirstFile,
        stage => stage,
    };
    ProgressView {
        stage: stage.name().to_owned(),
        percent: visit.percent,
        message: visit.message.clone(),
        file: fetching.map(|fetching| fetching.name.clone()),
        bytes: fetching.map(|fetching| fetching.bytes),
        bytes_total: fetching.map(|fetching| fetching.size),
    }
}

/// Everything about a host. `words` say what it would be told now.
pub(super) fn detail(view: &HostView, words: String, now: Now) -> HostDetail {
    let host = &view.host;
    let configured = view.definition.as_ref();
    let pinned = configured.and_then(|definition| definition.local);
    let method = pinned.or(view.local.map(|(method, _)| method));
    HostDetail {
        summary: summary(view, now),
        since: now.text(host.since),
        facts: facts(&host.facts),
        detail: state(&host.state.phase, now),
        words,
        configured: configured.is_some(),
        metadata: merged(
            &host.metadata,
            view.described.as_ref().map(|described| &described.metadata),
        ),
        reported: host.reported.clone(),
        first_step: first_step(view),
        local_boot: LocalBootView {
            method: method.map(|method| method.name().to_owned()),
            pinned: pinned.is_some(),
            returns: host.local.returns,
            whence: view.local.map(|(_, whence)| whence.name().to_owned()),
            parked: host.local.is_parked(),
        },
        leases: view.leases.iter().map(|one| lease(one, now)).collect(),
        code: console_code(host.id.as_str().as_bytes()),
        runs: host.runs.iter().map(|run| finished(run, now)).collect(),
    }
}

/// An address that one of its cards was leased.
fn lease(lease: &Lease, now: Now) -> LeaseView {
    LeaseView {
        address: lease.address.to_string(),
        mac: lease.holder.to_string(),
        state: lease.state.name().to_owned(),
        until: now.text(lease.until),
    }
}

/// What worked for its firmware, and what is being tried.
fn first_step(view: &HostView) -> Option<FirstStepView> {
    let (worked, climb) = (view.host.first_step.as_deref(), view.visit.climb);
    let pinned = view.definition.as_ref().and_then(|definition| definition.offer);
    if worked.is_none() && climb.is_none() && pinned.is_none() {
        return None;
    }
    let offer = worked.and_then(|step| step.strategy);
    let make = climb.map(|climb| climb.make).or(worked.map(|step| step.make));
    let tried = climb
        .map(|climb| climb.strategy)
        .filter(|strategy| Some(*strategy) != offer);
    Some(FirstStepView {
        offer: offer.map(|strategy| strategy.to_string()),
        file: worked.map(|step| step.file.clone()),
        make: make.map(|make| make.to_string()),
        pinned: pinned.map(|strategy| strategy.to_string()),
        tried: tried.map(|strategy| strategy.to_string()),
        unanswered: climb.map_or(0, |climb| climb.offers),
        uncalled: climb.map_or(0, |climb| climb.fetches),
    })
}

/// What is known of a machine.
pub(super) fn facts(facts: &Facts) -> FactsView {
    FactsView {
        cards: facts
            .macs
            .iter()
            .map(|mac| CardView {
                mac: mac.to_string(),
                quality: quality(mac_quality(*mac)).to_owned(),
            })
            .collect(),
        uuid: facts.uuid.map(|uuid| uuid.to_string()),
        serial: facts.serial.clone(),
        asset: facts.asset.clone(),
        manufacturer: facts.manufacturer.clone(),
        product: facts.product.clone(),
    }
}

const fn quality(quality: Quality) -> &'static str {
    match quality {
        Quality::Good => "good",
        Quality::Shared => "shared",
        Quality::Junk => "junk",
    }
}

fn state(phase: &Phase, now: Now) -> StateView {
    match phase {
        Phase::New { stance } => StateView::New {
            stance: match stance {
                Stance::Policy => "policy",
                Stance::Hold => "hold",
                Stance::Local => "local",
            }
            .to_owned(),
        },
        Phase::Armed { grant: given, queue } => StateView::Armed {
            grant: grant(given, now),
            queue: queue.iter().map(ToString::to_string).collect(),
        },
        Phase::Installing {
            run,
            grant: given,
            rest,
        } => StateView::Installing {
            run: running(run, now),
            grant: grant(given, now),
            rest: rest.iter().map(ToString::to_string).collect(),
        },
        Phase::Installed { run, profile, done, up } => StateView::Installed {
            run: run.get(),
            profile: profile.to_string(),
            done: now.text(*done),
            up: up.map(|up| now.text(up)),
        },
        Phase::Failed {
            run,
            profile,
            at,
            failure,
        } => StateView::Failed {
            run: run.get(),
            profile: profile.to_string(),
            at: now.text(*at),
            failure: failure_code(failure).to_owned(),
            reason: failure.to_string(),
        },
        Phase::Live { profile } => StateView::Live {
            profile: profile.to_string(),
        },
        Phase::Ignored => StateView::Ignored,
    }
}

fn grant(grant: &Grant, now: Now) -> GrantView {
    GrantView {
        by: match &grant.by {
            Grantor::Operator(name) => name.clone(),
            Grantor::Rule(name) => format!("rule {name}"),
        },
        at: now.text(grant.at),
        expires: now.text(grant.expires),
        allow_wipe: grant.wipe.iter().cloned().collect(),
    }
}

fn running(run: &Run, now: Now) -> RunView {
    RunView {
        number: run.number.get(),
        profile: run.profile.to_string(),
        started: now.text(run.started),
        deadline: now.text(run.deadline),
        attempts: run.attempts,
        stalled: run.stalled,
    }
}

fn finished(run: &bootwright_core::FinishedRun, now: Now) -> FinishedRunView {
    FinishedRunView {
        number: run.number.get(),
        profile: run.profile.to_string(),
        started: now.text(run.started),
        ended: now.text(run.ended),
        took_ms: run.ended.since(run.started).as_millis(),
        attempts: run.attempts,
        succeeded: run.failure.is_none(),
        failure: run.failure.as_ref().map(|failure| failure_code(failure).to_owned()),
        reason: run.failure.as_ref().map(ToString::to_string),
    }
}

const fn failure_code(failure: &Failure) -> &'static str {
    match failure {
        Failure::Reported(_) => "reported",
        Failure::Deadline => "deadline",
        Failure::AttemptsUsed => "attempts-used",
        Failure::Guard(_) => "guard",
        Failure::Cancelled => "cancelled",
        Failure::IdentityChanged(_) => "identity-changed",
    }
}
