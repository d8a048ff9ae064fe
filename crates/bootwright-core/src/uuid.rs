//! The identity that a mainboard claims: the UUID of SMBIOS, in its two byte orders.

use std::fmt;
use std::str::FromStr;

/// A machine's UUID, kept in the order in which people and SMBIOS tools write it.
///
/// SMBIOS stores the first three fields little-endian and DHCP option 97 carries those bytes as they are, so the wire
/// order differs from the text order. Some old firmware sends the text order on the wire: [`Uuid::swapped`] is the
/// other reading of the same sixteen bytes, by which such a machine is found again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

/// Values that whole series of mainboards share, because the manufacturer never filled the field in. As numbers, since
/// every request and every host of the store is compared with them; the digits are those of the text form.
const SHARED: &[u128] = &[
    0x0300_0200_0400_0500_0006_0007_0008_0009,
    0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f,
    0x0000_0011_4918_8015_bf5a_8888_8888_8788,
];

/// First fields of values that differ from board to board in digits that still identify nothing.
const SHARED_FIRST_FIELD: &[[u8; 4]] = &[[0x03, 0xd4, 0x02, 0x74], [0xde, 0xad, 0xbe, 0xef]];

impl Uuid {
    /// The UUID with these bytes in text order.
    #[must_use]
    pub const fn from_text_order(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The UUID that DHCP option 97 carries after its type byte: SMBIOS order, first three fields little-endian.
    #[must_use]
    pub const fn from_wire(bytes: [u8; 16]) -> Self {
        Self(swap_fields(bytes))
    }

    /// The sixteen bytes in text order.
    #[must_use]
    pub const fn text_order(self) -> [u8; 16] {
        self.0
    }

    /// The sixteen bytes as DHCP option 97 carries them.
    #[must_use]
    pub const fn to_wire(self) -> [u8; 16] {
        swap_fields(self.0)
    }

    /// The same machine as firmware of the other byte order reports it.
    #[must_use]
    pub const fn swapped(self) -> Self {
        Self(swap_fields(self.0))
    }

    /// Whether the value, in either byte order, is one that identifies nothing: unset, or shared by many boards.
    #[must_use]
    pub fn is_junk(self) -> bool {
        self.is_shared() || self.swapped().is_shared()
    }

    fn is_shared(self) -> bool {
        // One byte over and over: nothing, or what a maker wrote to fill the place (a Pi 3 has 0x44 in all of them).
        let [first, ..] = self.0;
        self.0 == [first; 16]
            || SHARED_FIRST_FIELD.iter().any(|field| self.0.starts_with(field))
            || SHARED.contains(&u128::from_be_bytes(self.0))
    }
}

/// Turns the first three fields round, which leads from either order to the other.
const fn swap_fields(bytes: [u8; 16]) -> [u8; 16] {
    let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7] = bytes;
    [a3, a2, a1, a0, b1, b0, c1, c0, d0, d1, d2, d3, d4, d5, d6, d7]
}

impl fmt::Display for Uuid {
    /// Lower case with hyphens: `00112233-4455-6677-8899-aabbccddeeff`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUuid;

impl fmt::Display for NotUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a UUID: expected groups of 8, 4, 4, 4 and 12 hexadecimal digits with hyphens between them")
    }
}

impl std::error::Error for NotUuid {}

impl FromStr for Uuid {
    type Err = NotUuid;

    /// Reads the text form in any case. Digits without hyphens are refused, since tools print both byte orders so.
    fn from_str(text: &str) -> Result<Self, NotUuid> {
        if text.len() != 36 {
            return Err(NotUuid);
        }
        let mut bytes = [0_u8; 16];
        let mut digits = 0_usize;
        for (place, c) in text.chars().enumerate() {
            if matches!(place, 8 | 13 | 18 | 23) {
                if c != '-' {
                    return Err(NotUuid);
                }
                continue;
            }
            let value = c.to_digit(16).ok_or(NotUuid)?;
            let byte = bytes.get_mut(digits / 2).ok_or(NotUuid)?;
            *byte = (*byte << 4) | u8::try_from(value).map_err(|_| NotUuid)?;
            digits += 1;
        }
        if digits == 32 { Ok(Self(bytes)) } else { Err(NotUuid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: [u8; 16] = [
        0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ];

    #[test]
    fn the_wire_order_of_option_97_is_read_as_the_text_that_people_see() {
        let uuid = Uuid::from_wire(WIRE);
        assert_eq!(uuid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!("00112233-4455-6677-8899-AABBCCDDEEFF".parse(), Ok(uuid));
        assert_eq!(uuid.to_wire(), WIRE);
    }

    #[test]
    fn firmware_of_the_other_byte_order_is_found_by_the_swapped_form() {
        let usual = Uuid::from_wire(WIRE);
        let odd = Uuid::from_wire(usual.text_order());
        assert_ne!(usual, odd);
        assert_eq!(odd.swapped(), usual);
        assert_eq!(odd.to_string(), "33221100-5544-7766-8899-aabbccddeeff");
    }

    #[test]
    fn values_that_many_boards_share_identify_nothing() {
        for text in [
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "03000200-0400-0500-0006-000700080009",
            "00020003-0004-0005-0006-000700080009",
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
            "03D40274-0435-0519-2906-420700080009",
            "DEADBEEF-1234-5678-9abc-def012345678",
            "00000011-4918-8015-bf5a-888888888788",
        ] {
            assert!(text.parse::<Uuid>().expect(text).is_junk(), "{text}");
        }
        assert!(!Uuid::from_wire(WIRE).is_junk());
    }

    #[test]
    fn what_is_no_uuid_is_refused() {
        for text in [
            "",
            "00112233445566778899aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeefg",
            "0011223-34455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899_aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddee\u{e9}",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(NotUuid), "{text}");
        }
    }
}
