//! The files of Raspberry Pis: the operator's directory, and what a run adds to it. Nothing here decides.

use std::sync::Arc;

use bootwright_content::render_boot;
use bootwright_core::{FrontEnd, HostId, Loader, MacAddr, Sighting, Token};
use bootwright_engine::{FetchKind, FrontAsk, InstallTicket, LookTurn, PiLoad, ScriptReply};
use bootwright_net::beneath::Root;
use bootwright_proto::dhcp::is_raspberry_pi_card;
use bootwright_proto::http::target::parse;
use bootwright_proto::http::{Asked, BaseUrl, RelativePath, Route};
use bootwright_proto::script::ipxe::Image;
use bootwright_proto::script::name::{Act, Asking, PiAsking, PiFile, Who};
use bootwright_proto::script::pi;
use bootwright_proto::script::told::Told;
use bytes::Bytes;

use crate::front::{self, ARCHIVED_BYTES_MAX, Part};
use crate::http::script::{TURNS_MAX, definition, image, values};
use crate::http::{Ends, Plane, Shelf};
use crate::tftp::{Content, Refusal, TransferReport, open_below};

/// The longest configuration of an operator's that ours is put behind, in bytes. (A Pi 5 was seen to fail on a large one.)
const CONFIG_BYTES_MAX: u64 = 16 << 10;

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
                let definition = plane.core.read(|engine, _| engine.definition(&ticket.host.id).cloned());
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

/// A file of the operator's directory, or its configuration and ours behind it.
async fn own_or_config(
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
        .inspect_err(|why| tracing::error!(%why, "an answer could not be recorded, the machine asks again"))
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
            tracing::error!("{why}");
            let seen = &asked.sighting;
            plane.core.ask(|engine, now| engine.trouble(now, seen, why)).now();
        })
        .ok()
}

/// A file of what it starts.
async fn part(plane: &Plane, ends: Ends, question: &FrontAsk, file: &PiFile) -> Option<Content> {
    let load = plane.core.read(|engine, now| engine.pi_load(now, question))?;
    let base = plane.base_url(ends);
    let made = match file {
        PiFile::Kernel => match image_of(plane, ends, &base, &load) {
            Ok(image) => shelved(plane, &base, &image.kernel).await,
            Err(why) => Err(why),
        },
        PiFile::Arguments => arguments(plane, ends, &base, &load),
        PiFile::Ramdisk => ramdisk(plane, ends, &base, &load).await,
        PiFile::Config | PiFile::Other(_) => return None,
    };
    made.inspect_err(|why| {
        tracing::error!(peer = %ends.peer, %why, "what a Raspberry Pi starts cannot be made");
        let facts = host_of(&load).facts.clone();
        let seen = Sighting {
            facts,
            ..Sighting::default()
        };
        plane.core.ask(|engine, now| engine.trouble(now, &seen, why)).now();
    })
    .ok()
}

fn host_of(load: &PiLoad) -> &bootwright_core::Host {
    match load {
        PiLoad::Install(ticket) => &ticket.host,
        PiLoad::Live { host, .. } => host,
    }
}

/// What its profile says.
fn image_of(plane: &Plane, ends: Ends, base: &BaseUrl, load: &PiLoad) -> Result<Image, String> {
    let definition = plane
        .core
        .read(|engine, _| engine.definition(&host_of(load).id).cloned());
    let sighting = Sighting {
        facts: host_of(load).facts.clone(),
        ..Sighting::default()
    };
    let asked = Asked {
        sighting,
        ..Asked::default()
    };
    let around = front::surroundings(plane, ends, base, &asked, definition.as_ref());
    match load {
        PiLoad::Install(ticket) => image(&ticket.host, &ticket.profile, Some(values(ticket)), &around),
        PiLoad::Live { host, profile } => image(host, profile, None, &around),
    }
}

fn arguments(plane: &Plane, ends: Ends, base: &BaseUrl, load: &PiLoad) -> Result<Content, String> {
    let definition = plane
        .core
        .read(|engine, _| engine.definition(&host_of(load).id).cloned());
    let asked = Asked::default();
    let around = front::surroundings(plane, ends, base, &asked, definition.as_ref());
    let asking = Asking {
        front: FrontEnd::RaspberryPi,
        who: Who::Anyone,
        act: Act::First,
    };
    let reply = match load {
        PiLoad::Install(ticket) => ScriptReply::Install(ticket.clone()),
        PiLoad::Live { host, profile } => ScriptReply::Live {
            host: Arc::clone(host),
            profile: Arc::clone(profile),
        },
    };
    match front::told(&reply, &asking, &around)? {
        Told::Start(load) => Ok(Content::Memory(Bytes::from(pi::arguments(&load)))),
        Told::Local { .. } | Told::Wait(_) | Told::Menu(_) => Err("there is nothing to start".to_owned()),
    }
}

