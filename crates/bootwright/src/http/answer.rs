//! Answers and their fields.

use hyper::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::{Response, StatusCode};

use super::body::Answered;

/// An answer on its way.
pub(crate) type Answer = Response<Answered>;

/// The type of scripts and of words for people.
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

/// An answer whose length is its body's.
pub(crate) fn answer(status: StatusCode, media_type: &str, body: Answered) -> Answer {
    let length = hyper::body::Body::size_hint(&body).exact().unwrap_or(0);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, media_type);
    set(&mut response, CONTENT_LENGTH, &length.to_string());
    response
}

/// A script. It is true at this moment only.
pub(crate) fn script(text: String) -> Answer {
    let mut response = answer(StatusCode::OK, TEXT, Answered::memory(text));
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// A word for whoever asked.
pub(crate) fn words(status: StatusCode, text: &str) -> Answer {
    let mut response = answer(status, TEXT, Answered::memory(format!("{text}\n")));
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// The same answer for everything that is not there, so that nothing can be learned from it.
pub(crate) fn not_found() -> Answer {
    words(StatusCode::NOT_FOUND, "not found")
}

/// What asked should come back.
pub(crate) fn busy(why: &str) -> Answer {
    let mut response = words(StatusCode::SERVICE_UNAVAILABLE, why);
    set(&mut response, RETRY_AFTER, "2");
    response
}

/// A method that the route does not know.
pub(crate) fn method(allow: &str) -> Answer {
    let mut response = words(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("only {allow} is answered here"),
    );
    set(&mut response, ALLOW, allow);
    response
}

/// Says that parts can be asked for.
pub(crate) fn ranges(response: &mut Answer) {
    set(response, ACCEPT_RANGES, "bytes");
}

/// Sets a field. A value that no field can have is left out.
pub(crate) fn set(response: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
