//! Secrets that we make: what is handed out, and the digest that is kept in their place.

use std::fmt;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::shelf::Shelf;

/// How many bytes of a secret nobody can guess.
const SECRET_BYTES: usize = 32;

/// A secret as it is handed out, once. It is never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one, behind a prefix that tells what it is.
    pub(super) fn make(shelf: &dyn Shelf, prefix: &str) -> io::Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        shelf.random(&mut bytes)?;
        if bytes == [0; SECRET_BYTES] {
            return Err(io::Error::other("the source of randomness gives nothing but zeros"));
        }
        Ok(Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// Its text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is kept of a secret. Since nobody can guess the secret, one round of SHA-256 is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// The digest of what somebody sent; none of an empty text.
    pub(super) fn of(secret: &str) -> Option<Self> {
        (!secret.is_empty()).then(|| Self(Sha256::digest(secret.as_bytes()).into()))
    }

    /// Whether they are the same, in a time that does not tell how much of them is.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(super) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`Self::hex`] wrote.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

/// The word that a form of this session must bring along: made from its secret, which no other site can read.
pub(super) fn csrf_of(session: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"bootwright csrf\0");
    hash.update(session.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Whether two texts are the same, in a time that tells at most their lengths. Empty ones never are.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    !one.is_empty() && bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}
