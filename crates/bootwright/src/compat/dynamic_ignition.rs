//! dynamic-ignition-coreos's routes. Its machines say nothing of themselves: their address does.

use std::sync::Arc;

use bootwright_config::dynamic_ignition as data;
use bootwright_proto::compat::bootcfg::ONLY_GET;
use bootwright_proto::compat::dynamic_ignition::{HELLO, HTML, NO_CONFIG, NOTHING, Request, Route};
use bootwright_proto::http::{BaseUrl, Query};
use hyper::body::Incoming;
use hyper::{Method, StatusCode};

use super::document::granted;
use super::{Desk, refused, text_of, uncached};
use crate::front::card_at;
use crate::http::answer::Answer;
use crate::http::{Ends, Plane};

const JSON: &str = "application/json";

pub(super) async fn answer(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    base: &BaseUrl,
    asked: Request,
    request: &hyper::Request<Incoming>,
) -> Answer {
    let head = request.method() == Method::HEAD;
    match asked.route {
        _ if !head && request.method() != Method::GET => refused(StatusCode::METHOD_NOT_ALLOWED, ONLY_GET),
        Route::Hello => text_of(StatusCode::OK, HTML, HELLO),
        Route::Config => config(plane, desk, ends, base, &asked.query, head).await,
    }
}

/// The configuration of the machine at the address that asks: by what was lent and seen, else by the table of neighbours.
async fn config(plane: &Arc<Plane>, desk: &Desk, ends: Ends, base: &BaseUrl, said: &Query, head: bool) -> Answer {
    let known = plane.core.read(|engine, now| engine.host_at(now, ends.peer).is_some());
    let query = match said.get("mac") {
        Some(_) => said.clone(),
        None if known => Query::new(b""),
        None => match card_at(ends.peer).await {
            Some(mac) => Query::new(format!("mac={mac}").as_bytes()),
            None => Query::new(b""),
        },
    };
    let entitled = granted(plane, desk, ends, base, &query, &|_| data::CONFIG.to_owned()).await;
    let Some(granted) = entitled else {
        let has_one = plane
            .core
            .policy()
            .profiles
            .values()
            .any(|profile| profile.files.contains_key(data::CONFIG));
        return match has_one {
            true => uncached(text_of(StatusCode::OK, JSON, NOTHING)),
            false => uncached(text_of(StatusCode::INTERNAL_SERVER_ERROR, HTML, NO_CONFIG)),
        };
    };
    let text = granted.text().to_owned();
    granted.answer(plane, JSON, text, head)
}
