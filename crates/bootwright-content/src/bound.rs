//! How long a template may be, and one expression in it.
//!
//! The template engine follows `1 + 1 + 1 …` one call deeper for each sign and has no limit of its own there, so that a
//! line of some thousand signs would take the whole of a thread's stack, and with it the daemon. It also counts lines and
//! columns with 16 bits.

use std::ops::Range;

/// The most words and signs between one pair of `{{ }}` or `{% %}`.
pub(crate) const TOKENS_MAX: usize = 1000;

/// The most lines of a template, and the most characters of a line.
pub(crate) const LINES_MAX: usize = 60_000;

/// The first line that is too many or too long, if any.
pub(crate) fn too_large(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        if number >= LINES_MAX || line.chars().nth(LINES_MAX).is_some() {
            return Some(start..start + line.len());
        }
        start += line.len() + 1;
    }
    None
}

/// The first expression that has more, if any.
pub(crate) fn too_long(text: &str) -> Option<Range<usize>> {
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let tail = rest.get(start + 1..)?;
        let end = match tail.chars().next() {
            Some('{') => "}}",
            Some('%') => "%}",
            // In a comment nothing is followed.
            Some('#') => {
                rest = tail.split_once("#}").map_or("", |(_, after)| after);
                continue;
            }
            _ => {
                rest = tail;
                continue;
            }
        };
        let (inside, after) = expression(tail.get(1..)?, end);
        if tokens(inside) > TOKENS_MAX {
            let offset = text.len() - rest.len() + start;
            return Some(offset..offset + inside.len() + 2);
        }
        rest = after;
    }
    None
}

/// The text up to `end` outside of quotation marks, and what comes after it.
fn expression<'a>(text: &'a str, end: &str) -> (&'a str, &'a str) {
    let mut quote = None;
    let mut escaped = false;
    for (place, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None => {
                if let Some(after) = text.get(place..).and_then(|rest| rest.strip_prefix(end)) {
                    return (text.get(..place).unwrap_or_default(), after);
                }
            }
        }
    }
    (text, "")
}

/// Words and signs, at least as many as the template engine counts; a text in quotation marks is some of them.
fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut quote = None;
    let mut in_word = false;
    for c in text.chars() {
        if let Some(open) = quote {
            quote = (c != open).then_some(open);
            continue;
        }
        let word = c.is_alphanumeric() || c == '_';
        count += usize::from((!word && !c.is_whitespace()) || (word && !in_word));
        in_word = word;
        if c == '"' || c == '\'' {
            quote = Some(c);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_long_expression_is_too_long() {
        let long = format!("{{{{ {}1 }}}}", "1+".repeat(TOKENS_MAX));
        let text = format!("a\n{long}");
        assert_eq!(too_long(&text), Some(2..text.len() - 2));
        for fine in [
            "{{ 1 }}".repeat(TOKENS_MAX * 2),
            format!("{{{{ '{}' }}}}", "1+".repeat(TOKENS_MAX)),
            format!("{{# {} #}}", "1+".repeat(TOKENS_MAX)),
            "1+ { ".repeat(TOKENS_MAX),
            "é{".to_owned(),
            "{{".to_owned(),
            "{".to_owned(),
        ] {
            assert_eq!(too_long(&fine), None, "{fine}");
        }
    }
}
