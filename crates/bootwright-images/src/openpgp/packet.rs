//! Packets, and what a signature says of itself.

use super::key::Key;
use crate::digest::hex;

pub(super) const SIGNATURE: u8 = 2;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
pub(super) const USER_ID: u8 = 13;

/// The most packets of a file: a keyring of a distribution has some hundred.
const PACKETS_MAX: usize = 20_000;

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// All packets of a file (RFC 9580, 4.2).
pub(super) fn all(mut bytes: &[u8]) -> Result<Vec<Packet<'_>>, &'static str> {
    let mut packets = Vec::new();
    while let [first, rest @ ..] = bytes {
        if first & 0x80 == 0 {
            return Err("this is no OpenPGP");
        }
        if packets.len() == PACKETS_MAX {
            return Err("it has too many packets");
        }
        let (tag, length, rest) = if first & 0x40 != 0 {
            let (length, rest) = length(rest)?;
            (first & 0x3f, length, rest)
        } else {
            let size = match first & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => return Err("it has a packet without an end"),
            };
            let (number, rest) = split(rest, size)?;
            ((first >> 2) & 0x0f, big(number), rest)
        };
        let (body, rest) = split(rest, length)?;
        packets.push(Packet { tag, body });
        bytes = rest;
    }
    Ok(packets)
}

/// A length of the new form, of packets and of what is in signatures.
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), &'static str> {
    match bytes {
        [first @ 0..=191, rest @ ..] => Ok((usize::from(*first), rest)),
        [first @ 192..=223, second, rest @ ..] => {
            Ok((((usize::from(*first) - 192) << 8) + usize::from(*second) + 192, rest))
        }
        [255, rest @ ..] => {
            let (number, rest) = split(rest, 4)?;
            Ok((big(number), rest))
        }
        [] => Err("it ends before its end"),
        _ => Err("it has a packet in pieces"),
    }
}

fn split(bytes: &[u8], at: usize) -> Result<(&[u8], &[u8]), &'static str> {
    bytes.split_at_checked(at).ok_or("it ends before its end")
}

fn big(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

/// A number of any length (RFC 9580, 3.2): its bytes without leading zeros.
pub(super) fn number(bytes: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let (bits, rest) = split(bytes, 2)?;
    split(rest, big(bits).div_ceil(8))
}

/// Which hash a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HashKind {
    Sha256,
    Sha384,
    Sha512,
}

/// A signature of version 4 (RFC 9580, 5.2.3).
#[derive(Clone, Debug)]
pub(super) struct Signature<'a> {
    /// What it is for: 0 is a file.
    pub(super) kind: u8,
    pub(super) algorithm: u8,
    pub(super) hash: HashKind,
    /// The part that is hashed behind the document.
    pub(super) hashed: &'a [u8],
    areas: [&'a [u8]; 2],
    /// The numbers of the signature itself.
    pub(super) value: &'a [u8],
    /// When it was made, in seconds since 1970.
    pub(super) created: u64,
}

impl<'a> Signature<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, &'static str> {
        let [4, kind, algorithm, hash, rest @ ..] = body else {
            return Err("it is of a version that is not accepted");
        };
        let hash = match hash {
            8 => HashKind::Sha256,
            9 => HashKind::Sha384,
            10 => HashKind::Sha512,
            _ => return Err("it is over a hash that proves nothing any more, or is not known"),
        };
        let (count, rest) = split(rest, 2)?;
        let (inside, rest) = split(rest, big(count))?;
        let hashed = &body[..6 + inside.len()];
        let (count, rest) = split(rest, 2)?;
        let (outside, rest) = split(rest, big(count))?;
        let (_, value) = split(rest, 2)?;
        let mut signature = Self {
            kind: *kind,
            algorithm: *algorithm,
            hash,
            hashed,
            areas: [inside, outside],
            value,
            created: 0,
        };
        for area in signature.areas {
            subpackets(area)?;
        }
        signature.created = signature.time(2).ok_or("it does not say when it was made")?;
        // What must be understood and is not (RFC 9580, 5.2.3.7).
        let known = [2, 3, 7, 9, 11, 16, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 32, 33, 34];
        let inside = subpackets(inside)?;
        if inside
            .iter()
            .any(|(kind, _)| kind & 0x80 != 0 && !known.contains(&(kind & 0x7f)))
        {
            return Err("it has a critical part that is not known");
        }
        Ok(signature)
    }

    /// What the signature says of this kind where nobody can have changed it.
    pub(super) fn inside(&self, kind: u8) -> Option<&'a [u8]> {
        let found = subpackets(self.areas[0]).ok()?;
        found
            .iter()
            .find(|(found, _)| found & 0x7f == kind)
            .map(|(_, body)| *body)
    }

    /// A time or a span of time, in seconds.
    pub(super) fn time(&self, kind: u8) -> Option<u64> {
        let four: [u8; 4] = self.inside(kind)?.try_into().ok()?;
        Some(u64::from(u32::from_be_bytes(four)))
    }

    /// A signature within the signature, of a signing subkey over its primary key.
    pub(super) fn embedded(&self) -> Option<Signature<'a>> {
        let mut all = self
            .areas
            .into_iter()
            .filter_map(|area| subpackets(area).ok())
            .flatten();
        let (_, body) = all.find(|(kind, _)| kind & 0x7f == 32)?;
        Self::parse(body).ok()
    }

    /// The key that it names: a hint that anybody could have written, so that it only says whom not to try.
    pub(super) fn issuer(&self) -> Option<String> {
        let all: Vec<(u8, &[u8])> = self
            .areas
            .into_iter()
            .filter_map(|area| subpackets(area).ok())
            .flatten()
            .collect();
        let of = |wanted: u8| {
            all.iter()
                .find(|(kind, _)| kind & 0x7f == wanted)
                .map(|(_, body)| *body)
        };
        match (of(33), of(16)) {
            (Some([4, fingerprint @ ..]), _) => Some(hex(fingerprint).to_uppercase()),
            (_, Some(id)) => Some(hex(id).to_uppercase()),
            _ => None,
        }
    }

    pub(super) fn may_be_by(&self, key: &Key) -> bool {
        self.issuer()
            .is_none_or(|issuer| key.fingerprint_text().ends_with(&issuer))
    }
}

/// What a signature says, piece by piece, each with its kind.
fn subpackets(mut area: &[u8]) -> Result<Vec<(u8, &[u8])>, &'static str> {
    let mut found = Vec::new();
    while !area.is_empty() {
        // Lengths are those of packets, but without pieces: 224 to 254 go on the two-byte form.
        let (size, rest) = match area {
            [first @ 192..=254, second, rest @ ..] => {
                (((usize::from(*first) - 192) << 8) + usize::from(*second) + 192, rest)
            }
            _ => length(area)?,
        };
        let (body, rest) = split(rest, size)?;
        let [kind, body @ ..] = body else {
            return Err("it has an empty part");
        };
        found.push((*kind, body));
        area = rest;
    }
    Ok(found)
}
