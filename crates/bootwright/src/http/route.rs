//! From a request to the part that answers it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bootwright_config::Dialect;
use bootwright_proto::http::target::parse;
use bootwright_proto::http::{BaseUrl, Refusal, Request, Route};
use bootwright_proto::script::name::Wanted;
use hyper::StatusCode;
use hyper::body::Incoming;

use super::answer::{Answer, answer, method, not_found, words};
use super::body::Answered;
use super::{Plane, file, report, script, told};
use crate::compat;
use crate::front;
use crate::telemetry::sanitise;

/// Where a request came from and what it reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) peer: IpAddr,
    pub(crate) local: IpAddr,
}

/// Answers a request.
pub(super) async fn route(
    plane: Arc<Plane>,
    peer: SocketAddr,
    local: SocketAddr,
    door: Option<Dialect>,
    request: hyper::Request<Incoming>,
) -> Answer {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let port = local.port();
    let (peer, local) = (peer.ip().to_canonical(), local.ip().to_canonical());
    let ends = Ends { peer, local };
    if let Some(question) = compat::recognise(&plane, door, target.as_bytes()) {
        plane.counters.count(question.dialect().name(), question.name());
        let base = door.map_or_else(|| plane.base_url(ends), |_| plane.base_at(ends, port));
        let head = request.method() == hyper::Method::HEAD;
        let answered = compat::answer(&plane, ends, &base, question, request).await;
        return if head { without_body(answered) } else { answered };
    }
    let parsed = parse(request.method().as_str(), target.as_bytes());
    match parsed {
        Ok(parsed) if door.is_some() && !compat::is_led_to(&parsed.route) => {
            plane.counters.count("http", "not-found");
            compat::not_found()
        }
        Ok(parsed) => {
            plane.counters.count("http", parsed.route.name());
            let base = door.map_or_else(|| plane.base_url(ends), |_| plane.base_at(ends, port));
            dispatch(&plane, ends, (&base, door), parsed, request).await
        }
        Err(_) if door.is_some() => {
            plane.counters.count("http", "not-found");
            compat::not_found()
        }
        Err(refusal) => {
            plane.counters.count("http", refusal.name());
            tracing::debug!(%peer, why = %refusal, "refused {}", shown(target));
            refuse(refusal)
        }
    }
}

/// A target as it may stand in the log: without anything that could be a run's token, and of bounded length.
fn shown(target: &str) -> String {
    if target.starts_with("/r/") || target.contains("//r/") || target.contains("part/") {
        return "/r/…".to_owned();
    }
    sanitise(&target.chars().take(200).collect::<String>())
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::NotFound => not_found(),
        Refusal::Method { allow } => method(allow),
        Refusal::TooLong { .. } | Refusal::Path(_) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            words(status, &refusal.to_string())
        }
    }
}

async fn dispatch(
    plane: &Arc<Plane>,
    ends: Ends,
    (base, door): (&BaseUrl, Option<Dialect>),
    parsed: Request,
    request: hyper::Request<Incoming>,
) -> Answer {
    let head = parsed.method == bootwright_proto::http::Method::Head;
    let answered = match parsed.route {
        Route::Boot => super::answer::script(bootwright_proto::script::ipxe::boot_script(base)),
        Route::AutoExec => super::answer::script(bootwright_proto::script::ipxe::autoexec_script(base)),
        Route::Decision => script::decision_in(plane, ends, base, &parsed.query, compat::words_at(door)).await,
        Route::Hold => script::hold(plane, base, &parsed.query).await,
        Route::Failed => script::failed(plane, ends, &parsed.query),
        Route::Firmware(name) => file::firmware(plane, ends, name.as_str(), request.headers()),
        Route::Image(name) => file::shelved(plane, ends, &plane.images, &name, request.headers()).await,
        Route::Asset(name) => file::shelved(plane, ends, &plane.assets, &name, request.headers()).await,
        Route::Front(Wanted::Part { token, place }) => {
            file::part(plane, ends, (token, place), request.headers(), head).await
        }
        Route::Front(wanted) => match front::script(plane, ends, &wanted).await {
            Some(text) => super::answer::script(text),
            None => not_found(),
        },
        Route::Elsewhere(name) => file::firmware(plane, ends, name.as_str(), request.headers()),
        Route::Code(code) => script::code_page(plane, code.as_str()),
        Route::Report { token, kind } => report::report(plane, token, kind, &parsed.query, request).await,
        Route::Facts { token } => told::facts(plane, ends, token, request).await,
        Route::Proxmox => compat::proxmox(plane, ends, base, request).await,
        Route::Document { token, name } => report::document(plane, base, ends, token, name.as_str(), head).await,
    };
    if head { without_body(answered) } else { answered }
}

/// RFC 9110 section 9.3.2: the same fields, the length included, and no body.
fn without_body(answered: Answer) -> Answer {
    let (parts, body) = answered.into_parts();
    drop(body.silent());
    let mut bare = answer(parts.status, "", Answered::empty());
    *bare.headers_mut() = parts.headers;
    bare
}

impl Plane {
    /// How the machine reaches us: by the URL that the configuration sets, else by the address that it asked.
    pub(crate) fn base_url(&self, ends: Ends) -> BaseUrl {
        let fixed = self.daemon.base_url.fixed().and_then(|url| url.parse().ok());
        let fixed = fixed.filter(|url: &BaseUrl| ends.local.is_ipv4() || !url.is_ipv4());
        fixed.unwrap_or_else(|| BaseUrl::of(SocketAddr::new(ends.local, self.daemon.http.port)))
    }

    /// The same on another port of ours, which only the address that was asked can say.
    pub(crate) fn base_at(&self, ends: Ends, port: u16) -> BaseUrl {
        match port == self.daemon.http.port {
            true => self.base_url(ends),
            false => BaseUrl::of(SocketAddr::new(ends.local, port)),
        }
    }

    /// The link of ours on which a machine reached us.
    pub(crate) fn link_of(&self, ends: Ends) -> Option<String> {
        let links = self.links.load();
        let ours = |link: &&bootwright_net::Link| link.addresses.iter().any(|address| address.ip == ends.local);
        links.iter().find(ours).map(|link| link.name.clone())
    }
}
