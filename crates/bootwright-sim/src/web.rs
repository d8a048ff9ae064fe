//! The machine plane: requests by HTTP.

use std::net::Ipv4Addr;
use std::time::Duration;

use bootwright_core::local::NO_FILE;
use bootwright_core::{GuardVerdict, Sighting, Span, Token};
use bootwright_engine::{DocumentAsk, DocumentReply, FetchKind, Fetched, Report, ReportReply, Requester};
use bootwright_proto::http::target::parse;
use bootwright_proto::http::{Asked, Poll, Query, Report as Reported, ReportKind, Route, Trouble};
use bootwright_proto::script::ipxe::{ask_script, autoexec_script, boot_script};

use crate::daemon::Release;
use crate::reply::{Parked, Waiting, hold, script};
use crate::world::{Event, World};

/// How long a held machine's question is kept.
const POLL: Duration = Duration::from_secs(50);

/// How long one waits whom nobody could wake.
const POLL_OF_NOBODY: Duration = Duration::from_secs(10);

impl World {
    /// A request reaches the daemon, or nobody if it is down.
    pub(crate) fn request(&mut self, waiting: Waiting, target: &str) {
        let Some(daemon) = &self.daemon else {
            self.after(Duration::from_secs(1), Event::Response(waiting, 0, String::new()));
            return;
        };
        let base = daemon.base.clone();
        let Ok(request) = parse("GET", target.as_bytes()) else {
            return self.release(Release::Http(waiting, 404, String::new()));
        };
        match request.route {
            Route::Boot => self.release(Release::Http(waiting, 200, boot_script(&base))),
            Route::AutoExec => self.release(Release::Http(waiting, 200, autoexec_script(&base))),
            Route::Decision => self.decision(waiting, &request.query),
            Route::Hold => self.hold(waiting, &request.query),
            Route::Failed => self.failed(waiting, &request.query),
            Route::Firmware(path) => self.file(waiting, path.as_str(), FetchKind::Firmware),
            Route::Image(path) | Route::Asset(path) => self.file(waiting, path.as_str(), FetchKind::Image),
            Route::Report { token, kind } => self.report(waiting, token, kind, &request.query),
            Route::Document { token, name } => self.document(waiting, token, name.as_str()),
            // The simulated machines speak iPXE alone.
            Route::Code(_) | Route::Front(_) | Route::Elsewhere(_) | Route::Facts { .. } | Route::Proxmox => {
                self.release(Release::Http(waiting, 404, String::new()))
            }
        }
    }

    /// The address that a machine's requests come from.
    fn address_of(&mut self, machine: usize) -> Option<Ipv4Addr> {
        let leases = self.leases_addresses();
        let body = self.machines.get(machine)?;
        if leases {
            return body.address;
        }
        Some(self.lan.address(body.mac))
    }

    fn sighting(&mut self, waiting: Waiting, asked: &Asked) -> Sighting {
        Sighting {
            address: self.address_of(waiting.machine).map(Into::into),
            link: Some("lan0".to_owned()),
            confirmed: asked.confirmed,
            ..asked.sighting.clone()
        }
    }

    fn decision(&mut self, waiting: Waiting, query: &Query) {
        let poll = Poll::read(query);
        let seen = self.sighting(waiting, &poll.asked);
        let fresh = self.fresh_token();
        let max_attempts = self.policy.safety.max_attempts;
        let Some(base) = self.daemon.as_ref().map(|daemon| daemon.base.clone()) else {
            return;
        };
        self.ask(
            |engine, now| engine.script_with(now, &seen, fresh, |_| None),
            |reply| {
                Release::Http(
                    waiting,
                    200,
                    script(reply, &base, &poll.asked, poll.polls, max_attempts),
                )
            },
        );
    }

    fn hold(&mut self, waiting: Waiting, query: &Query) {
        let poll = Poll::read(query);
        let now = self.site_now();
        let Some(daemon) = &mut self.daemon else { return };
        let facts = poll.asked.sighting.facts.clone();
        let host = daemon.engine.find(&facts);
        let held = host.as_ref().is_some_and(|host| daemon.engine.is_held(now, host));
        let screen = daemon.screen(now, &facts);
        let parked = Parked {
            waiting,
            poll,
            facts,
            screen,
        };
        if host.is_some() && !held {
            return self.answer_parked(&parked);
        }
        daemon.parked.push(parked);
        let patience = if host.is_some() { POLL } else { POLL_OF_NOBODY };
        self.after(patience, Event::PollOver(waiting));
    }

