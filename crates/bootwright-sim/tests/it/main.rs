//! Days on a site in memory.

mod seed;
