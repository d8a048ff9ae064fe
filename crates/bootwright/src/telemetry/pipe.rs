//! The way of a line from whoever says it to the standard error: through a queue, and by a thread that may wait.

use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::LogFormat;
use super::fold::Folder;
use super::line::Said;

/// How many lines may wait for a slow reader.
const LINES_MAX: usize = 8192;

/// From how many bytes on lines are written out, although more of them wait: the reader gets them together.
const BYTES_TOGETHER: usize = 4096;

/// How often it is looked whether repeats are to be told.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Lines that were dropped because nobody read them in time.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// The way to the thread.
static SENDER: OnceLock<SyncSender<Job>> = OnceLock::new();

enum Job {
    Line(Box<Said>),
    /// All that was said before is to be written, repeats included.
    Flush(SyncSender<()>),
}

/// How many lines of the log were dropped.
#[must_use]
pub fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Waits until what was said before is written, but not for longer than this.
pub fn flush(patience: Duration) {
    let Some(sender) = SENDER.get() else { return };
    let (reply, done) = sync_channel(1);
    if sender.try_send(Job::Flush(reply)).is_ok() {
        // A reader who has gone away is not waited for.
        let _ = done.recv_timeout(patience);
    }
}

/// Where events become lines.
pub(super) struct Pipe(SyncSender<Job>);

impl Pipe {
    pub(super) fn start(format: LogFormat, folds: bool) -> Self {
        let sender = SENDER.get_or_init(|| {
            let (sender, jobs) = sync_channel(LINES_MAX);
            let writing = std::thread::Builder::new()
                .name("log".to_owned())
                .spawn(move || Scribe::new(format, folds).work(&jobs));
            drop(writing);
            sender
        });
        Self(sender.clone())
    }
}

impl<S: Subscriber> Layer<S> for Pipe {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Err(TrySendError::Full(_)) = self.0.try_send(Job::Line(Box::new(Said::of(event)))) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Who writes.
struct Scribe {
    format: LogFormat,
    folds: bool,
    folder: Folder,
    text: String,
    /// Of how many lost lines was told.
    told: u64,
}

impl Scribe {
    fn new(format: LogFormat, folds: bool) -> Self {
        Self {
            format,
            folds,
            folder: Folder::default(),
            text: String::new(),
            told: 0,
        }
    }

    fn work(&mut self, jobs: &Receiver<Job>) {
        let mut looked = Instant::now();
        loop {
            let job = if self.folder.is_waiting() {
                jobs.recv_timeout(LOOK_EVERY)
            } else {
                jobs.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            let mut flushed = None;
            match job {
                Ok(Job::Line(said)) => self.take(*said),
                Ok(Job::Flush(reply)) => flushed = Some(reply),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // What came meanwhile leaves with it.
            while flushed.is_none() && self.text.len() < BYTES_TOGETHER {
                match jobs.try_recv() {
                    Ok(Job::Line(said)) => self.take(*said),
                    Ok(Job::Flush(reply)) => flushed = Some(reply),
                    Err(_) => break,
                }
            }
            let now = Instant::now();
            if flushed.is_some() {
                let rest = self.folder.rest(now);
                self.show_all(&rest);
            } else if now - looked >= LOOK_EVERY {
                looked = now;
                let due = self.folder.due(now);
                self.show_all(&due);
            }
            self.write();
            if let Some(reply) = flushed {
                // Who waited may have given up.
                let _ = reply.try_send(());
            }
        }
    }

    fn take(&mut self, said: Said) {
        let shown = if self.folds {
            self.folder.take(Instant::now(), said)
        } else {
            Some(said)
        };
        if let Some(said) = shown {
            self.show(&said);
        }
    }

    fn show_all(&mut self, said: &[Said]) {
        said.iter().for_each(|said| self.show(said));
    }

    fn show(&mut self, said: &Said) {
        self.text.push_str(&match self.format {
            LogFormat::Text => said.text(),
            LogFormat::Json => said.json(),
        });
    }

    fn write(&mut self) {
        if !self.text.is_empty() {
            // There is nobody to tell.
            let _ = io::stderr().lock().write_all(self.text.as_bytes());
            self.text.clear();
            self.tell_dropped();
        }
    }

    /// Says once in place of the lines that were dropped how many they were.
    fn tell_dropped(&mut self) {
        let dropped = dropped_lines();
        if dropped > self.told {
            tracing::warn!(
                code = "W306",
                "{} lines of the log were dropped here, since nobody read them in time",
                dropped - self.told
            );
            self.told = dropped;
        }
    }
}
