//! The operator's TOML, read into policy and daemon settings, with diagnostics that name file, line and column.
//!
//! Pure: the shell reads the files and hands over their texts.

mod daemon;
mod diagnostic;
mod digest;
mod duration;
mod finding;
mod load;
mod lower;
mod merge;
mod node;
mod section;

pub use daemon::{BaseUrl, Control, Daemon, Dhcp, Listen, Sockets, Store, Tftp, Tls};
pub use diagnostic::{Diagnostic, Place, Severity};
pub use load::{ERRORS_MAX, Loaded, Source, load, render_all};
pub use lower::{Places, SecretSource};
