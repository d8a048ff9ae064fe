//! Codes about other servers on the segment.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        id: "W110",
        what: "several DHCP servers answer on one interface",
        why: "a machine takes the first answer: its address, its router and whether it boots become a matter of chance",
        act: "switch all but one off; one that is not yours is often a router or a hypervisor's network that was plugged in wrongly",
        check: "`bootwright status` lists them below the interface with address, card and what they do",
    },
    Code {
        id: "W111",
        what: "no DHCP server answers on an interface",
        why: "in mode `proxy` Bootwright gives no addresses: without another server no machine gets one, and none boots (PXE-E51)",
        act: "connect the segment's DHCP server, or let Bootwright lend addresses: `[dhcp] mode = \"server\"` and a `[[dhcp.pools]]`",
        check: "`bootwright status` lists a server below the interface within five minutes",
    },
    Code {
        id: "W112",
        what: "another server on the segment tells machines where to boot as well",
        why: "whom a machine follows is chance: it may install what the other server says, or nothing",
        act: "switch one of the two off; to look on without answering, set `[dhcp] mode = \"observe\"` here",
        check: "`bootwright status` no longer lists it as one that boots machines",
    },
    Code {
        id: "W113",
        what: "a DHCP server calls itself a boot server (option 60, `PXEClient`) and names no file",
        why: "UEFI machines then ask that server for the boot file on port 4011 and ignore ours (PXE-E16)",
        act: "take option 60 out of that server: it is left from a PXE set-up, as Windows DHCP and older guides make it",
        check: "`bootwright explain HOST` no longer names that server, and the machine fetches its file",
    },
    Code {
        id: "W114",
        what: "a DHCP server tells iPXE not to wait for proxies (option 176 within option 175)",
        why: "iPXE then ignores our answer and goes on without a script",
        act: "take `option 175.176` (`no-pxedhcp`) out of that server",
        check: "`bootwright status` no longer warns of it",
    },
    Code {
        id: "W115",
        what: "other DHCP servers cannot be searched for",
        why: "a rogue server would not be noticed, and in mode `server` no address is lent before the search has ended",
        act: "do what the warning says: mostly the capability NET_RAW is missing, or a DHCP client of the box holds port 68",
        check: "`bootwright status` says `no other DHCP server` or lists them",
    },
    Code {
        id: "W116",
        what: "the address of an interface ends in 0",
        why: "old EDK2 firmware takes such an address for a network's and boots from no server there",
        act: "give the interface another address of the same network",
        check: "`ip -4 address show dev INTERFACE`",
    },
    Code {
        id: "W117",
        what: "no addresses are lent on an interface, or beside another server",
        why: "in mode `server` two who lend from one network give the same address twice",
        act: "switch the other server off, or set `[dhcp] force = true` if both lend different addresses",
        check: "`bootwright status`, and `bootwright lease list` once a machine has asked",
    },
    Code {
        id: "W118",
        what: "an address of this box is reserved for a machine",
        why: "the machine will not get it, and is lent none in its place",
        act: "change `address` below `[hosts.NAME]`, or the address of the box",
        check: "`bootwright check`, then `bootwright status`",
    },
    Code {
        id: "W119",
        what: "something about DHCPv6 or the router of an interface is not as machines need it",
        why: "machines that boot over IPv6 get no address, or are not told what to boot",
        act: "do what the warning says: router advertisements, their M and O flags and the prefix come from your router",
        check: "`rdisc6 INTERFACE` shows what the router announces; `bootwright status` no longer warns",
    },
];
