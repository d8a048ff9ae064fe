//! A boot loader asks what to do: the one question on which disks depend.

use std::collections::BTreeSet;
use std::sync::Arc;

use bootwright_core::{
    Ask, Asker, Cause, Change, Event, Facts, FrontEnd, Grant, Grantor, HoldWhy, Host, HostId, Identity, LocalMethod,
    LocalWhy, Profile, ProfileName, RuleName, Run, Sighting, Timestamp, Token, Trial, Verb, Verdict, Why, decide,
    identify,
};

use crate::engine::Engine;
use crate::outcome::Outcome;

/// What a boot loader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptReply {
    /// Boot the installer of a run.
    Install(Box<InstallTicket>),
    /// Ask a person at the console, and then again.
    Confirm {
        /// The host.
        host: Arc<Host>,
        /// Its name for people.
        name: HostId,
        /// What is to be installed.
        profile: ProfileName,
    },
    /// Show a menu to a person at the console, and ask again with what was chosen.
    Menu {
        /// The host.
        host: Arc<Host>,
        /// The profile, which is a menu.
        profile: Arc<Profile>,
    },
    /// Boot a profile that is never finished.
    Live {
        /// The host.
        host: Arc<Host>,
        /// The profile.
        profile: Arc<Profile>,
    },
    /// Boot the own disk.
    Local {
        /// The host.
        host: Arc<Host>,
        /// In this way.
        method: LocalMethod,
        /// For this reason.
        why: LocalWhy,
        /// How often in a row it came back too early.
        returns: u32,
    },
    /// Wait and ask again; the console shows this.
    Hold(Box<HoldScreen>),
    /// Nothing may be answered.
    Silence(Why),
}

/// The answer, or what has to be done before there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptTurn {
    /// The answer.
    Reply(ScriptReply),
    /// Render this for nobody, and ask again with what came of it: `trial`. Nothing is promised yet.
    Try(Box<InstallTicket>),
}

/// What an installer needs to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallTicket {
    /// The host.
    pub host: Arc<Host>,
    /// Its name for people.
    pub name: HostId,
    /// The profile, in the revision that the run was started with.
    pub profile: Arc<Profile>,
    /// The run.
    pub run: Run,
    /// The card that the host boots from.
    pub boot_mac: Option<bootwright_core::MacAddr>,
}

/// What a person at the console of a waiting machine must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldScreen {
    /// The machine's name, if it has one.
    pub host: Option<HostId>,
    /// The name under which the engine wakes it.
    pub wakes: Option<HostId>,
    /// What tells it from others.
    pub facts: Facts,
    /// The code that leads to its page.
    pub code: String,
    /// Why it waits.
    pub why: HoldWhy,
    /// The profile that it would be armed with if nobody names another.
    pub suggestion: Option<ProfileName>,
    /// Whether a person there may open the boot menu of waiting machines.
    pub menu: bool,
    /// Whether a person there may open a shell.
    pub shell: bool,
}

impl Engine {
    /// iPXE asks what to do. `fresh` is a new random token, used if a run begins.
    ///
    /// An install is promised only after its script and its documents were rendered once for this host, else a slip in a
    /// template would use up its attempts: whoever is answered [`ScriptTurn::Try`] asks again, with what came of that.
    pub fn script(
        &mut self,
        now: Timestamp,
        seen: &Sighting,
        fresh: Token,
        trial: Option<Trial>,
    ) -> Outcome<ScriptTurn> {
        let turn = self.tell(now, FrontEnd::Ipxe, seen, fresh, trial);
        self.outcome(turn)
    }

    /// Both turns in one, for those who may render while they have the engine for themselves. `render` says why it cannot,
    /// if so.
    pub fn script_with(
        &mut self,
        now: Timestamp,
        seen: &Sighting,
        fresh: Token,
        render: impl FnOnce(&InstallTicket) -> Option<String>,
    ) -> Outcome<ScriptReply> {
        let reply = self.tell_with(now, FrontEnd::Ipxe, seen, fresh, render);
        self.outcome(reply)
    }

