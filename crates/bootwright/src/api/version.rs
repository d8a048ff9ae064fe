//! The versions of hosts: `ETag` in what is told of one, `If-Match` in what is asked of it (RFC 9110, section 13.1.1).

use std::convert::Infallible;
use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use bootwright_engine::HostView;
use bootwright_proto::http::api::{Problem, ProblemCode};
use sha2::{Digest as _, Sha256};

use super::fault::{Fault, shown};

/// The version of a host: another one whenever an operator who decides about it might decide otherwise.
///
/// It is made from what is recorded of the host and what the configuration says of it. What is seen of a machine in passing,
/// such as how far it is with a file, or how its firmware was last brought to its boot loader, changes none. It outlasts a
/// restart; a daemon of another version may have other ones.
pub(super) fn of(view: &HostView) -> String {
    let host = &view.host;
    let decides = (
        (&host.id, host.since, &host.facts, &host.state, &host.runs),
        (&host.labels, &host.metadata, &host.reported),
        &view.definition,
    );
    let digest = Sha256::digest(format!("{decides:?}").as_bytes());
    let mut tag = String::from('"');
    for byte in digest.iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// The header that tells it.
pub(super) fn header(view: &HostView) -> [(HeaderName, String); 1] {
    [(header::ETAG, of(view))]
}

/// What `If-Match` demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Demanded {
    /// Nothing.
    Anything,
    /// That there is such a host.
    Something,
    /// One of these versions.
    OneOf(Vec<String>),
    /// Something that cannot be understood.
    Rubbish(String),
}

impl<S: Sync> FromRequestParts<S> for Demanded {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers))
    }
}

impl Demanded {
    fn read(headers: &HeaderMap) -> Self {
        if !headers.contains_key(header::IF_MATCH) {
            return Self::Anything;
        }
        // An empty list is met by nothing.
        let mut tags = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            let rubbish = || Self::Rubbish(shown(&String::from_utf8_lossy(value.as_bytes())));
            let Ok(text) = value.to_str() else { return rubbish() };
            if text.trim() == "*" {
                return Self::Something;
            }
            for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                let opaque = tag.strip_prefix("W/").unwrap_or(tag);
                let inner = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                if !inner.is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')) {
                    return rubbish();
                }
                tags.push(tag.to_owned());
            }
        }
        Self::OneOf(tags)
    }

    /// Whether it was understood.
    pub(super) fn understood(self) -> Result<Self, Fault> {
        match self {
            Self::Rubbish(text) => Err(Fault::bad_request(format!(
                "`If-Match` must be an `ETag` in quotation marks or `*`, not `{text}`"
            ))),
            understood => Ok(understood),
        }
    }

    /// Refuses what was meant for another version than this host has.
    pub(super) fn met_by(&self, name: &str, view: Option<&HostView>) -> Result<(), Fault> {
        let wanted = match (self, view) {
            (Self::Anything, _) | (Self::Something, Some(_)) => return Ok(()),
            // A weak tag is never taken for a version, as the RFC has it.
            (Self::OneOf(tags), Some(view)) if tags.contains(&of(view)) => return Ok(()),
            (Self::Something | Self::Rubbish(_) | Self::OneOf(_), _) => name,
        };
        Err(Problem::new(ProblemCode::Stale)
            .detail(match view {
                Some(view) => format!(
                    "{}: it has changed since it was looked at, and nothing was done",
                    view.name
                ),
                None => format!("{}: there is no such host yet, and nothing was done", shown(wanted)),
            })
            .hint("look at it again; what it is now goes with its new `ETag`")
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Demanded {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        Demanded::read(&headers)
    }

    #[test]
    fn what_is_demanded_is_read_as_the_rfc_has_it() {
        let tags = |tags: &[&str]| Demanded::OneOf(tags.iter().map(ToString::to_string).collect());
        assert_eq!(read(&[]), Demanded::Anything);
        assert_eq!(read(&["*"]), Demanded::Something);
        assert_eq!(read(&["\"a\""]), tags(&["\"a\""]));
        assert_eq!(read(&["\"a\", W/\"b\"", "\"c\""]), tags(&["\"a\"", "W/\"b\"", "\"c\""]));
        assert_eq!(read(&[""]), tags(&[]));
        for odd in ["a", "\"a", "\"a\" \"b\"", "w/\"a\"", "{}"] {
            assert!(matches!(read(&[odd]), Demanded::Rubbish(_)), "{odd}");
        }
    }
}
