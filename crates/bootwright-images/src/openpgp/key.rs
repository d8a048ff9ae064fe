//! Public keys, and what their owners said of them.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::check::{over_key, over_subkey, over_user};
use super::packet::{PUBLIC_KEY, PUBLIC_SUBKEY, Packet, SIGNATURE, Signature, USER_ID, number};
use crate::digest::hex;

/// The flag of a key that may sign data (RFC 9580, 5.2.3.29).
const SIGNS: u8 = 2;

/// A key of version 4.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Its packet, as signatures over it are made.
    pub(super) body: Vec<u8>,
    /// When it was made, in seconds since 1970.
    created: u64,
    pub(super) value: Value,
    fingerprint: [u8; 20],
}

/// The numbers of a key.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Ed25519([u8; 32]),
    /// Of a kind that is not checked here.
    Other,
}

/// What a primary key says of a key: from when to when it may sign.
#[derive(Clone, Debug)]
struct Word {
    made: u64,
    /// How long the key is good from its making, in seconds.
    lasts: Option<u64>,
    signs: bool,
}

/// A primary key and its subkeys, each with what holds for it.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) primary: Key,
    pub(super) user: String,
    word: Option<Word>,
    revoked: bool,
    subkeys: Vec<(Key, Option<Word>, bool)>,
}

impl Key {
    fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let [4, a, b, c, d, algorithm, rest @ ..] = body else {
            return Err("a key is of a version that is not accepted");
        };
        let value = match algorithm {
            1 | 3 => {
                let (modulus, rest) = number(rest)?;
                let (exponent, _) = number(rest)?;
                Value::Rsa {
                    modulus: modulus.to_vec(),
                    exponent: exponent.to_vec(),
                }
            }
            // EdDSA as GnuPG writes it: the curve's object identifier, and a point that begins with 0x40.
            22 => match rest {
                [9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01, point @ ..] => match number(point)?.0 {
                    [0x40, point @ ..] => point.try_into().map_or(Value::Other, Value::Ed25519),
                    _ => Value::Other,
                },
                _ => Value::Other,
            },
            27 => rest
                .get(..32)
                .and_then(|point| point.try_into().ok())
                .map_or(Value::Other, Value::Ed25519),
            _ => Value::Other,
        };
        let mut framed = over_key(body);
        let fingerprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &framed);
        framed.clear();
        Ok(Self {
            body: body.to_vec(),
            created: u64::from(u32::from_be_bytes([*a, *b, *c, *d])),
            value,
            fingerprint: fingerprint.as_ref().try_into().map_err(|_| "no fingerprint")?,
        })
    }

    pub(super) fn fingerprint_text(&self) -> String {
        hex(&self.fingerprint).to_uppercase()
    }
}

impl Certificate {
    /// All keys that may have signed something.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.primary).chain(self.subkeys.iter().map(|(key, ..)| key))
    }

    /// Whether a key of this certificate may have made a signature at that time.
    pub(super) fn may_sign(&self, key: &Key, made: u64, now: u64) -> Result<(), String> {
        let name = key.fingerprint_text();
        if self.revoked {
            return Err(format!("its key {} was revoked", self.primary.fingerprint_text()));
        }
        let word = self
            .word
            .as_ref()
            .ok_or_else(|| format!("its key {} is not signed by itself", self.primary.fingerprint_text()))?;
        let in_time = |key: &Key, word: &Word| {
            let end = word.lasts.map(|lasts| key.created.saturating_add(lasts));
            if made < key.created {
                return Err(format!("it is older than its key {}", key.fingerprint_text()));
            }
            match end {
                Some(end) if end <= now || end <= made => {
                    Err(format!("its key {} has expired", key.fingerprint_text()))
                }
                _ => Ok(()),
            }
        };
        in_time(&self.primary, word)?;
        if key.fingerprint == self.primary.fingerprint {
            return if word.signs {
                Ok(())
            } else {
                Err(format!("its key {name} may not sign files"))
            };
        }
        let found = self
            .subkeys
            .iter()
            .find(|(subkey, ..)| subkey.fingerprint == key.fingerprint);
        match found {
            Some((_, _, true)) => Err(format!("its key {name} was revoked")),
            Some((subkey, Some(word), false)) if word.signs => in_time(subkey, word),
            _ => Err(format!("its key {name} may not sign files")),
        }
    }
}

