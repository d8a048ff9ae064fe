//! Passwords: what is taken for one, and what is kept of it.

use std::io;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use super::shelf::Shelf;

/// The shortest password. Length is what counts (NIST SP 800-63B), so nothing else is asked.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// The longest, in characters: nobody types more, and each try costs time by it.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// argon2id with 19 MiB, two rounds and one lane: what OWASP recommends, some 30 ms a try.
fn argon() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// Why this is no password, in words.
pub(super) fn objection(password: &str) -> Option<String> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Some(format!("a password has at least {PASSWORD_CHARS_MIN} characters"));
    }
    if password.chars().count() > PASSWORD_CHARS_MAX || password.chars().any(char::is_control) {
        return Some(format!(
            "a password has up to {PASSWORD_CHARS_MAX} characters, and no control characters"
        ));
    }
    None
}

/// Whether it is the name, which whoever guesses tries first (NIST SP 800-63B).
pub(super) const fn is_name(password: &str, name: &str) -> bool {
    !name.is_empty() && password.eq_ignore_ascii_case(name)
}

/// What is kept of a password: its argon2id hash with everything that is needed to compare (PHC string format).
pub(super) fn hash(shelf: &dyn Shelf, password: &str) -> io::Result<String> {
    let mut salt = [0; 16];
    shelf.random(&mut salt)?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| io::Error::other(error.to_string()))?;
    let hash = argon().hash_password(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string())
        .map_err(|error| io::Error::other(error.to_string()))
}

/// Whether a hash is one that we could compare with: argon2id, with a salt and a hash in it.
pub(super) fn is_hash(kept: &str) -> bool {
    PasswordHash::new(kept).is_ok_and(|hash| {
        hash.algorithm == argon2::ARGON2ID_IDENT
            && hash.salt.is_some()
            && hash.hash.is_some_and(|hash| hash.as_bytes().len() >= 16)
    })
}

/// Whether this is the password. Where there is no hash to compare with, as for a name that nobody has, it takes as long and
/// is none.
pub(super) fn is_password(kept: Option<&str>, password: &str) -> bool {
    let password = if password.chars().count() > PASSWORD_CHARS_MAX {
        ""
    } else {
        password
    };
    let kept = kept.and_then(|kept| PasswordHash::new(kept).ok());
    match kept {
        Some(kept) if !password.is_empty() => argon().verify_password(password.as_bytes(), &kept).is_ok(),
        _ => {
            // What comes out is thrown away: only the time counts.
            let _ = argon().hash_password_into(b"nobody", b"nobody's salt of 16", &mut [0; 32]);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_anybody_would_guess_are_none() {
        for bad in ["", "short", &"x1".repeat(200), "tab\tin between"] {
            assert!(objection(bad).is_some(), "{bad:?}");
        }
        assert_eq!(objection("correct horse"), None);
        assert_eq!(objection("ünïcödé paß"), None);
        assert_eq!(objection(&"ä".repeat(PASSWORD_CHARS_MAX)), None);
        assert!(is_name("Anna-Anna-Anna", "anna-anna-anna"));
        assert!(!is_name("correct horse", "anna") && !is_name("", ""));
    }

    #[test]
    fn what_is_no_whole_hash_is_none() {
        for bad in [
            "",
            "correct horse",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
            "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAA",
        ] {
            assert!(!is_hash(bad), "{bad}");
            assert!(!is_password(Some(bad), "correct horse"), "{bad}");
        }
        assert!(!is_password(None, "correct horse"));
    }
}
