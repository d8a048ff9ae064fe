//! How a text that others made up is written so that it stays one text: words, quotations, scalars.

use std::fmt::Write;

/// The longest word that a machine's text becomes, in characters.
pub const WORD_CHARS_MAX: usize = 64;

/// The longest that a text of the store becomes, in characters.
const STORED_CHARS_MAX: usize = 256;

/// What stands for a text of which nothing may be kept.
const NOTHING_LEFT: &str = "unknown";

/// The text as a word of `[A-Za-z0-9._:-]`, at most 64 long, that neither starts nor ends with punctuation.
///
/// Such a word is one word to a shell, one argument to a kernel and one scalar to YAML, inside quotation marks and outside
/// of them. Whatever else a machine says becomes a hyphen.
#[must_use]
pub fn word(text: &str) -> String {
    only(text, WORD_CHARS_MAX, "._:-", "")
}

/// The text as a word that may also hold `/@=+,_`, as paths and settings do; for what the store holds of a host.
#[must_use]
pub fn stored(text: &str) -> String {
    only(text, STORED_CHARS_MAX, "._:-/@=+,_", "/")
}

/// The text as one argument of a kernel, which may be the value of a setting and cannot be a setting itself.
///
/// The kernel knows no way to quote a quotation mark (`next_arg` in its `lib/cmdline.c`), and boot loaders read the line before
/// it, so what they could stumble over becomes a hyphen.
#[must_use]
pub fn argument(text: &str) -> String {
    only(text, STORED_CHARS_MAX, "._:-/@+,_", "/")
}

/// Keeps letters, digits and some punctuation; what it starts with is a letter, a digit or one of `first`.
fn only(text: &str, chars_max: usize, punctuation: &str, first: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || punctuation.contains(c);
    let kept: String = text
        .chars()
        .map(|c| if fits(c) { c } else { '-' })
        .take(chars_max)
        .collect();
    let starts = |c: char| c.is_ascii_alphanumeric() || first.contains(c);
    let kept = kept
        .trim_start_matches(|c| !starts(c))
        .trim_end_matches(['-', ':', '.', ',']);
    if kept.is_empty() {
        NOTHING_LEFT.to_owned()
    } else {
        kept.to_owned()
    }
}

/// The text on one line: a control character becomes a space, so that a quotation inside a line-based format stays on its
/// line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let separates = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if separates(c) { ' ' } else { c }).collect()
}

/// The text as one word of a POSIX shell (XCU section 2.2.2): in single quotes, which nothing but a single quote ends.
#[must_use]
pub fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', r"'\''"))
}

/// The text as the content of an XML element or a quoted attribute (XML 1.0 section 2.4), on one line. What XML cannot hold
/// at all (section 2.2) is left out.
#[must_use]
pub fn xml(text: &str) -> String {
    let mut quoted = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => quoted.push_str("&amp;"),
            '<' => quoted.push_str("&lt;"),
            '>' => quoted.push_str("&gt;"),
            '"' => quoted.push_str("&quot;"),
            '\'' => quoted.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            _ => quoted.push(c),
        }
    }
    quoted
}

/// The text as the value at the end of a line for debconf, on one line. A backslash there would join the next line to it, so
/// each becomes a slash; spaces around the value mean nothing.
#[must_use]
pub fn preseed(text: &str) -> String {
    one_line(text).replace('\\', "/").trim().to_owned()
}

/// The text as a double-quoted YAML scalar on one line (YAML 1.2.2 section 7.3.1), in ASCII.
#[must_use]
pub fn yaml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(c),
            _ => escape(&mut quoted, u32::from(c)),
        }
    }
    quoted.push('"');
    quoted
}

/// Section 5.7: YAML has no surrogate pairs, so what JSON writes as two escapes is one here.
fn escape(quoted: &mut String, code: u32) {
    let written = match code {
        0..=0xff => write!(quoted, "\\x{code:02x}"),
        0x100..=0xffff => write!(quoted, "\\u{code:04x}"),
        _ => write!(quoted, "\\U{code:08x}"),
    };
    debug_assert!(written.is_ok(), "a string takes all that is written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proper_serial_number_stays_as_it_is() {
        for serial in ["S4EVNX0M", "CZ-1234.5", "VMware-56:4d", "0"] {
            assert_eq!(word(serial), serial);
        }
    }

    #[test]
    fn a_text_that_would_be_more_than_a_word_becomes_one() {
        for (text, expected) in [
            ("Dell Inc.", "Dell-Inc"),
            ("a\nkernel evil", "a-kernel-evil"),
            ("'; rm -rf / #", "rm--rf"),
            ("${uuid}", "uuid"),
            ("--force", "force"),
            ("key: value", "key:-value"),
            ("трактор", "unknown"),
            ("", ""),
        ] {
            assert_eq!(word(text), expected, "{text}");
        }
        assert_eq!(word(&"x".repeat(1000)).len(), WORD_CHARS_MAX);
    }

    #[test]
    fn what_the_store_holds_may_be_a_path_but_no_option() {
        assert_eq!(stored("/dev/disk/by-id/nvme-1"), "/dev/disk/by-id/nvme-1");
        assert_eq!(stored("--root=/ ;x"), "root=/--x");
    }
}
