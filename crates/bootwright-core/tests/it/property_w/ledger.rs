//! An account of what operators permitted, kept from the events alone and without the code under test.

use bootwright_core::{Event, Grantor, RunNumber, Token};

/// How long an arming lasts, in ticks of the exploration.
pub(super) const TTL: u8 = 2;

/// How long a run may take, in ticks.
pub(super) const DEADLINE: u8 = 2;

/// How often a run's script may be served.
pub(super) const MAX_ATTEMPTS: u32 = 2;

/// What is permitted for one host at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ledger {
    pub(super) locked: bool,
    /// A person has decided about the host, or it was armed before: rules have no say any more.
    pub(super) settled: bool,
    /// How many further runs are permitted, and how many ticks the permission still lasts.
    pub(super) permit: Option<(u8, u8)>,
    pub(super) run: Option<RunLedger>,
    pub(super) runs: u32,
    /// The disks that may be overwritten although they are not empty.
    pub(super) wipes: Vec<String>,
}

/// The run under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunLedger {
    pub(super) number: u32,
    pub(super) token: [u8; 16],
    pub(super) attempts: u32,
    pub(super) ticks_left: u8,
}

impl Ledger {
    /// The attempt that an install script may be served for now, if one may at all.
    pub(super) fn permitted_attempt(&self) -> Option<u32> {
        match (&self.run, self.permit) {
            _ if self.locked => None,
            (Some(run), _) => (run.attempts < MAX_ATTEMPTS && run.ticks_left > 0).then_some(run.attempts + 1),
            (None, Some((runs, ticks_left))) => (runs > 0 && ticks_left > 0).then_some(1),
            (None, None) => None,
        }
    }

    /// Whether a report that names this run and token speaks of the run under way.
    pub(super) fn is_present(&self, number: RunNumber, token: Token) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| run.number == number.get() && run.token == token.octets())
    }

    fn over(&mut self, permit_lasts: bool) {
        self.run = None;
        self.permit = match self.permit {
            Some((runs, _)) if permit_lasts && runs > 0 => Some((runs, TTL)),
            _ => None,
        };
        if self.permit.is_none() {
            self.wipes.clear();
        }
    }

    fn revoke(&mut self) {
        self.over(false);
    }

    /// A tick of time goes by.
    pub(super) fn tick(&mut self) {
        if let Some(run) = &mut self.run {
            run.ticks_left = run.ticks_left.saturating_sub(1);
        } else if let Some((_, ticks_left)) = &mut self.permit {
            *ticks_left = ticks_left.saturating_sub(1);
        }
    }

    /// What the event means for what is permitted.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Armed { grant, queue } => {
                let by_rule = matches!(grant.by, Grantor::Rule(_));
                let stands = self.locked || self.run.is_some() || queue.is_empty() || (by_rule && self.settled);
                if !stands {
                    self.settled = true;
                    self.permit = Some((u8::try_from(queue.len()).expect("a short queue"), TTL));
                    self.wipes = grant.wipe.iter().cloned().collect();
                }
            }
            Event::Queued { profiles } => {
                let more = u8::try_from(profiles.len()).expect("a short queue");
                match (&mut self.permit, &self.run) {
                    (Some((runs, _)), _) => *runs += more,
                    (None, Some(_)) => self.permit = Some((more, TTL)),
                    (None, None) => {}
                }
            }
            Event::WipeAllowed { serial } => self.allow(serial),
            Event::GuardPassed { run, token, serial } => {
                if self.is_present(*run, *token) {
                    self.allow(serial);
                }
            }
            Event::Held | Event::LocalChosen | Event::Ignored => {
                self.settled = true;
                self.revoke();
            }
            Event::LiveChosen { .. } => {
                if !self.locked && self.run.is_none() {
                    self.settled = true;
                    self.revoke();
                }
            }
            Event::Locked => {
                if self.run.is_none() {
                    self.locked = true;
                    self.revoke();
                }
            }
            Event::Unlocked { .. } => self.locked = false,
            Event::ScriptServed { token, .. } => self.serve(*token),
            Event::Finished { run, token, .. } | Event::CameUp { run, token, .. } => {
                if self.is_present(*run, *token) {
                    self.over(true);
                }
            }
            Event::RunFailed { run, token, .. } => {
                if self.is_present(*run, *token) {
                    self.revoke();
                }
            }
            Event::AttemptsSpent { .. } => {
                if self.run.as_ref().is_some_and(|run| run.attempts >= MAX_ATTEMPTS) {
                    self.revoke();
                }
            }
            Event::IdentityChanged { .. } => {
                if self.run.is_some() || self.permit.is_some() {
                    self.settled = true;
                    self.revoke();
                }
            }
            Event::Restored => {
                if self.run.is_some() || self.permit.is_some() {
                    self.settled = true;
                    self.revoke();
                }
            }
            Event::GrantExpired { .. } => {
                if self.run.is_none() && self.permit.is_some_and(|(_, ticks_left)| ticks_left == 0) {
                    self.revoke();
                }
            }
            Event::DeadlinePassed { .. } => {
                if self.run.as_ref().is_some_and(|run| run.ticks_left == 0) {
                    self.revoke();
                }
            }
            Event::StageOverdue { .. } | Event::StageReached { .. } => {}
        }
    }

    fn allow(&mut self, serial: &str) {
        let armed = self.run.is_some() || self.permit.is_some();
        if armed && !serial.is_empty() && !self.wipes.iter().any(|known| known == serial) {
            self.wipes.push(serial.to_owned());
            self.wipes.sort();
        }
    }

    fn serve(&mut self, token: Token) {
        match (self.permitted_attempt(), &mut self.run) {
            (None, _) => {}
            (Some(attempt), Some(run)) => run.attempts = attempt,
            (Some(attempts), None) => {
                self.runs += 1;
                self.permit = self.permit.map(|(runs, ticks_left)| (runs - 1, ticks_left));
                self.run = Some(RunLedger {
                    number: self.runs,
                    token: token.octets(),
                    attempts,
                    ticks_left: DEADLINE,
                });
            }
        }
    }
}
