//! The cookie that holds a session: for this host alone (`__Host-`), over TLS alone, out of reach of scripts, and not sent with
//! what another site begins.

use hyper::HeaderMap;
use hyper::header;

use crate::access::Secret;

const NAME: &str = "__Host-bootwright";

/// The session that a request brings along. Of several none is taken.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    let mut found = pairs.filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == NAME && !value.is_empty()).then_some(value)
    });
    match (found.next(), found.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

/// Hands a session out.
pub(super) fn set(secret: &Secret, lasts_ms: u64) -> String {
    format!(
        "{NAME}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Strict",
        secret.expose(),
        lasts_ms / 1000
    )
}

/// Takes it back.
pub(super) fn clear() -> String {
    format!("{NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_session_among_the_cookies_is_found() {
        let found = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            session(&headers).map(str::to_owned)
        };
        assert_eq!(found(&["a=b; __Host-bootwright=x1; c=d"]).as_deref(), Some("x1"));
        for none in [
            &[][..],
            &["bootwright=x1"],
            &["__Host-bootwright="],
            &["__Host-bootwright=x1", "__Host-bootwright=x2"],
        ] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }
}