    pub(crate) fn tell_with(
        &mut self,
        now: Timestamp,
        front: FrontEnd,
        seen: &Sighting,
        fresh: Token,
        render: impl FnOnce(&InstallTicket) -> Option<String>,
    ) -> ScriptReply {
        let mut turn = self.tell(now, front, seen, fresh, None);
        if let ScriptTurn::Try(ticket) = &turn {
            let trial = Trial::of(&ticket.profile, render(ticket));
            turn = self.tell(now, front, seen, fresh, Some(trial));
        }
        match turn {
            ScriptTurn::Reply(reply) => reply,
            // What the host is to boot changes only between two questions.
            ScriptTurn::Try(ticket) => self.hold(now, &ticket.host.id, HoldWhy::Undecided),
        }
    }

    /// What a boot loader is told.
    pub(crate) fn tell(
        &mut self,
        now: Timestamp,
        front: FrontEnd,
        seen: &Sighting,
        fresh: Token,
        trial: Option<Trial>,
    ) -> ScriptTurn {
        self.boot_program_called(now, seen);
        match self.recognise(now, seen) {
            Ok(id) => self.script_for(now, front, &id, seen, fresh, trial),
            Err(reply) => ScriptTurn::Reply(reply),
        }
    }

    /// The host that these facts are of, if they leave no doubt.
    pub(crate) fn known_by(&self, seen: &Facts) -> Option<HostId> {
        let facts_of = |id: &HostId| self.world.hosts.get(id).map(|host| &host.facts);
        match identify(&self.index, facts_of, seen) {
            Identity::Known(id) => Some(id),
            Identity::Unknown | Identity::Nobody | Identity::Contradiction { .. } => None,
        }
    }

    /// The host that asks, or what a machine is told that is none.
    pub(crate) fn recognise(&mut self, now: Timestamp, seen: &Sighting) -> Result<HostId, ScriptReply> {
        self.merge_sighting(now, &seen.facts);
        let facts_of = |id: &HostId| self.world.hosts.get(id).map(|host| &host.facts);
        match identify(&self.index, facts_of, &seen.facts) {
            Identity::Known(id) => Ok(id),
            Identity::Unknown => self
                .meet(now, &seen.facts)
                .ok_or_else(|| self.hold_nobody(&seen.facts, Asker::Stranger, now, seen)),
            Identity::Nobody => self
                .meet_defined(now, &seen.facts)
                .ok_or_else(|| self.hold_nobody(&seen.facts, Asker::Nobody, now, seen)),
            Identity::Contradiction { candidates, why } => {
                self.doubt(now, &candidates, seen, &why);
                Err(self.hold_nobody(&seen.facts, Asker::Contradiction(&why), now, seen))
            }
        }
    }

    fn script_for(
        &mut self,
        now: Timestamp,
        front: FrontEnd,
        id: &HostId,
        seen: &Sighting,
        fresh: Token,
        trial: Option<Trial>,
    ) -> ScriptTurn {
        self.show(now, front, id, seen, trial);
        // A rule may arm the host; then the question is asked once more.
        for _ in 0..2 {
            let Some(host) = self.host(id).cloned() else { break };
            let verdict = self.decide_script(now, &host, seen, self.script_ask(now, id));
            if let Some(ticket) = self.untried(now, &host, seen, &verdict) {
                return ScriptTurn::Try(Box::new(ticket));
            }
            match verdict {
                Verdict::AutoArm { rule, profile } if self.auto_arm(now, &host, &rule, &profile) => {}
                verdict => return ScriptTurn::Reply(self.serve(now, &host, seen, verdict, fresh)),
            }
        }
        let why = HoldWhy::Undecided;
        ScriptTurn::Reply(self.hold(now, id, why))
    }

    /// Takes over what a question shows of a host, before it is answered.
    pub(crate) fn show(&mut self, now: Timestamp, front: FrontEnd, id: &HostId, seen: &Sighting, trial: Option<Trial>) {
        // The second turn is the same question.
        if trial.is_none() {
            self.note_start(front, id);
        }
        let visit = self.visits.entry(id.clone()).or_default();
        visit.see(now, seen);
        visit.handed = None;
        if let Some(address) = seen.address {
            self.bind_address(id, address);
        }
        if !self.check_grant(now, id, seen) {
            self.bind_facts(now, id, &seen.facts);
        }
        let visit = self.visits.entry(id.clone()).or_default();
        // What failed before is tried again: the machine may show more of itself now.
        visit.trial = trial.or_else(|| visit.trial.take().filter(|before| before.trouble.is_none()));
    }

