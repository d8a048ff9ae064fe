//! The pages of the dashboard: HTML that the server renders, plain forms, and a script that only adds to them.
//!
//! [`pages`] is the whole of it. Whoever mounts it says who looks, by an [`Operator`] in each request, and what their forms
//! have to carry, by a [`Csrf`](crate::door::Csrf); requests that change something are checked before they come here.

mod ask;
mod badge;
mod flash;
mod form;
mod home;
mod host;
mod live;
mod place;
mod reference;
mod row;
mod shell;
mod stage;
#[cfg(test)]
mod test;
mod words;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use bootwright_proto::http::api::{Problem, Role};
use maud::{Markup, html};

#[cfg(test)]
pub(crate) use badge::BADGES;

use crate::door::Csrf;
use crate::{Operator, asset};
use ask::Asker;
use flash::{Flash, cookie};
use live::Live;

pub use reference::reference;

/// The cookie that remembers light or dark.
const THEME: &str = "bootwright_theme";

/// What the pages are made from.
#[derive(Clone)]
pub(crate) struct Pages {
    api: Router,
    live: Arc<Live>,
}

/// The pages over this API, which takes an [`Operator`] as an extension of each request.
pub fn pages(api: Router) -> Router {
    let live = Arc::new(Live::new(api.clone()));
    Router::new()
        .route("/", get(home::home))
        .route("/hosts/{host}", get(host::host))
        .route("/hosts/{host}/act", post(form::act))
        .route("/act", post(form::act_on_many))
        .route("/pause", post(form::pause))
        .route("/resume", post(form::resume))
        .route("/reload", post(form::reload))
        .route("/apply", post(form::apply))
        .route("/theme", post(form::theme))
        .route("/profiles", get(place::profiles))
        .route("/images", get(place::images))
        .route("/segments", get(place::segments))
        .route("/settings", get(place::settings))
        .route("/audit", get(place::audit))
        .route("/wall", get(place::wall))
        .route("/help", get(place::help))
        .route("/live", get(live::stream))
        .fallback(nowhere)
        .with_state(Pages { api, live })
        .merge(asset::router())
}

/// Who looks, and at what.
pub(crate) struct Viewer {
    /// The API in their name.
    pub(crate) asker: Asker,
    /// Who they are.
    pub(crate) operator: Operator,
    /// What their forms carry.
    pub(crate) csrf: Option<String>,
    /// `light` or `dark`, if they chose.
    pub(crate) theme: Option<&'static str>,
    /// What was just done.
    pub(crate) flash: Option<Flash>,
    /// Where they are: path and query.
    pub(crate) here: String,
}

impl Viewer {
    /// Whether they may do what this role is asked for.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.operator.role().covers(role)
    }
}

impl FromRequestParts<Pages> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Response> {
        let Some(operator) = parts.extensions.get::<Operator>().cloned() else {
            let body = html! { div.card.narrow { h1 { "A login is needed" } p { a href="/login" { "Log in" } } } };
            let page = shell::bare("Log in", &body);
            return Err((StatusCode::UNAUTHORIZED, Html(page.into_string())).into_response());
        };
        let here = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Self {
            asker: Asker::new(pages.api.clone(), operator.clone()),
            operator,
            csrf: parts.extensions.get::<Csrf>().map(|csrf| csrf.0.clone()),
            theme: theme(&parts.headers),
            flash: Flash::of(&parts.headers),
            here: here.to_owned(),
        })
    }
}

/// What the query of a page says. Pages pass over items that they do not know: people edit addresses, and bookmarks outlive
/// releases.
pub(crate) struct Asked(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(form::items(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

impl Asked {
    /// The value of an item, if it is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(own, value)| own == name && !value.trim().is_empty());
        found.map(|(_, value)| value.trim())
    }
}

fn theme(headers: &HeaderMap) -> Option<&'static str> {
    match cookie(headers, THEME)? {
        "light" => Some("light"),
        "dark" => Some("dark"),
        _ => None,
    }
}

/// A page that went well.
pub(crate) fn page(viewer: &Viewer, markup: Markup) -> Response {
    with_headers(viewer, StatusCode::OK, markup)
}

fn with_headers(viewer: &Viewer, status: StatusCode, markup: Markup) -> Response {
    let mut response = (status, Html(shell::finish(viewer, markup))).into_response();
    let headers = response.headers_mut();
    // What a machine is and what it is told is nobody else's business, also after the logout.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if viewer.flash.is_some() {
        headers.append(header::SET_COOKIE, Flash::gone());
    }
    response
}

/// What the API refused, as a page.
pub(crate) fn trouble(viewer: &Viewer, problem: &Problem) -> Response {
    let body = html! {
        div.card.narrow {
            h1 { (problem.title) }
            @if let Some(detail) = &problem.detail { p { (detail) } }
            @if let Some(hint) = &problem.hint { p.hint { (hint) } }
            p { a href="/" { "Back to the hosts" } }
        }
    };
    let page = shell::Page {
        title: &problem.title,
        place: "",
        refresh: 0,
        mark: None,
        body,
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with_headers(viewer, status, shell::frame(viewer, None, &page))
}

async fn nowhere(viewer: Viewer) -> Response {
    let problem = Problem::new(bootwright_proto::http::api::ProblemCode::NotFound);
    trouble(
        &viewer,
        &Problem {
            title: "There is no such page".to_owned(),
            ..problem
        },
    )
}