/// The shelf and the name of a file of ours.
fn shelf_of<'a>(plane: &'a Plane, base: &BaseUrl, url: &str) -> Option<(&'a Shelf, RelativePath)> {
    let path = url.strip_prefix(base.as_str())?;
    match parse("GET", path.as_bytes()).ok()?.route {
        Route::Image(name) => Some((&plane.images, name)),
        Route::Asset(name) => Some((&plane.assets, name)),
        _ => None,
    }
}

async fn shelved(plane: &Plane, base: &BaseUrl, url: &str) -> Result<Content, String> {
    let elsewhere = || format!("`{url}` is not on this server");
    let (shelf, name) = shelf_of(plane, base, url).ok_or_else(elsewhere)?;
    on_shelf(shelf, &name).await
}

async fn on_shelf(shelf: &Shelf, name: &RelativePath) -> Result<Content, String> {
    let missing = || format!("`{}/{}` is not there", shelf.path, name.as_str());
    let name = bootwright_proto::tftp::Name::normalise(name.as_str().as_bytes()).map_err(|_| missing())?;
    open_below(&shelf.root, &name).await.map_err(|_| missing())
}

/// All initial ramdisks in one file, since a line of its configuration holds the name of one: the kernel reads archives one
/// behind the other, each from a multiple of four bytes on.
pub(crate) async fn ramdisk(plane: &Plane, ends: Ends, base: &BaseUrl, load: &PiLoad) -> Result<Content, String> {
    let image = image_of(plane, ends, base, load)?;
    if let ([initrd], None) = (image.initrds.as_slice(), run_of(load))
        && initrd.target.is_none()
    {
        return shelved(plane, base, &initrd.url).await;
    }
    let mut whole = Vec::new();
    for (initrd, place) in image.initrds.iter().zip(0_u16..) {
        let part = match load {
            PiLoad::Install(ticket) => front::made(plane, ends, ticket, place).await?,
            PiLoad::Live { .. } => shelf_of(plane, base, &initrd.url).map(|(shelf, name)| Part::File(shelf, name)),
        };
        let bytes = match part {
            Some(Part::File(shelf, name)) if image.initrds.len() == 1 => return on_shelf(shelf, &name).await,
            Some(Part::File(shelf, name)) => front::read(shelf, &name).await?,
            Some(Part::Made { content, .. }) => content,
            None => return Err(format!("`{}` is not on this server", initrd.url)),
        };
        whole.resize(whole.len().next_multiple_of(4), 0);
        whole.extend_from_slice(&bytes);
        if whole.len() as u64 > ARCHIVED_BYTES_MAX {
            return Err(format!(
                "its initial ramdisks have more than {ARCHIVED_BYTES_MAX} bytes together"
            ));
        }
    }
    Ok(Content::Memory(whole.into()))
}

const fn run_of(load: &PiLoad) -> Option<&InstallTicket> {
    match load {
        PiLoad::Install(ticket) => Some(ticket),
        PiLoad::Live { .. } => None,
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
                documents_served(plane, ends, ticket).await;
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

/// Every document of the run that went with the kernel counts as fetched.
async fn documents_served(plane: &Plane, ends: Ends, ticket: &InstallTicket) {
    let base = plane.base_url(ends);
    let context = crate::http::script::context(plane, &base, ends, ticket);
    let Ok(plan) = render_boot(&ticket.profile, &context) else {
        return;
    };
    for place in (0_u16..).take(plan.initrds.len()) {
        front::part_served(plane, ends, ticket.run.token, place).await;
    }
}

/// What the run with this token starts.
pub(crate) fn load_of(plane: &Plane, token: Token) -> Option<PiLoad> {
    let ticket = plane.core.read(|engine, now| engine.ticket(now, token))?;
    Some(PiLoad::Install(Box::new(ticket)))
}

/// All initial ramdisks of a run were delivered in one.
pub(crate) async fn parts_served(plane: &Plane, ends: Ends, token: Token) {
    if let Some(PiLoad::Install(ticket)) = load_of(plane, token) {
        documents_served(plane, ends, &ticket).await;
    }
}
