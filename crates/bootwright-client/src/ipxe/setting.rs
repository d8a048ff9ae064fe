//! Settings and how `${…}` expands them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A setting that expands into another is expanded again, up to this often; iPXE itself knows no end.
const EXPANSIONS_MAX: usize = 1000;

/// The longest word that expansion makes, in bytes: a setting that doubles itself in a loop would take all memory, and
/// iPXE has little of it.
pub(super) const WORD_BYTES_MAX: usize = 16 << 10;

/// What kind of value a setting holds, which decides how it prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, printed as it is.
    Text,
    /// A number with a sign, big-endian, printed in decimal.
    Int,
    /// A number without a sign, big-endian, printed in hexadecimal.
    Uint,
    /// A hardware address, printed with colons.
    Mac,
    /// An address of IPv4.
    Ipv4,
    /// A UUID in text order.
    Uuid,
}

/// The settings of one iPXE.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, (Kind, Vec<u8>)>);

impl Settings {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one. An empty value takes it away.
    pub fn set(&mut self, name: &str, kind: Kind, value: Vec<u8>) {
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), (kind, value));
        }
    }

    /// Sets a text.
    pub fn set_text(&mut self, name: &str, value: &str) {
        self.set(name, Kind::Text, value.as_bytes().to_vec());
    }

    /// Sets a value that is written as `kind` names it, as the command `set name:kind value` does.
    pub(super) fn set_written(&mut self, name: &str, kind: &str, text: &str) -> Option<()> {
        match kind {
            "" | "string" => self.set_text(name, text),
            "int8" | "int16" | "int32" => self.set(name, Kind::Int, number(text)?.to_be_bytes().to_vec()),
            "uint8" | "uint16" | "uint32" => self.set(name, Kind::Uint, number(text)?.to_be_bytes().to_vec()),
            "hex" | "hexraw" | "hexhyp" => self.set(name, Kind::Text, unhex(text)?),
            "ipv4" => {
                let address: std::net::Ipv4Addr = text.parse().ok()?;
                self.set(name, Kind::Ipv4, address.octets().to_vec());
            }
            _ => return None,
        }
        Some(())
    }

    /// Adds to a number; a setting that is not there counts as nothing.
    pub(super) fn increment(&mut self, name: &str, by: u32) {
        let value = self.0.get(name).map_or(0, |(_, value)| {
            value
                .iter()
                .fold(0_u32, |sum, byte| sum.wrapping_shl(8) | u32::from(*byte))
        });
        let kind = self.0.get(name).map_or(Kind::Int, |(kind, _)| *kind);
        self.set(name, kind, value.wrapping_add(by).to_be_bytes().to_vec());
    }

    /// The value of `name` or `name:kind` as it prints; nothing where there is none.
    #[must_use]
    pub fn format(&self, expression: &str) -> String {
        let (name, wanted) = expression.split_once(':').unwrap_or((expression, ""));
        let Some((kind, value)) = self.0.get(name) else {
            return String::new();
        };
        match wanted {
            "" => natural(*kind, value),
            "string" => String::from_utf8_lossy(value).into_owned(),
            "uristring" => uristring(value),
            "hex" => separated(value, ":"),
            "hexhyp" => separated(value, "-"),
            "hexraw" => separated(value, ""),
            "int8" | "int16" | "int32" => natural(Kind::Int, value),
            "uint8" | "uint16" | "uint32" => natural(Kind::Uint, value),
            "ipv4" => natural(Kind::Ipv4, value),
            "uuid" => natural(Kind::Uuid, value),
            _ => String::new(),
        }
    }

    /// A word with all its `${…}` replaced, the innermost first, and again what the values brought in. What grows beyond
    /// 16 KiB is cut there.
    #[must_use]
    pub fn expand(&self, word: &str) -> String {
        let mut word = word.to_owned();
        for _ in 0..EXPANSIONS_MAX {
            let Some(end) = word
                .match_indices('}')
                .map(|(at, _)| at)
                .find(|end| word[..*end].contains("${"))
            else {
                return word;
            };
            let Some(start) = word[..end].rfind("${") else {
                return word;
            };
            let value = self.format(&word[start + 2..end]);
            word.replace_range(start..=end, &value);
            if word.len() > WORD_BYTES_MAX {
                word.truncate(word.floor_char_boundary(WORD_BYTES_MAX));
                return word;
            }
        }
        word
    }
}

fn natural(kind: Kind, value: &[u8]) -> String {
    let number = || {
        value
            .iter()
            .fold(0_u32, |sum, byte| sum.wrapping_shl(8) | u32::from(*byte))
    };
    match kind {
        Kind::Text => String::from_utf8_lossy(value).into_owned(),
        Kind::Int => number().cast_signed().to_string(),
        Kind::Uint => format!("{:#x}", number()),
        Kind::Mac => separated(value, ":"),
        Kind::Ipv4 => value.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        Kind::Uuid => {
            let groups = [0..4, 4..6, 6..8, 8..10, 10..16];
            let groups = groups.map(|group| separated(value.get(group).unwrap_or_default(), ""));
            groups.join("-")
        }
    }
}

fn separated(value: &[u8], separator: &str) -> String {
    let bytes: Vec<String> = value.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(separator)
}

/// What `:uristring` prints: everything escaped but letters, digits, `-._~` and the plus sign.
fn uristring(value: &[u8]) -> String {
    let mut text = String::new();
    for &byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// A number as C reads it, with or without `0x`.
pub(super) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|c| !":-".contains(*c)).collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect()
}
