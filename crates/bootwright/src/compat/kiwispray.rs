//! KIWIspray's routes.

use std::net::IpAddr;
use std::sync::Arc;

use bootwright_config::{Configs, Dialect, kiwispray as data};
use bootwright_content::{Context, render_document};
use bootwright_core::{Host, Phase, Profile, Reported, Token};
use bootwright_engine::{FactsReply, FactsTold, Filter, Report};
use bootwright_proto::compat::kiwispray::{
    BAD_BOOTID, BAD_REQUEST, BAD_STATE, BOOTSTRAP, ERROR, Line, NO_FILE, NO_ID, OK, Request, Route, Update, finished,
    hosts, not_finished, not_found, report,
};
use bootwright_proto::http::{BaseUrl, Query};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, StatusCode};

use super::{Desk, text_of};
use crate::http::answer::{Answer, busy};
use crate::http::file::shelved;
use crate::http::report::{admitted, read, rendered};
use crate::http::script::{context, decision_in};
use crate::http::told::tell;
use crate::http::{Ends, Plane};

const TEXT: &str = "text/plain";

/// The longest update, in bytes.
const UPDATE_BYTES_MAX: usize = 64 << 10;

/// The most hosts that are listed.
const LISTED_MAX: usize = 10_000;

pub(super) async fn answer(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    base: &BaseUrl,
    asked: Request,
    request: hyper::Request<Incoming>,
) -> Answer {
    let Request { route, query } = asked;
    match (&route, request.method().clone()) {
        (Route::Update, Method::POST) => return update(plane, ends, &query, request).await,
        (_, Method::POST) => return said(StatusCode::BAD_REQUEST, BAD_REQUEST),
        (Route::Update, _) => return said(StatusCode::NOT_FOUND, NO_FILE),
        // KIWIspray answers any HEAD with nothing; here nothing happens by one either.
        (Route::Bootstrap | Route::Finish, Method::HEAD) => return said(StatusCode::OK, ""),
        _ => {}
    }
    match route {
        Route::BootstrapScript => said(StatusCode::OK, BOOTSTRAP),
        Route::Bootstrap => decision_in(plane, ends, base, &query, words).await,
        Route::PostInstall => post_install(plane, ends, base, &query).await,
        Route::Finish => finish(plane, &query).await,
        Route::State => state(plane, desk, ends, &query),
        Route::Hosts => list(plane, desk),
        Route::Update => said(StatusCode::NOT_FOUND, NO_FILE),
        Route::File(name) => match &desk.files {
            // The scripts of images hold what machines are told; they are no files of theirs.
            Some(files) if !name.as_str().ends_with(".tmpl") => {
                shelved(plane, ends, files, &name, request.headers()).await
            }
            Some(_) | None => said(StatusCode::NOT_FOUND, NO_FILE),
        },
    }
}

fn said(status: StatusCode, text: &str) -> Answer {
    text_of(status, TEXT, text)
}

/// The script of the image that a machine boots.
pub(super) fn words(profile: &Profile, context: &Context) -> Option<Result<String, String>> {
    if profile.source != Some(Dialect::Kiwispray) {
        return None;
    }
    Some(render_document(profile, data::SCRIPT, context).map_err(|problem| problem.to_string()))
}

async fn post_install(plane: &Arc<Plane>, ends: Ends, base: &BaseUrl, query: &Query) -> Answer {
    let (id, token) = match report(query) {
        Ok((id, Some(token))) => (id, token),
        Ok((_, None)) => return said(StatusCode::UNAUTHORIZED, BAD_BOOTID),
        Err(why) => return said(StatusCode::NOT_FOUND, why),
    };
    let Some(ticket) = admitted(plane, ends, token, data::POST_INSTALL).await else {
        return said(StatusCode::UNAUTHORIZED, BAD_BOOTID);
    };
    if !is_called(&ticket.host, ticket.name.as_str(), &id) {
        return said(StatusCode::NOT_FOUND, &not_found(&id));
    }
    let context = context(plane, base, ends, &ticket);
    match rendered(plane, &ticket, data::POST_INSTALL, context) {
        Ok(text) => {
            plane
                .core
                .ask(|engine, now| engine.document_served(now, token, data::POST_INSTALL))
                .now();
            said(StatusCode::OK, &text)
        }
        Err(why) => {
            tracing::error!(host = %ticket.host.id, %why, "a post-install script cannot be rendered");
            said(StatusCode::INTERNAL_SERVER_ERROR, ERROR)
        }
    }
}

async fn finish(plane: &Arc<Plane>, query: &Query) -> Answer {
    let (id, token) = match report(query) {
        Ok((id, token)) => (id, token),
        Err(why) => return said(StatusCode::NOT_FOUND, why),
    };
    let refused = || {
        let bootid = query.get("bootid").unwrap_or_else(|| "none_given".to_owned());
        said(StatusCode::UNAUTHORIZED, &not_finished(&id, &bootid))
    };
    let Some(token) = token.filter(|token| is_run_of(plane, *token, &id)) else {
        return refused();
    };
    match plane
        .core
        .ask(|engine, now| engine.report(now, token, &Report::Done))
        .settled()
        .await
    {
        Ok(bootwright_engine::ReportReply::Noted) => said(StatusCode::OK, &finished(&id)),
        Ok(bootwright_engine::ReportReply::NoSuchRun | bootwright_engine::ReportReply::Guard(_)) => refused(),
        Ok(bootwright_engine::ReportReply::StoreDown) | Err(_) => busy("this cannot be recorded now"),
    }
}

