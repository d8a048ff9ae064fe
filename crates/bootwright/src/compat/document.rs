//! Documents for clients that carry no token: to the machine whose run it is, or to anybody where the operator says so.

use std::sync::Arc;

use bootwright_config::Configs;
use bootwright_content::{Context, made_up, render_document};
use bootwright_core::{Profile, Sighting, Token};
use bootwright_engine::Entitled;
use bootwright_proto::http::{Asked, BaseUrl, Query};
use hyper::StatusCode;

use super::{Desk, uncached};
use crate::front::surroundings;
use crate::http::answer::{Answer, answer as answered};
use crate::http::body::Answered;
use crate::http::report::{admitted, rendered};
use crate::http::script::{context, context_of};
use crate::http::{Ends, Plane};

/// A document that may be handed out.
pub(super) struct Granted {
    /// Its text.
    text: String,
    /// The run that it belongs to, if it does.
    run: Option<(Token, String)>,
}

impl Granted {
    /// Tells the run that it was fetched.
    fn served(self, plane: &Plane) {
        if let Some((token, name)) = self.run {
            plane
                .core
                .ask(|engine, now| engine.document_served(now, token, &name))
                .now();
        }
    }

    /// What it says, for those whose words differ from the profile's.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The answer that hands out this text. Its run learns of it when the last byte has left; who asks only how long it is
    /// has fetched nothing.
    pub(super) fn answer(self, plane: &Arc<Plane>, media_type: &str, text: String, only_head: bool) -> Answer {
        let mut body = Answered::wiped(text);
        if !only_head {
            let plane = Arc::clone(plane);
            body = body.then(move |_, whole| {
                if whole {
                    self.served(&plane);
                }
            });
        }
        uncached(answered(StatusCode::OK, media_type, body))
    }
}

/// The document for whoever asks, of the name that is chosen for a profile; nothing if it is not for them.
pub(super) async fn granted(
    plane: &Arc<Plane>,
    desk: &Desk,
    ends: Ends,
    base: &BaseUrl,
    query: &Query,
    choose: &(dyn Fn(&Profile) -> String + Sync),
) -> Option<Granted> {
    granted_to(plane, Some(desk), ends, base, &Asked::read(query), choose).await
}

/// The same for a machine that says what it is in another way, and where no dialect hands out anything to anybody.
pub(super) async fn granted_to(
    plane: &Arc<Plane>,
    desk: Option<&Desk>,
    ends: Ends,
    base: &BaseUrl,
    asked: &Asked,
    choose: &(dyn Fn(&Profile) -> String + Sync),
) -> Option<Granted> {
    let facts = asked.sighting.facts.clone();
    let entitled = plane.core.read(|engine, now| engine.entitled(now, &facts, ends.peer));
    if let Some(Entitled::Run(ticket)) = &entitled
        && let name = choose(&ticket.profile)
        && ticket.profile.files.contains_key(&name)
    {
        let token = ticket.run.token;
        let ticket = admitted(plane, ends, token, &name).await?;
        let context = context(plane, base, ends, &ticket);
        return match rendered(plane, &ticket, &name, context) {
            Ok(text) => Some(Granted {
                text,
                run: Some((token, name)),
            }),
            Err(why) => {
                tracing::error!(host = %ticket.host.id, code = "E209", file = name, %why, "a document cannot be rendered");
                None
            }
        };
    }
    let (profile, context) = match entitled {
        Some(Entitled::Live { host, profile }) => {
            let definition = plane.core.read(|engine, _| engine.described(&host.id));
            let around = surroundings(plane, ends, base, asked, definition.as_ref());
            let context = context_of(&host, &profile, None, &around);
            (profile, context)
        }
        Some(Entitled::Run(_)) | None => match desk.and_then(|desk| for_anybody(plane, desk, &asked.sighting)) {
            Some(found) => found,
            None => {
                let who = desk.map_or("http", |desk| desk.compat.dialect.name());
                plane.counters.count(who, "not-entitled");
                tracing::debug!(peer = %ends.peer, "no document for a machine without a run");
                return None;
            }
        },
    };
    let name = choose(&profile);
    profile.files.get(&name)?;
    match render_document(&profile, &name, &context) {
        Ok(text) => Some(Granted { text, run: None }),
        Err(problem) => {
            tracing::error!(code = "E209", file = name, why = %problem, "a document cannot be rendered for {}", ends.peer);
            None
        }
    }
}

/// What the data suggests for a machine with these facts, where the operator lets anybody have it.
fn for_anybody(plane: &Plane, desk: &Desk, seen: &Sighting) -> Option<(Arc<Profile>, Context)> {
    if desk.compat.configs != Configs::Anybody {
        return None;
    }
    let profile = plane
        .core
        .read(|engine, _| engine.suggested(seen, desk.compat.dialect))?;
    let context = made_up(&profile);
    Some((profile, context))
}
