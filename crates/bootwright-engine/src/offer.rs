//! Firmware asks by DHCP where to boot.

use std::sync::Arc;

use bootwright_core::fact::{Quality, mac_quality};
use bootwright_core::identify::Owner;
use bootwright_core::local::NO_FILE;
use bootwright_core::{
    Arch, Ask, Asker, Cause, Climb, Facts, HostDefinition, HostId, Loader, Make, Policy, Sighting, Strategy, Timestamp,
    Transport, Verb, Verdict, Way, Why, admit, decide,
};

use crate::engine::Engine;
use crate::limit::{BOOT_SPAN, HAND_SPAN};
use crate::outcome::Outcome;
use crate::visit::{Stage, Visit};

/// A DHCP request for boot data, after the protocol module has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferAsk {
    /// What it shows of the machine. Exactly one card: the one that it boots from.
    pub seen: Sighting,
    /// The architecture to serve.
    pub arch: Arch,
    /// What asks.
    pub loader: Loader,
    /// The way that the request took.
    pub way: Way,
    /// What it shows of its make.
    pub make: Make,
    /// What it wants to know.
    pub wants: Wants,
}

/// What firmware wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Who can boot it: it searches.
    Offer,
    /// Which file, of a server that it has chosen.
    File,
    /// Which file, for the entry of a menu that it was shown.
    MenuEntry,
}

/// What the firmware is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferReply {
    /// Fetch this file, by TFTP or HTTP as the architecture wants.
    FirstFile {
        /// The file's name in the firmware catalogue.
        file: String,
        /// How it is fetched.
        transport: Transport,
        /// How the offer is worded.
        strategy: Strategy,
    },
    /// Fetch the script.
    Script,
    /// Fetch the files whose names it knows itself, by TFTP.
    OwnFiles,
    /// Nothing.
    Silence(Why),
}

impl Engine {
    /// A machine's firmware asks where to boot. The answer waits for nothing.
    ///
    /// Only the card decides which host it is: a DHCP request shows no more than that and a UUID, and a UUID alone is
    /// often shared. A stranger whose UUID another host has is remembered only when its script shows the rest.
    pub fn offer(&mut self, now: Timestamp, ask: &OfferAsk) -> Outcome<OfferReply> {
        let reply = self.answer_offer(now, ask, true);
        self.outcome(reply)
    }

