//! What a Raspberry Pi starts: kernel, ramdisk and arguments, from its profile.

use std::sync::Arc;

use bootwright_content::render_boot;
use bootwright_core::{FrontEnd, Sighting, Token};
use bootwright_engine::{FrontAsk, InstallTicket, PiLoad, ScriptReply};
use bootwright_proto::http::target::parse;
use bootwright_proto::http::{Asked, BaseUrl, RelativePath, Route};
use bootwright_proto::script::ipxe::Image;
use bootwright_proto::script::name::{Act, Asking, PiFile, Who};
use bootwright_proto::script::pi;
use bootwright_proto::script::told::Told;
use bytes::Bytes;

use crate::front::{self, ARCHIVED_BYTES_MAX, Part};
use crate::http::script::{image, values};
use crate::http::{Ends, Plane, Shelf};
use crate::tftp::{Content, open_below};

/// A file of what it starts.
pub(super) async fn part(plane: &Plane, ends: Ends, question: &FrontAsk, file: &PiFile) -> Option<Content> {
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
        tracing::error!(code = "E209", peer = %ends.peer, %why, "what a Raspberry Pi starts cannot be made");
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
pub(super) fn image_of(plane: &Plane, ends: Ends, base: &BaseUrl, load: &PiLoad) -> Result<Image, String> {
    let definition = plane.core.read(|engine, _| engine.described(&host_of(load).id));
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
    let definition = plane.core.read(|engine, _| engine.described(&host_of(load).id));
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
pub(super) fn shelf_of<'a>(plane: &'a Plane, base: &BaseUrl, url: &str) -> Option<(&'a Shelf, RelativePath)> {
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

pub(super) const fn run_of(load: &PiLoad) -> Option<&InstallTicket> {
    match load {
        PiLoad::Install(ticket) => Some(ticket),
        PiLoad::Live { .. } => None,
    }
}

/// Every document of the run that went with the kernel counts as fetched.
pub(super) fn documents_served(plane: &Plane, ends: Ends, ticket: &InstallTicket) {
    let base = plane.base_url(ends);
    let context = crate::http::script::context(plane, &base, ends, ticket);
    let Ok(plan) = render_boot(&ticket.profile, &context) else {
        return;
    };
    for place in (0_u16..).take(plan.initrds.len()) {
        front::part_served(plane, ends, ticket.run.token, place);
    }
}

/// What the run with this token starts.
pub(crate) fn load_of(plane: &Plane, token: Token) -> Option<PiLoad> {
    let ticket = plane.core.read(|engine, now| engine.ticket(now, token))?;
    Some(PiLoad::Install(Box::new(ticket)))
}

/// All initial ramdisks of a run were delivered in one.
pub(crate) fn parts_served(plane: &Plane, ends: Ends, token: Token) {
    if let Some(PiLoad::Install(ticket)) = load_of(plane, token) {
        documents_served(plane, ends, &ticket);
    }
}
