//! The record: pages of it, and what is added.

use std::sync::PoisonError;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use bootwright_core::{Cause, Change, HostId};
use bootwright_engine::Engine;
use bootwright_proto::http::api::{EventGap, EventPage, EventView, Problem, ProblemCode};
use bootwright_store::{EventQuery, Page, Recorded, Seq};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::fault::Fault;
use super::query::Items;
use super::{ApiState, follow, moment};
use crate::telemetry::verb_name;

/// How many events a page has unless somebody says otherwise, and at most.
const PAGE_EVENTS: usize = 1000;

/// The longest wait for an event that has not happened yet.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Which events somebody wants.
pub(super) struct Wanted {
    /// Only those about this host.
    pub(super) host: Option<HostId>,
    /// Only those behind this place.
    pub(super) after: u64,
}

pub(super) async fn events(State(state): State<ApiState>, headers: HeaderMap, items: Items) -> Result<Response, Fault> {
    let host = items.text("host").map(|name| host(&state, &name)).transpose()?;
    let after = last_event_id(&headers)?.or(items.number("after")?);
    if wants_stream(&headers) {
        let bounds = bounds(&state).await?;
        let after = after.unwrap_or(bounds.last);
        let gap = bounds.gap_after(after);
        // Who is ahead of the record knows another one: what is recorded from now on is what they have not seen.
        let after = after.min(bounds.last);
        return Ok(follow::stream(state, Wanted { host, after }, gap));
    }
    let limit = items.number("limit")?.unwrap_or(PAGE_EVENTS).min(PAGE_EVENTS);
    let wait = Duration::from_millis(items.number("wait_ms")?.unwrap_or(0)).min(WAIT_MAX);
    let page = if items.text("last").is_some() {
        last_page(&state, host, limit).await?
    } else {
        let wanted = Wanted {
            host,
            after: after.unwrap_or(0),
        };
        page_after(&state, &wanted, limit, wait).await?
    };
    Ok(Json(page).into_response())
}

/// Where a follower was when its connection broke, as browsers say it.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(id) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let digits = |text: &&str| (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = id.to_str().ok().filter(digits).and_then(|text| text.parse().ok());
    let fault = || Fault::bad_request("`Last-Event-ID` must be the place of an event in the record, a number");
    number.map(Some).ok_or_else(fault)
}

/// The places of the first and the last event that the record keeps.
#[derive(Clone, Copy)]
struct Bounds {
    first: u64,
    last: u64,
}

impl Bounds {
    /// What a reader who has seen all up to this place has missed for good: the record has let go of it, or is another one,
    /// such as after a backup was restored.
    fn gap_after(self, after: u64) -> Option<EventGap> {
        let missed = after.saturating_add(1) < self.first || after > self.last;
        missed.then_some(EventGap {
            after,
            first: self.first,
            last: self.last,
        })
    }
}

