//! The catalogue's recipes call where their installers call: other people's readers take each document apart, and what is found
//! at each hook leads to a report of the run.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::catalogue::documents;

const READER: &str = include_str!("recipe.py");

/// Which reports each system can make, in the order done, fail, progress, up. What is missing, its installer has no hook for;
/// there the run's deadline is what fails it.
const HOOKS: &[(&str, &[&str])] = &[
    ("alpine", &["done", "fail", "progress"]),
    ("arch", &["done", "fail", "progress"]),
    // A failure of the disk guard; YaST itself has no hook for one.
    ("autoyast", &["done", "fail", "progress", "up"]),
    ("debian", &["done", "fail", "progress", "up"]),
    ("esxi", &["done"]),
    ("fedora-coreos", &["done", "fail", "up"]),
    ("flatcar", &["done", "fail", "progress", "up"]),
    ("harvester", &["done", "fail", "progress"]),
    // As with AutoYaST.
    ("kairos", &["done", "fail", "progress", "up"]),
    // A failure of the disk guard; what ends its run is that the image was fetched.
    ("kiwi", &["fail", "progress"]),
    ("microos", &["done", "fail", "progress"]),
    ("minimal", &["done", "fail", "progress"]),
    ("nixos", &["done", "fail", "progress"]),
    ("opensuse", &["done", "fail", "progress", "up"]),
    // An install that fails calls nobody.
    ("proxmox", &["done", "up"]),
    ("rocky", &["done", "fail", "progress", "up"]),
    ("talos", &[]),
    ("ubuntu", &["done", "fail", "progress", "up"]),
];

/// Where `cargo xtask kickstart` has put pykickstart.
fn kickstart() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_bootwright"));
    let target = binary.parent().and_then(Path::parent).expect("a target directory");
    let root = target.join("kickstart");
    assert!(
        root.join("pykickstart").is_dir(),
        "pykickstart is not there: run `cargo xtask kickstart`"
    );
    root
}

/// The text of a hook with every document of the run that it names.
fn followed(text: &str, files: &BTreeMap<String, String>) -> String {
    let named = files.iter().filter(|(name, _)| text.contains(&format!("/{name}")));
    named.fold(text.to_owned(), |all, (_, text)| all + text)
}

#[test]
fn every_hook_of_an_installer_leads_to_a_report_of_the_run() {
    let mut all: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for (os, name, text) in documents() {
        all.entry(os).or_default().insert(name, text);
    }
    // Stages of a queue, which install nothing: their own tests run them.
    all.retain(|os, _| !["discover", "wipe"].contains(os));
    assert!(all.keys().eq(HOOKS.iter().map(|(os, _)| os)), "{:?}", all.keys());
    let mut program = Command::new("/usr/bin/python3")
        .args(["-c", READER])
        .env("PYTHONPATH", kickstart())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python");
    let mut input = program.stdin.take().expect("its input");
    input
        .write_all(serde_json::to_string(&all).expect("JSON").as_bytes())
        .expect("it reads");
    drop(input);
    let output = program.wait_with_output().expect("it ends");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (os, hooks) in HOOKS {
        let files = &all[os];
        for hook in *hooks {
            let texts: Vec<&str> = found[os][hook]
                .as_array()
                .expect(hook)
                .iter()
                .filter_map(|text| text.as_str())
                .collect();
            let reports = texts.iter().any(|text| {
                let text = followed(text, files);
                let snippet =
                    text.contains("bootwright_report()") && text.contains(&format!("bootwright_report {hook}"));
                // The guard's refusal is a report, too.
                let guard = *hook == "fail" && text.contains("\nbootwright_guard ");
                snippet || guard || text.contains(&format!("/r/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a/{hook}"))
            });
            assert!(reports, "{os} {hook}: {texts:?}");
        }
        let own: Vec<_> = found[os]
            .as_object()
            .expect(os)
            .keys()
            .filter(|key| *key != "name")
            .cloned()
            .collect();
        assert!(
            own.iter()
                .all(|key| hooks.contains(&key.as_str()) || found[os][key].as_array().is_some_and(Vec::is_empty)),
            "{os}: {own:?}"
        );
        if let Some(name) = found[os]["name"].as_str() {
            assert!(["node-1", "oak-1"].contains(&name), "{os}: the host's name is `{name}`");
        }
    }
}
