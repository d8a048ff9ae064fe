//! A boot loader asks what to do: the one question on which disks depend.

use std::collections::BTreeSet;
use std::sync::Arc;

use bootwright_core::local::choose;
use bootwright_core::nickname::console_code;
use bootwright_core::{
    Ask, Asker, Cause, Change, Event, Facts, Firmware, Grant, Grantor, HoldWhy, Host, HostId, Identity, LocalBoot,
    LocalMethod, LocalWhy, Profile, ProfileName, RuleName, Run, Sighting, Timestamp, Token, Unknown, Verb, Verdict,
    Why, decide, identify,
};

use crate::engine::Engine;
use crate::limit::{HOLD_SPAN, WARNING_SPAN};
use crate::outcome::Outcome;
use crate::record::name_key;
use crate::visit::Stage;

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
}

impl Engine {
    /// A boot loader asks what to do. `fresh` is a new random token, used if a run begins.
    pub fn script(&mut self, now: Timestamp, seen: &Sighting, fresh: Token) -> Outcome<ScriptReply> {
        self.merge_sighting(now, &seen.facts);
        let facts_of = |id: &HostId| self.world.hosts.get(id).map(|host| &host.facts);
        let reply = match identify(&self.index, facts_of, &seen.facts) {
            Identity::Known(id) => self.script_for(now, &id, seen, fresh),
            Identity::Unknown => match self.meet(now, &seen.facts) {
                Some(id) => self.script_for(now, &id, seen, fresh),
                None => self.hold_nobody(&seen.facts, Asker::Stranger, now, seen),
            },
            Identity::Nobody => match self.meet_defined(now, &seen.facts) {
                Some(id) => self.script_for(now, &id, seen, fresh),
                None => self.hold_nobody(&seen.facts, Asker::Nobody, now, seen),
            },
            Identity::Contradiction { candidates, why } => {
                self.doubt(now, &candidates, seen, &why);
                self.hold_nobody(&seen.facts, Asker::Contradiction(&why), now, seen)
            }
        };
        self.outcome(reply)
    }

    fn script_for(&mut self, now: Timestamp, id: &HostId, seen: &Sighting, fresh: Token) -> ScriptReply {
        self.visits.entry(id.clone()).or_default().see(now, seen);
        if let Some(address) = seen.address {
            self.bind_address(id, address);
        }
        if !self.check_grant(now, id, seen) {
            self.bind_facts(now, id, &seen.facts);
        }
        // A rule may arm the host; then the question is asked once more.
        for _ in 0..2 {
            let Some(host) = self.host(id).cloned() else { break };
            let verdict = self.decide_script(now, &host, seen);
            match verdict {
                Verdict::AutoArm { rule, profile } if self.auto_arm(now, &host, &rule, &profile) => {}
                verdict => return self.serve(now, &host, seen, verdict, fresh),
            }
        }
        let why = HoldWhy::Undecided;
        self.hold(now, id, why)
    }

