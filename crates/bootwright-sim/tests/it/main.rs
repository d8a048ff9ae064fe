//! Days on a site in memory.

mod checker;
mod scenario;
mod seed;
