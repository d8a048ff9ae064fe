//! What a request must be before anything answers it: for a name of ours, by somebody whom we know, and, where it changes
//! something, from a page of ours.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::Response;
use bootwright_proto::http::api::{LoginReport, LoginRequest, PREFIX, Problem, ProblemCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::header::{self, HeaderValue};
use hyper::service::Service as _;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::service::TowerToHyperService;
use tokio::time::timeout;

use super::form::{self, Form};
use super::{Door, Ends, Planes, Tls, answer, cookie, host};
use crate::Operator;
use crate::access::{Access, Denied, Guest, Secret, page, same};

/// The longest body of a request.
const BODY_BYTES_MAX: usize = 64 << 10;

/// How long a body may take.
const BODY_WITHIN: Duration = Duration::from_secs(30);

/// The header with the word of a session.
const CSRF_HEADER: &str = "x-csrf-token";

/// The field of a form with it.
const CSRF_FIELD: &str = "csrf";

/// The word that each form of a page must bring along in its field `csrf`, and each script in the header `X-CSRF-Token`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csrf(pub String);

/// The checks, and what stands behind them.
pub(super) struct Gate {
    door: Arc<Door>,
    access: Arc<Access>,
    api: TowerToHyperService<Router>,
    pages: TowerToHyperService<Router>,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The door's own pages and routes.
    Login,
    First,
    Logout,
    ApiLogin,
    ApiLogout,
    Style,
    /// The API and its like.
    Api,
    /// The same, for anybody.
    Health,
    /// The pages.
    Page,
    /// What pages are made of, for anybody.
    Static,
}

impl Place {
    fn of(path: &str) -> Self {
        let below_api = path.strip_prefix(PREFIX);
        match (path, below_api) {
            (_, Some("/login")) => Self::ApiLogin,
            (_, Some("/logout")) => Self::ApiLogout,
            ("/metrics", _) => Self::Api,
            ("/healthz" | "/readyz", _) => Self::Health,
            ("/login", _) => Self::Login,
            ("/first", _) => Self::First,
            ("/logout", _) => Self::Logout,
            (page::STYLE_PATH, _) => Self::Style,
            (path, _) if path == "/api" || path.starts_with("/api/") => Self::Api,
            (path, _) if path.starts_with("/static/") => Self::Static,
            _ => Self::Page,
        }
    }

    /// Whether a program is answered here, rather than a person.
    const fn is_for_programs(self) -> bool {
        matches!(self, Self::Api | Self::ApiLogin | Self::ApiLogout | Self::Health)
    }
}

/// By what somebody is known.
enum Known {
    Nobody,
    Token(Operator),
    Session(Guest),
}

impl Gate {
    pub(super) fn new(door: Arc<Door>, access: Arc<Access>, planes: Planes) -> Self {
        Self {
            door,
            access,
            api: TowerToHyperService::new(planes.api),
            pages: TowerToHyperService::new(planes.pages),
        }
    }

    /// Answers a request, or says why not.
    pub(super) async fn pass(&self, request: Request<Body>, ends: Ends) -> Response {
        let place = Place::of(request.uri().path());
        let mut response = match self.admit(request, place, ends).await {
            Ok(response) => response,
            Err(problem) if place.is_for_programs() => answer::problem(&problem),
            Err(problem) => {
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                answer::refusal_page(status, "Not possible", &problem)
            }
        };
        let strict = matches!(self.door.settings().tls, Tls::Own { .. });
        answer::protect(response.headers_mut(), strict);
        response
    }

    async fn admit(&self, request: Request<Body>, place: Place, ends: Ends) -> Result<Response, Box<Problem>> {
        let settings = self.door.settings();
        let named = host::authority(request.uri(), request.headers());
        let Some(authority) = named.filter(|named| host::is_ours(named, ends.local.ip(), &settings.names)) else {
            self.refuse("a request for a name that is not ours", ends);
            return Err(misdirected(ends));
        };
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let secure = settings.tls != Tls::Off;
        let own_page = host::is_own_page(request.headers(), authority, secure, &settings.names);
        let known = self.who(request.headers(), ends)?;
        // Who has a token is no browser that somebody else could make ask.
        let by_token = matches!(known, Known::Token(_));
        if changes && !own_page && !by_token {
            self.refuse("a request that a page of another site began", ends);
            return Err(forged("it was sent by a page of another site"));
        }
        let request = whole(request).await?;
        if changes && let Known::Session(guest) = &known {
            // Logging in again is a change too, but has no session behind it that could be abused.
            let free = matches!(place, Place::Login | Place::First | Place::ApiLogin);
            if !free && !brings(&request, &guest.csrf) {
                self.refuse("a request without the word of its session", ends);
                return Err(forged("the page that sent it is an old one: load it again"));
            }
        }
        match place {
            Place::Login | Place::First | Place::Logout | Place::ApiLogin | Place::ApiLogout | Place::Style => {
                self.own(place, request, known, ends).await
            }
            Place::Health => Ok(send(&self.api, request.map(Body::from)).await),
            Place::Static if matches!(*request.method(), Method::GET | Method::HEAD) => {
                Ok(send(&self.pages, request.map(Body::from)).await)
            }
            Place::Api | Place::Page | Place::Static => self.enter(place, request, known).await,
        }
    }

    /// Hands a request on in the name of who is known.
    async fn enter(&self, place: Place, request: Request<Bytes>, known: Known) -> Result<Response, Box<Problem>> {
        let plane = if place == Place::Api { &self.api } else { &self.pages };
        let mut request = request.map(Body::from);
        match known {
            Known::Nobody if place == Place::Api => Err(unauthorized()),
            Known::Nobody => Ok(self.to_login(&request)),
            Known::Token(operator) => {
                // A page that a program reads has forms too, which lead to nothing without a session.
                request.extensions_mut().insert(Csrf(String::new()));
                request.extensions_mut().insert(operator);
                Ok(send(plane, request).await)
            }
            Known::Session(guest) => {
                request.extensions_mut().insert(Csrf(guest.csrf));
                request.extensions_mut().insert(guest.operator);
                Ok(send(plane, request).await)
            }
        }
    }

    /// Leads somebody who has to log in first.
    fn to_login(&self, request: &Request<Body>) -> Response {
        if *request.method() != Method::GET {
            let problem = unauthorized();
            return answer::refusal_page(StatusCode::UNAUTHORIZED, "Logged out", &problem);
        }
        let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
        if host::only(request.headers(), "sec-fetch-site") == Some("cross-site") && is_within(wanted) {
            // The browser may have a session that it kept back, since another site leads here.
            return answer::page(StatusCode::OK, page::step(wanted));
        }
        if self.access.awaits_first() {
            return answer::lead("/first");
        }
        match wanted {
            "/" => answer::lead("/login"),
            wanted => answer::lead(&format!("/login?next={}", form::encode(wanted))),
        }
    }

    /// By what somebody is known. A token that is no good is refused, whatever else there is.
    fn who(&self, headers: &HeaderMap, ends: Ends) -> Result<Known, Box<Problem>> {
        if headers.contains_key(header::AUTHORIZATION) {
            let line = host::only(headers, header::AUTHORIZATION);
            let words = line.and_then(|line| line.split_once(' '));
            let token = words.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            return match token.and_then(|(_, token)| self.access.token(token.trim())) {
                Some(operator) => Ok(Known::Token(operator)),
                None => {
                    self.refuse("a token that is none, has expired or was revoked", ends);
                    Err(unauthorized())
                }
            };
        }
        let guest = cookie::session(headers).and_then(|secret| self.access.session(secret));
        Ok(guest.map_or(Known::Nobody, Known::Session))
    }

    /// The door's own routes.
    async fn own(
        &self,
        place: Place,
        request: Request<Bytes>,
        known: Known,
        ends: Ends,
    ) -> Result<Response, Box<Problem>> {
        let method = request.method().clone();
        match (place, method) {
            (Place::Style, Method::GET | Method::HEAD) => Ok(style()),
            (Place::Login, Method::GET | Method::HEAD) => Ok(self.login_page(&request, &known)),
            (Place::First, Method::GET | Method::HEAD) => Ok(self.first_page(&known)),
            (Place::Login, Method::POST) => Ok(self.log_in(&request, ends).await),
            (Place::First, Method::POST) => Ok(self.make_first(&request, ends).await),
            (Place::ApiLogin, Method::POST) => self.api_log_in(&request, ends).await,
            (Place::Logout, Method::POST) => {
                self.log_out(&request).await?;
                Ok(with_cookie(answer::lead("/login"), &cookie::clear()))
            }
            (Place::ApiLogout, Method::POST) => {
                self.log_out(&request).await?;
                let report = answer::document(&LoginReport::default());
                Ok(with_cookie(report, &cookie::clear()))
            }
            _ => Err(Box::new(Problem::new(ProblemCode::MethodNotAllowed))),
        }
    }

    fn login_page(&self, request: &Request<Bytes>, known: &Known) -> Response {
        if self.access.awaits_first() {
            return answer::lead("/first");
        }
        let query = Form::read(request.uri().query().unwrap_or_default().as_bytes());
        let next = next(query.text("next"));
        if matches!(known, Known::Session(_)) {
            return answer::lead(next);
        }
        let trouble = self.access.trouble().map(|_| shut_words());
        answer::page(StatusCode::OK, page::login(next, "", trouble))
    }

    fn first_page(&self, known: &Known) -> Response {
        match known {
            Known::Nobody if self.access.awaits_first() => answer::page(StatusCode::OK, page::first("", "", None)),
            _ => answer::lead("/login"),
        }
    }

    async fn log_in(&self, request: &Request<Bytes>, ends: Ends) -> Response {
        let form = Form::read(request.body());
        let (name, next) = (form.text("name"), next(form.text("next")));
        match self.access.log_in(name, form.text("password"), ends.peer.ip()).await {
            Ok((secret, _)) => begin(answer::lead(next), &secret),
            Err(denied) => {
                let problem = denied_problem(&denied);
                let why = problem.detail.as_deref().unwrap_or(&problem.title);
                let page = answer::page(status_of(&problem), page::login(next, name, Some(why)));
                with_patience(page, &denied)
            }
        }
    }

    async fn make_first(&self, request: &Request<Bytes>, ends: Ends) -> Response {
        let form = Form::read(request.body());
        let (code, name, password) = (form.text("code"), form.text("name"), form.text("password"));
        if !same(password, form.text("again")) {
            let why = "the two passwords are not the same";
            return answer::page(StatusCode::BAD_REQUEST, page::first(code, name, Some(why)));
        }
        match self.access.make_first(code, name, password, ends.peer.ip()).await {
            Ok((secret, _)) => begin(answer::lead("/"), &secret),
            Err(denied) => {
                let problem = denied_problem(&denied);
                let why = problem.detail.as_deref().unwrap_or(&problem.title);
                let page = answer::page(status_of(&problem), page::first(code, name, Some(why)));
                with_patience(page, &denied)
            }
        }
    }

    async fn api_log_in(&self, request: &Request<Bytes>, ends: Ends) -> Result<Response, Box<Problem>> {
        // Another site's page can send text without being asked for leave, but no JSON.
        let kind = host::only(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
        let read = serde_json::from_slice::<LoginRequest>(request.body());
        let asked = read.ok().filter(|_| kind.starts_with("application/json"));
        let Some(LoginRequest { name, password }) = asked else {
            let problem = Problem::new(ProblemCode::BadRequest);
            let problem = problem.detail("the body is no document with `name` and `password`, as `application/json`");
            return Err(Box::new(problem));
        };
        match self.access.log_in(&name, &password, ends.peer.ip()).await {
            Ok((secret, guest)) => {
                let report = LoginReport {
                    name: Some(guest.operator.name().to_owned()),
                    role: Some(guest.operator.role()),
                    csrf: Some(guest.csrf),
                };
                Ok(begin(answer::document(&report), &secret))
            }
            Err(denied) => Ok(with_patience(answer::problem(&denied_problem(&denied)), &denied)),
        }
    }

    async fn log_out(&self, request: &Request<Bytes>) -> Result<(), Box<Problem>> {
        let Some(secret) = cookie::session(request.headers()) else {
            return Ok(());
        };
        self.access.log_out(secret).await.map_err(|objection| {
            let problem = Problem::new(ProblemCode::LoginsUnavailable);
            Box::new(
                problem
                    .detail(objection.to_string())
                    .hint("try again; closing the browser does not end it"),
            )
        })
    }

    fn refuse(&self, what: &str, ends: Ends) {
        self.access.refused(what, Some(ends.peer.ip()));
    }
}

/// Reads the whole request: a body of bounded length, in bounded time.
async fn whole(request: Request<Body>) -> Result<Request<Bytes>, Box<Problem>> {
    let (head, body) = request.into_parts();
    let read = timeout(BODY_WITHIN, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    let problem = |code, detail: &str| Err(Box::new(Problem::new(code).detail(detail)));
    match read {
        Ok(Ok(body)) => Ok(Request::from_parts(head, body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            problem(ProblemCode::TooLarge, "a body of more than 64 KiB is not read")
        }
        Ok(Err(_)) => problem(ProblemCode::BadRequest, "the body broke off"),
        Err(_) => problem(ProblemCode::BadRequest, "the body took too long"),
    }
}

/// Whether a request brings along the word of its session.
fn brings(request: &Request<Bytes>, word: &str) -> bool {
    if request.headers().contains_key(CSRF_HEADER) {
        return host::only(request.headers(), CSRF_HEADER).is_some_and(|brought| same(brought, word));
    }
    let kind = host::only(request.headers(), header::CONTENT_TYPE).unwrap_or_default();
    kind.starts_with("application/x-www-form-urlencoded")
        && Form::read(request.body())
            .field(CSRF_FIELD)
            .is_some_and(|brought| same(brought, word))
}

async fn send(plane: &TowerToHyperService<Router>, request: Request<Body>) -> Response {
    match plane.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// A path of ours that a login may lead to.
fn next(wanted: &str) -> &str {
    if is_within(wanted) { wanted } else { "/" }
}

/// Whether a browser takes this for a path of the same host: `//evil` and `/\evil` are none.
fn is_within(path: &str) -> bool {
    let mut letters = path.chars();
    letters.next() == Some('/')
        && !matches!(letters.next(), Some('/' | '\\'))
        && path.len() <= 1024
        && path.chars().all(|c| c.is_ascii_graphic())
}

fn begin(response: Response, secret: &Secret) -> Response {
    with_cookie(response, &cookie::set(secret, crate::access::SESSION_MS))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// Says how long to wait, where that is the reason.
fn with_patience(mut response: Response, denied: &Denied) -> Response {
    if let Denied::TooEarly { seconds } = denied {
        response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
    }
    response
}

fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    axum::response::IntoResponse::into_response((headers, page::STYLE))
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

const fn shut_words() -> &'static str {
    "the daemon cannot tell who may log in; its log says why"
}

fn denied_problem(denied: &Denied) -> Problem {
    match denied {
        Denied::Wrong => Problem::new(ProblemCode::Unauthorized)
            .detail("what you gave is not right")
            .hint("try again, or have the password replaced: `bootwright user passwd NAME` on the box"),
        Denied::TooEarly { seconds } => Problem::new(ProblemCode::TooManyAttempts)
            .detail(format!(
                "there were too many wrong attempts: wait {seconds} s and try again"
            ))
            .hint("on the box itself, `bootwright user passwd NAME` ends the wait"),
        Denied::CodeUsedUp => Problem::new(ProblemCode::Unauthorized)
            .detail(
                "the code was tried wrongly too often and counts no more: a restart of the daemon prints another one",
            )
            .hint("or run `bootwright user add NAME --role admin` on the box"),
        Denied::NotFirst => Problem::new(ProblemCode::Unauthorized)
            .detail("there is an admin already, so no code counts")
            .hint("log in with a name and a password"),
        Denied::Shut => Problem::new(ProblemCode::LoginsUnavailable)
            .detail(shut_words())
            .hint("on the box itself the control socket works: `bootwright status`"),
        Denied::Busy => Problem::new(ProblemCode::Busy).detail("too many log in at this moment: try again"),
        Denied::Unmade(objection) => Problem::new(ProblemCode::BadRequest).detail(objection.to_string()),
    }
}

fn unauthorized() -> Box<Problem> {
    let problem = Problem::new(ProblemCode::Unauthorized)
        .detail("nobody is logged in, or no longer")
        .hint("log in at `/login`, or send a token: `Authorization: Bearer …`");
    Box::new(problem)
}

fn forged(why: &str) -> Box<Problem> {
    let problem = Problem::new(ProblemCode::Forbidden)
        .detail(format!("the request changes something, and {why}"))
        .hint("programs send a token, or the session's word in `X-CSRF-Token`");
    Box::new(problem)
}

fn misdirected(ends: Ends) -> Box<Problem> {
    let local = std::net::SocketAddr::new(ends.local.ip().to_canonical(), ends.local.port());
    let problem = Problem::new(ProblemCode::Misdirected)
        .detail("the request is for a name by which this box is not known")
        .hint(format!(
            "ask for `{local}`, or add the name to `hosts` in `[control]` of the configuration"
        ));
    Box::new(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_should_and_everything_unknown_needs_a_login() {
        for (path, place) in [
            ("/", Place::Page),
            ("/hosts/oak-1", Place::Page),
            ("/login", Place::Login),
            ("/login/", Place::Page),
            ("/api/v1/login", Place::ApiLogin),
            ("/api/v1/logout", Place::ApiLogout),
            ("/api/v1/login/x", Place::Api),
            ("/api/v1/hosts", Place::Api),
            ("/api", Place::Api),
            ("/apis", Place::Page),
            ("/metrics", Place::Api),
            ("/healthz", Place::Health),
            ("/static/x.css", Place::Static),
            ("/static", Place::Page),
            ("/%61pi/v1/hosts", Place::Page),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }

    #[test]
    fn a_login_leads_to_paths_of_ours_only() {
        for good in ["/", "/hosts?state=new", "/hosts/oak-1"] {
            assert_eq!(next(good), good);
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "hosts",
            "/a b",
            "/\n",
        ] {
            assert_eq!(next(bad), "/", "{bad:?}");
        }
    }
}
