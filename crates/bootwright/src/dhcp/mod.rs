//! DHCP on one link: requests in, the engine's answer out. Nothing here decides.
//!
//! An answer waits for nothing: no name is looked up, no file is read, and no record has to be written before it leaves.

mod answer;
mod kernel;
mod pace;
mod packet;

pub use answer::{Desk, Ignored};
pub use kernel::listen;
pub use packet::capture;
