//! The options of bootcfg and matchbox: variables in files of them, in units and in scripts, or words of a command line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bootwright_core::Profile;

use super::Text;
use super::draft::{self, Table};
use super::left::Left;
use crate::compat::Dialect;

/// Options that have a place here, by the words of the command line.
const KNOWN: &[&str] = &["address", "data-path", "images-path", "assets-path", "log-level"];

/// What has none, and what to do instead.
const ABSENT: &[(&str, &str)] = &[
    (
        "rpc-address",
        "programs that write matchbox's data find its API at `rpc_listen` of `[compat.matchbox]`, on a data directory",
    ),
    ("cert-file", "it is of that API: `cert_file` of `[compat.matchbox]`"),
    ("key-file", "it is of that API: `key_file` of `[compat.matchbox]`"),
    ("ca-file", "it is of that API: `ca_file` of `[compat.matchbox]`"),
    (
        "key-ring-path",
        "imported profiles are not signed: `key_ring` of `[compat.matchbox]` signs for a data directory",
    ),
    (
        "passphrase",
        "it belongs to `key_ring` of `[compat.matchbox]`, as the variable `MATCHBOX_PASSPHRASE`",
    ),
    ("web-ssl", "the machine plane speaks HTTP"),
    ("web-cert-file", "the machine plane speaks HTTP"),
    ("web-key-file", "the machine plane speaks HTTP"),
    (
        "config",
        "groups in one YAML file are of versions before the ones that are read here",
    ),
];

/// What the options say.
#[derive(Debug, Default)]
pub(super) struct Variables {
    found: BTreeMap<String, (String, String)>,
}

impl Variables {
    /// Reads the options that these files set.
    pub(super) fn read(dialect: Dialect, texts: &[Text], left: &mut Left) -> Self {
        let mut variables = Self::default();
        let prefix = format!("{}_", dialect.name().to_uppercase());
        for text in texts {
            let mut number = 0;
            let mut start = 0;
            for line in text.text.split_inclusive('\n') {
                number += 1;
                let span = start..start + line.trim_end().len();
                start += line.len();
                for (name, value) in of_line(line, &prefix) {
                    variables.take(&name, value, text, span.clone(), number, left);
                }
            }
        }
        variables
    }

    fn take(&mut self, name: &str, value: String, text: &Text, span: Range<usize>, number: usize, left: &mut Left) {
        if let Some((_, hint)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
            left.tell(text, span, format!("`{name}` is not carried over"), hint);
        } else if name == "log-level" {
            left.tell(
                text,
                span,
                "`log-level` is not carried over",
                "set `BOOTWRIGHT_LOG` for the daemon",
            );
        } else if KNOWN.contains(&name) {
            self.found
                .insert(name.to_owned(), (value, format!("{}:{number}", text.path)));
        }
    }

    /// Where the machine plane has to listen so that machines find it where they found the old server.
    pub(super) fn server(&self) -> Table {
        let mut table = Table::new("[server]", "");
        if let Some((address, origin)) = self.found.get("address")
            && let Some(port) = address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok())
            && port != 8080
            && port != 0
        {
            table.set("http", draft::text(&format!(":{port}")), origin);
        }
        table
    }

    /// The images that profiles boot, and where they are to be.
    pub(super) fn images(&self, dialect: Dialect, directory: &str, profiles: &[Arc<Profile>]) -> Vec<String> {
        let beside = |name: &str| match directory.trim_end_matches('/').rsplit_once('/') {
            Some((parent, _)) if dialect == Dialect::Bootcfg => format!("{parent}/{name}"),
            _ => format!("{directory}/{name}"),
        };
        let mut steps = Vec::new();
        for (route, key) in [("images", "images-path"), ("assets", "assets-path")] {
            let begin = format!("/{route}/");
            let sources = profiles.iter().flat_map(|profile| {
                std::iter::once(&profile.kernel).chain(profile.initrds.iter().map(|initrd| &initrd.source))
            });
            if sources.into_iter().any(|source| source.starts_with(&begin)) {
                let from = self
                    .found
                    .get(key)
                    .map_or_else(|| beside(route), |(path, _)| path.clone());
                steps.push(format!("copy what is below `{from}` to `{route}/` in the data directory, or have `{route}/` there be a link to it"));
            }
        }
        steps
    }
}

/// The options on a line: `BOOTCFG_ADDRESS=…` (also behind `Environment=`, `-e` or in YAML), `-address=…`, `--address …`.
fn of_line(line: &str, prefix: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if line.trim_start().starts_with(['#', ';']) {
        return found;
    }
    let mut words = line
        .split_whitespace()
        .map(|word| word.trim_matches(['"', '\'', ',', '[', ']', '\\']))
        .peekable();
    while let Some(word) = words.next() {
        let word = ["Environment=", "--env="]
            .iter()
            .find_map(|begin| word.strip_prefix(begin))
            .unwrap_or(word)
            .trim_matches(['"', '\'']);
        let option = |name: &str| name.to_ascii_lowercase().replace('_', "-");
        let mut value = |rest: &str| match rest.strip_prefix(['=', ':']) {
            Some(value) if !value.is_empty() => Some(value.trim_matches(['"', '\'']).to_owned()),
            _ => words
                .peek()
                .filter(|next| !next.is_empty() && !next.starts_with('-'))
                .map(|next| (*next).to_owned()),
        };
        if let Some(rest) = word.strip_prefix(prefix) {
            let end = rest.find(['=', ':']).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            found.extend(
                (!rest.is_empty())
                    .then(|| value(rest))
                    .flatten()
                    .map(|value| (option(name), value)),
            );
        } else if let Some(flag) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) {
            let end = flag.find('=').unwrap_or(flag.len());
            let (name, rest) = flag.split_at(end);
            let known = KNOWN.contains(&name) || ABSENT.iter().any(|(absent, _)| *absent == name);
            found.extend(
                known
                    .then(|| value(rest))
                    .flatten()
                    .map(|value| (name.to_owned(), value)),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_wherever_they_are_written() {
        let one = |line: &str| of_line(line, "BOOTCFG_");
        let wanted = vec![("address".to_owned(), "0.0.0.0:8080".to_owned())];
        for line in [
            "BOOTCFG_ADDRESS=0.0.0.0:8080",
            "export BOOTCFG_ADDRESS=\"0.0.0.0:8080\"",
            "Environment=\"BOOTCFG_ADDRESS=0.0.0.0:8080\"",
            "ExecStart=/usr/bin/docker run -p 8080:8080 -e BOOTCFG_ADDRESS=0.0.0.0:8080 \\",
            "      BOOTCFG_ADDRESS: 0.0.0.0:8080",
            "      - BOOTCFG_ADDRESS=0.0.0.0:8080",
            "./bin/server -address=0.0.0.0:8080 \\",
            "./bin/server --address 0.0.0.0:8080",
        ] {
            assert_eq!(one(line), wanted, "{line}");
        }
        for line in [
            "# BOOTCFG_ADDRESS=0.0.0.0:8080",
            "MATCHBOX_ADDRESS=x",
            "--name=x",
            "",
            "BOOTCFG_",
            "-address",
        ] {
            assert_eq!(one(line), [], "{line}");
        }
    }
}
