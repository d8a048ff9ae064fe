//! Who writes the lines of installers down: behind a bounded queue, so that nobody who answers machines waits for the disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bootwright_core::{HostId, RunNumber};
use bootwright_engine::Speaker;
use tokio::sync::mpsc;

use crate::counter::Counters;
use crate::journal::Journal;

/// How many lines may wait for the disk.
const LINES_MAX: usize = 8192;

/// How long lines are gathered before they are written.
const GATHER: Duration = Duration::from_millis(200);

/// The way to who writes.
#[derive(Clone, Debug)]
pub struct Scribe {
    lines: mpsc::Sender<(Speaker, String)>,
    counters: Arc<Counters>,
}

impl Scribe {
    /// Begins to write into this journal, for as long as somebody has something to say.
    #[must_use]
    pub fn start(journal: Journal, counters: Arc<Counters>) -> Self {
        let (lines, received) = mpsc::channel(LINES_MAX);
        tokio::spawn(write(journal, received, Arc::clone(&counters)));
        Self { lines, counters }
    }

    /// A line for the log of a run. What exceeds the queue is counted and dropped.
    pub fn note(&self, speaker: Speaker, line: String) {
        let kept = self.lines.try_send((speaker, line));
        self.counters
            .count("voice", if kept.is_ok() { "kept" } else { "disk-too-slow" });
    }
}

async fn write(journal: Journal, mut received: mpsc::Receiver<(Speaker, String)>, counters: Arc<Counters>) {
    let mut together = Vec::new();
    while received.recv_many(&mut together, LINES_MAX).await > 0 {
        tokio::time::sleep(GATHER).await;
        while let Ok(more) = received.try_recv() {
            together.push(more);
            if together.len() >= LINES_MAX {
                break;
            }
        }
        let mut texts: BTreeMap<(HostId, RunNumber), String> = BTreeMap::new();
        for (Speaker { host, run }, line) in together.drain(..) {
            let text = texts.entry((host, run)).or_default();
            text.push_str(&line);
            text.push('\n');
        }
        for ((host, run), text) in texts {
            if let Err(error) = journal.append(&host, run, text).await {
                counters.count("voice", "not-written");
                tracing::warn!(%host, run = run.get(), code = "W308", why = %error, "an installer's log could not be kept");
            }
        }
    }
}
