//! Codes of requests that were refused.

use bootwright_proto::http::api::ProblemCode;

use super::Code;

/// The code of a refusal.
#[must_use]
pub const fn of_problem(code: ProblemCode) -> &'static str {
    match code {
        ProblemCode::BadRequest => "E401",
        ProblemCode::Unauthorized => "E402",
        ProblemCode::Forbidden => "E403",
        ProblemCode::NotFound => "E404",
        ProblemCode::MethodNotAllowed => "E405",
        ProblemCode::UnknownHost => "E406",
        ProblemCode::AmbiguousHost => "E407",
        ProblemCode::UnknownProfile => "E408",
        ProblemCode::Conflict => "E409",
        ProblemCode::BadConfiguration => "E201",
        ProblemCode::TooLarge => "E413",
        ProblemCode::StoreUnavailable => "E301",
        ProblemCode::Stale => "E412",
        ProblemCode::UnsupportedMediaType => "E415",
        ProblemCode::KeyReused => "E422",
        ProblemCode::Busy => "E429",
        ProblemCode::Internal => "E901",
    }
}

pub(super) const CODES: &[Code] = &[
    Code {
        id: "E401",
        what: "a request cannot be understood",
        why: "nothing was done; words that are not known are refused, so that a misspelled one is never passed over",
        act: "compare it with what the message says and with `docs/api.md`",
        check: "the same command with `--help`",
    },
    Code {
        id: "E402",
        what: "a login is needed",
        why: "nobody is known to make this request",
        act: "log in, send a token (`Authorization: Bearer …`), or use the socket on the box itself",
        check: "`bootwright status` on the box, as root or as a member of the group `bootwright`",
    },
    Code {
        id: "E403",
        what: "this login may not do that",
        why: "each route has a least role: viewers read, operators decide about hosts, admins change the site",
        act: "ask somebody who has the role that the message names",
        check: "the table of routes in `docs/api.md`",
    },
    Code {
        id: "E404",
        what: "there is no such route",
        why: "nothing was done; the program that asked may be of another version",
        act: "compare the path with `docs/api.md`",
        check: "`bootwright version` on both sides",
    },
    Code {
        id: "E405",
        what: "the route does not know this method",
        why: "nothing was done",
        act: "what reads is GET, what changes is POST",
        check: "the table of routes in `docs/api.md`",
    },
    Code {
        id: "E406",
        what: "no host has this name, hardware address or UUID",
        why: "nothing was done",
        act: "look at the hint: the most similar name stands there",
        check: "`bootwright host list`",
    },
    Code {
        id: "E407",
        what: "several hosts fit",
        why: "nothing was done, since it is not clear to which",
        act: "name the host by its own name or a hardware address",
        check: "`bootwright host list --text NAME`",
    },
    Code {
        id: "E408",
        what: "no profile has this name",
        why: "nothing was armed",
        act: "look at the hint, or define it: `bootwright profile new NAME --os SYSTEM` writes one to begin with",
        check: "`bootwright check`",
    },
    Code {
        id: "E409",
        what: "the state of the host does not allow it",
        why: "nothing was done: such as to arm a host that is locked, or to end a run where none is under way",
        act: "do what the hint says first",
        check: "`bootwright host show NAME`",
    },
    Code {
        id: "E412",
        what: "what was to be changed is no longer as it was read",
        why: "somebody else changed it in between; nothing was done, so that no change of theirs is lost",
        act: "read it again, look at what changed, and send the change with the new `ETag`",
        check: "`bootwright host show NAME`",
    },
    Code {
        id: "E413",
        what: "a request is too large",
        why: "it was not read, and nothing was done",
        act: "a body has at most 64 KiB; files belong into the data directory, not into the API",
        check: "the length of what was sent",
    },
    Code {
        id: "E415",
        what: "a body is of another media type than the route reads",
        why: "it was not read, and nothing was done",
        act: "send JSON, with `Content-Type: application/json`",
        check: "the table of routes in `docs/api.md`",
    },
    Code {
        id: "E422",
        what: "an idempotency key was used before, for another request",
        why: "the key stands for one request whose answer is kept; nothing was done",
        act: "make a new key for each request; repeat one only with what it was sent with",
        check: "`bootwright events` shows what was done under the first request",
    },
    Code {
        id: "E429",
        what: "there is too much to do at this moment",
        why: "it was refused rather than kept waiting; nothing was done",
        act: "try again in a few seconds",
        check: "`bootwright status`",
    },
];
