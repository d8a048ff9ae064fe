//! The world: who is there, what is under way, and what happens next.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use bootwright_client::rom::Datagram;
use bootwright_config::Source;
use bootwright_core::{MacAddr, Policy, Span, Timestamp, Token};
use bootwright_engine::{Explanation, FetchKind, Fetched};
use bootwright_proto::tftp::Outcome as Ended;
use bootwright_store::{MemoryDisk, MemoryStore};

use crate::chance::Chance;
use crate::check::Checker;
use crate::clock::Clock;
use crate::daemon::{Daemon, Release};
use crate::deadline::Deadlines;
use crate::lan::Lan;
use crate::lease::LeaseChecker;
use crate::lend::{Errand, Parcel};
use crate::machine::{Body, Content, Doing, Oddity};
use crate::operator::Word;
use crate::reply::Waiting;

/// How a world begins.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What luck there is.
    pub seed: u64,
    /// How many machines there are.
    pub machines: usize,
    /// How many of them, the first ones, have data on their disks.
    pub with_data: usize,
    /// The operator's configuration.
    pub config: String,
    /// What goes wrong.
    pub faults: Faults,
}

/// What goes wrong, in times of a hundred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Datagrams that are lost.
    pub loss: u64,
    /// Datagrams that come twice.
    pub repeat: u64,
    /// How much later than others a datagram may come, in milliseconds.
    pub delay_ms: u64,
    /// Requests by HTTP that are served and whose answer is lost.
    pub http: u64,
    /// Commits that fail, in one of three ways.
    pub store: u64,
    /// The daemon is broken: it answers before it has recorded what it promises. The checker has to find that out.
    pub answers_early: bool,
}

/// What happens at a moment.
pub(crate) enum Event {
    ToMachine {
        machine: usize,
        power: u32,
        source: SocketAddrV4,
        port: u16,
        bytes: Vec<u8>,
    },
    ToServers(Datagram),
    Request(Waiting, String),
    Response(Waiting, u16, String),
    PollOver(Waiting),
    Commit,
    Reopen,
    Crash,
    BackUp,
    Restore,
    Start,
    Say(usize),
    Installer(usize, u32),
    Looked(Box<Errand>, Parcel),
    Reset(usize),
    Another(usize),
    LateReport(usize),
    SetWall(u64),
}

/// The policy of a configuration.
pub(crate) fn policy(text: &str) -> Result<Policy, String> {
    let source = Source {
        path: "config.toml".to_owned(),
        text: text.to_owned(),
    };
    bootwright_config::load(&[source], &|path| Err(format!("there is no file {path}")))
        .map(|loaded| loaded.policy)
        .map_err(|diagnostics| bootwright_config::render_all(&diagnostics))
}

/// A site in virtual time.
pub struct World {
    pub(crate) now: Duration,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) machines: Vec<Body>,
    pub(crate) daemon: Option<Daemon>,
    pub(crate) words: Vec<Word>,
    pub(crate) policy: Arc<Policy>,
    queue: BTreeMap<(Duration, u64), Event>,
    count: u64,
    pub(crate) lan: Lan,
    pub(crate) disk: MemoryDisk,
    /// The last backup.
    pub(crate) backup: Option<MemoryDisk>,
    pub(crate) store: MemoryStore,
    pub(crate) clock: Clock,
    pub(crate) checker: Checker,
    pub(crate) committing: bool,
    tokens: u64,
    log: Vec<String>,
    pub(crate) by_card: BTreeMap<MacAddr, usize>,
    pub(crate) by_address: BTreeMap<Ipv4Addr, usize>,
    deadlines: Deadlines<usize>,
    /// Addresses that others use who never ask.
    pub(crate) squatted: BTreeSet<Ipv4Addr>,
    pub(crate) leases: LeaseChecker,
    /// What a checker found where nobody could be told.
    pub(crate) broken: Option<String>,
    /// How many commits there were since all was looked at.
    pub(crate) unlooked: usize,
}

