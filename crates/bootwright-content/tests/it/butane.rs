//! Butane, and the Ignition that it becomes.
//!
//! `tests/butane/right` holds a configuration for each version beside its JSON, which was read through by hand against
//! Butane's documentation and the order of Ignition's keys; other programs read it here and in the shell tier. In `tests/butane/wrong` a comment below the line points at the place of the
//! error and says how it begins.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use bootwright_content::butane::{Files, NoFiles, Planted, TreeEntry, TreeKind, bundle, split, transpile};
use bootwright_content::ignition::check;
use bootwright_content::{Fault, position};

/// The files beside the corpus.
struct Directory;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/butane")
}

#[expect(clippy::disallowed_methods, reason = "the test plays the shell")]
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("text")
}

fn all(directory: &str) -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(top().join(directory))
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bu"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        (
            path.file_stem().expect("a name").to_string_lossy().into_owned(),
            text(&path),
        )
    };
    files.into_iter().map(read).collect()
}

impl Files for Directory {
    #[expect(clippy::disallowed_methods, reason = "the test plays the shell")]
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(top().join("files").join(path)).map_err(|error| error.to_string())
    }

    fn tree(&self, path: &str) -> Result<Vec<TreeEntry>, String> {
        assert_eq!(path, "tree");
        let file = |path: &str| TreeEntry {
            path: path.to_owned(),
            kind: TreeKind::File { executable: false },
        };
        Ok(vec![file("one.txt"), file("sub/two.txt")])
    }
}

fn place(text: &str, fault: &Fault) -> String {
    let (line, column) = position(text, fault.span.start);
    format!("{line}:{column}: {}", fault.message)
}

#[test]
fn every_version_becomes_the_ignition_that_it_names() {
    let configurations = all("right");
    assert_eq!(configurations.len(), 8);
    for (name, butane) in configurations {
        let made = transpile(&butane, &Directory).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        let expected = text(&top().join(format!("right/{name}.ign")));
        assert_eq!(made.json, expected.trim_end(), "{name}");
        let faults: Vec<_> = check(&made.json).into_iter().filter(|fault| !fault.warning).collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
        // The types of another implementation read every key: a misspelt one would be a warning.
        let (_, warnings) = ignition_config::Config::parse_str(&made.json).expect("another reader");
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
    }
}

#[test]
fn every_error_has_its_line_and_column() {
    let configurations = all("wrong");
    assert!(configurations.len() >= 40, "{}", configurations.len());
    for (name, butane) in configurations {
        let Err(faults) = transpile(&butane, &Directory) else {
            panic!("{name} is taken");
        };
        let found: Vec<String> = faults.iter().map(|fault| place(&butane, fault)).collect();
        for (number, line) in butane.lines().enumerate() {
            let Some(rest) = line.strip_prefix('#') else { continue };
            let column = if rest.contains("^^") {
                1
            } else {
                line.find('^').expect("a pointer") + 1
            };
            let words = rest.trim().trim_start_matches('^').trim();
            let expected = format!("{number}:{column}: {words}");
            assert!(
                found.iter().any(|found| found.starts_with(&expected)),
                "{name}: {expected}\n{found:#?}"
            );
        }
        for fault in &faults {
            assert!(butane.get(fault.span.clone()).is_some(), "{name}: {fault:?}");
        }
    }
}

#[test]
fn what_repeats_itself_is_packed_and_unpacks_to_what_it_was() {
    let long = "0123456789 ".repeat(100);
    let butane = format!(
        "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      contents: {{ inline: \"{long}\" }}\n"
    );
    let made = transpile(&butane, &NoFiles).expect("a configuration");
    let config: serde_json::Value = serde_json::from_str(&made.json).expect("JSON");
    let contents = &config["storage"]["files"][0]["contents"];
    assert_eq!(contents["compression"], "gzip");
    let source = contents["source"].as_str().expect("text");
    let packed = source.strip_prefix("data:;base64,").expect("base64");
    let packed = base64::engine::general_purpose::STANDARD
        .decode(packed)
        .expect("base64");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_string(&mut unpacked)
        .expect("gzip");
    assert_eq!(unpacked, long);
    assert!(source.len() < 200, "{}", source.len());
}

#[test]
fn aliases_that_multiply_end() {
    let mut bomb = "variant: fcos\nversion: 1.5.0\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        let items = vec![before; 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let faults = transpile(&bomb, &NoFiles).expect_err("a bomb");
    assert!(faults[0].message.starts_with("more than 200000 values"), "{faults:?}");
    let deep = format!("variant: fcos\nversion: 1.5.0\nstorage: {}", "[".repeat(50_000));
    let faults = transpile(&deep, &NoFiles).expect_err("a pit");
    assert!(faults[0].message.contains("recursion limit"), "{faults:?}");
    let deep = format!(
        "variant: fcos\nversion: 1.5.0\nstorage: {}x{}",
        "[".repeat(100),
        "]".repeat(100)
    );
    let faults = transpile(&deep, &NoFiles).expect_err("a pit");
    assert!(faults[0].message.contains("deep"), "{faults:?}");
}

