//! The scripts: what the engine answers, in the words of iPXE.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bootwright_config::Dialect;
use bootwright_content::{Context, RunValues, ServerValues, check_host, render_boot};
use bootwright_core::local::{Footing, methods};
use bootwright_core::{Firmware, FrontEnd, Host, HostDefinition, Phase, Profile, Sighting, Trial};
use bootwright_engine::{HoldScreen, InstallTicket, ScriptReply, ScriptTurn};
use bootwright_proto::http::{Asked, BaseUrl, Poll, Query, Trouble};
use bootwright_proto::script::ipxe::{
    Confirmation, Hold, Image, Initrd, Install, Live, ask_script, confirm_script, hold_script, install_script,
    leave_script, live_script, local_script, menu_script, notice_script, unavailable_script,
};
use hyper::StatusCode;

use super::Plane;
use super::answer::{self, Answer, not_found, words};
use super::route::Ends;
use crate::code;
use crate::commit::Unrecorded;
use crate::compat::pixiecore::define;
use crate::compat::upstream::{Undefined, defined};
use crate::core::Core;
use crate::slip::Slip;
use crate::telemetry::sanitise;

/// How long a held machine's poll is kept open. iPXE of late 2025 closes transfers that are idle for 120 s.
const POLL_WITHIN: Duration = Duration::from_secs(50);

/// What rendering an answer needs beside the answer.
pub struct Surroundings<'a> {
    /// How the machine reaches us.
    pub base: &'a BaseUrl,
    /// The address of ours that it reaches.
    pub address: IpAddr,
    /// What it said of itself.
    pub asked: &'a Asked,
    /// How often it has asked since its console was last painted.
    pub polls: u32,
    /// What the configuration says of the host, if it names it.
    pub definition: Option<&'a HostDefinition>,
    /// How many attempts a run has.
    pub max_attempts: u32,
}

impl<'a> Surroundings<'a> {
    /// What the script of an install says.
    pub(crate) fn install(&self, ticket: &'a InstallTicket, image: &'a Image) -> Install<'a> {
        Install {
            base: self.base,
            asked: self.asked,
            host: &ticket.name,
            profile: &ticket.profile.name,
            image,
            run: ticket.run.number,
            token: ticket.run.token,
            attempt: ticket.run.attempts,
            max_attempts: self.max_attempts,
        }
    }

    /// What the script of a live profile says.
    pub(crate) fn live(&self, host: &'a Host, profile: &'a Profile, image: &'a Image) -> Live<'a> {
        Live {
            base: self.base,
            asked: self.asked,
            host: &host.id,
            profile: &profile.name,
            image,
        }
    }
}

/// How often a question is taken up again whose answer became another while it was rendered.
pub(crate) const TURNS_MAX: usize = 4;

/// How a dialect words what a machine boots, from the profile and what its templates may know; nothing for a profile that is
/// none of the dialect's, which is worded as ours are.
pub(crate) type Words = fn(&Profile, &Context) -> Option<Result<String, String>>;

/// The decision, in the words of a dialect where it boots something.
pub(crate) async fn decision_in(plane: &Arc<Plane>, ends: Ends, base: &BaseUrl, query: &Query, words: Words) -> Answer {
    let poll = Poll::read(query);
    let asked = &poll.asked;
    let seen = sighting(plane, ends, asked);
    match reply(plane, ends, base, (&seen, asked), (FrontEnd::Ipxe, words)).await {
        Ok(reply) => {
            let reply = match define(plane, reply, &seen).await {
                Ok(reply) => reply,
                Err(why) => return answer::script(undefined(plane, base, &seen, &why)),
            };
            let definition = definition(plane, &reply);
            let asked = Asked {
                sighting: seen.clone(),
                ..asked.clone()
            };
            plane.heard.remember(&reply, &asked);
            let surroundings = Surroundings {
                base,
                address: ends.local,
                asked: &asked,
                polls: poll.polls,
                definition: definition.as_ref(),
                max_attempts: plane.core.policy().safety.max_attempts,
            };
            answer::script(render(&reply, &surroundings, words).unwrap_or_else(|why| {
                tracing::error!(code = "E209", "{why}");
                plane.core.ask(|engine, now| engine.trouble(now, &seen, &why)).now();
                notice_script(base, &why)
            }))
        }
        Err(why) => {
            tracing::error!(code = "E307", %why, "an answer could not be recorded, the machine asks again");
            answer::script(unavailable_script(base, asked, "what happens could not be recorded"))
        }
    }
}

