//! Scripts for boot loaders.

pub mod ipxe;
