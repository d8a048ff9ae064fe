//! Data directories of other systems: what they are lowered to, and what is said of mistakes in them.

use std::collections::BTreeMap;

use bootwright_config::{Compat, Content, Dialect, Loaded, load_with, render_all};
use expect_test::{Expect, expect};

use crate::{no_files, source};

const BOOTCFG: &str = "[compat.bootcfg]\nenabled = true\nlisten = \":8081\"\ndata_dir = \"/srv/bootcfg/data\"\n";

/// A configuration beside a directory with these files.
pub(crate) fn loaded(config: &str, files: &[(&str, &str)]) -> Loaded {
    let walk = |_: &Compat| {
        let content = |text: &str| match text.strip_prefix("UNUSABLE ") {
            Some(why) => Content::Unusable(why.to_owned()),
            None => Content::Text(text.into()),
        };
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), content(text)));
        Ok(files.collect::<BTreeMap<_, _>>())
    };
    load_with(&[source("config.toml", config)], &no_files, &walk)
        .unwrap_or_else(|errors| panic!("{}", render_all(&errors)))
}

/// The rules and profiles, a line each.
pub(crate) fn shown(loaded: &Loaded) -> String {
    let mut text = String::new();
    for rule in &loaded.policy.rules {
        let when: Vec<String> = rule
            .when
            .iter()
            .map(|(what, pattern)| format!("{what}={}", pattern.as_str()))
            .collect();
        text.push_str(&format!("{} [{}] -> {}\n", rule.name, when.join(" "), rule.profile));
    }
    for profile in loaded.policy.profiles.values() {
        let initrds: Vec<&str> = profile.initrds.iter().map(|initrd| initrd.source.as_str()).collect();
        text.push_str(&format!(
            "{}: {} {:?} {:?}",
            profile.name, profile.kernel, initrds, profile.args
        ));
        text.push_str(&format!(
            " {:?} {:?}\n",
            profile.files.keys().collect::<Vec<_>>(),
            profile.done
        ));
    }
    text
}

pub(crate) fn check(config: &str, files: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&render_all(&loaded(config, files).warnings));
}

const SPEC: &str = r#"{"id": "etcd", "boot": {"kernel": "/images/linux", "initrd": ["/images/a", "/images/b"],
  "cmdline": {"quiet": "", "n": 3, "bootwright.url": "{{ run.url }}", "config": "http://h/cloud?uuid=${uuid}"}},
  "cloud_id": "etcd.yaml", "ignition_id": "etcd.json"}"#;

