//! How often one client may be answered.

use std::collections::HashMap;
use std::hash::Hash;

use bootwright_core::Timestamp;

/// How many answers a client may have at once: several rounds of firmware and iPXE within seconds.
const BURST: u32 = 20;
/// In what time a client earns one more answer, in milliseconds.
const EARNED_MS: u64 = 100;
/// How many clients are remembered; the oldest are forgotten first, all at once.
const CLIENTS_MAX: usize = 8_192;

/// Remembers the clients of one link. A hash map, since it is asked for every packet and shows its order to nobody; its
/// hashes are keyed, so that nobody can choose addresses that collide.
#[derive(Debug)]
pub(crate) struct Pace<K> {
    clients: HashMap<K, (u32, Timestamp)>,
}

impl<K> Default for Pace<K> {
    fn default() -> Self {
        Self {
            clients: HashMap::new(),
        }
    }
}

impl<K: Copy + Eq + Hash> Pace<K> {
    /// Whether the client may be answered now.
    pub(crate) fn admit(&mut self, client: K, now: Timestamp) -> bool {
        if self.clients.len() >= CLIENTS_MAX && !self.clients.contains_key(&client) {
            // Who has been quiet for the time of a whole burst starts afresh anyway.
            let whole_burst = u64::from(BURST) * EARNED_MS;
            self.clients
                .retain(|_, (_, last)| now.since(*last).as_millis() < whole_burst);
            if self.clients.len() >= CLIENTS_MAX {
                self.clients.clear();
            }
        }
        let (used, last) = self.clients.entry(client).or_insert((0, now));
        let earned = now.since(*last).as_millis() / EARNED_MS;
        *used = used.saturating_sub(u32::try_from(earned).unwrap_or(u32::MAX));
        if earned > 0 {
            *last = now;
        }
        let admitted = *used < BURST;
        if admitted {
            *used += 1;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use bootwright_core::MacAddr;

    use super::*;

    #[test]
    fn a_client_that_floods_is_answered_ten_times_a_second() {
        let mac = MacAddr::new([2; 6]);
        let mut pace = Pace::default();
        let answered = |pace: &mut Pace<MacAddr>, from: u64| {
            (from..from + 1000)
                .filter(|ms| pace.admit(mac, Timestamp::from_millis(*ms)))
                .count()
        };
        let (first, second) = (answered(&mut pace, 0), answered(&mut pace, 1000));
        assert!((20..=30).contains(&first), "{first} in the first second");
        assert!((9..=11).contains(&second), "{second} in the second");
        assert!(
            pace.admit(MacAddr::new([4; 6]), Timestamp::from_millis(1999)),
            "another client is not affected"
        );
    }

    #[test]
    fn any_number_of_clients_takes_a_bounded_space() {
        let mut pace = Pace::default();
        for number in 0..100_000_u32 {
            let [a, b, c, d] = number.to_be_bytes();
            assert!(pace.admit(MacAddr::new([2, 0, a, b, c, d]), Timestamp::from_millis(1)));
        }
        assert!(pace.clients.len() <= CLIENTS_MAX);
    }
}
