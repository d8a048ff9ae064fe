//! Packets as people read them in a trace log: offset, sixteen bytes, text.

use std::fmt;

/// How many bytes a dump shows at most; the largest packet that an Ethernet frame carries fits.
const BYTES_MAX: usize = 1536;

/// Shows bytes when it is printed, and costs nothing when it is not.
#[derive(Clone, Copy)]
pub struct Hexdump<'a>(pub &'a [u8]);

impl fmt::Display for Hexdump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..BYTES_MAX).unwrap_or(self.0);
        // Row by row and not byte by byte: whoever logs at this level still wants machines to be answered in time.
        let mut line = String::with_capacity(80);
        for (row, bytes) in shown.chunks(16).enumerate() {
            line.clear();
            line.push_str(if row > 0 { "\n" } else { "" });
            line.push_str(&format!("{:04x} ", row.saturating_mul(16)));
            for place in 0..16 {
                let digits = bytes
                    .get(place)
                    .map_or([' '; 2], |byte| [digit(byte >> 4), digit(byte & 15)]);
                line.push(' ');
                line.extend(digits);
            }
            line.push_str("  ");
            line.extend(bytes.iter().map(|byte| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '.',
            }));
            f.write_str(&line)?;
        }
        match self.0.len().saturating_sub(shown.len()) {
            0 => Ok(()),
            left => write!(f, "\n… {left} bytes more"),
        }
    }
}

fn digit(number: u8) -> char {
    char::from_digit(u32::from(number), 16).unwrap_or('?')
}

impl fmt::Debug for Hexdump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_dump_shows_offsets_bytes_and_text() {
        expect![[r#"
            0000  63 82 53 63 35 01 01 3c 09 50 58 45 43 6c 69 65  c.Sc5..<.PXEClie
            0010  6e 74 ff                                         nt."#]]
        .assert_eq(&Hexdump(b"\x63\x82\x53\x63\x35\x01\x01\x3c\x09PXEClient\xff").to_string());
        assert_eq!(Hexdump(b"").to_string(), "");
    }

    #[test]
    fn a_dump_of_something_huge_ends_and_says_so() {
        let dump = Hexdump(&[0; 65_507]).to_string();
        assert_eq!(dump.lines().count(), 97);
        assert!(dump.ends_with("… 63971 bytes more"), "{dump}");
    }
}
