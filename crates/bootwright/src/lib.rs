//! The daemon and its command line: sockets, files and clocks around the engine.

pub mod api;
pub mod app;
pub mod artefact;
pub mod boot_file;
pub mod census;
pub mod cli;
pub mod commit;
pub mod compat;
pub mod core;
pub mod counter;
pub mod dhcp;
pub mod dhcp6;
pub mod firmware;
mod front;
pub mod http;
pub mod journal;
pub mod link;
pub mod mishap;
mod pi;
pub mod place;
pub mod reload;
mod slip;
pub mod starter;
pub mod telemetry;
pub mod tftp;
pub mod thread;
pub mod vault;
