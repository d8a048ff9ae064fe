//! Documents that must be JSON, since their reader refuses a whole install for a comma.

use std::ops::Range;

use crate::template::TemplateError;

/// The endings of names of documents that are JSON: Ignition's among them.
const ENDINGS: &[&str] = &[".json", ".ign"];

/// What is wrong with a rendered document that must be JSON, if it is none.
pub(crate) fn refusal(name: &str, template: &str, rendered: &str) -> Option<TemplateError> {
    if !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return None;
    }
    let error = serde_json::from_str::<serde_json::Value>(rendered).err()?;
    let line = rendered.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let message = format!("the text is no JSON: {}", words(&error));
    let place = TemplateError::at(template, span(template, line, &error));
    Some(TemplateError {
        message,
        hint: Some(format!("the line is `{}`", line.trim())),
        ..place
    })
}

/// The error without its place, which is one in the rendered text.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The place in the template, where the line stands there as it was rendered; else the line of the same number.
fn span(template: &str, rendered: &str, error: &serde_json::Error) -> Range<usize> {
    let mut start = 0;
    let mut fallback = 0..0;
    for (number, line) in template.split_inclusive('\n').enumerate() {
        let text = line.trim_end();
        if text == rendered.trim_end() && !text.is_empty() {
            let column = text.floor_char_boundary(error.column().saturating_sub(1).min(text.len()));
            return start + column..start + text.len();
        }
        if number + 1 == error.line() {
            fallback = start..start + text.len();
        }
        start += line.len();
    }
    fallback
}