    /// What a machine is told to boot. `first` says whether it begins to ask, or takes up an offer that was made to it.
    pub(crate) fn answer_offer(&mut self, now: Timestamp, ask: &OfferAsk, first: bool) -> OfferReply {
        let policy = Arc::clone(&self.policy);
        let known = ask.seen.boot_mac.and_then(|mac| self.index.by_mac(mac)).cloned();
        let mut definition = match &known {
            Some(id) => self.definition_within(&policy, id),
            // Of the card, as long as the host is not in the record.
            None => ask.seen.boot_mac.and_then(|mac| {
                let name = self.definition_for(&Facts::of_mac(mac))?;
                policy.hosts.get(&name)
            }),
        };
        let mut question = Ask::Offer {
            arch: ask.arch,
            loader: ask.loader,
            file: 0,
            handed: false,
            entry: ask.wants == Wants::MenuEntry && !self.was_shown_menu(ask),
            way: ask.way,
        };
        if let Some(why) = admit(&policy, definition, question) {
            self.tell_intruder(now, ask.seen.boot_mac, &why);
            // Another server may lead it here, and then its language has to be known.
            if let Some(visit) = known
                .and_then(|id| self.visits.get_mut(&id))
                .filter(|_| ask.loader == Loader::UBoot)
            {
                visit.rom = Some(Loader::UBoot);
            }
            return OfferReply::Silence(why);
        }
        let id = known.or_else(|| {
            let met = self.meet_card(now, ask)?;
            definition = self.definition_within(&policy, &met);
            Some(met)
        });
        let before = match &id {
            Some(id) if first => self.greet(now, id, ask),
            Some(id) => self
                .visits
                .get(id)
                .map_or(Before::default(), |visit| Before::of(now, visit)),
            None => Before::default(),
        };
        let host = id.as_ref().and_then(|id| self.world.hosts.get(id)).map(AsRef::as_ref);
        let climb = self.stand(now, host, before.climb, definition, ask);
        let back = before
            .climb
            .filter(|before| climb.is_some_and(|climb| before.came_back(&climb)));
        if let Ask::Offer { file, handed, .. } = &mut question {
            *file = climb.map_or(0, |climb| climb.file);
            *handed = before.handed;
        }
        let asker = host.map_or(Asker::Stranger, Asker::Host);
        let mut verdict = decide(&policy, &self.situation(now), asker, definition, &ask.seen, question);
        if let (Some(id), Some(back)) = (&id, back) {
            let named = definition.and_then(|definition| definition.first_file.as_deref());
            self.note_return(now, id, &policy, named, &back);
        }
        if first
            && ask.wants == Wants::Offer
            && sends_past_loader(&verdict)
            && let Some(id) = &id
            && self.passed_by(now, id, &ask.seen, ask.arch)
            && let Some(host) = self.world.hosts.get(id)
        {
            let (asker, situation) = (Asker::Host(host), self.situation(now));
            verdict = decide(&policy, &situation, asker, definition, &ask.seen, question);
        }
        match verdict {
            Verdict::FirstFile(file) => {
                if let Some(visit) = id.filter(|_| file != NO_FILE).and_then(|id| self.visits.get_mut(&id)) {
                    visit.climb = climb.or(visit.climb);
                    if ask.loader == Loader::IpxeWithoutHttp {
                        visit.handed.get_or_insert(now);
                    }
                }
                OfferReply::FirstFile {
                    file,
                    transport: ask.arch.transport(),
                    strategy: climb.map_or(Strategy::Direct, |climb| climb.strategy),
                }
            }
            Verdict::AskAgainByScript => OfferReply::Script,
            Verdict::OwnFiles => OfferReply::OwnFiles,
            Verdict::Silence(why) => {
                if let Some(id) = id.as_ref().filter(|_| matches!(why, Why::Observing(_))) {
                    self.note_observed(now, id, ask.loader, why.to_string());
                }
                OfferReply::Silence(why)
            }
            Verdict::Install { .. }
            | Verdict::Confirm(_)
            | Verdict::Menu(_)
            | Verdict::GiveUp
            | Verdict::AutoArm { .. }
            | Verdict::Live(_)
            | Verdict::Local(_)
            | Verdict::Hold(_) => OfferReply::Script,
        }
    }

    /// Records that a machine fetched its boot program and is back without a word of it.
    fn note_return(&mut self, now: Timestamp, id: &HostId, policy: &Policy, named: Option<&str>, before: &Climb) {
        let of_arch = policy.boot_files(before.arch).nth(usize::from(before.file));
        let file = named.or(of_arch).unwrap_or("its boot program");
        let hint = if before.arch.is_uefi() {
            "; with Secure Boot its firmware starts only what a key that it knows has signed"
        } else {
            ""
        };
        let note = format!("came back without having started {file}, which it had fetched{hint}");
        self.note(now, id, Cause::Machine, Verb::Warn, note);
    }

