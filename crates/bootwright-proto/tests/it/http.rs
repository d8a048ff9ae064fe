//! Targets, queries and reports as machines send them, good and hostile.

mod query;
mod report;
mod target;
