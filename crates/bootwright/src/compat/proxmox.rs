//! Proxmox's automatic installer: one address for all machines, which say by their cards and their firmware who they are.
//!
//! What they say picks the run; that the asker is the machine of that run is seen on the wire, as for every document.

use std::sync::Arc;

use bootwright_core::Sighting;
use bootwright_proto::http::proxmox::{ANSWER, machine};
use bootwright_proto::http::{Asked, BaseUrl};
use hyper::StatusCode;
use hyper::body::Incoming;

use super::document::granted_to;
use crate::http::answer::{Answer, words};
use crate::http::report::read;
use crate::http::{Ends, Plane};

/// The longest description of a machine, in bytes.
const MACHINE_BYTES_MAX: usize = 256 << 10;

/// The answers of the machine's run, once it is under way.
pub(crate) async fn answer(
    plane: &Arc<Plane>,
    ends: Ends,
    base: &BaseUrl,
    request: hyper::Request<Incoming>,
) -> Answer {
    let body = match read(request, MACHINE_BYTES_MAX).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let Some(facts) = machine(&body) else {
        let why = "the body must be JSON as Proxmox's installer sends it, with a card, a UUID or a serial number in it";
        return words(StatusCode::BAD_REQUEST, why);
    };
    let asked = Asked {
        sighting: Sighting {
            facts,
            ..Sighting::default()
        },
        ..Asked::default()
    };
    match granted_to(plane, None, ends, base, &asked, &|_| ANSWER.to_owned()).await {
        Some(granted) => {
            let text = granted.text().to_owned();
            granted.answer(plane, "application/toml", text, false)
        }
        None => words(
            StatusCode::NOT_FOUND,
            "no run of this machine has answers; is it armed?",
        ),
    }
}
