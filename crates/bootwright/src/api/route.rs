//! The table of the API's routes: everything that there is, whom it takes, what it is asked and what it answers.
//!
//! The router, the checks in front of the handlers, the OpenAPI document and the tests of all of them are made from it. So
//! there is no route that is not in it, and nothing has to be said twice.
//!
//! To add a route, write one more item into [`all`]:
//!
//! ```text
//! Route::post("/hosts/{host}/wake", Operator, host::wake)   // method, path below `/api/v1`, least role, handler
//!     .says("Wakes a host by its network card")             // one line, no full stop
//!     .query(&[TEXT])                                       // items of its query; no others are let in
//!     .takes::<WakeRequest>()                               // its body; `.may_take` where it may be left out
//!     .answers::<WakeReport>()                              // the document of status 200
//!     .refuses(&[ProblemCode::Conflict])                    // beside what every route of its kind refuses
//! ```
//!
//! Documents are types of `bootwright_proto::http::api` that derive `JsonSchema`; what is sent to us has
//! `deny_unknown_fields`, and its enums have members in braces even where they are empty. A handler takes
//! `State<ApiState>`, and as far as it needs them `Extension<Operator>`, `Path<String>`, `Items` (the query, checked by then)
//! and `Body`. A part of the path in braces wants its words in `shape::PLACES`. A POST understands `Idempotency-Key` by itself,
//! unless it answers with a secret: then add `.answers_a_secret()`.

mod shape;

use std::collections::BTreeMap;

use bootwright_proto::http::api::{
    ApplyReport, ApplyRequest, Command, CommandReport, ConfigDiff, ConfigView, DocumentList, EventPage, Explanation,
    Health, HostDetail, HostList, HostLog, ImageList, LeaseList, MadeToken, NewToken, NewUser, Nothing, PauseRequest,
    ProblemCode, ProfileList, ProposalList, ReloadReport, Role, Status, TokenList, UserChange, UserList, WebhookList,
    WebhookReport, WhoAmI,
};

use super::{
    access, backup, command, config, document, event, explain, host, image, lease, openapi, profile, proposal, reload,
    site, webhook,
};
pub(super) use shape::{Answers, Kind, PLACES, Parameter, Route, Takes};

const STATE: Parameter = Parameter::of("state", Kind::Word(STATES), "only hosts in this state");
const AFTER: Parameter = Parameter::of(
    "after",
    Kind::Text,
    "only what comes behind this one: `next` of the page before",
);
const LIMIT: Parameter = Parameter::of(
    "limit",
    Kind::Number(1, u32::MAX as u64),
    "at most so many; a page has at most 1000",
);

/// What may be supposed of a machine.
const AS_IF: &str = concat!(
    r"^((serial|asset|manufacturer|product|interface|link|(label|metadata)\.[^=]*)=[\s\S]*|firmware=(bios|uefi)",
    r"|(locked|confirmed|paused)=(yes|no|true|false)|(profile|live)=[a-z0-9][a-z0-9-]{0,62}|mode=(proxy|server|observe|off)",
    r"|state=(new|hold|local|installed|failed|ignored)|wipe=(empty-only|always)|chosen=[0-9]{1,2}",
    r"|unknown=(hold|local|ignore|install:[a-z0-9][a-z0-9-]{0,62})|max_(attempts|concurrent|new_per_hour)=[0-9]{1,9}",
    r"|arch=(bios|efi32|efi64|arm64)|front=(ipxe|pxelinux|grub|u-boot|raspberry-pi)|address=[1-9][0-9](\.[1-9][0-9]){3}",
    r"|mac=[0-9a-f]{2}(:[0-9a-f]{2}){5}|uuid=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
);

/// The names of the states of a host.
const STATES: &[&str] = &["new", "armed", "installing", "installed", "failed", "live", "ignored"];

/// The channels that can be asked about alone.
const CHANNELS: &[&str] = &["dhcp", "tftp", "ipxe", "config"];
/// How people read the states of a host.
const BADGES: &[&str] = &[
    "new",
    "held",
    "local",
    "armed",
    "installing",
    "stalled",
    "done",
    "up",
    "failed",
    "live",
    "ignored",
];

/// All routes.
pub(super) fn all() -> Vec<Route> {
    [of_hosts(), of_the_site(), logins()].into_iter().flatten().collect()
}