/// Whether a token is of a run of the host that is called so.
fn is_run_of(plane: &Plane, token: Token, id: &str) -> bool {
    plane.core.read(|engine, now| {
        let run = engine.run_of(now, token);
        run.is_some_and(|(host, _)| engine.resolve(id) == Some(host))
    })
}

fn is_called(host: &Host, name: &str, id: &str) -> bool {
    host.id.as_str() == id || name == id
}

/// What the state of a host is called here: what comes next, and `finished`.
fn state_words(host: &Host) -> String {
    let image = |name: &str| name.strip_prefix("kiwispray-").unwrap_or(name).to_owned();
    match &host.state.phase {
        Phase::Armed { queue, .. } => {
            let images: Vec<String> = queue.iter().map(|profile| image(profile.as_str())).collect();
            images.join(",")
        }
        Phase::Installing { run, rest, .. } => {
            let images = std::iter::once(&run.profile).chain(rest);
            let images: Vec<String> = images.map(|profile| image(profile.as_str())).collect();
            images.join(",")
        }
        Phase::Installed { .. } => "finished".to_owned(),
        phase @ (Phase::New { .. } | Phase::Failed { .. } | Phase::Live { .. } | Phase::Ignored) => {
            phase.name().to_owned()
        }
    }
}

/// Of the host at the address that asks, or of any where the operator lets anybody know.
fn state(plane: &Plane, desk: &Desk, ends: Ends, query: &Query) -> Answer {
    let Some(id) = query.get("id") else {
        return said(StatusCode::NOT_FOUND, NO_ID);
    };
    let asker: IpAddr = ends.peer;
    let host = plane.core.read(|engine, now| {
        let name = engine.resolve(&id)?;
        let own = engine.host_at(now, asker).as_ref() == Some(&name);
        let may = own || desk.compat.configs == Configs::Anybody;
        may.then(|| engine.view(name.as_str())).flatten()
    });
    match host {
        Some(view) => {
            let states = state_words(&view.host);
            let first = states.split(',').next().unwrap_or_default();
            said(StatusCode::OK, &format!("{first}\n"))
        }
        None => said(StatusCode::NOT_FOUND, &not_found(&id)),
    }
}

/// The whole site: only where the operator lets anybody know.
fn list(plane: &Plane, desk: &Desk) -> Answer {
    if desk.compat.configs != Configs::Anybody {
        return said(StatusCode::NOT_FOUND, NO_FILE);
    }
    let filter = Filter {
        limit: LISTED_MAX,
        ..Filter::default()
    };
    let page = plane.core.read(|engine, _| engine.hosts(&filter));
    let rows: Vec<(String, String, String)> = page
        .hosts
        .iter()
        .map(|view| {
            let serial = view.host.facts.serial.clone().unwrap_or_default();
            (view.name.to_string(), state_words(&view.host), serial)
        })
        .collect();
    let lines: Vec<Line<'_>> = rows
        .iter()
        .map(|(name, state, serial)| Line {
            id: name,
            hostname: name,
            state,
            serial,
        })
        .collect();
    said(StatusCode::OK, &hosts(&lines))
}

/// A machine that is being discovered tells of itself: what it says is kept as its facts, and its cards are its own from now on.
async fn update(plane: &Arc<Plane>, ends: Ends, query: &Query, request: hyper::Request<Incoming>) -> Answer {
    let (id, token) = match report(query) {
        Ok((id, Some(token))) => (id, token),
        Ok((_, None)) => return said(StatusCode::UNAUTHORIZED, BAD_BOOTID),
        Err(why) => return said(StatusCode::NOT_FOUND, why),
    };
    // As for its documents: the card has to be the machine's.
    let Some(ticket) = admitted(plane, ends, token, data::SCRIPT).await else {
        return said(StatusCode::UNAUTHORIZED, BAD_BOOTID);
    };
    if !is_called(&ticket.host, ticket.name.as_str(), &id) {
        return said(StatusCode::NOT_FOUND, &not_found(&id));
    }
    if ticket.profile.name.as_str() != "kiwispray-discover" {
        return said(StatusCode::UNAUTHORIZED, BAD_STATE);
    }
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = match read(request, UPDATE_BYTES_MAX).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let update = match Update::read(content_type.as_deref(), &body) {
        Ok(update) => update,
        Err(why) => return said(StatusCode::BAD_REQUEST, why),
    };
    let told = FactsTold {
        reported: Reported::of(update.metadata),
        cards: update.macs,
        adds: true,
    };
    match tell(plane, ends.peer, token, &told).await {
        Some(FactsReply::Noted { .. }) => said(StatusCode::OK, OK),
        Some(FactsReply::NoSuchRun) => said(StatusCode::UNAUTHORIZED, BAD_BOOTID),
        Some(FactsReply::TooOften) => said(StatusCode::INTERNAL_SERVER_ERROR, ERROR),
        Some(FactsReply::StoreDown) | None => busy("this cannot be recorded now"),
    }
}
