//! Signatures by OpenPGP (RFC 9580): those that vendors put beside their files or around their lists, checked against keys
//! that the operator names.
//!
//! The library reads packets and does the arithmetic. What it leaves to its caller is here: which keys may sign, whether one
//! has expired or was revoked, and what proves nothing any more. `signing` is the other direction. Encryption is not here.

mod certificate;
mod signing;

use std::io::{self, BufReader, Read, SeekFrom};

use pgp::composed::{CleartextSignedMessage, Deserializable as _, DetachedSignature, SignedPublicKey};
use pgp::packet::{Signature, SignatureType};

use crate::error::{Error, Result};
use certificate::{Certificate, is_strong};

pub use signing::SigningKey;

/// How far a signature's time may lie ahead of ours, in seconds: clocks of boxes without a network are wrong.
const AHEAD_MAX: u64 = 24 * 60 * 60;

/// How many signatures of one document are looked at: each can cost a pass over a file of gigabytes.
const SIGNATURES_MAX: usize = 32;

/// Where a block of text begins that holds packets.
const ARMOUR: &str = "-----BEGIN PGP ";

/// Where text begins that is signed as it stands.
const CLEARTEXT: &str = "-----BEGIN PGP SIGNED MESSAGE-----";

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

/// Everything that can be read from the beginning again.
pub trait Rewind: Read + io::Seek {}

impl<T: Read + io::Seek> Rewind for T {}

impl Keyring {
    /// The public keys of some files, in their binary form or in armour. `names` stand in errors.
    ///
    /// # Errors
    /// When a file holds no public key.
    pub fn read(files: &[(String, Vec<u8>)]) -> Result<Self> {
        let mut all = Vec::new();
        for (name, bytes) in files {
            let (mut found, mut reason) = (Vec::new(), None);
            for block in blocks(bytes) {
                // Keys of versions that nobody reads any more are passed over, as GnuPG does.
                match SignedPublicKey::from_reader_many(block) {
                    Ok((keys, _)) => keys.for_each(|key| match key {
                        Ok(key) => found.push(Certificate::new(&key)),
                        Err(why) => reason = Some(why),
                    }),
                    Err(why) => reason = Some(why),
                }
            }
            match reason {
                _ if !found.is_empty() => all.extend(found),
                Some(why) => return Err(Error::new(format!("`{name}` cannot be read as public keys: {why}"))),
                None => {
                    return Err(Error::new(format!("`{name}` holds no public key"))
                        .hint("`gpg --export --armor KEY` writes one"));
                }
            }
        }
        Ok(Self(all))
    }

    /// Until when each owner's keys may sign, in seconds since 1970: the last of them counts. Nothing where one may for ever, 0
    /// where none may any more.
    #[must_use]
    pub fn ends(&self) -> Vec<(Signer, Option<u64>)> {
        let all = self.0.iter();
        all.map(|certificate| (certificate.signer(), certificate.end()))
            .collect()
    }

    /// Checks a detached signature: one good one by a key of ours is enough. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When no signature is good, with the reason of each; when the document cannot be read.
    pub fn verify(&self, document: &mut dyn Rewind, signature: &[u8], now: u64) -> Result<Signer> {
        let mut signatures = Vec::new();
        for block in blocks(signature) {
            let parsed = DetachedSignature::from_reader_many(block).and_then(|(all, _)| {
                all.map(|one| one.map(|one| one.signature))
                    .collect::<Result<Vec<_>, _>>()
            });
            match parsed {
                Ok(parsed) => signatures.extend(parsed),
                Err(why) => return Err(Error::new(format!("the signature cannot be read: {why}"))),
            }
        }
        self.by_one_of(&signatures, SignatureType::Binary, document, now)
    }

    /// The text inside of a message that is signed as it stands, once it is known whose it is.
    ///
    /// # Errors
    /// As [`Keyring::verify`].
    pub fn verify_cleartext(&self, message: &str, now: u64) -> Result<(String, Signer)> {
        let message = cleartext(message)?;
        let text = message.signed_text();
        let mut document = io::Cursor::new(text.as_bytes());
        let signer = self.by_one_of(message.signatures(), SignatureType::Text, &mut document, now)?;
        Ok((text, signer))
    }