#[test]
fn texts_that_yaml_elsewhere_takes_for_something_else_stay_texts() {
    let butane = "variant: fcos\nversion: 1.5.0\npasswd:\n  users:\n    - { name: no, gecos: 0755, shell: 1.0 }\n";
    let made = transpile(butane, &NoFiles).expect("a configuration");
    assert!(
        made.json.contains(r#"{"gecos":"0755","name":"no","shell":"1.0"}"#),
        "{}",
        made.json
    );
}

fn no_trees(_: &str) -> Result<Vec<Planted>, String> {
    Err("it is no directory".to_owned())
}

#[test]
fn trees_travel_with_the_template_that_names_them() {
    let butane =
        "variant: fcos\nversion: 1.5.0\nstorage:\n  trees:\n    - local: root/\n    - path: /opt\n      local: opt\n";
    let file = |path: &str, executable, bytes: &[u8]| {
        let kind = TreeKind::File { executable };
        let path = path.to_owned();
        (TreeEntry { path, kind }, bytes.to_vec())
    };
    let list = |name: &str| {
        let target = "../etc/motd".to_owned();
        let link = TreeEntry {
            path: "etc/issue".to_owned(),
            kind: TreeKind::Link { target },
        };
        Ok(match name {
            "root" => vec![(link, Vec::new()), file("etc/motd", false, b"hello\n")],
            "opt" => vec![file("tool", true, &[0xff, 0, 0x80])],
            other => return Err(format!("`{other}` was asked for")),
        })
    };
    let bundled = bundle(butane, &|_| Err("it is no file".to_owned()), &list);
    let (config, files) = split(&bundled);
    assert_eq!(config, butane);
    let made = transpile(config, &files).expect("a configuration").json;
    let wanted = r#"{"files":[{"path":"/etc/motd","contents":{"compression":"","source":"data:,hello%0A"},"mode":420},{"path":"/opt/tool","contents":{"compression":"","source":"data:,%FF%00%80"},"mode":493}],"links":[{"path":"/etc/issue","target":"../etc/motd"}]}"#;
    let storage = made.split(r#""storage":"#).nth(1).expect("storage");
    assert_eq!(storage.trim_end_matches('}'), wanted.trim_end_matches('}'), "{made}");
    let faults = transpile(butane, &split(butane).1).expect_err("they are missing");
    assert!(
        place(butane, &faults[0]).starts_with("5:14: cannot list `root/`"),
        "{faults:?}"
    );
}

#[test]
fn files_travel_with_the_template_that_names_them() {
    let butane = "variant: fcos\nversion: 1.5.0\npasswd:\n  users:\n    - name: core\n      ssh_authorized_keys_local:\n        - keys.pub\n        - 'more.pub' # theirs\nstorage:\n  files:\n    - path: /a\n      contents:\n        local: motd\n    - path: /b\n      contents: { local: motd, compression: gzip }\n";
    let asked = std::cell::RefCell::new(Vec::new());
    let read = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        Ok(format!("key of {name}\n"))
    };
    let bundled = bundle(butane, &read, &no_trees);
    assert!(bundled.starts_with(butane), "places in the text stay what they are");
    assert_eq!(*asked.borrow(), ["keys.pub", "more.pub", "motd", "motd"]);
    let (config, files) = split(&bundled);
    assert_eq!(config, butane);
    let made = transpile(config, &files).expect("a configuration");
    assert!(
        made.json.contains(r#"["key of keys.pub","key of more.pub"]"#),
        "{}",
        made.json
    );
    assert!(made.json.contains("data:,key%20of%20motd%0A"), "{}", made.json);
    assert_eq!(split(butane).0, butane);
    let nothing = |_: &str| Err("gone".to_owned());
    assert_eq!(bundle(butane, &nothing, &no_trees), butane);
    let faults = transpile(butane, &split(butane).1).expect_err("files are missing");
    assert!(
        place(butane, &faults[0]).starts_with("7:11: cannot read `keys.pub`"),
        "{faults:?}"
    );
}

#[test]
fn no_path_leads_out_of_the_directory() {
    let none = |name: &str| -> Result<String, String> { panic!("`{name}` was asked for") };
    for path in ["..", "../x", "a/../../x", "/etc/passwd", "a\\..\\b", "./../x", "a/.."] {
        let butane = format!(
            "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      contents:\n        local: '{path}'\n"
        );
        assert_eq!(bundle(&butane, &none, &no_trees), butane);
        let faults = transpile(&butane, &Directory).expect_err("out of the directory");
        assert!(
            faults[0].message.starts_with("the path leads out"),
            "{path}: {faults:?}"
        );
    }
}
