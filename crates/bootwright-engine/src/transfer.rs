//! A machine has fetched a file: who it was, and what that says of its boot.

use std::net::IpAddr;

use bootwright_core::{Cause, DoneTrigger, HostId, Span, Timestamp, Verb};
use bootwright_proto::script::name::is_module;

use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::visit::Stage;

/// A file that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Who fetched it.
    pub peer: IpAddr,
    /// Its name, as people know it.
    pub name: String,
    /// What kind of file it is.
    pub kind: FetchKind,
    /// How many bytes were delivered.
    pub bytes: u64,
    /// How long that took.
    pub took: Span,
    /// Nothing if the last byte was delivered, else why it was not.
    pub failure: Option<String>,
}

/// What kind of file was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchKind {
    /// A first boot file.
    Firmware,
    /// A file of an image.
    Image,
    /// Any other file.
    Other,
}

/// A file on its way to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetching {
    /// Its name, as people know it.
    pub name: String,
    /// How many bytes of it the machine has.
    pub bytes: u64,
    /// How many bytes it has in all.
    pub size: u64,
}

impl Engine {
    /// A file was delivered, or not.
    pub fn fetched(&mut self, now: Timestamp, fetched: &Fetched) -> Outcome<()> {
        self.fetch_ended(fetched.peer, &fetched.name);
        if let Some(id) = self.host_at(now, fetched.peer) {
            self.fetched_by(now, &id, fetched);
        }
        self.outcome(())
    }

    /// A boot file was asked for, and not for its own sake: firmware asks for the size first.
    pub fn fetching(&mut self, peer: IpAddr) {
        let visit = self.addresses.get(&peer).and_then(|id| self.visits.get_mut(id));
        if let Some(climb) = visit.and_then(|visit| visit.climb.as_mut()) {
            climb.fetching();
        }
    }

    /// How far a file is, for readers; nothing is recorded. Of several files the one told of last is shown. Says whether it
    /// is known whose address that is.
    pub fn progressing(&mut self, now: Timestamp, peer: IpAddr, fetching: Fetching) -> bool {
        let Some(id) = self.host_at(now, peer) else {
            return false;
        };
        let visit = self.visits.entry(id.clone()).or_default();
        visit.seen = Some(now);
        visit.fetching = Some(fetching);
        true
    }

    /// A file is no longer on its way, however that ended.
    pub fn fetch_ended(&mut self, peer: IpAddr, name: &str) {
        let visit = self.addresses.get(&peer).and_then(|id| self.visits.get_mut(id));
        if let Some(visit) = visit {
            visit.fetching.take_if(|fetching| fetching.name == name);
        }
    }

    fn fetched_by(&mut self, now: Timestamp, id: &HostId, fetched: &Fetched) {
        let Some(host) = self.host(id).cloned() else { return };
        let run = host.state.phase.run();
        let whole = fetched.failure.is_none();
        let stage = match fetched.kind {
            FetchKind::Firmware if is_module(&fetched.name) => None,
            FetchKind::Firmware => Some(Stage::FirstFile),
            // A boot program of the site's own may lie in its directory for TFTP.
            FetchKind::Other if self.is_first_file(id, &fetched.name) => Some(Stage::FirstFile),
            FetchKind::Image if run.is_some() => Some(Stage::Kernel),
            FetchKind::Image | FetchKind::Other => None,
        };
        let visit = self.visits.entry(id.clone()).or_default();
        visit.seen = Some(now);
        if let Some(stage) = stage.filter(|stage| whole && (*stage > visit.stage || *stage == Stage::FirstFile)) {
            visit.reach(now, stage);
        }
        let comes_on = whole && run.is_some() && visit.pace.hear(now, &format!("file {}", fetched.name));
        if let Some(climb) = visit.climb.as_mut().filter(|_| fetched.kind == FetchKind::Firmware) {
            if whole { climb.fetched() } else { climb.fetching() }
        }
        let prefix = run.map(|run| format!("run {}, ", run.number)).unwrap_or_default();
        let (name, size) = (&fetched.name, byte_words(fetched.bytes));
        let note = match &fetched.failure {
            None => format!("{prefix}fetched {name}, {size} in {}", fetched.took),
            Some(why) if fetched.bytes == 0 => format!("{prefix}did not get {name}: {why}"),
            Some(why) => format!("{prefix}did not get {name} whole: {why} after {size}"),
        };
        let verb = if whole { Verb::Fetch } else { Verb::Warn };
        self.note(now, id, Cause::Machine, verb, note);
        if comes_on {
            self.came_on(now, id);
        }
        if let Some(run) = run.filter(|_| whole && self.store_ready) {
            let last = self
                .profile_of_run(id, &run.profile)
                .map(|profile| profile.done.clone());
            if last == Some(DoneTrigger::LastArtifact(name.clone())) {
                let event = bootwright_core::Event::Finished {
                    run: run.number,
                    token: run.token,
                    at: now,
                };
                let note = format!("run {}, {name} was fetched, which ends this profile's runs", run.number);
                let _: Result<(), _> = self.happen(now, Cause::Machine, id, &event, Verb::Done, note);
            }
        }
        self.reset_due(id);
    }
}

impl Engine {
    /// Whether a host's firmware is told to fetch a file of this name first.
    fn is_first_file(&self, id: &HostId, name: &str) -> bool {
        let own = self
            .definition(id)
            .and_then(|definition| definition.first_file.as_ref());
        let mut files = self.policy.first_files.values().chain(own);
        files.any(|file| file.rsplit('/').next() == Some(name))
    }
}

/// A number of bytes as people say it.
pub(crate) fn byte_words(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{} kB", bytes / 1000),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}
