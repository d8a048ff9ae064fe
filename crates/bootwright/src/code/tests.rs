use std::collections::BTreeSet;

use expect_test::expect_file;

use super::*;

#[test]
fn the_document_has_every_code() {
    expect_file!["../../../../docs/codes.md"].assert_eq(&document());
}

#[test]
fn every_code_has_all_its_parts_and_none_stands_twice() {
    let mut ids = BTreeSet::new();
    for code in own().chain(of_firmware()) {
        assert!(ids.insert(code.id.to_lowercase()), "{} stands twice", code.id);
        for part in [code.what, code.why, code.act, code.check] {
            assert!(part.len() > 15, "{}: `{part}`", code.id);
            assert!(!part.ends_with('.') && part.trim() == part, "{}: `{part}`", code.id);
        }
        // The command to check is one, or says where to look.
        let words = code.check.to_lowercase();
        let looks = ["`", "lights", "setup", "length", "table", "log"];
        assert!(
            looks.iter().any(|word| words.contains(word)),
            "{}: {}",
            code.id,
            code.check
        );
    }
    assert!(own().count() >= 50, "{}", own().count());
    let well_formed = |id: &str| id.len() == 4 && (id.starts_with('E') || id.starts_with('W'));
    assert!(own().all(|code| well_formed(code.id)));
    assert!(of_firmware().all(|code| code.id.starts_with("PXE-")));
}

#[test]
fn a_code_is_found_however_it_is_typed() {
    assert_eq!(find("e101").map(|code| code.id), Some("E101"));
    assert_eq!(find(" pxe-e53 ").map(|code| code.id), Some("PXE-E53"));
    assert_eq!(find("E000"), None);
    assert!(
        explain("W110")
            .unwrap()
            .starts_with("W110  several DHCP servers answer")
    );
}

#[test]
fn numbers_of_ipxe_are_told_by_their_posix_part() {
    // Seen on consoles: a file that is not there, a time-out, no offer, a card without a link, a kernel for another machine.
    for (seen, name) in [
        ("2d0c618e", "ENOENT"),
        ("https://ipxe.org/4c0a6092", "ETIMEDOUT"),
        ("0x040ee119", "EADDRNOTAVAIL"),
        ("38086193", "ENOTCONN"),
        ("2e008081", "ENOEXEC"),
        ("http://ipxe.org/280a6011/", "ENETUNREACH"),
        ("3e1162eb", "ENXIO"),
    ] {
        let told = explain(seen).unwrap_or_default();
        assert!(told.contains(&format!("({name})")), "{seen}: {told}");
    }
    for other in ["2d0c618", "2d0c618ef", "2d0c618g", "", "arm"] {
        assert_eq!(explain(other), None, "{other}");
    }
}

/// The sources of this crate and its neighbours, without their tests.
fn sources() -> Vec<(std::path::PathBuf, String)> {
    let mut found = Vec::new();
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut open = vec![crates.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            let of_tests = [
                "tests",
                "tests.rs",
                "examples",
                "target",
                "bootwright-sim",
                "bootwright-fuzz",
            ];
            if of_tests.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                found.push((path, code.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_code_that_the_program_names_is_in_the_table_and_every_one_in_the_table_is_named() {
    let mut named = BTreeSet::new();
    for (path, text) in sources() {
        if path.to_string_lossy().contains("src/code/") && !path.ends_with("api.rs") {
            continue;
        }
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let is_code = |word: &&str| {
            word.len() == 4 && word.starts_with(['E', 'W']) && word.bytes().skip(1).all(|digit| digit.is_ascii_digit())
        };
        named.extend(words.filter(is_code).map(str::to_owned));
    }
    for code in &named {
        assert!(find(code).is_some(), "{code} is in no table");
    }
    let unnamed: Vec<&str> = own().map(|code| code.id).filter(|id| !named.contains(*id)).collect();
    assert_eq!(unnamed, Vec::<&str>::new(), "nothing of the program leads to these");
}

#[test]
fn no_message_says_only_that_something_went_wrong() {
    // Built here, so that this file does not hold them.
    let forbidden = [
        ["in", "valid"].concat(),
        ["error occ", "urred"].concat(),
        ["unknown err", "or"].concat(),
    ];
    let mut found = Vec::new();
    for (path, text) in sources() {
        // The answers of other systems are in their own words.
        if path.to_string_lossy().contains("/compat/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let quoted = code.split('"').skip(1).step_by(2);
            for literal in quoted {
                let lower = literal.to_lowercase();
                if forbidden.iter().any(|word| lower.contains(word.as_str())) && literal.contains(' ') {
                    found.push(format!("{}:{}: {literal}", path.display(), number + 1));
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new(), "say what is wrong, and what to do");
}
