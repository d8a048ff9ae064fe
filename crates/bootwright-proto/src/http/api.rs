//! The documents of the control API, `/api/v1`: what the CLI, the dashboard and other programs read and send.
//!
//! Frozen by version: a member may be added, none is renamed, removed or given another meaning. Names are in snake case.
//! Points in time are RFC 3339 texts in UTC, spans of time are milliseconds in members that end in `_ms`. What is not
//! there is left out. Tokens and rendered secrets are in no document.
//!
//! | route | document |
//! |---|---|
//! | `GET status` | [`Status`] |
//! | `GET hosts?state=&badge=&profile=&label=&link=&attention=&text=&after=&limit=` | [`HostList`] |
//! | `GET hosts/<host>`, by name, MAC or UUID | [`HostDetail`] |
//! | `GET hosts/<host>/explain`, with `as_if=<key>=<value>` as often as wanted | [`Explanation`] |
//! | `GET hosts/<host>/documents?profile=` | [`DocumentList`] |
//! | `GET profiles` | [`ProfileList`] |
//! | `GET images` | [`ImageList`] |
//! | `GET config` | [`ConfigView`] |
//! | `POST hosts/<host>/command`, [`Command`] | [`CommandReport`] |
//! | `GET leases?text=&after=&limit=` | [`LeaseList`] |
//! | `POST pause`, [`PauseRequest`]; `POST resume` | [`Status`] |
//! | `GET events?after=&host=&limit=&wait_ms=`; `last=1` for the last page | [`EventPage`] |
//! | `GET events` that accepts `text/event-stream`, with `after=` or `Last-Event-ID` | a stream of [`EventView`] |
//! | `GET proposals` | [`ProposalList`] |
//! | `POST apply`, [`ApplyRequest`] | [`ApplyReport`] |
//! | `POST reload`, `POST check` | [`ReloadReport`] |
//! | `GET config/diff` | [`ConfigDiff`] |
//! | `GET backup`, with `config=true` for the configuration as well | a tar archive |
//! | `GET whoami` | [`WhoAmI`] |
//! | `GET users`; `POST users`, [`NewUser`] | [`UserList`] |
//! | `POST users/<name>`, [`UserChange`]; `DELETE users/<name>` | [`UserList`] |
//! | `GET tokens`; `DELETE tokens/<id>` | [`TokenList`] |
//! | `POST tokens`, [`NewToken`] | [`MadeToken`] |
//! | `POST login`, [`LoginRequest`]: without a login, at the door for browsers only | [`LoginReport`] |
//! | `POST logout`: likewise | [`LoginReport`] |
//!
//! Whatever fails answers with a [`Problem`].

mod access;
mod apply;
mod command;
mod config;
mod event;
mod explain;
mod host;
mod image;
mod lease;
mod problem;
mod profile;
mod reload;
mod role;
mod status;
mod webhook;
mod whole;

pub use access::{
    LoginReport, LoginRequest, MadeToken, NewToken, NewUser, TokenList, TokenView, UserChange, UserList, UserView,
    WhoAmI,
};
pub use apply::{ApplyReport, ApplyRequest, Proposal, ProposalList};
pub use command::{Command, CommandReport, PauseRequest};
pub use config::{ConfigView, SettingView};
pub use event::{EventGap, EventPage, EventView};
pub use explain::{Answer, Candidate, Explanation, GuardView, IdentityView, Line, Meant, RuleView};
pub use host::{
    CardView, FactsView, FinishedRunView, FirstStepView, GrantView, HostDetail, HostList, HostLog, HostSummary,
    LeaseView, LocalBootView, ProgressView, RunView, StateView,
};
pub use image::{DownloadView, ImageEntry, ImageList};
pub use lease::{LeaseEntry, LeaseList};
pub use problem::{Problem, ProblemCode};
pub use profile::{DocumentList, DocumentView, ProfileList, ProfileView};
pub use reload::{ConfigChange, ConfigDiff, DiagnosticView, ReloadReport, Severity};
pub use role::Role;
pub use status::{ControlView, FirmwareView, Health, LinkView, Nothing, ServerView, Status, StoreView};
pub use webhook::{WebhookList, WebhookMessage, WebhookReport, WebhookView};

/// What all routes begin with.
pub const PREFIX: &str = "/api/v1";
