//! What to ask next: commands that show what would have to be otherwise.

use bootwright_core::{Attribute, Phase, RuleVerdict};
use bootwright_engine::Explanation;

/// The most commands that are shown; more would be read by nobody.
const COMMANDS_MAX: usize = 3;

/// The commands for the host that was asked about by this name.
pub(super) fn commands(name: &str, explained: &Explanation) -> Vec<String> {
    let view = &explained.view;
    let explain = |what: String| format!("bootwright explain {name} --as-if {what}");
    let mut commands = Vec::new();
    let waits = match &view.host.state.phase {
        Phase::New { .. } | Phase::Installed { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored => {
            true
        }
        Phase::Armed { .. } | Phase::Installing { .. } => false,
    };
    let profiles = explained.policy.profiles.values();
    let first = || {
        profiles
            .into_iter()
            .find(|profile| profile.menu.is_none())
            .map(|profile| profile.name.clone())
    };
    if let Some(profile) = view.suggestion.clone().or_else(first).filter(|_| waits) {
        commands.push(explain(format!("profile={profile}")));
    }
    for trace in &explained.rules {
        let RuleVerdict::Differs { attribute, wanted, .. } = &trace.verdict else {
            break;
        };
        // A pattern is no value, and a host is not called otherwise for a rule.
        let value = wanted.as_str();
        let plain = !value.contains(['*', '?']) && !value.contains(char::is_whitespace);
        if plain && *attribute != Attribute::Host {
            commands.push(explain(format!("{attribute}={value}")));
        }
    }
    if explained.paused.is_some() {
        commands.push(explain("paused=no".to_owned()));
    }
    commands.truncate(COMMANDS_MAX);
    commands
}
