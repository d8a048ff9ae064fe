//! Data directories that a reader of ours knows, imported as profiles and machines of the operator's own.

use std::fs;

use crate::import::{Place, accepted, left, table};

#[test]
fn bootcfg_becomes_profiles_of_ours_and_the_guides_wrong_paths_are_named() {
    let place = Place::with("bootcfg", "bootcfg");
    let report = place.document(&["bootcfg", &place.old("data"), &place.old("bootcfg.service"), "--write"]);
    accepted(&report);
    let config = table(&report);
    let profile = &config["profiles"]["bootcfg-etcd"];
    assert_eq!(
        profile["kernel"].as_str(),
        Some("/images/coreos/835.9.0/coreos_production_pxe.vmlinuz")
    );
    let args = profile["args"].to_string();
    assert!(args.contains("coreos.config.url={{ run.url }}/ignition.json"), "{args}");
    assert_eq!(config["server"]["http"].as_str(), Some(":8090"));
    assert_eq!(
        config["hosts"]["host-52540089d810"]["profile"].as_str(),
        Some("bootcfg-etcd")
    );
    assert_eq!(config["profiles"].as_table().map(toml::Table::len), Some(1));
    let document = fs::read_to_string(place.out("conf.d/bootcfg/bootcfg-etcd/ignition.json")).expect("its document");
    assert!(document.contains("etcd2.service"), "{document}");
    let left = left(&report);
    for wanted in [
        "bootcfg.service:5 `log-level` is not carried over",
        "machine.json:1 there is no good spec `nowhere`",
        "spec.json:1",
    ] {
        assert!(
            left.iter().any(|found| found.starts_with(wanted)),
            "{wanted} is not among {left:#?}"
        );
    }
    assert!(
        report["steps"][0]
            .as_str()
            .is_some_and(|step| step.contains("`/srv/images`")),
        "{}",
        report["steps"]
    );
}

#[test]
fn matchbox_becomes_profiles_and_machines_and_a_group_without_a_profile_is_named() {
    let place = Place::with("matchbox", "matchbox");
    let report = place.document(&[
        "matchbox",
        &place.old("data"),
        &place.old("matchbox.service"),
        "--write",
    ]);
    accepted(&report);
    let config = table(&report);
    assert_eq!(config["server"]["http"].as_str(), Some(":8090"));
    let host = config["hosts"]
        .as_table()
        .and_then(|hosts| hosts.values().next())
        .expect("a host");
    assert_eq!(host["mac"].as_str(), Some("52:54:00:b2:2f:86"));
    let name = host["profile"].as_str().expect("its profile");
    let profile = &config["profiles"][name];
    assert_eq!(profile["kernel"].as_str(), Some("/assets/flatcar/vmlinuz"));
    let args = profile["args"].to_string();
    assert!(args.contains("flatcar.config.url={{ run.url }}/ignition.ign"), "{args}");
    let document = place.out(&format!("conf.d/matchbox/{name}/ignition.ign"));
    let document = fs::read_to_string(document).expect("its document");
    assert!(document.contains("node1"), "{document}");
    // Who is named by no group gets what everybody gets, once somebody arms it.
    let rules = config["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert!(rules[0].get("auto_arm").is_none(), "{rules:?}");
    let left = left(&report);
    for wanted in [
        "matchbox.service:5 `rpc-address` is not carried over",
        "lost.json:1 there is no good profile `etdc`",
    ] {
        assert!(
            left.iter().any(|found| found.starts_with(wanted)),
            "{wanted} is not among {left:#?}"
        );
    }
    let steps = report["steps"].to_string();
    assert!(steps.contains("`/srv/assets`"), "{steps}");
}
