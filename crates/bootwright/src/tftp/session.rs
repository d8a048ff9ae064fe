//! The transfers under way: who has how many, which one gives way, and how they are told.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::count::Why;
use super::mailbox::{Letter, Mailbox};

/// A transfer that was heard gives way after this time without a packet.
const IDLE_HEARD: Duration = Duration::from_secs(1);
/// A transfer that was never heard gives way after this time: on a local network the first answer takes milliseconds, and
/// requests with forged senders never see one.
const IDLE_UNHEARD: Duration = Duration::from_millis(250);
/// For how long a source that lost many packets gets no windows.
const LOSSY: Duration = Duration::from_secs(600);
/// How many such sources are remembered.
const LOSSY_MAX: usize = 1024;

/// The two ports between which a transfer runs, as far as the request tells; and the device, for addresses repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) peer: SocketAddr,
    pub(super) local: IpAddr,
    pub(super) index: u32,
}

/// What a transfer is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    None = 0,
    Repeat = 1,
    Supersede = 2,
    Evict = 3,
    Stop = 4,
}

/// What the table knows of a transfer and the transfer of the table.
#[derive(Debug)]
pub(super) struct Session {
    /// Tells it from all others there ever were.
    id: u64,
    key: Key,
    begun: Instant,
    /// Milliseconds after `begun` at which the client was last heard.
    active_ms: AtomicU64,
    heard: AtomicBool,
    order: AtomicU8,
    mailbox: Arc<Mailbox>,
}

/// A place in the table, free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    table: Arc<Table>,
    session: Arc<Session>,
}

/// All transfers under way.
#[derive(Debug)]
pub(super) struct Table {
    per_source: usize,
    total: usize,
    /// Where transfers are told that there is an order.
    mailbox: Arc<Mailbox>,
    inner: Mutex<Inner>,
    /// Told when the last transfer has ended.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// How many there ever were.
    begun: u64,
    sessions: HashMap<Key, Arc<Session>>,
    sources: HashMap<IpAddr, usize>,
    lossy: HashMap<IpAddr, Instant>,
}

impl Session {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// The client was heard at that time after the beginning.
    pub(super) fn touch(&self, now: Duration, heard: bool) {
        self.active_ms
            .store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        if heard {
            self.heard.store(true, Ordering::Relaxed);
        }
    }

    /// The order given since the last call.
    pub(super) fn take_order(&self) -> Order {
        match self.order.swap(Order::None as u8, Ordering::Relaxed) {
            1 => Order::Repeat,
            2 => Order::Supersede,
            3 => Order::Evict,
            4 => Order::Stop,
            _ => Order::None,
        }
    }

    fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::Relaxed);
        // One that has not begun yet looks when it begins.
        self.mailbox.post(Letter::Order(self.id));
    }

    /// For how long it has been idle, if that is long enough to give way.
    fn dispensable(&self, now: Instant) -> Option<Duration> {
        let active = self.begun + Duration::from_millis(self.active_ms.load(Ordering::Relaxed));
        let idle = now.saturating_duration_since(active);
        let allowed = if self.heard.load(Ordering::Relaxed) {
            IDLE_HEARD
        } else {
            IDLE_UNHEARD
        };
        (idle >= allowed).then_some(idle)
    }
}

impl Table {
    pub(super) fn new(per_source: usize, total: usize, mailbox: Arc<Mailbox>) -> Arc<Self> {
        Arc::new(Self {
            per_source,
            total,
            mailbox,
            inner: Mutex::default(),
            emptied: Notify::new(),
        })
    }

    /// A place for a new transfer. A request whose transfer waits for its first answer makes that one repeat itself; a
    /// transfer that got beyond that has been given up by its client, and ends.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn admit(self: &Arc<Self>, key: Key, now: Instant) -> Result<Seat, Why> {
        let mut inner = self.lock();
        if let Some(old) = inner.sessions.get(&key).cloned() {
            if !old.heard.load(Ordering::Relaxed) {
                old.give(Order::Repeat);
                return Err(Why::Repeated);
            }
            inner.end(&old, Order::Supersede);
        }
        let source = key.peer.ip();
        if inner
            .sources
            .get(&source)
            .is_some_and(|count| *count >= self.per_source)
            && !inner.evict(now, |session| session.key.peer.ip() == source)
        {
            return Err(Why::SourceBusy);
        }
        if inner.sessions.len() >= self.total && !inner.evict(now, |_| true) {
            return Err(Why::ServerBusy);
        }
        inner.begun += 1;
        let session = Arc::new(Session {
            id: inner.begun,
            key,
            begun: now,
            active_ms: AtomicU64::new(0),
            heard: AtomicBool::new(false),
            order: AtomicU8::new(Order::None as u8),
            mailbox: Arc::clone(&self.mailbox),
        });
        inner.sessions.insert(key, Arc::clone(&session));
        *inner.sources.entry(source).or_default() += 1;
        Ok(Seat {
            table: Arc::clone(self),
            session,
        })
    }

    /// How many transfers are under way.
    pub(super) fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Ends them all, and waits until they have left.
    pub(super) async fn stop(&self) {
        let mut emptied = std::pin::pin!(self.emptied.notified());
        // From here on no leave is missed.
        emptied.as_mut().enable();
        {
            let inner = self.lock();
            if inner.sessions.is_empty() {
                return;
            }
            inner.sessions.values().for_each(|session| session.give(Order::Stop));
        }
        emptied.await;
    }

    /// Remembers that a transfer with windows lost many packets.
    pub(super) fn lost_many(&self, source: IpAddr, now: Instant) {
        let mut inner = self.lock();
        if inner.lossy.len() >= LOSSY_MAX {
            inner
                .lossy
                .retain(|_, since| now.saturating_duration_since(*since) < LOSSY);
        }
        if inner.lossy.len() < LOSSY_MAX {
            inner.lossy.insert(source, now);
        }
    }

    /// Whether a source lost many packets with windows not long ago.
    pub(super) fn is_lossy(&self, source: IpAddr, now: Instant) -> bool {
        let inner = self.lock();
        let since = inner.lossy.get(&source);
        since.is_some_and(|since| now.saturating_duration_since(*since) < LOSSY)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that could panic is done under the lock; what it guards is whole in any case.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn evict(&mut self, now: Instant, candidate: impl Fn(&Session) -> bool) -> bool {
        let candidates = self.sessions.values().filter(|session| candidate(session));
        let idle = candidates.filter_map(|session| session.dispensable(now).map(|idle| (idle, session)));
        let Some(victim) = idle
            .max_by_key(|(idle, _)| *idle)
            .map(|(_, session)| Arc::clone(session))
        else {
            return false;
        };
        self.end(&victim, Order::Evict);
        true
    }

    fn end(&mut self, session: &Arc<Session>, order: Order) {
        session.give(order);
        self.leave(session);
    }

    /// Takes the session out, unless another one has its place by now.
    fn leave(&mut self, session: &Arc<Session>) {
        let source = session.key.peer.ip();
        if self
            .sessions
            .get(&session.key)
            .is_some_and(|held| Arc::ptr_eq(held, session))
        {
            self.sessions.remove(&session.key);
            if let Some(count) = self.sources.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    self.sources.remove(&source);
                }
            }
        }
    }
}

impl Seat {
    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.table.lock();
        inner.leave(&self.session);
        if inner.sessions.is_empty() {
            self.table.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
