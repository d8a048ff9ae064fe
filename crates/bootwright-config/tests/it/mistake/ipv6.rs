//! Mistakes in `[ipv6]`, and what it says without any.

use bootwright_core::Span;
use bootwright_core::ipv6::{Ipv6, Mode};
use expect_test::expect;

use crate::{check, good};

#[test]
fn what_is_written_is_what_holds() {
    let loaded = good(
        r#"[ipv6]
mode = "server"
prefixes = ["fd00:77::/64", "2001:db8:1:2::/64"]
lease = "2h"
dns = "fd00:77::53"
relays = ["fd00:88::1", "fe80::9"]
"#,
    );
    let expected = Ipv6 {
        mode: Mode::Server,
        prefixes: vec![
            "fd00:77::/64".parse().expect("a network"),
            "2001:db8:1:2::/64".parse().expect("a network"),
        ],
        lease: Span::from_hours(2),
        dns: vec!["fd00:77::53".parse().expect("an address")],
        relays: ["fd00:88::1", "fe80::9"]
            .map(|relay| relay.parse().expect("an address"))
            .into(),
    };
    assert_eq!(loaded.policy.ipv6, expected);
    assert_eq!(good("").policy.ipv6.mode, Mode::Off, "off without a word");
}

#[test]
fn networks_and_servers_that_are_none() {
    check(
        r#"[ipv6]
mode = "server"
prefixes = ["fd00:77::/48", "fd00:77::1/64", "fe80::/64", "10.0.0.0/8", "fd00::/64", "fd00::/64"]
lease = "1s"
dns = ["10.0.0.1", "ff02::1"]
prefix = "fd00::/64"
"#,
        expect![[r#"
            error: `ipv6.prefixes`: `fd00:77::/48` is no network such as `fd00:77::/64`
             --> config.toml:3:13
              |
            3 | prefixes = ["fd00:77::/48", "fd00:77::1/64", "fe80::/64", "10.0.0.0/8", "fd00::/64", "fd00::/64"]
              |             ^^^^^^^^^^^^^^

            error: `ipv6.prefixes`: `fd00:77::1/64` is no network such as `fd00:77::/64`
             --> config.toml:3:29
              |
            3 | prefixes = ["fd00:77::/48", "fd00:77::1/64", "fe80::/64", "10.0.0.0/8", "fd00::/64", "fd00::/64"]
              |                             ^^^^^^^^^^^^^^^

            error: `ipv6.prefixes`: `fe80::/64` is no network such as `fd00:77::/64`
             --> config.toml:3:46
              |
            3 | prefixes = ["fd00:77::/48", "fd00:77::1/64", "fe80::/64", "10.0.0.0/8", "fd00::/64", "fd00::/64"]
              |                                              ^^^^^^^^^^^

            error: `ipv6.prefixes`: `10.0.0.0/8` is no network such as `fd00:77::/64`
             --> config.toml:3:59
              |
            3 | prefixes = ["fd00:77::/48", "fd00:77::1/64", "fe80::/64", "10.0.0.0/8", "fd00::/64", "fd00::/64"]
              |                                                           ^^^^^^^^^^^^

            error: `ipv6.prefixes` names fd00::/64 twice
             --> config.toml:3:86
              |
            3 | prefixes = ["fd00:77::/48", "fd00:77::1/64", "fe80::/64", "10.0.0.0/8", "fd00::/64", "fd00::/64"]
              |                                                                                      ^^^^^^^^^^^

            error: `ipv6.lease` must be between 2 min and 30 d
             --> config.toml:4:9
              |
            4 | lease = "1s"
              |         ^^^^

            error: `10.0.0.1` is no IPv6 address
             --> config.toml:5:8
              |
            5 | dns = ["10.0.0.1", "ff02::1"]
              |        ^^^^^^^^^^
              |
              = help: for example `"fd00:77::53"`

            error: `ff02::1` is the address of no name server
             --> config.toml:5:20
              |
            5 | dns = ["10.0.0.1", "ff02::1"]
              |                    ^^^^^^^^^

            error: unknown key `prefix` in `ipv6`
             --> config.toml:6:1
              |
            6 | prefix = "fd00::/64"
              | ^^^^^^
              |
              = help: did you mean `prefixes`?

            9 errors
        "#]],
    );
}

#[test]
fn a_server_without_addresses() {
    check(
        r#"[ipv6]
mode = "server"
"#,
        expect![[r#"
            error: `ipv6.mode = "server"` has no addresses to lend
             --> config.toml:2:8
              |
            2 | mode = "server"
              |        ^^^^^^^^
              |
              = help: add `prefixes = ["fd00:77::/64"]`, the networks of your interfaces

            1 error
        "#]],
    );
}

#[test]
fn prefixes_that_nobody_lends_from_and_a_port_that_nobody_reaches() {
    check(
        r#"[server]
http = "10.0.0.1:8080"

[ipv6]
mode = "proxy"
prefixes = "fd00:77::/64"
"#,
        expect![[r#"
            warning: `server.http` listens on 10.0.0.1 alone, where no machine comes over IPv6
             --> config.toml:5:8
              |
            5 | mode = "proxy"
              |        ^^^^^^^
              |
              = help: write a port only, as in `http = ":8080"`

            warning: no addresses are lent from `ipv6.prefixes` in this `ipv6.mode`
             --> config.toml:6:1
              |
            6 | prefixes = "fd00:77::/64"
              | ^^^^^^^^
              |
              = help: write `mode = "server"`, or leave the prefixes out

            2 warnings
        "#]],
    );
}

#[test]
fn relays_that_are_none() {
    check(
        r#"[ipv6]
mode = "proxy"
relays = ["10.8.0.1", "ff05::1:3"]
"#,
        expect![[r#"
            error: `10.8.0.1` is the address of no IPv6 relay
             --> config.toml:3:11
              |
            3 | relays = ["10.8.0.1", "ff05::1:3"]
              |           ^^^^^^^^^^
              |
              = help: write the address that the relay sends from, such as `"fd00:88::1"`

            error: `ff05::1:3` is the address of no IPv6 relay
             --> config.toml:3:23
              |
            3 | relays = ["10.8.0.1", "ff05::1:3"]
              |                       ^^^^^^^^^^^
              |
              = help: write the address that the relay sends from, such as `"fd00:88::1"`

            2 errors
        "#]],
    );
}
