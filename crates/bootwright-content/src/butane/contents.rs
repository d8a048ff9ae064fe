//! Contents that stand in the configuration or beside it: they become `data:` URLs, and texts of units and keys.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::local::{Files, readable};
use crate::tree::{Fault, Node, Value};

/// Puts everything that is inline or local where Ignition looks for it.
pub(super) fn fill(config: &mut Node, files: &dyn Files, faults: &mut Vec<Fault>) {
    if let Some(ignition) = config.get_mut("ignition") {
        if let Some(included) = ignition.get_mut("config") {
            for node in included.list_mut("merge") {
                resource(node, true, files, faults);
            }
            if let Some(node) = included.get_mut("replace") {
                resource(node, true, files, faults);
            }
        }
        let tls = ignition
            .get_mut("security")
            .and_then(|security| security.get_mut("tls"));
        for node in tls.map_or(&mut [][..], |tls| tls.list_mut("certificateAuthorities")) {
            resource(node, false, files, faults);
        }
    }
    if let Some(storage) = config.get_mut("storage") {
        for file in storage.list_mut("files") {
            if let Some(contents) = file.get_mut("contents") {
                resource(contents, false, files, faults);
            }
            for node in file.list_mut("append") {
                resource(node, false, files, faults);
            }
        }
        for luks in storage.list_mut("luks") {
            if let Some(key) = luks.get_mut("keyFile") {
                resource(key, false, files, faults);
            }
        }
    }
    if let Some(passwd) = config.get_mut("passwd") {
        for user in passwd.list_mut("users") {
            keys(user, files, faults);
        }
    }
    if let Some(systemd) = config.get_mut("systemd") {
        for unit in systemd.list_mut("units") {
            text(unit, files, faults);
            for dropin in unit.list_mut("dropins") {
                text(dropin, files, faults);
            }
        }
    }
}

fn resource(node: &mut Node, config: bool, files: &dyn Files, faults: &mut Vec<Fault>) {
    let given: Vec<&str> = ["source", "inline", "local"]
        .into_iter()
        .filter(|key| node.get(key).is_some())
        .collect();
    if let [_, second, ..] = given.as_slice() {
        let fault = Fault::new(
            node.at(second),
            "only one of `inline`, `local` and `source` can be given",
        );
        faults.push(fault);
    }
    let (inline, local) = (node.remove("inline"), node.remove("local"));
    let (bytes, span) = match (inline, local) {
        (Some(entry), _) => (
            entry.node.as_text().unwrap_or_default().as_bytes().to_vec(),
            entry.node.span,
        ),
        (None, Some(entry)) => match readable(&entry.node, files) {
            Ok(bytes) => (bytes, entry.node.span),
            Err(fault) => return faults.push(fault),
        },
        (None, None) => return,
    };
    let compressed = node
        .text("compression")
        .is_some_and(|compression| !compression.is_empty());
    if config && !compressed {
        included(&bytes, &span, faults);
    }
    let (url, compression) = data_url(&bytes, compressed);
    node.set("source", Node::text_at(&span, url));
    if let Some(compression) = compression {
        node.set("compression", Node::text_at(&span, compression));
    }
}

/// A configuration that is merged must be one itself: the machine would find out too late.
fn included(bytes: &[u8], span: &std::ops::Range<usize>, faults: &mut Vec<Fault>) {
    let text = String::from_utf8_lossy(bytes);
    for fault in crate::ignition::check(&text) {
        let (line, column) = crate::tree::position(&text, fault.span.start);
        let message = format!("line {line}, column {column} of this configuration: {}", fault.message);
        faults.push(Fault {
            message,
            span: span.clone(),
            ..fault
        });
    }
}

fn keys(user: &mut Node, files: &dyn Files, faults: &mut Vec<Fault>) {
    let Some(entry) = user.remove("sshAuthorizedKeysLocal") else {
        return;
    };
    let mut added = user.list("sshAuthorizedKeys").to_vec();
    let span = entry.node.span.clone();
    let Value::List(names) = entry.node.value else { return };
    for name in names {
        match readable(&name, files) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let lines = text.lines().filter(|line| !line.is_empty());
                added.extend(lines.map(|line| Node::text_at(&name.span, line)));
            }
            Err(fault) => faults.push(fault),
        }
    }
    user.set("sshAuthorizedKeys", Node::new(Value::List(added), span));
}

