//! What the tests of pages begin with: an API that says what a test wants, and a reader of HTML that knows no more of it than
//! where tags and attributes begin and end.

mod injection;
mod plain;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use axum::response::IntoResponse as _;
use bootwright_proto::http::api::{HostSummary, PREFIX, Role};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::door::Csrf;
use crate::{Operator, pages};

/// A host of which nothing is known but its name.
pub(crate) fn host() -> HostSummary {
    let document = json!({
        "host": "oak-42", "state": "new", "locked": false, "stalled": false, "run": 0, "badge": "held", "attention": true,
    });
    serde_json::from_value(document).expect("a document of the API")
}

/// What is said wherever a machine or a person may say something.
pub(super) fn site(said: &str) -> Router {
    let documents = documents(said);
    let prefix = PREFIX.len();
    Router::new().fallback(async move |request: Request<Body>| {
        let path = request.uri().path().get(prefix..).unwrap_or_default().to_owned();
        let found = documents.iter().find(|(own, _)| {
            let (head, tail) = own.split_once("{host}").unwrap_or((own, ""));
            path.starts_with(head) && path.ends_with(tail) && (own.contains("{host}") || path == *own)
        });
        let document = found.map_or_else(|| json!({}), |(_, document)| document.clone());
        ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
    })
}

/// The documents of the API by their paths, those of a host's parts before its own.
fn documents(said: &str) -> Vec<(&'static str, Value)> {
    let time = "2026-03-01T12:00:00.000Z";
    let progress =
        json!({ "stage": said, "percent": 63, "message": said, "file": said, "bytes": 7, "bytes_total": 10 });
    let summary = |badge: &str| {
        json!({
            "host": said, "state": "installing", "profile": said, "locked": true, "stalled": true, "run": 2, "mac": said,
            "address": said, "last_seen": time, "progress": progress, "badge": badge, "attention": true, "why": said,
            "suggestion": said, "run_started": time, "labels": { said: said }, "link": said, "firmware": said, "make": said,
        })
    };
    let hosts: Vec<Value> = ["held", "failed", "stalled", "installing", said].map(summary).into();
    let mut detail = summary("installing");
    let more = json!({
        "since": time, "words": said, "configured": true, "metadata": { said: said }, "reported": { said: said }, "code": said,
        "facts": { "cards": [{ "mac": said, "quality": said }], "uuid": said, "serial": said, "asset": said,
            "manufacturer": said, "product": said },
        "detail": { "state": "failed", "run": 2, "profile": said, "at": time, "failure": said, "reason": said },
        "local_boot": { "method": said, "pinned": true, "returns": 1, "whence": said, "parked": true },
        "leases": [{ "address": said, "mac": said, "state": said, "until": time }],
        "runs": [{ "number": 1, "profile": said, "started": time, "ended": time, "took_ms": 1000, "attempts": 1,
            "succeeded": true, "failure": said, "reason": said }],
    });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    let line = json!({ "code": said, "words": said, "time": time, "count": 3 });
    let explanation = json!({
        "subject": said, "state": said, "words": said,
        "identity": { "identity": "contradiction", "candidates": [{ "host": said, "facts": { "cards": [] } }], "why": said },
        "rules": [{ "rule": said, "profile": said, "matches": true, "decides": true, "why": said }],
        "safety": [line], "silences": [line], "leases": [line], "segment": [line],
        "guard": { "wipe": "empty-only", "allowed": [said] },
        "answers": [{ "channel": said, "verdict": said, "words": said, "text": said }],
    });
    let event = |seq: u64| {
        json!({ "seq": seq, "time": time, "at_ms": 5, "verb": said, "host": said, "by": format!("operator {said}"),
            "note": said, "state": said, "profile": said, "run": 1, "attempt": 1 })
    };
    let status = json!({
        "version": said, "ready": true, "started": time, "mode": said, "paused": said, "hosts": { said: 3 },
        "badges": { "held": 3 }, "attention": 3, "counters": { format!("dhcp.{said}"): 3 },
        "links": [{ "link": said, "address": said, "base_url": said, "served": true, "why": said, "dhcp_servers": [said],
            "servers": [{ "address": said, "station": said, "process": said, "deeds": [said], "since": time, "heard": time }],
            "searched": true }],
        "store": { "kind": "sqlite", "ready": true, "seq": 7 }, "warnings": [said],
    });
    vec![
        ("/status", status),
        ("/hosts", json!({ "hosts": hosts, "next": said, "total": 99 })),
        ("/hosts/{host}/explain", explanation),
        (
            "/hosts/{host}/documents",
            json!({ "host": said, "profile": said, "documents": [
                { "document": said, "origin": said, "text": said, "trouble": said, "secrets": 2 },
            ] }),
        ),
        ("/hosts/{host}", detail),
        (
            "/proposals",
            json!({ "proposals": [{ "host": said, "rule": said, "profile": said, "state": said }] }),
        ),
        (
            "/profiles",
            json!({ "profiles": [{ "profile": said, "source": said, "menu": false, "kernel": said, "initrds": [said],
                "args": [said], "documents": [said], "done": said, "confirm": said, "deadline_ms": 1000, "trouble": said,
                "hosts": 1, "succeeded": 1, "failed": 1, "usual_ms": 88_000 }] }),
        ),
        (
            "/images",
            json!({
                "images": [{ "image": said, "version": said, "source": said, "proof": said, "files": 3, "bytes": 7,
                    "trouble": said, "profiles": [said] }],
                "downloads": [{ "image": said, "step": said, "file": said, "bytes": 3, "bytes_total": 7 }],
            }),
        ),
        (
            "/config",
            json!({ "files": [said], "refused": said, "settings": [
                { "section": said, "key": said, "value": said, "file": said, "line": 3 },
            ] }),
        ),
        (
            "/events",
            json!({ "events": [event(6), event(7)], "next": 7, "more": false }),
        ),
    ]
}

