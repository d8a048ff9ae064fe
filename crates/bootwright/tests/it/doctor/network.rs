//! Faults of interfaces, routes and bridges.

use super::Mend::{Command as ByCommand, Hand};
use super::{Fault, nothing, plain_config};

pub(super) const NETWORK: &[Fault] = &[
    Fault {
        id: "N01",
        name: "the interface is switched off",
        plant: |cell| drop(cell.sh("ip link set lab0 down")),
        verdict: "error",
        says: "lab0: it is down",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "N02",
        name: "the cable is pulled out",
        plant: |cell| drop(cell.far.ip("link set eth0 down")),
        verdict: "error",
        says: "lab0 has no carrier",
        // Somebody plugs it in.
        mend: Hand(|cell| drop(cell.far.ip("link set eth0 up"))),
        tidy: |cell| drop(cell.far.ip("addr replace 10.77.0.254/24 broadcast + dev eth0")),
    },
    Fault {
        id: "N03",
        name: "the interface has no address",
        plant: |cell| drop(cell.sh("ip -4 address flush dev lab0")),
        verdict: "error",
        says: "lab0 has no IPv4 address",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("ip -4 address flush dev lab0 && ip address add 10.77.0.1/24 broadcast + dev lab0")),
    },
    Fault {
        id: "N03",
        name: "the interface gave itself an address",
        plant: |cell| drop(cell.sh("ip -4 address flush dev lab0 && ip address add 169.254.7.7/16 dev lab0")),
        verdict: "error",
        says: "an address that it gave itself",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("ip -4 address flush dev lab0 && ip address add 10.77.0.1/24 broadcast + dev lab0")),
    },
    Fault {
        id: "N04",
        name: "the default router is in no network of ours",
        plant: |cell| drop(cell.sh("ip route add default via 203.0.113.1 dev lab0 onlink")),
        verdict: "warning",
        says: "203.0.113.1",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "N06",
        name: "the kernel is Docker Desktop's",
        plant: |cell| {
            cell.sh(&format!(
                "echo 6.12.5-linuxkit > {0}/osrelease && mount --bind {0}/osrelease /proc/sys/kernel/osrelease",
                cell.directory.display()
            ));
        },
        verdict: "error",
        says: "Docker Desktop",
        // It is run on a Linux box, whose kernel says something else.
        mend: Hand(|cell| drop(cell.sh("umount /proc/sys/kernel/osrelease"))),
        tidy: nothing,
    },
    Fault {
        id: "N07",
        name: "the configuration names an interface that is not there",
        plant: |cell| cell.config("[server]\ninterfaces = [\"lab0\", \"lab9\"]\n"),
        verdict: "warning",
        says: "`lab9` is not there; there are lab0",
        mend: Hand(plain_config),
        tidy: nothing,
    },
    Fault {
        id: "N07",
        name: "the configuration names a port of a bridge",
        plant: |cell| {
            cell.sh(
                "ip link add br7 type bridge && ip link add port7 type veth peer name peer7 && ip link set port7 master br7",
            );
            cell.config("[server]\ninterfaces = [\"lab0\", \"port7\"]\n");
        },
        verdict: "error",
        says: "port7 is a port of br7",
        mend: Hand(|cell| cell.config("[server]\ninterfaces = [\"lab0\", \"br7\"]\n")),
        tidy: |cell| {
            cell.sh("ip link del port7 && ip link del br7");
            plain_config(cell);
        },
    },
    Fault {
        id: "N08",
        name: "a bridge waits for its spanning tree",
        plant: |cell| {
            cell.sh(
                "ip link add br8 type bridge stp_state 1 && ip address add 10.88.8.1/24 dev br8 && ip link set br8 up",
            );
            cell.config("[server]\ninterfaces = [\"lab0\", \"br8\"]\n");
        },
        verdict: "warning",
        says: "on br8 the spanning tree protocol keeps a port closed for 30 s",
        mend: ByCommand,
        tidy: |cell| {
            cell.sh("ip link del br8");
            plain_config(cell);
        },
    },
];