    pub(crate) fn decide_script(&self, now: Timestamp, host: &Host, seen: &Sighting, ask: Ask) -> Verdict {
        let definition = self.definition(&host.id);
        decide(
            &self.policy,
            &self.situation_of(now, &host.id),
            Asker::Host(host),
            definition,
            seen,
            ask,
        )
    }

    /// The install that a verdict promises, or leads to.
    pub(crate) fn promised(
        &self,
        now: Timestamp,
        host: &Arc<Host>,
        seen: &Sighting,
        verdict: &Verdict,
    ) -> Option<InstallTicket> {
        match verdict {
            Verdict::Install { profile, .. } | Verdict::Confirm(profile) | Verdict::AutoArm { profile, .. } => {
                // A menu has nothing that could be rendered; what is chosen from it is.
                self.preview_ticket(now, host, seen, profile)
                    .filter(|ticket| ticket.profile.menu.is_none())
            }
            Verdict::FirstFile(_)
            | Verdict::AskAgainByScript
            | Verdict::OwnFiles
            | Verdict::GiveUp
            | Verdict::Menu(_)
            | Verdict::Live(_)
            | Verdict::Local(_)
            | Verdict::Hold(_)
            | Verdict::Silence(_) => None,
        }
    }

    /// What a verdict promises that was not rendered for this host yet.
    pub(crate) fn untried(
        &self,
        now: Timestamp,
        host: &Arc<Host>,
        seen: &Sighting,
        verdict: &Verdict,
    ) -> Option<InstallTicket> {
        let ticket = self.promised(now, host, seen, verdict)?;
        let profile = &ticket.profile.name;
        let trial = self.visits.get(&host.id).and_then(|visit| visit.trial.as_ref());
        let tried = trial.is_some_and(|trial| trial.is_about(profile, ticket.profile.revision));
        (!tried).then_some(ticket)
    }

    fn auto_arm(&mut self, now: Timestamp, host: &Host, rule: &RuleName, profile: &ProfileName) -> bool {
        let minute_ago = now.before(bootwright_core::Span::from_mins(1));
        while self.rule_arms.front().is_some_and(|(at, _)| *at < minute_ago) {
            self.rule_arms.pop_front();
        }
        let recent = self.rule_arms.iter().filter(|(_, name)| name == rule).count();
        let limit = self.policy.safety.max_rule_arms_per_minute;
        if u32::try_from(recent).is_ok_and(|recent| recent >= limit) {
            self.pause(
                now,
                Cause::Daemon,
                &format!("rule {rule} armed {recent} hosts within a minute"),
            );
            return true;
        }
        let Some(record) = self.world.site.rules.get(rule).cloned() else {
            return false;
        };
        let grant = Grant {
            by: Grantor::Rule(rule.clone()),
            at: now,
            expires: now.after(self.policy.safety.arm_ttl),
            machine: host.facts.clone(),
            wipe: BTreeSet::new(),
        };
        let event = Event::Armed {
            grant,
            queue: vec![profile.clone()],
        };
        let by = Cause::Rule(rule.clone());
        let note = format!("armed with {profile} by rule {rule}");
        if self
            .happen(now, by.clone(), &host.id, &event, Verb::Armed, note)
            .is_err()
        {
            return false;
        }
        let granted = record.granted.saturating_add(1);
        let note = format!("rule {rule} has granted {granted} installs");
        let record = bootwright_core::RuleRecord { granted, ..record };
        self.record(
            now,
            by,
            Verb::Armed,
            note,
            Change::RuleSet {
                rule: rule.clone(),
                record: Some(record),
            },
        );
        self.rule_arms.push_back((now, rule.clone()));
        true
    }

    /// What was last seen of a host, for questions that no machine asks.
    #[must_use]
    pub fn last_sighting(&self, id: &HostId) -> Sighting {
        let visit = self.visits.get(id);
        Sighting {
            facts: self.host(id).map(|host| host.facts.clone()).unwrap_or_default(),
            boot_mac: visit.and_then(|visit| visit.boot_mac),
            address: visit.and_then(|visit| visit.address),
            link: visit.and_then(|visit| visit.link.clone()),
            firmware: visit.and_then(|visit| visit.firmware),
            arch: visit.and_then(|visit| visit.arch),
            confirmed: false,
            chosen: visit.and_then(|visit| visit.chosen),
            menu: visit.is_some_and(|visit| visit.menu),
        }
    }
}
