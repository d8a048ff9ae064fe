//! Options as they lie in a message, and their numbers.

use super::discard::Discard;

pub(super) const CLIENT_ID: u16 = 1;
pub(super) const SERVER_ID: u16 = 2;
pub(super) const IA_NA: u16 = 3;
pub(super) const IA_ADDR: u16 = 5;
pub(super) const OPTION_REQUEST: u16 = 6;
pub(super) const ELAPSED_TIME: u16 = 8;
/// What a relay wraps (RFC 8415 section 21.10), and what it calls the interface that it came by (section 21.18).
pub(super) const RELAY_MESSAGE: u16 = 9;
pub(super) const STATUS: u16 = 13;
pub(super) const USER_CLASS: u16 = 15;
pub(super) const VENDOR_CLASS: u16 = 16;
pub(super) const INTERFACE_ID: u16 = 18;
pub(super) const DNS: u16 = 23;
/// RFC 5970.
pub(super) const BOOT_FILE_URL: u16 = 59;
pub(super) const CLIENT_ARCH: u16 = 61;
pub(super) const INTERFACE: u16 = 62;
/// RFC 6939: the card of a client, as the relay next to it saw it.
pub(super) const CLIENT_LINK_LAYER: u16 = 79;

/// The options of an area, one by one, each as number and value.
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
}

impl<'a> Pieces<'a> {
    pub(super) const fn of(area: &'a [u8]) -> Self {
        Self { rest: area }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<(u16, &'a [u8]), Discard>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        let (head, tail) = match rest {
            [] => return None,
            [a, b, c, d, tail @ ..] => ([*a, *b, *c, *d], tail),
            [a, more @ ..] => {
                let code = u16::from_be_bytes([*a, more.first().copied().unwrap_or(0)]);
                return Some(Err(Discard::TruncatedOption {
                    code,
                    declared: None,
                    left: 0,
                }));
            }
        };
        let [a, b, c, d] = head;
        let (code, declared) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        match tail.split_at_checked(usize::from(declared)) {
            Some((value, tail)) => {
                self.rest = tail;
                Some(Ok((code, value)))
            }
            None => Some(Err(Discard::TruncatedOption {
                code,
                declared: Some(declared),
                left: tail.len(),
            })),
        }
    }
}

/// Texts with a length of two bytes before each, as user classes and vendor classes are written.
pub(super) fn counted(code: u16, value: &[u8]) -> Result<Vec<&[u8]>, Discard> {
    let bad = Discard::BadOption { code, len: value.len() };
    let mut found = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (head, tail) = rest.split_first_chunk::<2>().ok_or(bad)?;
        let (text, tail) = tail
            .split_at_checked(usize::from(u16::from_be_bytes(*head)))
            .ok_or(bad)?;
        found.push(text);
        rest = tail;
    }
    Ok(found)
}