/// An answer of a page.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

/// What a page answers to somebody of this role.
pub(super) async fn ask(api: Router, role: Role, request: Request<Body>) -> Answer {
    let mut request = request;
    request.extensions_mut().insert(Operator::new("anna", role));
    request.extensions_mut().insert(Csrf("c0ffee".to_owned()));
    let response = pages(api).oneshot(request).await.expect("pages answer");
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, 16 << 20).await.expect("a whole answer");
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        text: String::from_utf8(bytes.to_vec()).expect("text"),
    }
}

/// A request for a page.
pub(super) fn get(target: &str) -> Request<Body> {
    Request::get(target).body(Body::empty()).expect("a request")
}

/// One tag of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let own = self.attributes.iter().find(|(own, _)| own == name);
        own.map(|(_, value)| value.as_str())
    }
}

/// The tags of a page, by the rules of the HTML standard's tokenizer as far as pages without comments and scripts need them.
pub(super) fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let begins = rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if begins {
            let (tag, after) = tag(rest);
            found.push(tag);
            rest = after;
        }
    }
    found
}

fn tag(text: &str) -> (Tag, &str) {
    let space = |c: char| c.is_ascii_whitespace();
    let end = text[1..]
        .find(|c: char| space(c) || c == '>' || c == '/')
        .map_or(text.len(), |at| at + 1);
    let name = text[..end].to_ascii_lowercase();
    let (mut rest, mut attributes) = (&text[end..], Vec::new());
    loop {
        rest = rest.trim_start_matches(|c: char| space(c) || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return (Tag { name, attributes }, after);
        }
        if rest.is_empty() {
            return (Tag { name, attributes }, rest);
        }
        let end = rest
            .find(|c: char| space(c) || matches!(c, '=' | '>' | '/'))
            .unwrap_or(rest.len());
        let own = rest[..end.max(1)].to_ascii_lowercase();
        rest = rest[end.max(1)..].trim_start_matches(space);
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start_matches(space);
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            (value, rest) = match quote {
                Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                None => after.split_at(after.find(|c: char| space(c) || c == '>').unwrap_or(after.len())),
            };
        }
        attributes.push((own, value.to_owned()));
    }
}
