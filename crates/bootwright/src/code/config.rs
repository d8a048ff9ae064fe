//! Codes about the configuration, and what it leads to.

use super::Code;

pub(super) const CODES: &[Code] = &[
    Code {
        id: "E201",
        what: "the configuration has mistakes",
        why: "it is not taken into force: a daemon that runs goes on with the last good one, and one that starts does not",
        act: "mend what each message points at; the caret stands beneath the words that are wrong",
        check: "`bootwright check` is silent and ends with 0",
    },
    Code {
        id: "W202",
        what: "something in the configuration is probably not what was meant",
        why: "it is in force, but a rule may never match, or a name lead nowhere",
        act: "read the message and its hint; if it is meant so, nothing needs to be done",
        check: "`bootwright check`",
    },
    Code {
        id: "W203",
        what: "the configuration on disk was refused; the last good one is in force",
        why: "what was changed since then does not count, and a restart would fail",
        act: "mend it: `bootwright check` shows every mistake; it is read again when its files change",
        check: "`bootwright reload` succeeds, and `bootwright status` no longer warns",
    },
    Code {
        id: "W204",
        what: "settings of sockets or directories were changed",
        why: "they count only after a restart: until then the old ones are in force",
        act: "restart the daemon when it suits; machines that are installing go on afterwards",
        check: "`bootwright status` after the restart",
    },
    Code {
        id: "W205",
        what: "the configuration's files are gone",
        why: "the last good configuration stays in force, but a restart would run without one",
        act: "put them back, or look whether a mount is missing",
        check: "`bootwright check`",
    },
    Code {
        id: "W206",
        what: "a rule would arm machines that were there before it",
        why: "a reload arms nobody: somebody has to agree",
        act: "`bootwright apply` accepts the proposals, `bootwright apply --dry-run` only shows them",
        check: "`bootwright apply --dry-run` lists none",
    },
    Code {
        id: "E207",
        what: "a boot file of the firmware catalogue is missing or not as its manifest lists it",
        why: "machines of that architecture get no boot file, and show PXE-E53 or their setup",
        act: "`cargo xtask firmware` in a source tree, or put a build into `firmware/` of the data directory; the line says which",
        check: "`bootwright check --data-dir DIR` or `bootwright status`",
    },
    Code {
        id: "E208",
        what: "a file of an image is not as it was added",
        why: "nothing that boots it is installed until it is right again",
        act: "`bootwright image add NAME` fetches it anew; if somebody changed it on purpose, add it as an image of its own",
        check: "`bootwright image verify NAME`",
    },
    Code {
        id: "E209",
        what: "a document, a script or a boot configuration cannot be rendered",
        why: "the machine waits: no attempt is used and nothing is installed",
        act: "set what is missing (`bootwright host set NAME metadata.KEY=VALUE`), or mend the template at the line that is named",
        check: "`bootwright explain NAME`, and `bootwright check` for what can be known before",
    },
    Code {
        id: "E210",
        what: "answers in matchbox's form are not signed",
        why: "clients that want a signature get none and refuse the answer",
        act: "do what the line says about the key: its file, its passphrase, its form",
        check: "`curl http://ADDRESS:PORT/ipxe.asc?mac=…` answers",
    },
];
