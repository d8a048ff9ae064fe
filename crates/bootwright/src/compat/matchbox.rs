//! matchbox's routes.

use std::sync::Arc;

use bootwright_config::matchbox as data;
use bootwright_content::ignition::canonical;
use bootwright_content::{Context, render_document};
use bootwright_core::{Dialect, FrontEnd, Profile};
use bootwright_proto::compat::matchbox::{BOOT_SCRIPT, Boot, NAME, Request, Route, chosen, request_lines};
use bootwright_proto::http::{Asked, BaseUrl, Query};
use bootwright_proto::script::name::{Act, Asking, Who};
use hyper::body::Incoming;
use hyper::{Method, StatusCode};

use super::document::granted;
use super::{Desk, not_found, text_of, uncached};
use crate::front::{render_reply, said, surroundings};
use crate::http::answer::{Answer, TEXT};
use crate::http::file::shelved;
use crate::http::script::{decision_in, definition, reply, sighting};
use crate::http::{Ends, Plane};

/// What matchbox calls the type of metadata.
const PLAIN: &str = "plain/text";

pub(super) async fn answer(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    base: &BaseUrl,
    asked: Request,
    request: &hyper::Request<Incoming>,
) -> Answer {
    let Request {
        route,
        query,
        signature,
    } = asked;
    match (signature, &desk.signer) {
        (Some(form), Some(signer)) => signer.answer(ends.peer, &route, &query, form).await,
        (Some(_), None) => not_found(),
        (None, Some(signer)) if request.method() == Method::GET => {
            let answer = unsigned(plane, desk, ends, base, route.clone(), query.clone(), request).await;
            signer.remember(ends.peer, route, query, &answer);
            answer
        }
        (None, _) => unsigned(plane, desk, ends, base, route, query, request).await,
    }
}

async fn unsigned(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    base: &BaseUrl,
    route: Route,
    query: Query,
    request: &hyper::Request<Incoming>,
) -> Answer {
    let name = match route {
        Route::Name => return text_of(StatusCode::OK, TEXT, NAME),
        Route::Boot | Route::BootZero => return text_of(StatusCode::OK, TEXT, BOOT_SCRIPT),
        // Every fetch of it counts, so that a look at its length must not.
        Route::Script | Route::Grub if request.method() != Method::GET => return not_found(),
        Route::Script => return decision_in(plane, ends, base, &query, words).await,
        Route::Grub => return grub(plane, ends, base, &query).await,
        Route::Ignition => data::IGNITION,
        Route::Cloud => data::CLOUD,
        Route::Generic => data::GENERIC,
        Route::Metadata => data::METADATA,
        Route::File(name) => {
            return match &desk.files {
                Some(files) => shelved(plane, ends, files, &name, request.headers()).await,
                None => not_found(),
            };
        }
    };
    document(plane, desk, ends, base, &query, request, name).await
}

/// What a machine boots that was lowered from matchbox's data, in matchbox's words.
pub(super) fn words(profile: &Profile, context: &Context) -> Option<Result<String, String>> {
    Some(boot(profile, context)?.and_then(|boot| boot.script()))
}

/// The same for GRUB.
fn words_of_grub(profile: &Profile, context: &Context) -> Option<Result<String, String>> {
    Some(boot(profile, context)?.and_then(|boot| boot.grub()))
}

fn boot(profile: &Profile, context: &Context) -> Option<Result<Boot, String>> {
    if profile.source != Some(Dialect::Matchbox) {
        return None;
    }
    let text = render_document(profile, data::BOOT, context).map_err(|problem| problem.to_string());
    let read =
        |text: String| Boot::read(&text).ok_or_else(|| "what it boots is no JSON of matchbox any more".to_owned());
    Some(text.and_then(read))
}

/// GRUB is told matchbox's words if it is to boot something, and ours if it is to wait or to start the disk.
async fn grub(plane: &Arc<Plane>, ends: Ends, base: &BaseUrl, query: &Query) -> Answer {
    let asked = Asked::read(query);
    let who = match (asked.sighting.boot_mac, asked.sighting.facts.uuid) {
        (Some(mac), uuid) => Who::Card { mac, uuid },
        (None, Some(uuid)) => Who::Uuid(uuid),
        (None, None) => return not_found(),
    };
    let seen = sighting(plane, ends, &asked);
    let reply = match reply(plane, ends, base, (&seen, &asked), (FrontEnd::Grub, words_of_grub)).await {
        Ok(reply) => reply,
        Err(why) => {
            tracing::error!(%why, "an answer could not be recorded, the machine asks again");
            return not_found();
        }
    };
    let definition = definition(plane, &reply);
    let asked = said(seen, &reply);
    let around = surroundings(plane, ends, base, &asked, definition.as_ref());
    let context = match &reply {
        bootwright_engine::ScriptReply::Install(ticket) => Some((
            Arc::clone(&ticket.profile),
            crate::http::script::context(plane, base, ends, ticket),
        )),
        bootwright_engine::ScriptReply::Live { host, profile } => Some((
            Arc::clone(profile),
            crate::http::script::context_of(host, profile, None, &around),
        )),
        _ => None,
    };
    if let Some(text) = context.and_then(|(profile, context)| words_of_grub(&profile, &context)) {
        return text.map_or_else(|_| not_found(), |text| uncached(text_of(StatusCode::OK, TEXT, &text)));
    }
    // Where it asks again it asks us, on the machine plane.
    let ours = plane.base_url(ends);
    let around = surroundings(plane, ends, &ours, &asked, definition.as_ref());
    let asking = Asking {
        front: FrontEnd::Grub,
        who,
        act: Act::First,
    };
    match render_reply(&reply, &asking, &around) {
        Ok(text) => uncached(text_of(StatusCode::OK, TEXT, &text)),
        Err(why) => {
            tracing::error!("{why}");
            not_found()
        }
    }
}

async fn document(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    base: &BaseUrl,
    query: &Query,
    request: &hyper::Request<Incoming>,
    name: &'static str,
) -> Answer {
    let choose = |profile: &Profile| {
        let names = profile.files.keys().map(String::as_str);
        chosen(name, names, query).to_owned()
    };
    let Some(granted) = granted(plane, desk, ends, base, query, &choose).await else {
        return not_found();
    };
    let text = granted.text().to_owned();
    let (media_type, text) = match name {
        data::IGNITION => ("application/json", canonical(&text).unwrap_or(text)),
        data::METADATA => (PLAIN, text + &request_lines(query)),
        _ => (TEXT, text),
    };
    granted.answer(plane, media_type, text, request.method() == Method::HEAD)
}
