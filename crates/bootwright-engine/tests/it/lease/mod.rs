//! Addresses: every message in every state, told as stories.

mod boot;
mod decline;
mod flood;
mod place;
mod renew;
mod reservation;
mod select;
mod story;
