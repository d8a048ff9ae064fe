//! What runs report, and the documents that they fetch. Both live under the run's token.

use std::sync::Arc;

use bootwright_content::{Context, Secrets, render_document, secrets_asked};
use bootwright_core::{GuardVerdict, Sighting, Token};
use bootwright_engine::{DocumentAsk, DocumentReply, InstallTicket, Report, ReportReply, Requester, Speaker};
use bootwright_proto::http::{BaseUrl, Query, Report as Reported, ReportKind, media_type};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::Plane;
use super::answer::{Answer, answer, busy, not_found, set, words};
use super::body::Answered;
use super::route::Ends;
use super::script::{context, error_words};
use crate::front;
use crate::metrics::Callback;

/// The longest report, in bytes.
const REPORT_BYTES_MAX: usize = 64 << 10;
/// The longest log that one call may send, in bytes.
const LOG_BYTES_MAX: usize = 16 << 20;
/// In what time a report has to arrive.
const REPORT_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// A run reports.
pub(super) async fn report(
    plane: &Arc<Plane>,
    token: Token,
    kind: ReportKind,
    query: &Query,
    request: hyper::Request<Incoming>,
) -> Answer {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let limit = if kind == ReportKind::Log {
        LOG_BYTES_MAX
    } else {
        REPORT_BYTES_MAX
    };
    let called = |what| plane.counters.meters.called_back(kind, what);
    // A body is read only for a run that there is.
    if !plane.core.read(|engine, now| engine.knows_run(now, token)) {
        plane.counters.count("http", "token-denied");
        plane.counters.count("denied", "report");
        called(Callback::Denied);
        return not_found();
    }
    let body = match read(request, limit).await {
        Ok(body) => body,
        Err(answer) => {
            called(Callback::Broken);
            return answer;
        }
    };
    let report = match Reported::read(kind, query, content_type.as_deref(), &body) {
        Reported::Done => Report::Done,
        Reported::Up => Report::Up,
        Reported::Fail { reason } => Report::Fail {
            reason: reason.unwrap_or_else(|| "no reason was given".to_owned()),
        },
        Reported::Log(text) => {
            let answer = log(plane, token, text).await;
            called(match answer.status() {
                StatusCode::OK => Callback::Taken,
                StatusCode::NOT_FOUND => Callback::Denied,
                _ => Callback::Unrecorded,
            });
            return answer;
        }
        Reported::Progress(progress) if progress.stage.as_deref() == Some("guard") => Report::Guard {
            serial: progress.serial.unwrap_or_default(),
            content: progress.content,
        },
        Reported::Progress(progress) => {
            let message = match (progress.message, progress.error) {
                (message, Some(error)) => {
                    let error = error_words(&error);
                    Some(
                        [message, Some(error)]
                            .into_iter()
                            .flatten()
                            .collect::<Vec<_>>()
                            .join(": "),
                    )
                }
                (message, None) => message,
            };
            Report::Progress {
                stage: progress.stage,
                percent: progress.percent,
                message,
            }
        }
    };
    let line = progress_line(&report);
    let settled = plane.core.ask(|engine, now| engine.report(now, token, &report));
    let settled = settled.settled().await;
    called(match &settled {
        Ok(ReportReply::Noted | ReportReply::Guard(_)) => Callback::Taken,
        Ok(ReportReply::NoSuchRun) => Callback::Denied,
        Ok(ReportReply::StoreDown) | Err(_) => Callback::Unrecorded,
    });
    if let (Some(line), Ok(ReportReply::Noted)) = (line, &settled)
        && let Some((host, run)) = plane.core.read(|engine, now| engine.run_of(now, token))
    {
        let time = jiff::Timestamp::now();
        plane.scribe.note(Speaker { host, run }, format!("{time:.0} {line}"));
    }
    match settled {
        Ok(ReportReply::Noted) => words(StatusCode::OK, "ok"),
        Ok(ReportReply::Guard(GuardVerdict::Go)) => words(StatusCode::OK, "go"),
        Ok(ReportReply::Guard(GuardVerdict::Stop(why))) => words(StatusCode::OK, &format!("stop {why}")),
        Ok(ReportReply::NoSuchRun) => not_found(),
        Ok(ReportReply::StoreDown) => busy("this cannot be recorded now"),
        Err(why) => {
            tracing::error!(code = "E307", %why, "a report could not be recorded");
            busy("this cannot be recorded now")
        }
    }
}

