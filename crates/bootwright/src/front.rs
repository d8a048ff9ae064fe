//! Boot loaders other than iPXE, by whichever protocol they ask: the same question to the engine, and its answer in their
//! language. Nothing here decides.

use std::net::IpAddr;
use std::sync::Arc;

use bootwright_content::render_boot;
use bootwright_core::{Confirm, FrontEnd, Host, HostDefinition, MacAddr, Profile, Sighting, Token, Trial};
use bootwright_engine::{FrontAsk, FrontReply, InstallTicket, ScriptReply, ScriptTurn};
use bootwright_net::neighbour::station;
use bootwright_proto::http::target::parse;
use bootwright_proto::http::{Asked, BaseUrl, RelativePath, Route};
use bootwright_proto::newc::archive;
use bootwright_proto::script::grub::{Around, disk_script, first_script, http_script};
use bootwright_proto::script::name::{Asking, Wanted, Who};
use bootwright_proto::script::told::Told;
use bootwright_proto::script::{grub, pi, pxelinux, uboot};
use bytes::Bytes;

use crate::compat::upstream::only_ipxe;
use crate::core::{Core, Unrecorded};
use crate::http::report::{admitted, rendered};
use crate::http::script::{Surroundings, TURNS_MAX, context, definition, hold_of, image, try_out_as, values};
use crate::http::{Ends, Plane, Shelf};

/// The largest file that is put into an archive for an initial ramdisk, in bytes: it is held in memory meanwhile.
pub(crate) const ARCHIVED_BYTES_MAX: u64 = 64 << 20;

/// The text of what a boot loader asks for; nothing if there is nothing for it under this name.
pub(crate) async fn script(plane: &Arc<Plane>, ends: Ends, wanted: &Wanted) -> Option<String> {
    let base = plane.base_url(ends);
    let around = around(&base, ends.local);
    match wanted {
        Wanted::Script(asking) => ask(plane, ends, &base, asking).await,
        Wanted::GrubFirst => Some(first_script(around)),
        Wanted::GrubHttp => Some(http_script(&base)),
        Wanted::GrubDisk => Some(disk_script()),
        Wanted::Part { .. } | Wanted::Parts { .. } => None,
    }
}

const fn around(base: &BaseUrl, address: IpAddr) -> Around<'_> {
    Around { base, address }
}

async fn ask(plane: &Arc<Plane>, ends: Ends, base: &BaseUrl, asking: &Asking) -> Option<String> {
    let question = FrontAsk {
        asking: asking.clone(),
        station: match asking.who {
            Who::Card { .. } => None,
            Who::Uuid(_) | Who::Serial(_) | Who::Address(_) | Who::Anyone => card_at(ends.peer).await,
        },
        address: ends.peer,
        link: plane.link_of(ends),
    };
    let (front, seen, reply) = match reply(plane, ends, base, &question).await {
        Ok(answer) => answer,
        Err(why) => {
            tracing::error!(%why, "an answer could not be recorded, the machine asks again");
            let told = Told::notice("what happens could not be recorded");
            return write(&told, asking, around(base, ends.local)).ok();
        }
    };
    if let ScriptReply::Silence(why) = &reply {
        plane.counters.count("front", why.name());
        tracing::debug!(peer = %ends.peer, %why, "no configuration for a boot loader");
        return None;
    }
    plane.counters.count("front", front.name());
    let asking = &Asking {
        front,
        ..asking.clone()
    };
    let asked = said(seen, &reply);
    plane.heard.remember(&reply, &asked);
    let definition = definition(plane, &reply);
    let surroundings = surroundings(plane, ends, base, &asked, definition.as_ref());
    Some(render_reply(&reply, asking, &surroundings).unwrap_or_else(|why| {
        tracing::error!("{why}");
        let seen = &asked.sighting;
        plane.core.ask(|engine, now| engine.trouble(now, seen, &why)).now();
        write(&Told::notice(&why), asking, around(base, ends.local)).unwrap_or_default()
    }))
}

