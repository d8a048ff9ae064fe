//! Requests that are not served: each answer is a problem document with a stable code.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bootwright_content::nearest;
use bootwright_core::{HostId, ProfileName};
use bootwright_engine::{Engine, Refusal};
use bootwright_proto::http::api::{Problem, ProblemCode};

use crate::code;
use crate::commit::Unrecorded;

/// What a route answers instead of a document.
#[derive(Debug)]
pub(super) struct Fault(Box<Problem>);

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Unrecorded> for Fault {
    fn from(why: Unrecorded) -> Self {
        Problem::new(ProblemCode::StoreUnavailable)
            .detail(format!("nothing was done, since it cannot be recorded: {why}"))
            .hint("`bootwright status` shows how the store does; then try again")
            .into()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Problem {
            help: Some(code::of_problem(self.0.code).to_owned()),
            ..*self.0
        };
        let mut response = (status, Json(problem)).into_response();
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
        response
    }
}

impl Fault {
    /// The request does not make sense, for this reason.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Problem::new(ProblemCode::BadRequest).detail(detail).into()
    }

    /// A thread of ours has ended: a defect.
    pub(super) fn internal(detail: impl Into<String>) -> Self {
        Problem::new(ProblemCode::Internal)
            .detail(detail)
            .hint("the daemon's log says more")
            .into()
    }

    /// No host has this name. The one that is most like it is offered.
    pub(super) fn unknown_host(engine: &Engine, name: &str) -> Self {
        let hosts = engine.world().hosts.keys().map(|id| engine.display_name(id).as_str());
        let configured = engine.policy().hosts.keys().map(HostId::as_str);
        let hint = match nearest(name, hosts.chain(configured)) {
            Some(nearest) if nearest == name => {
                return Problem::new(ProblemCode::UnknownHost)
                    .detail(format!("`{}` was never seen", shown(name)))
                    .hint("only the configuration knows it; switch it on, and let it boot from the network")
                    .into();
            }
            Some(nearest) => format!("did you mean `{nearest}`? `bootwright host list` shows all hosts"),
            None => "`bootwright host list` shows all hosts".to_owned(),
        };
        Problem::new(ProblemCode::UnknownHost)
            .detail(format!("no host is called `{}`", shown(name)))
            .hint(hint)
            .into()
    }

    /// No profile has this name. The one that is most like it is offered, or all.
    pub(super) fn unknown_profile<'a>(host: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None if known.is_empty() => "the configuration has no profiles; `[profiles.<name>]` defines one".to_owned(),
            None => format!("there are: {}", known.join(", ")),
        };
        Problem::new(ProblemCode::UnknownProfile)
            .detail(format!("{}: no profile is called `{}`", shown(host), shown(name)))
            .hint(hint)
            .into()
    }

    /// There is no install that could be called done.
    pub(super) fn no_run(host: &HostId) -> Self {
        Problem::new(ProblemCode::Conflict)
            .detail(format!("{host}: no install is under way"))
            .hint(format!("`bootwright host show {host}` shows where it stands"))
            .into()
    }

    /// A command was not carried out.
    pub(super) fn refused(engine: &Engine, host: &str, refusal: &Refusal) -> Self {
        let host = shown(host);
        let (message, hint) = words(&refusal.to_string());
        let problem = match refusal {
            Refusal::NoSuchHost(name) => return Self::unknown_host(engine, name),
            Refusal::NoSuchProfile { name, known } => {
                return Self::unknown_profile(&host, name.as_str(), known.iter().map(ProfileName::as_str));
            }
            Refusal::NoProfile => Problem::new(ProblemCode::UnknownProfile)
                .detail(format!("{host}: {message}"))
                .hint(format!("name one: `bootwright host arm {host} PROFILE`")),
            Refusal::State { host, .. } => Problem {
                hint: hint.map(|hint| with_name(&hint, host)),
                // The refusal names the host itself.
                ..Problem::new(ProblemCode::Conflict).detail(message)
            },
            Refusal::BadText(_) => Problem {
                hint: hint.or_else(|| Some("such as `label.rack=b-12`".to_owned())),
                ..Problem::new(ProblemCode::BadRequest).detail(format!("{host}: {message}"))
            },
            Refusal::StoreDown => Problem::new(ProblemCode::StoreUnavailable)
                .detail(format!("{host}: nothing was done, since it cannot be recorded"))
                .hint("`bootwright status` shows how the store does; then try again"),
            Refusal::StoreLow => Problem::new(ProblemCode::StoreUnavailable)
                .detail(format!(
                    "{host}: nothing is armed, since the disk of the store is almost full"
                ))
                .hint("free some space; the runs under way go on meanwhile"),
        };
        problem.into()
    }
}

/// What a refusal says, and what it advises: the part behind the first semicolon.
fn words(refusal: &str) -> (String, Option<String>) {
    match refusal.split_once("; ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (refusal.to_owned(), None),
    }
}

/// The commands that a hint names, ready to be typed.
fn with_name(hint: &str, host: &HostId) -> String {
    ["arm", "hold", "unlock"].iter().fold(hint.to_owned(), |hint, verb| {
        let named = format!("`bootwright host {verb} {host}`");
        hint.replace(&format!("`bootwright host {verb}`"), &named)
    })
}

/// A name that somebody typed, as it may be repeated: bounded, without control characters.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(80).filter(|c| !c.is_control()).collect()
}

/// Nothing is here.
pub(super) async fn no_route() -> Fault {
    Problem::new(ProblemCode::NotFound).into()
}

/// Something is here, for other methods.
pub(super) async fn no_method() -> Fault {
    Problem::new(ProblemCode::MethodNotAllowed).into()
}
