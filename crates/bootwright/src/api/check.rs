//! What is looked at before a route's handler: its query and the kind of its body, by what the table says of them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bootwright_content::nearest;
use bootwright_proto::http::Query;
use bootwright_proto::http::api::{Problem, ProblemCode};

use super::fault::{Fault, shown};
use super::route::{Kind, Parameter, Route};

/// More items than anybody asks for; what stands behind them would not be read.
const ITEMS_MAX: usize = 60;

/// How often an item may stand there that may be repeated.
pub(super) const REPEATED_MAX: usize = 30;

/// What of a route is looked at.
#[derive(Clone)]
pub(super) struct Asked {
    query: Arc<[Parameter]>,
    takes_body: bool,
}

impl From<&Route> for Asked {
    fn from(route: &Route) -> Self {
        Self {
            query: route.query.as_slice().into(),
            takes_body: route.takes.is_some(),
        }
    }
}

/// Lets only requests through that the route's description fits.
pub(super) async fn fits(State(asked): State<Asked>, request: Request, next: Next) -> Response {
    let fault = path(request.uri())
        .and_then(|()| query(request.uri(), &asked.query))
        .and_then(|()| media_type(request.headers(), asked.takes_body));
    match fault {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    }
}

/// A path is text: what stands in it for a host is looked up, and repeated in what is answered.
fn path(uri: &Uri) -> Result<(), Fault> {
    let bytes = uri.path().as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let escape = escape.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(escape.unwrap_or(*byte));
        at += if escape.is_some() { 3 } else { 1 };
    }
    let text = std::str::from_utf8(&decoded);
    if text.is_ok_and(|text| !text.chars().any(char::is_control)) {
        Ok(())
    } else {
        Err(Fault::bad_request("the path is no text"))
    }
}

fn query(uri: &Uri, known: &[Parameter]) -> Result<(), Fault> {
    let text = uri.query().unwrap_or_default();
    if text.split('&').count() > ITEMS_MAX {
        return Err(Fault::bad_request(format!("the query has more than {ITEMS_MAX} items")));
    }
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in Query::new(text.as_bytes()).items() {
        let parameter = known.iter().find(|parameter| parameter.name == name);
        let parameter = parameter.ok_or_else(|| unknown(&name, known))?;
        if seen.contains(&name) && !parameter.repeated {
            return Err(Fault::bad_request(format!(
                "the query has `{name}` twice; it may stand there once"
            )));
        }
        if seen.iter().filter(|before| **before == name).count() >= REPEATED_MAX {
            return Err(Fault::bad_request(format!(
                "the query has `{name}` more than {REPEATED_MAX} times"
            )));
        }
        holds(parameter, &value)?;
        seen.push(name);
    }
    Ok(())
}

fn unknown(name: &str, known: &[Parameter]) -> Fault {
    let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
    let problem = Problem::new(ProblemCode::BadRequest).detail(format!("the query has no item `{}`", shown(name)));
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "this route takes no query".to_owned(),
        None => format!("it has: {}", names.join(", ")),
    };
    problem.hint(hint).into()
}

fn holds(parameter: &Parameter, value: &str) -> Result<(), Fault> {
    let name = parameter.name;
    match parameter.kind {
        Kind::Text | Kind::Pattern(_) => Ok(()),
        Kind::Number(least, most) => {
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let number = value.parse::<u64>().ok().filter(|_| digits);
            match number.filter(|number| (least..=most).contains(number)) {
                Some(_) => Ok(()),
                None => Err(Fault::bad_request(format!(
                    "`{name}` must be a number from {least} to {most}"
                ))),
            }
        }
        Kind::Word(words) => {
            if value.is_empty() || words.contains(&value) {
                return Ok(());
            }
            let problem =
                Problem::new(ProblemCode::BadRequest).detail(format!("`{name}` cannot be `{}`", shown(value)));
            let hint = match nearest(value, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it is one of: {}", words.join(", ")),
            };
            Err(problem.hint(hint).into())
        }
        Kind::Ipv4 if value.parse::<Ipv4Addr>().is_ok() => Ok(()),
        Kind::Ipv4 => Err(Fault::bad_request(format!("`{name}` must be an IPv4 address"))),
    }
}

/// What is sent is JSON and says so. A page of a foreign site cannot make a browser send that unasked.
fn media_type(headers: &HeaderMap, takes_body: bool) -> Result<(), Fault> {
    let Some(sent) = headers.get(CONTENT_TYPE).filter(|_| takes_body) else {
        return Ok(());
    };
    let essence = sent.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::UnsupportedMediaType)
        .detail(format!("the body is said to be `{}`", shown(essence)))
        .hint("send JSON, with the header `Content-Type: application/json`")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Parameter] = &[
        Parameter::of("text", Kind::Text, ""),
        Parameter::of("limit", Kind::Number(1, 1000), ""),
        Parameter::of("state", Kind::Word(&["new", "armed"]), ""),
        Parameter::of("after", Kind::Ipv4, ""),
        Parameter::of("as_if", Kind::Text, "").repeated(),
    ];

    #[test]
    fn queries_are_taken_whole_or_not_at_all() {
        for (text, good) in [
            ("", true),
            ("text=&state=&limit=1000", true),
            ("as_if=a%3Db&as_if=c%3Dd", true),
            ("after=10.0.0.1", true),
            ("texts=a", false),
            ("text=a&text=b", false),
            ("limit=0", false),
            ("limit=1001", false),
            ("limit=", false),
            ("limit=%2B5", false),
            ("limit=99999999999999999999999", false),
            ("state=New", false),
            ("after=10.0.0", false),
        ] {
            let uri: Uri = format!("/hosts?{text}").parse().unwrap();
            assert_eq!(query(&uri, KNOWN).is_ok(), good, "{text}");
        }
        for (times, good) in [(30, true), (31, false), (61, false)] {
            let many: Uri = format!("/hosts?{}", "as_if=a&".repeat(times)).parse().unwrap();
            assert_eq!(query(&many, KNOWN).is_ok(), good, "{times}");
        }
    }

    #[test]
    fn a_path_is_text() {
        for (text, good) in [
            ("/hosts/oak-1", true),
            ("/hosts/%C3%A4", true),
            ("/hosts/100%", true),
            ("/hosts/%ff", false),
            ("/hosts/a%0Ab", false),
        ] {
            assert_eq!(path(&text.parse().unwrap()).is_ok(), good, "{text}");
        }
    }
}
