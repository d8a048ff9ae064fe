//! Where transfers are entered, and what is told of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::count::Counts;
use super::report::{Ending, Notice, TransferReport};
use super::session::Table;

/// How long a notice may wait for a slow reader before it is dropped.
const NOTICE_PATIENCE: Duration = Duration::from_secs(5);
/// A client with windows that loses more than one packet in so many gets none the next time: some firmware cannot take
/// them as fast as they come.
const LOSSY_ONE_IN: u64 = 8;
/// Fewer losses than this say nothing about a client.
const LOSSES_MIN: u64 = 32;

/// What all transfers share.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) table: Arc<Table>,
    pub(super) counts: Arc<Counts>,
    pub(super) notices: mpsc::Sender<Notice>,
}

impl Books {
    /// Passes a notice on, unless nobody takes it at this moment.
    pub(super) fn tell(&self, notice: Notice) {
        let _ = self.notices.try_send(notice);
    }

    /// Enters what came of a transfer that has left the table, and tells it.
    pub(super) fn report(&self, report: TransferReport, runtime: &Handle) {
        log(&report);
        match self.notices.try_send(Notice::Finished(report)) {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => lost(),
            // Who follows the transfers has much to do; a report should not get lost for that.
            Err(TrySendError::Full(notice)) => {
                let notices = self.notices.clone();
                runtime.spawn(async move {
                    if notices.send_timeout(notice, NOTICE_PATIENCE).await.is_err() {
                        lost();
                    }
                });
            }
        }
    }

    /// Remembers a client for whom windows are too fast.
    pub(super) fn remember_losses(&self, report: &TransferReport) {
        let sent = report.acked_bytes / u64::from(report.blksize);
        if report.windowsize > 1 && report.retransmits >= LOSSES_MIN && report.retransmits > sent / LOSSY_ONE_IN {
            self.table.lost_many(report.peer.ip(), Instant::now());
        }
    }
}

fn lost() {
    tracing::warn!("a report of a tftp transfer found no reader");
}

fn log(report: &TransferReport) {
    let TransferReport {
        peer,
        name,
        acked_bytes,
        duration,
        ending,
        ..
    } = report;
    let (ms, why) = (duration.as_millis() as u64, ending.name());
    match ending {
        Ending::Delivered | Ending::SentUnacknowledged => {
            tracing::info!(%peer, file = %name, bytes = acked_bytes, ms, why, "tftp transfer finished");
        }
        Ending::SizeProbe | Ending::Aborted { .. } | Ending::Superseded | Ending::Stopped => {
            tracing::debug!(%peer, file = %name, bytes = acked_bytes, ms, why, "tftp transfer ended");
        }
        Ending::Unreachable | Ending::TimedOut | Ending::Evicted | Ending::Changed | Ending::Broken => {
            tracing::warn!(%peer, file = %name, bytes = acked_bytes, ms, why, "tftp transfer not completed");
        }
    }
}
