//! Codes about the record and the disk beneath it.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        id: "E301",
        what: "the store cannot be written",
        why: "what would have to be recorded is refused: no install begins or ends; machines that are installed still start",
        act: "look at the disk of the data directory: is it full, read-only, gone? The store is opened again every two seconds",
        check: "`bootwright status`, and `df -h /var/lib/bootwright`",
    },
    Code {
        id: "E302",
        what: "the disk of the store is full, and its reserve is in use",
        why: "runs under way can still be recorded, nothing new begins",
        act: "free some space: `bootwright image list` shows what lies in `images/`",
        check: "`df -h /var/lib/bootwright`; the warning goes by itself within seconds",
    },
    Code {
        id: "E303",
        what: "the data directory is held by another daemon",
        why: "two daemons on one record would install machines twice",
        act: "stop the other one, or give this one a directory of its own with `--data-dir`",
        check: "`cat /var/lib/bootwright/bootwright.lock` has its process number",
    },
    Code {
        id: "E304",
        what: "the store cannot be opened: it is damaged, newer than the program, or cannot be read",
        why: "without its record Bootwright does not know which machines are installed, and so does nothing",
        act: "the message says which: install the newer version again, or restore a backup",
        check: "`bootwright check --store`",
    },
    Code {
        id: "W305",
        what: "the store is a restored backup",
        why: "what was armed may have been installed since: grants are withdrawn, runs are ended, and installs are paused",
        act: "look at the hosts, arm those that need it, then `bootwright resume`",
        check: "`bootwright host list`",
    },
    Code {
        id: "W306",
        what: "lines of the log were dropped",
        why: "nobody read them in time, and no machine waits for the log; events are recorded all the same",
        act: "look at who reads the standard error: a terminal that was stopped, a full disk of the journal",
        check: "`bootwright status` counts them; `bootwright events` has all that matters",
    },
    Code {
        id: "E307",
        what: "something that happened could not be recorded",
        why: "it counts as not having happened; the machine asks or reports again",
        act: "as for E301: the disk of the data directory is slow, full or failing",
        check: "`bootwright status`",
    },
    Code {
        id: "W308",
        what: "an installer's log could not be kept",
        why: "the install goes on; what the installer wrote is lost",
        act: "look at the disk and the rights of `logs/` in the data directory",
        check: "`ls -l /var/lib/bootwright/logs`",
    },
    Code {
        id: "E901",
        what: "a part of Bootwright has panicked: a defect",
        why: "it costs the one packet or request; in the engine it ends the process, and a restart goes on from the record",
        act: "please report the line; if it happens again and again, a restart may help for a while",
        check: "`bootwright status` says `not ready` where it happens often",
    },
];
