//! How long somebody has to wait who was wrong too often. Everything here has a bound, whatever anybody sends.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest as _, Sha256};

/// What is counted, and from when on it makes wait.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// So many failures cost nothing.
    free: u32,
    /// The longest wait.
    wait_max_ms: u64,
    /// After so long without a failure all is forgotten.
    forget_ms: u64,
}

/// By name: short waits, since anybody can make a user wait.
const BY_NAME: Bounds = Bounds {
    free: 5,
    wait_max_ms: 5 * 60_000,
    forget_ms: 15 * 60_000,
};

/// By source: a whole office may come from one address.
const BY_SOURCE: Bounds = Bounds {
    free: 10,
    wait_max_ms: 15 * 60_000,
    forget_ms: 60 * 60_000,
};

/// Names share so many places. A name that nobody has takes a place as one that somebody has, so that waiting tells nobody
/// which names there are.
const NAME_PLACES: u16 = 1024;

/// So many sources are remembered; the one that was quiet for longest makes room.
const SOURCES_MAX: usize = 4096;

/// Who was wrong how often.
#[derive(Debug, Default)]
pub(super) struct Lockout {
    names: BTreeMap<u16, Failures>,
    sources: BTreeMap<IpAddr, Failures>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_ms: u64,
}

impl Failures {
    /// How long they have to wait yet, in milliseconds.
    fn wait_ms(self, bounds: Bounds, now_ms: u64) -> u64 {
        let Some(beyond) = self.count.checked_sub(bounds.free) else {
            return 0;
        };
        let wait = 1000_u64
            .checked_shl(beyond.min(20))
            .unwrap_or(u64::MAX)
            .min(bounds.wait_max_ms);
        self.last_ms.saturating_add(wait).saturating_sub(now_ms)
    }

    fn again(before: Option<&Self>, bounds: Bounds, now_ms: u64) -> Self {
        let known = before.filter(|before| now_ms.saturating_sub(before.last_ms) < bounds.forget_ms);
        Self {
            count: known.map_or(0, |known| known.count).saturating_add(1),
            last_ms: now_ms,
        }
    }
}

impl Lockout {
    /// Counts a try as failed before anything is compared, so that many at once are many. Returns how long to wait, in
    /// seconds, if it is too early for a try, which then counts for nothing.
    pub(super) fn begin(&mut self, name: Option<&str>, source: Option<IpAddr>, now_ms: u64) -> Result<(), u64> {
        let place = name.map(place);
        let source = source.map(network);
        let by_name = place.and_then(|place| self.names.get(&place));
        let by_source = source.and_then(|source| self.sources.get(&source));
        let wait_ms = by_name
            .map_or(0, |failures| failures.wait_ms(BY_NAME, now_ms))
            .max(by_source.map_or(0, |failures| failures.wait_ms(BY_SOURCE, now_ms)));
        if wait_ms > 0 {
            return Err(wait_ms.div_ceil(1000));
        }
        if let Some(place) = place {
            let failures = Failures::again(self.names.get(&place), BY_NAME, now_ms);
            self.names.insert(place, failures);
        }
        if let Some(source) = source {
            let failures = Failures::again(self.sources.get(&source), BY_SOURCE, now_ms);
            self.sources.insert(source, failures);
            if self.sources.len() > SOURCES_MAX {
                let quiet = self.sources.iter().min_by_key(|(_, failures)| failures.last_ms);
                if let Some(quiet) = quiet.map(|(source, _)| *source) {
                    self.sources.remove(&quiet);
                }
            }
        }
        Ok(())
    }

    /// The try was right after all: nothing is held against them.
    pub(super) fn succeed(&mut self, name: Option<&str>, source: Option<IpAddr>) {
        if let Some(name) = name {
            self.names.remove(&place(name));
        }
        if let Some(source) = source {
            self.sources.remove(&network(source));
        }
    }
}

fn place(name: &str) -> u16 {
    let digest = Sha256::digest(name.as_bytes());
    let number = digest
        .iter()
        .take(2)
        .fold(0, |number: u16, byte| number << 8 | u16::from(*byte));
    number % NAME_PLACES
}

/// An address, or the network of one of IPv6: who has one address of it has all.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: u32) -> Option<IpAddr> {
        Some(IpAddr::V4(number.into()))
    }

    #[test]
    fn a_name_waits_twice_as_long_each_time_whoever_asks() {
        let mut lockout = Lockout::default();
        let mut now = 1_000_000;
        for round in 0..5 {
            assert_eq!(lockout.begin(Some("anna"), source(round), now), Ok(()), "{round}");
        }
        let mut waits = Vec::new();
        for round in 5..18 {
            let seconds = lockout.begin(Some("anna"), source(round), now).unwrap_err();
            waits.push(seconds);
            assert_eq!(
                lockout.begin(Some("anna"), source(round), now + seconds * 1000 - 1),
                Err(1)
            );
            now += seconds * 1000;
            assert_eq!(lockout.begin(Some("anna"), source(round), now), Ok(()));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
        assert_eq!(lockout.begin(Some("berta"), source(99), now), Ok(()));
        lockout.succeed(Some("anna"), None);
        assert_eq!(lockout.begin(Some("anna"), source(98), now), Ok(()));
    }

    #[test]
    fn a_source_waits_whatever_names_it_tries_and_all_of_its_network_with_it() {
        let mut lockout = Lockout::default();
        let from = |last: u16| Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last)));
        for round in 0..10 {
            assert_eq!(lockout.begin(Some(&format!("name-{round}")), from(round), 0), Ok(()));
        }
        assert_eq!(lockout.begin(Some("anna"), from(77), 0), Err(1));
        let elsewhere = Some(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, 1)));
        assert_eq!(lockout.begin(Some("anna"), elsewhere, 0), Ok(()));
        assert_eq!(
            lockout.begin(Some("anna"), from(77), 60 * 60_000),
            Ok(()),
            "it is forgotten"
        );
    }

    #[test]
    fn tables_do_not_grow_beyond_their_bounds() {
        let mut lockout = Lockout::default();
        for number in 0..20_000 {
            let _ = lockout.begin(Some(&number.to_string()), source(number), u64::from(number));
        }
        assert!(lockout.sources.len() <= SOURCES_MAX, "{}", lockout.sources.len());
        assert!(lockout.names.len() <= usize::from(NAME_PLACES));
    }
}