impl World {
    /// A world in which nothing has happened yet: the daemon runs, all machines are off.
    ///
    /// # Errors
    /// When the configuration is wrong.
    pub fn new(setup: &Setup) -> Result<Self, String> {
        let policy = policy(&setup.config)?;
        let disk = MemoryDisk::new();
        let max_attempts = policy.safety.max_attempts;
        let mut world = Self {
            now: Duration::ZERO,
            chance: Chance::new(setup.seed),
            faults: setup.faults,
            machines: (0..setup.machines)
                .map(|number| Body::new(number, number < setup.with_data))
                .collect(),
            daemon: None,
            words: Vec::new(),
            policy: Arc::new(policy),
            queue: BTreeMap::new(),
            count: 0,
            lan: Lan::default(),
            store: MemoryStore::on(disk.clone()),
            disk,
            backup: None,
            clock: Clock::new(1_700_000_000_000),
            checker: Checker::new(max_attempts),
            committing: false,
            tokens: 0,
            log: Vec::new(),
            by_card: BTreeMap::new(),
            by_address: BTreeMap::new(),
            deadlines: Deadlines::default(),
            squatted: BTreeSet::new(),
            leases: LeaseChecker::default(),
            broken: None,
            unlooked: 0,
        };
        let cards = world.machines.iter().enumerate();
        world.by_card = cards.map(|(number, body)| (body.mac, number)).collect();
        world.start();
        Ok(world)
    }

    /// The checker, and what it has seen.
    #[must_use]
    pub const fn checker(&self) -> &Checker {
        &self.checker
    }

    /// What happened, a line each.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    /// What a machine is doing.
    #[must_use]
    pub fn doing(&self, machine: usize) -> Option<&Doing> {
        self.machines.get(machine).map(|body| &body.doing)
    }

    /// What is on a machine's disk.
    #[must_use]
    pub fn content(&self, machine: usize) -> Option<&Content> {
        self.machines.get(machine).map(|body| &body.content)
    }

    /// Whether the record takes another machine for this one, since that was there first.
    #[must_use]
    pub fn is_taken_for_another(&self, machine: usize) -> bool {
        let Some(body) = self.machines.get(machine) else {
            return false;
        };
        let hosts = self.checker.world().hosts.values();
        let mut known = hosts.filter(|host| host.facts.macs.contains(&body.mac));
        known.any(|host| host.facts.serial.as_ref().is_some_and(|serial| *serial != body.serial))
    }

