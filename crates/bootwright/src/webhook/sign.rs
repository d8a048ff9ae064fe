//! Signatures: HMAC with SHA-256 (RFC 2104).

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// What SHA-256 takes at a time, in bytes.
const BLOCK: usize = 64;

/// The signature of these parts with a dot between them, in hexadecimal digits.
pub(super) fn signature(secret: &[u8], parts: &[&[u8]]) -> String {
    let mut key = [0_u8; BLOCK];
    let digest = Sha256::digest(secret);
    let short = if secret.len() > BLOCK { &digest[..] } else { secret };
    for (place, byte) in key.iter_mut().zip(short) {
        *place = *byte;
    }
    let mut inner = Sha256::new_with_prefix(key.map(|byte| byte ^ 0x36));
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            inner.update(b".");
        }
        inner.update(part);
    }
    let outer = Sha256::new_with_prefix(key.map(|byte| byte ^ 0x5c)).chain_update(inner.finalize());
    outer.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_rfc() {
        // RFC 4231, cases 1, 2 and 6.
        for (key, data, expected) in [
            (
                vec![0x0b; 20],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(signature(&key, &[data]), expected);
        }
        assert_eq!(signature(b"k", &[b"a", b"b"]), signature(b"k", &[b"a.b"]));
    }
}