/// What a machine is told of which another server says what it boots, and says nothing or that it boots nothing.
fn undefined(plane: &Plane, base: &BaseUrl, seen: &Sighting, why: &Undefined) -> String {
    tracing::warn!("{}", why.words());
    plane
        .core
        .ask(|engine, now| engine.trouble(now, seen, why.words()))
        .now();
    match why {
        Undefined::Refused(words) => leave_script(words),
        Undefined::Unknown(words) => notice_script(base, words),
    }
}

/// What the engine answers. What it would promise is rendered first, and the engine told what came of it.
pub(crate) async fn reply(
    plane: &Arc<Plane>,
    ends: Ends,
    base: &BaseUrl,
    (seen, asked): (&Sighting, &Asked),
    (front, words): (FrontEnd, Words),
) -> Result<ScriptReply, Unrecorded> {
    let mut trial = None;
    for _ in 0..TURNS_MAX {
        let fresh = Core::fresh_token();
        let answer = plane
            .core
            .ask(|engine, now| engine.script_as(now, front, seen, fresh, trial.take()));
        match answer.settled().await? {
            ScriptTurn::Reply(reply) => return Ok(reply),
            ScriptTurn::Try(mut ticket) => {
                let desk = plane.desks.of(Dialect::Pixiecore);
                let mac = ticket.boot_mac.or(seen.boot_mac);
                match defined(desk, &ticket.profile, &ticket.host, (mac, true, false)).await {
                    Ok(profile) => ticket.profile = profile,
                    Err(why) => {
                        trial = Some(Trial::of(&ticket.profile, Some(why.words().to_owned())));
                        continue;
                    }
                }
                let definition = plane.core.read(|engine, _| engine.described(&ticket.host.id));
                let asked = Asked {
                    sighting: seen.clone(),
                    ..asked.clone()
                };
                let around = Surroundings {
                    base,
                    address: ends.local,
                    asked: &asked,
                    polls: 0,
                    definition: definition.as_ref(),
                    max_attempts: plane.core.policy().safety.max_attempts,
                };
                trial = Some(try_out_as(plane, &ticket, &around, || {
                    install(&ticket, &around, words).err()
                }));
            }
        }
    }
    Err(Unrecorded::busy())
}

/// What comes of rendering a run's script and its documents.
pub(crate) fn try_out(plane: &Plane, ticket: &InstallTicket, around: &Surroundings<'_>) -> Trial {
    try_out_as(plane, ticket, around, || install(ticket, around, |_, _| None).err())
}

/// What comes of rendering a run's documents, and its script in the language of another boot loader.
pub(crate) fn try_out_as(
    plane: &Plane,
    ticket: &InstallTicket,
    around: &Surroundings<'_>,
    unscriptable: impl FnOnce() -> Option<String>,
) -> Trial {
    let context = context_of(&ticket.host, &ticket.profile, Some(values(ticket)), around);
    let problems = check_host(&ticket.profile, &context);
    let slip = Slip::first(&problems, &ticket.profile, &plane.places.load());
    let trouble = slip
        .map(|slip| slip.to_string())
        .or_else(unscriptable)
        .or_else(|| plane.secrets.trouble(&ticket.profile))
        .or_else(|| plane.artefacts.trouble(&ticket.profile, &context));
    Trial::of(&ticket.profile, trouble)
}

pub(crate) fn definition(plane: &Plane, reply: &ScriptReply) -> Option<HostDefinition> {
    let host = match reply {
        ScriptReply::Install(ticket) => &ticket.host,
        ScriptReply::Live { host, .. } => host,
        ScriptReply::Confirm { .. }
        | ScriptReply::Menu { .. }
        | ScriptReply::Local { .. }
        | ScriptReply::Hold(_)
        | ScriptReply::Silence(_) => return None,
    };
    plane.core.read(|engine, _| engine.described(&host.id))
}

