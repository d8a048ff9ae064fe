//! URLs as the generations of iPXE send them.

use std::fmt::Write as _;

use super::Generation;

/// A URL as it goes over the wire.
///
/// Up to 2021 iPXE undid all escapes when it read a URL, and escaped a few characters again when it sent it: what a
/// script had escaped with care could split a query in two. Later builds send what stands in the script.
#[must_use]
pub fn as_sent(url: &str, generation: Generation) -> String {
    let path_start = url
        .find("://")
        .and_then(|at| url[at + 3..].find('/').map(|slash| at + 3 + slash));
    let (Some(path_start), Generation::Of2019) = (path_start, generation) else {
        return url.to_owned();
    };
    let (origin, rest) = url.split_at(path_start);
    match rest.split_once('?') {
        None => format!("{origin}{}", again(rest)),
        Some((path, query)) => format!("{origin}{}?{}", again(path), again(query)),
    }
}

fn again(text: &str) -> String {
    let mut sent = String::new();
    for byte in unescaped(text) {
        if b" %:#@?".contains(&byte) || !byte.is_ascii_graphic() {
            // Writing to a string cannot fail.
            let _ = write!(sent, "%{byte:02X}");
        } else {
            sent.push(char::from(byte));
        }
    }
    sent
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escape = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match escape.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => bytes.push(*first),
        }
    }
    bytes
}
