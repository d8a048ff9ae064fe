//! Hosts: a list, and one of them.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use bootwright_engine::{Answer, Explanation, Filter};
use bootwright_proto::http::api::{HostList, HostLog};

use super::fault::Fault;
use super::query::Items;
use super::{ApiState, version, view, word};

/// How many hosts a page has unless somebody says otherwise, and at most.
const PAGE_HOSTS: usize = 1000;

pub(super) async fn list(State(state): State<ApiState>, items: Items) -> Result<Json<HostList>, Fault> {
    let label = items.text("label").map(|label| match label.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
        None => (label, None),
    });
    let filter = Filter {
        state: items.text("state"),
        badges: items
            .all("badge")
            .filter(|badge| !badge.is_empty())
            .map(str::to_owned)
            .collect(),
        profile: items.text("profile"),
        label,
        link: items.text("link"),
        attention: items.text("attention").is_some_and(|word| word == "true"),
        text: items.text("text"),
        after: items.text("after"),
        limit: items.number("limit")?.unwrap_or(PAGE_HOSTS).min(PAGE_HOSTS),
    };
    let page = state.core.read(|engine, _| engine.hosts(&filter));
    let now = state.moments.read();
    Ok(Json(HostList {
        hosts: page.hosts.iter().map(|host| view::summary(host, now)).collect(),
        next: page
            .hosts
            .last()
            .filter(|_| page.more)
            .map(|last| last.host.id.to_string()),
        total: u64::try_from(page.total).unwrap_or(u64::MAX),
    }))
}

pub(super) async fn show(State(state): State<ApiState>, Path(name): Path<String>) -> Result<impl IntoResponse, Fault> {
    let explanation = state.core.read(|engine, now| {
        engine
            .explain(now, &name)
            .ok_or_else(|| Fault::unknown_host(engine, &name))
    })?;
    let words = told(&explanation);
    let detail = view::detail(&explanation.view, words, state.moments.read());
    Ok((version::header(&explanation.view), Json(detail)))
}

/// How much of a log is answered, in bytes.
const LOG_BYTES_MAX: u64 = 256 << 10;

pub(super) async fn log(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    items: Items,
) -> Result<Json<HostLog>, Fault> {
    let run = items.number("run")?;
    let (host, shown) = state.core.read(|engine, _| {
        let host = engine
            .resolve(&name)
            .ok_or_else(|| Fault::unknown_host(engine, &name))?;
        let shown = engine.display_name(&host).to_string();
        Ok::<_, Fault>((host, shown))
    })?;
    let journal = state.plane.journal.clone();
    let reading = tokio::task::spawn_blocking(move || journal.read(&host, run, LOG_BYTES_MAX));
    let kept = match reading.await {
        Ok(Ok(kept)) => kept,
        Ok(Err(error)) => return Err(Fault::internal(format!("the log cannot be read: {error}"))),
        Err(_) => return Err(Fault::internal("reading the log has failed")),
    };
    Ok(Json(match kept {
        Some(kept) => HostLog {
            host: shown,
            run: kept.run,
            runs: kept.runs,
            whole: kept.bytes <= LOG_BYTES_MAX,
            bytes: kept.bytes,
            text: kept.text,
        },
        None => HostLog {
            host: shown,
            run: run.unwrap_or(0),
            runs: Vec::new(),
            bytes: 0,
            whole: true,
            text: String::new(),
        },
    }))
}

/// What the host's boot loader would be told, in words.
pub(super) fn told(explanation: &Explanation) -> String {
    let script = explanation.answers.iter().find_map(|answer| match answer {
        Answer::Script { verdict, .. } => Some(word::verdict(verdict, &explanation.policy)),
        Answer::Dhcp { .. } => None,
    });
    script.unwrap_or_default()
}
