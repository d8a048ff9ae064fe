//! Files and functions that nobody reads to the end.

use anyhow::Result;

use super::{Finding, Sources};

/// Past this a file is asked why.
const FILE_LINES_ASKED: usize = 400;
/// Past this a file is split.
const FILE_LINES_MAX: usize = 600;
/// Past this a function is split.
const FUNCTION_LINES_MAX: usize = 100;

/// Lengths of all Rust sources.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (path, text) in sources.with_extension("rs") {
        let place = path.display();
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(Finding::grave(
                place,
                format!("{lines} lines, at most {FILE_LINES_MAX}: split it"),
            ));
        } else if lines > FILE_LINES_ASKED {
            findings.push(Finding::mild(place, format!("{lines} lines: is it one idea?")));
        }
        for (name, line, length) in functions(text) {
            if length > FUNCTION_LINES_MAX {
                let place = format!("{}:{line}", path.display());
                let text = format!("`{name}` has {length} lines, at most {FUNCTION_LINES_MAX}: split it");
                findings.push(Finding::grave(place, text));
            }
        }
    }
    Ok(findings)
}

/// Name, first line and length of each function. The sources are as rustfmt writes them (another tier sees to that),
/// so a function ends at the first line that holds nothing but its brace at its own indentation. Lines of text that a
/// raw string holds are data and do not count: a story's transcript may be long.
fn functions(text: &str) -> Vec<(&str, usize, usize)> {
    let lines = code_lines(text);
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(line) = line else { continue };
        let indentation = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else {
            continue;
        };
        let closing = format!("{}}}", &line[..indentation]);
        let ends_here = line.ends_with('}') || line.ends_with(';');
        let end = lines[index..].iter().position(|later| *later == Some(closing.as_str()));
        let last = if ends_here {
            index
        } else {
            end.map_or(index, |offset| index + offset)
        };
        found.push((name, index + 1, lines[index..=last].iter().flatten().count()));
    }
    found
}

/// The lines; nothing in place of those that lie inside a raw string.
fn code_lines(text: &str) -> Vec<Option<&str>> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if inside {
            inside = !line.contains("\"#");
            lines.push(None);
            continue;
        }
        inside = line.rsplit_once("r#\"").is_some_and(|(_, rest)| !rest.contains("\"#"));
        lines.push(Some(line));
    }
    lines
}

fn function_name(code: &str) -> Option<&str> {
    let mut rest = code;
    loop {
        if let Some(after) = rest.strip_prefix("fn ") {
            return after.split(['(', '<']).next();
        }
        let (word, after) = rest.split_once(' ')?;
        let modifier = matches!(word, "pub" | "async" | "const" | "unsafe" | "extern")
            || word.starts_with("pub(")
            || word.starts_with('"');
        if !modifier {
            return None;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        check(&Sources::made_of(&[("a.rs", text)]))
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_long_file_is_asked_and_a_longer_one_refused() {
        assert_eq!(findings(&"//\n".repeat(400)), [""; 0]);
        assert_eq!(
            findings(&"//\n".repeat(401)),
            ["warning: a.rs: 401 lines: is it one idea?"]
        );
        assert_eq!(
            findings(&"//\n".repeat(601)),
            ["error: a.rs: 601 lines, at most 600: split it"]
        );
    }

    #[test]
    fn a_long_function_is_refused_wherever_it_stands() {
        let method = |lines: usize| {
            let body = "        call();\n".repeat(lines);
            format!("impl A {{\n    pub(crate) async fn long<T>(self) {{\n{body}    }}\n}}\n")
        };
        assert_eq!(findings(&method(98)), [""; 0]);
        assert_eq!(
            findings(&method(99)),
            ["error: a.rs:2: `long` has 101 lines, at most 100: split it"]
        );
    }

    #[test]
    fn a_transcript_in_a_raw_string_is_not_counted_and_does_not_end_the_function() {
        let transcript = "}\n".repeat(200);
        let text = format!("fn a() {{\n    check(r#\"\n{transcript}    \"#);\n    b();\n}}\n");
        assert_eq!(functions(&text), [("a", 1, 4)]);
    }

    #[test]
    fn declarations_and_one_liners_are_short() {
        let text = "trait A {\n    fn a(&self);\n    fn b(&self) {}\n}\n\nconst fn c() -> u8 {\n    1\n}\n";
        assert_eq!(functions(text), [("a", 2, 1), ("b", 3, 1), ("c", 6, 3)]);
    }
}
