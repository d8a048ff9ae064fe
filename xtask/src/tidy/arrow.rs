//! Which crate may use which: the list, the real graph, and the page that shows it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Finding, Sources};
use crate::{process, tree};

/// Every crate of ours and the crates of ours that it uses. Adding an arrow is a decision, not an edit.
const ARROWS: &[(&str, &[&str])] = &[
    ("bootwright-core", &[]),
    ("bootwright-proto", &["bootwright-core"]),
    ("bootwright-content", &["bootwright-core"]),
    ("bootwright-config", &["bootwright-content", "bootwright-core"]),
    ("bootwright-engine", &["bootwright-core", "bootwright-proto"]),
    ("bootwright-client", &["bootwright-core", "bootwright-proto"]),
    ("bootwright-store", &["bootwright-core"]),
    ("bootwright-net", &["bootwright-core"]),
    ("bootwright-images", &[]),
    ("bootwright-console", &["bootwright-proto"]),
    (
        "bootwright",
        &[
            "bootwright-client",
            "bootwright-config",
            "bootwright-console",
            "bootwright-content",
            "bootwright-core",
            "bootwright-engine",
            "bootwright-images",
            "bootwright-net",
            "bootwright-proto",
            "bootwright-store",
        ],
    ),
    (
        "bootwright-sim",
        &[
            "bootwright-client",
            "bootwright-config",
            "bootwright-core",
            "bootwright-engine",
            "bootwright-proto",
            "bootwright-store",
        ],
    ),
    (
        "bootwright-fuzz",
        &[
            "bootwright-client",
            "bootwright-config",
            "bootwright-content",
            "bootwright-core",
            "bootwright-proto",
            "bootwright-store",
        ],
    ),
    ("xtask", &[]),
];

/// What the pure crates may use of others' work. A new name here wants a page in `docs/decisions/`.
const EXTERNALS: &[(&str, &[&str])] = &[
    ("bootwright-core", &[]),
    ("bootwright-proto", &["dhcproto", "schemars", "serde", "serde_json"]),
    (
        "bootwright-content",
        &[
            "base64",
            "flate2",
            "minijinja",
            "saphyr-parser",
            "serde",
            "serde_json",
            "zeroize",
        ],
    ),
    ("bootwright-config", &["annotate-snippets", "serde", "toml"]),
    ("bootwright-engine", &["tracing"]),
    ("bootwright-client", &[]),
];

/// What any crate may use in its tests.
const TEST_EXTERNALS: &[&str] = &["expect-test", "ignition-config", "proptest"];

/// The part of `cargo metadata` that we read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for an ordinary one, else `dev` or `build`.
    kind: Option<String>,
}

/// The real graph of our crates equals the list.
pub(super) fn crates(_sources: &Sources) -> Result<Vec<Finding>> {
    Ok(compare_crates(&metadata()?))
}

/// The pure crates use only what the list allows.
pub(super) fn externals(_sources: &Sources) -> Result<Vec<Finding>> {
    Ok(compare_externals(&metadata()?))
}

/// The architecture page holds the list, in a block that opens with three backticks and `arrows`.
pub(super) fn page(sources: &Sources) -> Result<Vec<Finding>> {
    const PAGE: &str = "docs/architecture.md";
    let Some(text) = sources.text(PAGE) else {
        return Ok(vec![Finding::grave(PAGE, "is missing")]);
    };
    let block = text
        .split_once("```arrows\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(block, _)| block);
    let wanted = drawing();
    if block == Some(wanted.as_str()) {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::grave(
        PAGE,
        format!("its block of arrows is not this:\n```arrows\n{wanted}```"),
    )])
}

