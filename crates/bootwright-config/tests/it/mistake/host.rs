//! Mistakes in `[hosts]`.

use expect_test::expect;

use crate::check;

#[test]
fn a_host_by_which_nothing_is_recognised() {
    check(
        r#"[hosts.oak-1]
labels = { rack = "1" }
"#,
        expect![[r#"
            error: `hosts.oak-1` has nothing by which it is recognised
             --> config.toml:1:8
              |
            1 | [hosts.oak-1]
              |        ^^^^^
              |
              = help: add `mac`, `uuid` or `serial`

            1 error
        "#]],
    );
}

#[test]
fn a_host_name_that_is_none() {
    check(
        r#"[hosts."Oak 1"]
mac = "00:1b:21:00:00:01"
"#,
        expect![[r#"
            error: `Oak 1` is not a name: expected up to 63 of the characters `a-z`, `0-9` and `-`, the first no hyphen
             --> config.toml:1:8
              |
            1 | [hosts."Oak 1"]
              |        ^^^^^^^

            1 error
        "#]],
    );
}

#[test]
fn an_address_with_a_digit_too_few() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:1"
"#,
        expect![[r#"
            error: `hosts.oak-1.mac`: `00:1b:21:00:00:1` is not a hardware address: expected twelve hexadecimal digits, as in `52:54:00:ab:cd:ef`
             --> config.toml:2:7
              |
            2 | mac = "00:1b:21:00:00:1"
              |       ^^^^^^^^^^^^^^^^^^

            1 error
        "#]],
    );
}

#[test]
fn a_list_of_addresses_under_another_key() {
    check(
        r#"[hosts.oak-1]
macs = ["00:1b:21:00:00:01"]
"#,
        expect![[r#"
            error: `hosts.oak-1` has nothing by which it is recognised
             --> config.toml:1:8
              |
            1 | [hosts.oak-1]
              |        ^^^^^
              |
              = help: add `mac`, `uuid` or `serial`

            error: unknown key `macs` in `hosts.oak-1`
             --> config.toml:2:1
              |
            2 | macs = ["00:1b:21:00:00:01"]
              | ^^^^
              |
              = help: did you mean `mac`?

            2 errors
        "#]],
    );
}

#[test]
fn a_uuid_without_hyphens() {
    check(
        r#"[hosts.oak-1]
uuid = "00112233445566778899aabbccddeeff"
"#,
        expect![[r#"
            error: `hosts.oak-1.uuid`: `00112233445566778899aabbccddeeff` is not a UUID: expected groups of 8, 4, 4, 4 and 12 hexadecimal digits with hyphens between them
             --> config.toml:2:8
              |
            2 | uuid = "00112233445566778899aabbccddeeff"
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

            1 error
        "#]],
    );
}

#[test]
fn a_serial_number_that_is_empty() {
    check(
        r#"[hosts.oak-1]
serial = " "
"#,
        expect![[r#"
            error: `hosts.oak-1.serial` is empty
             --> config.toml:2:10
              |
            2 | serial = " "
              |          ^^^

            1 error
        "#]],
    );
}

#[test]
fn a_profile_that_is_not_there() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
done = "manual"
[hosts.oak-1]
mac = "00:1b:21:00:00:01"
profile = "debain"
"#,
        expect![[r#"
            error: `hosts.oak-1.profile`: there is no profile `debain`
             --> config.toml:6:11
              |
            6 | profile = "debain"
              |           ^^^^^^^^
              |
              = help: did you mean `debian`?

            1 error
        "#]],
    );
}

#[test]
fn a_profile_where_there_are_none() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:01"
profile = "flatcar"
"#,
        expect![[r#"
            error: `hosts.oak-1.profile`: there is no profile `flatcar`
             --> config.toml:3:11
              |
            3 | profile = "flatcar"
              |           ^^^^^^^^^
              |
              = help: write a section `[profiles.flatcar]`

            1 error
        "#]],
    );
}

#[test]
fn two_hosts_with_one_address() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:01"
[hosts.oak-2]
mac = ["00:1b:21:00:00:02", "00-1B-21-00-00-01"]
"#,
        expect![[r#"
            error: hardware address `00:1b:21:00:00:01` belongs to host `oak-1` already
             --> config.toml:4:29
              |
            4 | mac = ["00:1b:21:00:00:02", "00-1B-21-00-00-01"]
              |                             ^^^^^^^^^^^^^^^^^^^
              |
             ::: config.toml:2:7
              |
            2 | mac = "00:1b:21:00:00:01"
              |       ------------------- it is given here first
              |
              = help: give each machine its own

            1 error
        "#]],
    );
}

#[test]
fn two_hosts_with_one_uuid() {
    check(
        r#"[hosts.oak-1]
uuid = "00112233-4455-6677-8899-aabbccddeeff"
[hosts.oak-2]
uuid = "00112233-4455-6677-8899-AABBCCDDEEFF"
"#,
        expect![[r#"
            error: UUID `00112233-4455-6677-8899-aabbccddeeff` belongs to host `oak-1` already
             --> config.toml:4:8
              |
            4 | uuid = "00112233-4455-6677-8899-AABBCCDDEEFF"
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
             ::: config.toml:2:8
              |
            2 | uuid = "00112233-4455-6677-8899-aabbccddeeff"
              |        -------------------------------------- it is given here first
              |
              = help: give each machine its own

            1 error
        "#]],
    );
}

#[test]
fn one_address_twice_in_one_host() {
    check(
        r#"[hosts.oak-1]
mac = ["00:1b:21:00:00:01", "001b21000001"]
"#,
        expect![[r#"
            error: hardware address `00:1b:21:00:00:01` is given twice
             --> config.toml:2:29
              |
            2 | mac = ["00:1b:21:00:00:01", "001b21000001"]
              |                             ^^^^^^^^^^^^^^
              |
             ::: config.toml:2:8
              |
            2 | mac = ["00:1b:21:00:00:01", "001b21000001"]
              |        ------------------- it is given here first
              |
              = help: give each machine its own

            1 error
        "#]],
    );
}

#[test]
fn an_address_that_an_administrator_made_up() {
    check(
        r#"[hosts.oak-1]
mac = "02:00:00:00:00:01"
"#,
        expect![[r#"
            warning: `02:00:00:00:00:01` was made up by an administrator: by itself it does not tell this machine from others
             --> config.toml:2:7
              |
            2 | mac = "02:00:00:00:00:01"
              |       ^^^^^^^^^^^^^^^^^^^
              |
              = help: add `uuid` or `serial`

            1 warning
        "#]],
    );
}

#[test]
fn an_address_of_no_card() {
    check(
        r#"[hosts.oak-1]
mac = "ff:ff:ff:ff:ff:ff"
"#,
        expect![[r#"
            warning: `ff:ff:ff:ff:ff:ff` belongs to no card: by itself it does not tell this machine from others
             --> config.toml:2:7
              |
            2 | mac = "ff:ff:ff:ff:ff:ff"
              |       ^^^^^^^^^^^^^^^^^^^
              |
              = help: add `uuid` or `serial`

            1 warning
        "#]],
    );
}

#[test]
fn a_uuid_that_many_machines_have() {
    check(
        r#"[hosts.oak-1]
uuid = "03000200-0400-0500-0006-000700080009"
"#,
        expect![[r#"
            warning: many machines have the UUID `03000200-0400-0500-0006-000700080009`: it does not tell this one from others
             --> config.toml:2:8
              |
            2 | uuid = "03000200-0400-0500-0006-000700080009"
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: add `mac` or `serial`

            1 warning
        "#]],
    );
}

#[test]
fn a_serial_number_that_many_machines_have() {
    check(
        r#"[hosts.oak-1]
serial = "To be filled by O.E.M."
"#,
        expect![[r#"
            warning: makers put `To be filled by O.E.M.` in place of a serial number: it does not tell this machine from others
             --> config.toml:2:10
              |
            2 | serial = "To be filled by O.E.M."
              |          ^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: add `mac` or `uuid`

            1 warning
        "#]],
    );
}

#[test]
fn a_label_that_is_a_table() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:01"
labels = { rack = { row = 1 } }
"#,
        expect![[r#"
            error: `hosts.oak-1.labels.rack` must be text, not a table
             --> config.toml:3:19
              |
            3 | labels = { rack = { row = 1 } }
              |                   ^^^^^^^^^^^
              |
              = help: tables and lists go into `metadata`

            1 error
        "#]],
    );
}

#[test]
fn metadata_with_a_name_that_templates_cannot_ask_for() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:01"
metadata = { ssh-key = "x" }
"#,
        expect![[r#"
            error: templates cannot ask for `ssh-key`
             --> config.toml:3:14
              |
            3 | metadata = { ssh-key = "x" }
              |              ^^^^^^^
              |
              = help: use letters, digits and `_` in names of labels and metadata

            1 error
        "#]],
    );
}

#[test]
fn metadata_that_is_text() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:01"
metadata = "storage"
"#,
        expect![[r#"
            error: `hosts.oak-1.metadata` must be a table, not text
             --> config.toml:3:12
              |
            3 | metadata = "storage"
              |            ^^^^^^^^^
              |
              = help: for example `metadata = { role = "storage" }`

            1 error
        "#]],
    );
}

#[test]
fn a_way_to_the_disk_that_is_none() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:01"
local_boot = "uefi"
"#,
        expect![[r#"
            error: `hosts.oak-1.local_boot` cannot be `uefi`
             --> config.toml:3:14
              |
            3 | local_boot = "uefi"
              |              ^^^^^^
              |
              = help: write one of `"bios-disk"`, `"uefi-disk"`, `"exit"`, `"no-file"`, `"no-offer"`

            1 error
        "#]],
    );
}

#[test]
fn a_boot_file_that_is_a_url() {
    check(
        r#"[hosts.oak-1]
mac = "00:1b:21:00:00:01"
firmware = "http://10.0.0.1/ipxe.efi"
"#,
        expect![[r#"
            error: `hosts.oak-1.firmware` is no name in the catalogue of boot files
             --> config.toml:3:12
              |
            3 | firmware = "http://10.0.0.1/ipxe.efi"
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: for example `"snponly.efi"`

            1 error
        "#]],
    );
}

#[test]
fn metadata_that_the_profile_asks_for_is_missing() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "domain={{ metadata.net.domain }}"
done = "manual"
[hosts.oak-1]
mac = "00:1b:21:00:00:01"
profile = "debian"
metadata = { net = { name = "x" } }
"#,
        expect![[r#"
            warning: host `oak-1` cannot boot profile `debian`: args[0]: `metadata.net.domain` is not known for this host
             --> config.toml:5:8
              |
            5 | [hosts.oak-1]
              |        ^^^^^
              |
              = help: set it, or write `metadata.net.domain | default("…")`

            1 warning
        "#]],
    );
}

#[test]
fn metadata_that_is_nested_too_deep() {
    check(
        r#"[hosts.oak-1]
serial = "AB1"
metadata.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1
"#,
        expect![[r#"
            error: metadata is nested more than 16 levels deep
             --> config.toml:3:46
              |
            3 | metadata.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1
              |                                              ^

            1 error
        "#]],
    );
}

#[test]
fn a_directory_that_leads_out_of_that_of_all() {
    check(
        r#"[tftp]
raspberry_pi = "srv/pi"

[hosts.pi-1]
mac = "dc:a6:32:01:02:03"
directory = "../etc"
"#,
        expect![[r#"
            error: `tftp.raspberry_pi` must be an absolute path
             --> config.toml:2:16
              |
            2 | raspberry_pi = "srv/pi"
              |                ^^^^^^^^
              |
              = help: begin it with `/`

            error: `hosts.pi-1.directory` is no directory below `tftp.raspberry_pi`
             --> config.toml:6:13
              |
            6 | directory = "../etc"
              |             ^^^^^^^^
              |
              = help: write its name, such as `pi-lab`, without a slash in front or behind

            2 errors
        "#]],
    );
}
