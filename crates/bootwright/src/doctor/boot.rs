//! Trying it out: B01 to B03.

use super::facts::Facts;
use super::report::Judged;

/// How far a boot came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Booted {
    /// To a script, by these stages.
    Script {
        /// The stages, in order.
        stages: Vec<String>,
    },
    /// It ended at this stage.
    Failed {
        /// The stage, as people call it.
        stage: String,
        /// What was seen there.
        why: String,
    },
    /// It was not tried.
    Untried(String),
}

fn untried(facts: &Facts) -> Option<Judged> {
    facts.boot.untried.as_ref().map(|why| Judged::skipped(why.clone()))
}

fn each(all: &[(String, Result<String, String>)]) -> (Vec<String>, Vec<String>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (what, came) in all {
        match came {
            Ok(words) => good.push(format!("{what}: {words}")),
            Err(words) => bad.push(format!("{what}: {words}")),
        }
    }
    (good, bad)
}

pub(super) fn base_url(facts: &Facts) -> Judged {
    if let Some(judged) = untried(facts) {
        return judged;
    }
    let (good, bad) = each(&facts.boot.urls);
    match (bad.is_empty(), good.is_empty()) {
        (true, true) => Judged::skipped("no interface is served (N01)"),
        (true, false) => Judged::ok(good.join(", ")),
        (false, _) => Judged::error(format!("machines are told a URL that does not lead here: {}", bad.join(", "))).advice(
            "correct `base_url` in `[server]`, or take it out: machines are then told the address of the interface on which they \
             ask",
        ),
    }
}

pub(super) fn programs(facts: &Facts) -> Judged {
    if let Some(judged) = untried(facts) {
        return judged;
    }
    let (good, bad) = each(&facts.boot.programs);
    match (bad.is_empty(), good.is_empty()) {
        (true, true) => Judged::skipped("there is no boot program (I01), or no interface is served (N01)"),
        (true, false) => Judged::ok(good.join(", ")),
        (false, _) => Judged::error(format!(
            "a boot program does not come by TFTP as it lies on the disk: {}",
            bad.join(", ")
        ))
        .advice(
            "start the daemon anew: it reads boot programs when it starts; P03, P07 and I01 say what else may be wrong",
        ),
    }
}

pub(super) fn loopback(facts: &Facts) -> Judged {
    if let Some(judged) = untried(facts) {
        return judged;
    }
    let boots = &facts.boot.boots;
    let failed = boots.iter().find_map(|(what, booted)| match booted {
        Booted::Failed { stage, why } => Some((what, stage, why)),
        Booted::Script { .. } | Booted::Untried(_) => None,
    });
    if let Some((what, stage, why)) = failed {
        return Judged::error(format!("{what}: the boot ended at {stage}: {why}")).advice(
            "the checks above with a warning or an error say why; `bootwright status` has the daemon's own view",
        );
    }
    let told: Vec<String> = boots
        .iter()
        .map(|(what, booted)| match booted {
            Booted::Script { stages } => format!("{what}: {}", stages.join(" → ")),
            Booted::Untried(why) => format!("{what}: not tried, {why}"),
            Booted::Failed { .. } => what.clone(),
        })
        .collect();
    if boots.iter().any(|(_, booted)| matches!(booted, Booted::Script { .. })) {
        Judged::ok(told.join("; "))
    } else if told.is_empty() {
        Judged::skipped("there is no boot program (I01), or no interface is served (N01)")
    } else {
        Judged::skipped(told.join("; "))
    }
}