    fn decide_script(&self, now: Timestamp, host: &Host, seen: &Sighting) -> Verdict {
        let definition = self.definition(&host.id);
        decide(
            &self.policy,
            &self.situation(now),
            Asker::Host(host),
            definition,
            seen,
            Ask::Script,
        )
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

    fn serve(
        &mut self,
        now: Timestamp,
        host: &Arc<Host>,
        seen: &Sighting,
        verdict: Verdict,
        fresh: Token,
    ) -> ScriptReply {
        let id = &host.id;
        if !matches!(verdict, Verdict::Hold(_))
            && let Some(visit) = self.visits.get_mut(id)
        {
            visit.held = None;
            visit.reach(now, Stage::Script);
        }
        match verdict {
            Verdict::Install { profile, .. } => self.serve_install(now, id, seen, &profile, fresh),
            Verdict::Confirm(profile) => {
                let name = self.display_name(id).clone();
                let note = format!("asks at its console whether {profile} may be installed");
                self.news_once(now, id, Verb::Hold, note);
                ScriptReply::Confirm {
                    host: Arc::clone(host),
                    name,
                    profile,
                }
            }
            Verdict::GiveUp => {
                let max_attempts = self.policy.safety.max_attempts;
                let (run, spent) = match host.state.phase.run() {
                    Some(run) => (run.number.get(), now < run.deadline),
                    None => (host.state.runs, true),
                };
                let (event, why) = if spent {
                    (Event::AttemptsSpent { at: now, max_attempts }, "all attempts used")
                } else {
                    (
                        Event::DeadlinePassed { at: now },
                        "nothing was heard until the deadline",
                    )
                };
                let note = format!("run {run} failed: {why}; next boots: local disk");
                // While nothing can be recorded the run stays as it is, and the next question finds it so.
                if self.store_ready && self.happen(now, Cause::Machine, id, &event, Verb::Fail, note).is_ok() {
                    self.pending.promises = true;
                }
                self.serve_local(now, id, seen, LocalWhy::Failed)
            }
            Verdict::Live(name) => match self.policy.profiles.get(&name).cloned() {
                Some(profile) => {
                    let note = format!("live script served, {name}");
                    self.note(now, id, Cause::Machine, Verb::Live, note);
                    ScriptReply::Live {
                        host: Arc::clone(host),
                        profile,
                    }
                }
                None => self.hold(now, id, HoldWhy::NoProfile(name)),
            },
            Verdict::Local(why) => self.serve_local(now, id, seen, why),
            Verdict::Hold(why) => self.hold(now, id, why),
            Verdict::Silence(why) => ScriptReply::Silence(why),
            Verdict::AutoArm { rule, .. } => self.hold(now, id, HoldWhy::RuleNotApplied { rule }),
            Verdict::FirstFile(_) | Verdict::AskAgainByScript => self.hold(now, id, HoldWhy::Undecided),
        }
    }

    fn serve_install(
        &mut self,
        now: Timestamp,
        id: &HostId,
        seen: &Sighting,
        name: &ProfileName,
        fresh: Token,
    ) -> ScriptReply {
        let Some(profile) = self.profile_of_run(id, name) else {
            return self.hold(now, id, HoldWhy::NoProfile(name.clone()));
        };
        let max_attempts = self.policy.safety.max_attempts;
        let event = Event::ScriptServed {
            token: fresh,
            revision: profile.revision,
            at: now,
            deadline: now.after(profile.deadline),
            max_attempts,
        };
        let (number, attempt) = match self.host(id).and_then(|host| host.state.phase.run()) {
            Some(run) => (run.number.get(), run.attempts.saturating_add(1)),
            None => (self.host(id).map_or(0, |host| host.state.runs).saturating_add(1), 1),
        };
        let note = format!("run {number}, install script of {name} served (attempt {attempt} of {max_attempts})");
        if let Err(why) = self.happen(now, Cause::Machine, id, &event, Verb::Boot, note) {
            tracing::warn!(host = %id, %why, "the install script was not served");
            return self.hold(now, id, HoldWhy::Undecided);
        }
        self.pending.promises = true;
        match self.host(id).cloned() {
            Some(host) => match host.state.phase.run().cloned() {
                Some(run) => {
                    let name = self.display_name(&host.id).clone();
                    let boot_mac = seen.boot_mac.or(self.visits.get(id).and_then(|visit| visit.boot_mac));
                    ScriptReply::Install(Box::new(InstallTicket {
                        host,
                        name,
                        profile,
                        run,
                        boot_mac,
                    }))
                }
                None => self.hold(now, id, HoldWhy::Undecided),
            },
            None => self.hold(now, id, HoldWhy::Undecided),
        }
    }

    /// The profile for a run that begins, or in the revision that a run under way was started with.
    pub(crate) fn profile_of_run(&self, id: &HostId, name: &ProfileName) -> Option<Arc<Profile>> {
        let under_way = self.host(id).and_then(|host| host.state.phase.run());
        let started_with = under_way.and_then(|run| self.profiles_in_use.get(&(name.clone(), run.revision)));
        started_with.or_else(|| self.policy.profiles.get(name)).cloned()
    }

    fn serve_local(&mut self, now: Timestamp, id: &HostId, seen: &Sighting, why: LocalWhy) -> ScriptReply {
        let Some(host) = self.host(id).cloned() else {
            return self.hold(now, id, HoldWhy::Undecided);
        };
        let visit = self.visits.get(id);
        let firmware = seen
            .firmware
            .or(visit.and_then(|visit| visit.firmware))
            .unwrap_or(Firmware::Bios);
        let pinned = self.definition(id).and_then(|definition| definition.local);
        let local = choose(firmware, pinned, &host.local, now);
        let (method, returns) = (local.method.unwrap_or(LocalMethod::Exit), local.returns);
        if self.store_ready {
            self.remember_local(now, &host, local, method);
        }
        ScriptReply::Local {
            host,
            method,
            why,
            returns,
        }
    }

    fn remember_local(&mut self, now: Timestamp, host: &Host, local: LocalBoot, method: LocalMethod) {
        let returns = local.returns;
        let (verb, note) = match returns {
            0 => (Verb::Local, format!("local-boot script served ({method})")),
            _ => {
                let hint = if returns >= 3 {
                    "; no method of the list starts its disk"
                } else {
                    ""
                };
                let times = if returns == 1 {
                    "once".to_owned()
                } else {
                    format!("{returns} times in a row")
                };
                (
                    Verb::Loop,
                    format!("came back from its disk too early, {times}; local-boot script served ({method}){hint}"),
                )
            }
        };
        // A machine that loops for hours is written down once a minute, which keeps its loop in memory.
        let last = host.local.served.map(|served| now.since(served));
        if returns <= 10 || last.is_none_or(|span| span >= WARNING_SPAN) {
            let change = Change::LocalBootSet {
                host: host.id.clone(),
                local,
            };
            self.record(now, Cause::Machine, verb, note, change);
        }
    }

    fn hold(&mut self, now: Timestamp, id: &HostId, why: HoldWhy) -> ScriptReply {
        let visit = self.visits.entry(id.clone()).or_default();
        let again = visit.held.as_ref() == Some(&why) && visit.held_at.is_some_and(|at| now.since(at) < HOLD_SPAN);
        visit.held = Some(why.clone());
        visit.held_at = Some(now);
        visit.reach(now, Stage::Script);
        if !again {
            self.note(now, id, Cause::Machine, Verb::Hold, format!("waiting: {why}"));
        }
        let screen = self.hold_screen(id, why);
        ScriptReply::Hold(Box::new(screen))
    }

    /// A machine's script could not go on and tries again.
    pub fn trouble(&mut self, now: Timestamp, seen: &Sighting, what: &str) -> Outcome<()> {
        let facts_of = |id: &HostId| self.world.hosts.get(id).map(|host| &host.facts);
        if let Identity::Known(id) = identify(&self.index, facts_of, &seen.facts) {
            self.news_once(now, &id, Verb::Warn, crate::limit::words(what));
        }
        self.outcome(())
    }

    /// What the console of a held host shows; nothing if it would be told something else now.
    #[must_use]
    pub fn held_screen(&self, now: Timestamp, id: &HostId) -> Option<HoldScreen> {
        let host = self.host(id)?;
        match self.decide_script(now, host, &self.last_sighting(id)) {
            Verdict::Hold(why) => Some(self.hold_screen(id, why)),
            _ => None,
        }
    }

    pub(crate) fn hold_screen(&self, id: &HostId, why: HoldWhy) -> HoldScreen {
        HoldScreen {
            host: Some(self.display_name(id).clone()),
            wakes: Some(id.clone()),
            facts: self.host(id).map(|host| host.facts.clone()).unwrap_or_default(),
            code: console_code(id.as_str().as_bytes()),
            why,
            suggestion: self.suggestion(id),
        }
    }

    /// News that a machine makes again and again, once a minute at most.
    fn news_once(&mut self, now: Timestamp, id: &HostId, verb: Verb, note: String) {
        let visit = self.visits.entry(id.clone()).or_default();
        if visit.warned.is_none_or(|at| now.since(at) > WARNING_SPAN) {
            visit.warned = Some(now);
            self.note(now, id, Cause::Machine, verb, note);
        }
    }

    fn hold_nobody(&mut self, facts: &Facts, asker: Asker<'_>, now: Timestamp, seen: &Sighting) -> ScriptReply {
        match decide(&self.policy, &self.situation(now), asker, None, seen, Ask::Script) {
            Verdict::Hold(why) => hold_screen(facts, why),
            Verdict::Silence(why) => ScriptReply::Silence(why),
            Verdict::Local(why) => match self.free_name(&name_key(facts)) {
                Some(name) => {
                    let memory = LocalBoot::default();
                    let chosen = choose(seen.firmware.unwrap_or(Firmware::Bios), None, &memory, now);
                    ScriptReply::Local {
                        host: Arc::new(Host::new(name, now, facts.clone())),
                        method: chosen.method.unwrap_or(LocalMethod::Exit),
                        why,
                        returns: 0,
                    }
                }
                None => hold_screen(facts, HoldWhy::Nobody),
            },
            Verdict::FirstFile(_)
            | Verdict::AskAgainByScript
            | Verdict::Install { .. }
            | Verdict::Confirm(_)
            | Verdict::GiveUp
            | Verdict::AutoArm { .. }
            | Verdict::Live(_) => hold_screen(facts, HoldWhy::Nobody),
        }
    }

    /// The profile that a host is meant for: the one that its definition names, else that of the first rule that matches.
    pub(crate) fn suggestion(&self, id: &HostId) -> Option<ProfileName> {
        let definition = self.definition(id);
        if let Some(profile) = definition.and_then(|definition| definition.profile.as_ref()) {
            return Some(profile.clone());
        }
        let host = self.host(id)?;
        let seen = self.last_sighting(id);
        let attributes = bootwright_core::decide::attributes(host, definition, &seen);
        let rule = bootwright_core::rule::first_match(&self.policy.rules, &attributes);
        rule.map(|rule| rule.profile.clone())
            .or_else(|| match &self.policy.safety.unknown {
                Unknown::Install(profile) => Some(profile.clone()),
                Unknown::Hold | Unknown::Local | Unknown::Ignore => None,
            })
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
        }
    }
}

/// What the console of a machine shows that no record speaks of.
fn hold_screen(facts: &Facts, why: HoldWhy) -> ScriptReply {
    ScriptReply::Hold(Box::new(HoldScreen {
        host: None,
        wakes: None,
        facts: facts.clone(),
        code: String::new(),
        why,
        suggestion: None,
    }))
}
