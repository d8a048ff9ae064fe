//! Files with one option in a line.

use std::ops::Range;

/// An option: its name, its value if it has one, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
    /// The bytes of the whole option.
    pub(super) span: Range<usize>,
    /// Counted from 1.
    pub(super) number: usize,
}

/// The options of a file: `name` or `name=value`, as on a command line or without the hyphens. A `#` at the beginning or behind
/// white space begins a comment, but not within quotation marks.
pub(super) fn options(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let kept = uncommented(whole).trim_end();
        let indent = kept.len() - kept.trim_start().len();
        let option = kept.trim_start();
        if !option.is_empty() {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            lines.push(Line {
                name: name.trim().trim_start_matches("--").to_owned(),
                value: value.trim().to_owned(),
                span: start + indent..start + kept.len(),
                number: index + 1,
            });
        }
        start += whole.len();
    }
    lines
}

fn uncommented(line: &str) -> &str {
    let (mut quoted, mut before) = (false, ' ');
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted && before.is_whitespace() => return line.get(..at).unwrap_or_default(),
            _ => {}
        }
        before = c;
    }
    line
}

/// The parts of a value, which commas separate, without the quotation marks around them.
pub(super) fn parts(value: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted) = (Vec::new(), String::new(), false);
    for c in value.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => parts.push(std::mem::take(&mut part).trim().to_owned()),
            c => part.push(c),
        }
    }
    parts.push(part.trim().to_owned());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_with_their_places() {
        let text = "# all\n  dhcp-range = 10.0.0.0,proxy # behind\n--log-dhcp\npxe-service=x86PC,\"a, # b\",c\nx=#y\n";
        let found: Vec<(String, String, usize, &str)> = options(text)
            .into_iter()
            .map(|line| (line.name, line.value, line.number, &text[line.span]))
            .collect();
        let wanted = [
            ("dhcp-range", "10.0.0.0,proxy", 2, "dhcp-range = 10.0.0.0,proxy"),
            ("log-dhcp", "", 3, "--log-dhcp"),
            ("pxe-service", "x86PC,\"a, # b\",c", 4, "pxe-service=x86PC,\"a, # b\",c"),
            ("x", "#y", 5, "x=#y"),
        ];
        let wanted: Vec<_> = wanted
            .map(|(name, value, number, whole)| (name.to_owned(), value.to_owned(), number, whole))
            .into();
        assert_eq!(found, wanted);
    }

    #[test]
    fn commas_within_quotation_marks_separate_nothing() {
        assert_eq!(parts("x86PC,\"a, b\", c,"), ["x86PC", "a, b", "c", ""]);
    }
}
