//! What becomes of bytes that others make up, one module for each kind: the bodies of the fuzz targets.
//!
//! A body takes any bytes through everything that we do with such, and asserts what must hold of the outcome whatever
//! they are. libFuzzer calls it with bytes that it makes up (`cargo xtask fuzz`), the ordinary tests with damaged examples
//! from a seeded generator, so that both always try the same.

pub mod butane;
pub mod config;
pub mod dhcp;
pub mod dhcp6;
pub mod http;
pub mod row;
pub mod script;
pub mod template;
pub mod tftp;

/// A body and what to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name; the program for libFuzzer has `fuzz-` in front.
    pub name: &'static str,
    /// The body. It panics when something does not hold.
    pub digest: fn(&[u8]),
    /// Examples of what it reads, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "butane",
        digest: butane::digest,
        seeds: butane::seeds,
    },
    Target {
        name: "config",
        digest: config::digest,
        seeds: config::seeds,
    },
    Target {
        name: "dhcp",
        digest: dhcp::digest,
        seeds: dhcp::seeds,
    },
    Target {
        name: "dhcp6",
        digest: dhcp6::digest,
        seeds: dhcp6::seeds,
    },
    Target {
        name: "http",
        digest: http::digest,
        seeds: http::seeds,
    },
    Target {
        name: "row",
        digest: row::digest,
        seeds: row::seeds,
    },
    Target {
        name: "script",
        digest: script::digest,
        seeds: script::seeds,
    },
    Target {
        name: "template",
        digest: template::digest,
        seeds: template::seeds,
    },
    Target {
        name: "tftp",
        digest: tftp::digest,
        seeds: tftp::seeds,
    },
];

/// The bytes of a hexdump: lines that begin with `#` are words for people.
fn unhex(text: &str) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: Vec<u8> = lines
        .flat_map(str::chars)
        .filter_map(|c| c.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap_or_default())
        .collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[cfg(test)]
mod tests;
