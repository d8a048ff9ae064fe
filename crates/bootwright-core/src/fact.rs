//! What is known of a machine: its facts, and how far each may be trusted to tell it from others.

use std::collections::BTreeSet;

use crate::{MacAddr, Uuid};

/// The most cards that one host may have; a machine that shows more is several machines with the same papers.
pub const MACS_PER_HOST_MAX: usize = 32;

/// The longest text fact that is kept, in bytes; firmware that sends more is cut.
pub const TEXT_BYTES_MAX: usize = 128;

/// The facts that tell one machine from another, and those that describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The addresses of its cards.
    pub macs: BTreeSet<MacAddr>,
    /// Its SMBIOS system UUID.
    pub uuid: Option<Uuid>,
    /// Its SMBIOS serial number.
    pub serial: Option<String>,
    /// Its SMBIOS asset tag.
    pub asset: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What the maker calls it.
    pub product: Option<String>,
}

/// How far a fact may be trusted to tell one machine from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// One machine has it.
    Good,
    /// Several machines were seen with it.
    Shared,
    /// A maker's placeholder, which any machine may have.
    Junk,
}

/// Serial numbers that makers leave in place of one, in lower case.
const JUNK_SERIALS: &[&str] = &[
    "to be filled by o.e.m.",
    "to be filled by o.e.m",
    "default string",
    "system serial number",
    "serial number",
    "not specified",
    "not available",
    "not applicable",
    "none",
    "n/a",
    "na",
    "unknown",
    "invalid",
    "empty",
    "oem",
    "123456789",
    "1234567890",
    "0123456789",
];

/// The quality of a hardware address by its form alone.
///
/// An address that an administrator made up says nothing, but for QEMU's own prefix.
#[must_use]
pub fn mac_quality(mac: MacAddr) -> Quality {
    let qemu = matches!(mac.octets(), [0x52, 0x54, 0x00, ..]);
    if mac.is_zero() || mac.is_multicast() || (mac.is_local() && !qemu) {
        Quality::Junk
    } else {
        Quality::Good
    }
}

/// The quality of a UUID by its form alone.
#[must_use]
pub fn uuid_quality(uuid: Uuid) -> Quality {
    if uuid.is_junk() { Quality::Junk } else { Quality::Good }
}

/// The quality of a serial number by its form alone.
#[must_use]
pub fn serial_quality(serial: &str) -> Quality {
    let text = serial.trim().to_ascii_lowercase();
    let first = text.chars().next();
    let same = first.is_none_or(|first| text.chars().all(|c| c == first));
    if text.len() < 3 || same || JUNK_SERIALS.contains(&text.as_str()) {
        Quality::Junk
    } else {
        Quality::Good
    }
}

/// A text fact as it is kept: trimmed, without control characters, of bounded length; nothing if nothing is left.
#[must_use]
pub fn clean_text(text: &str) -> Option<String> {
    let mut kept = String::new();
    for c in text.trim().chars().filter(|c| !c.is_control()) {
        if kept.len().saturating_add(c.len_utf8()) > TEXT_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    if kept.is_empty() { None } else { Some(kept) }
}

impl Facts {
    /// Facts of which only one address is known, as of a machine that has only sent a DISCOVER.
    #[must_use]
    pub fn of_mac(mac: MacAddr) -> Self {
        Self {
            macs: BTreeSet::from([mac]),
            ..Self::default()
        }
    }

    /// These facts and what the newer ones add.
    ///
    /// A good UUID or serial number takes the place of a maker's placeholder and never gives way to one. Cards beyond
    /// `MACS_PER_HOST_MAX` are left out.
    #[must_use]
    pub fn joined(&self, newer: &Self) -> Self {
        let mut macs = self.macs.clone();
        for &mac in &newer.macs {
            if macs.len() < MACS_PER_HOST_MAX {
                macs.insert(mac);
            }
        }
        let text = |old: &Option<String>, new: &Option<String>| new.clone().or_else(|| old.clone());
        let is_good = |serial: &String| serial_quality(serial) == Quality::Good;
        let uuid = match (self.uuid, newer.uuid) {
            (Some(old), Some(new)) if old.is_junk() && !new.is_junk() => Some(new),
            (old, new) => old.or(new),
        };
        let serial = match (&self.serial, &newer.serial) {
            (Some(old), Some(new)) if !is_good(old) && is_good(new) => Some(new.clone()),
            (old, new) => text(new, old),
        };
        Self {
            macs,
            uuid,
            serial,
            asset: text(&self.asset, &newer.asset),
            manufacturer: text(&self.manufacturer, &newer.manufacturer),
            product: text(&self.product, &newer.product),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_makers_are_junk() {
        for serial in [
            "",
            "0",
            "00000000",
            "None",
            "Default string",
            " To be filled by O.E.M. ",
            "XXXXXXXX",
        ] {
            assert_eq!(serial_quality(serial), Quality::Junk, "{serial}");
        }
        assert_eq!(serial_quality("S4EVNX0M"), Quality::Good);
    }

    #[test]
    fn addresses_made_up_by_administrators_are_junk_but_not_those_of_qemu() {
        let quality = |text: &str| text.parse().map(mac_quality);
        assert_eq!(quality("52:54:00:12:34:56"), Ok(Quality::Good));
        assert_eq!(quality("00:1b:21:12:34:56"), Ok(Quality::Good));
        assert_eq!(quality("02:00:00:12:34:56"), Ok(Quality::Junk));
        assert_eq!(quality("01:00:5e:12:34:56"), Ok(Quality::Junk));
    }

    #[test]
    fn text_from_firmware_is_cut_and_cleaned() {
        assert_eq!(clean_text(" a\nb\u{1b}[31m "), Some("ab[31m".to_owned()));
        assert_eq!(clean_text(" \0 "), None);
        assert_eq!(
            clean_text(&"é".repeat(100)).map(|text| text.len()),
            Some(TEXT_BYTES_MAX)
        );
    }
}
