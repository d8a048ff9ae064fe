//! Answers of the door itself, and what all answers have in common.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bootwright_proto::http::api::Problem;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use crate::access::page;

/// What a page may load and who may show it: nothing from elsewhere, nothing written into the page itself, no frames.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Headers of every answer. The referrer goes to ourselves alone: with none at all, a browser would hide from us as well
/// which page a form is of.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Puts on what every answer has. `strict` is for a certificate that browsers trust: from then on they ask by TLS alone.
pub(super) fn protect(headers: &mut HeaderMap, strict: bool) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if strict {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

/// A page of HTML.
pub(super) fn page(status: StatusCode, text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, text).into_response()
}

/// A page that says why not.
pub(super) fn refusal_page(status: StatusCode, title: &str, problem: &Problem) -> Response {
    let why = problem.detail.as_deref().unwrap_or(&problem.title);
    page(
        status,
        page::refusal(title, why, problem.hint.as_deref().unwrap_or_default()),
    )
}

/// A document of JSON.
pub(super) fn document<T: serde::Serialize>(document: &T) -> Response {
    axum::Json(document).into_response()
}

/// A problem document (RFC 9457).
pub(super) fn problem(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(problem)).into_response();
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
    }
    response
}

/// Leads a browser to another page, which it fetches by GET.
pub(super) fn lead(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let place = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, place);
    response
}
