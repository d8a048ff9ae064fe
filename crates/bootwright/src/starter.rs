//! The first configuration: commented text, written where there is none.
//!
//! The daemon runs without a configuration file, since every key has a default. The file is for the person who comes to
//! change one.

use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The text of `config/config.toml`: every key, commented out.
pub const TEXT: &str = include_str!("../../../config/config.toml");

/// What became of the wish that there be a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there, and was not touched.
    Present,
    /// It was missing, and now holds [`TEXT`].
    Written,
}

/// Writes the commented configuration to `path`, unless something is there already.
///
/// The file gets the owner of its directory where that is allowed, so that an operator whose directory was mounted into
/// a container can edit it.
///
/// # Errors
///
/// The directory cannot be made or written to: read-only or another user's. The caller may go on with the defaults.
pub fn write_if_missing(path: &Path) -> io::Result<Outcome> {
    if path.symlink_metadata().is_ok() {
        return Ok(Outcome::Present);
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    match write(path, directory) {
        Ok(()) => Ok(Outcome::Written),
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Outcome::Present),
        Err(error) => Err(error),
    }
}

fn write(path: &Path, directory: &Path) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)?;
    let filled = file.write_all(TEXT.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = filled {
        // Half of a configuration is worse than none.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    let owner = directory.metadata()?;
    if file.metadata()?.uid() != owner.uid() {
        // Only root may give files away. Without that right the file stays ours, and readable to all.
        let _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("bootwright-starter-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn an_empty_directory_gets_the_commented_configuration_once() {
        let home = place("empty");
        let path = home.join("etc/config.toml");
        assert_eq!(write_if_missing(&path).unwrap(), Outcome::Written);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), TEXT);
        std::fs::write(&path, "mine").unwrap();
        assert_eq!(write_if_missing(&path).unwrap(), Outcome::Present);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        std::fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_an_error_and_nothing_else() {
        let home = place("blocked");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("etc"), "a file where the directory should be").unwrap();
        assert!(write_if_missing(&home.join("etc/config.toml")).is_err());
        assert!(write_if_missing(Path::new("/proc/bootwright/config.toml")).is_err());
        std::fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn no_key_is_set_in_it() {
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            assert!(
                line.is_empty() || line.starts_with('['),
                "a line that sets something: {line}"
            );
        }
    }
}
