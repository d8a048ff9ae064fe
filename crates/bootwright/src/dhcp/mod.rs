//! DHCP on one link: requests in, the engine's answer out. Nothing here decides.
//!
//! An answer waits for nothing: no name is looked up, no file is read, and no record has to be written before it leaves.
//! In server mode there are two exceptions, which hold up nobody but the client they are for: a grant leaves once it is
//! recorded, and an address that is offered for the first time is probed before.

mod answer;
mod kernel;
mod later;
mod lend;
mod merge;
mod outlet;
mod pace;
mod packet;
mod paper;
pub(crate) mod preview;
mod probe;

pub use answer::{Desk, Ignored};
pub use kernel::listen;
pub use merge::Merging;
pub use outlet::Outlet;
pub(crate) use pace::Pace;
pub use packet::capture;