fn metadata() -> Result<Metadata> {
    let text = process::output(tree::cargo().args(["metadata", "--locked", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&text).context("cannot read what `cargo metadata` wrote")
}

fn drawing() -> String {
    let line = |(name, uses): &(&str, &[&str])| {
        if uses.is_empty() {
            format!("{name}\n")
        } else {
            format!("{name} -> {}\n", uses.join(", "))
        }
    };
    ARROWS.iter().map(line).collect()
}

fn compare_crates(metadata: &Metadata) -> Vec<Finding> {
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let drawn: BTreeMap<&str, BTreeSet<&str>> = ARROWS
        .iter()
        .map(|(name, uses)| (*name, uses.iter().copied().collect()))
        .collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let real: BTreeSet<&str> = package
            .dependencies
            .iter()
            .map(|used| used.name.as_str())
            .filter(|used| ours.contains(used))
            .collect();
        let Some(drawn) = drawn.get(name) else {
            findings.push(Finding::grave(
                name,
                "is a crate of ours that the list of arrows does not name",
            ));
            continue;
        };
        for used in real.difference(drawn) {
            findings.push(Finding::grave(name, format!("uses `{used}`; no such arrow is drawn")));
        }
        for used in drawn.difference(&real) {
            findings.push(Finding::grave(
                name,
                format!("does not use `{used}`, though the arrow is drawn"),
            ));
        }
    }
    for name in drawn.keys().filter(|name| !ours.contains(*name)) {
        findings.push(Finding::grave(name, "is drawn, but there is no such crate"));
    }
    findings
}

fn compare_externals(metadata: &Metadata) -> Vec<Finding> {
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for (name, allowed) in EXTERNALS {
        let Some(package) = metadata.packages.iter().find(|package| package.name == *name) else {
            findings.push(Finding::grave(
                name,
                "is a pure crate of the list, but there is no such crate",
            ));
            continue;
        };
        for used in package
            .dependencies
            .iter()
            .filter(|used| !ours.contains(used.name.as_str()))
        {
            let for_tests = used.kind.as_deref() == Some("dev") && TEST_EXTERNALS.contains(&used.name.as_str());
            if !for_tests && !allowed.contains(&used.name.as_str()) {
                let text = format!(
                    "is pure and may not use `{}`; see docs/decisions before allowing it",
                    used.name
                );
                findings.push(Finding::grave(name, text));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_drawn() -> Metadata {
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            kind: None,
        };
        let package = |(name, uses): &(&str, &[&str])| Package {
            name: (*name).to_owned(),
            dependencies: uses.iter().map(dependency).collect(),
        };
        Metadata {
            packages: ARROWS.iter().map(package).collect(),
        }
    }

    fn add(metadata: &mut Metadata, name: &str, used: &str, kind: Option<&str>) {
        let package = metadata
            .packages
            .iter_mut()
            .find(|package| package.name == name)
            .unwrap();
        package.dependencies.push(Dependency {
            name: used.to_owned(),
            kind: kind.map(str::to_owned),
        });
    }

    #[test]
    fn an_arrow_that_is_not_drawn_is_found() {
        let mut metadata = as_drawn();
        assert_eq!(compare_crates(&metadata), []);
        add(&mut metadata, "bootwright-core", "bootwright-store", None);
        let text = compare_crates(&metadata)[0].to_string();
        assert_eq!(
            text,
            "error: bootwright-core: uses `bootwright-store`; no such arrow is drawn"
        );
    }

    #[test]
    fn an_arrow_that_nobody_walks_a_new_crate_and_a_lost_one_are_found() {
        let mut metadata = as_drawn();
        metadata.packages[1].dependencies.clear();
        metadata.packages.retain(|package| package.name != "bootwright-net");
        metadata.packages.push(Package {
            name: "bootwright-extra".to_owned(),
            dependencies: Vec::new(),
        });
        let all: String = compare_crates(&metadata).iter().map(ToString::to_string).collect();
        assert!(
            all.contains("bootwright-proto: does not use `bootwright-core`"),
            "{all}"
        );
        assert!(all.contains("bootwright-extra: is a crate of ours"), "{all}");
        assert!(all.contains("bootwright-net: is drawn, but"), "{all}");
    }

    #[test]
    fn a_pure_crate_with_a_runtime_is_found_and_test_tools_are_not() {
        let mut metadata = as_drawn();
        add(&mut metadata, "bootwright-engine", "proptest", Some("dev"));
        add(&mut metadata, "bootwright-engine", "tracing", None);
        assert_eq!(compare_externals(&metadata), []);
        add(&mut metadata, "bootwright-engine", "tokio", None);
        add(&mut metadata, "bootwright-core", "proptest", None);
        let all: String = compare_externals(&metadata).iter().map(ToString::to_string).collect();
        assert!(
            all.contains("bootwright-engine: is pure and may not use `tokio`"),
            "{all}"
        );
        assert!(
            all.contains("bootwright-core: is pure and may not use `proptest`"),
            "{all}"
        );
    }

    #[test]
    fn a_page_with_another_drawing_is_found() {
        let good = format!("# Map\n```arrows\n{}```\n", drawing());
        assert_eq!(page(&Sources::made_of(&[("docs/architecture.md", &good)])).unwrap(), []);
        let bad = good.replace("bootwright-store -> bootwright-core", "bootwright-store");
        assert_eq!(
            page(&Sources::made_of(&[("docs/architecture.md", &bad)]))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(page(&Sources::made_of(&[])).unwrap().len(), 1);
    }
}
