//! Mistakes in `[[dhcp.pools]]` and in the addresses of hosts.

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
            warning: no addresses are lent from `dhcp.pools` in this mode
             --> config.toml:1:8
              |
            1 | [[dhcp.pools]]
              |        ^^^^^
              |
              = help: set `dhcp.mode = "server"`, or remove them

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

#[test]
fn addresses_of_servers_that_are_none() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
router = "10.0.1.1"
dns = ["10.0.0.2", "10.0.0.2", "dns.example.net", "255.255.255.255"]
ntp = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8", "10.0.0.9"]
relay = "0.0.0.0"
interface = "/dev/eth1"
"#,
        expect![[r#"
            error: `dhcp.pools[0].dns`: `dns.example.net` is no IPv4 address of a machine
             --> config.toml:7:32
              |
            7 | dns = ["10.0.0.2", "10.0.0.2", "dns.example.net", "255.255.255.255"]
              |                                ^^^^^^^^^^^^^^^^^
              |
              = help: write an address such as `"192.168.77.1"`

            error: `dhcp.pools[0].dns`: `255.255.255.255` is no IPv4 address of a machine
             --> config.toml:7:51
              |
            7 | dns = ["10.0.0.2", "10.0.0.2", "dns.example.net", "255.255.255.255"]
              |                                                   ^^^^^^^^^^^^^^^^^
              |
              = help: write an address such as `"192.168.77.1"`

            error: `dhcp.pools[0].ntp` has more than 8 addresses
             --> config.toml:8:104
              |
            8 | ntp = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8", "10.0.0.9"]
              |                                                                                                        ^^^^^^^^^^

            error: `dhcp.pools[0].relay`: `0.0.0.0` is no IPv4 address of a machine
             --> config.toml:9:9
              |
            9 | relay = "0.0.0.0"
              |         ^^^^^^^^^
              |
              = help: write an address such as `"192.168.77.1"`

            error: `/dev/eth1` is no interface name
              --> config.toml:10:13
               |
            10 | interface = "/dev/eth1"
               |             ^^^^^^^^^^^
               |
               = help: write a name such as `eth1`, or a pattern such as `en*`

            5 errors
        "#]],
    );
}

#[test]
fn leases_of_silly_length() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
lease = "10s"
boot_lease = "7d"

[[dhcp.pools]]
subnet = "10.0.1.0/24"
lease = "10m"
boot_lease = "20m"

[[dhcp.pools]]
subnet = "10.0.2.0/24"
lease = "forever"
"#,
        expect![[r#"
            error: `dhcp.pools[0].lease` must be between 5 min and 90 d
             --> config.toml:6:9
              |
            6 | lease = "10s"
              |         ^^^^^
              |
              = help: 12 h is usual

            error: `dhcp.pools[0].boot_lease` must be between 2 min and 1 d
             --> config.toml:7:14
              |
            7 | boot_lease = "7d"
              |              ^^^^
              |
              = help: 10 min is usual

            error: `dhcp.pools[1].boot_lease` is longer than the lease of the installed system, 10 min
              --> config.toml:12:14
               |
            12 | boot_lease = "20m"
               |              ^^^^^
               |
               = help: firmware needs its address for some minutes only

            error: `dhcp.pools[2].lease` is no span of time
              --> config.toml:16:9
               |
            16 | lease = "forever"
               |         ^^^^^^^^^
               |
               = help: write a number and its unit (`s`, `m`, `h` or `d`), as in `"12h"`

            4 errors
        "#]],
    );
}

#[test]
fn names_that_dns_does_not_have() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
domain = ["example.net", "example.org"]
search = ["a b", "-x.example.net", "example..net"]

[[dhcp.pools]]
subnet = "10.0.1.0/24"
search = [
  "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be0.example.net",
  "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be1.example.net",
  "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be2.example.net",
  "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be3.example.net",
]
"#,
        expect![[r#"
            error: `dhcp.pools[0].domain` is one name
             --> config.toml:6:10
              |
            6 | domain = ["example.net", "example.org"]
              |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              |
              = help: put further ones into `search`

            error: `dhcp.pools[0].search`: `a b` is no domain name
             --> config.toml:7:11
              |
            7 | search = ["a b", "-x.example.net", "example..net"]
              |           ^^^^^
              |
              = help: write a name such as `"example.net"`

            error: `dhcp.pools[0].search`: `-x.example.net` is no domain name
             --> config.toml:7:18
              |
            7 | search = ["a b", "-x.example.net", "example..net"]
              |                  ^^^^^^^^^^^^^^^^
              |
              = help: write a name such as `"example.net"`

            error: `dhcp.pools[0].search`: `example..net` is no domain name
             --> config.toml:7:36
              |
            7 | search = ["a b", "-x.example.net", "example..net"]
              |                                    ^^^^^^^^^^^^^^
              |
              = help: write a name such as `"example.net"`

            error: `dhcp.pools[1].search` is too long for DHCP: 308 bytes, and it carries 255
              --> config.toml:11:10
               |
            11 |   search = [
               |  __________^
            12 | |   "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be0.example.net",
            13 | |   "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be1.example.net",
            14 | |   "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be2.example.net",
            15 | |   "a-name-of-some-length-that-is-nearly-as-long-as-a-label-may-be3.example.net",
            16 | | ]
               | |_^
               |
               = help: name fewer domains

            5 errors
        "#]],
    );
}

