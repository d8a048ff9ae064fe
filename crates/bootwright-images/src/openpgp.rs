//! Detached signatures by OpenPGP (RFC 4880, RFC 9580): those that vendors put beside their files, checked against keys that
//! the operator names.
//!
//! Only what such signatures need: version 4 of keys and signatures, RSA and Ed25519, SHA-2. What is older is refused, since
//! it proves nothing any more; what is newer, since no vendor uses it yet. Signing, encryption and secret keys are not here.
//! `docs/decisions/0024-images.md` says why this is no library's.

mod armor;
mod check;
mod key;
mod packet;

use std::io::{self, Read};

use crate::error::{Error, Result};
use key::Certificate;
use packet::{SIGNATURE, Signature};

pub use check::Document;

/// Keys that are trusted.
#[derive(Clone, Debug)]
pub struct Keyring(Vec<Certificate>);

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The fingerprint of the primary key, in upper-case hexadecimal digits.
    pub fingerprint: String,
    /// The first user that the key names.
    pub user: String,
}

impl Keyring {
    /// The public keys of some files, in their binary form or in armour. `names` stand in errors.
    ///
    /// # Errors
    /// When a file holds no public key.
    pub fn read(files: &[(String, Vec<u8>)]) -> Result<Self> {
        let mut all = Vec::new();
        for (name, bytes) in files {
            let bytes = armor::strip(bytes);
            let found = packet::all(&bytes).and_then(|packets| key::certificates(&packets));
            match found {
                Ok(found) if !found.is_empty() => all.extend(found),
                Ok(_) => {
                    return Err(Error::new(format!("`{name}` holds no public key"))
                        .hint("`gpg --export --armor KEY` writes one"));
                }
                Err(why) => return Err(Error::new(format!("`{name}` cannot be read as public keys: {why}"))),
            }
        }
        Ok(Self(all))
    }

    /// Checks a detached signature: one good one by a key of ours is enough. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When no signature is good, with the reason of each; when the document cannot be read.
    pub fn verify(&self, document: &mut Document<'_>, signature: &[u8], now: u64) -> Result<Signer> {
        let bytes = armor::strip(signature);
        let packets = packet::all(&bytes).map_err(|why| Error::new(format!("the signature cannot be read: {why}")))?;
        let mut reasons = Vec::new();
        for packet in packets.iter().filter(|packet| packet.tag == SIGNATURE) {
            let tried = match Signature::parse(packet.body) {
                Ok(signature) => self.by_one(document, &signature, now)?,
                Err(why) => Err(why.to_owned()),
            };
            match tried {
                Ok(signer) => return Ok(signer),
                Err(why) => reasons.push(why),
            }
        }
        if reasons.is_empty() {
            return Err(Error::new("there is no signature in it"));
        }
        reasons.dedup();
        Err(Error::new(format!("the signature is not good: {}", reasons.join("; ")))
            .hint("fetch the vendor's present keys from a place that you trust, or do not use the file"))
    }

    fn by_one(
        &self,
        document: &mut Document<'_>,
        signature: &Signature<'_>,
        now: u64,
    ) -> Result<Result<Signer, String>> {
        let mut why = match signature.issuer() {
            Some(issuer) => format!("it is by key {issuer}, which is none of the keys given"),
            None => "it is by none of the keys given".to_owned(),
        };
        for certificate in &self.0 {
            for key in certificate.keys() {
                if !signature.may_be_by(key) {
                    continue;
                }
                if let Err(reason) = certificate.may_sign(key, signature.created, now) {
                    why = reason;
                    continue;
                }
                match document.check(signature, key, now) {
                    Ok(Ok(())) => {
                        return Ok(Ok(Signer {
                            fingerprint: certificate.primary.fingerprint_text(),
                            user: certificate.user.clone(),
                        }));
                    }
                    Ok(Err(reason)) => why = reason,
                    Err(error) => return Err(Error::new(format!("the signed file cannot be read: {error}"))),
                }
            }
        }
        Ok(Err(why))
    }
}

/// Everything that can be read from the beginning again.
pub trait Rewind: Read + io::Seek {}

impl<T: Read + io::Seek> Rewind for T {}
