//! Mistakes in `[safety]`.

use expect_test::expect;

use crate::check;

#[test]
fn installing_unknown_machines_has_to_be_confirmed() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[safety]
unknown = { install = "debian" }
"#,
        expect![[r#"
            error: this overwrites the disk of every machine that nobody knows
             --> config.toml:5:11
              |
            5 | unknown = { install = "debian" }
              |           ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: if that is what you want, add `i_understand_this_wipes = true` to `[safety]`

            1 error
        "#]],
    );
}

#[test]
fn installing_unknown_machines_is_a_warning_once_confirmed() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[safety]
unknown = { install = "debian" }
i_understand_this_wipes = true
"#,
        expect![[r#"
            warning: every machine that nobody knows is installed with `debian`, which overwrites its disk
             --> config.toml:5:11
              |
            5 | unknown = { install = "debian" }
              |           ^^^^^^^^^^^^^^^^^^^^^^

            1 warning
        "#]],
    );
}

#[test]
fn installing_unknown_machines_with_a_misspelt_profile() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[safety]
unknown = { install = "debain" }
i_understand_this_wipes = true
"#,
        expect![[r#"
            error: `safety.unknown.install`: there is no profile `debain`
             --> config.toml:5:23
              |
            5 | unknown = { install = "debain" }
              |                       ^^^^^^^^
              |
              = help: did you mean `debian`?

            1 error
        "#]],
    );
}

#[test]
fn install_without_a_profile() {
    check(
        r#"[safety]
unknown = "install"
"#,
        expect![[r#"
            error: `safety.unknown` does not say what to install
             --> config.toml:2:11
              |
            2 | unknown = "install"
              |           ^^^^^^^^^
              |
              = help: write `unknown = { install = "<profile>" }`

            1 error
        "#]],
    );
}

#[test]
fn install_with_an_empty_table() {
    check(
        r#"[safety]
unknown = {}
"#,
        expect![[r#"
            error: `safety.unknown` does not say what to install
             --> config.toml:2:11
              |
            2 | unknown = {}
              |           ^^
              |
              = help: write `unknown = { install = "<profile>" }`

            1 error
        "#]],
    );
}

#[test]
fn a_misspelt_policy() {
    check(
        r#"[safety]
unknown = "lokal"
"#,
        expect![[r#"
            error: `safety.unknown` cannot be `lokal`
             --> config.toml:2:11
              |
            2 | unknown = "lokal"
              |           ^^^^^^^
              |
              = help: did you mean `"local"`?

            1 error
        "#]],
    );
}

#[test]
fn a_policy_that_is_a_number() {
    check(
        r#"[safety]
unknown = 0
"#,
        expect![[r#"
            error: `safety.unknown` must be text or a table, not a whole number
             --> config.toml:2:11
              |
            2 | unknown = 0
              |           ^
              |
              = help: write one of `"hold"`, `"local"`, `"ignore"`, or `{ install = "<profile>" }`

            1 error
        "#]],
    );
}

#[test]
fn a_span_without_a_unit() {
    check(
        r#"[safety]
arm_ttl = 24
"#,
        expect![[r#"
            error: `safety.arm_ttl` must be a span of time, not a whole number
             --> config.toml:2:11
              |
            2 | arm_ttl = 24
              |           ^^
              |
              = help: write a number and its unit (`s`, `m`, `h` or `d`), as in `"24h"`

            1 error
        "#]],
    );
}

#[test]
fn a_span_in_words() {
    check(
        r#"[safety]
protect_after = "one day"
"#,
        expect![[r#"
            error: `safety.protect_after` is no span of time
             --> config.toml:2:17
              |
            2 | protect_after = "one day"
              |                 ^^^^^^^^^
              |
              = help: write a number and its unit (`s`, `m`, `h` or `d`), as in `"24h"`

            1 error
        "#]],
    );
}

#[test]
fn an_arming_that_lasts_no_time() {
    check(
        r#"[safety]
arm_ttl = "0s"
"#,
        expect![[r#"
            error: `safety.arm_ttl` must be longer than nothing
             --> config.toml:2:11
              |
            2 | arm_ttl = "0s"
              |           ^^^^

            1 error
        "#]],
    );
}

#[test]
fn an_arming_that_lasts_for_ever() {
    check(
        r#"[safety]
arm_ttl = "off"
"#,
        expect![[r#"
            error: `safety.arm_ttl` is no span of time
             --> config.toml:2:11
              |
            2 | arm_ttl = "off"
              |           ^^^^^
              |
              = help: write a number and its unit (`s`, `m`, `h` or `d`), as in `"24h"`

            1 error
        "#]],
    );
}

#[test]
fn no_attempt_at_all() {
    check(
        r#"[safety]
max_attempts = 0
"#,
        expect![[r#"
            error: `safety.max_attempts` must be between 1 and 4294967295
             --> config.toml:2:16
              |
            2 | max_attempts = 0
              |                ^

            1 error
        "#]],
    );
}

#[test]
fn overwriting_any_disk_is_a_warning() {
    check(
        r#"[safety]
wipe = "always"
"#,
        expect![[r#"
            warning: installers may overwrite disks that are not empty
             --> config.toml:2:8
              |
            2 | wipe = "always"
              |        ^^^^^^^^
              |
              = help: with `"empty-only"`, `bootwright host arm HOST --allow-wipe SERIAL` allows one disk

            1 warning
        "#]],
    );
}

#[test]
fn threat_04_where_no_document_may_leave_by_http_a_profile_that_has_some_is_an_error() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[profiles.debian.files]
"preseed.cfg" = "d-i passwd/root-password password secret"
[profiles.rescue]
kernel = "/images/rescue"
done = "manual"
[safety]
documents_over_http = false
"#,
        expect![[r#"
            error: profile `debian` has files, which only plain HTTP could bring
              --> config.toml:10:23
               |
            10 | documents_over_http = false
               |                       ^^^^^
               |
               = help: put what its installer needs into the image, or take `documents_over_http` away

            1 error
        "#]],
    );
}
