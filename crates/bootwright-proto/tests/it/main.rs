//! Tests of the byte formats from outside.

mod api;
mod dhcp;
mod http;
mod script;
