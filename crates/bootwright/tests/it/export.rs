//! What operators decided, taken into the configuration: it reads back, and means the same.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::cli::{SITE, ask, bootwright, finish, json};
use crate::daemon::Daemon;
use crate::netns::Netns;

#[test]
fn what_operators_decided_is_exported_as_configuration_that_means_the_same() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let (one, two) = ("52:54:00:00:00:21", "52:54:00:00:00:22");
    for words in [
        format!("host arm {one} debian"),
        format!("host set {one} label.rack=b-12 label.odd='\"#] metadata.role=storage metadata.disk.model=\\back"),
        format!("host live {two} rescue"),
        format!("host set {two} label.rack=c"),
        "host set oak-1 label.floor=2".to_owned(),
    ] {
        let said = ask(&daemon.socket(), &words);
        assert_eq!(said.code, 0, "{words}: {said:?}");
    }
    let said = ask(&daemon.socket(), "export");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out
            .contains("# `oak-1` stands in the configuration already:\n# [hosts.oak-1]"),
        "{}",
        said.out
    );
    // Beside the configuration that is there, it is good.
    let further = daemon.directory().join("conf.d");
    fs::create_dir_all(&further).expect("a directory");
    fs::write(further.join("adopted.toml"), &said.out).expect("a file");
    let checked = finish(bootwright().arg("--config").arg(daemon.config()).arg("check"));
    assert!(
        checked.code <= 1 && !checked.out.contains("error:"),
        "{checked:?}\n{}",
        said.out
    );
    // What it lowers to is what the API says of the hosts.
    let source = bootwright_config::Source {
        path: "config.toml".to_owned(),
        text: format!("{SITE}\n{}", said.out),
    };
    let loaded = bootwright_config::load(&[source], &|_: &str| Err("there is none".to_owned()))
        .unwrap_or_else(|wrong| panic!("{}", bootwright_config::render_all(&wrong)));
    let mut compared = 0;
    for mac in [one, two] {
        let shown = json(&daemon.socket(), &format!("host show {mac}"));
        let name = shown["host"].as_str().expect("a name");
        let definition = &loaded.policy.hosts[name];
        let texts = |map: &BTreeMap<String, String>| serde_json::to_value(map).expect("texts");
        assert_eq!(texts(&definition.labels), shown["labels"], "{name}");
        let metadata = shown.get("metadata").cloned().unwrap_or(Value::Null);
        assert_eq!(texts(&definition.metadata), metadata, "{name}");
        let cards: Vec<String> = definition.facts.macs.iter().map(ToString::to_string).collect();
        assert_eq!(cards, [mac]);
        let profile = definition.profile.as_ref().map(ToString::to_string);
        assert_eq!(profile.as_deref(), shown["profile"].as_str(), "{name}");
        compared += definition.labels.len() + definition.metadata.len();
    }
    assert!(compared >= 5, "{compared}");
    let document = json(&daemon.socket(), "export oak-1");
    assert_eq!(
        document["hosts"]["oak-1"]["mac"],
        serde_json::json!(["52:54:00:00:00:01"]),
        "{document}"
    );
}
