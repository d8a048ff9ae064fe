//! The system calls that have no safe wrapper in the crates we use. Small on purpose: no logic lives here.

pub(crate) mod address;
pub(crate) mod cached;
pub(crate) mod datagram;
pub(crate) mod datagram6;
pub(crate) mod gso;
pub(crate) mod map;
pub(crate) mod packet;
pub(crate) mod unsent;
pub(crate) mod watched;
