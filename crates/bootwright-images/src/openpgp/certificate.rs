//! Public keys, and what their owners said of them: the part of RFC 9580 that decides who may sign.

use std::io::Read;

use pgp::composed::SignedPublicKey;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{self, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, PublicParams, Tag};

use super::Signer;

/// The smallest RSA key that proves anything, in bits.
const RSA_BITS_MIN: u16 = 2048;

/// A key that may have made a signature.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Primary(packet::PublicKey),
    Sub(packet::PublicSubkey),
}

/// What a primary key says of a key: how long it lasts, and what for.
#[derive(Clone, Copy, Debug)]
struct Word {
    made: u64,
    /// How long the key is good from its making, in seconds.
    lasts: Option<u64>,
    signs: bool,
}

/// A key with what holds for it.
#[derive(Clone, Debug)]
struct Held {
    key: Key,
    word: Option<Word>,
    revoked: bool,
}

/// A primary key and its subkeys.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    primary: Held,
    user: String,
    subkeys: Vec<Held>,
}

/// Whether a signature's hash still proves something.
pub(super) fn is_strong(signature: &Signature) -> bool {
    matches!(
        signature.hash_alg(),
        Some(
            HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    )
}

impl Key {
    fn params(&self) -> &PublicParams {
        match self {
            Self::Primary(key) => key.public_params(),
            Self::Sub(key) => key.public_params(),
        }
    }

    fn created(&self) -> u64 {
        u64::from(
            match self {
                Self::Primary(key) => key.created_at(),
                Self::Sub(key) => key.created_at(),
            }
            .as_secs(),
        )
    }

    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::Primary(key) => key.fingerprint(),
            Self::Sub(key) => key.fingerprint(),
        }
        .to_string()
        .to_uppercase()
    }

    /// Whether the signature names this key, or nobody.
    pub(super) fn may_have_made(&self, signature: &Signature) -> bool {
        let (ids, prints) = (signature.issuer_key_id(), signature.issuer_fingerprint());
        let (id, print) = match self {
            Self::Primary(key) => (key.legacy_key_id(), key.fingerprint()),
            Self::Sub(key) => (key.legacy_key_id(), key.fingerprint()),
        };
        (ids.is_empty() && prints.is_empty()) || ids.contains(&&id) || prints.contains(&&print)
    }

    /// Whether it proves anything: RSA needs its length, and DSA's day is over.
    fn is_strong(&self) -> bool {
        match self.params() {
            PublicParams::RSA(numbers) => numbers.to_bytes().is_ok_and(|bytes| {
                // The first number is the modulus, behind its length in bits.
                matches!(bytes.as_slice(), [high, low, ..] if u16::from_be_bytes([*high, *low]) >= RSA_BITS_MIN)
            }),
            PublicParams::DSA(_) => false,
            _ => true,
        }
    }

    pub(super) fn verify(&self, signature: &Signature, document: impl Read) -> pgp::errors::Result<()> {
        match self {
            Self::Primary(key) => signature.verify(key, document),
            Self::Sub(key) => signature.verify(key, document),
        }
    }
}

impl Word {
    fn of(signature: &Signature) -> Option<Self> {
        let flags = signature
            .config()?
            .hashed_subpackets()
            .find_map(|part| match &part.data {
                SubpacketData::KeyFlags(flags) => Some(flags.sign()),
                _ => None,
            });
        Some(Self {
            made: u64::from(signature.created()?.as_secs()),
            lasts: signature
                .key_expiration_time()
                .map(|time| u64::from(time.as_secs()))
                .filter(|lasts| *lasts > 0),
            // Without flags a key may do what its algorithm can.
            signs: flags.unwrap_or(true),
        })
    }
}

/// The newest word among signatures that hold and are strong.
fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<Word> {
    signatures
        .filter(|signature| is_strong(signature))
        .filter_map(Word::of)
        .max_by_key(|word| word.made)
}

impl Held {
    fn in_time(&self, word: &Word, made: u64, now: u64) -> Result<(), String> {
        let (created, name) = (self.key.created(), self.key.fingerprint());
        if made < created {
            return Err(format!("it is older than its key {name}"));
        }
        match word.lasts.map(|lasts| created + lasts) {
            Some(end) if end <= now || end <= made => Err(format!("its key {name} has expired")),
            _ => Ok(()),
        }
    }
}

