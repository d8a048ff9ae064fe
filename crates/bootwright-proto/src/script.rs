//! Scripts for boot loaders: what they ask for, and what each of them reads.
//!
//! iPXE says in a query who it is. The others ask for a file, and [`name`] reads from its name who asks for what. What
//! they are told is [`told::Told`], which [`pxelinux`], [`grub`], [`uboot`] and [`pi`] write down, each in its language.

pub mod grub;
pub mod ipxe;
mod lines;
pub mod name;
pub mod pi;
pub mod pxelinux;
pub mod say;
pub mod told;
pub mod uboot;