#[test]
fn numbers_out_of_bounds() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
mtu = 68
keep_for_known = 101
probe = "yes"
"#,
        expect![[r#"
            error: `dhcp.pools[0].mtu` must be between 576 and 9216
             --> config.toml:6:7
              |
            6 | mtu = 68
              |       ^^

            error: `dhcp.pools[0].keep_for_known` must be between 0 and 100
             --> config.toml:7:18
              |
            7 | keep_for_known = 101
              |                  ^^^

            error: `dhcp.pools[0].probe` must be true or false, not text
             --> config.toml:8:9
              |
            8 | probe = "yes"
              |         ^^^^^
              |
              = help: for example `true`

            3 errors
        "#]],
    );
}

#[test]
fn addresses_of_hosts_that_no_pool_has() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
router = "10.0.0.1"

[hosts.a]
mac = "52:54:00:00:00:01"
address = "10.0.7.5"

[hosts.b]
mac = "52:54:00:00:00:02"
address = ["10.0.0.255", "oak"]

[hosts.c]
mac = "52:54:00:00:00:03"
address = "10.0.0.20"

[hosts.d]
mac = "52:54:00:00:00:04"
address = "10.0.0.20"

[hosts.e]
mac = "52:54:00:00:00:05"
address = ["10.0.0.30", "10.0.0.31"]
"#,
        expect![[r#"
            error: address 10.0.7.5 of host `a` lies in no pool's subnet
              --> config.toml:10:11
               |
            10 | address = "10.0.7.5"
               |           ^^^^^^^^^^
               |
               = help: add a `[[dhcp.pools]]` for its subnet, which needs no range

            error: no machine can have 10.0.0.255 in 10.0.0.0/24
              --> config.toml:14:12
               |
            14 | address = ["10.0.0.255", "oak"]
               |            ^^^^^^^^^^^^
               |
               = help: that is the address of the network itself, or of all machines in it

            error: `hosts.b.address`: `oak` is no IPv4 address
              --> config.toml:14:26
               |
            14 | address = ["10.0.0.255", "oak"]
               |                          ^^^^^
               |
               = help: write an address such as `"192.168.77.20"`

            error: address 10.0.0.20 belongs to host `c` already
              --> config.toml:22:11
               |
            22 | address = "10.0.0.20"
               |           ^^^^^^^^^^^
               |
              ::: config.toml:18:11
               |
            18 | address = "10.0.0.20"
               |           ----------- it is given here first
               |
               = help: give each machine its own

            error: host `e` has two addresses in one subnet
              --> config.toml:26:25
               |
            26 | address = ["10.0.0.30", "10.0.0.31"]
               |                         ^^^^^^^^^^^
               |
              ::: config.toml:26:12
               |
            26 | address = ["10.0.0.30", "10.0.0.31"]
               |            ----------- the other one
               |
               = help: name one; another card of it gets one from the range

            5 errors
        "#]],
    );
}

#[test]
fn an_address_of_a_host_where_there_is_no_pool() {
    check(
        r#"[hosts.a]
mac = "52:54:00:00:00:01"
address = "10.0.7.5"
"#,
        expect![[r#"
            error: address 10.0.7.5 of host `a` lies in no pool's subnet
             --> config.toml:3:11
              |
            3 | address = "10.0.7.5"
              |           ^^^^^^^^^^
              |
              = help: add a `[[dhcp.pools]]` for its subnet, which needs no range

            1 error
        "#]],
    );
}

#[test]
fn the_address_of_the_router_for_a_host() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
router = "10.0.0.1"

[hosts.a]
mac = "52:54:00:00:00:01"
address = "10.0.0.1"
"#,
        expect![[r#"
            warning: host `a` has the address of the router of 10.0.0.0/24
              --> config.toml:10:11
               |
            10 | address = "10.0.0.1"
               |           ^^^^^^^^^^
               |
              ::: config.toml:5:10
               |
             5 | subnet = "10.0.0.0/24"
               |          ------------- its pool

            1 warning
        "#]],
    );
}

#[test]
fn a_router_out_of_reach_and_a_name_server_given_twice() {
    check(
        r#"[dhcp]
mode = "server"

[[dhcp.pools]]
subnet = "10.0.0.0/24"
router = "10.0.1.1"
dns = ["10.0.0.2", "10.0.0.2"]
"#,
        expect![[r#"
            warning: router 10.0.1.1 is not in 10.0.0.0/24: machines there cannot reach it
             --> config.toml:6:10
              |
            6 | router = "10.0.1.1"
              |          ^^^^^^^^^^

            warning: `dhcp.pools[0].dns`: 10.0.0.2 is given twice
             --> config.toml:7:20
              |
            7 | dns = ["10.0.0.2", "10.0.0.2"]
              |                    ^^^^^^^^^^

            2 warnings
        "#]],
    );
}
