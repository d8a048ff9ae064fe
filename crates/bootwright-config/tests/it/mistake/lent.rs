//! Mistakes in what goes with an address: servers, names, times; and in the addresses of hosts.

use expect_test::expect;

use crate::check;

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
