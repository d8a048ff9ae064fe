//! Scripts for what the engine answers, and who waits for them.

use bootwright_core::local::Footing;
use bootwright_core::{Facts, Firmware, Host, Profile};
use bootwright_engine::{HoldScreen, InstallTicket, ScriptReply};
use bootwright_proto::http::{Asked, BaseUrl, Poll};
use bootwright_proto::script::ipxe::{
    Confirmation, Hold, Image, Install, Live, confirm_script, hold_script, install_script, leave_script, live_script,
    local_script, notice_script,
};

/// Who waits for an answer by HTTP: a machine as it was at one time, and the number of its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) machine: usize,
    pub(crate) power: u32,
    pub(crate) id: u32,
}

/// A held machine's question, which is answered when there is news.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pub(crate) waiting: Waiting,
    pub(crate) poll: Poll,
    pub(crate) facts: Facts,
    /// What it is shown: only what is new is worth an answer.
    pub(crate) screen: Option<HoldScreen>,
}

fn image(profile: &Profile, base: &BaseUrl, args: Vec<String>) -> Image {
    Image {
        kernel: base.resolve(&profile.kernel),
        initrds: Vec::new(),
        args,
    }
}

/// The script of an answer.
pub(crate) fn script(reply: &ScriptReply, base: &BaseUrl, asked: &Asked, polls: u32, max_attempts: u32) -> String {
    match reply {
        ScriptReply::Install(ticket) => install(ticket, base, asked, max_attempts),
        ScriptReply::Live { host, profile } => live(host, profile, base, asked),
        ScriptReply::Confirm { name, profile, .. } => confirm_script(&Confirmation {
            base,
            asked,
            host: name,
            profile,
        }),
        // No machine of the simulation has somebody in front of it who could choose.
        ScriptReply::Menu { .. } => notice_script(base, "a menu"),
        ScriptReply::Local { host, method, why, .. } => local_script(Some(&host.id), why, *method),
        ScriptReply::Hold(screen) => {
            let poll = Poll {
                asked: asked.clone(),
                polls,
            };
            hold(screen, base, asked, &poll)
        }
        ScriptReply::Silence(why) => leave_script(&why.to_string()),
    }
}

pub(crate) fn hold(screen: &HoldScreen, base: &BaseUrl, asked: &Asked, poll: &Poll) -> String {
    let firmware = asked.sighting.firmware.unwrap_or(Firmware::Bios);
    let hold = Hold {
        base,
        asked,
        host: screen.host.as_ref(),
        code: &screen.code,
        why: &screen.why,
        local: bootwright_core::local::methods(Footing {
            firmware,
            rounds: false,
        })
        .first()
        .copied(),
        menu: screen.menu,
        shell: screen.shell,
    };
    hold_script(&hold, Some(poll))
}

fn install(ticket: &InstallTicket, base: &BaseUrl, asked: &Asked, max_attempts: u32) -> String {
    let args = vec![format!("bw.token={}", ticket.run.token.reveal())];
    let image = image(&ticket.profile, base, args);
    let install = Install {
        base,
        asked,
        host: &ticket.name,
        profile: &ticket.profile.name,
        image: &image,
        run: ticket.run.number,
        token: ticket.run.token,
        attempt: ticket.run.attempts,
        max_attempts,
    };
    install_script(&install).unwrap_or_else(|why| notice_script(base, &why.to_string()))
}

fn live(host: &Host, profile: &Profile, base: &BaseUrl, asked: &Asked) -> String {
    let live = Live {
        base,
        asked,
        host: &host.id,
        profile: &profile.name,
        image: &image(profile, base, Vec::new()),
    };
    live_script(&live).unwrap_or_else(|why| notice_script(base, &why.to_string()))
}