/// How the daemon does, hosts, and what they boot.
fn of_hosts() -> Vec<Route> {
    use Role::{Operator, Viewer};
    vec![
        Route::get("/health", Viewer, site::health)
            .says("Whether the daemon answers")
            .answers::<Health>(),
        Route::get("/status", Viewer, site::status)
            .says("How the daemon does: interfaces, store, counters, warnings")
            .answers::<Status>()
            .refuses(&[ProblemCode::StoreUnavailable]),
        Route::get("/hosts", Viewer, host::list)
            .says("Hosts in the order of their names in the store, a page of them")
            .query(&[
                STATE,
                Parameter::of("badge", Kind::Word(BADGES), "only hosts that read so; several may be named").repeated(),
                Parameter::of("profile", Kind::Text, "only hosts whose state speaks of this profile"),
                Parameter::of("label", Kind::Text, "only hosts with this label, `KEY` or `KEY=VALUE`"),
                Parameter::of("link", Kind::Text, "only hosts last seen on this interface"),
                Parameter::of(
                    "attention",
                    Kind::Word(&["true", "false"]),
                    "whether only hosts that wait for somebody to decide",
                ),
                Parameter::of(
                    "text",
                    Kind::Text,
                    "only hosts whose name, card, address, serial number, profile, make or label holds this",
                ),
                AFTER,
                LIMIT,
            ])
            .answers::<HostList>(),
        Route::get("/hosts/{host}", Viewer, host::show)
            .says("Everything about a host")
            .answers::<HostDetail>()
            .versioned(),
        Route::get("/hosts/{host}/log", Viewer, host::log)
            .says("The end of the log of a host's install, of the last one unless `run` says another")
            .query(&[Parameter::of("run", Kind::Number(1, u32::MAX as u64), "the number of the run")])
            .answers::<HostLog>(),
        Route::get("/hosts/{host}/explain", Viewer, explain::explain)
            .says("What a host would be answered now on each channel, and why; a machine that was never seen has a MAC or a UUID")
            .query(&[
                Parameter::of("as_if", Kind::Pattern(AS_IF), "`KEY=VALUE`: as if this were so; as often as wanted").repeated(),
                Parameter::of("at", Kind::Word(CHANNELS), "only what is answered on this channel"),
                Parameter::of("bytes", Kind::Word(&["yes", "no"]), "the packets too"),
            ])
            .answers::<Explanation>()
            .refuses(&[ProblemCode::UnknownProfile]),
        Route::get("/hosts/{host}/documents", Operator, document::list)
            .says("The documents that a host would be served, secrets left out")
            .query(&[Parameter::of(
                "profile",
                Kind::Text,
                "as this profile has them; else the one that its state or the configuration means for it",
            )])
            .answers::<DocumentList>()
            .refuses(&[ProblemCode::UnknownProfile]),
        Route::get("/profiles", Viewer, profile::list)
            .says("What hosts may boot, and how that went so far")
            .answers::<ProfileList>(),
        Route::get("/images", Viewer, image::list)
            .says("The images on this box, and those on their way")
            .answers::<ImageList>(),
        Route::get("/config", Viewer, config::show)
            .says("What the configuration's files say, with where each line stands")
            .answers::<ConfigView>(),
        Route::post("/hosts/{host}/command", Operator, command::command)
            .says("Tells a host what to do")
            .takes::<Command>()
            .answers::<CommandReport>()
            .versioned()
            .refuses(&[
                ProblemCode::AmbiguousHost,
                ProblemCode::Conflict,
                ProblemCode::UnknownProfile,
                ProblemCode::BadConfiguration,
            ]),
    ]
}

