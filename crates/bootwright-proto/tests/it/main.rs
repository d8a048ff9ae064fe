//! Tests of the byte formats from outside.

mod api;
mod dhcp;
mod front;
mod http;
mod script;
