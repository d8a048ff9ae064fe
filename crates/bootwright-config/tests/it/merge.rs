//! Several files as one configuration.

use bootwright_config::{load, render_all};
use bootwright_core::Unknown;
use expect_test::expect;

use crate::{no_files, said_of, source};

const PROFILE: &str = "[profiles.debian]\nkernel = \"/images/linux\"\ndone = \"manual\"\n";

#[test]
fn hosts_profiles_and_rules_of_all_files_add_up() {
    let sources = [
        source("config.toml", PROFILE),
        source(
            "conf.d/10-rack-1.toml",
            "[hosts.oak-1]\nserial = \"AAA1\"\nprofile = \"debian\"\n[[rules]]\nname = \"one\"\nprofile = \"debian\"\nwhen = { serial = \"A*\" }\n",
        ),
        source(
            "conf.d/20-rack-2.toml",
            "[hosts.oak-2]\nserial = \"BBB2\"\n[[rules]]\nname = \"another\"\nprofile = \"debian\"\nwhen = { serial = \"B*\" }\n",
        ),
    ];
    let loaded = load(&sources, &no_files).unwrap_or_else(|errors| panic!("{}", render_all(&errors)));
    let hosts: Vec<&str> = loaded.policy.hosts.keys().map(|host| host.as_str()).collect();
    assert_eq!(hosts, ["oak-1", "oak-2"]);
    let rules: Vec<&str> = loaded.policy.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(rules, ["one", "another"]);
}

#[test]
fn a_setting_of_a_later_file_replaces_that_of_an_earlier_one_and_no_other() {
    let sources = [
        source(
            "config.toml",
            "[safety]\nunknown = \"ignore\"\nmax_attempts = 5\n[dhcp.arch]\nbios = \"a.kpxe\"\n",
        ),
        source(
            "conf.d/10.toml",
            "[safety]\nunknown = \"local\"\n[dhcp.arch]\nefi64 = \"b.efi\"\n",
        ),
    ];
    let policy = load(&sources, &no_files)
        .unwrap_or_else(|errors| panic!("{}", render_all(&errors)))
        .policy;
    assert_eq!(policy.safety.unknown, Unknown::Local);
    assert_eq!(policy.safety.max_attempts, 5);
    let files: Vec<&str> = policy.first_files.values().map(String::as_str).collect();
    assert!(files.contains(&"a.kpxe") && files.contains(&"b.efi"), "{files:?}");
}

#[test]
fn a_name_given_in_two_files_is_shown_in_both() {
    let said = said_of(&[
        source("config.toml", "[hosts.oak-1]\nserial = \"AAA1\"\n"),
        source("conf.d/10.toml", "\n\n[hosts.oak-1]\nserial = \"AAA2\"\n"),
    ]);
    expect![[r#"
        error: `hosts.oak-1` is given twice
         --> conf.d/10.toml:3:8
          |
        3 | [hosts.oak-1]
          |        ^^^^^
          |
         ::: config.toml:1:8
          |
        1 | [hosts.oak-1]
          |        ----- it is given here first
          |
          = help: rename one of them, or put both into one table

        1 error
    "#]]
    .assert_eq(&said);
}

#[test]
fn two_hosts_of_two_files_with_one_address_are_shown_in_both() {
    let said = said_of(&[
        source("config.toml", "[hosts.oak-1]\nmac = \"00:1b:21:00:00:01\"\n"),
        source("conf.d/10.toml", "[hosts.ash-1]\nmac = \"00:1b:21:00:00:01\"\n"),
    ]);
    expect![[r#"
        error: hardware address `00:1b:21:00:00:01` belongs to host `ash-1` already
         --> config.toml:2:7
          |
        2 | mac = "00:1b:21:00:00:01"
          |       ^^^^^^^^^^^^^^^^^^^
          |
         ::: conf.d/10.toml:2:7
          |
        2 | mac = "00:1b:21:00:00:01"
          |       ------------------- it is given here first
          |
          = help: give each machine its own

        1 error
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_misshapen_file_hides_the_meaning_of_the_others() {
    let said = said_of(&[
        source("config.toml", "[hosts.oak-1]\nprofile = \"debian\"\n"),
        source("conf.d/10.toml", "[profiles.debian\n"),
        source("conf.d/20.toml", "[profiles.flatcar]\nkernel = \"/k\n"),
    ]);
    expect![[r#"
        error: not TOML: unclosed table, expected `]`
         --> conf.d/10.toml:1:17
          |
        1 | [profiles.debian
          |                 ^

        error: not TOML: invalid basic string, expected `"`
         --> conf.d/20.toml:2:13
          |
        2 | kernel = "/k
          |             ^

        2 errors
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_table_in_one_file_and_a_list_in_the_other() {
    let said = said_of(&[
        source("config.toml", "[[rules]]\nname = \"a\"\nprofile = \"debian\"\n"),
        source("conf.d/10.toml", "[rules]\nname = \"a\"\n"),
    ]);
    expect![[r#"
        error: `rules[0].profile`: there is no profile `debian`
         --> config.toml:3:11
          |
        3 | profile = "debian"
          |           ^^^^^^^^
          |
          = help: write a section `[profiles.debian]`

        error: `rules` is a table here and a list in another file
         --> conf.d/10.toml:1:2
          |
        1 | [rules]
          |  ^^^^^
          |
         ::: config.toml:1:3
          |
        1 | [[rules]]
          |   ----- the other file

        2 errors
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_file_is_looked_for_beside_the_one_that_names_it() {
    let text = format!("{PROFILE}[profiles.debian.files]\na = {{ file = \"files/a\" }}\nb = {{ file = \"/srv/b\" }}\n");
    let read = |path: &str| match path {
        "/etc/bootwright/conf.d/files/a" => Ok("here".to_owned()),
        "/srv/b" => Ok("there".to_owned()),
        _ => Err(format!("asked for {path}")),
    };
    let sources = [source("/etc/bootwright/conf.d/10.toml", &text)];
    let policy = load(&sources, &read)
        .unwrap_or_else(|errors| panic!("{}", render_all(&errors)))
        .policy;
    let files = &policy.profiles["debian"].files;
    assert_eq!(
        (files["a"].template.as_str(), files["b"].template.as_str()),
        ("here", "there")
    );
    assert_eq!(files["a"].origin, "/etc/bootwright/conf.d/files/a");
}

#[test]
fn a_mistake_in_a_file_of_its_own_is_shown_there() {
    let text = format!("{PROFILE}[profiles.debian.files]\n\"preseed.cfg\" = {{ file = \"preseed.cfg\" }}\n");
    let read = |_: &str| Ok("d-i clock-setup/utc boolean true\nd-i netcfg/hostname string {{ host.nam }}\n".to_owned());
    let errors = load(&[source("config/config.toml", &text)], &read)
        .map(drop)
        .expect_err("the name is unknown");
    expect![[r#"
        error: `profiles.debian.files."preseed.cfg"`: `host.nam` is not known in templates
         --> config/preseed.cfg:2:31
          |
        2 | d-i netcfg/hostname string {{ host.nam }}
          |                               ^^^^^^^^
          |
          = help: did you mean `host.name`?

        1 error
    "#]]
    .assert_eq(&render_all(&errors));
}
