//! What the files say, line by line, with where each line stands.

use toml::de::{DeTable, DeValue};

use crate::load::Source;

/// A key and its value as they stand in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The section: `safety`, `profiles.debian`, `rules[0]`.
    pub section: String,
    /// The key within it.
    pub key: String,
    /// The value, as TOML. What looks like a secret is not shown.
    pub value: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// In place of what is not shown.
const HIDDEN: &str = "(not shown)";

/// Words in the names of keys whose values are not shown.
const SECRET_WORDS: [&str; 6] = ["password", "passphrase", "secret", "token", "private", "psk"];

/// All settings of these files, in the order in which they stand. A file that is no TOML has none.
#[must_use]
pub fn settings(sources: &[Source]) -> Vec<Setting> {
    let mut found = Vec::new();
    for source in sources {
        if let Ok(root) = DeTable::parse(&source.text) {
            let mut of_file = Vec::new();
            walk(source, "", root.get_ref(), &mut of_file);
            of_file.sort_by_key(|(at, _)| *at);
            found.extend(of_file.into_iter().map(|(_, setting)| setting));
        }
    }
    found
}

fn walk(source: &Source, section: &str, table: &DeTable<'_>, found: &mut Vec<(usize, Setting)>) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let inner = if section.is_empty() {
            name.to_owned()
        } else {
            format!("{section}.{name}")
        };
        let at = key.span().start;
        match value.get_ref() {
            DeValue::Table(table) if has_sections(source, value.span().start, table) => {
                walk(source, &inner, table, found);
            }
            DeValue::Array(items)
                if items
                    .iter()
                    .any(|item| is_section(source, item.span().start, item.get_ref())) =>
            {
                for (index, item) in items.iter().enumerate() {
                    if let DeValue::Table(table) = item.get_ref() {
                        walk(source, &format!("{inner}[{index}]"), table, found);
                    }
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => found.push((
                at,
                Setting {
                    section: section.to_owned(),
                    key: name.to_owned(),
                    value: shown(source, &inner, value.span()),
                    file: source.path.clone(),
                    line: line(&source.text, at),
                },
            )),
        }
    }
}

/// Whether a table is written as a section, and not in braces on its key's line.
fn has_sections(source: &Source, start: usize, table: &DeTable<'_>) -> bool {
    !table.is_empty() && source.text.as_bytes().get(start) != Some(&b'{')
}

fn is_section(source: &Source, start: usize, value: &DeValue<'_>) -> bool {
    matches!(value, DeValue::Table(table) if has_sections(source, start, table))
}

/// The value as it stands in the file, without what may be a secret.
fn shown(source: &Source, path: &str, span: std::ops::Range<usize>) -> String {
    let text = source.text.get(span).unwrap_or_default();
    let lower = path.to_lowercase();
    // `[secrets]` says where secrets are, not what they are.
    let names_a_place = lower.starts_with("secrets.");
    if !names_a_place && SECRET_WORDS.iter().any(|word| lower.contains(word)) {
        return HIDDEN.to_owned();
    }
    without_login(text)
}

/// A URL's user and password are left out.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['/', '"', '\'', '?', '#']).unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://…{}", rest.get(at..).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn line(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks.saturating_add(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[safety]
unknown = "hold"

[store]
url = "postgres://anna:hunter2@db/site"

[profiles.debian]
kernel = "/images/debian/linux"
args = ["quiet", "splash"]

[hosts.oak-42]
mac = "52:54:00:00:00:01"
metadata = { role = "db" }

[hosts.oak-42.metadata_extra]
root_password = "hunter2"

[secrets]
luks = { file = "/etc/bootwright/luks" }

[[rules]]
name = "rack-a"
"#;

    #[test]
    fn each_setting_is_told_with_the_line_that_it_stands_on() {
        let source = Source {
            path: "config.toml".to_owned(),
            text: TEXT.to_owned(),
        };
        let told: Vec<String> = settings(&[source])
            .iter()
            .map(|one| {
                format!(
                    "{}:{} [{}] {} = {}",
                    one.file, one.line, one.section, one.key, one.value
                )
            })
            .collect();
        let expected = [
            r#"config.toml:3 [safety] unknown = "hold""#,
            r#"config.toml:6 [store] url = "postgres://…@db/site""#,
            r#"config.toml:9 [profiles.debian] kernel = "/images/debian/linux""#,
            r#"config.toml:10 [profiles.debian] args = ["quiet", "splash"]"#,
            r#"config.toml:13 [hosts.oak-42] mac = "52:54:00:00:00:01""#,
            r#"config.toml:14 [hosts.oak-42] metadata = { role = "db" }"#,
            "config.toml:17 [hosts.oak-42.metadata_extra] root_password = (not shown)",
            r#"config.toml:20 [secrets] luks = { file = "/etc/bootwright/luks" }"#,
            r#"config.toml:23 [rules[0]] name = "rack-a""#,
        ];
        assert_eq!(told, expected);
    }
}
