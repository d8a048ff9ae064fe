//! The engine behind a lock, the writer behind a queue, and the promise between them.
//!
//! The engine is pure computation of a few microseconds, so whoever has a question takes the lock and asks; nobody holds
//! it while anything is read, written or sent. Entries are handed to the writer in the order in which the engine made
//! them, under the same lock. An answer that promises something in them waits for its commit, all others leave at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use bootwright_core::{HostId, MacAddr, Policy, Timestamp, Token, Way, World};
use bootwright_engine::{Engine, Fetching, Outcome, Woken};
use bootwright_store::{
    ClockReading, Done, Health, QUEUE_MAX, Recorded, Refused, SiteClock, Store, Writer, Writing, resume,
};
use tokio::sync::{Notify, broadcast, oneshot};

pub use crate::commit::{Answer, Unrecorded};
use crate::commit::{Commit, Settlements, Ticket};
use crate::counter::Counters;

/// How many events a slow follower may lag behind before it has to read them from the store.
const FOLLOWERS_LAG_MAX: usize = 4096;

/// From how many waiting commits on nothing new is recorded, so that what must be recorded always finds room.
const QUEUE_BUSY: usize = QUEUE_MAX - QUEUE_MAX / 4;

/// How long to wait before a store that failed is opened again.
const REOPEN_AFTER: Duration = Duration::from_secs(2);

/// The engine and all that it needs around it.
pub struct Core {
    engine: Mutex<Engine>,
    writer: Writer,
    site_clock: SiteClock,
    policy: ArcSwap<Policy>,
    held: Mutex<BTreeMap<HostId, Arc<Notify>>>,
    events: broadcast::Sender<Recorded>,
    failed: Notify,
    /// Whether the memory holds what the writer did not take.
    diverged: AtomicBool,
}

impl Core {
    /// Loads the record and goes on where it ends.
    ///
    /// # Errors
    /// When the store cannot be read or no thread can be started.
    pub fn start(mut store: Box<dyn Store>, policy: Arc<Policy>, counters: Arc<Counters>) -> anyhow::Result<Arc<Self>> {
        let loaded = store.load()?;
        counters.meters.runs().begin(&loaded.world);
        let boot_id = ClockReading::boot_id()?;
        let site_clock = resume(loaded.clock.as_ref(), ClockReading::now(boot_id));
        let (events, _) = broadcast::channel(FOLLOWERS_LAG_MAX);
        let followers = events.clone();
        let committed = Box::new(move |entries: &[Recorded]| {
            for recorded in entries {
                crate::telemetry::tell(recorded);
                counters.meters.runs().observe(recorded);
                // Nobody may be following.
                let _ = followers.send(recorded.clone());
            }
        });
        let read_clock = Box::new(move || ClockReading::now(boot_id));
        let writer = Writer::start(store, loaded.seq, site_clock, read_clock, committed)?;
        let now = site_clock.now(ClockReading::now(boot_id).boottime_ms);
        let mut engine = Engine::new(Arc::clone(&policy), loaded.world, now);
        engine.load_leases(now, loaded.leases);
        engine.load_revisions(loaded.revisions);
        let core = Arc::new(Self {
            engine: Mutex::new(engine),
            writer,
            site_clock,
            policy: ArcSwap::new(Arc::clone(&policy)),
            held: Mutex::default(),
            events,
            failed: Notify::new(),
            diverged: AtomicBool::new(false),
        });
        let _ = core.ask(|engine, now| engine.reload(now, None, policy)).now();
        Ok(core)
    }

