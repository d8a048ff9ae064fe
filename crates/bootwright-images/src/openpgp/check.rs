//! The arithmetic: is this signature by that key over these bytes?

use std::collections::BTreeMap;
use std::io::{self, SeekFrom};

use num_bigint::BigUint;
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Rewind;
use super::key::{Key, Value};
use super::packet::{HashKind, Signature, number};

/// The smallest RSA key that proves anything, in bytes.
const RSA_BYTES_MIN: usize = 2048 / 8;

/// The largest, so that a strange key costs no hours.
const RSA_BYTES_MAX: usize = 16384 / 8;

/// How far a signature's time may lie ahead of ours, in seconds: clocks of boxes without a network are wrong.
const AHEAD_MAX: u64 = 24 * 60 * 60;

/// A signed file. It is read once for each kind of hash, however many signatures there are.
pub struct Document<'a> {
    source: &'a mut dyn Rewind,
    hashed: BTreeMap<HashKind, Hasher>,
}

#[derive(Clone)]
enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    fn new(kind: HashKind) -> Self {
        match kind {
            HashKind::Sha256 => Self::Sha256(Sha256::new()),
            HashKind::Sha384 => Self::Sha384(Sha384::new()),
            HashKind::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The hash of what came, with what a signature adds behind it (RFC 9580, 5.2.4).
    fn finish(mut self, signature: &Signature<'_>) -> Vec<u8> {
        self.update(signature.hashed);
        self.update(&[4, 0xff]);
        self.update(&u32::try_from(signature.hashed.len()).unwrap_or(u32::MAX).to_be_bytes());
        match self {
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Sha384(hash) => hash.finalize().to_vec(),
            Self::Sha512(hash) => hash.finalize().to_vec(),
        }
    }
}

impl<'a> Document<'a> {
    /// The file that a signature is about.
    pub fn new(source: &'a mut dyn Rewind) -> Self {
        Self {
            source,
            hashed: BTreeMap::new(),
        }
    }

    /// Whether a signature of a file is by this key over this document.
    pub(super) fn check(&mut self, signature: &Signature<'_>, key: &Key, now: u64) -> io::Result<Result<(), String>> {
        if signature.kind != 0 {
            return Ok(Err("it is no signature of a file".to_owned()));
        }
        if signature.created > now + AHEAD_MAX {
            return Ok(Err("it is from the future; is this machine's clock right?".to_owned()));
        }
        if signature
            .time(3)
            .is_some_and(|lasts| lasts > 0 && signature.created.saturating_add(lasts) <= now)
        {
            return Ok(Err("it has expired".to_owned()));
        }
        let hasher = self.hasher(signature.hash)?;
        let digest = hasher.finish(signature);
        Ok(if is_good(signature, &digest, key) {
            Ok(())
        } else {
            Err("the file was changed after it was signed, or the signature is another file's".to_owned())
        })
    }

    fn hasher(&mut self, kind: HashKind) -> io::Result<Hasher> {
        if let Some(hasher) = self.hashed.get(&kind) {
            return Ok(hasher.clone());
        }
        let mut hasher = Hasher::new(kind);
        self.source.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            match self.source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.hashed.insert(kind, hasher.clone());
        Ok(hasher)
    }
}

/// Whether a signature is by this key over these bytes.
pub(super) fn is_over(signature: &Signature<'_>, document: &[u8], key: &Key) -> bool {
    let mut hasher = Hasher::new(signature.hash);
    hasher.update(document);
    is_good(signature, &hasher.finish(signature), key)
}

fn is_good(signature: &Signature<'_>, digest: &[u8], key: &Key) -> bool {
    match (&key.value, signature.algorithm) {
        (Value::Rsa { modulus, exponent }, 1 | 3) => {
            let Ok((value, _)) = number(signature.value) else {
                return false;
            };
            is_rsa(modulus, exponent, value, signature.hash, digest)
        }
        (Value::Ed25519(point), 22) => {
            // Two numbers of 32 bytes, whose leading zeros are not written.
            let pair = number(signature.value).and_then(|(r, rest)| Ok((r, number(rest)?.0)));
            let Ok((r, s)) = pair else { return false };
            let mut value = [0; 64];
            for (place, part) in [(32, r), (64, s)] {
                if part.len() > 32 {
                    return false;
                }
                value[place - part.len()..place].copy_from_slice(part);
            }
            UnparsedPublicKey::new(&ED25519, point).verify(digest, &value).is_ok()
        }
        (Value::Ed25519(point), 27) => {
            let value = signature.value.get(..64).unwrap_or_default();
            UnparsedPublicKey::new(&ED25519, point).verify(digest, value).is_ok()
        }
        _ => false,
    }
}

/// RSASSA-PKCS1-v1_5 (RFC 8017, 8.2.2): what the signature opens to is compared with the one thing that it may be, so that
/// nothing of it has to be parsed. Public numbers only: there is no secret whose handling could show in time.
fn is_rsa(modulus: &[u8], exponent: &[u8], value: &[u8], kind: HashKind, digest: &[u8]) -> bool {
    let size = modulus.len();
    if !(RSA_BYTES_MIN..=RSA_BYTES_MAX).contains(&size) || exponent.len() > 4 || value.len() > size {
        return false;
    }
    let prefix: &[u8] = match kind {
        HashKind::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        HashKind::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
        HashKind::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
    };
    let (modulus, value) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(value));
    let exponent = BigUint::from_bytes_be(exponent);
    // An exponent of 1 would let anybody sign.
    if value >= modulus || exponent < BigUint::from(3_u8) || !exponent.bit(0) || !modulus.bit(0) {
        return false;
    }
    let mut wanted = vec![0xff; size];
    wanted[0] = 0;
    wanted[1] = 1;
    let tail = prefix.len() + digest.len();
    wanted[size - tail - 1] = 0;
    wanted[size - tail..size - digest.len()].copy_from_slice(prefix);
    wanted[size - digest.len()..].copy_from_slice(digest);
    value.modpow(&exponent, &modulus) == BigUint::from_bytes_be(&wanted)
}

/// A key as it is hashed (RFC 9580, 5.2.4).
pub(super) fn over_key(body: &[u8]) -> Vec<u8> {
    let mut framed = vec![0x99];
    framed.extend_from_slice(&u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
    framed.extend_from_slice(body);
    framed
}

pub(super) fn over_user(primary: &[u8], user: &[u8]) -> Vec<u8> {
    let mut framed = primary.to_vec();
    framed.push(0xb4);
    framed.extend_from_slice(&u32::try_from(user.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(user);
    framed
}

pub(super) fn over_subkey(primary: &[u8], subkey: &[u8]) -> Vec<u8> {
    [primary, &over_key(subkey)].concat()
}
