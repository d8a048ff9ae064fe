//! bootcfg's routes.

use std::sync::Arc;

use bootwright_config::{Configs, Dialect, bootcfg as data};
use bootwright_content::{Context, render_document};
use bootwright_core::{MacAddr, Profile};
use bootwright_proto::compat::bootcfg::{
    BOOT_SCRIPT, Boot, ONLY_GET, Request, Route, bad_mac, ignition, machine, spec,
};
use bootwright_proto::http::{BaseUrl, Query};
use hyper::body::Incoming;
use hyper::{Method, StatusCode};

use super::document::granted;
use super::pixiecore::{booted, json};
use super::{Desk, not_found, refused, text_of, uncached};
use crate::http::answer::{Answer, TEXT};
use crate::http::file::shelved;
use crate::http::script::decision_in;
use crate::http::{Ends, Plane};

/// The type of JSON, as Go's handlers set it.
const JSON: &str = "application/json";

pub(super) async fn answer(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    base: &BaseUrl,
    asked: Request,
    request: &hyper::Request<Incoming>,
) -> Answer {
    let Request { route, query } = asked;
    match route {
        Route::Boot | Route::BootZero => text_of(StatusCode::OK, TEXT, BOOT_SCRIPT),
        // Every fetch of it counts, so that nothing but GET may.
        Route::Script if request.method() != Method::GET => refused(StatusCode::METHOD_NOT_ALLOWED, ONLY_GET),
        Route::Script => decision_in(plane, ends, base, &query, words).await,
        Route::Pixiecore(Err(text)) => refused(StatusCode::BAD_REQUEST, &bad_mac(&text)),
        Route::Pixiecore(Ok(_)) if request.method() != Method::GET => refused(StatusCode::METHOD_NOT_ALLOWED, ONLY_GET),
        Route::Pixiecore(Ok(mac)) => pixiecore(plane, ends, base, mac).await,
        Route::Cloud => document(plane, desk, ends, base, &query, request, data::CLOUD).await,
        Route::Ignition => document(plane, desk, ends, base, &query, request, data::IGNITION).await,
        Route::Machine(_) | Route::Spec(_) if request.method() != Method::GET => {
            refused(StatusCode::METHOD_NOT_ALLOWED, ONLY_GET)
        }
        Route::Machine(id) => of_data(plane, desk, |text| {
            let file = text(&format!("machines/{id}/machine.json"))?;
            machine(&id, &file, |spec| text(&format!("specs/{spec}/spec.json")))
        }),
        Route::Spec(id) => of_data(plane, desk, |text| spec(&id, &text(&format!("specs/{id}/spec.json"))?)),
        Route::File(name) => match &desk.files {
            Some(files) => shelved(plane, ends, files, &name, request.headers()).await,
            None => not_found(),
        },
    }
}

/// What a machine boots that was lowered from bootcfg's data, in bootcfg's words.
pub(super) fn words(profile: &Profile, context: &Context) -> Option<Result<String, String>> {
    let boot = boot(profile, context)?;
    Some(boot.and_then(|boot| boot.script()))
}

fn boot(profile: &Profile, context: &Context) -> Option<Result<Boot, String>> {
    if profile.source != Some(Dialect::Bootcfg) {
        return None;
    }
    let text = render_document(profile, data::BOOT, context).map_err(|problem| problem.to_string());
    let read =
        |text: String| Boot::read(&text).ok_or_else(|| "what it boots is no JSON of bootcfg any more".to_owned());
    Some(text.and_then(read))
}

/// What Pixiecore is told on behalf of a machine; nothing leaves it to its disk.
async fn pixiecore(plane: &Arc<Plane>, ends: Ends, base: &BaseUrl, mac: MacAddr) -> Answer {
    let Some((_, (profile, context))) = booted(plane, ends, base, mac, words).await else {
        return not_found();
    };
    let words = boot(&profile, &context)
        .and_then(Result::ok)
        .and_then(|boot| boot.json());
    words.map_or_else(not_found, json)
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
    let Some(granted) = granted(plane, desk, ends, base, query, &|_| name.to_owned()).await else {
        return not_found();
    };
    let (media_type, text) = match name {
        data::IGNITION => (JSON, ignition(granted.text())),
        _ => (TEXT, Some(granted.text().to_owned())),
    };
    let Some(text) = text else { return not_found() };
    granted.answer(plane, media_type, text, request.method() == Method::HEAD)
}

/// What is said of the data itself, which shows the whole site: only where the operator lets anybody have documents.
fn of_data(
    plane: &Plane,
    desk: &Desk,
    answer: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> Option<String>,
) -> Answer {
    if desk.compat.configs != Configs::Anybody {
        plane.counters.count(Dialect::Bootcfg.name(), "not-entitled");
        return not_found();
    }
    let tables = plane.tables.load();
    let text = |path: &str| tables.text(Dialect::Bootcfg, path).map(|text| text.to_string());
    answer(&text).map_or_else(not_found, |json| uncached(text_of(StatusCode::OK, JSON, &json)))
}
