//! What a verdict makes of a host, and the answer that it leads to.

use std::sync::Arc;

use bootwright_core::{
    Cause, Event, FrontEnd, HoldWhy, Host, HostId, LocalWhy, Profile, ProfileName, Sighting, Timestamp, Token, Verb,
    Verdict,
};
use bootwright_proto::script::uboot::NO_MENU;

use crate::engine::Engine;
use crate::script::{InstallTicket, ScriptReply};
use crate::visit::{News, Stage};

impl Engine {
    pub(crate) fn serve(
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
            Verdict::Install { profile, attempt } => self.serve_install(now, id, seen, (&profile, attempt), fresh),
            Verdict::Confirm(profile) => {
                let name = self.display_name(id).clone();
                let note = format!("asks at its console whether {profile} may be installed");
                self.news_once(now, id, (News::Confirm, Verb::Hold), note);
                ScriptReply::Confirm {
                    host: Arc::clone(host),
                    name,
                    profile,
                }
            }
            Verdict::Menu(name) => match self.policy.profiles.get(&name).cloned() {
                Some(_) if self.visits.get(id).and_then(|visit| visit.front) == Some(FrontEnd::UBoot) => {
                    let why = NO_MENU.to_owned();
                    self.hold(now, id, HoldWhy::Unrenderable { profile: name, why })
                }
                Some(profile) => {
                    let note = format!("the menu {name} is shown at its console");
                    self.news_once(now, id, (News::Menu, Verb::Hold), note);
                    ScriptReply::Menu {
                        host: Arc::clone(host),
                        profile,
                    }
                }
                None => self.hold(now, id, HoldWhy::NoProfile(name)),
            },
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
            Verdict::FirstFile(_) | Verdict::AskAgainByScript | Verdict::OwnFiles => {
                self.hold(now, id, HoldWhy::Undecided)
            }
        }
    }

    fn serve_install(
        &mut self,
        now: Timestamp,
        id: &HostId,
        seen: &Sighting,
        (name, attempt): (&ProfileName, u32),
        fresh: Token,
    ) -> ScriptReply {
        let Some(profile) = self.profile_of_run(id, name) else {
            return self.hold(now, id, HoldWhy::NoProfile(name.clone()));
        };
        let present = self.host(id).and_then(|host| host.state.phase.run());
        if present.is_some_and(|run| run.attempts == attempt) {
            // What was recorded of this attempt may still be on its way to the disk.
            self.pending.promises = true;
            return self.hand_ticket(now, id, seen, profile);
        }
        let max_attempts = self.policy.safety.max_attempts;
        let granted = self.host(id).and_then(|host| host.state.phase.profile());
        let event = Event::ScriptServed {
            token: fresh,
            // Another profile than the one that was granted comes from its menu; `decide` looked that up.
            chosen: granted.filter(|granted| *granted != name).map(|_| name.clone()),
            revision: profile.revision,
            at: now,
            deadline: now.after(profile.deadline),
            max_attempts,
            to: self.visits.get(id).and_then(|visit| visit.address),
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
        self.visits.entry(id.clone()).or_default().pace.begin(now);
        self.hand_ticket(now, id, seen, profile)
    }

    /// Hands out what the installer of the run under way needs.
    fn hand_ticket(&mut self, now: Timestamp, id: &HostId, seen: &Sighting, profile: Arc<Profile>) -> ScriptReply {
        match self.host(id).cloned() {
            Some(host) => match host.state.phase.run().cloned() {
                Some(run) => {
                    debug_assert_eq!(profile.revision, run.revision, "a run has one profile");
                    self.promise(now, id, &run);
                    self.begin_custody(now, id, run.number, run.attempts);
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
}
