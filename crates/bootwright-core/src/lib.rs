//! The words of Bootwright and the pure functions that think: who is it, what is it told, what becomes of it.
//!
//! No socket, file, clock, environment or randomness: the time and fresh tokens come in as arguments.

pub mod addr;
pub mod arch;
pub mod time;
pub mod uuid;

pub use addr::MacAddr;
pub use arch::{Arch, Transport};
pub use time::{Span, Timestamp};
pub use uuid::Uuid;
