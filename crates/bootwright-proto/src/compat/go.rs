//! Habits of programs written in Go, which their clients may have come to rely on.

use serde::Serialize;

/// What is not there, as Go's own file server and mux say it.
pub const NOT_FOUND: &str = "404 page not found\n";

/// Compact JSON in which `<`, `>`, `&` and two line separators are escaped, as `encoding/json` does.
#[must_use]
pub fn json(value: &impl Serialize) -> Option<String> {
    let text = serde_json::to_string(value).ok()?;
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        // None of them stands outside of a text.
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_html_is_escaped() {
        assert_eq!(
            json(&"a&b<c>\u{2028}é").as_deref(),
            Some("\"a\\u0026b\\u003cc\\u003e\\u2028é\"")
        );
    }
}
