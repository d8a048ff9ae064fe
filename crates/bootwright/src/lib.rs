//! The daemon and its command line: sockets, files and clocks around the engine.

pub mod starter;
pub mod tftp;
