//! A run fetches its documents.

use std::collections::BTreeSet;
use std::sync::Arc;

use bootwright_core::{Cause, DoneTrigger, HostId, MacAddr, Phase, RunNumber, Timestamp, Token, Verb};

use crate::custody::{Custody, DocumentAsk, Held, Refusal};
use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::script::InstallTicket;
use crate::visit::{News, Stage};

/// What a run that fetches a document is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentReply {
    /// Render this document for this run.
    Render(Box<InstallTicket>),
    /// There is no such run or document, or not any more, or not for this asker.
    NoSuchDocument,
}

impl Engine {
    /// A run fetches one of its documents, which exist only while it is under way, and for its own machine.
    pub fn document(&mut self, now: Timestamp, ask: &DocumentAsk<'_>) -> Outcome<DocumentReply> {
        let reply = match self.admitted(now, ask) {
            Some(ticket) => DocumentReply::Render(Box::new(ticket)),
            None => DocumentReply::NoSuchDocument,
        };
        self.outcome(reply)
    }

    fn admitted(&mut self, now: Timestamp, ask: &DocumentAsk<'_>) -> Option<InstallTicket> {
        let Some(ticket) = self.find_document(now, ask.token, ask.name) else {
            if let Some((id, run)) = self.live_token(now, ask.token)
                && self.ticket(now, ask.token).is_none()
            {
                self.tell_refused(now, &id, run, ask, Refusal::Over);
            }
            return None;
        };
        let (id, run) = (ticket.host.id.clone(), ticket.run.number);
        if !self.policy.safety.documents_over_http {
            let name = ask.name;
            let note = format!("run {run} is not given {name}: `safety.documents_over_http` is false");
            self.news_once(now, &id, (News::Trouble, Verb::Warn), note);
            return None;
        }
        if let Err(refusal) = self.held(&ticket).admit(now, ask) {
            self.tell_refused(now, &id, run, ask, refusal);
            return None;
        }
        if ask.is_secret {
            let visit = self.visits.entry(id).or_default();
            let fresh = || Custody::new(run, ticket.run.attempts, ticket.run.started, ticket.run.to);
            visit.custody.get_or_insert_with(fresh).hand(now, ask);
        }
        Some(ticket)
    }

    pub(crate) fn held<'a>(&'a self, ticket: &InstallTicket) -> Held<'a> {
        let (host, run) = (&ticket.host, &ticket.run);
        let visit = self.visits.get(&host.id);
        let custody = visit.and_then(|visit| visit.custody.as_ref());
        Held {
            cards: self.cards_of(ticket),
            routed: self.policy.serves_beyond(),
            heard: visit.is_some_and(|visit| visit.stage == Stage::Installer),
            custody: custody.filter(|custody| (custody.run, custody.attempt) == (run.number, run.attempts)),
            to: run.to,
            binding: self.policy.safety.document_binding,
            window: self.policy.safety.document_window,
            started: run.started,
        }
    }

    /// The cards of the machine that was armed, as the operator saw it then, or names it. Cards that a machine claimed later
    /// count only where none were known: anybody on the wire can claim one.
    fn cards_of(&self, ticket: &InstallTicket) -> BTreeSet<MacAddr> {
        let mut cards = match &ticket.host.state.phase {
            Phase::Installing { grant, .. } => grant.machine.macs.clone(),
            _ => BTreeSet::new(),
        };
        let named = self.definition(&ticket.host.id);
        cards.extend(
            named
                .into_iter()
                .flat_map(|definition| definition.facts.macs.iter().copied()),
        );
        if cards.is_empty() {
            cards.clone_from(&ticket.host.facts.macs);
        }
        cards
    }

    /// The tripwire: somebody used a token who should not have it, or not any more.
    fn tell_refused(&mut self, now: Timestamp, id: &HostId, run: RunNumber, ask: &DocumentAsk<'_>, why: Refusal) {
        let (name, address) = (crate::limit::words(ask.name), ask.requester.address);
        let note = format!("run {run}, {name} was refused to {address}: {why}");
        self.news_once(now, id, (News::Refused, Verb::Warn), note);
    }

    /// Begins the custody of an attempt's documents when its script is handed out.
    pub(crate) fn begin_custody(&mut self, now: Timestamp, id: &HostId, run: RunNumber, attempt: u32) {
        let visit = self.visits.entry(id.clone()).or_default();
        let present = visit.custody.as_ref();
        if present.is_none_or(|custody| (custody.run, custody.attempt) != (run, attempt)) {
            visit.custody = Some(Custody::new(run, attempt, now, visit.address));
        }
    }

    fn find_document(&self, now: Timestamp, token: Token, name: &str) -> Option<InstallTicket> {
        let ticket = self.ticket(now, token)?;
        ticket.profile.has_document(name).then_some(ticket)
    }

    /// What the installer of a run under way needs, by the run's token.
    #[must_use]
    pub fn ticket(&self, now: Timestamp, token: Token) -> Option<InstallTicket> {
        let (id, _) = self.live_token(now, token)?;
        let host = self.host(&id)?;
        let run = host.state.phase.run().filter(|run| run.token == token)?;
        Some(InstallTicket {
            host: Arc::clone(host),
            name: self.display_name(&id).clone(),
            profile: self.profile_of_run(&id, &run.profile)?,
            run: run.clone(),
            boot_mac: self.visits.get(&id).and_then(|visit| visit.boot_mac),
        })
    }

    /// A document was delivered to the last byte; some profiles call that the end of the run.
    pub fn document_served(&mut self, now: Timestamp, token: Token, name: &str) -> Outcome<()> {
        if let Some(ticket) = self.find_document(now, token, name) {
            let (id, run) = (ticket.host.id.clone(), ticket.run.number);
            let visit = self.visits.entry(id.clone()).or_default();
            let turns = visit.reach(now, Stage::Installer);
            if visit.pace.hear(now, &format!("document {name}")) || turns {
                self.came_on(now, &id);
            }
            self.note(
                now,
                &id,
                Cause::Machine,
                Verb::Fetch,
                format!("run {run}, fetched {name}"),
            );
            if ticket.profile.done == DoneTrigger::ConfigServed(name.to_owned()) && self.store_ready {
                self.done(
                    now,
                    &id,
                    run,
                    token,
                    &format!("{name} was fetched, which ends this profile's runs,"),
                );
            }
            self.reset_due(&id);
        }
        self.outcome(())
    }
}
