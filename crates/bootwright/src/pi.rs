//! The files of Raspberry Pis: the operator's directory, and what a run adds to it. Nothing here decides.

use std::sync::Arc;

use bootwright_core::{FrontEnd, HostId, Loader, MacAddr, Sighting};
use bootwright_engine::{FetchKind, FrontAsk, InstallTicket, LookTurn, ScriptReply};
use bootwright_net::beneath::Root;
use bootwright_proto::dhcp::is_raspberry_pi_card;
use bootwright_proto::http::{Asked, BaseUrl};
use bootwright_proto::script::name::{Act, Asking, PiAsking, PiFile, Who};

use crate::front;
use crate::http::script::TURNS_MAX;
use crate::http::{Ends, Plane};
use crate::tftp::{Content, Refusal, TransferReport};

mod own;
mod part;

pub(crate) use part::{load_of, parts_served, ramdisk};

use own::own_or_config;
use part::{documents_served, image_of, part, run_of, shelf_of};

/// A file for a Raspberry Pi; nothing if whoever asks is none.
pub(crate) async fn open(
    plane: &Arc<Plane>,
    root: &Arc<Root>,
    ends: Ends,
    asking: &PiAsking,
) -> Option<Result<Content, Refusal>> {
    let question = question(plane, ends, asking).await?;
    let opened = match &asking.file {
        PiFile::Kernel | PiFile::Ramdisk | PiFile::Arguments => part(plane, ends, &question, &asking.file).await,
        PiFile::Config | PiFile::Other(_) => match look(plane, ends, &question).await {
            Some(host) => own_or_config(plane, root, ends, (&question, &host), asking).await,
            None => {
                plane.counters.count("front", "raspberry-pi-refused");
                None
            }
        },
    };
    Some(opened.ok_or(Refusal::NotFound))
}

/// What is asked of the engine; nothing if whoever asks is no Raspberry Pi.
async fn question(plane: &Plane, ends: Ends, asking: &PiAsking) -> Option<FrontAsk> {
    let station = match asking.who {
        Who::Card { .. } => None,
        Who::Uuid(_) | Who::Serial(_) | Who::Address(_) | Who::Anyone => front::card_at(ends.peer).await,
    };
    // Others may ask for files of these names too, and what a name says of a machine is remembered.
    if !is_pi(plane, ends, station.or(card_of(asking))) {
        return None;
    }
    Some(FrontAsk {
        asking: Asking {
            front: FrontEnd::RaspberryPi,
            who: asking.who,
            act: Act::First,
        },
        station,
        address: ends.peer,
        link: plane.link_of(ends),
    })
}

/// Whether whoever asks is a Raspberry Pi: by its card, or by its last DHCP request.
fn is_pi(plane: &Plane, ends: Ends, card: Option<MacAddr>) -> bool {
    let asked_as_one = || {
        plane.core.read(|engine, now| {
            let name = match card {
                Some(card) => card.to_string(),
                None => engine.host_at(now, ends.peer)?.to_string(),
            };
            engine.view(&name)?.visit.rom
        })
    };
    card.is_some_and(is_raspberry_pi_card) || asked_as_one() == Some(Loader::RaspberryPi)
}

const fn card_of(asking: &PiAsking) -> Option<MacAddr> {
    match asking.who {
        Who::Card { mac, .. } => Some(mac),
        Who::Uuid(_) | Who::Serial(_) | Who::Address(_) | Who::Anyone => None,
    }
}

/// Whether a file was sent to a Raspberry Pi as one of its own.
pub(crate) async fn is_asked_by_one(plane: &Plane, ends: Ends, asking: &PiAsking) -> bool {
    question(plane, ends, asking).await.is_some()
}

/// The host that asks, if there is something for it to boot.
async fn look(plane: &Plane, ends: Ends, question: &FrontAsk) -> Option<HostId> {
    let base = plane.base_url(ends);
    let mut trial = None;
    for _ in 0..TURNS_MAX {
        let answer = plane.core.ask(|engine, now| engine.look(now, question, trial.take()));
        match answer.settled().await.ok()? {
            LookTurn::Proceed(host) => return Some(host),
            LookTurn::Refuse(reply) => {
                tracing::debug!(peer = %ends.peer, "a Raspberry Pi gets no file: {}", words(&reply));
                return None;
            }
            LookTurn::Try(ticket) => {
                let definition = plane.core.read(|engine, _| engine.described(&ticket.host.id));
                let asked = asked(&ticket);
                let around = front::surroundings(plane, ends, &base, &asked, definition.as_ref());
                trial = Some(front::try_out(plane, &ticket, &question.asking, &around));
            }
        }
    }
    None
}

fn words(reply: &ScriptReply) -> String {
    match reply {
        ScriptReply::Hold(screen) => screen.why.to_string(),
        ScriptReply::Local { why, .. } => why.to_string(),
        ScriptReply::Silence(why) => why.to_string(),
        ScriptReply::Install(_) | ScriptReply::Live { .. } => "it asks again".to_owned(),
        ScriptReply::Confirm { .. } | ScriptReply::Menu { .. } => "it cannot ask a person".to_owned(),
    }
}

fn asked(ticket: &InstallTicket) -> Asked {
    let sighting = Sighting {
        facts: ticket.host.facts.clone(),
        boot_mac: ticket.boot_mac,
        ..Sighting::default()
    };
    Asked {
        sighting,
        ..Asked::default()
    }
}

/// The name by which people know a file that a Raspberry Pi has, or did not get, and what it is to its boot; nothing if it
/// is no news: it asks for dozens of files.
pub(crate) async fn fetched(
    plane: &Plane,
    report: &TransferReport,
    asking: &PiAsking,
    whole: bool,
) -> Option<(String, FetchKind)> {
    let (peer, local) = (report.peer.ip().to_canonical(), report.local.to_canonical());
    let ends = Ends { peer, local };
    match &asking.file {
        PiFile::Kernel | PiFile::Ramdisk => {
            let question = question(plane, ends, asking).await?;
            let load = plane.core.read(|engine, now| engine.pi_load(now, &question))?;
            let base = plane.base_url(ends);
            let image = image_of(plane, ends, &base, &load).ok()?;
            if asking.file == PiFile::Kernel {
                return Some((known_as(plane, &base, &image.kernel), FetchKind::Image));
            }
            if let Some(ticket) = run_of(&load).filter(|_| whole) {
                documents_served(plane, ends, ticket);
            }
            let first = image.initrds.first()?;
            Some((known_as(plane, &base, &first.url), FetchKind::Image))
        }
        PiFile::Config | PiFile::Arguments => (!whole).then(|| ("its configuration".to_owned(), FetchKind::Other)),
        PiFile::Other(name) => {
            let last = name.rsplit('/').next().unwrap_or(name);
            let starts = last == "bootcode.bin" || (last.starts_with("start") && last.ends_with(".elf"));
            (starts || !whole).then(|| (last.to_owned(), FetchKind::Other))
        }
    }
}

fn known_as(plane: &Plane, base: &BaseUrl, url: &str) -> String {
    match shelf_of(plane, base, url) {
        Some((shelf, name)) => format!("{}/{}", shelf.path, name.as_str()),
        None => "an initial ramdisk".to_owned(),
    }
}