    pub(crate) fn poll_over(&mut self, waiting: Waiting) {
        let Some(daemon) = &mut self.daemon else { return };
        let place = daemon.parked.iter().position(|parked| parked.waiting == waiting);
        if let Some(parked) = place.map(|place| daemon.parked.swap_remove(place)) {
            self.answer_parked(&parked);
        }
    }

    /// A held machine is answered: with the same screen, or with the advice to ask for the decision.
    pub(crate) fn answer_parked(&mut self, parked: &Parked) {
        let now = self.site_now();
        let Some(daemon) = &self.daemon else { return };
        let host = daemon.engine.find(&parked.facts);
        let screen = host.and_then(|host| daemon.engine.held_screen(now, &host));
        let body = match screen {
            Some(screen) => hold(&screen, &daemon.base, &parked.poll.asked, &parked.poll),
            None => ask_script(&daemon.base, &parked.poll),
        };
        self.release(Release::Http(parked.waiting, 200, body));
    }

    fn failed(&mut self, waiting: Waiting, query: &Query) {
        let trouble = Trouble::read(query);
        let seen = self.sighting(waiting, &trouble.asked);
        self.ask(
            |engine, now| engine.trouble(now, &seen, "its script could not go on"),
            |()| Release::Http(waiting, 200, "ok".to_owned()),
        );
    }

    fn file(&mut self, waiting: Waiting, name: &str, kind: FetchKind) {
        if name == NO_FILE {
            return self.release(Release::Http(waiting, 404, String::new()));
        }
        let Some(peer) = self.address_of(waiting.machine) else {
            return;
        };
        let fetched = Fetched {
            peer: peer.into(),
            name: name.to_owned(),
            kind,
            bytes: 3_000,
            took: Span::from_millis(10),
            failure: None,
        };
        self.ask(
            |engine, now| engine.fetched(now, &fetched),
            |()| Release::Http(waiting, 200, "data".to_owned()),
        );
    }

    fn report(&mut self, waiting: Waiting, token: Token, kind: ReportKind, query: &Query) {
        let report = match Reported::read(kind, query, None, b"") {
            Reported::Done => Report::Done,
            Reported::Up => Report::Up,
            Reported::Fail { reason } => Report::Fail {
                reason: reason.unwrap_or_default(),
            },
            Reported::Log(_) => return self.release(Release::Http(waiting, 200, "ok".to_owned())),
            Reported::Progress(progress) if progress.stage.as_deref() == Some("guard") => Report::Guard {
                serial: progress.serial.unwrap_or_default(),
                content: progress.content,
            },
            Reported::Progress(progress) => Report::Progress {
                stage: progress.stage,
                percent: progress.percent,
                message: progress.message,
            },
        };
        self.ask(
            |engine, now| engine.report(now, token, &report),
            |reply| match reply {
                ReportReply::Noted => Release::Http(waiting, 200, "ok".to_owned()),
                ReportReply::Guard(GuardVerdict::Go) => Release::Http(waiting, 200, "go".to_owned()),
                ReportReply::Guard(GuardVerdict::Stop(why)) => Release::Http(waiting, 200, format!("stop {why}")),
                ReportReply::NoSuchRun => Release::Http(waiting, 404, String::new()),
                ReportReply::StoreDown => Release::Http(waiting, 503, String::new()),
            },
        );
    }

    fn document(&mut self, waiting: Waiting, token: Token, name: &str) {
        let Some(address) = self.address_of(waiting.machine) else {
            return self.release(Release::Http(waiting, 404, String::new()));
        };
        let requester = Requester {
            address: address.into(),
            station: self.machines.get(waiting.machine).map(|machine| machine.mac),
        };
        let ask = DocumentAsk {
            token,
            name,
            requester,
            is_secret: false,
        };
        self.ask(
            |engine, now| engine.document(now, &ask),
            |reply| match reply {
                DocumentReply::Render(_) => Release::Http(waiting, 200, "document".to_owned()),
                DocumentReply::NoSuchDocument => Release::Http(waiting, 404, String::new()),
            },
        );
    }
}
