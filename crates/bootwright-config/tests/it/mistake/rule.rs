//! Mistakes in `[[rules]]`.

use expect_test::expect;

use crate::check;

#[test]
fn a_rule_with_one_pair_of_brackets() {
    check(
        r#"[rules]
name = "all"
profile = "debian"
"#,
        expect![[r#"
            error: `rules` must be a list of tables, not a table
             --> config.toml:1:2
              |
            1 | [rules]
              |  ^^^^^
              |
              = help: write `[[rules]]` with two brackets, once for each rule

            1 error
        "#]],
    );
}

#[test]
fn a_rule_without_a_name() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
profile = "debian"
"#,
        expect![[r#"
            error: `rules[0]` has no name
             --> config.toml:4:1
              |
            4 | [[rules]]
              | ^^^^^^^^^
              |
              = help: add `name = "…"`; what the rule has granted is remembered by it

            1 error
        "#]],
    );
}

#[test]
fn a_rule_without_a_profile() {
    check(
        r#"[[rules]]
name = "all"
"#,
        expect![[r#"
            error: `rules[0]` has no profile
             --> config.toml:2:8
              |
            2 | name = "all"
              |        ^^^^^
              |
              = help: add `profile = "…"`, or `metadata = { … }` for a rule that only gives metadata

            1 error
        "#]],
    );
}

#[test]
fn a_rule_for_a_profile_that_is_not_there() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "all"
profile = "debian12"
"#,
        expect![[r#"
            error: `rules[0].profile`: there is no profile `debian12`
             --> config.toml:6:11
              |
            6 | profile = "debian12"
              |           ^^^^^^^^^^
              |
              = help: did you mean `debian`?

            1 error
        "#]],
    );
}

#[test]
fn a_rule_that_arms_without_a_limit() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "all"
profile = "debian"
auto_arm = true
"#,
        expect![[r#"
            error: `auto_arm` needs a limit: it overwrites disks without anybody being asked
             --> config.toml:7:12
              |
            7 | auto_arm = true
              |            ^^^^
              |
              = help: add `limit = …`, the number of machines that it may install

            1 error
        "#]],
    );
}

#[test]
fn a_limit_that_does_nothing() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "all"
profile = "debian"
limit = 3
"#,
        expect![[r#"
            warning: `limit` does nothing without `auto_arm = true`
             --> config.toml:7:1
              |
            7 | limit = 3
              | ^^^^^

            1 warning
        "#]],
    );
}

#[test]
fn a_limit_of_none() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "all"
profile = "debian"
auto_arm = true
limit = 0
"#,
        expect![[r#"
            error: `rules[0].limit` must be between 1 and 4294967295
             --> config.toml:8:9
              |
            8 | limit = 0
              |         ^

            1 error
        "#]],
    );
}

#[test]
fn two_rules_of_one_name() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "a"
profile = "debian"
when = { serial = "A*" }
[[rules]]
name = "a"
profile = "debian"
when = { serial = "B*" }
"#,
        expect![[r#"
            error: rule `a` is given twice
             --> config.toml:9:8
              |
            9 | name = "a"
              |        ^^^
              |
             ::: config.toml:5:8
              |
            5 | name = "a"
              |        --- it is given here first
              |
              = help: rename one of them

            1 error
        "#]],
    );
}

#[test]
fn the_name_that_the_policy_for_unknown_hosts_has() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "unknown"
profile = "debian"
"#,
        expect![[r#"
            error: a rule cannot be called `unknown`
             --> config.toml:5:8
              |
            5 | name = "unknown"
              |        ^^^^^^^^^
              |
              = help: that is what `safety.unknown` is remembered by

            1 error
        "#]],
    );
}

#[test]
fn an_attribute_that_is_misspelt() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "a"
profile = "debian"
when = { vendor = "Dell*", seriel = "A*" }
"#,
        expect![[r#"
            error: rules cannot ask for `vendor`
             --> config.toml:7:10
              |
            7 | when = { vendor = "Dell*", seriel = "A*" }
              |          ^^^^^^
              |
              = help: known are `asset`, `firmware`, `host`, `interface`, `mac`, `manufacturer`, `product`, `serial`, `uuid`, `label.<name>` and `fact.<name>`

            error: rules cannot ask for `seriel`
             --> config.toml:7:28
              |
            7 | when = { vendor = "Dell*", seriel = "A*" }
              |                            ^^^^^^
              |
              = help: did you mean `serial`?

            2 errors
        "#]],
    );
}

#[test]
fn an_address_in_a_rule_that_is_none() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "a"
profile = "debian"
when = { mac = "52:54:00" }
"#,
        expect![[r#"
            error: `rules[0].when.mac`: `52:54:00` is not a hardware address: expected twelve hexadecimal digits, as in `52:54:00:ab:cd:ef`
             --> config.toml:7:16
              |
            7 | when = { mac = "52:54:00" }
              |                ^^^^^^^^^^

            1 error
        "#]],
    );
}

#[test]
fn a_list_in_a_condition() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "a"
profile = "debian"
when = { serial = ["A1", "A2"] }
"#,
        expect![[r#"
            error: `rules[0].when.serial` must be one text, not a list
             --> config.toml:7:19
              |
            7 | when = { serial = ["A1", "A2"] }
              |                   ^^^^^^^^^^^^
              |
              = help: use `*` and `?` in the text, or write a rule for each

            1 error
        "#]],
    );
}

#[test]
fn a_firmware_that_is_none() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "a"
profile = "debian"
when = { firmware = "efi" }
"#,
        expect![[r#"
            error: `rules[0].when.firmware` cannot be `efi`
             --> config.toml:7:21
              |
            7 | when = { firmware = "efi" }
              |                     ^^^^^
              |
              = help: write `"bios"` or `"uefi"`

            1 error
        "#]],
    );
}

#[test]
fn a_rule_that_is_never_reached() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "rack-1"
profile = "debian"
when = { serial = "R1*" }
[[rules]]
name = "rack-1-upper"
profile = "debian"
when = { serial = "R17*", firmware = "uefi" }
"#,
        expect![[r#"
            warning: rule `rack-1-upper` is never reached: rule `rack-1` before it matches every host that it matches
             --> config.toml:9:8
              |
            9 | name = "rack-1-upper"
              |        ^^^^^^^^^^^^^^
              |
             ::: config.toml:5:8
              |
            5 | name = "rack-1"
              |        -------- the rule before it
              |
              = help: move it to the front, or remove it

            1 warning
        "#]],
    );
}

#[test]
fn a_rule_that_arms_by_what_a_machine_says_of_itself() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[[rules]]
name = "large"
when = { "fact.memory_mib" = ">=65536", fact.cpu.count = "16", serial = "R1*" }
profile = "debian"
auto_arm = true
limit = 3
"#,
        expect![[r#"
            error: `rules[0]` cannot arm by `fact.cpu.count` and `fact.memory_mib`: a machine says that of itself
             --> config.toml:8:12
              |
            8 | auto_arm = true
              |            ^^^^
              |
              = help: remove `auto_arm`, or ask for what the machine cannot choose, such as `mac` or a label

            1 error
        "#]],
    );
}

#[test]
fn comparisons_that_are_none() {
    check(
        r#"[[rules]]
name = "large"
when = { "fact.memory_mib" = ">=64G", serial = ">5" }
metadata = { role = "storage" }
auto_arm = true
limit = 1
"#,
        expect![[r#"
            error: `rules[0].when.fact.memory_mib` compares with `>=64G`, which is no whole number
             --> config.toml:3:30
              |
            3 | when = { "fact.memory_mib" = ">=64G", serial = ">5" }
              |                              ^^^^^^^
              |
              = help: for example `">=16384"`

            error: `rules[0].when.serial` cannot be compared as a number
             --> config.toml:3:48
              |
            3 | when = { "fact.memory_mib" = ">=64G", serial = ">5" }
              |                                                ^^^^
              |
              = help: labels and reported facts can

            error: a rule without a profile has nothing to arm with
             --> config.toml:5:12
              |
            5 | auto_arm = true
              |            ^^^^
              |
              = help: add `profile = "…"`, or remove `auto_arm`

            3 errors
        "#]],
    );
}
