//! Wake on LAN: the packet that a card listens for while its machine is switched off (AMD's magic packet, 1995).

use bootwright_core::MacAddr;

/// The port to which it is sent, by custom: nobody listens there, the card looks for the bytes wherever they are.
pub const PORT: u16 = 9;

/// How often the card's address stands in it.
const TIMES: usize = 16;

/// Six bytes of ones, and the card's address sixteen times.
#[must_use]
pub fn magic_packet(mac: MacAddr) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    packet.extend(std::iter::repeat_n(mac.octets(), TIMES).flatten());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packet_is_as_long_as_cards_expect_and_names_the_card() {
        let packet = magic_packet(MacAddr::new([0x52, 0x54, 0, 0xab, 0xcd, 0xef]));
        assert_eq!(packet.len(), 102);
        assert!(packet[..6].iter().all(|byte| *byte == 0xff));
        assert!(
            packet[6..]
                .chunks(6)
                .all(|card| card == [0x52, 0x54, 0, 0xab, 0xcd, 0xef])
        );
    }
}
