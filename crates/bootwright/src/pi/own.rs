//! The operator's own files for Raspberry Pis, and what stands behind their configuration.

use std::sync::Arc;

use bootwright_core::{FrontEnd, HostId};
use bootwright_engine::{FrontAsk, ScriptReply};
use bootwright_net::beneath::Root;
use bootwright_proto::script::name::{PiAsking, PiFile, Who};
use bytes::Bytes;

use crate::front;
use crate::http::script::definition;
use crate::http::{Ends, Plane};
use crate::tftp::{Content, open_below};

/// The longest configuration of an operator's that ours is put behind, in bytes. (A Pi 5 was seen to fail on a large one.)
const CONFIG_BYTES_MAX: u64 = 16 << 10;

/// A file of the operator's directory, or its configuration and ours behind it.
pub(super) async fn own_or_config(
    plane: &Arc<Plane>,
    root: &Arc<Root>,
    ends: Ends,
    (question, host): (&FrontAsk, &HostId),
    asking: &PiAsking,
) -> Option<Content> {
    let name = match &asking.file {
        PiFile::Other(name) => name.as_str(),
        _ => "config.txt",
    };
    let found = below(root, &places(plane, host, asking, name)).await;
    if asking.file != PiFile::Config {
        return found;
    }
    let own = match found {
        Some(content) => text_of(content).await,
        None => String::new(),
    };
    let ours = config(plane, ends, question).await?;
    Some(Content::Memory(Bytes::from(format!("{own}\n{ours}"))))
}

/// Where a file may be, the nearest place first: the host's directory, the one that it asks below, that of all.
fn places(plane: &Plane, host: &HostId, asking: &PiAsking, name: &str) -> Vec<String> {
    let own = plane.core.read(|engine, _| {
        engine
            .definition(host)
            .and_then(|definition| definition.directory.clone())
    });
    let asked = match asking.who {
        Who::Serial(serial) => Some(serial.to_string()),
        Who::Card { mac, .. } => Some(mac.hyphens().to_string()),
        Who::Uuid(_) | Who::Address(_) | Who::Anyone => None,
    };
    let directories = own.into_iter().chain(asked);
    let mut places: Vec<String> = directories.map(|directory| format!("{directory}/{name}")).collect();
    places.push(name.to_owned());
    places
}

async fn below(root: &Arc<Root>, places: &[String]) -> Option<Content> {
    for place in places {
        let Ok(name) = bootwright_proto::tftp::Name::normalise(place.as_bytes()) else {
            continue;
        };
        if let Ok(content) = open_below(root, &name).await {
            return Some(content);
        }
    }
    None
}

/// The text of an operator's configuration, as far as it is one.
async fn text_of(content: Content) -> String {
    if content.size() > CONFIG_BYTES_MAX {
        tracing::warn!("a `config.txt` is longer than {CONFIG_BYTES_MAX} bytes, and left out");
        return String::new();
    }
    let read = tokio::task::spawn_blocking(move || content.whole()).await;
    match read {
        Ok(Ok(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(Err(why)) => {
            tracing::warn!(%why, "a `config.txt` cannot be read");
            String::new()
        }
        Err(_) => String::new(),
    }
}

/// Our part of its configuration; nothing if there is nothing to start.
async fn config(plane: &Arc<Plane>, ends: Ends, question: &FrontAsk) -> Option<String> {
    let base = plane.base_url(ends);
    let reply = front::reply(plane, ends, &base, question).await;
    let (_, seen, reply) = reply
        .inspect_err(
            |why| tracing::error!(code = "E307", %why, "an answer could not be recorded, the machine asks again"),
        )
        .ok()?;
    let starts = matches!(reply, ScriptReply::Install(_) | ScriptReply::Live { .. });
    if !starts {
        return None;
    }
    plane.counters.count("front", FrontEnd::RaspberryPi.name());
    let asked = front::said(seen, &reply);
    plane.heard.remember(&reply, &asked);
    let definition = definition(plane, &reply);
    let around = front::surroundings(plane, ends, &base, &asked, definition.as_ref());
    let rendered = front::render_reply(&reply, &question.asking, &around);
    rendered
        .inspect_err(|why| {
            tracing::error!(code = "E209", "{why}");
            let seen = &asked.sighting;
            plane.core.ask(|engine, now| engine.trouble(now, seen, why)).now();
        })
        .ok()
}
