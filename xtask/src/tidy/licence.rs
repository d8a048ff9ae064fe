//! What comes in from outside: licences, banned crates and sources, by the rules in `deny.toml`.
//!
//! cargo-deny reads the same file and looks closer, at the texts of licences and at known vulnerabilities; it takes longer
//! to build than all of the gate's quick tiers together. This check needs nothing, and so it always runs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Finding, Sources};
use crate::{process, tree};

/// Where the rules stand.
const RULES: &str = "deny.toml";

/// The rules, as far as they are held here.
#[derive(Deserialize)]
struct Rules {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    #[serde(default)]
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    name: String,
    /// Who may use it all the same.
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

/// The part of `cargo metadata` that we read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for what is in this tree.
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

/// Everything that is built is what the rules allow.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    let Some(text) = sources.text(RULES) else {
        return Ok(vec![Finding::grave(RULES, "is missing")]);
    };
    let rules: Rules = toml::from_str(text).with_context(|| format!("cannot read `{RULES}`"))?;
    let mut command = tree::cargo();
    command.args(["metadata", "--locked", "--all-features", "--format-version", "1"]);
    for target in &rules.graph.targets {
        command.args(["--filter-platform", target]);
    }
    let metadata = process::output(&mut command)?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("cannot read what `cargo metadata` wrote")?;
    Ok(compare(&rules, &metadata.packages))
}

fn compare(rules: &Rules, packages: &[Package]) -> Vec<Finding> {
    let bans: BTreeMap<&str, &Ban> = rules.bans.deny.iter().map(|ban| (ban.name.as_str(), ban)).collect();
    let mut findings = Vec::new();
    for package in packages {
        let place = format!("{} {}", package.name, package.version);
        let of_its_own: Vec<&Exception> = rules
            .licenses
            .exceptions
            .iter()
            .filter(|exception| exception.name == package.name)
            .collect();
        let is_allowed = |licence: &str| {
            rules.licenses.allow.contains(licence) || of_its_own.iter().any(|own| own.allow.contains(licence))
        };
        match &package.license {
            None => findings.push(Finding::grave(&place, "does not name its licence")),
            Some(terms) if Terms::new(terms).hold(&is_allowed) => {}
            Some(terms) => {
                findings.push(Finding::grave(
                    &place,
                    format!("comes under `{terms}`, which `{RULES}` does not allow"),
                ));
            }
        }
        if package
            .source
            .as_ref()
            .is_some_and(|source| !source.starts_with("registry+"))
        {
            findings.push(Finding::grave(&place, "comes from elsewhere than the registry"));
        }
        for used in &package.dependencies {
            let ban = bans
                .get(used.name.as_str())
                .filter(|ban| !ban.wrappers.contains(&package.name));
            // An optional use that nobody asks for brings nothing in.
            let is_built = packages.iter().any(|other| other.name == used.name);
            if let (Some(ban), true) = (ban, is_built) {
                findings.push(Finding::grave(
                    &place,
                    format!("uses `{}`, which is banned: {}", used.name, ban.reason),
                ));
            }
        }
    }
    findings
}

/// The terms of a licence: names joined by `OR` (also written `/`), `AND` and brackets.
struct Terms {
    /// The words, the next one last.
    left: Vec<String>,
}

impl Terms {
    fn new(terms: &str) -> Self {
        let spaced = terms.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let left = spaced.split_whitespace().rev().map(str::to_owned).collect();
        Self { left }
    }

    /// Whether they can be met with what is allowed. Terms that make no sense cannot.
    fn hold(mut self, is_allowed: &dyn Fn(&str) -> bool) -> bool {
        self.either(is_allowed) && self.left.is_empty()
    }

    fn either(&mut self, is_allowed: &dyn Fn(&str) -> bool) -> bool {
        let mut holds = self.both(is_allowed);
        while self.next_is("OR") {
            holds |= self.both(is_allowed);
        }
        holds
    }

    fn both(&mut self, is_allowed: &dyn Fn(&str) -> bool) -> bool {
        let mut holds = self.one(is_allowed);
        while self.next_is("AND") {
            holds &= self.one(is_allowed);
        }
        holds
    }

    fn one(&mut self, is_allowed: &dyn Fn(&str) -> bool) -> bool {
        if self.next_is("(") {
            return self.either(is_allowed) & self.next_is(")");
        }
        let Some(mut name) = self.left.pop() else { return false };
        if self.next_is("WITH") {
            name = format!("{name} WITH {}", self.left.pop().unwrap_or_default());
        }
        is_allowed(&name)
    }

    /// Takes the next word if it is this one.
    fn next_is(&mut self, word: &str) -> bool {
        let is_next = self.left.last().is_some_and(|next| next == word);
        if is_next {
            self.left.pop();
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [graph]
        targets = []
        [licenses]
        allow = ["MIT", "Unicode-3.0"]
        exceptions = [{ name = "odd", allow = ["NCSA"] }]
        [bans]
        deny = [{ name = "peer", wrappers = ["ours"], reason = "only in tests" }]
    "#;

    fn package(name: &str, license: Option<&str>, uses: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: Some("registry+somewhere".to_owned()),
            dependencies: uses
                .iter()
                .map(|name| Dependency {
                    name: (*name).to_owned(),
                })
                .collect(),
        }
    }

    fn found(packages: &[Package]) -> String {
        let rules: Rules = toml::from_str(TEXT).unwrap();
        compare(&rules, packages)
            .iter()
            .map(|finding| format!("{finding}\n"))
            .collect()
    }

    #[test]
    fn terms_are_met_or_not() {
        let allowed = |name: &str| ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].contains(&name);
        for (terms, holds) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0/MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(GPL-3.0 OR MIT) AND Unicode-3.0", true),
            ("GPL-3.0 OR MIT AND Unicode-3.0", true),
            ("MIT AND (GPL-3.0 OR BSL-1.0)", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("(MIT", false),
            ("MIT)", false),
            ("MIT MIT", false),
            ("", false),
        ] {
            assert_eq!(Terms::new(terms).hold(&allowed), holds, "{terms}");
        }
    }

    #[test]
    fn a_licence_that_is_not_allowed_and_one_that_is_not_named_are_found() {
        assert_eq!(
            found(&[package("good", Some("MIT"), &[]), package("odd", Some("NCSA"), &[])]),
            ""
        );
        let all = found(&[package("bad", Some("NCSA"), &[]), package("mute", None, &[])]);
        assert_eq!(
            all,
            "error: bad 1.0.0: comes under `NCSA`, which `deny.toml` does not allow\n\
             error: mute 1.0.0: does not name its licence\n"
        );
    }

    #[test]
    fn a_banned_crate_is_found_where_others_than_its_wrappers_use_it() {
        let peer = || package("peer", Some("MIT"), &[]);
        assert_eq!(found(&[package("ours", Some("MIT"), &["peer"]), peer()]), "");
        assert_eq!(
            found(&[package("good", Some("MIT"), &["peer"])]),
            "",
            "nothing asks for it"
        );
        let all = found(&[package("good", Some("MIT"), &["peer"]), peer()]);
        assert_eq!(all, "error: good 1.0.0: uses `peer`, which is banned: only in tests\n");
    }

    #[test]
    fn a_crate_from_elsewhere_is_found() {
        let mut forked = package("forked", Some("MIT"), &[]);
        forked.source = Some("git+https://example.net/forked".to_owned());
        assert!(found(&[forked]).contains("comes from elsewhere"));
    }
}
