//! A Raspberry Pi asks for its files one by one, and its configuration is only one of them.
//!
//! What it boots is decided when it reads its configuration, as for every boot loader. But a Pi that got its firmware goes
//! on without a configuration, and stands still. So the first file that it asks for has to be refused already if there is
//! nothing for it to boot: then it goes on to its next way to boot by itself.

use std::sync::Arc;

use bootwright_core::{HoldWhy, Host, HostId, Profile, Timestamp, Token, Trial, Verdict, Why};

use crate::engine::Engine;
use crate::front::FrontAsk;
use crate::outcome::Outcome;
use crate::script::{InstallTicket, ScriptReply};

/// Whether a machine gets a file that it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookTurn {
    /// It does: this host is to boot something.
    Proceed(HostId),
    /// Render this for nobody, and ask again with what came of it.
    Try(Box<InstallTicket>),
    /// It does not, since this is what it is told.
    Refuse(Box<ScriptReply>),
}

/// What a machine is starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PiLoad {
    /// The installer of the run under way.
    Install(Box<InstallTicket>),
    /// A profile that it boots every time.
    Live {
        /// The host.
        host: Arc<Host>,
        /// The profile.
        profile: Arc<Profile>,
    },
}

impl Engine {
    /// A machine asks for a file that means nothing without its configuration. No run begins by that.
    pub fn look(&mut self, now: Timestamp, ask: &FrontAsk, trial: Option<Trial>) -> Outcome<LookTurn> {
        let turn = self.look_at(now, ask, trial);
        self.outcome(turn)
    }

    fn look_at(&mut self, now: Timestamp, ask: &FrontAsk, trial: Option<Trial>) -> LookTurn {
        let refuse = |reply| LookTurn::Refuse(Box::new(reply));
        let (seen, known) = self.front_sighting(now, ask);
        if !known {
            return refuse(ScriptReply::Silence(Why::NameTellsNobody));
        }
        let id = match self.recognise(now, &seen) {
            Ok(id) => id,
            Err(reply) => return refuse(reply),
        };
        self.show(now, ask.asking.front, &id, &seen, trial);
        let Some(host) = self.host(&id).cloned() else {
            return refuse(self.hold(now, &id, HoldWhy::Undecided));
        };
        let verdict = self.decide_script(now, &host, &seen, self.script_ask(now, &id));
        if let Some(ticket) = self.untried(now, &host, &seen, &verdict) {
            return LookTurn::Try(Box::new(ticket));
        }
        let unsaid = |profile, why: &str| {
            let why = why.to_owned();
            HoldWhy::Unrenderable { profile, why }
        };
        match verdict {
            Verdict::Install { .. } | Verdict::AutoArm { .. } | Verdict::Live(_) => LookTurn::Proceed(id),
            Verdict::Confirm(profile) => {
                let why = unsaid(
                    profile,
                    "nobody can agree at the console of a Raspberry Pi; `confirm = \"dashboard\"` asks nobody there",
                );
                refuse(self.hold(now, &id, why))
            }
            Verdict::Menu(profile) => {
                let why = unsaid(profile, "a Raspberry Pi cannot show a menu");
                refuse(self.hold(now, &id, why))
            }
            // None of these begins a run, so that no token is needed.
            verdict @ (Verdict::GiveUp
            | Verdict::Local(_)
            | Verdict::Hold(_)
            | Verdict::Silence(_)
            | Verdict::FirstFile(_)
            | Verdict::AskAgainByScript
            | Verdict::OwnFiles) => refuse(self.serve(now, &host, &seen, verdict, Token::new([0; 16]))),
        }
    }

    /// What the machine that asks is starting, if its configuration told it to start something.
    #[must_use]
    pub fn pi_load(&self, now: Timestamp, ask: &FrontAsk) -> Option<PiLoad> {
        let (seen, known) = self.front_sighting(now, ask);
        let id = known.then(|| self.known_by(&seen.facts))??;
        let host = self.host(&id)?;
        if let Some(run) = host.state.phase.run() {
            // Whoever has its configuration from us was promised this attempt.
            let promised = self.visits.get(&id).and_then(|visit| visit.promise.as_ref());
            promised.filter(|promise| promise.run == run.number)?;
            return self
                .ticket(now, run.token)
                .map(|ticket| PiLoad::Install(Box::new(ticket)));
        }
        match self.decide_script(now, host, &seen, bootwright_core::Ask::Script) {
            Verdict::Live(name) => Some(PiLoad::Live {
                host: Arc::clone(host),
                profile: Arc::clone(self.policy.profiles.get(&name)?),
            }),
            _ => None,
        }
    }
}