/// What the engine answers, in which language. What it would promise is rendered first, and the engine told what came of it.
pub(crate) async fn reply(
    plane: &Arc<Plane>,
    ends: Ends,
    base: &BaseUrl,
    question: &FrontAsk,
) -> Result<(FrontEnd, Sighting, ScriptReply), Unrecorded> {
    let mut trial = None;
    for _ in 0..TURNS_MAX {
        let fresh = Core::fresh_token();
        let answer = plane
            .core
            .ask(|engine, now| engine.front(now, question, fresh, trial.take()));
        let FrontReply { seen, front, turn } = answer.settled().await?;
        let ticket = match turn {
            ScriptTurn::Reply(reply) => return Ok((front, seen, reply)),
            ScriptTurn::Try(ticket) => ticket,
        };
        let definition = plane.core.read(|engine, _| engine.described(&ticket.host.id));
        let asked = Asked {
            sighting: seen,
            ..Asked::default()
        };
        let around = surroundings(plane, ends, base, &asked, definition.as_ref());
        let asking = Asking {
            front,
            ..question.asking.clone()
        };
        trial = Some(try_out(plane, &ticket, &asking, &around));
    }
    Err(Unrecorded::busy())
}

/// What comes of rendering what a boot loader would be promised, in its language.
pub(crate) fn try_out(plane: &Plane, ticket: &InstallTicket, asking: &Asking, around: &Surroundings<'_>) -> Trial {
    let unscriptable = || {
        if ticket.profile.confirm == Confirm::Console && !asking.front.asks_console() {
            let front = asking.front;
            return Some(format!(
                "nobody can agree at the console of {front}; `confirm = \"dashboard\"` asks nobody there"
            ));
        }
        let told = install(ticket, asking.front, around);
        told.and_then(|told| write(&told, asking, self::around(around.base, around.address)))
            .err()
    };
    try_out_as(plane, ticket, around, unscriptable)
}

pub(crate) fn surroundings<'a>(
    plane: &Plane,
    ends: Ends,
    base: &'a BaseUrl,
    asked: &'a Asked,
    definition: Option<&'a HostDefinition>,
) -> Surroundings<'a> {
    Surroundings {
        base,
        address: ends.local,
        asked,
        polls: 0,
        definition,
        max_attempts: plane.core.policy().safety.max_attempts,
    }
}

/// The card that the kernel knows at an address, if it is near.
pub(crate) async fn card_at(peer: IpAddr) -> Option<MacAddr> {
    station(peer).await.unwrap_or_else(|error| {
        tracing::debug!(%peer, why = %error, "cannot read the neighbour table");
        None
    })
}

/// What the machine said, with what is known of it: the console of one that waits shows that.
pub(crate) fn said(seen: Sighting, reply: &ScriptReply) -> Asked {
    let facts = match reply {
        ScriptReply::Hold(screen) => seen.facts.joined(&screen.facts),
        _ => seen.facts.clone(),
    };
    Asked {
        sighting: Sighting { facts, ..seen },
        ..Asked::default()
    }
}

/// An answer in the language of the boot loader that asks.
///
/// # Errors
/// Why it cannot be said there.
pub(crate) fn render_reply(
    reply: &ScriptReply,
    asking: &Asking,
    surroundings: &Surroundings<'_>,
) -> Result<String, String> {
    let told = told(reply, asking, surroundings)?;
    write(&told, asking, around(surroundings.base, surroundings.address))
}

fn write(told: &Told, asking: &Asking, around: Around<'_>) -> Result<String, String> {
    let written = match asking.front {
        FrontEnd::Ipxe | FrontEnd::Pxelinux | FrontEnd::Pixiecore => pxelinux::render(told, asking),
        FrontEnd::Grub => grub::render(told, asking, around),
        FrontEnd::UBoot => uboot::render(told),
        FrontEnd::RaspberryPi => pi::render(told),
    };
    written.map_err(|error| error.to_string())
}

