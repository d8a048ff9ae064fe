//! Days on a site in memory.

mod checker;
mod lease;
mod own_disk;
mod quirk;
mod restore;
mod scenario;
mod seed;
mod storm;
