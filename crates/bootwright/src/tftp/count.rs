//! Why something was not served, and how often.

use std::sync::atomic::{AtomicU64, Ordering};

use bootwright_proto::tftp::{Silence, Stray};

/// A packet or a request that got no service, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Shorter than an opcode.
    TooShort,
    /// Longer than any request of a boot client.
    TooLong,
    /// An ERROR on the request port.
    ErrorOnRequestPort,
    /// A packet of a transfer on the request port.
    NotRequest,
    /// It claims to come from a port that no client uses but other services do, which an answer might set talking.
    ReservedPort,
    /// It was sent to a broadcast or multicast address (RFC 1123, section 4.2.3.4).
    Broadcast,
    /// The site's rules do not admit the sender.
    NotAdmitted,
    /// A repeated request, answered by the first packet of the transfer it began.
    Repeated,
    /// Its sender has as many transfers as one may have, all of them alive.
    SourceBusy,
    /// There are as many transfers as there may be, all of them alive.
    ServerBusy,
    /// Answered with an error: a write, a malformed request, a name that is none.
    Refused,
    /// The file could not be opened in time.
    OpenTooSlow,
    /// No socket could be opened for the transfer.
    NoSocket,
    /// In a transfer: it cannot be read.
    Malformed,
    /// In a transfer: a packet that a receiver does not send.
    Unexpected,
    /// In a transfer: an acknowledgement that came before.
    Duplicate,
    /// In a transfer: an acknowledgement of a block that is not under way.
    Outside,
    /// In a transfer: it was over.
    Late,
    /// One of our packets that the kernel did not send; the timer will.
    SendFailed,
    /// A transfer that a bug of ours ended; the log says where.
    Panicked,
}

/// How often each [`Why`] occurred since the start.
#[derive(Debug, Default)]
pub struct Counts([AtomicU64; Why::ALL.len()]);

impl Why {
    /// All reasons, in a fixed order.
    pub const ALL: [Self; 20] = [
        Self::TooShort,
        Self::TooLong,
        Self::ErrorOnRequestPort,
        Self::NotRequest,
        Self::ReservedPort,
        Self::Broadcast,
        Self::NotAdmitted,
        Self::Repeated,
        Self::SourceBusy,
        Self::ServerBusy,
        Self::Refused,
        Self::OpenTooSlow,
        Self::NoSocket,
        Self::Malformed,
        Self::Unexpected,
        Self::Duplicate,
        Self::Outside,
        Self::Late,
        Self::SendFailed,
        Self::Panicked,
    ];

    /// The reason in lower case with hyphens, for logs and counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::ErrorOnRequestPort => "error-on-request-port",
            Self::NotRequest => "not-request",
            Self::ReservedPort => "reserved-port",
            Self::Broadcast => "broadcast",
            Self::NotAdmitted => "not-admitted",
            Self::Repeated => "repeated",
            Self::SourceBusy => "source-busy",
            Self::ServerBusy => "server-busy",
            Self::Refused => "refused",
            Self::OpenTooSlow => "open-too-slow",
            Self::NoSocket => "no-socket",
            Self::Malformed => "malformed",
            Self::Unexpected => "unexpected",
            Self::Duplicate => "duplicate",
            Self::Outside => "outside",
            Self::Late => "late",
            Self::SendFailed => "send-failed",
            Self::Panicked => "panicked",
        }
    }
}

impl From<Silence> for Why {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::TooShort => Self::TooShort,
            Silence::TooLong => Self::TooLong,
            Silence::Error => Self::ErrorOnRequestPort,
            Silence::NotRequest => Self::NotRequest,
        }
    }
}

impl From<Stray> for Why {
    fn from(stray: Stray) -> Self {
        match stray {
            Stray::Malformed => Self::Malformed,
            Stray::Unexpected => Self::Unexpected,
            Stray::Duplicate => Self::Duplicate,
            Stray::Outside => Self::Outside,
            Stray::Late => Self::Late,
        }
    }
}

impl Counts {
    /// How often this occurred.
    #[must_use]
    pub fn get(&self, why: Why) -> u64 {
        self.0[why as usize].load(Ordering::Relaxed)
    }

    /// All reasons and how often each occurred.
    pub fn iter(&self) -> impl Iterator<Item = (Why, u64)> {
        Why::ALL.into_iter().map(|why| (why, self.get(why)))
    }

    pub(super) fn add(&self, why: Why) {
        self.0[why as usize].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_place_and_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Why::ALL.iter().map(|why| why.name()).collect();
        assert_eq!(names.len(), Why::ALL.len());
        let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        assert!(names.iter().all(|name| plain(name)), "{names:?}");
        for (place, why) in Why::ALL.into_iter().enumerate() {
            assert_eq!(why as usize, place);
        }
    }
}
