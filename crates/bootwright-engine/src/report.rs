//! A run reports, or asks the disk guard.

use bootwright_core::{
    Cause, Disk, Event, Failure, GuardVerdict, HostId, RunNumber, Stayed, Timestamp, Token, Verb, guard,
};

use crate::engine::Engine;
use crate::limit::words;
use crate::outcome::Outcome;
use crate::record::failure_note;
use crate::visit::Stage;

/// What a run reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The installer has finished.
    Done,
    /// The installer has failed.
    Fail {
        /// Why, in its words.
        reason: String,
    },
    /// The installed system is up.
    Up,
    /// The installer is under way.
    Progress {
        /// What it is doing.
        stage: Option<String>,
        /// How far it is with that, in hundredths.
        percent: Option<u8>,
        /// More words.
        message: Option<String>,
    },
    /// The installer asks whether it may overwrite a disk.
    Guard {
        /// The disk's serial number.
        serial: String,
        /// What was found on it; nothing if it is empty.
        content: Option<String>,
    },
}

/// What the reporter is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportReply {
    /// It is noted, or was so already.
    Noted,
    /// The guard's answer.
    Guard(GuardVerdict),
    /// There is no such run, or not any more.
    NoSuchRun,
    /// It cannot be recorded now; try again.
    StoreDown,
}

/// The stage that a run's own iPXE script names when it could not go on.
const SCRIPT_STAGE: &str = "ipxe";

impl Engine {
    /// A run reports. A report that was made before is noted again and changes nothing.
    pub fn report(&mut self, now: Timestamp, token: Token, report: &Report) -> Outcome<ReportReply> {
        let Some((id, run)) = self.live_token(now, token) else {
            return self.outcome(ReportReply::NoSuchRun);
        };
        let promise = matches!(
            report,
            Report::Done | Report::Fail { .. } | Report::Up | Report::Guard { .. }
        );
        if promise && !self.store_ready {
            return self.outcome(ReportReply::StoreDown);
        }
        let reply = match report {
            Report::Done => self.done(now, &id, run, token, "installer finished"),
            Report::Fail { reason } => self.fail(now, &id, run, token, Failure::Reported(words(reason))),
            Report::Up => {
                let note = format!("run {run}, the installed system is up");
                let event = Event::CameUp { run, token, at: now };
                self.noted(now, &id, &event, Verb::Up, note)
            }
            Report::Progress {
                stage,
                percent,
                message,
            } => {
                self.progress(now, &id, run, stage.as_deref(), *percent, message.as_deref());
                ReportReply::Noted
            }
            Report::Guard { serial, content } => self.guard(now, &id, run, token, serial, content.as_deref()),
        };
        // What asks for a disk or tells how far it is may be an installer that nobody waits for any more, or iPXE.
        if matches!(report, Report::Done | Report::Fail { .. } | Report::Up) {
            self.system_started(now, &id, "its system reported");
        }
        // A repeated report may overtake the record of the first: it promises the same, so it waits as well.
        self.pending.promises |= promise;
        self.outcome(reply)
    }

    /// Whether a token belongs to a run that still answers.
    #[must_use]
    pub fn knows_run(&self, now: Timestamp, token: Token) -> bool {
        self.live_token(now, token).is_some()
    }

    /// Which run of which host a token belongs to, while it answers.
    #[must_use]
    pub fn run_of(&self, now: Timestamp, token: Token) -> Option<(HostId, RunNumber)> {
        self.live_token(now, token)
    }

    /// Whose token this is, while it answers: until its run's deadline.
    pub(crate) fn live_token(&self, now: Timestamp, token: Token) -> Option<(HostId, RunNumber)> {
        let (id, number) = self.tokens.get(&token)?;
        let host = self.world.hosts.get(id)?;
        let under_way = host
            .state
            .phase
            .run()
            .filter(|run| run.token == token)
            .map(|run| run.deadline);
        let over = || host.runs.iter().find(|run| run.token == token).map(|run| run.deadline);
        let deadline = under_way.or_else(over)?;
        (now < deadline).then(|| (id.clone(), *number))
    }

    fn noted(&mut self, now: Timestamp, id: &HostId, event: &Event, verb: Verb, note: String) -> ReportReply {
        match self.happen(now, Cause::Machine, id, event, verb, note) {
            Ok(()) => {}
            Err(why @ (Stayed::Already | Stayed::Late | Stayed::Foreign)) => {
                tracing::debug!(host = %id, ?verb, %why, "a report changed nothing");
            }
            Err(why) => tracing::warn!(host = %id, ?verb, %why, "a report was not accepted"),
        }
        ReportReply::Noted
    }

    pub(crate) fn done(
        &mut self,
        now: Timestamp,
        id: &HostId,
        run: RunNumber,
        token: Token,
        what: &str,
    ) -> ReportReply {
        let state = self.host(id).map(|host| host.state.phase.clone()).unwrap_or_default();
        let took = state
            .run()
            .map(|run| format!(" in {}", now.since(run.started)))
            .unwrap_or_default();
        let next = match &state {
            bootwright_core::Phase::Installing { rest, .. } => match rest.first() {
                Some(profile) => format!("next boot: {profile}"),
                None => "next boots: local disk".to_owned(),
            },
            _ => String::new(),
        };
        if state.run().is_some_and(|present| present.number == run) {
            self.doubt_end(now, id, run);
        }
        let note = format!("run {run}, {what}{took}; {next}");
        self.noted(now, id, &Event::Finished { run, token, at: now }, Verb::Done, note)
    }

