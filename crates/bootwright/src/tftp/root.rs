//! An operator's directory, served read-only.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use bootwright_net::beneath::Root;
use bootwright_proto::tftp::Name;

use super::{Content, Refusal};

/// Opens the file of that name below the root. Where there is none, one whose name differs only in the case of letters is
/// taken if no other does too, since Windows loaders ask so.
///
/// # Errors
/// [`Refusal`], which tells the client nothing about what lies outside the root.
pub async fn open_below(root: &Arc<Root>, name: &Name) -> Result<Content, Refusal> {
    let (root, name) = (Arc::clone(root), name.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let path = Path::new(OsStr::from_bytes(name.as_bytes()));
        let opened = match root.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => root.open(root.find_ignoring_case(path)?),
            opened => opened,
        };
        opened.and_then(Content::file)
    });
    match opened.await {
        Ok(Ok(content)) => Ok(content),
        Ok(Err(error)) => Err(match error.kind() {
            io::ErrorKind::NotFound => Refusal::NotFound,
            io::ErrorKind::PermissionDenied => Refusal::Denied,
            _ => Refusal::Unreadable,
        }),
        Err(_) => Err(Refusal::Unreadable),
    }
}
