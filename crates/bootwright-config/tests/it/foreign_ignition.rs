//! dynamic-ignition-coreos's and the Flatcar container's directories, and Pixiecore's servers: what they are lowered to, and what
//! is said of mistakes in them.

use bootwright_config::render_all;
use bootwright_content::{made_up, render_document};
use expect_test::expect;

use crate::foreign::loaded;
use crate::{no_files, source};

const DYNAMIC: &str = "[compat.dynamic-ignition]\nenabled = true\nlisten = \":5000\"\ndata_dir = \"/srv/di\"\n";
const FLATCAR: &str = "[compat.flatcar]\nenabled = true\ndata_dir = \"/srv/flatcar\"\nimage = \"flatcar/4230.2.3\"\n";
const DEFAULT: &str = "LABEL x\nKERNEL k\nAPPEND initrd=i coreos.inst.ignition_url=http://h:5000/get_ignition\n";
const GOOD: &str = "variant: flatcar\nversion: 1.0.0\n";

fn told(config: &str, files: &[(&str, &str)]) -> String {
    render_all(&loaded(config, files).warnings)
}

#[test]
fn what_is_wrong_with_a_base_configuration_is_told_with_its_place() {
    expect![[r#""#]].assert_eq(&told(
        DYNAMIC,
        &[
            ("config.ign", "{\"ignition\": {\"version\": \"3.0.0\"}}"),
            ("pxelinux.cfg/default", DEFAULT),
        ],
    ));
    expect![[r#"
        error: the path must be absolute: it begins with `/`
         --> /srv/di/config.ign:3:34
          |
        3 |   "storage": {"files": [{"path": "etc/x"}]}
          |                                  ^^^^^^^
          |
          = help: nothing else is affected

        1 error
    "#]]
    .assert_eq(&told(
        DYNAMIC,
        &[
            (
                "config.ign",
                "{\n  \"ignition\": {\"version\": \"3.0.0\"},\n  \"storage\": {\"files\": [{\"path\": \"etc/x\"}]}\n}",
            ),
            ("pxelinux.cfg/default", DEFAULT),
        ],
    ));
    expect![[r#"
        error: only configurations of version 3 can be merged
         --> /srv/di/config.ign:1:1
          |
        1 | {"ignition": {"version": "2.2.0"}}
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: nothing else is affected

        1 error
    "#]]
    .assert_eq(&told(
        DYNAMIC,
        &[
            ("config.ign", "{\"ignition\": {\"version\": \"2.2.0\"}}"),
            ("pxelinux.cfg/default", DEFAULT),
        ],
    ));
    expect![[r#"
        error: no entry of it starts a kernel
         --> /srv/di/pxelinux.cfg/default:1:1
          |
        1 | UI menu.c32
          | ^
          |
          = help: it needs a `LABEL` with `KERNEL` and `APPEND`

        1 error
    "#]]
    .assert_eq(&told(
        DYNAMIC,
        &[
            ("config.ign", "{\"ignition\": {\"version\": \"3.0.0\"}}"),
            ("pxelinux.cfg/default", "UI menu.c32\nLABEL disk\n  LOCALBOOT 0\n"),
        ],
    ));
    expect![[r#"
        warning: there is no `config.ign`, the configuration of all machines
         --> /srv/di:1:1
          |
        1 |
          | ^
          |
          = help: copy `/var/www/fedora-coreos-metal/config.ign` there

        1 warning
    "#]]
    .assert_eq(&told(DYNAMIC, &[]));
}

const BASE: &str = include_str!("../../../bootwright-proto/test_data/compat/dynamic-ignition/5.2-base.ign");

/// `docs/dialects.md`, 5.2 and 5.4.
#[test]
fn the_base_configuration_gets_the_name_and_the_entry_is_the_profile() {
    let config = format!("{DYNAMIC}done = \"config-served\"\n");
    let loaded = loaded(&config, &[("config.ign", BASE), ("pxelinux.cfg/default", DEFAULT)]);
    assert_eq!(render_all(&loaded.warnings), "");
    let profile = loaded.policy.profiles.values().next().expect("a profile");
    assert_eq!(
        (profile.name.as_str(), profile.kernel.as_str()),
        ("dynamic-ignition", "/k")
    );
    let context = made_up(profile);
    let text = render_document(profile, "config.ign", &context).expect("Ignition");
    assert!(text.contains(&format!("\"data:,{}\"", context.host)), "{text}");
    assert!(
        text.contains("AAAA {{ operator }}"),
        "what looks like a template stays: {text}"
    );
}

#[test]
fn each_node_has_a_profile_and_a_rule_of_its_own_and_a_typo_of_one_is_told_with_its_place() {
    let files = [
        ("node-configs/node1-ignite-boot.yml", GOOD),
        (
            "node-configs/Node_2-ignite-boot.yml",
            "variant: flatcar\nversion: 1.0.0\nstorage:\n  file: []\n",
        ),
        ("node-configs/old-ignite-boot.yml", "passwd:\n  users: []\n"),
        ("node-configs/node1-ignite.yml", "x"),
        ("node-configs/node3.yml", GOOD),
        ("Makefile", "x"),
    ];
    let loaded = loaded(FLATCAR, &files);
    expect![[r#"
        error: the key `file` is not known in flatcar 1.0.0
         --> /srv/flatcar/node-configs/Node_2-ignite-boot.yml:4:3
          |
        4 |   file: []
          |   ^^^^
          |
          = help: did you mean `files`?

        warning: nothing is read from it
         --> /srv/flatcar/node-configs/node1-ignite.yml:1:1
          |
        1 | x
          | ^
          |
          = help: the live system that installs is made here; what it added belongs into the file of the node

        warning: nothing is read from a file of this name
         --> /srv/flatcar/node-configs/node3.yml:1:1
          |
        1 | variant: flatcar
          | ^
          |
          = help: the container reads files that are called `NODE-ignite-boot.yml`

        error: `variant` is missing
         --> /srv/flatcar/node-configs/old-ignite-boot.yml:1:1
          |
        1 | passwd:
          | ^
          |
          = help: a Container Linux Config is read by nothing that installs today: begin it with the lines `variant: flatcar` and `version: 1.0.0`; what has another name by then is told one by one

        2 errors, 2 warnings
    "#]].assert_eq(&render_all(&loaded.warnings));
    let names: Vec<&str> = loaded.policy.profiles.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["flatcar-node1"]);
    let rules: Vec<&str> = loaded.policy.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(rules, ["flatcar-node1"]);
    let profile = loaded.policy.profiles.values().next().expect("a profile");
    assert_eq!(
        profile.kernel,
        "/images/flatcar/4230.2.3/flatcar_production_pxe.vmlinuz"
    );
    let script = render_document(profile, "install.sh", &made_up(profile)).expect("a script");
    assert!(script.contains("/dev/sda"), "{script}");
}

#[test]
fn a_file_that_a_node_names_is_one_beside_it() {
    let node = format!("{GOOD}storage:\n  files:\n    - path: /etc/a\n      contents:\n        local: a.txt\n");
    let files = [
        ("node-configs/n-ignite-boot.yml", node.as_str()),
        ("node-configs/a.txt", "{{ text }}"),
    ];
    let with = loaded(FLATCAR, &files);
    assert_eq!(render_all(&with.warnings), "");
    let profile = with.policy.profiles.values().next().expect("a profile");
    let config = render_document(profile, "ignite-boot.ign", &made_up(profile)).expect("Ignition");
    assert!(config.contains("text"), "{config}");
    let out = node.replace("a.txt", "../../../etc/shadow");
    let files = [("node-configs/n-ignite-boot.yml", out.as_str())];
    assert!(loaded(FLATCAR, &files).policy.profiles.is_empty());
}

#[test]
fn a_server_of_pixiecores_api_is_named_by_a_url() {
    let config = |url: &str| format!("[compat.pixiecore]\nenabled = true\nlisten = \":8082\"\nupstream = \"{url}\"\n");
    let good = loaded(&config("https://h:81/x/"), &[]);
    assert_eq!(good.daemon.compat[0].upstream.as_deref(), Some("https://h:81/x"));
    let names: Vec<String> = good
        .policy
        .rules
        .iter()
        .map(|rule| format!("{} {}", rule.name, rule.auto_arm))
        .collect();
    assert_eq!(names, ["pixiecore-default false"]);
    for bad in [
        "h:80",
        "ftp://h",
        "http://",
        "http://:80/x",
        "http://u@h",
        "http://h/?x",
        "http://h/{{x}}",
    ] {
        let text = config(bad);
        let errors = bootwright_config::load(&[source("config.toml", &text)], &no_files).expect_err(bad);
        assert!(render_all(&errors).contains("is no URL of a server"), "{bad}");
    }
}
