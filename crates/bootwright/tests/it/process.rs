//! What the kernel knows of a running daemon, and a source of bytes that can be repeated.

use std::fs;
use std::time::Duration;

/// The memory that a process has in use, in kilobytes.
pub(crate) fn resident_kb(pid: u32) -> u64 {
    field(pid, "VmRSS:")
}

/// How many threads a process has.
pub(crate) fn threads(pid: u32) -> u64 {
    field(pid, "Threads:")
}

fn field(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("the kernel tells a number")
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("the process runs")
        .count()
}

/// The processor time that a process has used, in user and kernel mode.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    // The program's name may hold anything; the fields that follow it are numbers.
    let fields = stat.rsplit_once(") ").expect("the kernel's format").1;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum();
    // USER_HZ is 100 on every architecture that we build for.
    Duration::from_millis(ticks * 10)
}

/// SplitMix64: a small generator with a seed, so that a failure can be repeated.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("less than a usize")
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    /// The bytes with a few of them changed, put in or taken out.
    pub(crate) fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(6) {
            let place = self.below(bytes.len());
            match self.below(5) {
                0 | 1 => bytes[place] = self.bytes(1)[0],
                2 => bytes.insert(place, self.of(&[0, 1, 0x7f, 0x80, 0xff])),
                3 if bytes.len() > 1 => drop(bytes.remove(place)),
                _ => bytes[place] ^= 1 << self.below(8),
            }
        }
        if self.below(8) == 0 {
            bytes.truncate(self.below(bytes.len()));
        }
        bytes
    }
}
