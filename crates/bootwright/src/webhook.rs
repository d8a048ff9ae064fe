//! Webhooks: those who are told of events, one after the other, each until they have heard it.
//!
//! The record is the queue. For each webhook a task reads it from where it was, sends one event at a time and remembers the
//! place once that was taken; so nothing is lost over a restart, nothing piles up in memory, and whoever is slow or dead holds up
//! nobody but themselves. An event may come twice, such as when the daemon ends between the answer and the note of it: its
//! id is the same then.

mod cursor;
mod post;
mod sign;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bootwright_config::Webhook;
use bootwright_proto::http::api::{WebhookMessage, WebhookReport, WebhookView};
use bootwright_store::{EventQuery, Page, Reader, Recorded, Seq, SqliteReader, StoreError};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use crate::core::Core;
use crate::counter::Counters;
use crate::vault;
use cursor::Cursor;
use post::{Line, Refusal};

/// How many events are read at once.
const PAGE_EVENTS: usize = 100;

/// How far somebody may be behind, in events of the record. Who is further behind is told how many they missed.
const BEHIND_MAX: u64 = 10_000;

/// How long to wait after a failure: at first, and at most.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// How often a message is sent that is refused (a status of 400 to 499): some twenty minutes.
const REFUSALS_MAX: u32 = 10;

/// All webhooks.
pub struct Webhooks {
    shared: Arc<Shared>,
    running: Mutex<BTreeMap<String, Running>>,
    runtime: Handle,
}

/// What all of them need.
struct Shared {
    core: Arc<Core>,
    counters: Arc<Counters>,
    reader: Mutex<Box<dyn Reader>>,
    directory: PathBuf,
}

/// One that is told of events now.
struct Running {
    hook: Webhook,
    state: Arc<State>,
    task: JoinHandle<()>,
}

/// What is known of one.
#[derive(Default)]
struct State {
    now: Mutex<Standing>,
    /// Rung when it may be worthwhile to try again at once.
    again: Notify,
}

#[derive(Clone, Default)]
struct Standing {
    delivered: u64,
    failures: u32,
    trouble: Option<String>,
}

impl State {
    fn now(&self) -> MutexGuard<'_, Standing> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Webhooks {
    /// None yet. They will run on the runtime on which this is called.
    ///
    /// # Errors
    /// When the record in the data directory cannot be read.
    pub fn new(core: Arc<Core>, counters: Arc<Counters>, data_dir: &Path) -> Result<Self, StoreError> {
        let reader: Box<dyn Reader> = Box::new(SqliteReader::open(&data_dir.join(crate::api::DATABASE))?);
        Ok(Self {
            shared: Arc::new(Shared {
                core,
                counters,
                reader: Mutex::new(reader),
                directory: data_dir.join("webhooks"),
            }),
            running: Mutex::default(),
            runtime: Handle::current(),
        })
    }

    /// Takes these in the place of those before. Whoever stays goes on where they were; whoever goes is forgotten.
    pub fn replace(&self, hooks: &BTreeMap<String, Webhook>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|name, one| {
            let stays = hooks.get(name) == Some(&one.hook);
            if !stays {
                one.task.abort();
            }
            stays
        });
        cursor::forget_others(&self.shared.directory, |name| hooks.contains_key(name));
        for (name, hook) in hooks {
            if running.contains_key(name) {
                continue;
            }
            let state = Arc::<State>::default();
            let telling = tell(Arc::clone(&self.shared), name.clone(), hook.clone(), Arc::clone(&state));
            let task = self.runtime.spawn(telling);
            let hook = hook.clone();
            running.insert(name.clone(), Running { hook, state, task });
        }
    }

    /// All of them; `last` is the place of the last event.
    pub(crate) fn views(&self, last: u64) -> Vec<WebhookView> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let view = |(name, one): (&String, &Running)| {
            let standing = one.state.now().clone();
            WebhookView {
                name: name.clone(),
                to: post::origin(&one.hook.url).to_owned(),
                events: one.hook.events.iter().map(|verb| verb.name().to_owned()).collect(),
                delivered: standing.delivered,
                behind: last.saturating_sub(standing.delivered),
                failures: standing.failures,
                trouble: standing.trouble,
            }
        };
        running.iter().map(view).collect()
    }

    /// Sends a message that tells of nothing, and says what became of it; nothing if no webhook has this name.
    pub(crate) async fn test(&self, name: &str) -> Option<WebhookReport> {
        let (hook, state) = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            let one = running.get(name)?;
            (one.hook.clone(), Arc::clone(&one.state))
        };
        let message = WebhookMessage {
            id: format!("test-{:016x}", wall_ms()),
            webhook: name.to_owned(),
            test: true,
            skipped: 0,
            event: None,
        };
        let began = Instant::now();
        let told = send(&mut Line::default(), name, &hook, &message).await;
        if told.is_ok() {
            state.again.notify_one();
        }
        Some(WebhookReport {
            webhook: name.to_owned(),
            delivered: told.is_ok(),
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            why: told.err().map(|refusal| refusal.why),
        })
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        running.values().for_each(|one| one.task.abort());
    }
}

impl Shared {
    /// Reads from the record, on a thread that may wait for the disk.
    async fn read(self: &Arc<Self>, page: Page, limit: usize) -> Option<Vec<Recorded>> {
        let shared = Arc::clone(self);
        let query = EventQuery {
            page,
            host: None,
            limit,
        };
        let reading = tokio::task::spawn_blocking(move || {
            let mut reader = shared.reader.lock().unwrap_or_else(PoisonError::into_inner);
            reader.events(&query)
        });
        reading.await.ok()?.ok()
    }

