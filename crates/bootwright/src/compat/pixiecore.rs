//! Pixiecore's API, which a Pixiecore asks us, and the routes by which its machines fetch what such an API has said.

use std::sync::Arc;

use bootwright_content::Context;
use bootwright_core::{Facts, FrontEnd, MacAddr, Profile, Sighting};
use bootwright_engine::{Entitled, ScriptReply};
use bootwright_images::NotFetched;
use bootwright_proto::compat::bootcfg::{ONLY_GET, bad_mac};
use bootwright_proto::compat::pixiecore::{BOOTING, Request, Route, Spec, check_script, script};
use bootwright_proto::http::{Asked, BaseUrl, Query};
use bootwright_proto::script::told::{Load, Source as From, Told};
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, StatusCode};

use super::upstream::{Source, Undefined, defined};
use super::{Desk, not_found, refused, text_of, uncached};
use crate::front;
use crate::http::answer::{Answer, TEXT, answer as answered};
use crate::http::body::Answered;
use crate::http::file::shelved;
use crate::http::script::{Words, decision_in, definition, reply, sighting};
use crate::http::{Ends, Plane};

/// The type of JSON, as Go's handlers set it.
const JSON: &str = "application/json";

/// The largest file that is passed on, in bytes.
const PASSED_BYTES_MAX: u64 = 16 << 30;

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
        // Every fetch of a script counts, so that nothing but GET may.
        Route::Boot(_) | Route::Script if request.method() != Method::GET => {
            refused(StatusCode::METHOD_NOT_ALLOWED, ONLY_GET)
        }
        Route::Boot(Err(text)) => refused(StatusCode::BAD_REQUEST, &bad_mac(&text)),
        Route::Boot(Ok(mac)) => match booted(plane, ends, base, mac, |_, _| None).await {
            Some((told, _)) => spec(base, told).map_or_else(not_found, json),
            None => not_found(),
        },
        Route::Script => match check_script(&query) {
            Ok(_) => decision_in(plane, ends, base, &query, words).await,
            Err(why) => refused(StatusCode::BAD_REQUEST, why),
        },
        Route::File => file(plane, desk, ends, &query, request).await,
        Route::Booting => text_of(StatusCode::OK, TEXT, BOOTING),
    }
}

/// JSON that is true at this moment only.
pub(super) fn json(text: String) -> Answer {
    uncached(text_of(StatusCode::OK, JSON, &text))
}

/// What the API says a machine boots, in Pixiecore's words.
pub(super) fn words(profile: &Profile, context: &Context) -> Option<Result<String, String>> {
    if profile.source != Some(bootwright_config::Dialect::Pixiecore) {
        return None;
    }
    let plan = match bootwright_content::render_boot(profile, context) {
        Ok(plan) => plan,
        Err(problem) => return Some(Err(problem.error.to_string())),
    };
    let initrds: Vec<String> = plan.initrds.into_iter().map(|initrd| initrd.url).collect();
    let mac = context.seen.boot_mac.map(|mac| mac.to_string().replace(':', "%3A"));
    let booting = format!("{}/_/booting?mac={}", context.server.url, mac.unwrap_or_default());
    // Pixiecore names what goes with a kernel in its own way.
    let own = plan.args.split(' ').filter(|word| !word.starts_with("initrd="));
    let cmdline = own.collect::<Vec<&str>>().join(" ");
    Some(script(&plan.kernel, &initrds, &booting, &cmdline))
}

/// What a machine boots, asked by somebody on its behalf, with what templates may know; nothing leaves it to its disk.
pub(super) async fn booted(
    plane: &Arc<Plane>,
    ends: Ends,
    base: &BaseUrl,
    mac: MacAddr,
    words: Words,
) -> Option<(Told, (Arc<Profile>, Context))> {
    let asked = Asked {
        sighting: Sighting {
            facts: Facts::of_mac(mac),
            boot_mac: Some(mac),
            ..Sighting::default()
        },
        ..Asked::default()
    };
    // The address is that of who asks on the machine's behalf.
    let seen = Sighting {
        address: None,
        ..sighting(plane, ends, &asked)
    };
    let told = reply(plane, ends, base, (&seen, &asked), (FrontEnd::Pixiecore, words)).await;
    let reply = match told {
        Ok(reply) => reply,
        Err(why) => {
            tracing::error!(code = "E307", %why, "an answer could not be recorded, who asks may ask again");
            return None;
        }
    };
    let reply = match define(plane, reply, &seen).await {
        Ok(reply) => reply,
        Err(why) => {
            tracing::warn!(%mac, "{}", why.words());
            plane
                .core
                .ask(|engine, now| engine.trouble(now, &seen, why.words()))
                .now();
            return None;
        }
    };
    let definition = definition(plane, &reply);
    let around = front::surroundings(plane, ends, base, &asked, definition.as_ref());
    let (told, profile, context) = match &reply {
        ScriptReply::Install(ticket) => (
            front::install_as_told(ticket, FrontEnd::Pixiecore, &around),
            Arc::clone(&ticket.profile),
            crate::http::script::context(plane, base, ends, ticket),
        ),
        ScriptReply::Live { host, profile } => {
            let context = crate::http::script::context_of(host, profile, None, &around);
            (
                front::live_as_told(host, profile, FrontEnd::Pixiecore, &around),
                Arc::clone(profile),
                context,
            )
        }
        ScriptReply::Confirm { .. }
        | ScriptReply::Menu { .. }
        | ScriptReply::Local { .. }
        | ScriptReply::Hold(_)
        | ScriptReply::Silence(_) => return None,
    };
    match told {
        Ok(told) => Some((told, (profile, context))),
        Err(why) => {
            tracing::error!(profile = %profile.name, %why, "Pixiecore cannot be told what a machine boots");
            plane.core.ask(|engine, now| engine.trouble(now, &seen, &why)).now();
            None
        }
    }
}

