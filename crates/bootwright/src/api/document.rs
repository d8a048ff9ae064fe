//! The documents that a host would be served, with nothing in them that is secret.

use axum::Json;
use axum::extract::{Path, State};
use bootwright_content::{render_document, secrets_asked};
use bootwright_core::ProfileName;
use bootwright_engine::Rehearsal;
use bootwright_proto::http::api::{DocumentList, DocumentView};

use super::fault::Fault;
use super::query::Items;
use super::{ApiState, rehearsal};

pub(super) async fn list(
    State(state): State<ApiState>,
    Path(host): Path<String>,
    items: Items,
) -> Result<Json<DocumentList>, Fault> {
    let policy = state.core.policy();
    let named = items.text("profile").map(|profile| {
        let fault = || Fault::unknown_profile(&host, &profile, policy.profiles.keys().map(ProfileName::as_str));
        let name = profile.parse::<ProfileName>().map_err(|_| fault())?;
        policy.profiles.contains_key(&name).then_some(name).ok_or_else(fault)
    });
    let named = named.transpose()?;
    let (name, rehearsal) = state.core.read(|engine, now| {
        let view = engine.view(&host).ok_or_else(|| Fault::unknown_host(engine, &host))?;
        let meant = named.or_else(|| view.host.state.phase.profile().cloned());
        let rehearsals = engine.rehearse(now, &host, meant.as_slice());
        Ok::<_, Fault>((view.name.to_string(), rehearsals.into_iter().next()))
    })?;
    let read = tokio::task::spawn_blocking(move || match rehearsal {
        Some(rehearsal) => DocumentList {
            host: name,
            profile: Some(rehearsal.ticket.profile.name.to_string()),
            documents: documents(&state, &rehearsal),
        },
        None => DocumentList {
            host: name,
            ..DocumentList::default()
        },
    });
    let list = read
        .await
        .map_err(|_| Fault::internal("rendering the documents has failed"))?;
    Ok(Json(list))
}

fn documents(state: &ApiState, rehearsal: &Rehearsal) -> Vec<DocumentView> {
    let profile = &rehearsal.ticket.profile;
    let context = rehearsal::context(state, rehearsal);
    let files = profile.files.iter();
    files
        .map(|(name, document)| {
            let (text, trouble) = match render_document(profile, name, &context) {
                Ok(text) => (Some(text), None),
                Err(problem) => (None, Some(problem.error.message)),
            };
            DocumentView {
                document: name.clone(),
                origin: document.origin.clone(),
                text,
                trouble,
                secrets: u64::try_from(secrets_asked(&document.template).len()).unwrap_or(u64::MAX),
            }
        })
        .collect()
}
