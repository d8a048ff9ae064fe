//! Our address as text, which stands twice in each reply: written in place, since the general way costs an allocation.

use std::net::Ipv4Addr;

/// An address in its dotted form.
pub(super) struct Dotted {
    bytes: [u8; 15],
    len: usize,
}

impl Dotted {
    pub(super) fn new(address: Ipv4Addr) -> Self {
        let mut text = Self { bytes: [0; 15], len: 0 };
        for (place, octet) in address.octets().into_iter().enumerate() {
            if place > 0 {
                text.push(b'.');
            }
            if octet >= 100 {
                text.push(b'0' | (octet / 100));
            }
            if octet >= 10 {
                text.push(b'0' | (octet / 10 % 10));
            }
            text.push(b'0' | (octet % 10));
        }
        text
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    pub(super) fn as_str(&self) -> &str {
        let text = self.bytes.get(..self.len).unwrap_or_default();
        // Digits and dots.
        str::from_utf8(text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_is_written_as_the_standard_library_writes_it() {
        for octet in 0..=255 {
            for address in [[octet, 0, 10, 255], [9, octet, octet, 100], [255, 255, 255, octet]] {
                let address = Ipv4Addr::from(address);
                assert_eq!(Dotted::new(address).as_str(), address.to_string());
            }
        }
    }
}
