//! The answers themselves: the same functions render them as for a machine that asks.

use std::net::IpAddr;

use bootwright_config::Dialect;
use bootwright_core::{DhcpMode, FrontEnd, HoldWhy, HostDefinition, Loader, Sighting, Transport, Trial};
use bootwright_engine::{Answer as Given, Explanation, HoldScreen, OfferReply, ScriptReply, Whence};
use bootwright_proto::hexdump::Hexdump;
use bootwright_proto::http::Asked;
use bootwright_proto::http::api::Answer;
use bootwright_proto::script::name::{Act, Asking, Who};

use super::super::fault::Fault;
use super::super::here::{Here, here};
use super::super::{ApiState, word};
use super::config;
use super::subject::Subject;
use crate::compat::upstream::known;
use crate::dhcp::preview::{Asker, packets};
use crate::front;
use crate::http::script::{self, Surroundings, render_reply};

/// A channel that is asked about alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Offers, and port 4011.
    Dhcp,
    /// The first boot file.
    Tftp,
    /// What a boot loader is told.
    Ipxe,
    /// The documents of the run.
    Config,
}

impl At {
    /// The channel with this name.
    pub(super) fn read(name: &str) -> Result<Self, Fault> {
        match name {
            "dhcp" => Ok(Self::Dhcp),
            "tftp" => Ok(Self::Tftp),
            "ipxe" => Ok(Self::Ipxe),
            "config" => Ok(Self::Config),
            _ => Err(Fault::bad_request(format!(
                "there is no channel `{name}`; there are: dhcp, tftp, ipxe, config"
            ))),
        }
    }

    /// Whether an answer is one of this channel.
    pub(super) fn covers(self, answer: &Answer) -> bool {
        let own = match answer.channel.split(' ').next().unwrap_or_default() {
            "dhcp" | "pxe" => Self::Dhcp,
            "tftp" | "http" => Self::Tftp,
            "config" => Self::Config,
            _ => Self::Ipxe,
        };
        self == own
    }
}

/// What the machine is answered on each channel; with the packets, if they are wanted.
pub(super) fn all(state: &ApiState, explained: &Explanation, subject: &Subject, bytes: bool) -> Vec<Answer> {
    let seen = &subject.seen;
    let here = here(state, seen);
    let asked = asked(state, explained, subject);
    let mut answers = Vec::new();
    for given in &explained.answers {
        match given {
            Given::Dhcp {
                arch,
                loader,
                reply,
                whence,
            } => {
                let who = match loader {
                    Loader::Firmware | Loader::UBoot => arch.name().unwrap_or("other"),
                    Loader::Ipxe | Loader::IpxeWithoutHttp => "ipxe",
                    Loader::RaspberryPi => "raspberry-pi",
                };
                let asker = seen.boot_mac.map(|mac| Asker {
                    arch: *arch,
                    loader: *loader,
                    mac,
                    uuid: seen.facts.uuid,
                });
                let leased = explained.policy.dhcp == DhcpMode::Server;
                let written = asker.filter(|_| bytes && !leased);
                let written = written.and_then(|asker| packets(asker, reply, here.address, &here.base.to_string()));
                let mut offer = dhcp(who, reply, *whence, &here);
                offer.bytes = written.as_ref().map(|(offer, _)| offer.len() as u64);
                offer.packet = written.as_ref().map(|(offer, _)| Hexdump(offer).to_string());
                let ack = written.map(|(_, ack)| Answer {
                    channel: format!("pxe {who}"),
                    bytes: Some(ack.len() as u64),
                    packet: Some(Hexdump(&ack).to_string()),
                    ..offer.clone()
                });
                answers.push(offer);
                answers.extend(ack);
                answers.extend(first_file(state, reply));
            }
            Given::Script { verdict, reply, whence } => {
                let mut words = word::verdict(verdict, &explained.policy);
                if let ScriptReply::Local { method, .. } = &**reply {
                    let why = whence.map(word::whence).unwrap_or_default();
                    words.push_str(&format!("; {}{why}", word::local(*method)));
                }
                let visit = &explained.view.visit;
                let usual = match visit.rom {
                    Some(Loader::RaspberryPi) => FrontEnd::RaspberryPi,
                    Some(Loader::UBoot) => FrontEnd::UBoot,
                    _ => FrontEnd::Ipxe,
                };
                let front = visit.front.unwrap_or(usual);
                let definition = explained.view.described.as_ref();
                let text = text(state, definition, (front, reply), &asked, &here);
                answers.push(Answer {
                    channel: front.name().to_owned(),
                    verdict: word::code(verdict).to_owned(),
                    words,
                    bytes: Some(text.len() as u64),
                    text: Some(text),
                    packet: None,
                });
            }
        }
    }
    let around = surroundings(state, explained.view.described.as_ref(), &asked, &here);
    answers.extend(config::documents(state, explained, &around));
    answers
}

