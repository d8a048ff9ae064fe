//! Mistakes in `[server]`, `[control]`, `[dhcp]`, `[tftp]` and `[store]`.

use expect_test::expect;

use crate::check;

#[test]
fn a_port_without_a_colon() {
    check(
        r#"[server]
http = "8080"
"#,
        expect![[r#"
            error: `server.http`: `8080` is no address to listen on
             --> config.toml:2:8
              |
            2 | http = "8080"
              |        ^^^^^^
              |
              = help: write a port, as in `":8080"`, or an address and a port, as in `"10.0.0.1:8080"`

            1 error
        "#]],
    );
}

#[test]
fn an_address_that_is_none() {
    check(
        r#"[server]
http = "10.0.0.999:80"
"#,
        expect![[r#"
            error: `server.http`: `10.0.0.999:80` is no address to listen on
             --> config.toml:2:8
              |
            2 | http = "10.0.0.999:80"
              |        ^^^^^^^^^^^^^^^
              |
              = help: write a port, as in `":8080"`, or an address and a port, as in `"10.0.0.1:8080"`

            1 error
        "#]],
    );
}

#[test]
fn a_base_url_without_a_scheme() {
    check(
        r#"[server]
base_url = "10.0.0.1:8080"
"#,
        expect![[r#"
            error: `server.base_url`: `10.0.0.1:8080` is no URL that machines can use
             --> config.toml:2:12
              |
            2 | base_url = "10.0.0.1:8080"
              |            ^^^^^^^^^^^^^^^
              |
              = help: write `"auto"`, or a URL without a path such as `"http://10.0.0.1:8080"`

            1 error
        "#]],
    );
}

#[test]
fn a_base_url_with_tls() {
    check(
        r#"[server]
base_url = "https://boot.example.net"
"#,
        expect![[r#"
            error: `server.base_url`: `https://boot.example.net` is no URL that machines can use
             --> config.toml:2:12
              |
            2 | base_url = "https://boot.example.net"
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: machines fetch by plain HTTP, since boot firmware cannot do more: write `http://` and the name or address

            1 error
        "#]],
    );
}

#[test]
fn a_base_url_with_a_path() {
    check(
        r#"[server]
base_url = "http://boot.example.net/pxe"
"#,
        expect![[r#"
            error: `server.base_url`: `http://boot.example.net/pxe` is no URL that machines can use
             --> config.toml:2:12
              |
            2 | base_url = "http://boot.example.net/pxe"
              |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write `"auto"`, or a URL without a path such as `"http://10.0.0.1:8080"`

            1 error
        "#]],
    );
}

#[test]
fn an_interface_that_is_a_path() {
    check(
        r#"[server]
interfaces = ["eth1", "/dev/eth2"]
"#,
        expect![[r#"
            error: `/dev/eth2` is no interface name
             --> config.toml:2:23
              |
            2 | interfaces = ["eth1", "/dev/eth2"]
              |                       ^^^^^^^^^^^
              |
              = help: write a name such as `eth1`, or a pattern such as `en*`

            1 error
        "#]],
    );
}

#[test]
fn a_relative_data_directory() {
    check(
        r#"[server]
data_dir = "data"
"#,
        expect![[r#"
            error: `server.data_dir` must be an absolute path
             --> config.toml:2:12
              |
            2 | data_dir = "data"
              |            ^^^^^^
              |
              = help: begin it with `/`

            1 error
        "#]],
    );
}

#[test]
fn syslog_that_is_no_address() {
    check(
        r#"[server]
syslog = "514"
"#,
        expect![[r#"
            error: `server.syslog`: `514` is no address to listen on
             --> config.toml:2:10
              |
            2 | syslog = "514"
              |          ^^^^^
              |
              = help: write a port, as in `":514"`, or an address and a port, as in `"10.0.0.1:514"`

            1 error
        "#]],
    );
}

#[test]
fn a_certificate_without_its_key_or_a_word_that_says_nothing() {
    check(
        r#"[control]
tls = { cert = "/etc/ssl/boot.pem" }
"#,
        expect![[r#"
            error: `control.tls` needs `key`
             --> config.toml:2:7
              |
            2 | tls = { cert = "/etc/ssl/boot.pem" }
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write `tls = { cert = "/path/of/chain.pem", key = "/path/of/key.pem" }`

            1 error
        "#]],
    );
    check(
        r#"[control]
tls = "on"
"#,
        expect![[r#"
            error: `control.tls` cannot be `on`
             --> config.toml:2:7
              |
            2 | tls = "on"
              |       ^^^^
              |
              = help: write one of `"self-signed"`, `"off"`

            1 error
        "#]],
    );
}

#[test]
fn passwords_in_the_clear_are_warned_of_unless_they_stay_on_the_box() {
    check(
        "[control]\ntls = \"off\"\n",
        expect![[r#"
        warning: `control.tls`: without TLS, passwords and tokens cross the network in the clear
         --> config.toml:2:7
          |
        2 | tls = "off"
          |       ^^^^^
          |
          = help: let the proxy that has the certificate run on this box, and listen on `"127.0.0.1:8443"`

        1 warning
    "#]],
    );
    check(
        "[control]\ntls = \"off\"\nlisten = \"127.0.0.1:8443\"\n",
        expect![[r#""#]],
    );
}

#[test]
fn a_misspelt_mode() {
    check(
        r#"[dhcp]
mode = "observer"
"#,
        expect![[r#"
            error: `dhcp.mode` cannot be `observer`
             --> config.toml:2:8
              |
            2 | mode = "observer"
              |        ^^^^^^^^^^
              |
              = help: did you mean `"observe"`?

            1 error
        "#]],
    );
}

#[test]
fn a_census_that_never_rests() {
    check(
        r#"[dhcp]
census = "2s"
"#,
        expect![[r#"
            error: `dhcp.census` is shorter than 10 s
             --> config.toml:2:10
              |
            2 | census = "2s"
              |          ^^^^
              |
              = help: every few minutes will do, and what happens in between is overheard; `"5m"` is usual

            1 error
        "#]],
    );
    check(
        r#"[dhcp]
census = "often"
"#,
        expect![[r#"
            error: `dhcp.census` is no span of time
             --> config.toml:2:10
              |
            2 | census = "often"
              |          ^^^^^^^
              |
              = help: write a number and its unit (`s`, `m`, `h` or `d`), as in `"5m"`

            1 error
        "#]],
    );
}

#[test]
fn a_relay_that_is_no_address() {
    check(
        r#"[dhcp]
relays = ["10.1.0.1", "core-switch", "255.255.255.255"]
"#,
        expect![[r#"
            error: `core-switch` is no IPv4 address
             --> config.toml:2:23
              |
            2 | relays = ["10.1.0.1", "core-switch", "255.255.255.255"]
              |                       ^^^^^^^^^^^^^
              |
              = help: write the address that the relay puts into its requests, such as `10.1.0.1`

            error: `255.255.255.255` is the address of no relay
             --> config.toml:2:38
              |
            2 | relays = ["10.1.0.1", "core-switch", "255.255.255.255"]
              |                                      ^^^^^^^^^^^^^^^^^
              |
              = help: write the address that the relay puts into its requests, such as `10.1.0.1`

            2 errors
        "#]],
    );
}

#[test]
fn a_kind_of_socket_that_is_none() {
    check(
        r#"[dhcp]
sockets = "raw"
"#,
        expect![[r#"
            error: `dhcp.sockets` cannot be `raw`
             --> config.toml:2:11
              |
            2 | sockets = "raw"
              |           ^^^^^
              |
              = help: write one of `"auto"`, `"kernel"`, `"packet"`

            1 error
        "#]],
    );
}

#[test]
fn a_misspelt_architecture() {
    check(
        r#"[dhcp.arch]
efi-64 = "snponly.efi"
"#,
        expect![[r#"
            error: `efi-64` is no architecture
             --> config.toml:2:1
              |
            2 | efi-64 = "snponly.efi"
              | ^^^^^^
              |
              = help: did you mean `efi64`?

            1 error
        "#]],
    );
}

#[test]
fn an_architecture_that_is_none() {
    check(
        r#"[dhcp.arch]
itanium = "elilo.efi"
"#,
        expect![[r#"
            error: `itanium` is no architecture
             --> config.toml:2:1
              |
            2 | itanium = "elilo.efi"
              | ^^^^^^^
              |
              = help: write a name such as `bios`, `efi64` or `arm64`, or the number of DHCP option 93

            1 error
        "#]],
    );
}

#[test]
fn a_boot_file_whose_name_is_too_long() {
    check(
        r#"[dhcp.arch]
bios = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
"#,
        expect![[r#"
            error: `dhcp.arch.bios` is longer than the 127 bytes that a DHCP reply has for it
             --> config.toml:2:8
              |
            2 | ... = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: for example `"snponly.efi"`

            1 error
        "#]],
    );
}

#[test]
fn a_boot_file_with_a_space() {
    check(
        r#"[dhcp.arch]
7 = "my loader.efi"
"#,
        expect![[r#"
            error: `dhcp.arch.7` holds a space or a character that firmware may not understand
             --> config.toml:2:5
              |
            2 | 7 = "my loader.efi"
              |     ^^^^^^^^^^^^^^^
              |
              = help: for example `"snponly.efi"`

            1 error
        "#]],
    );
}

#[test]
fn a_boot_file_above_the_catalogue() {
    check(
        r#"[dhcp.arch]
0x0b = "../grub.efi"
"#,
        expect![[r#"
            error: `dhcp.arch.0x0b` is no name in the catalogue of boot files
             --> config.toml:2:8
              |
            2 | 0x0b = "../grub.efi"
              |        ^^^^^^^^^^^^^
              |
              = help: for example `"snponly.efi"`

            1 error
        "#]],
    );
}

#[test]
fn a_directory_for_tftp_that_is_relative() {
    check(
        r#"[tftp]
root = "srv/tftp"
"#,
        expect![[r#"
            error: `tftp.root` must be an absolute path
             --> config.toml:2:8
              |
            2 | root = "srv/tftp"
              |        ^^^^^^^^^^
              |
              = help: begin it with `/`

            1 error
        "#]],
    );
}

#[test]
fn a_block_size_that_serves_nobody() {
    check(
        r#"[tftp]
max_blksize = 8
"#,
        expect![[r#"
            error: `tftp.max_blksize` must be between 512 and 65464
             --> config.toml:2:15
              |
            2 | max_blksize = 8
              |               ^

            1 error
        "#]],
    );
}

#[test]
fn postgresql_comes_later() {
    check(
        r#"[store]
url = "postgres://db/bootwright"
"#,
        expect![[r#"
            error: `store.url`: PostgreSQL is not in this version
             --> config.toml:2:7
              |
            2 | url = "postgres://db/bootwright"
              |       ^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: write `"sqlite"`, or leave the key out

            1 error
        "#]],
    );
}

#[test]
fn a_store_that_is_none() {
    check(
        r#"[store]
url = "mysql"
"#,
        expect![[r#"
            error: `store.url` cannot be `mysql`
             --> config.toml:2:7
              |
            2 | url = "mysql"
              |       ^^^^^^^
              |
              = help: write one of `"sqlite"`

            1 error
        "#]],
    );
}
