//! Tests of the byte formats from outside.

mod dhcp;
