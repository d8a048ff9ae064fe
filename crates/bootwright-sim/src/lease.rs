//! Many clients and few addresses: conversations out of a seed, with floods, crashes, faults of the store and changes of
//! the configuration in between, and a checker that knows nothing of how the engine remembers.

mod check;
mod client;
mod day;

pub use check::LeaseChecker;
pub(crate) use check::end_of;
pub use day::{LeaseDay, live};
