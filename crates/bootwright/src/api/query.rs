//! Queries of the API, as handlers read them. That every item is known and well formed was looked at before (`check`).

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bootwright_proto::http::Query;

use super::fault::Fault;

/// The items of a query, in order.
#[derive(Debug)]
pub(super) struct Items(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Items {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = Query::new(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self(query.items().collect()))
    }
}

impl Items {
    /// The value of the first item with this name, if it is not empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.all(name).find(|value| !value.is_empty()).map(str::to_owned)
    }

    /// The number of the first item with this name.
    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Fault> {
        let number = |value: String| {
            let fault = |_| Fault::bad_request(format!("`{name}` must be a number"));
            value.parse().map_err(fault)
        };
        self.text(name).map(number).transpose()
    }

    /// The values of all items with this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}
