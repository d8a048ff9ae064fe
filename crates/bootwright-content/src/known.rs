//! The names that templates know, and what somebody may have meant by another.

/// What stands directly under each name; nothing for those that hold what an operator names.
const NAMES: &[(&str, &[&str])] = &[
    (
        "host",
        &[
            "name",
            "facts",
            "mac",
            "mac_hyphens",
            "macs",
            "uuid",
            "serial",
            "asset",
            "manufacturer",
            "product",
            "address",
            "interface",
            "firmware",
            "arch",
        ],
    ),
    ("host.facts", &[]),
    ("label", &[]),
    ("metadata", &[]),
    ("profile", &["name"]),
    ("raw", &["host", "label", "metadata"]),
    ("raw.host", &["serial", "asset", "manufacturer", "product", "facts"]),
    ("run", &["url", "number", "token", "attempt"]),
    ("secret", &[]),
    ("server", &["url", "address"]),
];

/// Functions of the template language that it reports like names.
const FUNCTIONS: &[&str] = &["range", "dict", "namespace", "loop", "self", "super"];

/// A name that no host ever has.
pub(crate) struct UnknownName {
    pub(crate) name: String,
    pub(crate) hint: Option<String>,
}

/// The part of a dotted name that is not known, if so.
pub(crate) fn unknown(asked: &str) -> Option<UnknownName> {
    let mut parent = String::new();
    for part in asked.split('.') {
        let roots: Vec<&str> = NAMES
            .iter()
            .map(|row| row.0)
            .filter(|name| !name.contains('.'))
            .collect();
        let candidates = if parent.is_empty() {
            roots.as_slice()
        } else {
            match NAMES.iter().find(|row| row.0 == parent) {
                Some((_, [])) | None => return None,
                Some((_, names)) => names,
            }
        };
        if parent.is_empty() && FUNCTIONS.contains(&part) {
            return None;
        }
        let name = if parent.is_empty() {
            part.to_owned()
        } else {
            format!("{parent}.{part}")
        };
        if !candidates.contains(&part) {
            let hint = match nearest(part, candidates.iter().copied()) {
                Some(near) if parent.is_empty() => format!("did you mean `{near}`?"),
                Some(near) => format!("did you mean `{parent}.{near}`?"),
                None => format!("known are {}", listed(&parent, candidates)),
            };
            return Some(UnknownName { name, hint: Some(hint) });
        }
        parent = name;
    }
    None
}

fn listed(parent: &str, names: &[&str]) -> String {
    let dot = if parent.is_empty() { "" } else { "." };
    let names: Vec<String> = names.iter().map(|name| format!("`{parent}{dot}{name}`")).collect();
    names.join(", ")
}

/// The candidate that somebody who wrote `word` most likely meant: few letters differ, in proportion to its length.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Hyphens, underscores and case are what people mix up most.
fn fold(word: &str) -> Vec<char> {
    word.to_lowercase()
        .chars()
        .map(|c| if c == '-' { '_' } else { c })
        .collect()
}

/// How many letters have to be put in, left out, replaced or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let above = rows[i][j + 1] + 1;
            let left = row[j] + 1;
            let across = rows[i][j] + usize::from(x != y);
            let swapped = if i > 0 && j > 0 && x == &b[j - 1] && y == &a[i - 1] {
                rows[i - 1][j - 1] + 1
            } else {
                usize::MAX
            };
            row.push(above.min(left).min(across).min(swapped));
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_find_what_was_meant() {
        let names = ["interfaces", "base_url", "max_attempts", "http"];
        for (word, meant) in [
            ("interface", Some("interfaces")),
            ("base-url", Some("base_url")),
            ("max_attemps", Some("max_attempts")),
            ("htpt", Some("http")),
            ("listen", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
    }
}
