//! The TFTP service: sockets, files and tasks around the transfer engine of `bootwright-proto`.
//!
//! One [`Server`] serves any number of listening sockets, one for each device. Each request becomes a transfer with a
//! socket of its own, which ends when the client has the file, leaves or falls silent; a [`TransferReport`] tells which.
//! What a name means is the business of [`Files`]. Nothing that arrives is dropped without a reason in [`Counts`].
//!
//! Two threads: requests are read and files opened on a runtime, transfers run on a thread without one (`pump`).

mod begin;
mod books;
mod content;
mod count;
mod files;
mod mailbox;
mod pump;
mod report;
mod root;
mod sending;
mod server;
mod session;

pub use content::Content;
pub use count::{Counts, Why};
pub use files::{Files, Refusal};
pub use report::{Ending, Notice, TransferReport};
pub use root::open_below;
pub use server::{Limits, Server};
