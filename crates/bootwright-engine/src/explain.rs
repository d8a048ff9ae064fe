//! What a host would be answered now, and what led there. Nothing here changes anything.

use std::sync::Arc;

use bootwright_core::attributes;
use bootwright_core::local::TRIES_MAX;
use bootwright_core::{
    Arch, Ask, Asker, Firmware, HoldWhy, Host, HostId, Loader, MacAddr, Make, Policy, ProfileName, RuleName,
    RuleVerdict, Run, RunNumber, Sighting, Site, Situation, Strategy, Timestamp, Token, Trial, Verdict, Way, decide,
};

use crate::engine::Engine;
use crate::ladder::Whence;
use crate::offer::{OfferAsk, OfferReply, Wants};
use crate::query::HostView;
use crate::script::{InstallTicket, ScriptReply};

/// Everything that leads to a host's answer, and the answer.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The host.
    pub view: HostView,
    /// The rules in file order. The first that matches counts.
    pub rules: Vec<RuleTrace>,
    /// Why installs are paused, if they are.
    pub paused: Option<String>,
    /// How many runs are under way, and how many may be.
    pub installing: (u32, u32),
    /// How many runs began within the last hour, and how many may.
    pub started_last_hour: (u32, u32),
    /// What it would be told on each channel.
    pub answers: Vec<Answer>,
    /// What would be rendered before that is promised, if it is an install.
    pub ticket: Option<Box<InstallTicket>>,
    /// The policy by which all that was decided.
    pub policy: Arc<Policy>,
}

/// What is supposed of the site in place of what holds.
#[derive(Clone, Debug, Default)]
pub struct Supposing {
    /// This policy.
    pub policy: Option<Arc<Policy>>,
    /// That installs are paused for this reason, or not.
    pub paused: Option<Option<String>>,
}

/// Why a rule matched or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTrace {
    /// The rule.
    pub rule: RuleName,
    /// What it selects.
    pub profile: ProfileName,
    /// Whether it matches, or what does not fit.
    pub verdict: RuleVerdict,
    /// Whether it arms by itself.
    pub auto_arm: bool,
}

/// What a host would be told on one channel.
#[derive(Clone, Debug)]
pub enum Answer {
    /// By DHCP, as firmware of this architecture.
    Dhcp {
        /// The architecture.
        arch: Arch,
        /// Who asks.
        loader: Loader,
        /// The answer.
        reply: OfferReply,
        /// Whence it is known how the offer is worded; nothing for iPXE, which understands any.
        whence: Option<Whence>,
    },
    /// As a boot loader that asks what to do.
    Script {
        /// The verdict.
        verdict: Verdict,
        /// The answer that it leads to.
        reply: Box<ScriptReply>,
        /// If it starts its own disk: whence it is known how.
        whence: Option<Whence>,
    },
}

impl Engine {
    /// Explains what a host would be told now, by any of its names.
    #[must_use]
    pub fn explain(&self, now: Timestamp, name: &str) -> Option<Explanation> {
        let view = self.view(name)?;
        let seen = self.last_sighting(&view.host.id);
        let trial = view.visit.trial.clone();
        Some(self.explain_as(now, view, &seen, trial.as_ref()))
    }

    /// Explains what a host would be told if it showed itself so, and if this came of rendering for it.
    #[must_use]
    pub fn explain_as(&self, now: Timestamp, view: HostView, seen: &Sighting, trial: Option<&Trial>) -> Explanation {
        self.explain_supposing(now, view, (seen, trial), &Supposing::default())
    }

