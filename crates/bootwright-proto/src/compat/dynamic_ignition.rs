//! dynamic-ignition-coreos: `docs/dialects.md`, section 5.

use super::split;
use crate::http::Query;

/// What `/` says, as `text/html`.
pub const HELLO: &str = "Hello World\n";

/// What a machine is told that nobody knows, or for which there is nothing.
pub const NOTHING: &str = "{}";

/// What is said where there is no base configuration.
pub const NO_CONFIG: &str = "Could not open ignition config file for node function None";

/// The type of `/` and of errors.
pub const HTML: &str = "text/html; charset=utf-8";

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For what.
    pub route: Route,
    /// Who asks, if it says so.
    pub query: Query,
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/`.
    Hello,
    /// `/get_ignition`.
    Config,
}

impl Route {
    /// The name of the route.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "/",
            Self::Config => "/get_ignition",
        }
    }
}

/// Reads a target; nothing if it is none of dynamic-ignition-coreos's.
#[must_use]
pub fn parse(target: &[u8]) -> Option<Request> {
    let (segments, query) = split(target)?;
    let route = match segments.iter().map(String::as_str).collect::<Vec<&str>>().as_slice() {
        [] => Route::Hello,
        ["get_ignition"] => Route::Config,
        _ => return None,
    };
    Some(Request { route, query })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_the_original_has_them() {
        let route = |target: &str| parse(target.as_bytes()).map(|request| request.route);
        assert_eq!(route("/"), Some(Route::Hello));
        assert_eq!(route("/get_ignition"), Some(Route::Config));
        assert_eq!(route("/get_ignition?mac=52:54:00:00:00:01"), Some(Route::Config));
        for none in [
            "/get_ignition/x",
            "/nodes.json",
            "/../nodes.json",
            "get_ignition",
            "/x/%2e%2e/get_ignition",
        ] {
            assert_eq!(route(none), None, "{none}");
        }
    }
}
