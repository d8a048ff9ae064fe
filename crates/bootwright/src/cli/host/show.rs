//! One host in words.

use std::collections::BTreeMap;

use bootwright_proto::http::api::{
    FinishedRunView, FirstStepView, GrantView, HostDetail, LeaseView, LocalBootView, RunView, StateView,
};

use super::super::age::Now;
use super::super::table::{Table, safe};
use super::{progress_words, state_word};

/// Everything about a host, a line each.
pub(super) fn words(detail: &HostDetail, now: Now) -> String {
    let mut table = Table::bare();
    let mut line = |name: &str, words: String| table.row([name.to_owned(), safe(&words)]);
    let summary = &detail.summary;
    line("host", summary.host.clone());
    line("state", format!("{}: {}", state_word(summary), detail.words));
    for (name, words) in state_lines(&detail.detail, now) {
        line(name, words);
    }
    if let Some(progress) = &summary.progress {
        let message = progress.message.as_ref();
        let message = message.map(|message| format!(" ({message})")).unwrap_or_default();
        line("progress", format!("{}{message}", progress_words(progress)));
    }
    for (name, words) in fact_lines(detail) {
        line(name, words);
    }
    line("seen", seen_words(detail, now));
    for lease in &detail.leases {
        line("lease", lease_words(lease, now));
    }
    if let Some(step) = &detail.first_step {
        line("first step", first_step_words(step));
    }
    line("local boot", local_words(&detail.local_boot));
    if let Some(labels) = pairs(&detail.summary.labels) {
        line("labels", labels);
    }
    if let Some(metadata) = pairs(&detail.metadata) {
        line("metadata", metadata);
    }
    let mut text = table.text("");
    if !detail.reported.is_empty() {
        text.push_str("\nreported by the machine\n");
        let mut table = Table::bare();
        for (name, value) in by_number(&detail.reported) {
            table.row([safe(name), safe(value)]);
        }
        text.push_str(&table.text("  "));
    }
    if !detail.runs.is_empty() {
        text.push_str("\nfinished runs\n");
        text.push_str(&runs_table(&detail.runs, now).text("  "));
    }
    text
}

fn state_lines(state: &StateView, now: Now) -> Vec<(&'static str, String)> {
    match state {
        StateView::New { stance } if stance == "policy" => Vec::new(),
        StateView::New { stance } => vec![("chosen", format!("an operator chose `{stance}`"))],
        StateView::Armed { grant, queue } => vec![("queue", queue.join(", ")), ("granted", grant_words(grant, now))],
        StateView::Installing { run, grant, rest } => {
            let mut lines = vec![("run", run_words(run, now)), ("granted", grant_words(grant, now))];
            if !rest.is_empty() {
                lines.push(("then", rest.join(", ")));
            }
            lines
        }
        StateView::Installed { run, profile, done, up } => {
            let up = up.as_ref().map_or_else(
                || "its system was not heard of yet".to_owned(),
                |up| format!("its system came up {}", now.relative(up)),
            );
            vec![(
                "installed",
                format!("{profile}, run {run}, {}; {up}", now.relative(done)),
            )]
        }
        StateView::Failed {
            run,
            profile,
            at,
            reason,
            ..
        } => vec![(
            "failed",
            format!("{profile}, run {run}, {}: {reason}", now.relative(at)),
        )],
        StateView::Live { profile } => vec![("boots", format!("{profile} every time"))],
        StateView::Ignored => Vec::new(),
    }
}

fn grant_words(grant: &GrantView, now: Now) -> String {
    let (by, at) = (&grant.by, now.relative(&grant.at));
    let mut words = format!("by {by} {at}, lapses unused {}", now.relative(&grant.expires));
    if !grant.allow_wipe.is_empty() {
        words.push_str(&format!("; may overwrite {}", grant.allow_wipe.join(", ")));
    }
    words
}

fn run_words(run: &RunView, now: Now) -> String {
    let RunView {
        number,
        profile,
        attempts,
        ..
    } = run;
    format!(
        "{number} of {profile}, attempt {attempts}, began {}, fails {}",
        now.relative(&run.started),
        now.relative(&run.deadline)
    )
}

