//! Webhooks: how they stand, and a test of one.

use axum::Json;
use axum::extract::{Path, State};
use bootwright_content::nearest;
use bootwright_proto::http::api::{Nothing, Problem, ProblemCode, WebhookList, WebhookReport};

use super::body::{self, Body};
use super::fault::{Fault, shown};
use super::{ApiState, event};

pub(super) async fn list(State(state): State<ApiState>) -> Result<Json<WebhookList>, Fault> {
    let last = event::last_seq(&state).await?;
    let webhooks = state.webhooks.views(last);
    Ok(Json(WebhookList { webhooks }))
}

pub(super) async fn test(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<WebhookReport>, Fault> {
    body::document_or_default::<Nothing>(body)?;
    if let Some(report) = state.webhooks.test(&name).await {
        return Ok(Json(report));
    }
    let known = state.webhooks.views(0);
    let hint = match nearest(&name, known.iter().map(|webhook| webhook.name.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "the configuration has none; `[webhooks.<name>]` defines one".to_owned(),
        None => "`bootwright webhook list` shows all".to_owned(),
    };
    Err(Problem::new(ProblemCode::UnknownWebhook)
        .detail(format!("no webhook is called `{}`", shown(&name)))
        .hint(hint)
        .into())
}