async fn bounds(state: &ApiState) -> Result<Bounds, Fault> {
    let first = read(state, Page::After(Seq::ZERO), None, 1).await?;
    let last = last_seq(state).await?;
    Ok(Bounds {
        first: first.first().map_or(last, |recorded| recorded.seq.get()),
        last,
    })
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The host's name in the record. One that was forgotten still has its events.
fn host(state: &ApiState, name: &str) -> Result<HostId, Fault> {
    state.core.read(|engine, _| {
        let known = engine.resolve(name).or_else(|| name.parse().ok());
        known.ok_or_else(|| Fault::unknown_host(engine, name))
    })
}

async fn page_after(state: &ApiState, wanted: &Wanted, limit: usize, wait: Duration) -> Result<EventPage, Fault> {
    // Whoever listens before reading misses nothing.
    let mut news = state.core.follow();
    let gap = bounds(state).await?.gap_after(wanted.after);
    let mut found = read(
        state,
        Page::After(Seq::new(wanted.after)),
        wanted.host.clone(),
        limit + 1,
    )
    .await?;
    if found.is_empty() && !wait.is_zero() && wait_for(&mut news, wanted, wait).await {
        found = read(
            state,
            Page::After(Seq::new(wanted.after)),
            wanted.host.clone(),
            limit + 1,
        )
        .await?;
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let page = page(state, &found, wanted.after, more);
    Ok(EventPage { gap, ..page })
}

async fn last_page(state: &ApiState, host: Option<HostId>, limit: usize) -> Result<EventPage, Fault> {
    let last = last_seq(state).await?;
    let found = read(state, Page::Last, host, limit).await?;
    Ok(page(state, &found, last, false))
}

fn page(state: &ApiState, found: &[Recorded], after: u64, more: bool) -> EventPage {
    EventPage {
        events: views(state, found),
        next: found.last().map_or(after, |last| last.seq.get()),
        more,
        gap: None,
    }
}

/// Waits for an event that is wanted. Says whether there may be one.
async fn wait_for(news: &mut Receiver<Recorded>, wanted: &Wanted, wait: Duration) -> bool {
    let arrival = async {
        loop {
            match news.recv().await {
                Ok(recorded) if wanted.fits(&recorded) => return true,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    };
    tokio::time::timeout(wait, arrival).await.unwrap_or(false)
}

impl Wanted {
    /// Whether the event is one of them.
    pub(super) fn fits(&self, recorded: &Recorded) -> bool {
        let about = recorded.entry.change.host();
        recorded.seq.get() > self.after && self.host.as_ref().is_none_or(|host| about == Some(host))
    }
}

/// The last place in the record.
pub(super) async fn last_seq(state: &ApiState) -> Result<u64, Fault> {
    let last = read(state, Page::Last, None, 1).await?;
    Ok(last.last().map_or(0, |recorded| recorded.seq.get()))
}

/// Reads a page, on a thread that may wait for the disk.
pub(super) async fn read(
    state: &ApiState,
    page: Page,
    host: Option<HostId>,
    limit: usize,
) -> Result<Vec<Recorded>, Fault> {
    let reader = state.reader.clone();
    let query = EventQuery { page, host, limit };
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.events(&query)
    });
    match reading.await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(Problem::new(ProblemCode::StoreUnavailable)
            .detail(format!("the record cannot be read: {error}"))
            .hint("`bootwright check --store` says what is left")
            .into()),
        Err(_) => Err(Fault::internal("reading the record has failed")),
    }
}

/// Events as the API shows them.
pub(super) fn views(state: &ApiState, found: &[Recorded]) -> Vec<EventView> {
    state
        .core
        .read(|engine, _| found.iter().map(|recorded| view(engine, recorded)).collect())
}

/// An event as the API shows it.
pub(crate) fn event_view(core: &crate::core::Core, recorded: &Recorded) -> EventView {
    core.read(|engine, _| view(engine, recorded))
}

fn view(engine: &Engine, recorded: &Recorded) -> EventView {
    let entry = &recorded.entry;
    let state = match &entry.change {
        Change::StateSet { state, .. } => Some(state),
        Change::HostAdded { .. }
        | Change::FactsBound { .. }
        | Change::FirstStepSet { .. }
        | Change::LocalBootSet { .. }
        | Change::LabelSet { .. }
        | Change::MetadataSet { .. }
        | Change::ReportedSet { .. }
        | Change::HostForgotten { .. }
        | Change::HostNoted { .. }
        | Change::PauseSet { .. }
        | Change::RuleSet { .. }
        | Change::SiteNoted => None,
    };
    let run = state.and_then(|state| state.phase.run());
    EventView {
        seq: recorded.seq.get(),
        time: moment::wall(recorded.wall_ms),
        at_ms: entry.at.as_millis(),
        verb: verb_name(entry.verb).to_owned(),
        host: entry.change.host().map(|id| engine.display_name(id).to_string()),
        by: by(&entry.by),
        note: entry.note.clone(),
        state: state.map(|state| state.phase.name().to_owned()),
        profile: state.and_then(|state| state.phase.profile()).map(ToString::to_string),
        run: run.map(|run| run.number.get()),
        attempt: run.map(|run| run.attempts),
    }
}

fn by(cause: &Cause) -> String {
    match cause {
        Cause::Operator(name) => format!("operator {name}"),
        Cause::Rule(name) => format!("rule {name}"),
        Cause::Machine => "machine".to_owned(),
        Cause::Clock => "clock".to_owned(),
        Cause::Daemon => "daemon".to_owned(),
    }
}