pub(crate) fn told(reply: &ScriptReply, asking: &Asking, around: &Surroundings<'_>) -> Result<Told, String> {
    let Surroundings { base, asked, .. } = *around;
    let front = asking.front;
    match reply {
        ScriptReply::Install(ticket) => {
            let broken = |why: String| format!("profile {} cannot be rendered: {why}", ticket.profile.name);
            install(ticket, front, around).map_err(broken)
        }
        ScriptReply::Live { host, profile } => {
            let broken = |why: String| format!("profile {} cannot be rendered: {why}", profile.name);
            only_ipxe(profile).map_err(broken)?;
            live_as_told(host, profile, front, around).map_err(broken)
        }
        ScriptReply::Menu { profile, .. } if front == FrontEnd::UBoot => Err(format!(
            "profile `{}` cannot be rendered for it: {}",
            profile.name,
            uboot::NO_MENU
        )),
        ScriptReply::Menu { profile, .. } => Ok(profile
            .menu
            .as_ref()
            .map_or_else(|| Told::notice("its menu is gone from the configuration"), Told::menu)),
        ScriptReply::Confirm { name, profile, .. } => Ok(Told::confirm(asking, name, profile)),
        ScriptReply::Local { host, method, why, .. } => Ok(Told::local(&host.id, why, *method)),
        ScriptReply::Hold(screen) => Ok(Told::hold(front, &hold_of(screen, base, asked, None))),
        ScriptReply::Silence(why) => Ok(Told::notice(&why.to_string())),
    }
}

pub(crate) fn install(ticket: &InstallTicket, front: FrontEnd, around: &Surroundings<'_>) -> Result<Told, String> {
    only_ipxe(&ticket.profile)?;
    install_as_told(ticket, front, around)
}

/// A system that a host boots every time, for somebody who asks on its behalf, too.
pub(crate) fn live_as_told(
    host: &Host,
    profile: &Profile,
    front: FrontEnd,
    around: &Surroundings<'_>,
) -> Result<Told, String> {
    let image = image(host, profile, None, around)?;
    Told::live(front, &around.live(host, profile, &image)).map_err(|error| error.to_string())
}

/// One attempt of a run, for somebody who asks on its host's behalf, too.
pub(crate) fn install_as_told(
    ticket: &InstallTicket,
    front: FrontEnd,
    around: &Surroundings<'_>,
) -> Result<Told, String> {
    let image = image(&ticket.host, &ticket.profile, Some(values(ticket)), around)?;
    Told::install(front, &around.install(ticket, &image)).map_err(|error| error.to_string())
}

/// Something that goes with the kernel of a run.
pub(crate) enum Part<'a> {
    /// A document, or an archive that was made.
    Made {
        /// Its content.
        content: Bytes,
        /// The document of the run that it is or holds.
        document: Option<String>,
    },
    /// A file of a shelf.
    File(&'a Shelf, RelativePath),
}

/// What goes with the kernel of a run, as its profile says; nothing if there is no such run, or no such part of it here.
pub(crate) async fn part(plane: &Plane, ends: Ends, token: Token, place: u16) -> Option<Part<'_>> {
    let Some(ticket) = plane.core.read(|engine, now| engine.ticket(now, token)) else {
        plane.counters.count("front", "token-denied");
        plane.counters.count("denied", "part");
        return None;
    };
    match made(plane, ends, &ticket, place).await {
        Ok(part) => part,
        Err(why) => {
            tracing::error!(host = %ticket.host.id, %why, "what goes with a kernel cannot be made");
            let seen = Sighting {
                facts: ticket.host.facts.clone(),
                ..Sighting::default()
            };
            let what = format!(
                "run {}, initial ramdisk {place} cannot be made: {why}",
                ticket.run.number
            );
            plane.core.ask(|engine, now| engine.trouble(now, &seen, &what)).now();
            None
        }
    }
}

