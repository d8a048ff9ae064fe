//! Mistakes in `[profiles]`.

use expect_test::expect;

use crate::check;

#[test]
fn a_profile_without_a_kernel() {
    check(
        r#"[profiles.debian]
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian` has no kernel
             --> config.toml:1:11
              |
            1 | [profiles.debian]
              |           ^^^^^^
              |
              = help: add `kernel = "/images/…"`, a file below `images/` in the data directory, or a URL

            1 error
        "#]],
    );
}

#[test]
fn a_name_that_is_none() {
    check(
        r#"[profiles.Debian_13]
kernel = "/images/linux"
done = "manual"
"#,
        expect![[r#"
            error: `Debian_13` is not a name: expected up to 63 of the characters `a-z`, `0-9` and `-`, the first no hyphen
             --> config.toml:1:11
              |
            1 | [profiles.Debian_13]
              |           ^^^^^^^^^

            1 error
        "#]],
    );
}

#[test]
fn a_misspelt_key_of_a_profile() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
initrd = ["/images/initrd.gz"]
done = "manual"
"#,
        expect![[r#"
            error: unknown key `initrd` in `profiles.debian`
             --> config.toml:3:1
              |
            3 | initrd = ["/images/initrd.gz"]
              | ^^^^^^
              |
              = help: did you mean `initrds`?

            1 error
        "#]],
    );
}

#[test]
fn an_initrd_without_a_source() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
initrds = [{ target = "/preseed.cfg" }]
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.initrds` has no source
             --> config.toml:3:12
              |
            3 | initrds = [{ target = "/preseed.cfg" }]
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write `{ source = "…", target = "/…" }`

            1 error
        "#]],
    );
}

#[test]
fn an_initrd_whose_target_is_relative() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
initrds = [{ source = "/assets/x", target = "preseed.cfg" }]
done = "manual"
"#,
        expect![[r#"
            error: `preseed.cfg` is no path in an initial ramdisk
             --> config.toml:3:45
              |
            3 | initrds = [{ source = "/assets/x", target = "preseed.cfg" }]
              |                                             ^^^^^^^^^^^^^
              |
              = help: begin it with `/`, without spaces

            1 error
        "#]],
    );
}

