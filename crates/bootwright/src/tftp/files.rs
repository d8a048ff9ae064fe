//! What a name means: the seam between the service and the rest of the daemon.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};

use bootwright_proto::tftp::{ErrorCode, Name};

use super::Content;

/// Where files come from: the firmware catalogue, what the state machine renders, an operator's directory.
pub trait Files: Send + Sync + 'static {
    /// Whether a peer may ask at all. Without service it gets no answer either, and this must not wait for anything.
    fn admits(&self, _peer: SocketAddr, _local: IpAddr) -> bool {
        true
    }

    /// The content for a peer that asked `local`, one of our addresses, for `name`.
    fn open(
        &self,
        peer: SocketAddr,
        local: IpAddr,
        name: &Name,
    ) -> impl Future<Output = Result<Content, Refusal>> + Send;
}

/// Why there is no content for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such file. Loaders probe for many files and go on at once when they hear this.
    NotFound,
    /// It is there and not to be had.
    Denied,
    /// It is there and cannot be read now.
    Unreadable,
    /// The mode asked for is not served for this file.
    WrongMode,
}

impl Refusal {
    /// The error that the client is told.
    #[must_use]
    pub const fn answer(self) -> (ErrorCode, &'static str) {
        match self {
            Self::NotFound => (ErrorCode::NotFound, "file not found"),
            Self::Denied => (ErrorCode::Access, "access denied"),
            Self::Unreadable => (ErrorCode::Other, "cannot be read now"),
            Self::WrongMode => (ErrorCode::Illegal, "ask in octet mode"),
        }
    }
}