/// The text of a unit or a drop-in.
fn text(node: &mut Node, files: &dyn Files, faults: &mut Vec<Fault>) {
    let Some(entry) = node.remove("contentsLocal") else {
        return;
    };
    if node.get("contents").is_some() {
        let fault = Fault::new(
            &entry.node.span,
            "only one of `contents` and `contents_local` can be given",
        );
        faults.push(fault);
    }
    match readable(&entry.node, files) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(contents) => node.set("contents", Node::text_at(&entry.node.span, contents)),
            Err(_) => faults.push(Fault::new(&entry.node.span, "the file is not in UTF-8")),
        },
        Err(fault) => faults.push(fault),
    }
}

/// The contents as a URL, and what becomes of `compression`: nothing if they were compressed before. The shortest of
/// three ways to write them is taken, as Butane does: escaped, in Base64, and compressed in Base64.
pub(super) fn data_url(bytes: &[u8], compressed: bool) -> (String, Option<&'static str>) {
    let escaped = format!(",{}", escape(bytes));
    let encoded = format!(";base64,{}", STANDARD.encode(bytes));
    let plain = if encoded.len() < escaped.len() {
        encoded
    } else {
        escaped
    };
    if compressed {
        return (format!("data:{plain}"), None);
    }
    let packed = gzip(bytes).map(|packed| format!(";base64,{}", STANDARD.encode(packed)));
    match packed.filter(|packed| packed.len() + "gzip".len() < plain.len()) {
        Some(packed) => (format!("data:{packed}"), Some("gzip")),
        // Said at any rate, so that a configuration that this one is merged into does not decide.
        None => (format!("data:{plain}"), Some("")),
    }
}

thread_local! {
    /// To make one takes longer than to compress a usual file with it, and a configuration may have hundreds of files. It is as
    /// new before each text, so that nothing of one comes into another.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(Compression::best(), false));
}

/// The head of a file by RFC 1952, section 2.3: deflate, no name, no time, as short as could be, by an unknown system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];

/// The text in the form of RFC 1952.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    // More than deflate ever adds to a text that it cannot make shorter.
    let mut packed = Vec::with_capacity(HEAD.len() + bytes.len() + bytes.len() / 8 + 64);
    packed.extend_from_slice(&HEAD);
    let status = DEFLATE.with_borrow_mut(|deflate| {
        deflate.reset();
        deflate.compress_vec(bytes, &mut packed, FlushCompress::Finish)
    });
    if !matches!(status, Ok(Status::StreamEnd)) {
        return None;
    }
    let mut sum = Crc::new();
    sum.update(bytes);
    packed.extend_from_slice(&sum.sum().to_le_bytes());
    packed.extend_from_slice(&sum.amount().to_le_bytes());
    Some(packed)
}

/// RFC 2396 section 2.4, with its unreserved characters as they are.
pub(crate) fn escape(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(byte) {
            out.push(char::from(*byte));
        } else {
            out.push('%');
            out.push(char::from(
                DIGITS.get(usize::from(byte >> 4)).copied().unwrap_or_default(),
            ));
            out.push(char::from(
                DIGITS.get(usize::from(byte & 15)).copied().unwrap_or_default(),
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use flate2::read::GzDecoder;
    use flate2::write::GzEncoder;

    use super::*;

    /// Texts of all kinds one after the other, so that the one before could be seen in the next.
    #[test]
    fn what_is_compressed_is_what_comes_out_whatever_was_compressed_before() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut noise = |bytes: usize| -> Vec<u8> {
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()
            };
            (0..bytes).map(|_| next()[3]).collect()
        };
        let mut texts = vec![Vec::new(), b"a".to_vec(), vec![b'x'; 1 << 20]];
        for bytes in [1, 17, 511, 4_096, 65_535, 65_536, 300_000] {
            texts.push(noise(bytes));
            texts.push(b"key = \"value\"\n".repeat(bytes / 16));
        }
        for text in &texts {
            let packed = gzip(text).expect("it can be compressed");
            let mut read = Vec::new();
            GzDecoder::new(packed.as_slice()).read_to_end(&mut read).unwrap();
            assert!(read == *text, "{} bytes", text.len());
            let mut peer = GzEncoder::new(Vec::new(), Compression::best());
            peer.write_all(text).unwrap();
            assert!(peer.finish().unwrap() == packed, "{} bytes", text.len());
        }
    }
}
