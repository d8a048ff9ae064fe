//! Every byte format that Bootwright speaks, each spelled once: bytes to words and words to bytes.
//!
//! Nothing here decides anything. A parser takes whatever arrives and answers with a value or with the reason why there
//! is none; it never panics, which the lints below hold for the code outside tests.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

pub mod compat;
pub mod dhcp;
pub mod dhcp6;
pub mod hexdump;
pub mod http;
pub mod newc;
pub mod script;
pub mod syslog;
pub mod tftp;
pub mod wake;
