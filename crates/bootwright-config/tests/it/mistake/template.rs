//! Mistakes in what a profile renders: kernel, initrds, arguments and files.

use expect_test::expect;

use crate::check;

#[test]
fn a_kernel_that_is_neither_path_nor_url() {
    check(
        r#"[profiles.debian]
kernel = "debian/linux"
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.kernel`: `debian/linux` is neither a path on this server nor a URL
             --> config.toml:2:11
              |
            2 | kernel = "debian/linux"
              |           ^^^^^^^^^^^^
              |
              = help: begin it with `/images/`, `/assets/`, `{{ run.url }}/` or `http://`

            1 error
        "#]],
    );
}

#[test]
fn a_kernel_with_a_space_in_its_name() {
    check(
        r#"[profiles.debian]
kernel = "/images/my linux"
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.kernel`: `/images/my linux` holds a space or a character that no URL may hold
             --> config.toml:2:11
              |
            2 | kernel = "/images/my linux"
              |           ^^^^^^^^^^^^^^^^
              |
              = help: write it as `%20`, or rename the file

            1 error
        "#]],
    );
}

#[test]
fn an_argument_that_names_the_initrd() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "initrd=initrd.gz quiet"
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.args`: `initrd=initrd.gz` would hide the initrds from the kernel
             --> config.toml:3:9
              |
            3 | args = "initrd=initrd.gz quiet"
              |         ^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: leave it out: an `initrd=` argument is added for each of them

            1 error
        "#]],
    );
}

#[test]
fn an_argument_that_would_end_the_command() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["quiet", "|| shell"]
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.args`: `||` would end the command in an iPXE script
             --> config.toml:3:19
              |
            3 | args = ["quiet", "|| shell"]
              |                   ^^^^^^^^
              |
              = help: leave it out

            1 error
        "#]],
    );
}

#[test]
fn an_argument_beyond_ascii() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "hostname=müller"
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.args`: `hostname=müller` holds a character that no kernel argument may hold
             --> config.toml:3:9
              |
            3 | args = "hostname=müller"
              |         ^^^^^^^^^^^^^^^
              |
              = help: use printable ASCII; write others into a file of the profile

            1 error
        "#]],
    );
}

#[test]
fn arguments_that_are_too_long() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = "{% for i in range(1000) %}x={{ i }} {% endfor %}"
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.args`: the kernel's arguments are 5917 bytes long; a kernel takes no more than 2047
             --> config.toml:1:11
              |
            1 | [profiles.debian]
              |           ^^^^^^
              |
              = help: move settings into a file of the profile

            1 error
        "#]],
    );
}

#[test]
fn a_name_that_templates_do_not_know() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["auto=true", "hostname={{ host.nmae }}"]
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.args`: `host.nmae` is not known in templates
             --> config.toml:3:35
              |
            3 | args = ["auto=true", "hostname={{ host.nmae }}"]
              |                                   ^^^^^^^^^
              |
              = help: did you mean `host.name`?

            1 error
        "#]],
    );
}

#[test]
fn a_root_that_templates_do_not_know() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["url={{ server_url }}/x"]
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.args`: `server_url` is not known in templates
             --> config.toml:3:17
              |
            3 | args = ["url={{ server_url }}/x"]
              |                 ^^^^^^^^^^
              |
              = help: known are `host`, `label`, `metadata`, `profile`, `raw`, `run`, `secret`, `server`

            1 error
        "#]],
    );
}

#[test]
fn a_template_that_is_not_closed() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["url={{ run.url /preseed.cfg"]
done = "manual"
"#,
        expect![[r#"
            error: `profiles.debian.args`: syntax error: unexpected end of input, expected end of variable block
             --> config.toml:3:34
              |
            3 | args = ["url={{ run.url /preseed.cfg"]
              |                                  ^^^

            1 error
        "#]],
    );
}

#[test]
fn a_mistake_within_an_inline_file_is_shown_at_its_line() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["url={{ run.url }}/preseed.cfg"]

[profiles.debian.files]
"preseed.cfg" = '''
d-i debian-installer/locale string en_US
d-i netcfg/get_hostname string {{ host.hostname }}
'''
"#,
        expect![[r#"
            error: `profiles.debian.files."preseed.cfg"`: `host.hostname` is not known in templates
             --> config.toml:8:35
              |
            8 | d-i netcfg/get_hostname string {{ host.hostname }}
              |                                   ^^^^^^^^^^^^^
              |
              = help: known are `host.name`, `host.facts`, `host.mac`, `host.mac_hyphens`, `host.macs`, `host.uuid`, `host.serial`, `host.asset`, `host.manufacturer`, `host.product`, `host.address`, `host.interface`, `host.firmware`, `host.arch`

            1 error
        "#]],
    );
}

#[test]
fn a_filter_that_is_none() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["url={{ run.url }}/x"]
[profiles.debian.files]
x = '''
key: {{ metadata.key | qoute }}
'''
"#,
        expect![[r#"
            error: `profiles.debian.files.x`: there is no filter `qoute`
             --> config.toml:6:24
              |
            6 | key: {{ metadata.key | qoute }}
              |                        ^^^^^
              |
              = help: filters that quote are `shell`, `json`, `yaml`, `xml`, `kickstart`, `preseed`, `kernel`, `ipxe`, `plain` and `word`

            1 error
        "#]],
    );
}

#[test]
fn a_snippet_that_is_none() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["url={{ run.url }}/x"]
[profiles.debian.files]
x = '''
{% include "bootwright/gaurd.sh" %}
'''
"#,
        expect![[r#"
            error: `profiles.debian.files.x`: no snippet of this name
             --> config.toml:6:4
              |
            6 | {% include "bootwright/gaurd.sh" %}
              |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: there are `bootwright/report.sh`, `bootwright/guard.sh`, `bootwright/discover.sh`, `bootwright/wipe.sh`

            1 error
        "#]],
    );
}

#[test]
fn a_whole_text_of_a_machine_without_quotation() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["url={{ run.url }}/x"]
[profiles.debian.files]
x = '''
serial: {{ raw.host.serial }}
'''
"#,
        expect![[r#"
            error: `profiles.debian.files.x`: `raw.host.serial` is what the machine says, and must be quoted
             --> config.toml:6:12
              |
            6 | serial: {{ raw.host.serial }}
              |            ^^^^^^^^^^^^^^^
              |
              = help: add a filter such as `| shell`, `| json` or `| yaml`, or use the name without `raw.`

            1 error
        "#]],
    );
}

#[test]
fn a_shell_length_is_taken_for_a_comment() {
    check(
        r#"[profiles.debian]
kernel = "/images/linux"
args = ["url={{ run.url }}/x"]
[profiles.debian.files]
x = '''
echo ${#name}
'''
"#,
        expect![[r#"
            error: `profiles.debian.files.x`: a comment is not closed
             --> config.toml:6:7
              |
            6 | echo ${#name}
              |       ^^
              |
              = help: `{#` begins a comment; for `${#name}` of a shell write `${{ "{#" }}name}`

            1 error
        "#]],
    );
}
