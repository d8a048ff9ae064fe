//! How many files and sockets this process may have open.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Takes as many descriptors as the system lets this process take by itself, and returns how many that are.
///
/// The soft limit that most systems start a process with, 1,024, is kept for programs that use `select`; the hard one is
/// what the administrator allows.
///
/// # Errors
/// When the kernel does not tell the limit.
pub fn raise_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    // Refused: then it stays as it is.
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => Ok(hard),
        Err(_) => Ok(soft),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_what_the_administrator_allows() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(raise_limit().unwrap(), hard);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap().0, hard);
    }
}
