//! Codes about the box that the daemon runs on.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        id: "E101",
        what: "the daemon runs in a container on the container engine's own network",
        why: "machines ask for their boot server by broadcast, and no broadcast gets into that network: nothing will ever boot",
        act: "start the container with the host's network: `network_mode: host` in the compose file, `docker run --network host`",
        check: "`bootwright status` no longer warns of it, and lists the cards of the box as interfaces",
    },
    Code {
        id: "E102",
        what: "the daemon runs inside Docker Desktop",
        why: "its containers live in a virtual machine that has no card on your segment; with the host's network they have that machine's",
        act: "use a Linux box, or a Linux virtual machine whose card is bridged to the segment",
        check: "`bootwright status` on that box lists its wired card as served",
    },
    Code {
        id: "W103",
        what: "the daemon runs in the Windows Subsystem for Linux",
        why: "its network is translated by Windows, so that no broadcast of a machine gets in unless it is mirrored",
        act: "set `networkingMode=mirrored` below `[wsl2]` in `.wslconfig`, run `wsl --shutdown`, or use a Linux box",
        check: "`ip address` inside WSL shows the address of the Windows box, and `bootwright status` no longer warns",
    },
    Code {
        id: "E104",
        what: "no interface is served",
        why: "no machine is heard, whatever it sends",
        act: "look why each is left out: give a wired card an address and its cable, or name the right ones in `[server] interfaces`",
        check: "`bootwright status` has a line `interface` for each card, with the reason where it is not served",
    },
    Code {
        id: "E105",
        what: "a port that the daemon needs is held by another program",
        why: "what is asked on that port is answered by the other program, or by nobody",
        act: "stop that program, give it another port, or set another one here: `[server] http`; `[dhcp] sockets = \"packet\"` shares port 67",
        check: "`ss -lnup` and `ss -lntp` as root name the holder of each port",
    },
    Code {
        id: "E106",
        what: "the control socket cannot be made",
        why: "without it no command reaches the daemon",
        act: "make its directory writable for the daemon, end the daemon that answers there, or name another file with `--socket`",
        check: "`bootwright --socket FILE status` gets an answer",
    },
    Code {
        id: "E107",
        what: "a listener on an interface has ended",
        why: "machines on that interface are not heard on this channel until it is started again, which is tried every two seconds",
        act: "mostly nothing: a card that was pulled or made anew looks like this; if it stays, the reason in the line names the trouble",
        check: "`bootwright status` shows the interface as served",
    },
    Code {
        id: "W108",
        what: "the kernel grants a small receive buffer",
        why: "when many machines are switched on at once, some packets are lost and their machines ask again: seconds, no failure",
        act: "as root: `sysctl -w net.core.rmem_max=4194304`, and the same line in `/etc/sysctl.d/`",
        check: "`sysctl net.core.rmem_max`; the line is gone from the log after a restart",
    },
    Code {
        id: "W109",
        what: "addresses are lent without a look whether somebody uses them",
        why: "a machine with a fixed address inside the pool and one that is lent the same disturb each other",
        act: "give the daemon the capability NET_RAW (`AmbientCapabilities` of its unit, `cap_add` of its container)",
        check: "the line is gone from the log after a restart",
    },
];