    async fn last(self: &Arc<Self>) -> Option<u64> {
        let last = self.read(Page::Last, 1).await?;
        Some(last.last().map_or(0, |recorded| recorded.seq.get()))
    }
}

/// Tells one of them, for ever.
async fn tell(shared: Arc<Shared>, name: String, hook: Webhook, state: Arc<State>) {
    // Whoever listens before reading misses nothing.
    let mut news = shared.core.follow();
    let last = loop {
        match shared.last().await {
            Some(last) => break last,
            None => tokio::time::sleep(PAUSE_MIN).await,
        }
    };
    let mut cursor = Cursor::open(&shared.directory, &name, last).await;
    let mut line = Line::default();
    loop {
        state.now().delivered = cursor.at();
        let skipped = skip(&shared, &name, &mut cursor).await;
        let page = Page::After(Seq::new(cursor.at()));
        let Some(found) = shared.read(page, PAGE_EVENTS).await else {
            tokio::time::sleep(PAUSE_MIN).await;
            continue;
        };
        if found.is_empty() {
            match news.recv().await {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
            continue;
        }
        let mut skipped = skipped;
        for recorded in found {
            let seq = recorded.seq.get();
            if hook.events.is_empty() || hook.events.contains(&recorded.entry.verb) {
                let message = WebhookMessage {
                    // The same each time it is sent, and another one for another record.
                    id: format!("{seq}-{:x}", recorded.wall_ms),
                    webhook: name.clone(),
                    test: false,
                    skipped,
                    event: Some(crate::api::event_view(&shared.core, &recorded)),
                };
                deliver(&shared, &mut line, (&name, &hook, &state), &message).await;
                skipped = 0;
                cursor.advance(seq).await;
            } else {
                cursor.pass(seq);
            }
            state.now().delivered = seq;
        }
    }
}

/// Leaves out what is too far behind, or was never there: the place of the record is the truth. Says how many were left out.
async fn skip(shared: &Arc<Shared>, name: &str, cursor: &mut Cursor) -> u64 {
    let Some(last) = shared.last().await else { return 0 };
    if cursor.at() > last {
        // Another record, such as that of a backup.
        cursor.advance(last).await;
        return 0;
    }
    let behind = last - cursor.at();
    if behind <= BEHIND_MAX {
        return 0;
    }
    let left_out = behind - BEHIND_MAX;
    tracing::warn!("webhook {name}: {left_out} events are left out, since it is more than {BEHIND_MAX} behind");
    shared.counters.count("webhook", "left-out");
    cursor.advance(last - BEHIND_MAX).await;
    left_out
}

/// Sends a message until it is taken, or was refused too often.
async fn deliver(
    shared: &Shared,
    line: &mut Line,
    (name, hook, state): (&str, &Webhook, &State),
    message: &WebhookMessage,
) {
    let (mut failures, mut refusals) = (0_u32, 0_u32);
    loop {
        let refusal = match send(line, name, hook, message).await {
            Ok(()) => {
                shared.counters.count("webhook", "delivered");
                if failures > 0 {
                    tracing::info!("webhook {name}: it answers again");
                }
                let mut now = state.now();
                (now.failures, now.trouble) = (0, None);
                return;
            }
            Err(refusal) => refusal,
        };
        shared.counters.count("webhook", "failed");
        failures = failures.saturating_add(1);
        refusals += u32::from(refusal.lasting);
        if failures == 1 {
            tracing::warn!(why = %refusal.why, "webhook {name}: not told; it is tried again until it is");
        }
        {
            let mut now = state.now();
            (now.failures, now.trouble) = (failures, Some(refusal.why.clone()));
        }
        if refusals >= REFUSALS_MAX {
            tracing::error!(why = %refusal.why, "webhook {name}: event {} is given up", message.id);
            shared.counters.count("webhook", "given-up");
            return;
        }
        let pause = PAUSE_MIN
            .saturating_mul(1 << failures.saturating_sub(1).min(9))
            .min(PAUSE_MAX);
        // Where a test gets through, the rest is tried at once.
        let _ = tokio::time::timeout(pause, state.again.notified()).await;
    }
}

/// Sends a message once.
async fn send(line: &mut Line, name: &str, hook: &Webhook, message: &WebhookMessage) -> Result<(), Refusal> {
    let source = hook.secret.clone();
    let label = format!("webhooks.{name}");
    let secret = tokio::task::spawn_blocking(move || vault::reveal(&label, &source));
    let secret = secret.await.unwrap_or_else(|_| Err("it cannot be read".to_owned()));
    let secret = secret.map_err(Refusal::passing)?;
    let body = serde_json::to_string(message).map_err(|error| Refusal::passing(error.to_string()))?;
    let timestamp = (wall_ms() / 1000).to_string();
    let signature = sign::signature(
        secret.as_bytes(),
        &[timestamp.as_bytes(), message.id.as_bytes(), body.as_bytes()],
    );
    let headers = [
        ("bootwright-id", message.id.clone()),
        ("bootwright-timestamp", timestamp),
        ("bootwright-signature", format!("sha256={signature}")),
    ];
    let patience = Duration::from_millis(hook.timeout.as_millis());
    line.post(&hook.url, &headers, body, patience).await
}

fn wall_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
