//! Tests of the boot client from outside.

mod ipxe;
mod machine;
mod quirk;
mod segment;
