//! Words for a console, whatever they were made of.

/// What a line on an 80 column console holds without being broken.
const COLUMNS: usize = 78;

/// A value that a machine controls, as it may stand in a script: letters, digits and `._:-`.
pub(super) fn value(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    text.chars().map(|c| if safe(c) { c } else { '_' }).collect()
}

/// A sentence for the console, whatever it was made of.
pub(super) fn sentence(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || " ._:-,;()/@=+?!'\"`".contains(c);
    let safe: String = text.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    let words = safe
        .split_ascii_whitespace()
        .map(|word| if word == ";" { "_" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// A sentence in lines that a console does not break.
pub(super) fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in sentence(text).split(' ') {
        if !line.is_empty() && line.len().saturating_add(word.len()) >= COLUMNS {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}