    /// Now, on the site's time line.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.site_clock.now(ClockReading::boottime_ms())
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    /// The same for a glance: whoever keeps it holds up nobody, but there is room for a few such glances a thread.
    pub fn glance(&self) -> Guard<Arc<Policy>> {
        self.policy.load()
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        // A panic in the engine ends the process (see `telemetry`), so a poisoned lock is never seen by a working one.
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the engine something that may change the world.
    pub fn ask<R>(&self, question: impl FnOnce(&mut Engine, Timestamp) -> Outcome<R>) -> Answer<R> {
        let (reply, commit) = self.put(question, || {
            let (sender, receiver) = oneshot::channel();
            let done = Box::new(move |result: Result<_, bootwright_store::WriteFailed>| {
                // Who asked may have gone.
                let _ = sender.send(result.map(drop).map_err(Unrecorded::because));
            });
            (done, receiver)
        });
        Answer { reply, commit }
    }

    /// The same for who asks so often that what becomes of his promises is told him in `settlements`. He must be the only
    /// one who makes promises for it.
    pub fn ask_often<R>(
        &self,
        settlements: &Arc<Settlements>,
        question: impl FnOnce(&mut Engine, Timestamp) -> Outcome<R>,
    ) -> (R, Commit<Ticket>) {
        self.put(question, || settlements.expect())
    }

    fn put<R, W>(
        &self,
        question: impl FnOnce(&mut Engine, Timestamp) -> Outcome<R>,
        wait: impl FnOnce() -> (Done, W),
    ) -> (R, Commit<W>) {
        let mut engine = self.engine();
        engine.set_busy(self.writer.queue_len() > QUEUE_BUSY);
        // At once and not when time is next looked at: what is granted in between would use up the reserve.
        if self.writer.is_low() {
            engine.set_low();
        }
        let outcome = question(&mut engine, self.now());
        let writing = Writing {
            entries: outcome.entries,
            leases: outcome.leases,
            revisions: outcome.revisions,
        };
        let commit = self.submit(writing, outcome.promises.then_some(wait));
        if matches!(commit, Commit::Refused(_)) {
            // The memory is ahead of the record: nothing more may build on it.
            let _ = engine.set_store(false, false);
            self.diverged.store(true, Ordering::Relaxed);
        }
        drop(engine);
        self.wake(&outcome.woken);
        (outcome.reply, commit)
    }

    /// Hands to the writer what is to be recorded, with a way to wait for it if something was promised. Called under the
    /// engine's lock, which keeps it in order.
    fn submit<W>(&self, writing: Writing, wait: Option<impl FnOnce() -> (Done, W)>) -> Commit<W> {
        let Some(wait) = wait else {
            if writing == Writing::default() {
                return Commit::Nothing;
            }
            // Nobody waits for the disk.
            return match self.writer.submit(writing, None) {
                Ok(()) => Commit::Nothing,
                Err(refused) => self.refuse(&refused),
            };
        };
        let (done, waiting) = wait();
        match self.writer.submit(writing, Some(done)) {
            Ok(()) => Commit::Pending(waiting),
            Err(refused) => self.refuse(&refused),
        }
    }

    fn refuse<W>(&self, refused: &Refused) -> Commit<W> {
        tracing::error!(code = "E307", why = %refused, "what happened could not be recorded");
        self.failed.notify_one();
        Commit::Refused(Unrecorded::because(refused))
    }

    /// Reads what the engine knows.
    pub fn read<R>(&self, question: impl FnOnce(&Engine, Timestamp) -> R) -> R {
        let engine = self.engine();
        question(&engine, self.now())
    }

    /// Takes another policy into force.
    pub fn reload(&self, by: Option<&str>, policy: Arc<Policy>) -> Answer<bootwright_engine::ReloadReply> {
        self.policy.store(Arc::clone(&policy));
        self.ask(|engine, now| engine.reload(now, by, policy))
    }

    /// Records that a configuration was refused.
    pub fn reload_refused(&self, by: Option<&str>, why: &str) {
        self.ask(|engine, now| engine.reload_refused(now, by, why)).now();
    }

    /// Takes down what happened to logins.
    pub fn note_login(&self, by: Option<&str>, note: String) {
        self.ask(|engine, now| engine.note_login(now, by, note)).now();
    }

    /// Remembers which address a card has.
    pub fn hear_address(&self, way: Way, mac: MacAddr, address: IpAddr) {
        self.engine().hear_address(way, mac, address);
    }

    /// A card asks for an address as an operating system does. Most of them do so all day, which is no news.
    pub fn system_heard(&self, way: Way, mac: MacAddr) {
        if self.read(|engine, _| engine.awaits_system(mac)) {
            self.ask(|engine, now| engine.system_heard(now, way, mac)).now();
        }
    }

    /// See [`Engine::learn_address`].
    pub fn learn_address(&self, mac: MacAddr, address: IpAddr) {
        self.engine().learn_address(mac, address);
    }

    /// Remembers that a machine has asked for its boot file.
    pub fn fetching(&self, peer: IpAddr) {
        self.engine().fetching(peer);
    }

    /// Says which addresses are ours: none of them is lent.
    pub fn set_own_addresses(&self, addresses: std::collections::BTreeSet<std::net::Ipv4Addr>) {
        let now = self.now();
        self.engine().set_own_addresses(now, addresses);
    }

    /// Remembers how far a machine is with a file. Says whether it is known who has that address.
    pub fn progressing(&self, peer: IpAddr, fetching: Fetching) -> bool {
        let now = self.now();
        self.engine().progressing(now, peer, fetching)
    }

    /// Forgets a file that is no longer on its way.
    pub fn fetch_ended(&self, peer: IpAddr, name: &str) {
        self.engine().fetch_ended(peer, name);
    }

    /// Remembers why a request of a machine got no answer.
    pub fn overheard(&self, mac: MacAddr, ignored: &dyn std::fmt::Display) {
        let now = self.now();
        self.engine().overheard(now, mac, || ignored.to_string());
    }

    fn wake(&self, woken: &Woken) {
        match woken {
            Woken::None => {}
            Woken::Host(id) => self.held().get(id).into_iter().for_each(|held| held.notify_waiters()),
            Woken::All => self.held().values().for_each(|held| held.notify_waiters()),
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<HostId, Arc<Notify>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a held host may be told something else, but no longer than `patience`. News that change nothing on its
    /// screen, such as the end of another machine's run, wake nobody: a full rack would ask again at each of them. Says
    /// whether there was such news.
    pub async fn wait_for_change(&self, host: &HostId, patience: Duration) -> bool {
        let place = self.place_for(host);
        let notify = &place.notify;
        let screen = self.read(|engine, now| engine.held_screen(now, host));
        let unchanged = async {
            loop {
                let mut notified = std::pin::pin!(notify.notified());
                // From here on no change is missed, so what changed before it is seen by the look that follows.
                notified.as_mut().enable();
                if screen.is_none() || self.read(|engine, now| engine.held_screen(now, host)) != screen {
                    break;
                }
                notified.await;
            }
        };
        // A wait that ends by time is the normal case.
        tokio::time::timeout(patience, unchanged).await.is_ok()
    }

    /// A place among those who wait for news of a host.
    fn place_for<'a>(&'a self, host: &'a HostId) -> Waiting<'a> {
        let notify = Arc::clone(self.held().entry(host.clone()).or_default());
        let core = self;
        Waiting { core, host, notify }
    }

    /// Everything that is recorded from now on.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Recorded> {
        self.events.subscribe()
    }

    /// How the store fares.
    #[must_use]
    pub fn store_health(&self) -> Health {
        self.writer.health()
    }

    /// Waits until everything that happened before is recorded. Blocks.
    pub fn flush(&self) {
        self.writer.flush();
    }

    /// A token for a run.
    ///
    /// # Panics
    /// When the kernel gives no random numbers, without which nothing here is safe.
    #[must_use]
    pub fn fresh_token() -> Token {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the kernel gives random numbers");
        Token::new(bytes)
    }

    /// Lets happen what the passing of time brings, and opens a store again that failed. Runs for ever.
    pub async fn keep_time(self: Arc<Self>) {
        loop {
            let due = self.read(|engine, now| engine.next_due().map(|due| due.since(now)));
            let wait = due.map_or(1000, bootwright_core::Span::as_millis).clamp(5, 1000);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait)) => {}
                () = self.failed.notified() => {}
            }
            self.ask(|engine, now| engine.tick(now)).now();
            self.watch_store().await;
        }
    }

    async fn watch_store(self: &Arc<Self>) {
        let why = match self.writer.health() {
            Health::Failed(why) => Some(why.to_string()),
            Health::Good | Health::Low if self.diverged.load(Ordering::Relaxed) => {
                Some("not everything that happened could be recorded".to_owned())
            }
            Health::Good => {
                self.set_store(true, false);
                None
            }
            Health::Low => {
                self.set_store(true, true);
                None
            }
        };
        match why {
            None => {}
            Some(why) => {
                self.set_store(false, false);
                tracing::error!(code = "E301", %why, "the store cannot be written; nothing begins until it can");
                tokio::time::sleep(REOPEN_AFTER).await;
                let core = Arc::clone(self);
                let reopened = tokio::task::spawn_blocking(move || core.reopen()).await;
                match reopened {
                    Ok(Ok(())) => tracing::warn!("the store is open again; what could not be recorded is undone"),
                    Ok(Err(error)) => tracing::error!(code = "E304", why = %error, "the store still cannot be opened"),
                    Err(_) => tracing::error!(code = "E304", "opening the store again has panicked"),
                }
            }
        }
    }

    fn set_store(&self, ready: bool, low: bool) {
        let changed = self.read(|engine, _| engine.store_up() != ready || engine.store_low() != low);
        if changed {
            self.ask(|engine, _| engine.set_store(ready, low)).now();
        }
    }

    /// Opens the store again and starts over from what it says: what was refused has not happened.
    fn reopen(&self) -> anyhow::Result<()> {
        // Without the engine's lock: a disk may take its time, or never answer. Until `accept` the writer takes nothing, so
        // that what is read stays true, and what happens meanwhile begins nothing and is replaced with the rest.
        let loaded = self.writer.reopen()?;
        let mut engine = self.engine();
        let now = self.now();
        *engine = Engine::new(self.policy(), loaded.world, now);
        engine.load_leases(now, loaded.leases);
        engine.load_revisions(loaded.revisions);
        self.diverged.store(false, Ordering::Relaxed);
        // From here on what is submitted was made from what the record says.
        self.writer.accept();
        drop(engine);
        self.wake(&Woken::All);
        Ok(())
    }

    /// What the record says at this moment, for tests that compare.
    #[must_use]
    pub fn world(&self) -> World {
        self.read(|engine, _| engine.world().clone())
    }
}

/// A place among those who wait for news of a host. It is given up whatever ends the wait, also where the machine has gone
/// and nobody waits any more.
struct Waiting<'a> {
    core: &'a Core,
    host: &'a HostId,
    notify: Arc<Notify>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut held = self.core.held();
        // Ours and the table's own.
        if held.get(self.host).is_some_and(|notify| Arc::strong_count(notify) <= 2) {
            held.remove(self.host);
        }
    }
}