    /// The time that has gone by.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// Sets what goes wrong from now on.
    pub const fn set_faults(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// Some other machine uses these addresses, whoever leases them.
    pub fn squat(&mut self, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        self.squatted.extend(addresses);
    }

    /// The address that a machine has.
    #[must_use]
    pub fn address(&self, machine: usize) -> Option<Ipv4Addr> {
        self.machines.get(machine)?.address
    }

    /// What was acknowledged about addresses.
    #[must_use]
    pub const fn leases(&self) -> &LeaseChecker {
        &self.leases
    }

    /// The operator says something after a while.
    pub fn say_after(&mut self, after: Duration, word: Word) {
        self.words.push(word);
        self.after(after, Event::Say(self.words.len() - 1));
    }

    /// A machine is switched on, or reset, after a while.
    pub fn reset_after(&mut self, after: Duration, machine: usize) {
        self.after(after, Event::Reset(machine));
    }

    /// Another machine, with this one's card in it, is switched on in its place after a while.
    pub fn another_after(&mut self, after: Duration, machine: usize) {
        self.after(after, Event::Another(machine));
    }

    /// Makes a machine that is off another one than most, whose firmware begins anew when it finds nothing to start.
    pub fn make_odd(&mut self, machine: usize, oddity: &Oddity) {
        if let Some(body) = self.machines.get_mut(machine) {
            body.start = oddity.start;
            body.quirk = oddity.quirk;
            body.dead_program = oddity.dead_program.map(str::to_owned);
            body.starts = oddity.starts;
            body.tries_again = true;
        }
    }

    /// How often a machine was switched on or reset.
    #[must_use]
    pub fn starts_of(&self, machine: usize) -> u32 {
        self.machines.get(machine).map_or(0, |body| body.power)
    }

    /// Puts a system on a machine's disk that no install of ours has written.
    pub fn put_system(&mut self, machine: usize) {
        if let Some(body) = self.machines.get_mut(machine) {
            body.content = Content::System(Token::new([0xee; 16]));
        }
    }

    /// What readers are told of a machine.
    #[must_use]
    pub fn explain(&self, machine: usize) -> Option<Explanation> {
        let mac = self.machines.get(machine)?.mac;
        let daemon = self.daemon.as_ref()?;
        daemon.engine.explain(self.site_now(), &mac.to_string())
    }

    /// The daemon is killed after a while, and started again a little later.
    pub fn crash_after(&mut self, after: Duration) {
        self.after(after, Event::Crash);
    }

    /// The operator makes a backup after a while.
    pub fn back_up_after(&mut self, after: Duration) {
        self.after(after, Event::BackUp);
    }

    /// The box is lost after a while, and goes on from the last backup.
    pub fn restore_after(&mut self, after: Duration) {
        self.after(after, Event::Restore);
    }

    /// Somebody sets the box's wall clock after a while.
    pub fn set_wall_after(&mut self, after: Duration, wall_ms: u64) {
        self.after(after, Event::SetWall(wall_ms));
    }

    /// A machine whose install is over says so once more after a while.
    pub fn late_report_after(&mut self, after: Duration, machine: usize) {
        self.after(after, Event::LateReport(machine));
    }

    pub(crate) fn after(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + after, self.count), event);
    }

    pub(crate) fn note(&mut self, words: &str) {
        self.log.push(format!("{:>9.3} {words}", self.now.as_secs_f64()));
    }

    /// Lets the world go on until something holds, or so much time has gone by. Says whether it holds.
    ///
    /// # Errors
    /// What the checker found.
    pub fn run_until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> Result<bool, String> {
        let end = self.now + limit;
        loop {
            if holds(self) {
                return Ok(true);
            }
            match self.next() {
                Some(next) if next <= end => self.step(next)?,
                Some(_) | None => {
                    self.now = end;
                    return Ok(holds(self));
                }
            }
        }
    }

    fn next(&self) -> Option<Duration> {
        let queued = self.queue.first_key_value().map(|(key, _)| key.0);
        let daemon = self.daemon.iter().flat_map(|daemon| {
            let site_now = self.site_now();
            let due = daemon.engine.next_due().filter(|due| *due > site_now);
            let tick = due.map(|due| self.now + Duration::from_millis(due.since(site_now).as_millis()));
            daemon.deadlines.first().into_iter().chain(tick)
        });
        let machines = self.deadlines.first();
        queued.into_iter().chain(machines).chain(daemon).min()
    }

    /// Lets one thing happen.
    fn step(&mut self, at: Duration) -> Result<(), String> {
        self.now = self.now.max(at);
        let event = match self.queue.first_entry() {
            Some(first) if first.key().0 <= self.now => Some(first.remove()),
            _ => None,
        };
        match event {
            Some(event) => self.happen(event)?,
            None => self.timers()?,
        }
        self.tell_transfers();
        self.tick();
        self.broken.take().map_or(Ok(()), Err)
    }

    fn timers(&mut self) -> Result<(), String> {
        let now = self.now;
        for number in self.deadlines.due(now) {
            let Some(body) = self.machines.get_mut(number) else {
                continue;
            };
            match &mut body.doing {
                Doing::Firmware(machine) => {
                    let outputs = machine.on_timer(now);
                    self.carry(number, outputs)?;
                }
                Doing::System => {
                    let sent = body.system.as_mut().and_then(|system| system.on_timer(now));
                    self.carry_system(number, sent);
                }
                Doing::Off | Doing::Installer(_) | Doing::Stuck => self.look_at(number),
            }
        }
        let sent = self
            .daemon
            .as_mut()
            .map(|daemon| daemon.tftp_timers(now))
            .unwrap_or_default();
        for (port, peer, packets) in sent {
            self.send_blocks(port, peer, packets);
        }
        Ok(())
    }

    /// Looks when a machine has to be called again, and which address it has.
    pub(crate) fn look_at(&mut self, machine: usize) {
        let Some(body) = self.machines.get_mut(machine) else {
            return;
        };
        let before = body.address;
        body.look_at_address();
        self.deadlines.set(machine, body.deadline());
        if before != body.address {
            let own = before.filter(|before| self.by_address.get(before) == Some(&machine));
            if let Some(before) = own {
                self.by_address.remove(&before);
            }
            if let Some(address) = body.address {
                self.by_address.insert(address, machine);
            }
        }
    }

    /// Tells the engine of boot programs that were fetched, where there are machines that do not start like most. Only
    /// their size is asked for first, which is no news.
    fn tell_transfers(&mut self) {
        let ended = self.daemon.as_mut().map(|daemon| std::mem::take(&mut daemon.ended));
        let ended = ended.filter(|ended| !ended.is_empty() && self.machines.iter().any(|body| body.tries_again));
        for (peer, name, how) in ended.unwrap_or_default() {
            let failure = match how {
                Ended::Delivered | Ended::SentUnacknowledged => None,
                Ended::SizeProbe => continue,
                Ended::Aborted { .. } | Ended::Unreachable | Ended::TimedOut => Some("it broke off".to_owned()),
            };
            let fetched = Fetched {
                peer: peer.into(),
                name,
                kind: FetchKind::Firmware,
                bytes: 3_000,
                took: Span::from_millis(10),
                failure,
            };
            self.ask(|engine, now| engine.fetched(now, &fetched), |()| Release::Nothing);
        }
    }

    fn tick(&mut self) {
        let now = self.site_now();
        let due = self.daemon.as_ref().and_then(|daemon| daemon.engine.next_due());
        if due.is_some_and(|due| due <= now) {
            self.ask(|engine, now| engine.tick(now), |()| Release::Nothing);
        }
    }

    pub(crate) fn site_now(&self) -> Timestamp {
        self.clock.now(self.now)
    }

    pub(crate) fn fresh_token(&mut self) -> Token {
        self.tokens += 1;
        Token::new(((u128::from(self.chance.next()) << 64) | u128::from(self.tokens)).to_be_bytes())
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::ToMachine {
                machine,
                power,
                source,
                port,
                bytes,
            } => self.at_machine(machine, power, source, port, &bytes)?,
            Event::ToServers(datagram) => self.at_servers(&datagram),
            Event::Request(waiting, target) => self.request(waiting, &target),
            Event::Response(waiting, status, body) => self.response(waiting, status, body)?,
            Event::PollOver(waiting) => self.poll_over(waiting),
            Event::Commit => self.commit()?,
            Event::Reopen => self.reopen()?,
            Event::Looked(errand, parcel) => self.looked(errand, parcel),
            Event::Crash => self.crash()?,
            Event::BackUp => self.back_up(),
            Event::Restore => self.restore()?,
            Event::Start => self.start(),
            Event::Say(word) => self.say(word),
            Event::Installer(machine, power) => self.installer_goes_on(machine, power),
            Event::Reset(machine) => self.reset(machine)?,
            Event::Another(machine) => self.another(machine)?,
            Event::LateReport(machine) => self.late_report(machine),
            Event::SetWall(wall_ms) => {
                self.note("the wall clock is set");
                self.clock.set_wall(wall_ms);
            }
        }
        Ok(())
    }
}
