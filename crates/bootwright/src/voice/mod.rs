//! What installers say besides their reports: a receiver of syslog, and the way of every line into its run's log.

mod receiver;
mod scribe;

pub use receiver::{bind, listen};
pub use scribe::Scribe;