impl Certificate {
    /// Takes in what the primary key says of itself and its subkeys. What others say of them means nothing here. A
    /// revocation counts whatever its hash: it can only take away.
    pub(super) fn new(key: &SignedPublicKey) -> Self {
        let primary = &key.primary_key;
        let certified = key.details.users.iter().flat_map(|user| {
            let own = |signature: &&Signature| signature.verify_certification(primary, Tag::UserId, &user.id).is_ok();
            let withdrawn = user
                .signatures
                .iter()
                .any(|signature| signature.typ() == Some(SignatureType::CertRevocation) && own(&signature));
            user.signatures
                .iter()
                .filter(move |signature| !withdrawn && signature.is_certification() && own(signature))
        });
        let direct =
            key.details.direct_signatures.iter().filter(|signature| {
                signature.typ() == Some(SignatureType::Key) && signature.verify_key(primary).is_ok()
            });
        let revoked = |signature: &Signature| {
            signature.typ() == Some(SignatureType::KeyRevocation) && signature.verify_key(primary).is_ok()
        };
        Self {
            primary: Held {
                key: Key::Primary(primary.clone()),
                word: newest(certified.chain(direct)),
                revoked: key.details.revocation_signatures.iter().any(revoked),
            },
            user: key
                .details
                .users
                .first()
                .map(|user| {
                    String::from_utf8_lossy(user.id.id())
                        .chars()
                        .filter(|c| !c.is_control())
                        .collect()
                })
                .unwrap_or_default(),
            subkeys: key
                .public_subkeys
                .iter()
                .map(|subkey| subkey_of(primary, &subkey.key, &subkey.signatures))
                .collect(),
        }
    }

    pub(super) fn signer(&self) -> Signer {
        Signer {
            fingerprint: self.primary.key.fingerprint(),
            user: self.user.clone(),
        }
    }

    /// When the last of its keys ends that may sign; nothing where one never does, 0 where there is none.
    pub(super) fn end(&self) -> Option<u64> {
        let primary = match &self.primary.word {
            Some(word) if !self.primary.revoked => word.lasts.map(|lasts| self.primary.key.created() + lasts),
            _ => return Some(0),
        };
        let of_signing = std::iter::once(&self.primary)
            .chain(&self.subkeys)
            .filter(|held| !held.revoked && held.key.is_strong())
            .filter_map(|held| {
                let word = held.word.as_ref().filter(|word| word.signs)?;
                Some(word.lasts.map(|lasts| held.key.created() + lasts))
            });
        // What the primary key ends, its subkeys do not outlive.
        let ends = of_signing.map(|end| end.unwrap_or(u64::MAX).min(primary.unwrap_or(u64::MAX)));
        let last = ends.max().unwrap_or(0);
        (last < u64::MAX).then_some(last)
    }

    /// All keys that may have signed something.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.primary)
            .chain(&self.subkeys)
            .map(|held| &held.key)
    }

    /// Whether a key of this certificate may have made a signature at that time; else why not.
    pub(super) fn may_sign(&self, key: &Key, made: u64, now: u64) -> Result<(), String> {
        let (name, primary) = (key.fingerprint(), self.primary.key.fingerprint());
        if self.primary.revoked {
            return Err(format!("its key {primary} was revoked"));
        }
        let Some(word) = &self.primary.word else {
            return Err(format!("its key {primary} is not signed by itself"));
        };
        self.primary.in_time(word, made, now)?;
        if !key.is_strong() {
            return Err(format!(
                "its key {name} is of a kind or length that proves nothing any more"
            ));
        }
        let held = std::iter::once(&self.primary)
            .chain(&self.subkeys)
            .find(|held| held.key.fingerprint() == name);
        match held {
            Some(held) if held.revoked => Err(format!("its key {name} was revoked")),
            Some(Held { word: Some(word), .. }) if !word.signs => Err(format!("its key {name} may not sign files")),
            Some(held @ Held { word: Some(word), .. }) => held.in_time(word, made, now),
            _ => Err(format!("its key {name} may not sign files")),
        }
    }
}

fn subkey_of(primary: &packet::PublicKey, key: &packet::PublicSubkey, signatures: &[Signature]) -> Held {
    let bound = |signature: &&Signature| {
        let back = signature.embedded_signature();
        signature.typ() == Some(SignatureType::SubkeyBinding)
            && signature.verify_subkey_binding(primary, key).is_ok()
            // A subkey that signs says in turn that it belongs to this primary key: else one could adopt another's.
            && back.is_some_and(|back| is_strong(back) && back.verify_primary_key_binding(key, primary).is_ok())
    };
    let revokes = |signature: &Signature| {
        signature.typ() == Some(SignatureType::SubkeyRevocation)
            && signature.verify_subkey_binding(primary, key).is_ok()
    };
    Held {
        key: Key::Sub(key.clone()),
        word: newest(signatures.iter().filter(bound)),
        revoked: signatures.iter().any(revokes),
    }
}
