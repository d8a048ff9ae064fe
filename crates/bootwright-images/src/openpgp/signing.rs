//! A secret key that signs what we serve (RFC 9580, 5.2): for clients that start nothing unsigned.

use pgp::composed::{ArmorOptions, Deserializable as _, DetachedSignature, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet;
use pgp::ser::Serialize as _;
use pgp::types::Password;
use rand::rngs::OsRng;

use super::blocks;
use super::certificate::Certificate;
use crate::error::{Error, Result};

/// The part of a key that signs.
enum Secret {
    Primary(packet::SecretKey),
    Sub(packet::SecretSubkey),
}

/// A secret key, and what opens it.
pub struct SigningKey {
    secret: Secret,
    passphrase: Password,
    fingerprint: String,
}

impl std::fmt::Debug for SigningKey {
    /// Its name, and nothing of what it keeps.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.fingerprint).finish()
    }
}

impl SigningKey {
    /// The first secret key of a file, in its binary form or in armour. `name` stands in errors; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When there is none, when it may not sign, or when the passphrase does not open it.
    pub fn read(name: &str, bytes: &[u8], passphrase: &str, now: u64) -> Result<Self> {
        let first = blocks(bytes).first().copied().unwrap_or_default();
        let key = SignedSecretKey::from_reader_single(first)
            .map_err(|why| {
                Error::new(format!("`{name}` cannot be read as a secret key: {why}"))
                    .hint("`gpg --export-secret-keys --armor KEY` writes one")
            })?
            .0;
        let certificate = Certificate::new(&key.to_public_key());
        let may_sign: Vec<String> = certificate
            .keys()
            .filter(|own| certificate.may_sign(own, now, now).is_ok())
            .map(super::certificate::Key::fingerprint)
            .collect();
        // As GnuPG does: a subkey that signs goes before the primary key, which is often kept elsewhere.
        let subkey = key.secret_subkeys.iter().rev().find_map(|subkey| {
            use pgp::types::KeyDetails as _;
            let print = subkey.key.fingerprint().to_string().to_uppercase();
            may_sign.contains(&print).then(|| Secret::Sub(subkey.key.clone()))
        });
        let fingerprint = certificate.signer().fingerprint;
        let secret = match subkey {
            Some(secret) => secret,
            None if may_sign.contains(&fingerprint) => Secret::Primary(key.primary_key.clone()),
            None => {
                return Err(Error::new(format!("the key of `{name}` may not sign"))
                    .hint("it has expired, was revoked, or is for something else"));
            }
        };
        let key = Self {
            secret,
            passphrase: Password::from(passphrase),
            fingerprint,
        };
        match key.detached(b"", false) {
            Ok(_) => Ok(key),
            Err(_) => Err(Error::new(format!("the passphrase does not open the key of `{name}`"))),
        }
    }

    /// The fingerprint of the primary key, in upper-case hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A detached signature of these bytes. Takes milliseconds with a long RSA key.
    ///
    /// # Errors
    /// When the key cannot be opened, or cannot sign.
    pub fn detached(&self, document: &[u8], armoured: bool) -> Result<Vec<u8>> {
        let hash = HashAlgorithm::Sha256;
        let signed = match &self.secret {
            Secret::Primary(key) => DetachedSignature::sign_binary_data(OsRng, key, &self.passphrase, hash, document),
            Secret::Sub(key) => DetachedSignature::sign_binary_data(OsRng, key, &self.passphrase, hash, document),
        };
        let written = signed.and_then(|signed| match armoured {
            true => signed.to_armored_bytes(ArmorOptions::default()),
            false => signed.to_bytes(),
        });
        written.map_err(|why| Error::new(format!("key {} cannot sign: {why}", self.fingerprint)))
    }
}
