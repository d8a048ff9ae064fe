//! What hosts may boot, and how that went so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bootwright_content::made_up;
use bootwright_core::{Confirm, DoneTrigger, Profile, ProfileName};
use bootwright_engine::Experience;
use bootwright_proto::http::api::{ProfileList, ProfileView};

use super::ApiState;
use super::fault::Fault;

pub(super) async fn list(State(state): State<ApiState>) -> Result<Json<ProfileList>, Fault> {
    // Whether the files of images are there is asked of the disk.
    let read = tokio::task::spawn_blocking(move || {
        let experience = state.core.read(|engine, _| engine.experience());
        let policy = state.core.policy();
        let profiles = policy.profiles.values();
        profiles.map(|profile| view(&state, profile, &experience)).collect()
    });
    let profiles = read
        .await
        .map_err(|_| Fault::internal("reading the profiles has failed"))?;
    Ok(Json(ProfileList { profiles }))
}

fn view(state: &ApiState, profile: &Arc<Profile>, experience: &BTreeMap<ProfileName, Experience>) -> ProfileView {
    let seen = experience.get(&profile.name).cloned().unwrap_or_default();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let trouble = || {
        let secrets = state.plane.secrets.trouble(profile);
        secrets.or_else(|| state.plane.artefacts.trouble(profile, &made_up(profile)))
    };
    ProfileView {
        profile: profile.name.to_string(),
        source: profile.source.map(|dialect| dialect.name().to_owned()),
        menu: profile.menu.is_some(),
        kernel: profile.kernel.clone(),
        initrds: profile.initrds.iter().map(|initrd| initrd.source.clone()).collect(),
        args: profile.args.clone(),
        documents: profile.files.keys().cloned().collect(),
        done: done(&profile.done),
        confirm: match profile.confirm {
            Confirm::Dashboard => "dashboard",
            Confirm::Console => "console",
            Confirm::None => "none",
        }
        .to_owned(),
        deadline_ms: profile.deadline.as_millis(),
        trouble: if profile.menu.is_some() { None } else { trouble() },
        hosts: seen.hosts,
        succeeded: count(seen.took.len()),
        failed: seen.failed,
        usual_ms: seen.took.get(seen.took.len() / 2).map(|took| took.as_millis()),
    }
}

fn done(trigger: &DoneTrigger) -> String {
    match trigger {
        DoneTrigger::Callback => "its installer says so".to_owned(),
        DoneTrigger::ConfigServed(name) => format!("its document `{name}` was fetched"),
        DoneTrigger::LastArtifact(name) => format!("`{name}` was fetched to the end"),
        DoneTrigger::Manual => "an operator says so".to_owned(),
    }
}
