//! Who asks: the facts that our own scripts make iPXE send.
//!
//! iPXE of 2019 undoes the escapes of `:uristring` before it sends a URL, so that a serial number may break the query
//! that carries it; later builds do not, but leave `+` as it is. Texts of the firmware therefore travel as `:hexraw`
//! under names that end in `_hex`, which every build prints alike. Plain names are read as well, for people.

use std::net::IpAddr;

use bootwright_core::fact::{MACS_PER_HOST_MAX, clean_text};
use bootwright_core::{Facts, Firmware, MacAddr, Sighting};

use super::percent::{hex, unhex};
use super::query::Query;

/// The longest word that iPXE says of itself which is kept, in bytes.
const WORD_BYTES_MAX: usize = 64;

/// The query of `/ipxe`: what a machine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The facts, the card it boots from and its firmware. The address and the link are the socket's to tell.
    pub sighting: Sighting,
    /// The processor that iPXE was built for, such as `x86_64`.
    pub buildarch: Option<String>,
    /// iPXE's version in its own words.
    pub version: Option<String>,
    /// The address that the machine says it has.
    pub ip: Option<IpAddr>,
    /// What its console shows: the number of the last screen we painted, as the script that painted it said.
    pub screen: Option<u32>,
    /// Whether a person at the console agreed to what the screen asked.
    pub confirmed: bool,
}

/// The query of `/hold`, and of `/ipxe` where a held machine asks again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Poll {
    /// What it says of itself, all of it once more: what it is told is decided on the same facts as before.
    pub asked: Asked,
    /// How often it has asked since its console was last painted.
    pub polls: u32,
}

/// The query of `/failed`: a script that met an error and tries again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// What the machine says of itself.
    pub asked: Asked,
    /// The step of the script.
    pub step: Option<String>,
    /// iPXE's error number, as `https://ipxe.org/err/…` knows it.
    pub error: Option<String>,
}

impl Asked {
    /// Reads what a query says. What is malformed counts as not said.
    #[must_use]
    pub fn read(query: &Query) -> Self {
        let boot_mac = query.get("mac").and_then(|text| mac(&text));
        let mut facts = Facts {
            uuid: query.get("uuid").and_then(|text| text.trim().parse().ok()),
            serial: text(query, "serial"),
            asset: text(query, "asset"),
            manufacturer: text(query, "manufacturer"),
            product: text(query, "product"),
            ..Facts::default()
        };
        facts.macs.extend(boot_mac);
        for (name, value) in query.items() {
            if is_card(&name)
                && facts.macs.len() < MACS_PER_HOST_MAX
                && let Some(mac) = mac(&value)
            {
                facts.macs.insert(mac);
            }
        }
        Self {
            sighting: Sighting {
                facts,
                boot_mac,
                chosen: query.get("chosen").and_then(|text| text.parse().ok()),
                menu: query.get("menu").as_deref() == Some("yes"),
                firmware: query.get("platform").and_then(|text| Firmware::from_platform(&text)),
                ..Sighting::default()
            },
            buildarch: word(query, "buildarch"),
            version: text(query, "version").and_then(|text| cut(&text)),
            ip: query.get("ip").and_then(|text| text.parse().ok()),
            screen: query.get("screen").and_then(|text| u32::from_str_radix(&text, 16).ok()),
            confirmed: query.get("confirmed").as_deref() == Some("yes"),
        }
    }

    /// The query that says the same again, for the URLs in our scripts. It holds only letters, digits and `&=_-.:`.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mut items = Vec::new();
        let Sighting {
            facts,
            boot_mac,
            firmware,
            ..
        } = &self.sighting;
        items.extend(boot_mac.map(|mac| format!("mac={}", mac.hyphens())));
        let others = facts.macs.iter().filter(|mac| Some(**mac) != *boot_mac);
        items.extend(others.map(|mac| format!("nic={}", mac.hyphens())));
        items.extend(facts.uuid.map(|uuid| format!("uuid={uuid}")));
        items.extend(firmware.map(|firmware| format!("platform={}", platform(firmware))));
        items.extend(self.sighting.chosen.map(|entry| format!("chosen={entry}")));
        items.extend(self.sighting.menu.then(|| "menu=yes".to_owned()));
        items.extend(self.ip.map(|ip| format!("ip={ip}")));
        let texts = [
            ("buildarch", &self.buildarch),
            ("version", &self.version),
            ("serial", &facts.serial),
            ("asset", &facts.asset),
            ("manufacturer", &facts.manufacturer),
            ("product", &facts.product),
        ];
        for (name, value) in texts {
            items.extend(
                value
                    .as_ref()
                    .map(|value| format!("{name}_hex={}", hex(value.as_bytes()))),
            );
        }
        items.join("&")
    }
}

impl Poll {
    /// Reads what a query says.
    #[must_use]
    pub fn read(query: &Query) -> Self {
        Self {
            asked: Asked::read(query),
            polls: query.get("polls").and_then(|text| text.parse().ok()).unwrap_or(0),
        }
    }
}

impl Trouble {
    /// Reads what a query says.
    #[must_use]
    pub fn read(query: &Query) -> Self {
        Self {
            asked: Asked::read(query),
            step: word(query, "step"),
            error: word(query, "error"),
        }
    }
}

/// The words of iPXE's `${platform}`.
pub(crate) const fn platform(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "pcbios",
        Firmware::Uefi => "efi",
    }
}

/// `nic`, and the numbered names that scripts of other systems use.
fn is_card(name: &str) -> bool {
    let numbered = name.strip_prefix("mac").or_else(|| name.strip_prefix("net"));
    let digit = |rest: &str| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit());
    name == "nic" || numbered.is_some_and(digit)
}

/// An address that a card may have.
fn mac(text: &str) -> Option<MacAddr> {
    let mac: MacAddr = text.trim().parse().ok()?;
    (!mac.is_zero() && !mac.is_multicast()).then_some(mac)
}

/// A text of the firmware, from its hexadecimal form if there is one.
fn text(query: &Query, name: &str) -> Option<String> {
    let bytes = query.get(&format!("{name}_hex")).and_then(|digits| unhex(&digits));
    let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    text.or_else(|| query.get(name)).and_then(|text| clean_text(&text))
}

fn word(query: &Query, name: &str) -> Option<String> {
    text(query, name).and_then(|text| cut(&text))
}

fn cut(text: &str) -> Option<String> {
    let mut kept = String::new();
    for c in text.chars() {
        if kept.len().saturating_add(c.len_utf8()) > WORD_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    (!kept.is_empty()).then_some(kept)
}
