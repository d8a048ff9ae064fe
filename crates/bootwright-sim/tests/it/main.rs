//! Days on a site in memory.

mod checker;
mod lease;
mod scenario;
mod seed;
mod storm;
