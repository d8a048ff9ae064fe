//! Faults of ports, packet filters and owners.

use super::Mend::Command as ByCommand;
use super::{Cell, Fault, nothing, plain_config, with};

/// Something that holds a port until it is killed: another program, as the doctor sees it.
fn hold(cell: &Cell, kind: &str, port: u16) {
    let listen = if kind == "STREAM" { "s.listen();" } else { "" };
    let program = format!(
        "import socket,time;s=socket.socket(socket.AF_INET,socket.SOCK_{kind});s.bind(('0.0.0.0',{port}));{listen}\
         print('held',flush=True);time.sleep(600)"
    );
    // The shell is gone at once, and the program belongs to nobody who would have to wait for it.
    cell.sh(&format!(
        "setsid python3 -c \"{program}\" > {0}/held 2>&1 & until grep -q held {0}/held; do sleep 0.05; done",
        cell.directory.display()
    ));
}

pub(super) const PORTS: &[Fault] = &[
    Fault {
        id: "P01",
        name: "another program holds port 67",
        plant: |cell| {
            with(cell, "[dhcp]\nsockets = \"kernel\"\n");
            hold(cell, "DGRAM", 67);
        },
        verdict: "error",
        says: "port 67/udp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: plain_config,
    },
    Fault {
        id: "P02",
        name: "another program holds port 4011",
        plant: |cell| hold(cell, "DGRAM", 4011),
        verdict: "error",
        says: "port 4011/udp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "P03",
        name: "another program holds port 69",
        plant: |cell| hold(cell, "DGRAM", 69),
        verdict: "error",
        says: "port 69/udp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "P04",
        name: "another program holds port 8080",
        plant: |cell| hold(cell, "STREAM", 8080),
        verdict: "error",
        says: "port 8080/tcp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: nothing,
    },
    Fault {
        id: "P05",
        name: "another program holds port 8443",
        plant: |cell| hold(cell, "STREAM", 8443),
        verdict: "error",
        says: "port 8443/tcp is held by `python3` (pid ",
        mend: ByCommand,
        // The next row's site receives logs.
        tidy: |cell| cell.config("[server]\ninterfaces = [\"lab0\"]\nsyslog = \":514\"\n"),
    },
    Fault {
        id: "P06",
        name: "another program holds the syslog port",
        plant: |cell| hold(cell, "DGRAM", 514),
        verdict: "error",
        says: "port 514/udp is held by `python3` (pid ",
        mend: ByCommand,
        tidy: plain_config,
    },
    Fault {
        id: "P07",
        name: "a table of nftables lets in what is known and nothing else",
        plant: |cell| {
            cell.sh(
                "nft 'table inet guard { set lan { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }; \
                 chain input { type filter hook input priority 0; policy drop; ct state vmap { established : accept, \
                 related : accept, invalid : drop }; iifname lo accept; ip protocol icmp accept; ip saddr @lan tcp dport { 22, \
                 8443 } accept; udp dport 60-66 accept; counter jump more; }; chain more { udp dport 68 accept; tcp dport 8081 accept; }; }'",
            );
        },
        verdict: "error",
        says: "port 67/udp (DHCP) on lab0 (the policy of chain guard input), port 4011/udp (PXE) on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("nft delete table inet guard")),
    },
    Fault {
        id: "P07",
        name: "a rule of nftables drops TFTP's acknowledgements and what leaves",
        plant: |cell| {
            cell.sh(
                "nft 'table ip strict { chain input { type filter hook input priority 10; udp dport { 67, 69, 4011 } accept; \
                 tcp dport 8080 accept; udp dport 1024-65535 counter drop; }; \
                 chain output { type filter hook output priority 0; policy drop; udp sport { 67, 4011 } accept; tcp sport 8080 \
                 accept; }; }'",
            );
        },
        verdict: "error",
        says: "TFTP blocks that leave on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("nft delete table ip strict")),
    },
    Fault {
        id: "P07",
        name: "iptables drops in a chain of its own",
        plant: |cell| {
            cell.sh(
                "iptables -N guard && iptables -A INPUT -m comment --comment 'a b' -j guard && \
                 iptables -A guard -i lab0 -p udp -m multiport --dports 69,4011 -j DROP && \
                 iptables -A guard -p tcp -m tcp --dport 8000:8100 -j REJECT",
            );
        },
        verdict: "error",
        says: "port 69/udp (TFTP) on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("nft flush ruleset")),
    },
    Fault {
        id: "P07",
        name: "the older iptables has a policy that drops",
        plant: |cell| drop(cell.sh("iptables-legacy -P INPUT DROP && iptables-legacy -A INPUT -i lo -j ACCEPT")),
        verdict: "error",
        says: "port 8080/tcp (HTTP) on lab0",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh("iptables-legacy -P INPUT ACCEPT && iptables-legacy -F")),
    },
    Fault {
        id: "P09",
        name: "an image belongs to another user",
        plant: |cell| {
            cell.sh(&format!(
                "mkdir -p {0}/images/x && touch {0}/images/x/linux && chown 65534:65534 {0}/images/x/linux",
                cell.data().display()
            ));
        },
        verdict: "warning",
        says: "images/x/linux",
        mend: ByCommand,
        tidy: |cell| drop(cell.sh(&format!("rm -r {}/images", cell.data().display()))),
    },
];
