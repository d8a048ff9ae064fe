//! What a request asks for beside the file, and what is granted of it.

use super::packet::{Mode, field};

/// Block length without options, RFC 1350.
pub const BLKSIZE_PLAIN: u16 = 512;
/// The smallest and the greatest block length of RFC 2348.
pub const BLKSIZE_RANGE: std::ops::RangeInclusive<u16> = 8..=65464;

/// The options that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Block length, RFC 2348.
    Blksize,
    /// Size of the file, RFC 2349.
    Tsize,
    /// Retransmission time, RFC 2349.
    Timeout,
    /// Blocks per acknowledgement, RFC 7440.
    Windowsize,
}

/// The understood options of one packet in their order there; of repeated ones the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked([Option<(Kind, Option<u64>)>; 4]);

/// What the site allows at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// The longest block in bytes, whatever the way would carry.
    pub blksize: u16,
    /// The most blocks per acknowledgement. 1 leaves the option out.
    pub windowsize: u16,
}

/// The way to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Bytes of the largest IP packet.
    pub mtu: u32,
    /// Whether it is IPv6, whose header is 20 bytes longer.
    pub ipv6: bool,
}

/// What was agreed for one transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Payload bytes of every block but the last.
    pub blksize: u16,
    /// Blocks sent before an acknowledgement is waited for; at least 1.
    pub windowsize: u16,
    /// The answers in the order asked.
    granted: [Option<(Kind, u64)>; 4],
}

impl Kind {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blksize => "blksize",
            Self::Tsize => "tsize",
            Self::Timeout => "timeout",
            Self::Windowsize => "windowsize",
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        let all = [Self::Blksize, Self::Tsize, Self::Timeout, Self::Windowsize];
        all.into_iter()
            .find(|kind| name.eq_ignore_ascii_case(kind.name().as_bytes()))
    }
}

impl Asked {
    /// Reads pairs of names and values, each ended by NUL. What is not understood is passed over; an empty name ends
    /// the list (padding), and so does a name without a value.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut asked = Self::default();
        let mut rest = Some(bytes);
        while let Some(now) = rest {
            let (name, Some(behind)) = field(now) else { break };
            let (value, next) = field(behind);
            if name.is_empty() || (value.is_empty() && next.is_none()) {
                break;
            }
            if let Some(kind) = Kind::of(name) {
                asked.add(kind, number(value));
            }
            rest = next;
        }
        asked
    }

    fn add(&mut self, kind: Kind, value: Option<u64>) {
        if !self.has(kind)
            && let Some(free) = self.0.iter_mut().find(|entry| entry.is_none())
        {
            *free = Some((kind, value));
        }
    }

    /// Whether the option was there, with whatever value.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.iter().any(|(this, _)| this == kind)
    }

    /// The option's value, if it was there with a number.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<u64> {
        self.iter().find(|(this, _)| *this == kind).and_then(|(_, value)| value)
    }

    /// The options in the order asked; without a value where it was no number.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, Option<u64>)> {
        self.0.iter().flatten().copied()
    }
}

/// A decimal number, leading zeros and surrounding spaces allowed.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl Way {
    /// The longest payload that travels unfragmented: the packet without the IP, UDP and TFTP headers. Boot ROMs and some
    /// switches drop fragments.
    #[must_use]
    pub const fn payload_max(self) -> u32 {
        self.mtu.saturating_sub(if self.ipv6 { 52 } else { 32 })
    }
}

impl Terms {
    /// RFC 1350 without options.
    pub const PLAIN: Self = Self {
        blksize: BLKSIZE_PLAIN,
        windowsize: 1,
        granted: [None; 4],
    };

    /// Grants what can be granted.
    ///
    /// `timeout` is always left out, which RFC 2349 allows: a server that lets the client set its clock is slow under loss,
    /// and this one measures the way instead. Only asked options are granted, never with a greater value: EDK2 ends the
    /// transfer otherwise. `tsize` is left out in netascii, where the size on the wire is not the file's.
    #[must_use]
    pub fn negotiate(asked: &Asked, mode: Mode, size: u64, way: Way, caps: Caps) -> Self {
        let mut terms = Self::PLAIN;
        for ((kind, value), slot) in asked.iter().zip(terms.granted.iter_mut()) {
            let answer = match kind {
                Kind::Blksize => value
                    .and_then(|asked| blksize(asked, way, caps))
                    .inspect(|n| terms.blksize = *n)
                    .map(u64::from),
                Kind::Tsize => (mode == Mode::Octet).then_some(size),
                Kind::Timeout => None,
                Kind::Windowsize => value
                    .and_then(|asked| windowsize(asked, caps))
                    .inspect(|n| terms.windowsize = *n)
                    .map(u64::from),
            };
            *slot = answer.map(|value| (kind, value));
        }
        terms
    }

    /// The options for the acknowledgement, in the order asked.
    pub fn granted(&self) -> impl Iterator<Item = (Kind, u64)> {
        self.granted.iter().flatten().copied()
    }

    /// Whether the transfer begins with an option acknowledgement and not with the first block.
    #[must_use]
    pub fn has_oack(&self) -> bool {
        self.granted().next().is_some()
    }

    /// Whether the client is told the file's size, and may only have come to ask for it.
    #[must_use]
    pub fn tells_size(&self) -> bool {
        self.granted().any(|(kind, _)| kind == Kind::Tsize)
    }
}

fn blksize(asked: u64, way: Way, caps: Caps) -> Option<u16> {
    let asked = u16::try_from(asked).unwrap_or(u16::MAX);
    let way = u16::try_from(way.payload_max())
        .unwrap_or(u16::MAX)
        .max(*BLKSIZE_RANGE.start());
    let granted = asked
        .min(way)
        .min(caps.blksize.max(*BLKSIZE_RANGE.start()))
        .min(*BLKSIZE_RANGE.end());
    (asked >= *BLKSIZE_RANGE.start()).then_some(granted)
}

fn windowsize(asked: u64, caps: Caps) -> Option<u16> {
    let granted = u16::try_from(asked).unwrap_or(u16::MAX).min(caps.windowsize);
    // A window of 1 granted to one who asked for 1 is what the client expects to read back; 1 granted because the site
    // allows no windows is the option left out.
    (asked >= 1 && (granted > 1 || asked == 1)).then_some(granted.max(1))
}

#[cfg(test)]
mod tests;
