//! The targets with a seeded generator in libFuzzer's place.

use crate::{TARGETS, butane, config, dhcp, http, row, script, template, tftp};

/// SplitMix64: a small generator with a seed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("less than a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// One of the seeds with some of its bytes changed, put in, taken out, doubled or brought from another seed.
    fn damaged(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(5) {
            let place = self.below(bytes.len().max(1)).min(bytes.len());
            let end = (place + self.below(24)).min(bytes.len());
            match self.below(6) {
                0 if place < bytes.len() => bytes[place] = self.byte(),
                1 if place < bytes.len() => bytes[place] ^= 1 << self.below(8),
                2 => bytes.insert(place, self.byte()),
                3 => drop(bytes.drain(place..end)),
                4 => {
                    let piece = bytes[place..end].to_vec();
                    bytes.splice(place..place, piece);
                }
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len());
                    let piece = other[from..].iter().copied().take(32);
                    bytes.splice(place..place, piece);
                }
            }
        }
        bytes
    }
}

/// Each seed as it is and cut at every place, and so many damaged ones.
fn try_out(name: &str, count: usize) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let seeds = (target.seeds)();
    for seed in &seeds {
        let step = 1 + seed.len() / 200;
        (0..=seed.len())
            .step_by(step)
            .for_each(|len| (target.digest)(&seed[..len]));
        (target.digest)(seed);
    }
    let mut random = Random(0xf22d);
    for _ in 0..count {
        let bytes = random.damaged(&seeds);
        (target.digest)(&bytes);
    }
}

#[test]
fn damaged_butane_and_ignition_keep_what_must_hold() {
    try_out("butane", 8000);
}

#[test]
fn damaged_dhcp_packets_keep_what_must_hold() {
    try_out("dhcp", 4000);
}

#[test]
fn damaged_dhcpv6_packets_keep_what_must_hold() {
    try_out("dhcp6", 40_000);
}

#[test]
fn damaged_tftp_conversations_keep_what_must_hold() {
    try_out("tftp", 40_000);
}

#[test]
fn damaged_http_requests_keep_what_must_hold() {
    try_out("http", 20_000);
}

#[test]
fn damaged_configurations_keep_what_must_hold() {
    try_out("config", 2000);
}

#[test]
fn damaged_templates_keep_what_must_hold() {
    try_out("template", 2000);
}

#[test]
fn damaged_scripts_keep_what_must_hold() {
    try_out("script", 4000);
}

#[test]
fn damaged_rows_of_the_record_keep_what_must_hold() {
    try_out("row", 20_000);
}

#[test]
fn nothing_at_all_is_bytes_too() {
    for digest in [
        butane::digest,
        config::digest,
        dhcp::digest,
        http::digest,
        row::digest,
        script::digest,
        template::digest,
        tftp::digest,
    ] {
        digest(b"");
    }
}

#[test]
fn every_target_has_seeds_that_are_read_as_what_they_are() {
    for target in TARGETS {
        assert!((target.seeds)().len() >= 4, "{}", target.name);
    }
    for packet in dhcp::seeds() {
        assert!(bootwright_proto::dhcp::parse(&packet).is_ok());
    }
    let rows = row::seeds();
    let read = |row: &&Vec<u8>| {
        let column = [
            bootwright_store::Column::Change,
            bootwright_store::Column::Host,
            bootwright_store::Column::Rule,
            bootwright_store::Column::Site,
            bootwright_store::Column::Revision,
        ][usize::from(row[0])];
        bootwright_store::reread(column, str::from_utf8(&row[1..]).expect("text")).is_ok()
    };
    assert!(rows.iter().filter(read).count() > rows.len() / 2);
}
