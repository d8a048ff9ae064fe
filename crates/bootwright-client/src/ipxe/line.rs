//! Lines of a script: joined, cut into commands and words.

/// A command and what joins it to the next.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Its words, before expansion.
    pub(super) words: Vec<String>,
    /// When the next command runs.
    pub(super) then: Then,
}

/// When the next command of a line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// In any case.
    Always,
    /// If this one succeeded: `&&`.
    OnSuccess,
    /// If this one failed: `||`.
    OnFailure,
}

/// The lines of a script, those that end in a backslash joined with the next.
pub(super) fn joined(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        match line.strip_suffix('\\') {
            Some(part) => open.push_str(part),
            None => lines.push(std::mem::take(&mut open) + line),
        }
    }
    lines.push(open);
    lines
}

/// The commands of a line. Labels and comments are none; a word that begins with `#` ends the line.
pub(super) fn segments(line: &str) -> Vec<Segment> {
    let line = line.trim();
    if line.is_empty() || line.starts_with([':', '#']) {
        return Vec::new();
    }
    let mut segments = Vec::new();
    let mut words = Vec::new();
    for word in line.split_ascii_whitespace() {
        let then = match word {
            "||" => Then::OnFailure,
            "&&" => Then::OnSuccess,
            ";" => Then::Always,
            word if word.starts_with('#') => break,
            word => {
                words.push(word.to_owned());
                continue;
            }
        };
        let words = std::mem::take(&mut words);
        segments.push(Segment { words, then });
    }
    let then = Then::Always;
    segments.push(Segment { words, then });
    segments
}