    /// An end that was reported before its machine fetched anything. To believe it is safe, since no disk is written after it;
    /// but it may be somebody else's word.
    fn doubt_end(&mut self, now: Timestamp, id: &HostId, run: RunNumber) {
        let token = self
            .host(id)
            .and_then(|host| host.state.phase.run())
            .map(|run| run.token);
        let has_documents = token
            .and_then(|token| self.ticket(now, token))
            .is_some_and(|ticket| !ticket.profile.files.is_empty());
        let visit = self.visits.get(id);
        let unseen = visit.is_some_and(|visit| visit.custody.is_some() && visit.stage < Stage::Kernel);
        if has_documents && unseen {
            let note = format!("run {run} is reported to be done before it has fetched anything: look at the machine");
            self.note(now, id, Cause::Machine, Verb::Warn, note);
        }
    }

    fn fail(&mut self, now: Timestamp, id: &HostId, run: RunNumber, token: Token, failure: Failure) -> ReportReply {
        let note = failure_note(run.get(), &failure);
        self.noted(
            now,
            id,
            &Event::RunFailed {
                run,
                token,
                at: now,
                failure,
            },
            Verb::Fail,
            note,
        )
    }

    fn progress(
        &mut self,
        now: Timestamp,
        id: &HostId,
        run: RunNumber,
        stage: Option<&str>,
        percent: Option<u8>,
        message: Option<&str>,
    ) {
        let present = self.host(id).and_then(|host| host.state.phase.run());
        if present.is_none_or(|present| present.number != run) {
            return;
        }
        // The script of the run could not fetch or start something: that is no sign of an installer, and however often it
        // comes the stage takes too long.
        let from_script = stage == Some(SCRIPT_STAGE);
        let said = [stage, message]
            .into_iter()
            .flatten()
            .map(words)
            .collect::<Vec<_>>()
            .join(": ");
        let percent = percent.map(|percent| percent.min(100));
        let visit = self.visits.entry(id.clone()).or_default();
        let mut came_on = false;
        if !from_script {
            came_on = visit.reach(now, Stage::Installer);
            came_on |= visit.pace.hear(now, &said);
            came_on |= visit.pace.count(now, percent);
            visit.percent = percent;
        }
        let news = !said.is_empty() && visit.message.as_deref() != Some(&said);
        if news {
            visit.message = Some(said.clone());
        }
        if came_on {
            self.came_on(now, id);
        }
        if news {
            if from_script {
                let note = format!("run {run}, its script could not go on: {said}");
                self.note(now, id, Cause::Machine, Verb::Warn, note);
            } else {
                self.voice_note(now, id, run, Verb::Fetch, &said);
            }
        }
        self.reset_due(id);
    }

    fn guard(
        &mut self,
        now: Timestamp,
        id: &HostId,
        run: RunNumber,
        token: Token,
        serial: &str,
        content: Option<&str>,
    ) -> ReportReply {
        let serial = words(serial);
        let content = content.map(words);
        let Some(host) = self.host(id) else {
            return ReportReply::NoSuchRun;
        };
        let grant = match &host.state.phase {
            bootwright_core::Phase::Installing {
                run: present, grant, ..
            } if present.token == token => grant.clone(),
            _ => return ReportReply::Guard(GuardVerdict::Stop("the run is over".to_owned())),
        };
        let visit = self.visits.entry(id.clone()).or_default();
        let turns = visit.reach(now, Stage::Installer);
        if visit.pace.hear(now, &format!("disk {serial}")) || turns {
            self.came_on(now, id);
        }
        let disk = Disk {
            serial: &serial,
            content: content.as_deref(),
        };
        let verdict = guard(self.policy.safety.wipe, &grant, disk);
        match &verdict {
            GuardVerdict::Go => {
                let named = if serial.is_empty() {
                    "without a serial number"
                } else {
                    &serial
                };
                let note = format!("run {run}, disk guard: disk {named} may be overwritten");
                let event = Event::GuardPassed { run, token, serial };
                match self.happen(now, Cause::Machine, id, &event, Verb::Guard, note.clone()) {
                    Ok(()) | Err(Stayed::Already) => {}
                    Err(Stayed::NoSerial) => self.note(now, id, Cause::Machine, Verb::Guard, note),
                    Err(why) => return ReportReply::Guard(GuardVerdict::Stop(why.to_string())),
                }
            }
            GuardVerdict::Stop(why) => {
                let name = self.display_name(id).clone();
                let hint = if serial.is_empty() {
                    format!("{why}; empty it by hand, as no arming can name it")
                } else {
                    format!("{why}; `bootwright host arm {name} --allow-wipe {serial}` allows it once")
                };
                self.fail(now, id, run, token, Failure::Guard(hint));
            }
        }
        ReportReply::Guard(verdict)
    }
}
