//! Which machines are likely to have the same firmware.

use std::fmt;
use std::str::FromStr;

use crate::MacAddr;

/// How much of a vendor class counts: `PXEClient:Arch:00007:UNDI:003016` is that long, and what some firmware writes behind
/// it tells single machines apart.
const CLASS_BYTES_MAX: usize = 32;

/// What machines of one make show alike: the vendor class of their firmware and the maker of their network card.
///
/// The class alone says little, since all firmware of one generation sends the same; the card's maker alone says nothing of
/// the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Make {
    class: [u8; CLASS_BYTES_MAX],
    maker: [u8; 3],
}

impl Make {
    /// The make of a machine whose firmware sends this vendor class from this card.
    #[must_use]
    pub fn new(class: &[u8], card: MacAddr) -> Self {
        let mut kept = [0; CLASS_BYTES_MAX];
        for (to, from) in kept.iter_mut().zip(class) {
            *to = if from.is_ascii_graphic() { *from } else { b'?' };
        }
        let [a, b, c, ..] = card.octets();
        Self {
            class: kept,
            maker: [a, b, c],
        }
    }

    /// The vendor class, as far as it counts, in graphic ASCII.
    #[must_use]
    pub fn class(&self) -> &str {
        let end = self.class.iter().position(|byte| *byte == 0);
        let class = self.class.get(..end.unwrap_or(CLASS_BYTES_MAX)).unwrap_or_default();
        str::from_utf8(class).unwrap_or_default()
    }
}

impl fmt::Display for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.maker;
        write!(f, "{a:02x}:{b:02x}:{c:02x} {}", self.class())
    }
}

/// A text that is no make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMake;

impl fmt::Display for NotMake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the first half of a hardware address, a space and a vendor class")
    }
}

impl std::error::Error for NotMake {}

impl FromStr for Make {
    type Err = NotMake;

    fn from_str(text: &str) -> Result<Self, NotMake> {
        let (maker, class) = text.split_once(' ').ok_or(NotMake)?;
        let card: MacAddr = format!("{maker}:00:00:00").parse().map_err(|_| NotMake)?;
        let make = Self::new(class.as_bytes(), card);
        if make.to_string() == text {
            Ok(make)
        } else {
            Err(NotMake)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_make_is_read_as_it_is_written() {
        let card = MacAddr::new([0x52, 0x54, 0x00, 1, 2, 3]);
        let other = MacAddr::new([0x52, 0x54, 0x00, 9, 9, 9]);
        let make = Make::new(b"PXEClient:Arch:00007:UNDI:003016:and more", card);
        assert_eq!(make.to_string(), "52:54:00 PXEClient:Arch:00007:UNDI:003016");
        assert_eq!(make.to_string().parse(), Ok(make));
        assert_eq!(make, Make::new(b"PXEClient:Arch:00007:UNDI:003016", other));
        let odd = Make::new("PXE\u{0}Clïent \n".as_bytes(), card);
        assert_eq!(odd.class(), "PXE?Cl??ent??");
        assert_eq!(odd.to_string().parse(), Ok(odd));
        for wrong in [
            "",
            "52:54:00",
            "52:54 PXEClient",
            "52:54:00:11 PXE",
            "52:54:0G PXE",
            "52:54:00 a b",
        ] {
            assert_eq!(wrong.parse::<Make>(), Err(NotMake), "{wrong}");
        }
    }
}