#[test]
fn bootcfg_is_lowered_to_profiles_and_to_rules_in_the_order_in_which_it_looks() {
    let files = [
        (
            "machines/default/machine.json",
            r#"{"id": "default", "spec_id": "etcd"}"#,
        ),
        (
            "machines/52:54:00:89:D8:10/machine.json",
            r#"{"spec": {"id": "x", "boot": {"kernel": "/images/k", "cmdline": {"u": "{{ run.url }}"}}}}"#,
        ),
        (
            "machines/16E7D8A7-BFA9-428B-9117-363341BB330B/machine.json",
            r#"{"spec_id": "etcd"}"#,
        ),
        ("specs/etcd/spec.json", SPEC),
        ("cloud/etcd.yaml", "#cloud-config\nx: '{{ .Names }}'\n"),
        ("ignition/etcd.json", "{\"ignitionVersion\": 1}"),
    ];
    let loaded = loaded(BOOTCFG, &files);
    assert_eq!(
        render_all(&loaded.warnings)
            .lines()
            .filter(|line| line.starts_with("error"))
            .count(),
        0
    );
    expect![[r#"
        bootcfg-16e7d8a7-bfa9-428b-9117-363341bb330b [uuid=16e7d8a7-bfa9-428b-9117-363341bb330b] -> bootcfg-etcd
        bootcfg-52-54-00-89-d8-10 [mac=52:54:00:89:d8:10] -> bootcfg-52-54-00-89-d8-10
        bootcfg-default [] -> bootcfg-etcd
        bootcfg-52-54-00-89-d8-10: http://{{ server.address }}:8081/images/k [] ["u={{ run.url }}"] ["bootcfg.json"] Callback
        bootcfg-etcd: http://{{ server.address }}:8081/images/linux ["http://{{ server.address }}:8081/images/a", "http://{{ server.address }}:8081/images/b"] ["bootwright.url={{ run.url }}", "config=http://h/cloud?uuid={{ host.uuid }}", "n=3", "quiet"] ["bootcfg.json", "cloud-config", "ignition.json"] Callback
    "#]]
    .assert_eq(&shown(&loaded));
}

#[test]
fn bootcfg_of_december_2015_looks_for_script_and_cloud_config_apart() {
    let config = format!("{BOOTCFG}era = \"boot\"\ndone = \"config-served\"\n");
    let files = [
        ("boot/default", r#"{"kernel": "/images/all"}"#),
        ("boot/mac/52:54:00:89:d8:10", r#"{"kernel": "/images/one"}"#),
        ("cloud/default", "#cloud-config\n"),
        (
            "cloud/uuid/16e7d8a7-bfa9-428b-9117-363341bb330b",
            "#cloud-config\na: b\n",
        ),
    ];
    expect![[r#"
        bootcfg-16e7d8a7-bfa9-428b-9117-363341bb330b [uuid=16e7d8a7-bfa9-428b-9117-363341bb330b] -> bootcfg-16e7d8a7-bfa9-428b-9117-363341bb330b
        bootcfg-52-54-00-89-d8-10 [mac=52:54:00:89:d8:10] -> bootcfg-52-54-00-89-d8-10
        bootcfg-default [] -> bootcfg-default
        bootcfg-16e7d8a7-bfa9-428b-9117-363341bb330b: http://{{ server.address }}:8081/images/all [] [] ["bootcfg.json", "cloud-config"] ConfigServed("cloud-config")
        bootcfg-52-54-00-89-d8-10: http://{{ server.address }}:8081/images/one [] [] ["bootcfg.json", "cloud-config"] ConfigServed("cloud-config")
        bootcfg-default: http://{{ server.address }}:8081/images/all [] [] ["bootcfg.json", "cloud-config"] ConfigServed("cloud-config")
    "#]]
    .assert_eq(&shown(&loaded(&config, &files)));
}

#[test]
fn every_mistake_in_a_file_of_bootcfg_is_told_where_it_stands_and_nothing_else_is_lost() {
    let files = [
        (
            "machines/default/machine.json",
            r#"{"id": "default", "spec_id": "good"}"#,
        ),
        (
            "machines/52:54:00:00:00:01/machine.json",
            "{\n  \"id\": \"52:54:00:00:00:01\",\n  \"spec_id\": \"etdc\",\n}\n",
        ),
        (
            "machines/52:54:00:00:00:02/machine.json",
            r#"{"id": "52:54:00:00:00:20", "spec_id": "etdc"}"#,
        ),
        ("machines/52:54:00:00:00:03/machine.json", "{}"),
        (
            "machines/52:54:00:00:00:04/machine.json",
            "UNUSABLE it is larger than 1 MiB",
        ),
        ("machines/node1/machine.json", "{}"),
        (
            "specs/etcd/spec.json",
            r#"{"boot": {"kernal": "/images/linux"}, "cloud_id": "x.yml"}"#,
        ),
        (
            "specs/good/spec.json",
            r#"{"boot": {"kernel": "/images/linux", "initrd": 7}, "ignition_id": "x", "cluod_id": "y"}"#,
        ),
        (
            "specs/slip/spec.json",
            r#"{"boot": {"kernel": "/images/linux", "cmdline": {"u": "{{ run.ulr }}", "l": []}}}"#,
        ),
        ("cloud/x.yaml", "#cloud-config\n"),
        ("spec/old/spec.json", "{}"),
        ("52:54:00:00:00:05/machine.json", "{}"),
    ];
    let loaded = loaded(BOOTCFG, &files);
    assert_eq!(
        loaded.policy.rules.len(),
        1,
        "the machines without a mistake are there: {}",
        shown(&loaded)
    );
    check(
        BOOTCFG,
        &files,
        expect![[r#"
            warning: nothing is read from `52:54:00:00:00:05/`
             --> /srv/bootcfg/data/52:54:00:00:00:05/machine.json:1:1
              |
            1 | {}
              | ^
              |
              = help: it belongs to `machines/52:54:00:00:00:05/`

            error: not JSON: a comma stands before the end of a table
             --> /srv/bootcfg/data/machines/52:54:00:00:00:01/machine.json:4:1
              |
            4 | }
              | ^
              |
              = help: nothing else is affected; write it as JSON (RFC 8259)

            warning: its id is `52:54:00:00:00:20`, and the directory `52:54:00:00:00:02` is what counts
             --> /srv/bootcfg/data/machines/52:54:00:00:00:02/machine.json:1:8
              |
            1 | {"id": "52:54:00:00:00:20", "spec_id": "etdc"}
              |        ^^^^^^^^^^^^^^^^^^^
              |
              = help: give both the same name

            error: there is no good spec `etdc`
             --> /srv/bootcfg/data/machines/52:54:00:00:00:02/machine.json:1:40
              |
            1 | {"id": "52:54:00:00:00:20", "spec_id": "etdc"}
              |                                        ^^^^^^
              |
              = help: write `specs/etdc/spec.json`; until then the machine gets what is said for all others

            error: the machine has no spec
             --> /srv/bootcfg/data/machines/52:54:00:00:00:03/machine.json:1:1
              |
            1 | {}
              | ^^
              |
              = help: add `"spec_id": "…"`, or the spec itself under `spec`

            error: cannot be read: it is larger than 1 MiB
             --> /srv/bootcfg/data/machines/52:54:00:00:00:04/machine.json:1:1
              |
            1 |
              | ^
              |
              = help: it and what needs it is left out until that is mended

            warning: no machine is called `node1`
             --> /srv/bootcfg/data/machines/node1/machine.json:1:1
              |
            1 | {}
              | ^
              |
              = help: call the directory by a UUID, by a hardware address such as `52:54:00:ab:cd:ef`, or `default`

            warning: nothing is read from `spec/`
             --> /srv/bootcfg/data/spec/old/spec.json:1:1
              |
            1 | {}
              | ^
              |
              = help: it belongs to `specs/`

            error: `boot` has no kernel
             --> /srv/bootcfg/data/specs/etcd/spec.json:1:10
              |
            1 | {"boot": {"kernal": "/images/linux"}, "cloud_id": "x.yml"}
              |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: add `"kernel": "/images/…"`

            warning: `boot` has no key `kernal`
             --> /srv/bootcfg/data/specs/etcd/spec.json:1:11
              |
            1 | {"boot": {"kernal": "/images/linux"}, "cloud_id": "x.yml"}
              |           ^^^^^^^^
              |
              = help: did you mean `kernel`?

            warning: nothing in it can report that an install is done
             --> /srv/bootcfg/data/specs/good/spec.json:1:1
              |
            1 | {"boot": {"kernel": "/images/linux", "initrd": 7}, "ignition_id": "x", "cluod_id": "y"}
              | ^
              |
              = help: add `"bootwright.url": "{{ run.url }}"` to `cmdline` for the installer to call `done` below it, or set `done` in `[compat.bootcfg]`

            error: `boot.initrd` must be text, not a whole number
             --> /srv/bootcfg/data/specs/good/spec.json:1:48
              |
            1 | {"boot": {"kernel": "/images/linux", "initrd": 7}, "ignition_id": "x", "cluod_id": "y"}
              |                                                ^
              |
              = help: for example `"/images/coreos/initrd"`

            error: there is no file `ignition/x`
             --> /srv/bootcfg/data/specs/good/spec.json:1:67
              |
            1 | {"boot": {"kernel": "/images/linux", "initrd": 7}, "ignition_id": "x", "cluod_id": "y"}
              |                                                                   ^^^
              |
              = help: `ignition_id` is the name of a file below `ignition/`

            warning: `spec` has no key `cluod_id`
             --> /srv/bootcfg/data/specs/good/spec.json:1:72
              |
            1 | {"boot": {"kernel": "/images/linux", "initrd": 7}, "ignition_id": "x", "cluod_id": "y"}
              |                                                                        ^^^^^^^^^^
              |
              = help: did you mean `cloud_id`?

            error: cannot be booted: args[0]: `run.ulr` is not known in templates
             --> /srv/bootcfg/data/specs/slip/spec.json:1:1
              |
            1 | {"boot": {"kernel": "/images/linux", "cmdline": {"u": "{{ run.ulr }}", "l": []}}}
              | ^
              |
              = help: its words are templates: `{{ run.url }}` is where a run reports

            error: `boot.cmdline.l` must be text, not a list
             --> /srv/bootcfg/data/specs/slip/spec.json:1:77
              |
            1 | {"boot": {"kernel": "/images/linux", "cmdline": {"u": "{{ run.ulr }}", "l": []}}}
              |                                                                             ^^
              |
              = help: write `""` for a bare word

            9 errors, 7 warnings
        "#]],
    );
}

#[test]
fn what_is_wrong_with_the_section_is_told_at_its_key() {
    let config = "[compat.bootcfg]\nenabled = true\nera = \"2015\"\nconfigs = \"all\"\nlisten = \"8081\"\n[compat.matchbx]\n[compat.bootcgf]\n";
    let errors = load_with(&[source("config.toml", config)], &no_files, &|_| Ok(BTreeMap::new())).unwrap_err();
    expect![[r#"
        error: `compat.bootcfg` has no `data_dir`
         --> config.toml:1:9
          |
        1 | [compat.bootcfg]
          |         ^^^^^^^
          |
          = help: add the directory with its data, as its own server was given it

        error: `compat.bootcfg.era` cannot be `2015`
         --> config.toml:3:7
          |
        3 | era = "2015"
          |       ^^^^^^
          |
          = help: write one of `"machines"`, `"boot"`

        error: `compat.bootcfg.configs` cannot be `all`
         --> config.toml:4:11
          |
        4 | configs = "all"
          |           ^^^^^
          |
          = help: write one of `"run"`, `"anybody"`

        error: `compat.bootcfg.listen`: `8081` is no address to listen on
         --> config.toml:5:10
          |
        5 | listen = "8081"
          |          ^^^^^^
          |
          = help: write a port, as in `":8081"`, or an address and a port, as in `"10.0.0.1:8081"`

        error: there is no `compat.matchbx`
         --> config.toml:6:9
          |
        6 | [compat.matchbx]
          |         ^^^^^^^
          |
          = help: did you mean `compat.matchbox`?

        error: there is no `compat.bootcgf`
         --> config.toml:7:9
          |
        7 | [compat.bootcgf]
          |         ^^^^^^^
          |
          = help: did you mean `compat.bootcfg`?

        6 errors
    "#]]
    .assert_eq(&render_all(&errors));
}

#[test]
fn a_directory_that_cannot_be_read_and_routes_that_nobody_serves_are_told() {
    let config = "[compat.bootcfg]\nenabled = true\ndata_dir = \"/srv/data\"\nconfigs = \"anybody\"\n";
    let loaded = load_with(&[source("config.toml", config)], &no_files, &|_| {
        Err("no such directory".to_owned())
    });
    expect![[r#"
        warning: without `listen`, bootcfg's `/boot.ipxe`, `/ipxe`, `/images`, `/assets` are not served: the machine plane has routes of these names
         --> config.toml:1:9
          |
        1 | [compat.bootcfg]
          |         ^^^^^^^
          |
          = help: add `listen = ":8081"`, a port of its own

        warning: `/srv/data` cannot be read: no such directory
         --> config.toml:3:12
          |
        3 | data_dir = "/srv/data"
          |            ^^^^^^^^^^^
          |
          = help: nothing is known of bootcfg until it can be

        warning: documents are handed to anybody on the segment who asks for them
         --> config.toml:4:11
          |
        4 | configs = "anybody"
          |           ^^^^^^^^^
          |
          = help: `configs = "run"` keeps them for machines whose run is under way

        3 warnings
    "#]].assert_eq(&render_all(&loaded.expect("it can be used").warnings));
}

#[test]
fn rules_and_hosts_of_the_operator_may_name_what_a_directory_brings() {
    let config = format!(
        "{BOOTCFG}[[rules]]\nname = \"r\"\nwhen = {{ product = \"x*\" }}\nprofile = \"bootcfg-etcd\"\n\
         [hosts.oak]\nmac = \"52:54:00:00:00:09\"\nprofile = \"bootcfg-etcd\"\n"
    );
    let loaded = loaded(&config, &[("specs/etcd/spec.json", SPEC)]);
    assert_eq!(loaded.policy.rules.len(), 1);
    assert_eq!(loaded.policy.profiles.len(), 1);
}

/// A file's name says nothing: the operator's profile is the operator's, whatever its documents are called.
#[test]
fn what_was_made_from_a_directory_says_so_and_nothing_else_does() {
    let config = format!(
        "{BOOTCFG}[profiles.own]\nkernel = \"/k\"\n[profiles.own.files.\"bootcfg.json\"]\ntext = \"{{}}\"\n\
         [profiles.own.files.\"host.tmpl\"]\ntext = \"#!ipxe\"\n\
         [[rules]]\nname = \"bootcfg-mine\"\nwhen = {{ product = \"x*\" }}\nprofile = \"own\"\n"
    );
    let files = [
        ("specs/etcd/spec.json", SPEC),
        (
            "machines/default/machine.json",
            "{\"id\": \"default\", \"spec_id\": \"etcd\"}",
        ),
    ];
    let policy = loaded(&config, &files).policy;
    let rules: Vec<_> = policy
        .rules
        .iter()
        .map(|rule| (rule.name.as_str(), rule.source))
        .collect();
    assert_eq!(
        rules,
        [("bootcfg-mine", None), ("bootcfg-default", Some(Dialect::Bootcfg))]
    );
    let profiles: Vec<_> = policy
        .profiles
        .values()
        .map(|profile| (profile.name.as_str(), profile.source))
        .collect();
    assert_eq!(profiles, [("bootcfg-etcd", Some(Dialect::Bootcfg)), ("own", None)]);
}

#[test]
fn an_image_of_kiwispray_is_a_profile_and_its_mistakes_are_its_own() {
    let config = "[compat.kiwispray]\nenabled = true\nlisten = \":5000\"\ndata_dir = \"/srv/ks\"\n";
    let files = [
        (
            "images/leap/host.tmpl",
            "#!ipxe\nset BASE http://@SERVER_IP@:@SERVER_PORT@/images/@state@\n\
             kernel ${BASE}/pxeboot.kernel initrd=x BOOTIF=01-${mac:hexhyp} u=@bootid@ || goto error\ninitrd ${BASE}/pxeboot.initrd.xz\nboot\n",
        ),
        ("images/odd/host.tmpl", "kernel x\n"),
        ("images/half/post_install.tmpl", "true\n"),
        ("templates/post_install.tmpl", "echo @metadata.rack@ @what@\n"),
    ];
    let loaded = loaded(config, &files);
    expect![[r#"
        kiwispray-leap: http://{{ server.address }}:5000/images/leap/pxeboot.kernel ["http://{{ server.address }}:5000/images/leap/pxeboot.initrd.xz"] ["BOOTIF=01-{{ host.mac_hyphens }}", "u={{ run.token }}"] ["host.tmpl", "post_install.tmpl"] Callback
    "#]].assert_eq(&shown(&loaded));
    check(
        config,
        &files,
        expect![[r#"
            warning: there is no `host.tmpl` beside it
             --> /srv/ks/images/half/post_install.tmpl:1:1
              |
            1 | true
              | ^
              |
              = help: without one the image is not booted

            error: this is no script of iPXE
             --> /srv/ks/images/odd/host.tmpl:1:1
              |
            1 | kernel x
              | ^
              |
              = help: begin it with the line `#!ipxe`

            warning: `@what@` stays as it is
             --> /srv/ks/templates/post_install.tmpl:1:22
              |
            1 | echo @metadata.rack@ @what@
              |                      ^^^^^^
              |
              = help: known are SERVER_IP, SERVER_PORT, HOST, HOST_DATA, id, hostname, state, macs, serial, uuid, bootid, metadata and metadata.<key>

            1 error, 2 warnings
        "#]],
    );
}
