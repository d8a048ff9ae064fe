//! How long a template may be, and one expression in it.
//!
//! The template engine follows `1 + 1 + 1 …` one call deeper for each sign and has no limit of its own there, so that a
//! line of some thousand signs would take the whole of a thread's stack, and with it the daemon. It also counts lines and
//! columns with 16 bits, and `'x' * 1000000000000` asks the system for that many bytes, whose refusal ends the process.
//! Templates are the operator's own, so this stops slips of the pen; it is no wall against an operator.

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

/// The most digits of a number in an expression.
pub(crate) const DIGITS_MAX: usize = 7;

/// What is too much in an expression.
pub(crate) enum TooMuch {
    /// Its words and signs.
    Tokens(Range<usize>),
    /// The digits of a number.
    Digits(Range<usize>),
}

/// The first expression that has too much of something, if any.
pub(crate) fn too_long(text: &str) -> Option<TooMuch> {
    expressions(text).into_iter().find_map(|span| {
        let (tokens, number) = tokens(text.get(span.clone())?);
        if tokens > TOKENS_MAX {
            return Some(TooMuch::Tokens(span.start - 2..span.end));
        }
        number.map(|number| TooMuch::Digits(span.start + number.start..span.start + number.end))
    })
}

/// What stands between the `{{ }}` and `{% %}` of a template.
pub(crate) fn expressions(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let tail = rest.get(start + 1..).unwrap_or_default();
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
        let (inside, after) = expression(tail.get(1..).unwrap_or_default(), end);
        let offset = text.len() - rest.len() + start + 2;
        found.push(offset..offset + inside.len());
        rest = after;
    }
    found
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

/// Words and signs, at least as many as the template engine counts, and the first number that is too long. A text in
/// quotation marks is some of them.
fn tokens(text: &str) -> (usize, Option<Range<usize>>) {
    let mut count = 0;
    let mut quote = None;
    let mut word_start = None;
    let mut number = None;
    for (place, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if let Some(open) = quote {
            quote = (c != open).then_some(open);
            continue;
        }
        let word = c.is_alphanumeric() || c == '_';
        count += usize::from((!word && !c.is_whitespace()) || (word && word_start.is_none()));
        match (word, word_start) {
            (true, None) => word_start = Some(place),
            (false, Some(start)) => {
                let digits = text.get(start..place).unwrap_or_default();
                if digits.starts_with(|c: char| c.is_ascii_digit()) && digits.len() > DIGITS_MAX {
                    number = number.or(Some(start..place));
                }
                word_start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
        if c == '"' || c == '\'' {
            quote = Some(c);
        }
    }
    (count, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_long_expression_is_too_long() {
        let long = format!("{{{{ {}1 }}}}", "1+".repeat(TOKENS_MAX));
        let text = format!("a\n{long}");
        assert!(matches!(too_long(&text), Some(TooMuch::Tokens(span)) if span == (2..text.len() - 2)));
        assert!(matches!(too_long("{{ 7 * 12345678 }}"), Some(TooMuch::Digits(span)) if span == (7..15)));
        for fine in [
            "{{ 1 }}".repeat(TOKENS_MAX * 2),
            format!("{{{{ '{}' }}}}", "1+".repeat(TOKENS_MAX)),
            format!("{{# {} #}}", "1+".repeat(TOKENS_MAX)),
            "1+ { ".repeat(TOKENS_MAX),
            "é{".to_owned(),
            "{{".to_owned(),
            "{".to_owned(),
            "12345678 {{ a12345678 ~ '12345678' ~ 1234567 }}".to_owned(),
        ] {
            assert!(too_long(&fine).is_none(), "{fine}");
        }
    }
}
