//! Tests of the byte formats from outside.

mod api;
mod dhcp;
mod dhcp6;
mod front;
mod http;
mod script;