/// The script of an answer, or the words of why a profile cannot be rendered.
fn render(reply: &ScriptReply, around: &Surroundings<'_>, words: Words) -> Result<String, String> {
    let Surroundings { base, asked, .. } = *around;
    let broken = |profile: &Profile, why: String| format!("profile {} cannot be rendered: {why}", profile.name);
    Ok(match reply {
        ScriptReply::Install(ticket) => install(ticket, around, words).map_err(|why| broken(&ticket.profile, why))?,
        ScriptReply::Live { host, profile } => {
            live(host, profile, around, words).map_err(|why| broken(profile, why))?
        }
        ScriptReply::Menu { host, profile } => match &profile.menu {
            Some(menu) => {
                let installs = matches!(host.state.phase, Phase::Armed { .. });
                menu_script(base, asked, menu, installs)
            }
            None => notice_script(base, "its menu is gone from the configuration"),
        },
        ScriptReply::Confirm { name, profile, .. } => confirm_script(&Confirmation {
            base,
            asked,
            host: name,
            profile,
        }),
        ScriptReply::Local { host, method, why, .. } => local_script(Some(&host.id), why, *method),
        ScriptReply::Hold(screen) => {
            let hold = hold_of(screen, base, asked, None);
            let poll = Poll {
                asked: asked.clone(),
                polls: around.polls,
            };
            hold_script(&hold, Some(&poll))
        }
        // A script that is running already would ask again for ever; this way the firmware goes on to its own disk.
        ScriptReply::Silence(why) => leave_script(&why.to_string()),
    })
}

/// The script of an answer. Where there is none the console says why.
#[must_use]
pub fn render_reply(reply: &ScriptReply, around: &Surroundings<'_>) -> String {
    render(reply, around, |_, _| None).unwrap_or_else(|why| notice_script(around.base, &why))
}

fn install(ticket: &InstallTicket, around: &Surroundings<'_>, words: Words) -> Result<String, String> {
    let context = context_of(&ticket.host, &ticket.profile, Some(values(ticket)), around);
    if let Some(text) = words(&ticket.profile, &context) {
        return text;
    }
    let image = image(&ticket.host, &ticket.profile, Some(values(ticket)), around)?;
    install_script(&around.install(ticket, &image)).map_err(|error| error.to_string())
}

fn live(host: &Host, profile: &Profile, around: &Surroundings<'_>, words: Words) -> Result<String, String> {
    if let Some(text) = words(profile, &context_of(host, profile, None, around)) {
        return text;
    }
    let image = image(host, profile, None, around)?;
    live_script(&around.live(host, profile, &image)).map_err(|error| error.to_string())
}

/// What templates may know of a run.
pub(crate) const fn values(ticket: &InstallTicket) -> RunValues {
    RunValues {
        number: ticket.run.number,
        token: ticket.run.token,
        attempt: ticket.run.attempts,
    }
}

pub(crate) fn context_of(host: &Host, profile: &Profile, run: Option<RunValues>, around: &Surroundings<'_>) -> Context {
    let server = ServerValues {
        url: around.base.to_string(),
        address: around.address,
    };
    let seen = &around.asked.sighting;
    Context::new(host, around.definition, seen, profile.name.clone(), run, server)
}

pub(crate) fn image(
    host: &Host,
    profile: &Profile,
    run: Option<RunValues>,
    around: &Surroundings<'_>,
) -> Result<Image, String> {
    let context = context_of(host, profile, run, around);
    let plan = render_boot(profile, &context).map_err(|problem| problem.error.to_string())?;
    let initrds = plan
        .initrds
        .into_iter()
        .map(|initrd| Initrd {
            name: initrd.name,
            url: initrd.url,
            target: initrd.target,
        })
        .collect();
    let args = if plan.args.is_empty() {
        Vec::new()
    } else {
        vec![plan.args]
    };
    Ok(Image {
        kernel: plan.kernel,
        initrds,
        args,
    })
}

