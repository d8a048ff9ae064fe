//! Identifiers: a newtype for each.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::label::Label;

/// The longest name of a host, profile or rule, in bytes: a DNS label (RFC 1035 section 2.3.4).
pub const NAME_BYTES_MAX: usize = 63;

/// A text that is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotName;

impl fmt::Display for NotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a name: expected up to 63 of the characters `a-z`, `0-9` and `-`, the first no hyphen")
    }
}

fn is_name(text: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.starts_with('-') && text.bytes().all(fits)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Label);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = NotName;

            fn from_str(text: &str) -> Result<Self, NotName> {
                if is_name(text) { Ok(Self(Label::new(text))) } else { Err(NotName) }
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

name! {
    /// The name under which the store keeps a host: the one the configuration gives it, or a nickname such as `oak-42`.
    HostId
}
name! {
    /// The name of a profile in the configuration.
    ProfileName
}
name! {
    /// The name of a rule in the configuration.
    RuleName
}

/// Which attempt to install a host this is; the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunNumber(u32);

impl RunNumber {
    /// The run with this number.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for RunNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The secret of one run: 128 random bits that its install script carries and its reports name.
///
/// Its `Debug` hides it. Compare with `==`, which takes the same time wherever two tokens differ.
#[derive(Clone, Copy, Eq, PartialOrd, Ord)]
pub struct Token([u8; 16]);

impl Token {
    /// The token made of these random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn octets(self) -> [u8; 16] {
        self.0
    }

    /// The 32 lower-case hexadecimal digits that stand in URLs.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads exactly 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 || digits.iter().any(u8::is_ascii_uppercase) {
            return None;
        }
        let mut bytes = [0_u8; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let text = std::str::from_utf8(pair).ok()?;
            if text.starts_with('+') {
                return None;
            }
            *byte = u8::from_str_radix(text, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .fold(0, |different, (a, b)| different | (a ^ b))
            == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels_in_lower_case() {
        for good in ["a", "oak-42", "0x7", &"a".repeat(63)] {
            assert!(good.parse::<HostId>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "Oak", "a.b", "a_b", "a/b", "ä", &"a".repeat(64)] {
            assert_eq!(bad.parse::<HostId>(), Err(NotName), "{bad}");
        }
    }

    #[test]
    fn a_token_is_32_lower_case_digits_and_nothing_else() {
        let token = Token::new([0xab; 16]);
        assert_eq!(token.reveal(), "ab".repeat(16));
        assert_eq!(Token::parse(&"ab".repeat(16)), Some(token));
        for bad in [
            "AB".repeat(16),
            "ab".repeat(15),
            "ab".repeat(17),
            "+1".repeat(16),
            "é".repeat(16),
            String::new(),
        ] {
            assert_eq!(Token::parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_does_not_show_itself() {
        assert_eq!(format!("{:?}", Token::new([0xab; 16])), "Token(…)");
    }
}
