//! The one store: what happened, recorded before it is answered, and the hosts as they follow from it.
//!
//! The record of entries is the truth. The tables that people read are its fold, written in the same transaction; a start
//! reads the tables. [`Store`] is the small trait behind which it stands, [`SqliteStore`] keeps it in a file,
//! [`MemoryStore`] in memory with faults on demand, and [`Writer`] commits in groups on a thread of its own.

mod clock;
mod error;
mod memory;
mod reading;
mod row;
pub mod sample;
mod sqlite;
mod store;
mod sum;
mod writer;

pub use clock::{ClockMark, ClockReading, OFF_MAX, Resumed, SiteClock, resume};
pub use error::StoreError;
pub use memory::{Fault, MemoryDisk, MemoryStore};
pub use row::{Column, RowError, reread};
pub use sqlite::{Hold, Limits, SqliteReader, SqliteStore, disk_room, examine_backup};
pub use store::{Batch, EventQuery, Loaded, PAGE_EVENTS_MAX, Page, Reader, Recorded, Report, Seq, Space, Store};
pub use writer::{Committed, Done, Health, QUEUE_MAX, Refused, WriteFailed, Writer, Writing};
