//! A boot client: what a machine's firmware does on the wire, without sockets.
//!
//! One client for four uses: the doctor, the simulation of a boot, the simulator's machines and the load generator.

pub mod ipxe;
pub mod machine;
pub mod rom;
pub mod tftp;
