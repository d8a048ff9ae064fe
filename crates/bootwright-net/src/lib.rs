//! The network as this box has it: links, sockets, captured packets, raw frames and files that leave without a copy.
//!
//! Everything here does I/O and nothing here decides. The only unsafe code of the workspace is in the module `sys`.

pub mod beneath;
pub mod cached;
pub mod descriptor;
pub mod environment;
pub mod frame;
pub mod gso;
pub mod link;
pub mod neighbour;
pub mod poll;
pub mod port;
pub mod probe;
pub mod selection;
pub mod sendfile;
mod shout;
pub mod snoop;
#[allow(
    unsafe_code,
    reason = "the one place where it may stand; every block says why it is sound"
)]
mod sys;
pub mod udp;
pub mod udp6;
pub mod watch;

pub use link::Link;
