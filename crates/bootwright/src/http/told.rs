//! A machine tells what it is made of, as JSON under its run's token.

use std::net::IpAddr;
use std::sync::Arc;

use bootwright_core::{MacAddr, Reported, Token};
use bootwright_engine::{FactsReply, FactsTold, Requester};
use bootwright_proto::http::facts as read_facts;
use hyper::StatusCode;
use hyper::body::Incoming;

use super::Plane;
use super::answer::{Answer, busy, not_found, words};
use super::report::read;
use super::route::Ends;
use crate::front;

/// The longest report, in bytes.
const FACTS_BYTES_MAX: usize = 64 << 10;

/// What a run reports of its machine takes the place of what was reported before.
pub(super) async fn facts(plane: &Arc<Plane>, ends: Ends, token: Token, request: hyper::Request<Incoming>) -> Answer {
    if !plane.core.read(|engine, now| engine.knows_run(now, token)) {
        plane.counters.count("http", "token-denied");
        plane.counters.count("denied", "facts");
        return not_found();
    }
    let body = match read(request, FACTS_BYTES_MAX).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let Some(items) = read_facts(&body) else {
        return words(StatusCode::BAD_REQUEST, "facts are one JSON object");
    };
    let cards = cards(&items);
    let told = FactsTold {
        reported: Reported::of(items),
        cards,
        adds: false,
    };
    match tell(plane, ends.peer, token, &told).await {
        Some(FactsReply::Noted { kept, left_out: 0 }) => words(StatusCode::OK, &format!("ok, kept {kept}")),
        Some(FactsReply::Noted { kept, left_out }) => {
            words(StatusCode::OK, &format!("ok, kept {kept}, left out {left_out}"))
        }
        Some(FactsReply::NoSuchRun) => not_found(),
        Some(FactsReply::TooOften) => words(StatusCode::TOO_MANY_REQUESTS, "this run has told too much"),
        Some(FactsReply::StoreDown) | None => busy("this cannot be recorded now"),
    }
}

/// Hands on what a machine at this address told; nothing if it could not be recorded.
pub(crate) async fn tell(plane: &Plane, peer: IpAddr, token: Token, told: &FactsTold) -> Option<FactsReply> {
    let asker = Requester {
        address: peer,
        station: front::card_at(peer).await,
    };
    let settled = plane
        .core
        .ask(|engine, now| engine.tell_facts(now, token, asker, told))
        .settled()
        .await;
    match settled {
        Ok(reply) => Some(reply),
        Err(why) => {
            tracing::error!(code = "E307", %why, "what a machine told could not be recorded");
            None
        }
    }
}

/// The cards among the items: `cards.0.mac` and so on.
fn cards(items: &[(String, String)]) -> Vec<MacAddr> {
    let is_mac = |name: &str| name.strip_prefix("cards.").is_some_and(|rest| rest.ends_with(".mac"));
    items
        .iter()
        .filter(|(name, _)| is_mac(name))
        .filter_map(|(_, text)| text.parse().ok())
        .collect()
}
