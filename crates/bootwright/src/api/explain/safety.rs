//! Every safety rule that has a say, those that stop something first.

use bootwright_core::{Failure, Phase, RuleVerdict, Span, Stance, Timestamp, Unknown};
use bootwright_engine::{Engine, Explanation};
use bootwright_proto::http::api::Line;

use super::super::moment::Now;

/// The points, each with the key of `[safety]` or the word that it is about.
pub(super) fn lines(engine: &Engine, now: Timestamp, clock: Now, explained: &Explanation) -> Vec<Line> {
    let mut lines = stops(engine, explained);
    lines.extend(of_state(engine, now, clock, explained));
    lines.extend(documents(engine, now, explained));
    lines.extend(budgets(engine, explained));
    lines
}

fn line(code: &str, words: String) -> Line {
    Line {
        code: code.to_owned(),
        words,
        time: None,
        count: None,
    }
}

/// What stops an install now.
fn stops(engine: &Engine, explained: &Explanation) -> Vec<Line> {
    let host = &explained.view.host;
    let mut lines = Vec::new();
    if !engine.store_up() {
        lines.push(line(
            "store",
            "the store cannot be written, so that nothing begins".to_owned(),
        ));
    } else if engine.store_low() {
        lines.push(line(
            "store",
            "the disk of the store is almost full, so that nothing new begins".to_owned(),
        ));
    }
    if let Some(why) = &explained.paused {
        lines.push(line(
            "pause",
            format!("installs are paused: {why}; `bootwright resume` lets them go on"),
        ));
    }
    if host.state.locked {
        let words = format!(
            "it is locked; `bootwright host unlock {}` takes the lock away",
            explained.view.name
        );
        lines.push(line("lock", words));
    }
    let (installing, limit) = explained.installing;
    if installing >= limit {
        let words = format!("{installing} of {limit} installs are under way: the next one waits");
        lines.push(line("max_concurrent", words));
    }
    let (started, limit) = explained.started_last_hour;
    if started >= limit {
        let words = format!("{started} of {limit} installs began within the last hour: the next one waits");
        lines.push(line("max_new_per_hour", words));
    }
    lines
}

/// What holds because of the host's state.
fn of_state(engine: &Engine, now: Timestamp, clock: Now, explained: &Explanation) -> Vec<Line> {
    let (host, name) = (&explained.view.host, &explained.view.name);
    let safety = &explained.policy.safety;
    match &host.state.phase {
        Phase::New { stance: Stance::Policy } => undecided(engine, explained),
        Phase::New { stance: Stance::Hold } => vec![line(
            "operator",
            "an operator holds it, or its arming lapsed (`arm_ttl`); no rule arms it".to_owned(),
        )],
        Phase::New { stance: Stance::Local } => vec![line(
            "operator",
            "an operator chose its own disk; no rule arms it".to_owned(),
        )],
        Phase::Armed { grant, .. } => vec![
            Line {
                time: Some(clock.text(grant.expires)),
                ..line(
                    "arm_ttl",
                    format!("its arming by {} lapses, unless its install begins", grant.by),
                )
            },
            line(
                "identity",
                "it was armed as the machine with these facts; one that shows others is held".to_owned(),
            ),
        ],
        Phase::Installing { run, .. } => {
            let (served, most) = (run.attempts, safety.max_attempts);
            let end = if served >= most {
                "; if it asks again, the run fails"
            } else {
                ""
            };
            vec![
                line(
                    "max_attempts",
                    format!("its script was served {served} of {most} times{end}"),
                ),
                Line {
                    time: Some(clock.text(run.deadline)),
                    ..line("deadline", "its run fails if nothing is heard".to_owned())
                },
            ]
        }
        Phase::Installed { up, .. } => vec![line("protect_after", protection(safety.protect_after, *up, now))],
        Phase::Failed { failure, at, .. } => vec![
            Line {
                time: Some(clock.text(*at)),
                ..line(rule_of(failure), format!("its run failed: {failure}"))
            },
            line(
                "install-once",
                format!("nothing is installed again until `bootwright host arm {name}`"),
            ),
        ],
        Phase::Live { .. } | Phase::Ignored => Vec::new(),
    }
}