/// Leases, the record, and what concerns all hosts.
fn of_the_site() -> Vec<Route> {
    use Role::{Admin, Operator, Viewer};
    vec![
        Route::get("/leases", Viewer, lease::list)
            .says("Leases in the order of their addresses, a page of them")
            .query(&[
                Parameter::of(
                    "text",
                    Kind::Text,
                    "only leases whose address, card, host or name holds this",
                ),
                Parameter::of("after", Kind::Ipv4, "only leases of higher addresses: `next` of the page before"),
                LIMIT,
            ])
            .answers::<LeaseList>(),
        Route::get("/events", Viewer, event::events)
            .says("The record from a place on, a page of it; as `text/event-stream`, what is recorded from then on as well")
            .query(&[
                Parameter::of(
                    "after",
                    Kind::Number(0, i64::MAX as u64),
                    "only events behind this place: `next` of the page before",
                ),
                Parameter::of("host", Kind::Text, "only events about this host"),
                LIMIT,
                Parameter::of(
                    "wait_ms",
                    Kind::Number(0, u32::MAX as u64),
                    "how long to wait for the next event where there is none yet, at most a minute",
                ),
                Parameter::of("last", Kind::Word(&["1"]), "the last events instead of the first"),
            ])
            .answers_events::<EventPage>()
            .refuses(&[ProblemCode::UnknownHost, ProblemCode::StoreUnavailable]),
        Route::post("/pause", Operator, site::pause)
            .says("Lets no install begin or go on")
            .may_take::<PauseRequest>()
            .answers::<Status>(),
        Route::post("/resume", Operator, site::resume)
            .says("Lets installs go on")
            .may_take::<Nothing>()
            .answers::<Status>(),
        Route::get("/proposals", Viewer, proposal::list)
            .says("What rules would arm among hosts that were there before them")
            .answers::<ProposalList>(),
        Route::post("/apply", Operator, proposal::apply)
            .says("Accepts what rules propose")
            .may_take::<ApplyRequest>()
            .answers::<ApplyReport>()
            .refuses(&[ProblemCode::UnknownHost]),
        Route::post("/reload", Admin, reload::reload)
            .says("Takes the configuration on disk into force; a bad one changes nothing")
            .may_take::<Nothing>()
            .answers::<ReloadReport>(),
        Route::post("/check", Operator, reload::check)
            .says("Reads the configuration on disk and takes nothing into force")
            .may_take::<Nothing>()
            .answers::<ReloadReport>(),
        Route::get("/config/diff", Operator, reload::diff)
            .says("What differs between the configuration in force and the one on disk")
            .answers::<ConfigDiff>(),
        Route::get("/backup", Admin, backup::backup)
            .says("The record and what belongs to it in one tar, as it is now")
            .query(&[Parameter::of(
                "config",
                Kind::Word(&["true", "false"]),
                "whether the configuration goes along, which may hold secrets",
            )])
            .answers_other("application/x-tar")
            .refuses(&[ProblemCode::Busy, ProblemCode::StoreUnavailable]),
        Route::get("/openapi.json", Viewer, openapi::show)
            .says("This description, OpenAPI 3.1")
            .answers::<BTreeMap<String, serde_json::Value>>(),
        Route::get("/docs", Viewer, openapi::docs)
            .says("This description as a page for people")
            .answers_other("text/html"),
    ]
}

/// Those about who may log in.
fn logins() -> Vec<Route> {
    use Role::{Admin, Viewer};
    vec![
        Route::get("/whoami", Viewer, access::whoami)
            .says("Who asks, and what they may do")
            .answers::<WhoAmI>(),
        Route::get("/users", Admin, access::users)
            .says("Who may log in with a password, by name")
            .answers::<UserList>()
            .refuses(&[ProblemCode::LoginsUnavailable]),
        Route::post("/users", Admin, access::add_user)
            .says("Adds a user; the first one is an admin")
            .takes::<NewUser>()
            .answers::<UserList>()
            .answers_a_secret()
            .refuses(&[
                ProblemCode::LoginConflict,
                ProblemCode::LoginsUnavailable,
                ProblemCode::Busy,
            ]),
        Route::post("/users/{user}", Admin, access::change_user)
            .says("Gives a user another role or password, which counts at once; with another password all sessions end")
            .takes::<UserChange>()
            .answers::<UserList>()
            .answers_a_secret()
            .refuses(&[
                ProblemCode::UnknownUser,
                ProblemCode::LoginConflict,
                ProblemCode::LoginsUnavailable,
                ProblemCode::Busy,
            ]),
        Route::delete("/users/{user}", Admin, access::remove_user)
            .says("Removes a user, and all sessions of the user; the last admin stays")
            .answers::<UserList>()
            .refuses(&[
                ProblemCode::UnknownUser,
                ProblemCode::LoginConflict,
                ProblemCode::LoginsUnavailable,
            ]),
        Route::get("/tokens", Admin, access::tokens)
            .says("The tokens of programs, those that have ended among them, without their secrets")
            .answers::<TokenList>()
            .refuses(&[ProblemCode::LoginsUnavailable]),
        Route::post("/tokens", Admin, access::make_token)
            .says("Makes a token; its secret is told this once")
            .takes::<NewToken>()
            .answers::<MadeToken>()
            .answers_a_secret()
            .refuses(&[ProblemCode::LoginConflict, ProblemCode::LoginsUnavailable]),
        Route::delete("/tokens/{token}", Admin, access::revoke_token)
            .says("Makes a token worthless")
            .answers::<TokenList>()
            .refuses(&[ProblemCode::UnknownToken, ProblemCode::LoginsUnavailable]),
        Route::get("/webhooks", Role::Viewer, webhook::list)
            .says("Those who are told of events, and how far they are")
            .answers::<WebhookList>()
            .refuses(&[ProblemCode::StoreUnavailable]),
        Route::post("/webhooks/{webhook}/test", Role::Operator, webhook::test)
            .says("Sends a webhook a message that tells of nothing, and says what became of it")
            .may_take::<Nothing>()
            .answers::<WebhookReport>()
            .refuses(&[ProblemCode::UnknownWebhook]),
    ]
}
