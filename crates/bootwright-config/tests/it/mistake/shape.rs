//! Files that are not TOML, values of the wrong kind, unknown keys.

use expect_test::expect;

use crate::check;

#[test]
fn a_file_that_is_no_toml_gives_one_error() {
    check(
        r#"[server]
http = ":8080
base_url = auto
"#,
        expect![[r#"
            error: not TOML: invalid basic string, expected `"`
             --> config.toml:2:14
              |
            2 | http = ":8080
              |              ^

            1 error
        "#]],
    );
}

#[test]
fn a_key_given_twice_in_one_table() {
    check(
        r#"[server]
http = ":80"
http = ":81"
"#,
        expect![[r#"
            error: not TOML: duplicate key
             --> config.toml:3:1
              |
            3 | http = ":81"
              | ^^^^

            1 error
        "#]],
    );
}

#[test]
fn an_unclosed_table_header() {
    check(
        r#"[server
http = ":80"
"#,
        expect![[r#"
            error: not TOML: unclosed table, expected `]`
             --> config.toml:1:8
              |
            1 | [server
              |        ^

            1 error
        "#]],
    );
}

#[test]
fn a_misspelt_section() {
    check(
        r#"[saftey]
unknown = "local"
"#,
        expect![[r#"
            error: unknown key `saftey`
             --> config.toml:1:2
              |
            1 | [saftey]
              |  ^^^^^^
              |
              = help: did you mean `safety`?

            1 error
        "#]],
    );
}

#[test]
fn a_section_that_resembles_nothing() {
    check(
        r#"[kubernetes]
x = 1
"#,
        expect![[r#"
            error: unknown key `kubernetes`
             --> config.toml:1:2
              |
            1 | [kubernetes]
              |  ^^^^^^^^^^
              |
              = help: known are `server`, `control`, `dhcp`, `ipv6`, `tftp`, `store`, `safety`, `secrets`, `naming`, `profiles`, `hosts`, `rules`, `images`, `compat`, `webhooks`

            1 error
        "#]],
    );
}

#[test]
fn a_misspelt_key() {
    check(
        r#"[safety]
max_attemps = 3
"#,
        expect![[r#"
            error: unknown key `max_attemps` in `safety`
             --> config.toml:2:1
              |
            2 | max_attemps = 3
              | ^^^^^^^^^^^
              |
              = help: did you mean `max_attempts`?

            1 error
        "#]],
    );
}

#[test]
fn a_key_with_a_hyphen_for_an_underscore() {
    check(
        r#"[server]
base-url = "auto"
"#,
        expect![[r#"
            error: unknown key `base-url` in `server`
             --> config.toml:2:1
              |
            2 | base-url = "auto"
              | ^^^^^^^^
              |
              = help: did you mean `base_url`?

            1 error
        "#]],
    );
}

#[test]
fn a_key_that_resembles_nothing() {
    check(
        r#"[tftp]
port = 69
"#,
        expect![[r#"
            error: unknown key `port` in `tftp`
             --> config.toml:2:1
              |
            2 | port = 69
              | ^^^^
              |
              = help: known are `max_blksize`, `max_windowsize`, `strict`, `root`, `raspberry_pi`

            1 error
        "#]],
    );
}

#[test]
fn a_key_outside_any_section() {
    check(
        r#"http = ":8080"
"#,
        expect![[r#"
            error: unknown key `http`
             --> config.toml:1:1
              |
            1 | http = ":8080"
              | ^^^^
              |
              = help: it belongs below `[server]`

            1 error
        "#]],
    );
}

#[test]
fn a_section_that_is_no_table() {
    check(
        r#"server = "eth1"
"#,
        expect![[r#"
            error: `server` must be a table, not text
             --> config.toml:1:10
              |
            1 | server = "eth1"
              |          ^^^^^^
              |
              = help: write `[server]` and its keys below

            1 error
        "#]],
    );
}

#[test]
fn text_where_a_number_belongs() {
    check(
        r#"[safety]
max_attempts = "2"
"#,
        expect![[r#"
            error: `safety.max_attempts` must be a whole number, not text
             --> config.toml:2:16
              |
            2 | max_attempts = "2"
              |                ^^^
              |
              = help: for example `1`

            1 error
        "#]],
    );
}

#[test]
fn a_number_where_text_belongs() {
    check(
        r#"[server]
http = 8080
"#,
        expect![[r#"
            error: `server.http` must be text, not a whole number
             --> config.toml:2:8
              |
            2 | http = 8080
              |        ^^^^
              |
              = help: for example `":8080"`

            1 error
        "#]],
    );
}

#[test]
fn text_where_a_truth_belongs() {
    check(
        r#"[tftp]
strict = "yes"
"#,
        expect![[r#"
            error: `tftp.strict` must be true or false, not text
             --> config.toml:2:10
              |
            2 | strict = "yes"
              |          ^^^^^
              |
              = help: for example `true`

            1 error
        "#]],
    );
}

#[test]
fn a_number_that_is_too_large() {
    check(
        r#"[tftp]
max_blksize = 70000
"#,
        expect![[r#"
            error: `tftp.max_blksize` must be between 512 and 65464
             --> config.toml:2:15
              |
            2 | max_blksize = 70000
              |               ^^^^^

            1 error
        "#]],
    );
}

#[test]
fn a_number_that_fits_no_computer() {
    check(
        r#"[safety]
max_attempts = 99999999999999999999999999
"#,
        expect![[r#"
            error: `safety.max_attempts` must be between 1 and 4294967295
             --> config.toml:2:16
              |
            2 | max_attempts = 99999999999999999999999999
              |                ^^^^^^^^^^^^^^^^^^^^^^^^^^

            1 error
        "#]],
    );
}

#[test]
fn a_negative_number() {
    check(
        r#"[safety]
max_concurrent = -1
"#,
        expect![[r#"
            error: `safety.max_concurrent` must be between 1 and 4294967295
             --> config.toml:2:18
              |
            2 | max_concurrent = -1
              |                  ^^

            1 error
        "#]],
    );
}

#[test]
fn all_mistakes_are_told_at_once() {
    check(
        r#"[server]
http = ":0"
[dhcp]
mode = "proxi"
[safety]
wipe = "never"
arm_ttl = 24
"#,
        expect![[r#"
            error: `server.http`: `:0` is no address to listen on
             --> config.toml:2:8
              |
            2 | http = ":0"
              |        ^^^^
              |
              = help: write a port, as in `":8080"`, or an address and a port, as in `"10.0.0.1:8080"`

            error: `dhcp.mode` cannot be `proxi`
             --> config.toml:4:8
              |
            4 | mode = "proxi"
              |        ^^^^^^^
              |
              = help: did you mean `"proxy"`?

            error: `safety.wipe` cannot be `never`
             --> config.toml:6:8
              |
            6 | wipe = "never"
              |        ^^^^^^^
              |
              = help: write one of `"empty-only"`, `"always"`

            error: `safety.arm_ttl` must be a span of time, not a whole number
             --> config.toml:7:11
              |
            7 | arm_ttl = 24
              |           ^^
              |
              = help: write a number and its unit (`s`, `m`, `h` or `d`), as in `"24h"`

            4 errors
        "#]],
    );
}

#[test]
fn a_system_whose_place_is_not_taken_is_told() {
    check(
        r#"[compat.cobbler]
enabled = true
"#,
        expect![[r#"
            error: there is no `compat.cobbler`
             --> config.toml:1:9
              |
            1 | [compat.cobbler]
              |         ^^^^^^^
              |
              = help: known are `bootcfg`, `matchbox`, `flatcar`, `kiwispray`, `dynamic-ignition`, `pixiecore`

            1 error
        "#]],
    );
}

#[test]
fn every_mistake_of_all_files_is_told_in_one_go() {
    use std::fmt::Write as _;

    let file = |name: &str, keys: std::ops::Range<u32>| {
        let mut text = "[safety]\n".to_owned();
        for key in keys {
            let _ = writeln!(text, "key-{key} = true");
        }
        crate::source(name, &text)
    };
    let said = crate::said_of(&[file("config.toml", 0..150), file("conf.d/10-more.toml", 150..300)]);
    for key in 0..300 {
        let (file, line) = match key {
            0..150 => ("config.toml", key + 2),
            _ => ("conf.d/10-more.toml", key - 150 + 2),
        };
        assert!(said.contains(&format!(" --> {file}:{line}:1\n")), "{key}:\n{said}");
    }
    assert!(said.ends_with("\n300 errors\n"), "{said}");
}
