//! Where few addresses are left, strangers stand in line: at the port that they come from, and by the maker of their card.

use std::collections::BTreeMap;

use bootwright_core::lease::Origin;
use bootwright_core::{MacAddr, Timestamp};

use crate::limit::Bucket;

/// How many strangers may get an address at once at one port, or with cards of one maker.
const LINE_BURST: u32 = 32;

/// How many further ones in each second.
const LINE_PER_SEC: u32 = 2;

/// How many ports, and how many makers, are told apart; all others stand in one line.
const LINES_MAX: usize = 4_096;

/// Ports and makers with the strangers that they brought lately.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buckets: BTreeMap<Line, Bucket>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    /// An interface of ours, or a relay's port.
    Port(String, Vec<u8>),
    Maker([u8; 3]),
    Rest,
}

impl Lines {
    /// Whether one more stranger may get an address.
    pub(super) fn admit(&mut self, now: Timestamp, origin: &Origin, mac: MacAddr) -> bool {
        let [a, b, c, ..] = mac.octets();
        let port = match &origin.relay {
            Some(relay) => Line::Port(relay.address.to_string(), relay.circuit.clone()),
            None => Line::Port(origin.link.clone(), Vec::new()),
        };
        self.take(now, port) && self.take(now, Line::Maker([a, b, c]))
    }

    fn take(&mut self, now: Timestamp, line: Line) -> bool {
        let full = self.buckets.len() >= LINES_MAX.saturating_mul(2) && !self.buckets.contains_key(&line);
        let line = if full { Line::Rest } else { line };
        let fresh = || Bucket::new(LINE_BURST, LINE_PER_SEC, now);
        self.buckets.entry(line).or_insert_with(fresh).take(now)
    }
}

#[cfg(test)]
mod tests {
    use bootwright_core::Way;

    use super::*;

    fn at(link: &str) -> Origin {
        Origin {
            link: link.to_owned(),
            addresses: Vec::new(),
            way: Way::Link,
            relay: None,
            wish: None,
        }
    }

    #[test]
    fn a_flood_at_one_port_leaves_the_others_alone() {
        let (mut lines, now) = (Lines::default(), Timestamp::from_millis(1_000));
        let mac = |number: u8| MacAddr::new([number, 0, 0, 0, 0, 1]);
        let admitted = (0..200)
            .map(|number| number * 2)
            .take(100)
            .filter(|number| lines.admit(now, &at("eth1"), mac(*number)));
        assert_eq!(admitted.count(), 32);
        assert!(lines.admit(now, &at("eth2"), mac(2)));
        let later = now.after(bootwright_core::Span::from_secs(1));
        let admitted = (0..100_u8).filter(|number| lines.admit(later, &at("eth1"), mac(number * 2)));
        assert_eq!(admitted.count(), 2, "in a second");
    }

    #[test]
    fn any_number_of_makers_takes_a_bounded_space() {
        let (mut lines, now) = (Lines::default(), Timestamp::from_millis(1_000));
        for number in 0..50_000_u32 {
            let [_, a, b, c] = number.to_be_bytes();
            lines.admit(now, &at(&number.to_string()), MacAddr::new([a, b, c, 0, 0, 1]));
        }
        assert!(lines.buckets.len() <= 2 * LINES_MAX + 1);
    }
}
