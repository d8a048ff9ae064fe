//! A stream of what is recorded, for those who follow.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use bootwright_proto::http::api::EventGap;
use bootwright_store::{Page, Recorded, Seq};
use futures_util::{StreamExt as _, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::ApiState;
use super::event::{Wanted, read, views};

/// How many events are read at once by a follower who is behind.
const CATCH_UP_EVENTS: usize = 500;

/// How often a silent stream says that it is alive, so that a connection that broke is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A follower: what it has seen, and where the next event comes from.
struct Follower {
    state: ApiState,
    wanted: Wanted,
    news: Receiver<Recorded>,
    /// Read from the store, not sent yet.
    read: VecDeque<Recorded>,
    /// Whether the store may hold what was not sent: at first, and after falling behind.
    behind: bool,
}

/// Everything that is wanted, as `text/event-stream`, for as long as somebody reads.
pub(super) fn stream(state: ApiState, wanted: Wanted, gap: Option<EventGap>) -> Response {
    // Whoever listens before reading misses nothing.
    let news = state.core.follow();
    let follower = Follower {
        state,
        wanted,
        news,
        read: VecDeque::new(),
        behind: true,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let recorded = follower.next().await?;
        let event = follower.event(&recorded)?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    // Without an id, so that a browser that connects again is told once more until it has seen an event.
    let gap = gap.and_then(|gap| Some(Event::default().event("gap").data(serde_json::to_string(&gap).ok()?)));
    Sse::new(stream::iter(gap.map(Ok)).chain(events))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

impl Follower {
    /// The next event; nothing if the record cannot be read, so that the client asks again from where it is.
    async fn next(&mut self) -> Option<Recorded> {
        loop {
            if let Some(recorded) = self.read.pop_front() {
                self.wanted.after = recorded.seq.get();
                return Some(recorded);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.news.recv().await {
                Ok(recorded) if self.wanted.fits(&recorded) => self.read.push_back(recorded),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    async fn catch_up(&mut self) -> Option<()> {
        let page = Page::After(Seq::new(self.wanted.after));
        let found = read(&self.state, page, self.wanted.host.clone(), CATCH_UP_EVENTS)
            .await
            .ok()?;
        self.behind = found.len() == CATCH_UP_EVENTS;
        self.read = found.into();
        Some(())
    }

    fn event(&self, recorded: &Recorded) -> Option<Event> {
        let view = views(&self.state, std::slice::from_ref(recorded)).pop()?;
        let data = serde_json::to_string(&view).ok()?;
        Some(Event::default().id(view.seq.to_string()).data(data))
    }
}
