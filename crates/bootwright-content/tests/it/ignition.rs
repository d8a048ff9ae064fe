//! Ignition configurations, right and wrong ones.
//!
//! What is right stands in `tests/ignition/`: Debian's `ignition-validate` sorted the files into `right` and `wrong`, and
//! the shell tier asks it again. Both must be of one mind about every file.

use std::path::{Path, PathBuf};

use bootwright_content::ignition::{Additions, add, check, rewrite_version_1};
use bootwright_content::position;
use expect_test::expect;

/// The configurations of one directory, by name.
fn corpus(directory: &str) -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/ignition")
        .join(directory);
    let mut files: Vec<PathBuf> = std::fs::read_dir(top)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    #[expect(clippy::disallowed_methods, reason = "the test plays the shell")]
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("text"))
    };
    files.into_iter().map(read).collect()
}

fn errors(text: &str) -> Vec<String> {
    let faults = check(text).into_iter().filter(|fault| !fault.warning);
    let shown = faults.map(|fault| {
        let (line, column) = position(text, fault.span.start);
        format!("{line}:{column}: {}", fault.message)
    });
    shown.collect()
}

#[test]
fn what_ignition_takes_is_right() {
    let files = corpus("right");
    assert!(files.len() >= 90, "{}", files.len());
    let refused: Vec<_> = files
        .iter()
        .filter_map(|(name, text)| Some((name, errors(text))).filter(|(_, errors)| !errors.is_empty()))
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn what_ignition_refuses_is_wrong() {
    let files = corpus("wrong");
    assert!(files.len() >= 110, "{}", files.len());
    let taken: Vec<_> = files
        .iter()
        .filter(|(_, text)| errors(text).is_empty())
        .map(|(name, _)| name)
        .collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn version_3_4_is_read_by_another_implementation_too() {
    let dir = "3.4";
    for (name, text) in corpus(dir) {
        let wrong = name.starts_with("wrong-");
        assert_eq!(!errors(&text).is_empty(), wrong, "{name}: {:?}", errors(&text));
        let (_, warnings) = ignition_config::Config::parse_str(&text).expect("a shape that is right");
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
    }
    assert!(corpus(dir).len() >= 10);
}

#[test]
fn unknown_keys_are_warnings_with_their_place() {
    let text = "{\n  \"ignition\": {\"version\": \"3.1.0\"},\n  \"storage\": {\"luks\": []},\n  \"sytemd\": {}\n}\n";
    let faults = check(text);
    assert!(faults.iter().all(|fault| fault.warning));
    let shown: Vec<_> = faults
        .iter()
        .map(|fault| {
            (
                position(text, fault.span.start),
                fault.message.as_str(),
                fault.hint.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                (3, 15),
                "the key `luks` is not known in Ignition 3.1",
                Some("Ignition 3.2 is the first that has it; use a later version")
            ),
            (
                (4, 3),
                "the key `sytemd` is not known in Ignition 3.1",
                Some("did you mean `systemd`?")
            ),
        ]
    );
}

#[test]
fn errors_have_their_line_and_column() {
    let text = "{\n  \"ignition\": {\"version\": \"3.3.0\"},\n  \"storage\": {\"files\": [\n    {\"path\": \"etc/a\", \"mode\": 99999}\n  ]}\n}\n";
    expect![[r#"
        [
            "4:14: the path must be absolute: it begins with `/`",
            "4:31: `99999` is no mode of a file",
        ]
    "#]]
    .assert_debug_eq(&errors(text));
    assert_eq!(
        errors("{\n  \"a\": 1,\n}"),
        ["3:1: the text is no JSON: key must be a string"]
    );
}

/// The example of the page on bootcfg's dialect: sections that are empty are there all the same.
#[test]
fn version_1_is_written_anew_as_bootcfg_did() {
    let text = r#"{ "systemd": { "units": [ { "enable": true, "name": "a.service", "contents": "[Service]\nExecStart=/bin/true\n", "mask": false } ] },
        "ignitionVersion": 1, "passwd": {} }"#;
    let expected = r#"{"ignitionVersion":1,"storage":{},"systemd":{"units":[{"name":"a.service","enable":true,"contents":"[Service]\nExecStart=/bin/true\n"}]},"networkd":{},"passwd":{}}"#;
    assert_eq!(rewrite_version_1(text).as_deref(), Ok(expected));
    let disk = r#"{"ignitionVersion":1,"storage":{"disks":[{"device":"/dev/sda","partitions":[{"label":"ROOT"}]}]}}"#;
    let written = rewrite_version_1(disk).expect("version 1");
    assert!(
        written.contains(r#"[{"label":"ROOT","number":0,"size":0,"start":0}]"#),
        "{written}"
    );
    assert!(rewrite_version_1(r#"{"ignition":{"version":"2.0.0"}}"#).is_err());
    assert!(rewrite_version_1(r#"{"ignitionVersion":1,"systemd":[]}"#).is_err());
}

#[test]
fn version_2_is_held_to_its_main_rules() {
    let right = r#"{"ignition":{"version":"2.2.0"},"storage":{"files":[{"filesystem":"root","path":"/a","mode":420,
        "contents":{"source":"data:,x"}}]},"systemd":{"units":[{"name":"a.service","enabled":true,"contents":"[Install]\n"}]}}"#;
    assert_eq!(errors(right), Vec::<String>::new());
    for (wrong, place) in [
        (r#"{"ignition":{"version":"2.5.0"}}"#, "1:24: `2.5.0` is no version"),
        (
            r#"{"ignition":{"version":"2.2.0"},"storage":{"files":[{"path":"/a"}]}}"#,
            "1:53: a `filesystem` is needed",
        ),
        (
            r#"{"ignition":{"version":"2.2.0"},"storage":{"files":[{"filesystem":"root","path":"a"}]}}"#,
            "1:81: the path must",
        ),
        (
            r#"{"ignition":{"version":"2.2.0"},"systemd":{"units":[{"name":"a"}]}}"#,
            "1:61: `a` is no name of a unit",
        ),
        (
            r#"{"ignition":{"version":"2.2.0"},"systemd":{}, "passwd": 3}"#,
            "1:57: this must be a table of keys",
        ),
    ] {
        assert!(
            errors(wrong).iter().any(|error| error.starts_with(place)),
            "{wrong}: {:?}",
            errors(wrong)
        );
    }
}

#[test]
fn what_is_added_for_a_host_is_merged_into_what_is_there() {
    let additions = Additions {
        hostname: Some("node-1".to_owned()),
        up: Some("http://192.0.2.1:8080/r/5a/up?x=%20".to_owned()),
        done: Some("http://192.0.2.1:8080/r/5a/done".to_owned()),
    };
    for minor in 0..=4 {
        let text = format!(
            r#"{{"ignition":{{"version":"3.{minor}.0"}},"storage":{{"files":[{{"path":"/b"}}]}},"systemd":{{"units":[{{"name":"a.service"}}]}}}}"#
        );
        let merged = add(&text, &additions).expect("a configuration");
        assert_eq!(errors(&merged), Vec::<String>::new());
        let config: serde_json::Value = serde_json::from_str(&merged).expect("JSON");
        assert_eq!(config["ignition"]["version"], format!("3.{minor}.0"));
        let files = config["storage"]["files"].as_array().expect("files");
        assert_eq!((files.len(), &files[0]["path"]), (2, &"/b".into()));
        assert_eq!(files[1]["path"], "/etc/hostname");
        assert_eq!(files[1]["contents"]["source"], "data:,node-1");
        assert_eq!((&files[1]["mode"], &files[1]["overwrite"]), (&420.into(), &true.into()));
        let units = config["systemd"]["units"].as_array().expect("units");
        let names: Vec<_> = units.iter().filter_map(|unit| unit["name"].as_str()).collect();
        assert_eq!(names, ["a.service", "bootwright-done.service", "bootwright-up.service"]);
        let contents = units[2]["contents"].as_str().expect("a unit");
        assert!(
            contents.contains("\"http://192.0.2.1:8080/r/5a/up?x=%%20\""),
            "{contents}"
        );
    }
    assert!(add(r#"{"ignition":{"version":"2.2.0"}}"#, &additions).is_err());
    let replaced = r#"{"ignition":{"version":"3.2.0","config":{"replace":{"source":"http://192.0.2.1/a.ign"}}}}"#;
    let refused = add(replaced, &additions).expect_err("nothing of it would be left");
    assert!(refused[0].message.contains("ignition.config.replace"), "{refused:?}");
}

#[test]
fn what_an_operator_has_written_stays_whatever_is_added() {
    let additions = Additions {
        hostname: Some("node-1".to_owned()),
        up: Some("http://192.0.2.1:8080/r/5a/up".to_owned()),
        done: Some("http://192.0.2.1:8080/r/5a/done".to_owned()),
    };
    let units = r#""systemd":{"units":[{"name":"bootwright-up.service","mask":true},{"name":"bootwright-done.service","enabled":false}]}"#;
    for taken in [
        r#""files":[{"path":"/etc/hostname","contents":{"source":"data:,own"},"mode":256}]"#,
        r#""files":[{"path":"/etc/hostname","append":[{"source":"data:,own"}]}]"#,
        r#""links":[{"path":"/etc/hostname","target":"/run/hostname"}]"#,
        r#""links":[{"path":"/etc","target":"/run/etc"}]"#,
    ] {
        let text = format!(r#"{{"ignition":{{"version":"3.4.0"}},"storage":{{{taken}}},{units}}}"#);
        let merged = add(&text, &additions).expect("a configuration");
        let value = |text: &str| -> serde_json::Value { serde_json::from_str(text).expect("JSON") };
        assert_eq!(value(&merged), value(&text), "nothing is left to be added");
    }
}

fn says_nothing(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null => true,
        Value::Object(entries) => entries.values().all(says_nothing),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether all that `own` says stands in `made` in the same place; lists may have more behind. What is empty says nothing.
fn holds(made: &serde_json::Value, own: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (made, own) {
        (Value::Object(made), Value::Object(own)) => own
            .iter()
            .filter(|(_, own)| !says_nothing(own))
            .all(|(key, own)| made.get(key).is_some_and(|made| holds(made, own))),
        (Value::Array(made), Value::Array(own)) => {
            made.len() >= own.len() && made.iter().zip(own).all(|(made, own)| holds(made, own))
        }
        (made, own) => made == own,
    }
}

/// The corpus that Ignition itself has sorted.
#[test]
#[expect(clippy::disallowed_methods, reason = "the test plays the shell")]
fn adding_to_any_configuration_leaves_it_right_and_every_word_of_it_in_place() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ignition/right");
    let mut tried = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        // What Ignition ignores, such as a key of a later version, is not carried on.
        if !check(&text).is_empty() {
            continue;
        }
        for bits in 1..8_u8 {
            let asked = |bit: u8, text: &str| (bits & bit != 0).then(|| text.to_owned());
            let additions = Additions {
                hostname: asked(1, "node-1"),
                up: asked(2, "http://192.0.2.1:8080/r/5a/up"),
                done: asked(4, "http://192.0.2.1:8080/r/5a/done"),
            };
            let Ok(made) = add(&text, &additions) else { continue };
            assert_eq!(errors(&made), Vec::<String>::new(), "{}: {made}", path.display());
            let value = |text: &str| -> serde_json::Value { serde_json::from_str(text).expect("JSON") };
            let (made_value, own) = (value(&made), value(&text));
            assert!(holds(&made_value, &own), "{}: {made}", path.display());
            assert_ne!(made_value, own, "{}: something was added", path.display());
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}
