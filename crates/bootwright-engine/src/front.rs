//! A boot loader other than iPXE asks what to do: who it is, and whether it only fetches once more what it was told.

use std::net::IpAddr;

use bootwright_core::identify::Owner;
use bootwright_core::{
    Ask, Facts, FrontEnd, HostId, Loader, MacAddr, Run, Sighting, Timestamp, Token, Trial, Uuid, Why,
};
use bootwright_proto::script::name::{Act, Asking, PiSerial, Who};

use crate::engine::Engine;
use crate::limit::{PI_PROMISE_SPAN, PI_PROMISE_TIMES_MAX, PROMISE_SPAN, PROMISE_TIMES_MAX};
use crate::outcome::Outcome;
use crate::script::{InstallTicket, ScriptReply, ScriptTurn};
use crate::visit::{Promise, Stage, Visit};

/// A boot loader asks for its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontAsk {
    /// What the name of the file says.
    pub asking: Asking,
    /// The card that the packet came from, where it is known.
    pub station: Option<MacAddr>,
    /// The address that it came from.
    pub address: IpAddr,
    /// The interface of ours on which it came.
    pub link: Option<String>,
}

/// What the boot loader is told, and what its question showed of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontReply {
    /// The machine.
    pub seen: Sighting,
    /// The language in which it is answered.
    pub front: FrontEnd,
    /// The answer, or what has to be done before there is one.
    pub turn: ScriptTurn,
}

impl Engine {
    /// A boot loader other than iPXE asks what to do. `fresh` is a new random token, used if a run begins; `trial` is what
    /// came of rendering what the answer to the same question asked for.
    pub fn front(&mut self, now: Timestamp, ask: &FrontAsk, fresh: Token, trial: Option<Trial>) -> Outcome<FrontReply> {
        let (seen, known) = self.front_sighting(now, ask);
        let front = self.spoken(ask.asking.front, &seen);
        let turn = if known {
            self.tell(now, front, &seen, fresh, trial)
        } else {
            ScriptTurn::Reply(ScriptReply::Silence(Why::NameTellsNobody))
        };
        self.outcome(FrontReply { seen, front, turn })
    }

    /// Both turns in one, for those who may render while they have the engine for themselves. `render` says why it cannot,
    /// if so.
    pub fn front_with(
        &mut self,
        now: Timestamp,
        ask: &FrontAsk,
        fresh: Token,
        render: impl FnOnce(&InstallTicket) -> Option<String>,
    ) -> Outcome<ScriptReply> {
        let (seen, known) = self.front_sighting(now, ask);
        let front = self.spoken(ask.asking.front, &seen);
        let reply = if known {
            self.tell_with(now, front, &seen, fresh, render)
        } else {
            ScriptReply::Silence(Why::NameTellsNobody)
        };
        self.outcome(reply)
    }

    /// The language of whoever asks: U-Boot asks for the files of PXELINUX, and only its DHCP request told that it is none.
    fn spoken(&self, front: FrontEnd, seen: &Sighting) -> FrontEnd {
        let rom = || self.visits.get(&self.known_by(&seen.facts)?)?.rom;
        match front {
            FrontEnd::Pxelinux if rom() == Some(Loader::UBoot) => FrontEnd::UBoot,
            front => front,
        }
    }

    /// What the question shows of the machine, and whether that tells it from others at all.
    pub(crate) fn front_sighting(&self, now: Timestamp, ask: &FrontAsk) -> (Sighting, bool) {
        let mut seen = Sighting {
            address: Some(ask.address),
            link: ask.link.clone(),
            confirmed: ask.asking.act == Act::Agreed,
            chosen: ask.asking.act.chosen(),
            ..Sighting::default()
        };
        let facts = self.facts_of(now, ask);
        let known = facts.is_some();
        if let Some((facts, boot_mac)) = facts {
            (seen.facts, seen.boot_mac) = (facts, boot_mac);
        }
        (seen, known)
    }

    /// What the question shows of the machine; nothing if its next question will show more.
    ///
    /// A name that holds a card speaks for itself, as a query of iPXE does. A UUID alone does not: many boards share one,
    /// and every boot loader that knows its UUID asks by its card next. It is taken for a host of which nothing else is
    /// known. Whoever says nothing is known by the address that it has.
    fn facts_of(&self, now: Timestamp, ask: &FrontAsk) -> Option<(Facts, Option<MacAddr>)> {
        match ask.asking.who {
            Who::Card { mac, uuid } => {
                let facts = Facts {
                    uuid,
                    ..Facts::of_mac(mac)
                };
                Some((facts, Some(mac)))
            }
            Who::Uuid(uuid) => {
                let facts = Facts {
                    uuid: Some(self.known_by_uuid_alone(uuid)?),
                    macs: ask.station.into_iter().collect(),
                    ..Facts::default()
                };
                Some((facts, ask.station))
            }
            Who::Serial(serial) => {
                let there = self.host_at(now, ask.address);
                let visit = there.as_ref().and_then(|id| self.visits.get(id));
                let mac = ask.station.or(visit.and_then(|visit| visit.boot_mac));
                let facts = Facts {
                    macs: mac.into_iter().collect(),
                    serial: Some(self.whole_serial(serial)),
                    ..Facts::default()
                };
                Some((facts, mac))
            }
            Who::Address(_) | Who::Anyone => {
                let there = self.host_at(now, ask.address);
                let visit = there.as_ref().and_then(|id| self.visits.get(id));
                let mac = ask.station.or(visit.and_then(|visit| visit.boot_mac));
                let known = there.and_then(|id| self.host(&id)).map(|host| host.facts.clone());
                let facts = mac.map(Facts::of_mac).or(known).unwrap_or_default();
                Some((facts, mac))
            }
        }
    }