#[test]
fn an_initrd_that_is_a_number() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
initrds = [7]
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.initrds` must be text or a table, not a whole number
             --> config.toml:3:12
              |
            3 | initrds = [7]
              |            ^
              |
              = help: for example `"/images/debian/initrd.gz"`

            1 error
        "#]],
    );
}

#[test]
fn a_file_that_cannot_be_read() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "url={{ run.url }}/preseed.cfg"
[profiles.debian.files]
"preseed.cfg" = { file = "preseed.cgf" }
"#,
        expect![[r#"
            error: `profiles.debian.files."preseed.cfg"`: cannot read `preseed.cgf`: no such file
             --> config.toml:5:26
              |
            5 | "preseed.cfg" = { file = "preseed.cgf" }
              |                          ^^^^^^^^^^^^^
              |
              = help: the path is relative to the file that names it

            1 error
        "#]],
    );
}

#[test]
fn a_file_given_in_two_ways() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "url={{ run.url }}/preseed.cfg"
[profiles.debian.files]
"preseed.cfg" = { file = "a", text = "b" }
"#,
        expect![[r#"
            error: `profiles.debian.files."preseed.cfg"` needs `file` or `text`, and not both
             --> config.toml:5:17
              |
            5 | "preseed.cfg" = { file = "a", text = "b" }
              |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: for example `{ file = "preseed.cfg" }`

            1 error
        "#]],
    );
}

#[test]
fn a_file_with_the_key_that_others_use() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "url={{ run.url }}/preseed.cfg"
[profiles.debian.files]
"preseed.cfg" = { path = "preseed.cfg" }
"#,
        expect![[r#"
            error: `profiles.debian.files."preseed.cfg"` needs `file` or `text`, and not both
             --> config.toml:5:17
              |
            5 | "preseed.cfg" = { path = "preseed.cfg" }
              |                 ^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: for example `{ file = "preseed.cfg" }`

            error: unknown key `path` in `profiles.debian.files."preseed.cfg"`
             --> config.toml:5:19
              |
            5 | "preseed.cfg" = { path = "preseed.cfg" }
              |                   ^^^^
              |
              = help: known are `text`, `file`, `add`

            2 errors
        "#]],
    );
}

#[test]
fn additions_that_there_are_not_or_that_are_for_other_files() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "url={{ run.url }}/preseed.cfg"
[profiles.debian.files]
"preseed.cfg" = { text = "a", add = ["hostname"] }
"a.ign" = { text = '{"ignition": {"version": "3.3.0"}}', add = "host-name" }
"b.ign" = { text = '{"ignition": {"version": "2.3.0"}}', add = ["hostname"] }
"#,
        expect![[r#"
            error: `profiles.debian.files."preseed.cfg".add` is for Ignition, which this file is not
             --> config.toml:5:1
              |
            5 | "preseed.cfg" = { text = "a", add = ["hostname"] }
              | ^^^^^^^^^^^^^
              |
              = help: name it `….ign`, or write what is missing into its template

            error: `profiles.debian.files."a.ign".add` cannot be `host-name`
             --> config.toml:6:64
              |
            6 | "a.ign" = { text = '{"ignition": {"version": "3.3.0"}}', add = "host-name" }
              |                                                                ^^^^^^^^^^^
              |
              = help: did you mean `"hostname"`?

            error: `profiles.debian.files."b.ign"`: only configurations of version 3 can be merged
             --> config.toml:7:20
              |
            7 | "b.ign" = { text = '{"ignition": {"version": "2.3.0"}}', add = ["hostname"] }
              |                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

            3 errors
        "#]],
    );
}

#[test]
fn a_file_with_the_name_of_a_report() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "url={{ run.url }}/done"
[profiles.debian.files]
done = "x"
"#,
        expect![[r#"
            error: `done` cannot be the name of a file
             --> config.toml:5:1
              |
            5 | done = "x"
              | ^^^^
              |
              = help: a run has a report route of this name

            1 error
        "#]],
    );
}

#[test]
fn a_file_whose_name_is_a_path() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "url={{ run.url }}/x"
[profiles.debian.files]
"../x" = "x"
"#,
        expect![[r#"
            error: `../x` cannot be the name of a file
             --> config.toml:5:1
              |
            5 | "../x" = "x"
              | ^^^^^^
              |
              = help: use letters, digits, `.`, `-` and `_`, not beginning with a point

            1 error
        "#]],
    );
}

#[test]
fn a_trigger_that_is_none() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "calback"
"#,
        expect![[r#"
            error: `profiles.debian.done` cannot be `calback`
             --> config.toml:3:8
              |
            3 | done = "calback"
              |        ^^^^^^^^^
              |
              = help: did you mean `"callback"`?

            1 error
        "#]],
    );
}

#[test]
fn a_trigger_that_does_not_say_which() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "config-served"
"#,
        expect![[r#"
            error: `profiles.debian.done` does not say which
             --> config.toml:3:8
              |
            3 | done = "config-served"
              |        ^^^^^^^^^^^^^^^
              |
              = help: write `{ config-served = "…" }` with the name of a file or the path of an artefact

            1 error
        "#]],
    );
}

#[test]
fn a_trigger_for_a_file_that_is_not_there() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "url={{ run.url }}/user-data"
done = { config-served = "userdata" }
[profiles.debian.files]
user-data = '#!/bin/sh'
"#,
        expect![[r#"
            error: `profiles.debian.done`: the profile has no file `userdata`
             --> config.toml:4:26
              |
            4 | done = { config-served = "userdata" }
              |                          ^^^^^^^^^^
              |
              = help: did you mean `user-data`?

            1 error
        "#]],
    );
}

#[test]
fn a_trigger_for_an_artefact_without_a_path() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = { last-artifact = "linux" }
"#,
        expect![[r#"
            error: `profiles.debian.done`: `linux` is no path on this server
             --> config.toml:3:26
              |
            3 | done = { last-artifact = "linux" }
              |                          ^^^^^^^
              |
              = help: begin it with `/images/` or `/assets/`

            1 error
        "#]],
    );
}

#[test]
fn nobody_can_call_done() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "quiet"
"#,
        expect![[r#"
            warning: nothing in `profiles.debian` can report that it is done
             --> config.toml:1:11
              |
            1 | [profiles.debian]
              |           ^^^^^^
              |
              = help: hand `{{ run.url }}` to the installer, which calls `done` below it, or set `done` to another trigger

            1 warning
        "#]],
    );
}

#[test]
fn a_confirmation_by_nobody_known() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
confirm = "operator"
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.confirm` cannot be `operator`
             --> config.toml:3:11
              |
            3 | confirm = "operator"
              |           ^^^^^^^^^^
              |
              = help: write one of `"dashboard"`, `"console"`, `"none"`

            1 error
        "#]],
    );
}

#[test]
fn a_stage_that_is_none() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
stages = { initrd = "2m" }
done = "manual"
"#,
        expect![[r#"
            error: unknown key `initrd` in `profiles.debian.stages`
             --> config.toml:3:12
              |
            3 | stages = { initrd = "2m" }
              |            ^^^^^^
              |
              = help: known are `kernel`, `config`, `done`

            1 error
        "#]],
    );
}

#[test]
fn a_deadline_in_words() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
deadline = "six hours"
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.deadline` is no span of time
             --> config.toml:3:12
              |
            3 | deadline = "six hours"
              |            ^^^^^^^^^^^
              |
              = help: write a number and its unit (`s`, `m`, `h` or `d`), as in `"6h"`

            1 error
        "#]],
    );
}

#[test]
fn a_document_that_is_wrong_beside_one_that_differs_from_host_to_host() {
    check(
        r#"[profiles.p]
kernel = "/images/k"
done = "manual"
args = "x={{ run.url }} rack={{ label.rack }}"
[profiles.p.files]
"a.txt" = "{{ metadata.role }}"
"b.json" = "{"
"#,
        expect![[r#"
            error: `profiles.p.files."b.json"`: the text is no JSON: EOF while parsing an object
             --> config.toml:7:13
              |
            7 | "b.json" = "{"
              |             ^
              |
              = help: the line is `{`

            1 error
        "#]],
    );
}
