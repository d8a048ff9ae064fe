//! The runs of a host, each with what happened in it: what an earlier run said is never shown as the present one's.

use std::collections::BTreeMap;

use bootwright_proto::http::api::{EventView, FinishedRunView, HostDetail, StateView};
use maud::{Markup, html};

use crate::page::{badge, words};

/// What happened in each run, and, as run 0, between them; the newest first within each.
pub(super) fn by_run(events: &[EventView]) -> BTreeMap<u32, Vec<&EventView>> {
    let mut found: BTreeMap<u32, Vec<&EventView>> = BTreeMap::new();
    let mut current = 0;
    for event in events {
        // A state with a run is that run's; one without ends it, and is its last word.
        let own = event.run.unwrap_or(current);
        current = match (&event.state, event.run) {
            (_, Some(run)) => run,
            (Some(_), None) => 0,
            (None, None) => current,
        };
        found.entry(own).or_default().push(event);
    }
    found
}

/// All runs, the newest first and open.
pub(super) fn runs(detail: &HostDetail, events: &[EventView]) -> Markup {
    let mut told = by_run(events);
    let present = match &detail.detail {
        StateView::Installing { run, .. } => Some(run.number),
        _ => None,
    };
    html! {
        section.card #runs aria-labelledby="runs-title" {
            h2 #runs-title { "Runs" }
            @if present.is_none() && detail.runs.is_empty() { p.calm { "It was not installed from here yet." } }
            @if let StateView::Installing { run, .. } = &detail.detail {
                details.run open {
                    summary { strong { "Run " (run.number) } " " (run.profile) " " (badge::badge(if run.stalled { "stalled" } else { "installing" })) " began " (words::when(&run.started)) }
                    (events_of(told.remove(&run.number)))
                }
            }
            @for (index, run) in detail.runs.iter().rev().enumerate() {
                details.run open[index == 0 && present.is_none()] {
                    summary { (finished(run)) }
                    @if let Some(reason) = &run.reason { p.why { (reason) } }
                    (events_of(told.remove(&run.number)))
                }
            }
            @if let Some(others) = told.remove(&0) {
                details.run open[present.is_none() && detail.runs.is_empty()] {
                    summary { strong { "Beside the runs" } " " (words::counted(others.len() as u64, "event")) }
                    (events_of(Some(others)))
                }
            }
        }
    }
}

fn finished(run: &FinishedRunView) -> Markup {
    html! {
        strong { "Run " (run.number) } " " (run.profile) " "
        (badge::badge(if run.succeeded { "done" } else { "failed" }))
        " took " (words::span(run.took_ms)) ", "
        @if run.attempts == 1 { "1 attempt, " } @else { (run.attempts) " attempts, " }
        "ended " (words::when(&run.ended))
    }
}

fn events_of(events: Option<Vec<&EventView>>) -> Markup {
    let events = events.unwrap_or_default();
    let first = events.first().map(|event| event.at_ms);
    html! {
        ol.events {
            @for event in &events {
                li {
                    span.at title=(words::exact(&event.time)) { "+" (words::span(event.at_ms.saturating_sub(first.unwrap_or_default()))) }
                    span.verb { (event.verb) }
                    span { (event.note) @if let Some(person) = event.by.strip_prefix("operator ") { span.quiet { " by " (person) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_after_a_run_has_ended_is_not_told_as_its_own() {
        let event = |seq: u64, verb: &str, state: Option<&str>, run: Option<u32>| EventView {
            seq,
            time: "2026-03-01T12:00:00.000Z".to_owned(),
            at_ms: seq * 1000,
            verb: verb.to_owned(),
            host: Some("oak-42".to_owned()),
            by: "machine".to_owned(),
            note: format!("{verb} {seq}"),
            state: state.map(str::to_owned),
            profile: None,
            run,
            attempt: None,
        };
        let events = [
            event(1, "new", None, None),
            event(2, "armed", Some("armed"), None),
            event(3, "boot", Some("installing"), Some(1)),
            event(4, "fetch", None, None),
            event(5, "fail", Some("failed"), None),
            event(6, "local", None, None),
            event(7, "armed", Some("armed"), None),
            event(8, "boot", Some("installing"), Some(2)),
            event(9, "fetch", None, None),
            event(10, "done", Some("installed"), None),
        ];
        let told = by_run(&events);
        let seqs = |run: u32| told[&run].iter().map(|event| event.seq).collect::<Vec<_>>();
        assert_eq!(seqs(0), [1, 2, 6, 7]);
        assert_eq!(seqs(1), [3, 4, 5]);
        assert_eq!(seqs(2), [8, 9, 10]);
    }
}
