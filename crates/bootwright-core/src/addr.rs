//! Hardware addresses.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The hardware address of an Ethernet card, EUI-48.
///
/// Written with colons and lower case everywhere but in file names, where hyphens stand (`MacAddr::hyphens`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// The address with these six bytes, first byte first as on the wire.
    #[must_use]
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// The six bytes, first byte first as on the wire.
    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether the address names a group of stations (IEEE 802, the lowest bit of the first byte).
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether the address was assigned by an administrator and not by a manufacturer (IEEE 802, the second lowest bit).
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0[0] & 2 == 2
    }

    /// Whether all six bytes are zero, which no station may use.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }

    /// The spelling for file names: `52-54-00-ab-cd-ef`.
    #[must_use]
    pub fn hyphens(self) -> String {
        self.to_string().replace(':', "-")
    }
}

impl Ord for MacAddr {
    /// The order of the bytes, as one number: hosts are found by their cards for each packet.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |Self([a, b, c, d, e, f]): Self| u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        number(*self).cmp(&number(*other))
    }
}

impl PartialOrd for MacAddr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMacAddr;

impl fmt::Display for NotMacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hardware address: expected twelve hexadecimal digits, as in `52:54:00:ab:cd:ef`")
    }
}

impl FromStr for MacAddr {
    type Err = NotMacAddr;

    /// Reads the spellings in use: `52:54:00:ab:cd:ef`, `52-54-00-AB-CD-EF`, `5254.00ab.cdef`, `525400abcdef`.
    fn from_str(text: &str) -> Result<Self, NotMacAddr> {
        let group = match text.len() {
            17 => 2,
            14 => 4,
            12 => 12,
            _ => return Err(NotMacAddr),
        };
        let separator = text.chars().find(|c| !c.is_ascii_hexdigit());
        let separator_fits = matches!((group, separator), (2, Some(':' | '-')) | (4, Some('.')) | (12, None));
        if !separator_fits {
            return Err(NotMacAddr);
        }
        let mut digits = 0_usize;
        let mut bytes = [0_u8; 6];
        for (place, c) in text.chars().enumerate() {
            if group != 12 && place % (group + 1) == group {
                if Some(c) != separator {
                    return Err(NotMacAddr);
                }
                continue;
            }
            let value = c.to_digit(16).ok_or(NotMacAddr)?;
            let byte = bytes.get_mut(digits / 2).ok_or(NotMacAddr)?;
            *byte = (*byte << 4) | u8::try_from(value).map_err(|_| NotMacAddr)?;
            digits += 1;
        }
        if digits == 12 { Ok(Self(bytes)) } else { Err(NotMacAddr) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_in_use_is_read_as_the_same_address() {
        let expected = MacAddr::new([0x52, 0x54, 0x00, 0xab, 0xcd, 0xef]);
        for text in [
            "52:54:00:ab:cd:ef",
            "52-54-00-AB-CD-EF",
            "5254.00ab.cdef",
            "525400ABCDEF",
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "52:54:00:ab:cd:ef");
        assert_eq!(expected.hyphens(), "52-54-00-ab-cd-ef");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "52:54:00:ab:cd",
            "52:54-00:ab:cd:ef",
            "52:54:00:ab:cd:eg",
            "5254:00ab:cdef",
            "52:54:00:ab:cd:e:",
            "525400abcde\u{e9}",
            "52 54 00 ab cd ef",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(NotMacAddr), "{text}");
        }
    }
}
