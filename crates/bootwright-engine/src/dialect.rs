//! Clients of other systems ask for documents: who may have which.
//!
//! They carry no token: what they say of themselves, or the address that they have, leads to the run, whose documents are
//! then in the same custody as for those who name its token. What is handed to anybody is the operator's switch.

use std::net::IpAddr;
use std::sync::Arc;

use bootwright_core::fact::{Quality, mac_quality};
use bootwright_core::{
    Dialect, Facts, FrontEnd, Host, HostId, MacAddr, Phase, Profile, Sighting, Timestamp, Token, Trial, attributes,
};

use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::script::{InstallTicket, ScriptTurn};

/// What a machine is entitled to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entitled {
    /// The documents of its run.
    Run(Box<InstallTicket>),
    /// Those of the profile that it boots every time.
    Live {
        /// The host.
        host: Arc<Host>,
        /// The profile.
        profile: Arc<Profile>,
    },
}

impl Engine {
    /// A client of another system asks what to do on behalf of a machine. As [`Engine::script`], in its own language.
    pub fn script_as(
        &mut self,
        now: Timestamp,
        front: FrontEnd,
        seen: &Sighting,
        fresh: Token,
        trial: Option<Trial>,
    ) -> Outcome<ScriptTurn> {
        let turn = self.tell(now, front, seen, fresh, trial);
        self.outcome(turn)
    }

    /// What the machine that shows these facts, at this address, is entitled to at this moment. Who shows none is known by
    /// the address alone.
    #[must_use]
    pub fn entitled(&self, now: Timestamp, facts: &Facts, peer: IpAddr) -> Option<Entitled> {
        if !self.policy().safety.documents_over_http {
            return None;
        }
        let there = self.host_at(now, peer);
        let id = if *facts == Facts::default() {
            there.clone()?
        } else {
            self.known_by(facts)?
        };
        let host = self.host(&id)?;
        match &host.state.phase {
            Phase::Installing { run, .. } => self
                .ticket(now, run.token)
                .map(|ticket| Entitled::Run(Box::new(ticket))),
            // No run has these in custody: the address has to be that of the machine.
            Phase::Live { profile } if there.as_ref() == Some(&id) => Some(Entitled::Live {
                host: Arc::clone(host),
                profile: Arc::clone(self.policy().profiles.get(profile)?),
            }),
            Phase::Live { .. }
            | Phase::New { .. }
            | Phase::Armed { .. }
            | Phase::Installed { .. }
            | Phase::Failed { .. }
            | Phase::Ignored => None,
        }
    }

    /// A machine whose run is under way tells its other cards, which are its own from now on. A card that another host has
    /// stays with that host.
    pub(crate) fn bind_cards(&mut self, now: Timestamp, id: &HostId, macs: &[MacAddr]) {
        let free = |mac: &&MacAddr| mac_quality(**mac) == Quality::Good && self.host_of_card(**mac).is_none();
        let facts = Facts {
            macs: macs.iter().filter(free).copied().collect(),
            ..Facts::default()
        };
        self.bind_facts(now, id, &facts);
    }

    /// The profile that the rules made from this system's data suggest for a machine with these facts, whoever it
    /// is. It changes nothing and grants nothing.
    #[must_use]
    pub fn suggested(&self, seen: &Sighting, dialect: Dialect) -> Option<Arc<Profile>> {
        let nobody = Host::new("nobody".parse().ok()?, Timestamp::from_millis(0), Facts::default());
        let attributes = attributes(&nobody, None, seen);
        let matching = self.policy().rules.first_match_of(dialect, &attributes)?;
        self.policy().profiles.get(&matching.profile).cloned()
    }
}