/// The rule by which a run failed.
const fn rule_of(failure: &Failure) -> &'static str {
    match failure {
        Failure::Deadline => "deadline",
        Failure::AttemptsUsed => "max_attempts",
        Failure::Guard(_) => "wipe",
        Failure::IdentityChanged(_) => "identity",
        Failure::Cancelled => "operator",
        Failure::Reported(_) => "installer",
    }
}

/// Whether the documents of its run leave by plain HTTP.
fn documents(engine: &Engine, now: Timestamp, explained: &Explanation) -> Option<Line> {
    let count = match &explained.view.host.state.phase {
        Phase::Armed { queue, .. } => explained.policy.profiles.get(queue.first()?)?.files.len(),
        // It keeps the profile that it was started with.
        Phase::Installing { run, .. } => engine.ticket(now, run.token)?.profile.files.len(),
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => 0,
    };
    let words = match (count, explained.policy.safety.documents_over_http) {
        (0, _) => return None,
        (_, false) => "its installer gets none of its profile's files: only plain HTTP could bring them".to_owned(),
        (1, true) => "the file of its profile can be read on the segment while its run lasts".to_owned(),
        (_, true) => format!("the {count} files of its profile can be read on the segment while its run lasts"),
    };
    Some(line("documents_over_http", words))
}

/// What becomes of a host that nobody has decided about: the rule that fits first, else the policy.
fn undecided(engine: &Engine, explained: &Explanation) -> Vec<Line> {
    let mut lines = Vec::new();
    let first = explained
        .rules
        .iter()
        .find(|trace| trace.verdict == RuleVerdict::Matches);
    if let Some(rule) = first.filter(|rule| rule.auto_arm) {
        let defined = explained.policy.rules.iter().find(|defined| defined.name == rule.rule);
        let limit = defined.and_then(|defined| defined.limit).unwrap_or(0);
        let record = engine.world().site.rules.get(&rule.rule);
        let record = record.filter(|record| defined.is_some_and(|rule| rule.fingerprint == record.fingerprint));
        let granted = record.map_or(0, |record| record.granted);
        let end = if granted >= limit { ": it arms no more" } else { "" };
        lines.push(line(
            "limit",
            format!("rule `{}` has granted {granted} of {limit} installs{end}", rule.rule),
        ));
        if record.is_none_or(|record| explained.view.host.since <= record.since) {
            let words = format!(
                "rule `{}` is younger than this host; `bootwright apply` accepts it",
                rule.rule
            );
            lines.push(line("apply", words));
        }
        let most = explained.policy.safety.max_rule_arms_per_minute;
        lines.push(line(
            "max_rule_arms_per_minute",
            format!("more than {most} armings by one rule within a minute would pause all installs"),
        ));
    }
    let what = match &explained.policy.safety.unknown {
        Unknown::Hold => "are held".to_owned(),
        Unknown::Local => "start their own disks".to_owned(),
        Unknown::Ignore => "are not answered".to_owned(),
        Unknown::Install(profile) => format!("are installed with {profile}, which overwrites their disks"),
    };
    lines.push(line("unknown", format!("hosts that nobody has decided about {what}")));
    lines
}

fn protection(after: Option<Span>, up: Option<Timestamp>, now: Timestamp) -> String {
    match (after, up) {
        (None, _) => "it is never locked by itself".to_owned(),
        (Some(span), None) => format!("it is locked {span} after its system comes up"),
        (Some(span), Some(up)) if up.after(span) > now => {
            format!("it is locked in {}", up.after(span).since(now))
        }
        (Some(span), Some(_)) => format!("it is locked {span} after its system came up, which is over"),
    }
}

/// The budgets that leave room, and how near they are.
fn budgets(engine: &Engine, explained: &Explanation) -> Vec<Line> {
    let safety = &explained.policy.safety;
    let mut lines = Vec::new();
    let (installing, limit) = explained.installing;
    if installing < limit {
        lines.push(line(
            "max_concurrent",
            format!("{installing} of {limit} installs are under way"),
        ));
    }
    let (started, limit) = explained.started_last_hour;
    if started < limit {
        lines.push(line(
            "max_new_per_hour",
            format!("{started} of {limit} installs began within the last hour"),
        ));
    }
    lines.push(line(
        "pause_after_failures",
        format!(
            "{} runs failed in a row; {} would pause all installs",
            engine.world().site.failures,
            safety.pause_after_failures
        ),
    ));
    lines
}
