//! TFTP as boot ROMs speak it: RFC 1350 with the options of RFC 2347, 2348, 2349 and 7440.
//!
//! Four parts, none of which owns a socket, a clock or a file:
//! - [`packet`]: bytes to requests and data-phase packets, and back;
//! - [`name`]: the file name that a request means, whatever the firmware made of it;
//! - [`option`]: what is granted of the options that a request asked for;
//! - [`transfer`]: the sending side of one transfer as a state machine over time and packets.

pub mod name;
pub mod option;
pub mod packet;
pub mod transfer;

pub use name::{BadName, Name};
pub use option::{Asked, Caps, Terms, Way};
pub use packet::{ErrorCode, Mode, Packet, Reject, Request, Silence};
pub use transfer::{Action, Blocks, Outcome, Stray, Transfer};
