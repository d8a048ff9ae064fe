//! DHCP for IPv4 as network boot uses it: requests and replies, both ways.
//!
//! [`parse`] reads a request leniently where a foreign option is broken and strictly where the answer would depend on
//! it. [`classify`] tells which kind of client sent it, [`question`] what it wants from a proxy, or why it gets no
//! answer. [`render`] writes replies in the order that boot ROMs like, and [`destination`] says where they go.
//! [`render_request`] and [`parse_answer`] are the client's side, for everything of ours that plays a machine or listens
//! to other servers.
//!
//! Sources: RFC 951, 1542, 2131, 2132, 3004, 3011, 3046, 3396, 3527, 4578 and 5107; the PXE specification 2.1.

mod answer;
mod ask;
mod census;
mod client;
mod destination;
mod discard;
mod dotted;
mod file;
mod ipxe;
mod lease;
mod merge;
mod options;
mod parse;
mod pxe;
mod question;
mod render;
mod reply;
mod request;
mod server;
mod writer;

pub use answer::{Answer, parse_answer};
pub use ask::render_request;
pub use bootwright_core::Strategy;
pub use census::{deeds, is_search, search};
pub use client::{Client, ClientKind, classify, is_raspberry_pi_card, is_system};
pub use destination::{Destination, destination};
pub use discard::Discard;
pub use file::{BootFile, NotBootFile};
pub use ipxe::{Bus, Feature, Ipxe};
pub use lease::Lease;
pub use merge::Merger;
pub use parse::{parse, sender};
pub use question::{Arrival, Port, Question, Silence, question};
pub use render::{Unrenderable, render, render_over};
pub use reply::{Boot, Reply};
pub use request::{MessageType, Request};
pub use server::{ServerQuestion, server_question};

/// The port on which DHCP servers and relays listen.
pub const SERVER_PORT: u16 = 67;

/// The port on which DHCP clients listen.
pub const CLIENT_PORT: u16 = 68;

/// The port on which a PXE boot server answers a client that already has its address (PXE 2.1, section 2.2.3).
pub const PXE_PORT: u16 = 4011;
