//! Words that have no place in the tree.

use std::path::Path;

use anyhow::Result;

use super::{Finding, Sources, line_number};

/// Hosts of package registries: the machine's own configuration says where packages come from, never the tree.
/// (Written in pieces, since this file is part of the tree.)
const HOSTS: &[&str] = &[
    concat!("deb.debian", ".org"),
    concat!("security.debian", ".org"),
    concat!("snapshot.debian", ".org"),
    concat!("ftp.debian", ".org"),
    concat!("archive.ubuntu", ".com"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("registry-1.docker", ".io"),
    concat!("hub.docker", ".com"),
];

/// What no Rust source may hold, and why.
const CODE: &[(&str, &str)] = &[
    (concat!("todo", "!("), "unfinished work is not committed"),
    (concat!("unimplemented", "!("), "unfinished work is not committed"),
    (
        concat!("#[", "ignore"),
        "assert the present behaviour instead of ignoring the test",
    ),
    (concat!("dbg", "!("), "a debugging aid was left behind"),
];

/// Directories that stand on many machines, so that their names say nothing about this one.
const COMMON: &[&str] = &[
    "/", "/build", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/usr", "/usr/src", "/var",
];

/// Words of all text files. `Cargo.lock` is cargo's, and names its registry.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    let mut words: Vec<(String, &str)> = HOSTS
        .iter()
        .map(|host| ((*host).to_owned(), "the host of a package registry"))
        .collect();
    words.extend(
        own_paths(&sources.root)
            .into_iter()
            .map(|path| (path, "a path of the machine it was written on")),
    );
    let mut findings = Vec::new();
    for (path, text) in sources.texts().filter(|(path, _)| *path != Path::new("Cargo.lock")) {
        for (word, why) in &words {
            findings.extend(find(path, text, word, why));
        }
        if path.extension().is_some_and(|extension| extension == "rs") {
            for (word, why) in CODE {
                findings.extend(find(path, text, word, why));
            }
        }
    }
    Ok(findings)
}

fn find(path: &Path, text: &str, word: &str, why: &str) -> Option<Finding> {
    let offset = text.find(word)?;
    let place = format!("{}:{}", path.display(), line_number(text, offset));
    Some(Finding::grave(place, format!("`{word}`: {why}")))
}

/// Paths that only the machine at hand has: the tree's own, the directories above it that are not common ones, and
/// the toolchain in the home directory.
fn own_paths(root: &Path) -> Vec<String> {
    let mut paths: Vec<String> = root
        .ancestors()
        .filter(|directory| !COMMON.iter().any(|common| *directory == Path::new(common)))
        .map(|directory| format!("{}/", directory.display()))
        .collect();
    if let Some(home) = std::env::var_os("HOME").filter(|home| home.len() > 1) {
        let home = Path::new(&home).display().to_string();
        paths.extend([".cargo", ".rustup"].map(|directory| format!("{home}/{directory}")));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Sources::made_of(&[(path, text)]))
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn registries_are_found_in_any_text_and_in_the_lock_file_they_are_not() {
        let text = format!("first line\nURIs: http://{}/debian\n", HOSTS[0]);
        assert_eq!(
            findings("Dockerfile", &text),
            [format!(
                "error: Dockerfile:2: `{}`: the host of a package registry",
                HOSTS[0]
            )]
        );
        assert_eq!(findings("Cargo.lock", &text), [""; 0]);
    }

    #[test]
    fn paths_of_this_machine_are_found() {
        assert_eq!(
            findings("a.md", "cd /nowhere/tree/docs").len(),
            2,
            "the tree and the directory above it"
        );
        assert_eq!(findings("a.md", "cd /nowhere/other").len(), 1);
        assert_eq!(findings("a.md", "cd /usr/src/other; ls /root /home"), [""; 0]);
        assert!(own_paths(Path::new("/home/x/tree")).contains(&"/home/x/".to_owned()));
    }

    #[test]
    fn unfinished_work_is_found_in_code_only() {
        for (word, _) in CODE {
            assert_eq!(findings("a.rs", word).len(), 1, "{word}");
            assert_eq!(findings("a.md", word), [""; 0], "{word}");
        }
    }
}
