//! Codes about installs.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        id: "E601",
        what: "the disk guard stopped an install: the disk is not empty, or not the one that was allowed",
        why: "nothing was written; the machine starts its own disk",
        act: "if what is on the disk may go: `bootwright host arm NAME --allow-wipe SERIAL` allows it once",
        check: "`bootwright host show NAME` has the guard's words and the disk's serial number",
    },
    Code {
        id: "E602",
        what: "the installer reported that it failed",
        why: "the disk may be half written; the machine starts it all the same, and no install begins by itself",
        act: "read its last words, mend the profile or its documents, then `bootwright host arm NAME`",
        check: "`bootwright host log NAME` and `bootwright events --host NAME`",
    },
    Code {
        id: "E603",
        what: "an install was not reported done before its deadline",
        why: "it counts as failed; a late report changes nothing",
        act: "look at the machine's console; a profile that takes longer gets `deadline = \"…\"`, one that cannot report `done = \"manual\"`",
        check: "`bootwright host show NAME` shows how far it came",
    },
    Code {
        id: "E604",
        what: "a machine asked for its install script once more than it may",
        why: "it starts again and again in the middle of its install: each further start could wipe a disk anew",
        act: "look why it restarts (power, memory, a kernel that panics), then arm it again",
        check: "`bootwright events --host NAME` has each attempt",
    },
    Code {
        id: "E605",
        what: "the machine that came back is not the one that was armed",
        why: "an install is granted to one machine; another one behind the same card would lose its disks",
        act: "if the hardware was changed on purpose, arm it again: the new facts are then the ones that count",
        check: "`bootwright explain NAME` shows which facts differ",
    },
    Code {
        id: "W611",
        what: "an install has been silent for longer than its stage usually takes",
        why: "it may hang: too little memory, a question on its console, a mirror that does not answer",
        act: "look at its console; the install is not ended by this, and goes on when it reports",
        check: "`bootwright host show NAME` and `bootwright host log NAME`",
    },
    Code {
        id: "W612",
        what: "a machine came back from its own disk too early",
        why: "its disk does not start, or its firmware goes from one network boot to the next",
        act: "after three times it waits: look at its boot order and its disk, or set `local_boot` below `[hosts.NAME]`",
        check: "`bootwright explain NAME` shows the way to its disk that is tried next",
    },
    Code {
        id: "W613",
        what: "a document of a run was refused to somebody",
        why: "a foreign card, another address, too late or once too often: somebody else may hold the token of the run",
        act: "if it is your machine, name its card in `[hosts.NAME]`, or see `safety.document_binding`; else look who is on the segment",
        check: "`bootwright events --host NAME` says who and why",
    },
    Code {
        id: "W616",
        what: "installs are paused",
        why: "nothing begins or goes on until somebody agrees: an operator said so, three runs failed in a row, or one rule armed too many",
        act: "see that the cause is gone, then `bootwright resume`",
        check: "`bootwright status` has the reason",
    },
    Code {
        id: "W617",
        what: "messages by syslog from an address are not kept",
        why: "the address belongs to no host with a run, or they come faster than they are taken",
        act: "mostly nothing; other devices that send their logs here need another server",
        check: "`bootwright status --json` counts them by reason below `voice.`",
    },
];