/// Where what goes with a kernel comes from.
enum Source<'a> {
    /// A document of the run.
    Document(RelativePath),
    /// A file of a shelf.
    File(&'a Shelf, RelativePath),
}

/// Where the part of a run at this place comes from, and where in an initial ramdisk it is put.
fn source<'a>(
    plane: &'a Plane,
    ends: Ends,
    ticket: &InstallTicket,
    place: u16,
) -> Result<Option<(Source<'a>, Option<String>)>, String> {
    let base = plane.base_url(ends);
    let context = context(plane, &base, ends, ticket);
    let plan = render_boot(&ticket.profile, &context).map_err(|problem| problem.error.to_string())?;
    let Some(initrd) = plan.initrds.into_iter().nth(usize::from(place)) else {
        return Ok(None);
    };
    let path = initrd.url.strip_prefix(base.as_str()).unwrap_or_default();
    let route = parse("GET", path.as_bytes()).map(|request| request.route);
    let source = match route {
        Ok(Route::Document { token, name }) if token == ticket.run.token => Source::Document(name),
        Ok(Route::Image(name)) => Source::File(&plane.images, name),
        Ok(Route::Asset(name)) => Source::File(&plane.assets, name),
        _ => return Err(format!("`{}` is not on this server", initrd.url)),
    };
    Ok(Some((source, initrd.target)))
}

pub(crate) async fn made<'a>(
    plane: &'a Plane,
    ends: Ends,
    ticket: &InstallTicket,
    place: u16,
) -> Result<Option<Part<'a>>, String> {
    let (content, document, target) = match source(plane, ends, ticket, place)? {
        None => return Ok(None),
        Some((Source::Document(name), target)) => {
            // Whoever asks for it by this way is asked the same as by any other.
            let name = name.as_str().to_owned();
            let Some(ticket) = admitted(plane, ends, ticket.run.token, &name).await else {
                return Ok(None);
            };
            let context = context(plane, &plane.base_url(ends), ends, &ticket);
            let text = rendered(plane, &ticket, &name, context)?;
            (Bytes::from(text), Some(name), target)
        }
        Some((Source::File(shelf, name), None)) => return Ok(Some(Part::File(shelf, name))),
        Some((Source::File(shelf, name), target)) => (read(shelf, &name).await?, None, target),
    };
    let content = match &target {
        Some(target) => archive(target, &content).map_err(|error| error.to_string())?.into(),
        None => content,
    };
    Ok(Some(Part::Made { content, document }))
}

/// The whole of a file that goes into an archive.
pub(crate) async fn read(shelf: &Shelf, name: &RelativePath) -> Result<Bytes, String> {
    use std::io::Read as _;

    let (root, name) = (Arc::clone(&shelf.root), name.as_str().to_owned());
    let reading = tokio::task::spawn_blocking(move || {
        let file = root.open(&name)?;
        let size = file.metadata()?.len();
        if size > ARCHIVED_BYTES_MAX {
            let why = format!("{name} has {size} bytes, more than {ARCHIVED_BYTES_MAX}");
            return Err(std::io::Error::other(why));
        }
        let mut content = Vec::new();
        file.take(ARCHIVED_BYTES_MAX).read_to_end(&mut content)?;
        Ok(Bytes::from(content))
    });
    let read: Result<Bytes, std::io::Error> = reading.await.map_err(|error| error.to_string())?;
    read.map_err(|error| error.to_string())
}

/// A part of a run was delivered to its last byte: if it is or holds a document, that was fetched.
pub(crate) fn part_served(plane: &Plane, ends: Ends, token: Token, place: u16) {
    let Some(ticket) = plane.core.read(|engine, now| engine.ticket(now, token)) else {
        return;
    };
    if let Ok(Some((Source::Document(document), _))) = source(plane, ends, &ticket, place) {
        let served = plane
            .core
            .ask(|engine, now| engine.document_served(now, token, document.as_str()));
        served.now();
    }
}