/// What comes of rendering the install that the machine would be handed, if it would be handed one.
pub(super) fn try_out(state: &ApiState, explained: &Explanation, subject: &Subject) -> Option<Trial> {
    let mut ticket = explained.ticket.clone()?;
    let desk = state.plane.desks.of(Dialect::Pixiecore);
    match known(desk, &ticket.profile, &ticket.host.id, true) {
        Ok(profile) => ticket.profile = profile,
        Err(why) => return Some(Trial::of(&ticket.profile, Some(why))),
    }
    let (here, asked) = (here(state, &subject.seen), asked(state, explained, subject));
    let around = surroundings(state, explained.view.described.as_ref(), &asked, &here);
    Some(script::try_out(&state.plane, &ticket, &around))
}

/// What a machine is answered whose identity is in doubt.
pub(super) fn doubt(state: &ApiState, seen: &Sighting, why: HoldWhy) -> Answer {
    let words = format!("it waits: {why}");
    let reply = ScriptReply::Hold(Box::new(HoldScreen {
        host: None,
        wakes: None,
        facts: seen.facts.clone(),
        code: String::new(),
        why,
        suggestion: None,
        menu: false,
        shell: false,
    }));
    Answer {
        channel: "ipxe".to_owned(),
        verdict: "hold".to_owned(),
        words,
        text: Some(text(
            state,
            None,
            (FrontEnd::Ipxe, &reply),
            &said(seen),
            &here(state, seen),
        )),
        bytes: None,
        packet: None,
    }
}

/// What the machine would say: what it said last, but for what is supposed and for what its console shows.
fn asked(state: &ApiState, explained: &Explanation, subject: &Subject) -> Asked {
    let last = state.plane.heard.of(&explained.view.host.id);
    match last {
        Some(last) if subject.supposed => Asked {
            sighting: subject.seen.clone(),
            screen: None,
            confirmed: false,
            ..last
        },
        Some(last) => Asked {
            screen: None,
            confirmed: false,
            ..last
        },
        None => said(&subject.seen),
    }
}

fn said(seen: &Sighting) -> Asked {
    Asked {
        sighting: seen.clone(),
        ..Asked::default()
    }
}

/// The answer with what another server has said of the host, as far as it was asked.
fn as_known(state: &ApiState, reply: &ScriptReply) -> ScriptReply {
    let desk = state.plane.desks.of(Dialect::Pixiecore);
    let mut reply = reply.clone();
    match &mut reply {
        ScriptReply::Install(ticket) => {
            if let Ok(profile) = known(desk, &ticket.profile, &ticket.host.id, true) {
                ticket.profile = profile;
            }
        }
        ScriptReply::Live { host, profile } => {
            if let Ok(defined) = known(desk, profile, &host.id, false) {
                *profile = defined;
            }
        }
        ScriptReply::Confirm { .. }
        | ScriptReply::Menu { .. }
        | ScriptReply::Local { .. }
        | ScriptReply::Hold(_)
        | ScriptReply::Silence(_) => {}
    }
    reply
}