/// What the templates of a run's documents may know.
pub(crate) fn context(plane: &Plane, base: &BaseUrl, ends: Ends, ticket: &InstallTicket) -> Context {
    let (definition, last) = plane.core.read(|engine, _| {
        let host = &ticket.host.id;
        (engine.described(host), engine.last_sighting(host))
    });
    let seen = Sighting {
        boot_mac: ticket.boot_mac,
        address: Some(ends.peer),
        link: plane.link_of(ends),
        ..last
    };
    let server = ServerValues {
        url: base.to_string(),
        address: ends.local,
    };
    Context::new(
        &ticket.host,
        definition.as_ref(),
        &seen,
        ticket.profile.name.clone(),
        Some(values(ticket)),
        server,
    )
}

/// What the request shows of the machine: what it says, and what its connection says.
pub(crate) fn sighting(plane: &Plane, ends: Ends, asked: &Asked) -> Sighting {
    Sighting {
        address: Some(ends.peer),
        link: plane.link_of(ends),
        confirmed: asked.confirmed,
        ..asked.sighting.clone()
    }
}

/// A held machine waits: the answer comes when there is news, or after a while with the advice to ask again.
pub(super) async fn hold(plane: &Arc<Plane>, base: &BaseUrl, query: &Query) -> Answer {
    let poll = Poll::read(query);
    let host = plane.core.read(|engine, _| engine.find(&poll.asked.sighting.facts));
    let Some(host) = host else {
        // Nobody whom we could wake: the facts may make more sense after a while.
        tokio::time::sleep(Duration::from_secs(10)).await;
        return answer::script(ask_script(base, &poll));
    };
    let news = plane.core.wait_for_change(&host, POLL_WITHIN).await;
    plane.counters.count("hold", if news { "woken" } else { "nothing-new" });
    let Some(screen) = plane.core.read(|engine, now| engine.held_screen(now, &host)) else {
        return answer::script(ask_script(base, &poll));
    };
    // Nothing changed: the machine asks again, and its screen stays.
    let firmware = plane.core.read(|engine, _| engine.firmware_of(&host));
    let hold = hold_of(&screen, base, &poll.asked, firmware);
    answer::script(hold_script(&hold, Some(&poll)))
}

pub(crate) fn hold_of<'a>(
    screen: &'a HoldScreen,
    base: &'a BaseUrl,
    asked: &'a Asked,
    firmware: Option<Firmware>,
) -> Hold<'a> {
    let firmware = asked.sighting.firmware.or(firmware).unwrap_or(Firmware::Bios);
    Hold {
        base,
        asked,
        host: screen.host.as_ref(),
        code: &screen.code,
        why: &screen.why,
        local: methods(Footing {
            firmware,
            rounds: false,
        })
        .first()
        .copied(),
        menu: screen.menu,
        shell: screen.shell,
    }
}

/// What an error number of iPXE leads to.
pub(super) fn error_words(number: &str) -> String {
    let shown = format!("iPXE error {0} (https://ipxe.org/{0})", sanitise(number));
    match code::ipxe_words(number) {
        Some(words) => format!("{shown}, {words}"),
        None => shown,
    }
}

/// A script could not go on and tries again: an operator should know.
pub(super) fn failed(plane: &Arc<Plane>, ends: Ends, query: &Query) -> Answer {
    let trouble = Trouble::read(query);
    let seen = sighting(plane, ends, &trouble.asked);
    let step = trouble.step.as_deref().map_or_else(|| "?".to_owned(), sanitise);
    let error = trouble.error.as_deref().map(error_words).unwrap_or_default();
    let what = format!("its script could not go on at step {step}: {error}");
    plane.core.ask(|engine, now| engine.trouble(now, &seen, &what)).now();
    words(StatusCode::OK, "ok")
}

/// The page to which a held machine's console leads: its name and state, and nothing else.
pub(super) fn code_page(plane: &Arc<Plane>, code: &str) -> Answer {
    match plane.core.read(|engine, _| engine.by_code(code)) {
        Some((name, state)) => words(
            StatusCode::OK,
            &format!(
                "{name}: {state}\n\nto install it:   bootwright host arm {name}\nto see more:     bootwright explain {name}"
            ),
        ),
        None => not_found(),
    }
}