/// The same as the API's JSON.
fn spec(base: &BaseUrl, told: Told) -> Option<String> {
    let Told::Start(Load {
        lines,
        kernel,
        parts,
        args,
    }) = told
    else {
        return None;
    };
    let url = |source: From| match source {
        From::Ours(path) => base.join(&format!("/{path}")),
        From::Elsewhere(url) => url,
    };
    let spec = Spec {
        kernel: url(kernel),
        initrd: parts.into_iter().map(|part| url(part.source)).collect(),
        cmdline: args.join(" "),
        message: lines.join(" "),
    };
    spec.json().ok()
}

/// An answer with what the API says in place of its profile.
///
/// # Errors
/// Why there is nothing to boot.
pub(crate) async fn define(plane: &Plane, reply: ScriptReply, seen: &Sighting) -> Result<ScriptReply, Undefined> {
    let desk = plane.desks.of(bootwright_config::Dialect::Pixiecore);
    Ok(match reply {
        ScriptReply::Install(mut ticket) => {
            let mac = ticket.boot_mac.or(seen.boot_mac);
            ticket.profile = defined(desk, &ticket.profile, &ticket.host, (mac, true, true)).await?;
            ScriptReply::Install(ticket)
        }
        ScriptReply::Live { host, profile } => {
            let profile = defined(desk, &profile, &host, (seen.boot_mac, false, false)).await?;
            ScriptReply::Live { host, profile }
        }
        other @ (ScriptReply::Confirm { .. }
        | ScriptReply::Menu { .. }
        | ScriptReply::Local { .. }
        | ScriptReply::Hold(_)
        | ScriptReply::Silence(_)) => other,
    })
}

/// A file that the API named, for the machine that it was named for, as long as that boots from here.
async fn file(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    query: &Query,
    request: &hyper::Request<Incoming>,
) -> Answer {
    let (Some(upstream), Some(name)) = (&desk.upstream, query.get("name")) else {
        return not_found();
    };
    let Some(mac) = query.get("mac").and_then(|text| text.parse::<MacAddr>().ok()) else {
        return not_found();
    };
    let facts = Facts::of_mac(mac);
    let (host, entitled) = plane
        .core
        .read(|engine, now| (engine.find(&facts), engine.entitled(now, &facts, ends.peer)));
    let (Some(host), Some(entitled)) = (host, entitled) else {
        plane.counters.count(desk.compat.dialect.name(), "not-entitled");
        return not_found();
    };
    let is_named = query.get("type").is_none();
    match upstream.file(&host, &name) {
        None => not_found(),
        Some(Source::File(name)) => match &desk.files {
            Some(files) => shelved(plane, ends, files, &name, request.headers()).await,
            None => not_found(),
        },
        Some(Source::Url(_)) if request.method() == Method::HEAD => text_of(StatusCode::OK, TEXT, ""),
        Some(Source::Url(url)) => match upstream.remote().open(&url).await {
            Ok(stream) => {
                let bytes = stream.bytes;
                if bytes.is_some_and(|bytes| bytes > PASSED_BYTES_MAX) {
                    tracing::warn!(%host, "a file of Pixiecore's API is too large to be passed on");
                    return refused(StatusCode::BAD_GATEWAY, "the file is too large\n");
                }
                let token = match &entitled {
                    Entitled::Run(ticket) if is_named => Some(ticket.run.token),
                    Entitled::Run(_) | Entitled::Live { .. } => None,
                };
                passed_on(
                    plane,
                    Answered::remote(stream.body, bytes, PASSED_BYTES_MAX),
                    bytes,
                    token,
                )
            }
            Err(NotFetched::Passing(why) | NotFetched::Lasting(why)) => {
                let what = format!("a file that Pixiecore's API named cannot be fetched: {why}");
                tracing::warn!(%host, "{what}");
                let seen = Sighting {
                    facts,
                    ..Sighting::default()
                };
                plane.core.ask(|engine, now| engine.trouble(now, &seen, &what)).now();
                refused(StatusCode::BAD_GATEWAY, "couldn't get the file\n")
            }
        },
    }
}

fn passed_on(plane: &Arc<Plane>, body: Answered, bytes: Option<u64>, run: Option<bootwright_core::Token>) -> Answer {
    let plane = Arc::clone(plane);
    let body = body.then(move |_, whole| {
        if let (Some(token), true) = (run, whole) {
            let name = bootwright_config::pixiecore::URL;
            plane
                .core
                .ask(|engine, now| engine.document_served(now, token, name))
                .now();
        }
    });
    let mut answer = answered(StatusCode::OK, "application/octet-stream", body);
    if bytes.is_none() {
        // Its end is told by the last piece.
        answer.headers_mut().remove(CONTENT_LENGTH);
    }
    uncached(answer)
}