    /// The same as if the site were otherwise.
    #[must_use]
    pub fn explain_supposing(
        &self,
        now: Timestamp,
        view: HostView,
        (seen, trial): (&Sighting, Option<&Trial>),
        supposing: &Supposing,
    ) -> Explanation {
        let host = Arc::clone(&view.host);
        let policy = supposing.policy.as_ref().unwrap_or(&self.policy);
        let site = supposing.paused.as_ref().map(|paused| Site {
            paused: paused.clone(),
            ..self.world.site.clone()
        });
        let site = site.as_ref().unwrap_or(&self.world.site);
        let situation = Situation {
            site,
            revision_lost: self.is_revision_lost(&host.id),
            trial,
            ..self.situation(now)
        };
        let safety = &policy.safety;
        let installing = (situation.installing, safety.max_concurrent);
        let started_last_hour = (situation.started_last_hour, safety.max_new_per_hour);
        let arch = seen.arch.unwrap_or(if seen.firmware == Some(Firmware::Uefi) {
            Arch::EFI64
        } else {
            Arch::BIOS
        });
        let loaders: &[Loader] = match view.visit.rom {
            Some(Loader::RaspberryPi) => &[Loader::RaspberryPi],
            Some(Loader::UBoot) => &[Loader::UBoot, Loader::Ipxe],
            _ => &[Loader::Firmware, Loader::Ipxe],
        };
        let mut answers: Vec<Answer> = loaders
            .iter()
            .map(|loader| self.preview_offer((policy, &situation), &host, seen, arch, *loader))
            .collect();
        let (verdict, reply) = self.preview_script((policy, &situation), &host, seen);
        let ticket = self.promised(now, &host, seen, &verdict);
        let whence = match &reply {
            ScriptReply::Local { .. } => self.preview_local(now, &host, seen).map(|(_, whence, _)| whence),
            _ => None,
        };
        answers.push(Answer::Script {
            whence,
            verdict,
            reply: Box::new(reply),
        });
        Explanation {
            ticket: ticket.map(Box::new),
            policy: Arc::clone(policy),
            rules: self.trace_rules(&host, seen),
            paused: site.paused.clone(),
            installing,
            started_last_hour,
            answers,
            view,
        }
    }

    /// Whether a host would be told to wait now.
    #[must_use]
    pub fn is_held(&self, now: Timestamp, id: &HostId) -> bool {
        self.held_screen(now, id).is_some()
    }

    fn trace_rules(&self, host: &Host, seen: &Sighting) -> Vec<RuleTrace> {
        let attributes = attributes(host, self.definition(&host.id), seen);
        let mut traces = Vec::new();
        for rule in &self.policy.rules {
            let verdict = rule.verdict(&attributes);
            let (name, profile) = (rule.name.clone(), rule.profile.clone());
            traces.push(RuleTrace {
                rule: name,
                profile,
                verdict,
                auto_arm: rule.auto_arm,
            });
        }
        traces
    }

