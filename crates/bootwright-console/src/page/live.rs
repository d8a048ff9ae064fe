//! What changes, as it changes: one stream of server-sent events, made once for all who look.
//!
//! One task renders a host when the record says that something happened to it, and the hosts that install whenever their
//! bytes have moved. It does so only while somebody looks. What it made is sent to everybody as it is, so that five hundred
//! viewers cost five hundred copies of some bytes and no more. Whoever does not read is dropped; the browser comes back with
//! the number of the last change that it saw, and gets those since, or the word to read the page anew.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bootwright_proto::http::api::{EventPage, HostDetail, HostList, HostSummary, Problem, ProblemCode, Role, Status};
use bytes::Bytes;
use futures_util::stream;
use maud::Markup;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, OnceCell, broadcast};

use super::ask::{Asker, escape};
use super::home::{around, heading, is_running};
use super::row::{self, Around};
use super::{Asked, Pages, Viewer, stage};
use crate::Operator;

/// How many changes are kept for those who come back, and how far behind a reader may be.
const KEPT: usize = 512;

/// The most who look at once. Each is a connection.
const VIEWERS_MAX: usize = 1024;

/// How long the record is waited for before the bytes of running installs are looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// How often profiles and their usual times are read anew.
const AROUND_EVERY: Duration = Duration::from_secs(15);

/// How often a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// From how many changed hosts on all are read at once.
const SINGLY_MAX: usize = 24;

/// How many hosts are read at once.
const PAGE_HOSTS: usize = 1000;

/// A change, as it is sent.
#[derive(Clone)]
struct Change {
    number: u64,
    bytes: Bytes,
}

/// The stream.
pub(crate) struct Live {
    api: Router,
    news: broadcast::Sender<Change>,
    kept: Mutex<Kept>,
    /// Set once the task runs and knows where the record ends.
    begun: OnceCell<()>,
    /// Told when somebody begins to look.
    looked_at: Arc<Notify>,
}

#[derive(Default)]
struct Kept {
    last: u64,
    changes: VecDeque<Change>,
}