fn text(
    state: &ApiState,
    definition: Option<&HostDefinition>,
    (front, reply): (FrontEnd, &ScriptReply),
    asked: &Asked,
    here: &Here,
) -> String {
    let surroundings = surroundings(state, definition, asked, here);
    if front == FrontEnd::Ipxe {
        return render_reply(&as_known(state, reply), &surroundings);
    }
    let act = Act::First;
    let mac = asked
        .sighting
        .boot_mac
        .or_else(|| asked.sighting.facts.macs.first().copied());
    let who = mac.map_or(Who::Anyone, |mac| Who::Card { mac, uuid: None });
    front::render_reply(reply, &Asking { front, who, act }, &surroundings).unwrap_or_else(|why| why)
}

fn surroundings<'a>(
    state: &ApiState,
    definition: Option<&'a HostDefinition>,
    asked: &'a Asked,
    here: &'a Here,
) -> Surroundings<'a> {
    Surroundings {
        base: &here.base,
        address: IpAddr::V4(here.address),
        asked,
        polls: 0,
        definition,
        max_attempts: state.core.policy().safety.max_attempts,
    }
}

/// The boot file's name stands in the text as it stands in the packet.
fn dhcp(who: &str, reply: &OfferReply, whence: Option<Whence>, here: &Here) -> Answer {
    let (verdict, mut words) = word::offer(reply);
    let (text, whence) = match reply {
        OfferReply::FirstFile {
            file,
            transport: Transport::Tftp,
            strategy,
        } => {
            let why = whence.map(word::whence).unwrap_or_default();
            let words = format!(" from {}; the offer is worded `{strategy}`{why}", here.address);
            (Some(file.clone()), words)
        }
        OfferReply::FirstFile {
            file,
            transport: Transport::Http,
            ..
        } => {
            let url = here.base.join(&format!("/firmware/{file}"));
            (Some(url.clone()), format!(": {url}"))
        }
        OfferReply::Script => {
            let url = here.base.join("/boot.ipxe");
            (Some(url.clone()), format!(": {url}"))
        }
        OfferReply::OwnFiles => (None, format!(" from {}", here.address)),
        OfferReply::Silence(_) => (None, String::new()),
    };
    words.push_str(&whence);
    Answer {
        channel: format!("dhcp {who}"),
        verdict: verdict.to_owned(),
        words,
        text,
        bytes: None,
        packet: None,
    }
}

/// Whether the first file is there, on the channel by which it is fetched.
fn first_file(state: &ApiState, reply: &OfferReply) -> Option<Answer> {
    let OfferReply::FirstFile { file, transport, .. } = reply else {
        return None;
    };
    let channel = match transport {
        Transport::Tftp => "tftp",
        Transport::Http => "http",
    };
    let catalogue = &state.plane.catalogue;
    let bytes = catalogue.get(file).map(|found| found.content.len() as u64);
    let (verdict, words) = match catalogue.get(file) {
        Some(found) => {
            let (bytes, sha256) = (found.content.len(), &found.sha256);
            ("first-file", format!("`{file}` has {bytes} bytes, SHA-256 {sha256}"))
        }
        None if *transport == Transport::Tftp && below_root(state, file) => {
            ("first-file", format!("`{file}` is below `tftp.root`"))
        }
        None => (
            "silence",
            catalogue.why_not(file).map_or_else(
                || format!("`{file}` is not in the firmware catalogue"),
                |trouble| trouble.to_string(),
            ),
        ),
    };
    Some(Answer {
        channel: channel.to_owned(),
        verdict: verdict.to_owned(),
        words,
        text: None,
        bytes,
        packet: None,
    })
}

/// Whether the operator's directory has what the catalogue has not.
fn below_root(state: &ApiState, file: &str) -> bool {
    let root = state.plane.daemon.tftp.root.as_ref();
    root.is_some_and(|root| std::path::Path::new(root).join(file).is_file())
}
