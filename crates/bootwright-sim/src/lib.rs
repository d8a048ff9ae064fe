//! A site in memory: machines, a wire that loses and repeats, a DHCP server, a store with faults, an operator, and the
//! real engine between them, in virtual time. Equal seeds give equal runs.
//!
//! [`World`] moves everything, [`Checker`] looks at every step whether a disk was written that nobody allowed or a promise
//! was broken, [`chaos`] makes a bad day out of a seed.

pub mod chance;
pub mod chaos;
pub mod check;
mod clock;
mod daemon;
mod deadline;
mod installer;
mod lan;
pub mod lease;
mod lend;
mod life;
mod machine;
mod operator;
mod record;
mod reply;
mod system;
mod web;
mod wire;
mod world;

pub use chance::Chance;
pub use check::Checker;
pub use machine::{Content, Doing, Oddity, Starts};
pub use operator::Word;
pub use world::{Faults, Setup, World};