impl Live {
    pub(crate) fn new(api: Router) -> Self {
        Self {
            api,
            news: broadcast::channel(KEPT).0,
            kept: Mutex::default(),
            begun: OnceCell::new(),
            looked_at: Arc::default(),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the last change so far. A page that is made after this was asked misses nothing if it follows from here.
    pub(crate) async fn mark(self: &Arc<Self>) -> u64 {
        self.begun
            .get_or_init(async || {
                let asker = Asker::new(self.api.clone(), Operator::new("dashboard", Role::Viewer));
                let status: Result<Status, Problem> = asker.get("/status").await;
                let seq = status.map_or(0, |status| status.store.seq);
                tokio::spawn(Renderer::new(Arc::downgrade(self), asker, seq).run());
            })
            .await;
        self.kept().last
    }

    fn tell(&self, kind: &str, data: &serde_json::Value) {
        let mut kept = self.kept();
        kept.last += 1;
        let number = kept.last;
        let change = Change {
            number,
            bytes: Bytes::from(format!("id: {number}\nevent: {kind}\ndata: {data}\n\n")),
        };
        kept.changes.push_back(change.clone());
        if kept.changes.len() > KEPT {
            kept.changes.pop_front();
        }
        // Under the lock, so that who begins to look gets each change once. Nobody may be there to hear it.
        let _ = self.news.send(change);
    }

    /// What came behind this number, if all of it is still known, and what comes from now on.
    fn follow(&self, after: u64) -> (Option<VecDeque<Change>>, broadcast::Receiver<Change>) {
        let kept = self.kept();
        let known = kept.changes.front().map_or(kept.last, |first| first.number - 1);
        let missed = (after >= known && after <= kept.last).then(|| {
            let behind = kept.changes.iter().filter(|change| change.number > after);
            behind.cloned().collect()
        });
        let receiver = self.news.subscribe();
        drop(kept);
        self.looked_at.notify_one();
        (missed, receiver)
    }
}

pub(crate) async fn stream(State(pages): State<Pages>, viewer: Viewer, headers: HeaderMap, asked: Asked) -> Response {
    let last = pages.live.mark().await;
    if pages.live.news.receiver_count() >= VIEWERS_MAX {
        let problem = Problem::new(ProblemCode::Busy).detail("as many pages as are served follow already");
        return super::trouble(&viewer, &problem);
    }
    let resumed = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let after: u64 = resumed.or_else(|| asked.get("after")?.parse().ok()).unwrap_or(last);
    let (missed, news) = pages.live.follow(after);
    let first = match &missed {
        Some(_) => Bytes::from_static(b"retry: 1000\n\n"),
        // Numbers begin anew with the daemon, and are forgotten in time.
        None => Bytes::from_static(b"retry: 1000\nevent: reset\ndata: {}\n\n"),
    };
    let reader = (Some(first), missed.unwrap_or_default(), news);
    let body = stream::unfold(reader, async |(first, mut missed, mut news)| {
        if let Some(first) = first {
            return Some((Ok::<_, Infallible>(first), (None, missed, news)));
        }
        if let Some(change) = missed.pop_front() {
            return Some((Ok(change.bytes), (None, missed, news)));
        }
        match tokio::time::timeout(KEEP_ALIVE, news.recv()).await {
            Ok(Ok(change)) => Some((Ok(change.bytes), (None, missed, news))),
            Err(_) => Some((Ok(Bytes::from_static(b":\n\n")), (None, missed, news))),
            // Too slow: it comes back by itself with what it saw last.
            Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) => None,
        }
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that gather answers would hold it back.
        (
            header::HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    (StatusCode::OK, headers, Body::from_stream(body)).into_response()
}

/// Who renders.
struct Renderer {
    live: std::sync::Weak<Live>,
    asker: Asker,
    /// The last line of the record that was looked at.
    seq: u64,
    around: (Option<Instant>, Around),
    /// The hosts that install, as they were last told.
    running: BTreeMap<String, HostSummary>,
}

impl Renderer {
    fn new(live: std::sync::Weak<Live>, asker: Asker, seq: u64) -> Self {
        Self {
            live,
            asker,
            seq,
            around: (None, Around::default()),
            running: BTreeMap::new(),
        }
    }

    /// Runs for as long as there are pages.
    async fn run(mut self) {
        loop {
            let Some(live) = self.live.upgrade() else { return };
            if live.news.receiver_count() == 0 {
                let looked_at = Arc::clone(&live.looked_at);
                drop(live);
                looked_at.notified().await;
                continue;
            }
            if self.round(&live).await.is_err() {
                // Such as a record that cannot be read: it may be again.
                drop(live);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// What happened, and how far what runs has come.
    async fn round(&mut self, live: &Live) -> Result<(), Problem> {
        let wait = LOOK_EVERY.as_millis();
        let page: EventPage = self
            .asker
            .get(&format!("/events?after={}&limit=1000&wait_ms={wait}", self.seq))
            .await?;
        if page.gap.is_some() {
            // Another record, such as that of a backup: everything may be otherwise.
            live.tell("reset", &json!({}));
            self.seq = page.next;
        }
        self.seq = page.next.max(self.seq);
        if self.around.0.is_none_or(|read| read.elapsed() > AROUND_EVERY) {
            self.around = (Some(Instant::now()), around(&self.asker).await?);
        }
        let happened = !page.events.is_empty();
        let changed: BTreeSet<String> = page.events.into_iter().filter_map(|event| event.host).collect();
        if changed.len() > SINGLY_MAX {
            self.read_all(live, &changed).await?;
        } else {
            for host in &changed {
                self.read_one(live, host).await?;
            }
        }
        self.read_running(live, &changed).await?;
        if happened {
            let status: Status = self.asker.get("/status").await?;
            live.tell("head", &json!({ "html": heading(&status).into_string() }));
        }
        Ok(())
    }

    async fn read_one(&self, live: &Live, host: &str) -> Result<(), Problem> {
        match self.asker.get::<HostDetail>(&format!("/hosts/{}", escape(host))).await {
            Ok(detail) => self.tell(live, &detail.summary),
            Err(problem) if problem.code == ProblemCode::UnknownHost => {
                live.tell("gone", &json!({ "host": host, "say": format!("{host} is forgotten") }));
            }
            Err(problem) => return Err(problem),
        }
        Ok(())
    }

    /// A storm: many hosts at once are read a page at a time.
    async fn read_all(&self, live: &Live, changed: &BTreeSet<String>) -> Result<(), Problem> {
        let mut after = String::new();
        let mut missing = changed.clone();
        loop {
            let list: HostList = self
                .asker
                .get(&format!("/hosts?limit={PAGE_HOSTS}&after={}", escape(&after)))
                .await?;
            for host in list.hosts.iter().filter(|host| changed.contains(&host.host)) {
                missing.remove(&host.host);
                self.tell(live, host);
            }
            match list.next {
                Some(next) => after = next,
                None => break,
            }
        }
        for host in missing {
            live.tell("gone", &json!({ "host": host, "say": format!("{host} is forgotten") }));
        }
        Ok(())
    }

    /// The hosts that install: told where their progress has moved.
    async fn read_running(&mut self, live: &Live, changed: &BTreeSet<String>) -> Result<(), Problem> {
        let list: HostList = self
            .asker
            .get(&format!("/hosts?state=installing&limit={PAGE_HOSTS}"))
            .await?;
        let mut running = BTreeMap::new();
        for host in list.hosts {
            let before = self.running.get(&host.host);
            let moved = before.is_none_or(|before| before.progress != host.progress || before.badge != host.badge);
            if moved && !changed.contains(&host.host) {
                let bar = stage::bar(&host, self.around.1.usual(&host));
                live.tell(
                    "progress",
                    &json!({
                        "host": host.host,
                        "bar": bar.into_string(),
                        "running": is_running(&host).then(|| row::running(&host, &self.around.1).into_string()),
                        "tile": row::tile(&host).into_string(),
                    }),
                );
            }
            running.insert(host.host.clone(), host);
        }
        self.running = running;
        Ok(())
    }

    fn tell(&self, live: &Live, host: &HostSummary) {
        let text = |markup: Markup| markup.into_string();
        let around = &self.around.1;
        live.tell(
            "host",
            &json!({
                "host": host.host,
                "needs": host.attention.then(|| text(row::needs(host, around))),
                "running": is_running(host).then(|| text(row::running(host, around))),
                "row": text(row::line(host)),
                "tile": text(row::tile(host)),
                "say": row::spoken(host),
            }),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_gets_what_came_since_or_is_told_to_begin_anew() {
        let live = Live::new(Router::new());
        for number in 0..KEPT + 10 {
            live.tell("host", &json!({ "host": number }));
        }
        let last = live.kept().last;
        let missed = |after| live.follow(after).0.map(|missed| missed.len());
        assert_eq!(missed(last), Some(0));
        assert_eq!(missed(last - 3), Some(3));
        assert_eq!(missed(10), Some(KEPT));
        assert_eq!(missed(9), None);
        // Of a daemon that ran before.
        assert_eq!(missed(last + 1), None);
    }

    #[test]
    fn what_is_sent_is_one_event_whatever_is_in_it() {
        let live = Live::new(Router::new());
        live.tell("host", &json!({ "host": "a\n\nevent: x\rdata: y\u{2028}" }));
        let sent = live.kept().changes.pop_back().unwrap().bytes;
        let text = std::str::from_utf8(&sent).unwrap();
        assert_eq!(text.matches('\n').count(), 4, "{text}");
        assert!(!text.contains('\r') && text.ends_with("\n\n"), "{text}");
    }

    #[tokio::test]
    async fn a_reader_who_does_not_read_holds_nobody_up_and_is_dropped() {
        let live = Live::new(Router::new());
        let (_, mut slow) = live.follow(0);
        for number in 0..KEPT * 3 {
            live.tell("host", &json!({ "host": number }));
        }
        assert!(matches!(slow.recv().await, Err(RecvError::Lagged(_))));
        assert_eq!(live.kept().changes.len(), KEPT);
    }
}
