//! What the service tells the rest of the daemon about transfers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bootwright_proto::tftp::{ErrorCode, Name, Outcome};

/// Something worth knowing about a transfer.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A transfer goes on; at most two of these a second for each.
    Progress {
        /// Who fetches.
        peer: SocketAddr,
        /// What.
        name: Arc<Name>,
        /// The size of the file in bytes.
        size: u64,
        /// Bytes acknowledged.
        acked_bytes: u64,
    },
    /// A transfer is over.
    Finished(TransferReport),
    /// A request was answered with an error.
    Refused {
        /// Who asked.
        peer: SocketAddr,
        /// The name as read, or as sent where it could not be read.
        name: String,
        /// The error code.
        code: ErrorCode,
        /// The error text.
        text: &'static str,
    },
}

/// A transfer from its first packet to its end.
#[derive(Clone, Debug)]
pub struct TransferReport {
    /// Who fetched.
    pub peer: SocketAddr,
    /// Which of our addresses was asked.
    pub local: IpAddr,
    /// What was asked for.
    pub name: Arc<Name>,
    /// The size in bytes as transferred.
    pub size: u64,
    /// Bytes in a block.
    pub blksize: u16,
    /// Blocks for each acknowledgement.
    pub windowsize: u16,
    /// Bytes that the client acknowledged.
    pub acked_bytes: u64,
    /// Packets sent more than once.
    pub retransmits: u64,
    /// How it ended.
    pub ending: Ending,
    /// When the request was heard.
    pub begun: Instant,
    /// From the request to the end.
    pub duration: Duration,
}

/// How a transfer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client acknowledged the last byte.
    Delivered,
    /// Everything was sent, the last acknowledgement never came. The client may have started the file without it.
    SentUnacknowledged,
    /// The client only asked for the size.
    SizeProbe,
    /// The client sent this error.
    Aborted {
        /// The code it sent.
        code: u16,
    },
    /// The client's port was closed.
    Unreachable,
    /// The client fell silent.
    TimedOut,
    /// The client asked for something else from the same port.
    Superseded,
    /// It was idle and its place was needed.
    Evicted,
    /// The file changed or shrank while it was sent; the client was told.
    Changed,
    /// Our own socket or file failed.
    Broken,
    /// The service stops.
    Stopped,
}

impl Ending {
    /// The ending as one word, for logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::SentUnacknowledged => "sent-unacknowledged",
            Self::SizeProbe => "size-probe",
            Self::Aborted { .. } => "aborted",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Superseded => "superseded",
            Self::Evicted => "evicted",
            Self::Changed => "changed",
            Self::Broken => "broken",
            Self::Stopped => "stopped",
        }
    }
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Delivered => Self::Delivered,
            Outcome::SentUnacknowledged => Self::SentUnacknowledged,
            Outcome::SizeProbe => Self::SizeProbe,
            Outcome::Aborted { code } => Self::Aborted { code },
            Outcome::Unreachable => Self::Unreachable,
            Outcome::TimedOut => Self::TimedOut,
        }
    }
}