fn fact_lines(detail: &HostDetail) -> Vec<(&'static str, String)> {
    let facts = &detail.facts;
    let mut lines: Vec<(&'static str, String)> = facts
        .cards
        .iter()
        .map(|card| {
            let odd = if card.quality == "good" {
                ""
            } else {
                ", which tells nothing"
            };
            ("card", format!("{}{odd}", card.mac))
        })
        .collect();
    let maker: Vec<&str> = [&facts.manufacturer, &facts.product]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let maker = Some(maker.join(" ")).filter(|maker| !maker.is_empty());
    let others = [
        ("uuid", facts.uuid.clone()),
        ("serial", facts.serial.clone()),
        ("asset", facts.asset.clone()),
        ("machine", maker),
        ("firmware", detail.summary.firmware.clone()),
    ];
    lines.extend(others.into_iter().filter_map(|(name, words)| Some((name, words?))));
    lines.push(("code", detail.code.clone()));
    lines
}

fn lease_words(lease: &LeaseView, now: Now) -> String {
    let until = now.relative(&lease.until);
    let state = match lease.state.as_str() {
        "released" => format!("given back {until}"),
        "declined" => format!("kept back, as another machine was seen to use it; that ends {until}"),
        _ if until.ends_with("ago") => format!("ended {until}"),
        _ => format!("ends {until}"),
    };
    format!("{} for {}, {state}", lease.address, lease.mac)
}

fn seen_words(detail: &HostDetail, now: Now) -> String {
    let mut words = match &detail.summary.last_seen {
        Some(seen) => now.relative(seen),
        None => "not since the daemon started".to_owned(),
    };
    if let Some(address) = &detail.summary.address {
        words.push_str(&format!(", at {address}"));
    }
    if let Some(link) = &detail.summary.link {
        words.push_str(&format!(", on {link}"));
    }
    words.push_str(&format!("; known since {}", now.relative(&detail.since)));
    words
}

fn first_step_words(step: &FirstStepView) -> String {
    let mut parts = Vec::new();
    match (&step.offer, &step.file) {
        (Some(offer), Some(file)) => parts.push(format!("{file}, with the offer `{offer}`, worked the last time")),
        (None, Some(file)) => parts.push(format!("{file} worked the last time")),
        (_, None) => parts.push("nothing is known to work yet".to_owned()),
    }
    parts.extend(
        step.pinned
            .as_ref()
            .map(|offer| format!("the configuration words the offer `{offer}`")),
    );
    parts.extend(step.tried.as_ref().map(|offer| format!("offered `{offer}` last")));
    if step.unanswered > 1 {
        parts.push(format!("{} such offers led to nothing", step.unanswered));
    }
    if step.uncalled > 0 {
        parts.push(format!(
            "its boot program was fetched and did not call, {} times",
            step.uncalled
        ));
    }
    parts.extend(step.make.as_ref().map(|make| format!("make {make}")));
    parts.join("; ")
}

fn local_words(local: &LocalBootView) -> String {
    let mut words = local
        .method
        .clone()
        .unwrap_or_else(|| "by its firmware's list".to_owned());
    let whence = local.whence.as_deref();
    words.push_str(match whence.or(local.pinned.then_some("configured")) {
        Some("configured") => ", as the configuration says",
        Some("host") => ", which worked for it before",
        Some("make") => ", which works for others of its product",
        Some("tried") => ", which is tried since others led to nothing",
        _ => "",
    });
    if local.parked {
        words.push_str(&format!("; no method starts its disk, tried {} times", local.returns));
    } else if local.returns > 0 {
        words.push_str(&format!("; came back too early {} times in a row", local.returns));
    }
    words
}

/// Items in the order of their names, numbers among them as numbers: `disks.10` comes behind `disks.9`.
fn by_number(items: &BTreeMap<String, String>) -> Vec<(&String, &String)> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort_by_cached_key(|(name, _)| {
        let part = |part: &str| (part.parse::<u64>().ok(), part.to_owned());
        name.split('.').map(part).collect::<Vec<_>>()
    });
    items
}

fn pairs(map: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Some(pairs.join(" ")).filter(|pairs| !pairs.is_empty())
}

fn runs_table(runs: &[FinishedRunView], now: Now) -> Table {
    let mut table = Table::new(&["RUN", "PROFILE", "ENDED", "TOOK", "ATTEMPTS", "RESULT"]);
    for run in runs {
        let took = bootwright_core::Span::from_millis(run.took_ms);
        table.row([
            run.number.to_string(),
            run.profile.clone(),
            now.relative(&run.ended),
            took.to_string(),
            run.attempts.to_string(),
            if run.succeeded {
                "done".to_owned()
            } else {
                format!(
                    "failed: {}",
                    safe(run.reason.as_deref().unwrap_or("no reason is known"))
                )
            },
        ]);
    }
    table
}