    fn preview_offer(
        &self,
        (policy, situation): (&Policy, &Situation<'_>),
        host: &Host,
        seen: &Sighting,
        arch: Arch,
        loader: Loader,
    ) -> Answer {
        let definition = self.definition(&host.id);
        let step = host.first_step.as_deref().map(|step| step.make);
        let climb = self.visits.get(&host.id).and_then(|visit| visit.climb);
        let card = seen.boot_mac.or_else(|| seen.facts.macs.first().copied());
        let unknown = || Make::new(b"", card.unwrap_or(MacAddr::new([0; 6])));
        let ask = OfferAsk {
            seen: seen.clone(),
            arch,
            loader,
            make: climb.map(|climb| climb.make).or(step).unwrap_or_else(unknown),
            wants: Wants::Offer,
            way: Way::Link,
        };
        let stand = self.stand(situation.now, Some(host), climb, definition, &ask);
        let whence = stand.map(|stand| match self.start(Some(host), definition, &ask) {
            (start, whence) if start.strategy == stand.strategy => whence,
            _ => Whence::Tried,
        });
        let ask = Ask::Offer {
            arch,
            loader,
            file: stand.map_or(0, |stand| stand.file),
            handed: false,
            entry: false,
            way: Way::Link,
        };
        let reply = match decide(policy, situation, Asker::Host(host), definition, seen, ask) {
            Verdict::FirstFile(file) => OfferReply::FirstFile {
                file,
                transport: arch.transport(),
                strategy: stand.map_or(Strategy::Direct, |stand| stand.strategy),
            },
            Verdict::Silence(why) => OfferReply::Silence(why),
            Verdict::OwnFiles => OfferReply::OwnFiles,
            _ => OfferReply::Script,
        };
        Answer::Dhcp {
            arch,
            loader,
            reply,
            whence,
        }
    }

    fn preview_script(
        &self,
        (policy, situation): (&Policy, &Situation<'_>),
        host: &Arc<Host>,
        seen: &Sighting,
    ) -> (Verdict, ScriptReply) {
        let definition = self.definition(&host.id);
        let ask = self.next_script_ask(situation.now, &host.id);
        let verdict = decide(policy, situation, Asker::Host(host), definition, seen, ask);
        let reply = self.preview(situation.now, host, seen, &verdict);
        (verdict, reply)
    }

    fn preview(&self, now: Timestamp, host: &Arc<Host>, seen: &Sighting, verdict: &Verdict) -> ScriptReply {
        let hold = |why| ScriptReply::Hold(Box::new(self.hold_screen(&host.id, why)));
        // The end of a run settles how the disk was started before.
        let over = (*verdict == Verdict::GiveUp).then(|| {
            let mut host = Host::clone(host);
            (host.local.served, host.local.returns) = (None, 0);
            host
        });
        let local = |why| match self.preview_local(now, over.as_ref().unwrap_or(host), seen) {
            Some((method, _, returns)) => ScriptReply::Local {
                host: Arc::clone(host),
                method,
                why,
                returns,
            },
            None => hold(HoldWhy::DiskDoesNotStart { times: TRIES_MAX }),
        };
        match verdict {
            Verdict::Install { profile, .. } | Verdict::AutoArm { profile, .. } => {
                match self.preview_ticket(now, host, seen, profile) {
                    Some(mut ticket) => {
                        // The same start of a machine fetches its attempt more than once.
                        if let Verdict::Install { attempt, .. } = verdict {
                            ticket.run.attempts = *attempt;
                        }
                        ScriptReply::Install(Box::new(ticket))
                    }
                    None => hold(HoldWhy::NoProfile(profile.clone())),
                }
            }
            Verdict::Confirm(profile) => ScriptReply::Confirm {
                host: Arc::clone(host),
                name: self.display_name(&host.id).clone(),
                profile: profile.clone(),
            },
            Verdict::Menu(name) => match self.policy.profiles.get(name) {
                Some(profile) => ScriptReply::Menu {
                    host: Arc::clone(host),
                    profile: Arc::clone(profile),
                },
                None => hold(HoldWhy::NoProfile(name.clone())),
            },
            Verdict::GiveUp => local(bootwright_core::LocalWhy::Failed),
            Verdict::Live(name) => match self.policy.profiles.get(name) {
                Some(profile) => ScriptReply::Live {
                    host: Arc::clone(host),
                    profile: Arc::clone(profile),
                },
                None => hold(HoldWhy::NoProfile(name.clone())),
            },
            Verdict::Local(why) => local(why.clone()),
            Verdict::Hold(why) => hold(why.clone()),
            Verdict::Silence(why) => ScriptReply::Silence(why.clone()),
            Verdict::FirstFile(_) | Verdict::AskAgainByScript | Verdict::OwnFiles => hold(HoldWhy::Undecided),
        }
    }

    /// A ticket as it would be served, with a token that opens nothing.
    pub(crate) fn preview_ticket(
        &self,
        now: Timestamp,
        host: &Arc<Host>,
        seen: &Sighting,
        name: &ProfileName,
    ) -> Option<InstallTicket> {
        let profile = self.profile_of_run(&host.id, name)?;
        let run = match host.state.phase.run() {
            Some(run) => Run {
                attempts: run.attempts.saturating_add(1),
                ..run.clone()
            },
            None => Run {
                number: RunNumber::new(host.state.runs.saturating_add(1)),
                profile: name.clone(),
                revision: profile.revision,
                token: Token::new([0; 16]),
                started: now,
                deadline: now.after(profile.deadline),
                attempts: 1,
                stalled: false,
                to: None,
            },
        };
        let run = Run {
            token: Token::new([0; 16]),
            ..run
        };
        let name: HostId = self.display_name(&host.id).clone();
        Some(InstallTicket {
            host: Arc::clone(host),
            name,
            profile,
            run,
            boot_mac: seen.boot_mac,
        })
    }
}