/// The certificates of a file. What is of another version is passed over, as GnuPG does.
pub(super) fn certificates(packets: &[Packet<'_>]) -> Result<Vec<Certificate>, &'static str> {
    let mut found: Vec<Certificate> = Vec::new();
    let mut rest = packets;
    while let Some(at) = rest.iter().position(|packet| packet.tag == PUBLIC_KEY) {
        let end = rest[at + 1..]
            .iter()
            .position(|packet| packet.tag == PUBLIC_KEY)
            .map_or(rest.len(), |next| at + 1 + next);
        if let Ok(primary) = Key::parse(rest[at].body) {
            found.push(certificate(primary, &rest[at + 1..end]));
        }
        rest = &rest[end..];
    }
    Ok(found)
}

fn certificate(primary: Key, packets: &[Packet<'_>]) -> Certificate {
    let mut made = Certificate {
        primary,
        user: String::new(),
        word: None,
        revoked: false,
        subkeys: Vec::new(),
    };
    let mut user: Option<&[u8]> = None;
    for packet in packets {
        match packet.tag {
            USER_ID => {
                user = Some(packet.body);
                if made.user.is_empty() {
                    made.user = String::from_utf8_lossy(packet.body)
                        .chars()
                        .filter(|c| !c.is_control())
                        .collect();
                }
            }
            PUBLIC_SUBKEY => {
                if let Ok(key) = Key::parse(packet.body) {
                    made.subkeys.push((key, None, false));
                }
            }
            SIGNATURE => {
                if let Ok(signature) = Signature::parse(packet.body) {
                    made.take(&signature, user);
                }
            }
            _ => {}
        }
    }
    made
}

impl Certificate {
    /// Takes in what a signature behind a key says, if it is the primary key's own. Those of others say nothing to us.
    fn take(&mut self, signature: &Signature<'_>, user: Option<&[u8]>) {
        let primary = over_key(&self.primary.body);
        let by_primary = |document: &[u8]| super::check::is_over(signature, document, &self.primary);
        let word = || Word {
            made: signature.created,
            lasts: signature.time(9).filter(|lasts| *lasts > 0),
            // Without flags a key may do what its algorithm can.
            signs: signature
                .inside(27)
                .is_none_or(|flags| flags.first().is_some_and(|flags| flags & SIGNS != 0)),
        };
        let newer = |old: &Option<Word>| old.as_ref().is_none_or(|old| old.made <= signature.created);
        match signature.kind {
            0x10..=0x13 => {
                let signed = user.is_some_and(|user| by_primary(&over_user(&primary, user)));
                if signed && newer(&self.word) {
                    self.word = Some(word());
                }
            }
            0x1f if by_primary(&primary) && newer(&self.word) => self.word = Some(word()),
            0x20 if by_primary(&primary) => self.revoked = true,
            0x18 | 0x28 => {
                let Some((subkey, ..)) = self.subkeys.last() else {
                    return;
                };
                let both = over_subkey(&primary, &subkey.body);
                if !by_primary(&both) {
                    return;
                }
                let mut word = word();
                // A subkey that signs says in turn that it belongs to this primary key: else one could adopt another's.
                word.signs = word.signs
                    && signature
                        .embedded()
                        .is_some_and(|back| back.kind == 0x19 && super::check::is_over(&back, &both, subkey));
                let revokes = signature.kind == 0x28;
                if let Some((_, known, revoked)) = self.subkeys.last_mut() {
                    if revokes {
                        *revoked = true;
                    } else if newer(known) {
                        *known = Some(word);
                    }
                }
            }
            _ => {}
        }
    }
}
