//! The operator's TOML, read into policy and daemon settings, with diagnostics that name file, line and column.
//!
//! Pure: the shell reads the files and hands over their texts.

mod compat;
mod daemon;
mod diagnostic;
mod difference;
mod digest;
mod duration;
mod finding;
mod foreign;
mod import;
mod load;
mod lower;
mod merge;
mod node;
pub mod schema;
mod section;
mod setting;

pub use compat::{Compat, Configs, Dialect, DoneBy, Era, Rpc};
pub use daemon::{BaseUrl, Control, Daemon, Dhcp, Listen, Sockets, Store, Tftp, Tls};
pub use diagnostic::{Diagnostic, Place, Severity};
pub use difference::{Difference, differences};
pub use foreign::{
    Content, FILE_BYTES_MAX, FILES_MAX, Tables, Walk, bootcfg, dynamic_ignition, kiwispray, matchbox, pixiecore,
};
pub use import::{Given, Imported, Known, Standing, System, import};
pub use load::{FINDINGS_MAX, Loaded, Reader, Source, load, load_with, render_all};
pub use lower::{Image, Places, SecretSource, Webhook};
pub use setting::{Setting, settings};