    /// What the configuration says of a host in the record.
    fn definition_within<'a>(&self, policy: &'a Policy, id: &HostId) -> Option<&'a HostDefinition> {
        policy.hosts.get(self.definition_of.get(id)?)
    }

    /// Records what a machine would be answered if we did not only observe, once for each kind of program that asks and
    /// again when it would be another answer.
    fn note_observed(&mut self, now: Timestamp, id: &HostId, loader: Loader, words: String) {
        let visit = self.visits.entry(id.clone()).or_default();
        let by = if loader.is_rom() { 0 } else { 1 };
        if visit.observed[by].as_ref() != Some(&words) {
            visit.observed[by] = Some(words.clone());
            self.note(now, id, Cause::Machine, Verb::Seen, words);
        }
    }

    /// Remembers a card that no host has, if it can be known again.
    fn meet_card(&mut self, now: Timestamp, ask: &OfferAsk) -> Option<HostId> {
        let facts = &ask.seen.facts;
        let mac = ask.seen.boot_mac?;
        let uuid_free = facts
            .uuid
            .is_none_or(|uuid| uuid.is_junk() || self.index.by_uuid(uuid) == Owner::None);
        let defined = self
            .definition_for(facts)
            .filter(|name| !self.world.hosts.contains_key(name));
        let knowable = defined.is_some() || mac_quality(mac) == Quality::Good;
        if uuid_free && knowable {
            self.add_host(now, Cause::Machine, facts, defined)
        } else {
            None
        }
    }

    /// Notes the beginning of a boot. Says how the machine stood before it.
    fn greet(&mut self, now: Timestamp, id: &HostId, ask: &OfferAsk) -> Before {
        let visit = self.visits.entry(id.clone()).or_default();
        let before = Before::of(now, visit);
        let news = visit.stage != Stage::Discover || visit.seen.is_none_or(|seen| now.since(seen) > BOOT_SPAN);
        let ipxe = !ask.loader.is_rom();
        let first_round = !ipxe || visit.stage == Stage::Unseen || visit.stage > Stage::FirstFile;
        visit.see(now, &ask.seen);
        visit.arch = Some(ask.arch);
        visit.rom = ask.loader.is_rom().then_some(ask.loader).or(visit.rom);
        let forgotten = visit.handed.is_some_and(|at| now.since(at) >= HAND_SPAN);
        if forgotten || ask.loader == Loader::Ipxe {
            visit.handed = None;
        }
        if news && first_round {
            visit.reach(now, Stage::Discover);
            let by = if ipxe { "iPXE" } else { "firmware" };
            self.note_with(now, id, Cause::Machine, Verb::Seen, || {
                let link = ask.seen.link.as_deref();
                let link = link.map(|link| format!(" on {link}")).unwrap_or_default();
                let relay = ask.way.relay();
                let relay = relay.map(|relay| format!(" through relay {relay}")).unwrap_or_default();
                format!("{by} asks where to boot, {}{link}{relay}", ask.arch)
            });
        }
        before
    }

    /// Remembers which host says that it takes an address, in a DHCP request to another server. What comes by a way that
    /// is not listed teaches nothing.
    pub fn hear_address(&mut self, way: Way, mac: bootwright_core::MacAddr, address: std::net::IpAddr) {
        if way.refusal(&self.policy).is_none() {
            self.learn_address(mac, address);
        }
    }

    /// Remembers which host has an address, from the neighbour table.
    pub fn learn_address(&mut self, mac: bootwright_core::MacAddr, address: std::net::IpAddr) {
        if let Some(id) = self.index.by_mac(mac).cloned() {
            self.bind_address(&id, address);
        }
    }

    /// Remembers why a request of a machine got no answer, for `explain`. The words are made only for hosts that we know,
    /// or that the configuration names.
    pub fn overheard(&mut self, now: Timestamp, mac: bootwright_core::MacAddr, why: impl FnOnce() -> String) {
        let place = if let Some(id) = self.index.by_mac(mac) {
            &mut self.visits.entry(id.clone()).or_default().ignored
        } else if let Some(name) = self.definitions.by_mac(mac) {
            self.unmet.entry(name.clone()).or_default()
        } else {
            return;
        };
        let why = why();
        let times = match place.take() {
            Some(before) if before.why == why => before.times.saturating_add(1),
            _ => 1,
        };
        *place = Some(crate::visit::Ignored { why, times, last: now });
    }

    pub(crate) fn bind_address(&mut self, id: &HostId, address: std::net::IpAddr) {
        let visit = self.visits.entry(id.clone()).or_default();
        let old = visit.address.replace(address);
        if let Some(old) = old.filter(|old| *old != address && self.addresses.get(old) == Some(id)) {
            self.addresses.remove(&old);
        }
        if self.addresses.get(&address) != Some(id) {
            self.addresses.insert(address, id.clone());
        }
    }
}

/// Whether firmware is kept from any boot loader, so that it goes on to its disk.
fn sends_past_loader(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::FirstFile(file) => file == NO_FILE,
        verdict => *verdict == Verdict::Silence(Why::OwnDisk),
    }
}

/// How a machine stood when it asked.
#[derive(Clone, Copy, Default)]
struct Before {
    /// Whether it was handed a boot program and came back with it.
    handed: bool,
    /// Where its firmware stood on the ladder of offers.
    climb: Option<Climb>,
}

impl Before {
    fn of(now: Timestamp, visit: &Visit) -> Self {
        Self {
            handed: came_back(now, visit),
            climb: visit.climb,
        }
    }
}

/// Whether a machine has fetched the boot program that it was handed, and did not get on with it.
fn came_back(now: Timestamp, visit: &Visit) -> bool {
    let fetched = |at| visit.stage == Stage::FirstFile && visit.since.is_some_and(|since| since >= at);
    visit.handed.is_some_and(|at| now.since(at) < HAND_SPAN && fetched(at))
}