    /// A UUID, in the byte order in which it is known, by which a host is known and by no card.
    fn known_by_uuid_alone(&self, uuid: Uuid) -> Option<Uuid> {
        let host = match self.index.by_uuid(uuid) {
            Owner::One(id) => self.host(id).map(|host| &host.facts),
            Owner::None => match self.definitions.by_uuid(uuid) {
                Owner::One(name) => self.policy.hosts.get(name).map(|definition| &definition.facts),
                Owner::None | Owner::Several => None,
            },
            Owner::Several => None,
        };
        host.filter(|facts| facts.macs.is_empty()).and_then(|facts| facts.uuid)
    }

    /// The serial number of a Raspberry Pi, in the form in which it is known: its firmware asks by the last eight of sixteen
    /// digits, the first eight of which are zeros, or a one and zeros.
    fn whole_serial(&self, serial: PiSerial) -> String {
        let short = serial.to_string();
        let forms = [format!("10000000{short}"), format!("00000000{short}")];
        let is_known = |form: &String| {
            let owners = [self.index.by_serial(form), self.definitions.by_serial(form)];
            owners.iter().any(|owner| *owner != Owner::None)
        };
        forms.into_iter().find(is_known).unwrap_or(short)
    }

    /// Notes whether the boot loader that asks is the one that asked before.
    ///
    /// It is the same start of the machine as long as nothing else was heard of it: a new one begins with a DHCP request
    /// and a boot program, and what was started has fetched its kernel. iPXE fetches its script exactly once.
    pub(crate) fn note_start(&mut self, front: FrontEnd, id: &HostId) {
        let visit = self.visits.entry(id.clone()).or_default();
        visit.same_start = goes_on(visit, front);
        visit.front = Some(front);
    }

    /// What the boot loader that asked last would ask if it asked at this moment.
    pub(crate) fn next_script_ask(&self, now: Timestamp, id: &HostId) -> Ask {
        let same = self.visits.get(id).is_some_and(|visit| {
            let front = visit.front;
            front.is_some_and(|front| goes_on(visit, front))
        });
        self.script_ask_as(now, id, same)
    }

    /// Whether a boot loader asks anew or fetches once more which attempt it was told to begin a moment ago.
    pub(crate) fn script_ask(&self, now: Timestamp, id: &HostId) -> Ask {
        let same = self.visits.get(id).is_some_and(|visit| visit.same_start);
        self.script_ask_as(now, id, same)
    }

    fn script_ask_as(&self, now: Timestamp, id: &HostId, same_start: bool) -> Ask {
        let run = self.host(id).and_then(|host| host.state.phase.run());
        let Some((visit, run)) = self.visits.get(id).zip(run) else {
            return Ask::Script;
        };
        let told = |promise: &Promise| {
            let same = run.number == promise.run && run.attempts == promise.attempt;
            let (span, times_max) = match visit.front {
                Some(FrontEnd::RaspberryPi) => (PI_PROMISE_SPAN, PI_PROMISE_TIMES_MAX),
                _ => (PROMISE_SPAN, PROMISE_TIMES_MAX),
            };
            same && now.since(promise.at) < span && promise.times < times_max
        };
        match &visit.promise {
            Some(promise) if same_start && told(promise) => Ask::ScriptAgain,
            Some(_) | None => Ask::Script,
        }
    }

    /// Whether a boot loader fetches once more that it shall start the disk. It has not come back from there, then.
    pub(crate) fn is_sent_to_disk(&self, now: Timestamp, id: &HostId) -> bool {
        let visit = self.visits.get(id).filter(|visit| visit.same_start);
        visit.is_some_and(|visit| was_sent_to_disk(now, visit))
    }

    /// The same if the boot loader that asked last asked at this moment.
    pub(crate) fn would_be_sent_to_disk(&self, now: Timestamp, id: &HostId) -> bool {
        self.visits.get(id).is_some_and(|visit| {
            let front = visit.front;
            front.is_some_and(|front| goes_on(visit, front)) && was_sent_to_disk(now, visit)
        })
    }

    /// Remembers which attempt a boot loader was told to begin.
    pub(crate) fn promise(&mut self, now: Timestamp, id: &HostId, run: &Run) {
        let visit = self.visits.entry(id.clone()).or_default();
        let before = visit
            .promise
            .filter(|promise| promise.run == run.number && promise.attempt == run.attempts);
        visit.promise = Some(Promise {
            run: run.number,
            attempt: run.attempts,
            at: now,
            times: before.map_or(1, |promise| promise.times.saturating_add(1)),
        });
    }
}

fn was_sent_to_disk(now: Timestamp, visit: &Visit) -> bool {
    visit.sent_to_disk.is_some_and(|at| now.since(at) < PROMISE_SPAN)
}

/// Whether a question by this boot loader is one more of the same start of the machine.
fn goes_on(visit: &Visit, front: FrontEnd) -> bool {
    let goes_on = match front {
        FrontEnd::Ipxe => false,
        FrontEnd::Pxelinux | FrontEnd::UBoot | FrontEnd::Grub => visit.stage == Stage::Script,
        // Whoever asks for a machine asks once when its firmware calls and once when its boot loader does.
        FrontEnd::Pixiecore => visit.stage == Stage::Script,
        // It reads its configuration up to ten times, between the other files, and its next start begins with DHCP.
        FrontEnd::RaspberryPi => visit.stage >= Stage::Script,
    };
    goes_on && visit.front == Some(front)
}