    fn by_one_of(
        &self,
        signatures: &[Signature],
        kind: SignatureType,
        document: &mut dyn Rewind,
        now: u64,
    ) -> Result<Signer> {
        let mut reasons = Vec::new();
        for signature in signatures.iter().take(SIGNATURES_MAX) {
            match self.by(signature, kind, document, now)? {
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

    fn by(
        &self,
        signature: &Signature,
        kind: SignatureType,
        document: &mut dyn Rewind,
        now: u64,
    ) -> Result<Result<Signer, String>> {
        let created = match worth_a_look(signature, kind, now) {
            Ok(created) => created,
            Err(why) => return Ok(Err(why)),
        };
        let mut why = match signature.issuer_key_id().first() {
            Some(issuer) => format!(
                "it is by key {}, which is none of the keys given",
                issuer.to_string().to_uppercase()
            ),
            None => "it is by none of the keys given".to_owned(),
        };
        for certificate in &self.0 {
            for key in certificate.keys().filter(|key| key.may_have_made(signature)) {
                if let Err(reason) = certificate.may_sign(key, created, now) {
                    why = reason;
                    continue;
                }
                let unreadable = |error| Error::new(format!("the signed file cannot be read: {error}"));
                document.seek(SeekFrom::Start(0)).map_err(unreadable)?;
                let mut reader = Watched::new(document);
                let verdict = key.verify(signature, BufReader::with_capacity(256 << 10, &mut reader));
                if let Some(error) = reader.failed {
                    return Err(unreadable(error));
                }
                match verdict {
                    Ok(()) => return Ok(Ok(certificate.signer())),
                    Err(_) => {
                        why = "the file was changed after it was signed, or the signature is another file's".to_owned();
                    }
                }
            }
        }
        Ok(Err(why))
    }
}

/// The text inside of a message that is signed as it stands, whoever signed it; nothing if the document is no such message.
pub(crate) fn inside(document: &str) -> Option<Result<String>> {
    is_cleartext(document).then(|| cleartext(document).map(|message| message.signed_text()))
}

/// Whether a document is signed as it stands, and not by a file beside it.
pub(crate) fn is_cleartext(document: &str) -> bool {
    document.trim_start().starts_with(CLEARTEXT)
}

fn cleartext(message: &str) -> Result<CleartextSignedMessage> {
    CleartextSignedMessage::from_string(message.trim_start())
        .map(|(message, _)| message)
        .map_err(|why| Error::new(format!("the signed text cannot be read: {why}")))
}

/// What every signature must be before anybody's key is tried; the time when it was made, in seconds since 1970.
fn worth_a_look(signature: &Signature, kind: SignatureType, now: u64) -> Result<u64, String> {
    if signature.typ() != Some(kind) {
        return Err("it is no signature of a file".to_owned());
    }
    if !is_strong(signature) {
        return Err("its kind of hash proves nothing any more".to_owned());
    }
    let Some(created) = signature.created().map(|time| u64::from(time.as_secs())) else {
        return Err("it does not say when it was made".to_owned());
    };
    if created > now + AHEAD_MAX {
        return Err("it is from the future; is this machine's clock right?".to_owned());
    }
    let lasts = signature
        .signature_expiration_time()
        .map_or(0, |time| u64::from(time.as_secs()));
    if lasts > 0 && created + lasts <= now {
        return Err("it has expired".to_owned());
    }
    Ok(created)
}

/// The blocks of a file in armour, each of them alone; or the file itself.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains(ARMOUR) => {
            let starts: Vec<usize> = text.match_indices(ARMOUR).map(|(at, _)| at).collect();
            let ends = starts.iter().skip(1).copied().chain([text.len()]);
            starts
                .iter()
                .zip(ends)
                .map(|(&start, end)| &bytes[start..end])
                .collect()
        }
        _ => vec![bytes],
    }
}

/// Keeps the error of a reader, so that a disk that fails is not taken for a bad signature.
struct Watched<'a> {
    inner: &'a mut dyn Rewind,
    failed: Option<io::Error>,
}

impl<'a> Watched<'a> {
    fn new(inner: &'a mut dyn Rewind) -> Self {
        Self { inner, failed: None }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failed = Some(io::Error::new(error.kind(), error.to_string()));
            }
        })
    }
}
