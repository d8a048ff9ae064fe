//! The configuration: read again, or only checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use bootwright_console::Operator;
use bootwright_proto::http::api::{ConfigChange, ConfigDiff, DiagnosticView, Nothing, ReloadReport, Severity};

use super::ApiState;
use super::body::{self, Body};
use super::diagnostic::{plain, views};
use super::fault::Fault;
use crate::reload::Unusable;

pub(super) async fn reload(
    State(state): State<ApiState>,
    Extension(operator): Extension<Operator>,
    body: Body,
) -> Result<Json<ReloadReport>, Fault> {
    body::document_or_default::<Nothing>(body)?;
    let before = state.core.policy();
    let reloader = Arc::clone(&state.reloader);
    let reloaded = on_thread(move || reloader.reload(Some(operator.name()))).await?;
    Ok(Json(match reloaded {
        Ok(reloaded) => {
            let mut changes = changes(&before, &state.core.policy());
            if reloaded.restart {
                changes.push("settings of sockets or directories differ; they count after a restart".to_owned());
            }
            ReloadReport {
                accepted: true,
                diagnostics: views(&reloaded.warnings),
                changes,
                proposals: u32::try_from(reloaded.proposals.len()).unwrap_or(u32::MAX),
            }
        }
        Err(unusable) => refused(&unusable),
    }))
}

pub(super) async fn check(State(state): State<ApiState>, body: Body) -> Result<Json<ReloadReport>, Fault> {
    body::document_or_default::<Nothing>(body)?;
    let before = state.core.policy();
    let reloader = Arc::clone(&state.reloader);
    let loaded = on_thread(move || reloader.check()).await?;
    Ok(Json(match loaded {
        Ok(loaded) => ReloadReport {
            accepted: true,
            diagnostics: views(&loaded.warnings),
            changes: changes(&before, &loaded.policy),
            proposals: 0,
        },
        Err(unusable) => refused(&unusable),
    }))
}

pub(super) async fn diff(State(state): State<ApiState>) -> Result<Json<ConfigDiff>, Fault> {
    let reloader = Arc::clone(&state.reloader);
    let found = on_thread(move || reloader.diff()).await?;
    Ok(Json(match found {
        Ok((changes, warnings)) => ConfigDiff {
            usable: true,
            changes: changes
                .into_iter()
                .map(|change| ConfigChange {
                    key: change.key,
                    before: change.before,
                    after: change.after,
                    restart: change.restart,
                })
                .collect(),
            diagnostics: views(&warnings),
        },
        Err(unusable) => ConfigDiff {
            diagnostics: refused(&unusable).diagnostics,
            ..ConfigDiff::default()
        },
    }))
}

/// Files are read where waiting for a disk holds nobody up.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Fault::internal("reading the configuration has failed"))
}

fn refused(unusable: &Unusable) -> ReloadReport {
    let diagnostics: Vec<DiagnosticView> = match unusable {
        Unusable::Wrong(diagnostics) => views(diagnostics),
        Unusable::Unreadable { path, why } => vec![plain(
            Severity::Error,
            format!("cannot read `{}`: {why}", path.display()),
            "make it readable for the daemon's user",
        )],
    };
    ReloadReport {
        accepted: false,
        diagnostics,
        ..ReloadReport::default()
    }
}

/// What differs, a sentence for each kind of thing.
fn changes(before: &bootwright_core::Policy, after: &bootwright_core::Policy) -> Vec<String> {
    let mut found = Vec::new();
    if before.safety != after.safety {
        found.push("`[safety]` changed".to_owned());
    }
    let dhcp = |policy: &bootwright_core::Policy| {
        let (first, others) = (policy.first_files.clone(), policy.other_files.clone());
        (policy.dhcp, policy.merged_offer, first, others)
    };
    if dhcp(before) != dhcp(after) {
        found.push("`[dhcp]` changed".to_owned());
    }
    let revision = |policy: &bootwright_core::Policy| -> Vec<(String, u64)> {
        let profiles = policy.profiles.iter();
        profiles
            .map(|(name, profile)| (name.to_string(), profile.revision))
            .collect()
    };
    found.extend(differences("profile", &revision(before), &revision(after)));
    let rules = |policy: &bootwright_core::Policy| -> Vec<(String, u64)> {
        policy
            .rules
            .iter()
            .map(|rule| (rule.name.to_string(), rule.fingerprint))
            .collect()
    };
    found.extend(differences("rule", &rules(before), &rules(after)));
    let hosts = |policy: &bootwright_core::Policy| -> Vec<(String, bootwright_core::HostDefinition)> {
        let hosts = policy.hosts.iter();
        hosts
            .map(|(name, definition)| (name.to_string(), definition.clone()))
            .collect()
    };
    found.extend(differences("host", &hosts(before), &hosts(after)));
    found
}

/// The names that were added, removed or given another meaning.
fn differences<T: PartialEq>(noun: &str, before: &[(String, T)], after: &[(String, T)]) -> Vec<String> {
    /// The first of each name.
    fn by_name<T>(list: &[(String, T)]) -> BTreeMap<&str, &T> {
        let mut found = BTreeMap::new();
        for (name, value) in list {
            found.entry(name.as_str()).or_insert(value);
        }
        found
    }
    let (was, is) = (by_name(before), by_name(after));
    let names =
        |verb: &str, names: Vec<&str>| (!names.is_empty()).then(|| format!("{noun} `{}` {verb}", names.join("`, `")));
    let added = after.iter().filter(|(name, _)| !was.contains_key(name.as_str()));
    let removed = before.iter().filter(|(name, _)| !is.contains_key(name.as_str()));
    let changed = after.iter().filter(|(name, value)| {
        let was = was.get(name.as_str());
        was.is_some_and(|was| *was != value)
    });
    [
        names("added", added.map(|(name, _)| name.as_str()).collect()),
        names("removed", removed.map(|(name, _)| name.as_str()).collect()),
        names("changed", changed.map(|(name, _)| name.as_str()).collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_removed_and_changed_is_named() {
        let list = |items: &[(&str, u8)]| -> Vec<(String, u8)> {
            items.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let (before, after) = (
            list(&[("a", 1), ("b", 1), ("c", 1)]),
            list(&[("b", 2), ("c", 1), ("d", 1), ("e", 1)]),
        );
        let expected = ["rule `d`, `e` added", "rule `a` removed", "rule `b` changed"];
        assert_eq!(differences("rule", &before, &after), expected);
        assert_eq!(differences("rule", &before, &before), Vec::<String>::new());
    }
}
