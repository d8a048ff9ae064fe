//! Machines that wait, and what their consoles show.

use std::sync::Arc;

use bootwright_core::nickname::console_code;
use bootwright_core::{
    Ask, Asker, Cause, Facts, HoldWhy, Host, HostId, Identity, ProfileName, Sighting, Timestamp, Unknown, Verb,
    Verdict, console_menu, decide, identify,
};

use crate::engine::Engine;
use crate::limit::HOLD_SPAN;
use crate::outcome::Outcome;
use crate::own_disk::first_method;
use crate::script::{HoldScreen, ScriptReply};
use crate::visit::{News, Stage};

impl Engine {
    pub(crate) fn hold(&mut self, now: Timestamp, id: &HostId, why: HoldWhy) -> ScriptReply {
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

    /// What the console of a held host shows; nothing if it would be told something else now.
    #[must_use]
    pub fn held_screen(&self, now: Timestamp, id: &HostId) -> Option<HoldScreen> {
        let host = self.host(id)?;
        match self.decide_script(now, host, &self.last_sighting(id), Ask::Script) {
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
            menu: console_menu(&self.policy, &why).is_some(),
            shell: self.policy.safety.console_shell,
            why,
            suggestion: self.suggestion(id),
        }
    }

    pub(crate) fn hold_nobody(
        &mut self,
        facts: &Facts,
        asker: Asker<'_>,
        now: Timestamp,
        seen: &Sighting,
    ) -> ScriptReply {
        match decide(&self.policy, &self.situation(now), asker, None, seen, Ask::Script) {
            Verdict::Hold(why) => hold_screen(facts, why),
            Verdict::Silence(why) => ScriptReply::Silence(why),
            Verdict::Local(why) => match self.free_name(facts) {
                Some(name) => {
                    let host = Arc::new(Host::new(name, now, facts.clone()));
                    let method = first_method(seen);
                    ScriptReply::Local {
                        host,
                        method,
                        why,
                        returns: 0,
                    }
                }
                None => hold_screen(facts, HoldWhy::Nobody),
            },
            Verdict::FirstFile(_)
            | Verdict::AskAgainByScript
            | Verdict::OwnFiles
            | Verdict::Install { .. }
            | Verdict::Confirm(_)
            | Verdict::Menu(_)
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
        let attributes = bootwright_core::attributes(host, definition, &seen);
        let rule = self.policy.rules.first_match(&attributes);
        rule.map(|rule| rule.profile.clone())
            .or_else(|| match &self.policy.safety.unknown {
                Unknown::Install(profile) => Some(profile.clone()),
                Unknown::Hold | Unknown::Local | Unknown::Ignore => None,
            })
    }

    /// A machine's script could not go on and tries again.
    pub fn trouble(&mut self, now: Timestamp, seen: &Sighting, what: &str) -> Outcome<()> {
        let facts_of = |id: &HostId| self.world.hosts.get(id).map(|host| &host.facts);
        if let Identity::Known(id) = identify(&self.index, facts_of, &seen.facts) {
            self.news_once(now, &id, (News::Trouble, Verb::Warn), crate::limit::words(what));
        }
        self.outcome(())
    }

    /// News that a machine makes again and again, once a minute at most.
    pub(crate) fn news_once(&mut self, now: Timestamp, id: &HostId, (news, verb): (News, Verb), note: String) {
        let visit = self.visits.entry(id.clone()).or_default();
        if visit.is_due(now, news) {
            self.note(now, id, Cause::Machine, verb, note);
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
        menu: false,
        shell: false,
    }))
}
