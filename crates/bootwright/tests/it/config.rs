//! What the configuration may say, as others read it, and what of it is not in force.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::cli::{SITE, ask, bootwright, finish, run};
use crate::daemon::Daemon;
use crate::netns::Netns;

/// Debian's validator, which knows nothing of us: which of these files does the schema take?
const VALIDATOR: &str = r#"
import json, sys, tomllib
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
told = {}
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        told[path] = [error.json_path + ": " + error.message[:200] for error in validator.iter_errors(tomllib.load(file))]
print(json.dumps(told))
"#;

fn validated(schema: &Path, files: &[PathBuf]) -> Value {
    let output = Command::new("/usr/bin/python3")
        .args(["-c", VALIDATOR])
        .arg(schema)
        .args(files)
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a document")
}

/// All configurations below a directory.
fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            below(&path, found);
        } else if path.ends_with("config.toml") {
            found.push(path);
        }
    }
}

/// Texts that are wrong by themselves, whatever else is said: each is refused by the schema and by `check`.
const WRONG: &[&str] = &[
    "nonsense = 1",
    "[sever]\nhttp = \":80\"",
    "server = 1",
    "[server]\nhttp = 80",
    "[server]\ninterfaces = [1]",
    "[server]\nhttps = \":443\"",
    "[dhcp]\nmode = \"prxy\"",
    "[dhcp]\nforce = \"yes\"",
    "[dhcp]\ncensus = 5",
    "[dhcp]\ncensus = \"soon\"",
    "[dhcp.arch]\nbios = 1",
    "[[dhcp.pools]]\nsubnet = \"10.0.0.0/24\"\nrnage = \"10.0.0.1-10.0.0.9\"",
    "[[dhcp.pools]]\nsubnet = \"10.0.0.0/24\"\nrange = \"10.0.0.10-10.0.0.19\"\nmtu = 100",
    "[tftp]\nmax_blksize = 100",
    "[tftp]\nmax_blksize = 1000.5",
    "[tftp]\nstrict = 1",
    "[ipv6]\nmode = \"on\"",
    "[safety]\nwipe = \"never\"",
    "[safety]\nmax_attempts = 0",
    "[safety]\nmax_attempts = \"2\"",
    "[safety]\narm_ttl = \"1\"",
    "[safety]\narm_ttl = 24",
    "[safety]\nunknown = { instal = \"debian\" }",
    "[safety]\nunknown = \"wait\"",
    "[naming]\npatern = \"node-{number}\"",
    "[secrets]\nluks = \"s3cret\"",
    "[secrets.luks]\npath = \"/etc/luks\"",
    "[images.debian]\nsource = \"debian:trixie\"\nkeep = \"yes\"",
    "[profiles.p]\nkernel = 1",
    "[profiles.p]\nkernel = \"/images/a/b\"\nkernal = \"/images/a/b\"",
    "[profiles.p]\nkernel = \"/images/a/b\"\nconfirm = \"nobody\"",
    "[profiles.p]\nkernel = \"/images/a/b\"\ndone = \"sometime\"",
    "[profiles.p]\nkernel = \"/images/a/b\"\ninitrds = [{ path = \"/images/a/c\" }]",
    "[profiles.p]\nkernel = \"/images/a/b\"\nstages = { boot = \"5m\" }",
    "[profiles.p]\nkernel = \"/images/a/b\"\nfiles = { a = { text = \"\", add = [\"all\"] } }",
    "[profiles.p]\nkind = \"menu\"\nentries = [{ title = \"a\", locale = true }]",
    "[hosts.h]\nmac = 1",
    "[hosts.h]\nmac = \"52:54:00:00:00:01\"\nlabels = { rack = [] }",
    "[hosts.h]\nmac = \"52:54:00:00:00:01\"\nmetadata = 1",
    "[hosts.h]\nmac = \"52:54:00:00:00:01\"\noffer = \"loud\"",
    "[hosts.h]\nmac = \"52:54:00:00:00:01\"\nrole = \"storage\"",
    "[rules]\nname = \"a\"",
    "[[rules]]\nname = \"a\"\nprofil = \"p\"",
    "[[rules]]\nname = \"a\"\nlimit = 0",
    "[compat.bootcfg]\nenabled = \"yes\"",
    "[compat.bootcgf]\nenabled = true",
    "[compat.flatcar]\nlisten = \":5000\"",
    "[compat.bootcfg]\nera = \"stone\"",
];

#[test]
fn the_schema_takes_every_configuration_that_is_shipped_and_refuses_what_check_refuses() {
    let directory = std::env::temp_dir().join(format!("bootwright-schema-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let said = run("config schema");
    assert_eq!(said.code, 0, "{said:?}");
    let schema = directory.join("schema.json");
    fs::write(&schema, &said.out).expect("a file");
    let document: Value = serde_json::from_str(&said.out).expect("a document");
    assert_eq!(document["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let mut shipped = Vec::new();
    below(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config")),
        &mut shipped,
    );
    assert!(shipped.len() > 20, "{shipped:?}");
    let site = directory.join("site.toml");
    fs::write(&site, SITE).expect("a file");
    // The commented configuration with its comments taken away: every key, with its default.
    let commented = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/config.toml"));
    let keys: String = commented
        .expect("the file")
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let uncommented = directory.join("uncommented.toml");
    fs::write(&uncommented, &keys).expect("a file");
    shipped.extend([site, uncommented]);
    for (path, errors) in validated(&schema, &shipped).as_object().expect("a document") {
        assert_eq!(errors, &json!([]), "{path}");
    }
    let mut wrong = Vec::new();
    for (number, text) in WRONG.iter().enumerate() {
        let path = directory.join(format!("wrong-{number}.toml"));
        fs::write(&path, text).expect("a file");
        let checked = finish(bootwright().arg("--config").arg(&path).arg("check"));
        assert_eq!(checked.code, 2, "`check` takes\n{text}\n{checked:?}");
        wrong.push(path);
    }
    let told = validated(&schema, &wrong);
    for (path, text) in wrong.iter().zip(WRONG) {
        let errors = told[path.to_str().expect("text")].as_array().expect("a list");
        assert!(!errors.is_empty(), "the schema takes\n{text}");
    }
    fs::remove_dir_all(&directory).expect("it is ours");
}

#[test]
fn what_is_not_in_force_is_named_with_what_it_needs() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let said = ask(&daemon.socket(), "config diff");
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "the configuration on disk is in force\n")
    );
    // A setting of sockets is read by the daemon at once, and counts after a restart; so it stays a difference.
    let other = SITE.replace("[server]\n", "[server]\nhttp = \":8088\"\n");
    daemon.write_config(&format!("{other}\n[safety]\nmax_attempts = 7\n"));
    assert_eq!(ask(&daemon.socket(), "reload").code, 0);
    let said = ask(&daemon.socket(), "config diff");
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.out, "a restart changes:\n  + server.http = \":8088\"\n");
    daemon.write_config("[safety]\nmax_atempts = 7\n");
    let said = ask(&daemon.socket(), "config diff");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.out.contains("did you mean `max_attempts`?"), "{}", said.out);
    assert!(said.out.ends_with("a reload would change nothing\n"), "{}", said.out);
}
