//! DHCP for IPv6 as network boot uses it: what clients send, and what they are answered.
//!
//! [`parse`] reads a message strictly: RFC 8415 has no old clients to be lenient with. [`classify`] tells which kind of
//! client sent it, [`unwrap`] takes off what relays put around it, [`question`] what it wants or why nobody answers it, [`render`] writes the answer.
//!
//! The options are walked here and not by dhcproto: its decoder stops at the first option that it cannot read and keeps
//! what it has, so that the end of a packet gets lost without a word.
//!
//! Sources: RFC 8415 and 5970; what OVMF and iPXE send is in `test_data/dhcp6`.

mod census;
mod client;
mod discard;
mod duid;
mod options;
mod parse;
mod question;
mod relay;
mod render;
mod reply;
mod request;

pub use census::{Found, parse_found, search};
pub use client::{Client, ClientKind, classify, sender_card};
pub use discard::Discard;
pub use duid::Duid;
pub use parse::parse;
pub use question::{Ends, Silence, question};
pub use relay::{Relayed, unwrap};
pub use render::{Unrenderable, render};
pub use reply::{Answer, Boot, Held, Reply, Status};
pub use request::{Association, Message, Request, VendorClass};

use std::net::Ipv6Addr;

/// The port on which servers and relays listen.
pub const SERVER_PORT: u16 = 547;

/// The port on which clients listen.
pub const CLIENT_PORT: u16 = 546;

/// The group of all servers and relays of a link (RFC 8415 section 7.1).
pub const SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
