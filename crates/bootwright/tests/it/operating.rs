//! `docs/operating.md` against the command line: it names every command with what its help says, and every exit status.

use std::collections::BTreeMap;
use std::fs;

use crate::cli::run;

/// Options that every command takes.
const COMMON: [&str; 9] = [
    "--socket",
    "--url",
    "--token-file",
    "--fingerprint",
    "--json",
    "--config",
    "--data-dir",
    "--help",
    "--version",
];

fn help(command: &str) -> String {
    let said = run(&format!("{command} --help"));
    assert_eq!(said.code, 0, "{said:?}");
    said.out
}

/// The commands that a help lists, each with its line.
fn commands(help: &str) -> Vec<(String, String)> {
    let Some((_, list)) = help.split_once("Commands:\n") else {
        return Vec::new();
    };
    let lines = list.lines().take_while(|line| !line.is_empty());
    let pairs = lines.filter_map(|line| line.trim().split_once("  "));
    pairs
        .map(|(name, about)| (name.to_owned(), about.trim().to_owned()))
        .collect()
}

/// The long names of the options that are a command's own.
fn options(help: &str) -> Vec<&str> {
    let begins = |line: &&str| line.starts_with("  ") && line.trim_start().starts_with('-');
    let words = help.lines().filter(begins).flat_map(|line| {
        let name = |word: &&str| word.starts_with("--");
        line.split([' ', ','])
            .filter(|word| !word.is_empty())
            .take(2)
            .find(name)
    });
    words.filter(|word| !COMMON.contains(word)).collect()
}

/// The rows of the document's tables, by what their first cell begins with in backticks.
fn rows(document: &str) -> BTreeMap<&str, Vec<&str>> {
    let lines = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let split = lines.filter_map(|line| {
        let (name, rest) = line.split_once('`')?;
        Some((name, rest.split('|').skip(1).map(str::trim).collect()))
    });
    split.collect()
}

#[test]
fn the_guide_names_every_command_with_what_its_help_says_and_every_exit_status() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operating.md");
    let document = fs::read_to_string(path).expect("the guide is there");
    let (_, section) = document.split_once("\n## Commands\n").expect("a section");
    let (section, _) = section.split_once("\n## ").expect("another section");
    let rows = rows(section);
    let top = help("");
    let mut named = Vec::new();
    for (command, about) in commands(&top) {
        let below = commands(&help(&command));
        if below.is_empty() {
            named.push((command, about));
        } else {
            named.extend(
                below
                    .into_iter()
                    .map(|(verb, about)| (format!("{command} {verb}"), about)),
            );
        }
    }
    assert!(named.len() > 20, "{named:?}");
    for (command, about) in &named {
        let row = rows.get(command.as_str());
        let row = row.unwrap_or_else(|| panic!("docs/operating.md does not name `{command}`"));
        assert_eq!(row.first(), Some(&about.as_str()), "`{command}`");
        for option in options(&help(command)) {
            assert!(
                row.get(1).is_some_and(|options| options.contains(option)),
                "docs/operating.md does not name `{option}` of `{command}`"
            );
        }
    }
    for name in rows.keys() {
        assert!(
            named.iter().any(|(command, _)| command == name),
            "there is no command `{name}`"
        );
    }
    let (_, statuses) = top.split_once("Exit status: ").expect("the statuses");
    let statuses: Vec<&str> = statuses.trim().trim_end_matches('.').split(", ").collect();
    assert_eq!(statuses.len(), 5, "{statuses:?}");
    for status in statuses {
        let (number, words) = status.split_once(' ').expect("a number and words");
        let row = format!("| {number} | {words}");
        assert!(section.contains(&row), "docs/operating.md does not say `{row}`");
    }
}
