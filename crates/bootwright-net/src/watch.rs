//! Links that appear, vanish, are renamed, renumbered or readdressed while we run.

use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use rtnetlink::{MulticastGroup, new_multicast_connection};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::link::{Link, links};

/// One change comes as several messages: a device, its state, its addresses. They are over when it is quiet this long.
const QUIET: Duration = Duration::from_millis(50);
/// A device that flaps without end is reported this often all the same.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often to look where the kernel does not tell.
const POLL: Duration = Duration::from_secs(1);
/// How often to look although it tells: it drops messages when it is short of memory.
const RECHECK: Duration = Duration::from_secs(5);

/// Tells when the links of the current network namespace change.
///
/// The kernel is asked to tell (rtnetlink); where it does not, we look every second. Either way a change is visible
/// within two seconds.
pub struct Watch {
    known: Vec<Link>,
    /// How the last change came to be known.
    noticed: Noticed,
    /// When the links were listed last. Counted from here, looking is put off by nobody who drops the future that waits.
    looked: Instant,
    events: Option<Events>,
    /// Whether netlink may be used at all.
    listens: bool,
    /// Something happened that has not been looked at yet, even if the future that heard it was dropped.
    stale: bool,
}

/// How a change came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// The kernel told.
    Told,
    /// It was found by looking.
    Found,
}

/// The kernel's messages, reduced to the fact that there was one.
struct Events {
    stream: BoxStream<'static, ()>,
    connection: AbortHandle,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Watch");
        shown
            .field("known", &self.known)
            .field("told", &self.events.is_some())
            .finish_non_exhaustive()
    }
}

impl Watch {
    /// Starts watching. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the links cannot be listed even once.
    pub fn start() -> io::Result<Self> {
        Self::new(true)
    }

    /// As [`Watch::start`], but without the kernel's messages.
    ///
    /// # Errors
    /// When the links cannot be listed even once.
    pub fn polling() -> io::Result<Self> {
        Self::new(false)
    }

    fn new(listens: bool) -> io::Result<Self> {
        // Listening starts first: nothing may happen between the list and the first message.
        let events = listens.then(Events::subscribe).transpose().unwrap_or_else(|error| {
            tracing::debug!(why = %error, "no messages about links, looking every second");
            None
        });
        Ok(Self {
            known: links()?,
            noticed: Noticed::Found,
            looked: Instant::now(),
            events,
            listens,
            stale: false,
        })
    }

    /// The links as last reported.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.known
    }

    /// How the change was noticed that [`Watch::changed`] returned last.
    #[must_use]
    pub fn noticed(&self) -> Noticed {
        self.noticed
    }

    /// Waits for a change and returns all links as they are then. May be dropped and called again without losing one.
    pub async fn changed(&mut self) -> &[Link] {
        loop {
            if !self.stale {
                self.noticed = self.wait().await;
                self.stale = true;
            }
            if let Some(events) = &mut self.events {
                events.settle().await;
            }
            let now = links();
            self.looked = Instant::now();
            self.stale = false;
            match now {
                Ok(now) if now != self.known => {
                    self.known = now;
                    return &self.known;
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(why = %error, "links cannot be listed"),
            }
        }
    }

    /// Returns when something may have changed.
    async fn wait(&mut self) -> Noticed {
        if self.events.is_none() && self.listens {
            self.events = Events::subscribe().ok();
        }
        let Some(events) = &mut self.events else {
            sleep_until(self.looked + POLL).await;
            return Noticed::Found;
        };
        let told = tokio::select! {
            biased;
            told = events.stream.next() => Some(told),
            // Where nobody listened for so long, what was told meanwhile is still on its way to us.
            () = sleep_until(self.looked + RECHECK) => timeout(QUIET, events.stream.next()).await.ok(),
        };
        match told {
            Some(Some(())) => Noticed::Told,
            // The connection has ended, and with it whatever it would have told.
            Some(None) => {
                self.events = None;
                Noticed::Found
            }
            None => Noticed::Found,
        }
    }
}

impl Events {
    fn subscribe() -> io::Result<Self> {
        let groups = [
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
        ];
        let (connection, _, messages) = new_multicast_connection(&groups)?;
        let connection = tokio::spawn(connection).abort_handle();
        let stream = messages.map(drop).boxed();
        Ok(Self { stream, connection })
    }

    /// Returns when no message has come for a while, or when that takes too long.
    async fn settle(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let quiet = end.min(Instant::now() + QUIET);
            let next = pin!(self.stream.next());
            match timeout_at(quiet, next).await {
                Ok(Some(())) if Instant::now() < end => {}
                Ok(_) | Err(_) => return,
            }
        }
    }
}
