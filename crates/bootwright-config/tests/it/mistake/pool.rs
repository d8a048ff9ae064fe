//! Mistakes in the subnets and ranges of `[[dhcp.pools]]`.

use expect_test::expect;

use crate::check;

#[test]
fn server_mode_without_pools() {
    check(
        r#"[dhcp]
mode = "server"
"#,
        expect![[r#"
            error: `dhcp.mode = "server"` has no addresses to lease
             --> config.toml:2:8
              |
            2 | mode = "server"
              |        ^^^^^^^^
              |
              = help: add a `[[dhcp.pools]]` with `subnet` and `range`

            1 error
        "#]],
    );
}

#[test]
fn a_pool_that_is_no_list() {
    check(
        r#"[dhcp]
mode = "server"
pools = "10.0.0.0/24"
"#,
        expect![[r#"
            error: `dhcp.pools` must be a list of tables, not text
             --> config.toml:3:1
              |
            3 | pools = "10.0.0.0/24"
              | ^^^^^
              |
              = help: write `[[dhcp.pools]]` with two brackets, once for each subnet

            1 error
        "#]],
    );
}

#[test]
fn pools_in_another_mode() {
    check(
        r#"[[dhcp.pools]]
subnet = "10.0.0.0/24"
"#,
        expect![[r#"
            warning: no addresses are lent from `dhcp.pools` without `dhcp.mode`
             --> config.toml:1:8
              |
            1 | [[dhcp.pools]]
              |        ^^^^^
              |
              = help: add `mode = "server"` to `[dhcp]`

            1 warning
        "#]],
    );
}

#[test]
fn a_pool_without_a_subnet() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
range = "10.0.0.100-10.0.0.199"
gateway = "10.0.0.1"
"#,
        expect![[r#"
            error: `dhcp.pools[0]` has no subnet
             --> config.toml:4:1
              |
            4 | [[dhcp.pools]]
              | ^^^^^^^^^^^^^^
              |
              = help: add `subnet = "192.168.77.0/24"`, the network of the interface on which it is served

            error: unknown key `gateway` in `dhcp.pools[0]`
             --> config.toml:6:1
              |
            6 | gateway = "10.0.0.1"
              | ^^^^^^^
              |
              = help: known are `subnet`, `range`, `router`, `dns`, `domain`, `search`, `ntp`, `mtu`, `lease`, `boot_lease`, `interface`, `relay`, `probe`, `keep_for_known`

            2 errors
        "#]],
    );
}

#[test]
fn subnets_that_are_none() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0"

[[dhcp.pools]]
subnet = "10.0.0.0/31"

[[dhcp.pools]]
subnet = "10.0.0.1/24"

[[dhcp.pools]]
subnet = 10
"#,
        expect![[r#"
            error: `dhcp.pools[0].subnet`: `10.0.0.0` is no network
             --> config.toml:5:10
              |
            5 | subnet = "10.0.0.0"
              |          ^^^^^^^^^^
              |
              = help: write its address and its prefix, such as `"192.168.77.0/24"`

            error: `dhcp.pools[1].subnet`: `10.0.0.0/31` is no network that machines share
             --> config.toml:8:10
              |
            8 | subnet = "10.0.0.0/31"
              |          ^^^^^^^^^^^^^
              |
              = help: a prefix from 8 to 30 leaves room for them

            error: `dhcp.pools[2].subnet`: `10.0.0.1/24` is an address within a network
              --> config.toml:11:10
               |
            11 | subnet = "10.0.0.1/24"
               |          ^^^^^^^^^^^^^
               |
               = help: write `"10.0.0.0/24"`

            error: `dhcp.pools[3].subnet` must be text, not a whole number
              --> config.toml:14:10
               |
            14 | subnet = 10
               |          ^^
               |
               = help: for example `"192.168.77.0/24"`

            4 errors
        "#]],
    );
}

#[test]
fn subnets_that_overlap() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/16"

[[dhcp.pools]]
subnet = "10.0.7.0/24"
"#,
        expect![[r#"
            error: subnet 10.0.7.0/24 overlaps 10.0.0.0/16
             --> config.toml:8:10
              |
            8 | subnet = "10.0.7.0/24"
              |          ^^^^^^^^^^^^^
              |
             ::: config.toml:5:10
              |
            5 | subnet = "10.0.0.0/16"
              |          ------------- the other pool
              |
              = help: give each subnet one pool, with a list of ranges if need be

            1 error
        "#]],
    );
}

#[test]
fn ranges_that_cannot_be_lent() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
range = [
  "10.0.0.100-10.0.1.7",
  "10.0.1.0-9",
  "10.0.0.0-9",
  "10.0.0.250-255",
  "10.0.0.20-10.0.0.10",
  "10.0.0.30-40",
  "10.0.0.40-50",
  "10.0.0.x",
]
"#,
        expect![[r#"
            error: `dhcp.pools[0].range`: 10.0.1.7 is not in 10.0.0.0/24
             --> config.toml:7:3
              |
            7 |   "10.0.0.100-10.0.1.7",
              |   ^^^^^^^^^^^^^^^^^^^^^
              |
              = help: addresses there go from 10.0.0.1 to 10.0.0.254

            error: `dhcp.pools[0].range`: 10.0.1.0 is not in 10.0.0.0/24
             --> config.toml:8:3
              |
            8 |   "10.0.1.0-9",
              |   ^^^^^^^^^^^^
              |
              = help: addresses there go from 10.0.0.1 to 10.0.0.254

            error: `dhcp.pools[0].range`: 10.0.0.0 is the address of the network itself
             --> config.toml:9:3
              |
            9 |   "10.0.0.0-9",
              |   ^^^^^^^^^^^^
              |
              = help: begin at 10.0.0.1

            error: `dhcp.pools[0].range`: 10.0.0.255 is the address of all machines of the network
              --> config.toml:10:3
               |
            10 |   "10.0.0.250-255",
               |   ^^^^^^^^^^^^^^^^
               |
               = help: end at 10.0.0.254

            error: `dhcp.pools[0].range`: 10.0.0.20 comes after 10.0.0.10
              --> config.toml:11:3
               |
            11 |   "10.0.0.20-10.0.0.10",
               |   ^^^^^^^^^^^^^^^^^^^^^
               |
               = help: write the lower address first

            error: `dhcp.pools[0].range`: 10.0.0.40-10.0.0.50 overlaps 10.0.0.30-10.0.0.40
              --> config.toml:13:3
               |
            13 |   "10.0.0.40-50",
               |   ^^^^^^^^^^^^^^
               |
              ::: config.toml:12:3
               |
            12 |   "10.0.0.30-40",
               |   -------------- the other range

            error: `dhcp.pools[0].range`: `10.0.0.x` is no range of addresses
              --> config.toml:14:3
               |
            14 |   "10.0.0.x",
               |   ^^^^^^^^^^
               |
               = help: write the first and the last, as in `"10.0.0.128-10.0.0.254"`

            7 errors
        "#]],
    );
}

#[test]
fn pools_larger_than_any_site() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/8"
range = "10.0.0.1-10.255.255.254"
"#,
        expect![[r#"
            error: all pools together have more than 262144 addresses
             --> config.toml:5:10
              |
            5 | subnet = "10.0.0.0/8"
              |          ^^^^^^^^^^^^
              |
              = help: lend smaller ranges

            1 error
        "#]],
    );
}