/// What a report of progress says, for the log of its run.
fn progress_line(report: &Report) -> Option<String> {
    let Report::Progress {
        stage,
        percent,
        message,
    } = report
    else {
        return None;
    };
    let percent = percent.map(|percent| format!("{percent} %"));
    let words: Vec<&str> = [stage, &percent, message]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    (!words.is_empty()).then(|| format!("progress: {}", bootwright_proto::syslog::plain(&words.join(": "))))
}

pub(crate) async fn read(request: hyper::Request<Incoming>, limit: usize) -> Result<Bytes, Answer> {
    let collecting = Limited::new(request.into_body(), limit).collect();
    match tokio::time::timeout(REPORT_WITHIN, collecting).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(words(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("a report has at most {limit} bytes"),
        )),
        Ok(Err(_)) => Err(words(StatusCode::BAD_REQUEST, "the report did not arrive whole")),
        Err(_) => Err(words(StatusCode::REQUEST_TIMEOUT, "the report took too long")),
    }
}

async fn log(plane: &Arc<Plane>, token: Token, text: String) -> Answer {
    let Some((host, run)) = plane.core.read(|engine, now| engine.run_of(now, token)) else {
        return not_found();
    };
    match plane.journal.append(&host, run, text).await {
        Ok(()) => words(StatusCode::OK, "ok"),
        Err(error) => {
            tracing::warn!(%host, run = run.get(), code = "W308", why = %error, "an installer's log could not be kept");
            busy("the log could not be kept")
        }
    }
}

/// The run whose document whoever asks may have. What is told of him is what the wire shows.
pub(crate) async fn admitted(plane: &Plane, ends: Ends, token: Token, name: &str) -> Option<Box<InstallTicket>> {
    let is_secret = plane.core.read(|engine, now| {
        let ticket = engine.ticket(now, token)?;
        let document = ticket.profile.files.get(name);
        Some(document.is_some_and(|document| !secrets_asked(&document.template).is_empty()))
    });
    // The table of neighbours is read for none but those who name a run.
    let station = match is_secret {
        Some(_) => front::card_at(ends.peer).await,
        None => None,
    };
    let ask = DocumentAsk {
        token,
        name,
        requester: Requester {
            address: ends.peer,
            station,
        },
        is_secret: is_secret.unwrap_or(false),
    };
    match plane.core.ask(|engine, now| engine.document(now, &ask)).now() {
        DocumentReply::Render(ticket) => Some(ticket),
        DocumentReply::NoSuchDocument => {
            plane.counters.count("http", "token-denied");
            plane.counters.count("denied", "document");
            None
        }
    }
}

/// A document with its secrets in place, or why there is none, without any of them.
pub(crate) fn rendered(plane: &Plane, ticket: &InstallTicket, name: &str, context: Context) -> Result<String, String> {
    let secrets = match ticket.profile.files.get(name) {
        Some(document) => plane.secrets.open(&document.template)?,
        None => Secrets::Hidden,
    };
    let context = Context { secrets, ..context };
    render_document(&ticket.profile, name, &context).map_err(|problem| problem.error.to_string())
}

/// A run fetches a document, which is rendered at this moment and kept nowhere.
pub(super) async fn document(
    plane: &Arc<Plane>,
    base: &BaseUrl,
    ends: Ends,
    token: Token,
    name: &str,
    head: bool,
) -> Answer {
    let Some(ticket) = admitted(plane, ends, token, name).await else {
        return not_found();
    };
    let context = context(plane, base, ends, &ticket);
    let text = match rendered(plane, &ticket, name, context) {
        Ok(text) => text,
        Err(why) => {
            tracing::error!(host = %ticket.host.id, code = "E209", file = name, %why, "a document cannot be rendered");
            let seen = Sighting {
                facts: ticket.host.facts.clone(),
                ..Sighting::default()
            };
            let what = format!("run {}, {name} cannot be rendered: {why}", ticket.run.number);
            plane.core.ask(|engine, now| engine.trouble(now, &seen, &what)).now();
            return words(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!("{name} cannot be rendered: {why}"),
            );
        }
    };
    let mut body = Answered::wiped(text);
    if !head {
        let (plane, name) = (Arc::clone(plane), name.to_owned());
        body = body.then(move |_, whole| {
            if whole {
                plane
                    .core
                    .ask(|engine, now| engine.document_served(now, token, &name))
                    .now();
            }
        });
    }
    let mut response = answer(StatusCode::OK, media_type(name), body);
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}
