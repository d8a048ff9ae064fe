//! A day of conversations about addresses.

use std::collections::{BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bootwright_core::lease::{Lease, LeaseMessage, Probed};
use bootwright_core::{Entry, MacAddr, Policy, Span, Timestamp, World};
use bootwright_engine::{Engine, LeaseAsk, LeaseReply, Outcome};
use bootwright_store::{Batch, Fault, MemoryDisk, MemoryStore, Store};

use super::check::{LeaseChecker, end_of};
use super::client::{Belief, Client};
use crate::Chance;
use crate::clock::Clock;
use crate::world::policy;

/// How many things happen in a day.
const STEPS: usize = 1_500;

/// The configurations between which the operator changes. The pools are smaller than the number of clients.
const CONFIGS: [&str; 3] = [
    r#"
[dhcp]
mode = "server"
force = true
[[dhcp.pools]]
subnet = "10.1.0.0/24"
range = "10.1.0.2-10.1.0.11"
router = "10.1.0.5"
lease = "1h"
[[dhcp.pools]]
subnet = "10.2.0.0/24"
range = ["10.2.0.2-10.2.0.7", "10.2.0.20"]
relay = "10.2.0.1"
lease = "1h"
probe = false
[hosts.oak]
mac = "52:54:00:00:00:01"
address = ["10.1.0.20", "10.2.0.3"]
"#,
    r#"
[dhcp]
mode = "server"
force = true
[[dhcp.pools]]
subnet = "10.1.0.0/24"
range = "10.1.0.6-10.1.0.15"
lease = "1h"
keep_for_known = 30
[[dhcp.pools]]
subnet = "10.2.0.0/24"
range = "10.2.0.2-10.2.0.7"
relay = "10.2.0.1"
lease = "2h"
[hosts.oak]
mac = ["52:54:00:00:00:01", "52:54:00:00:00:02"]
address = ["10.1.0.8", "10.2.0.3"]
[hosts.elm]
mac = "52:54:00:00:00:03"
"#,
    r#"
[dhcp]
mode = "server"
force = true
[[dhcp.pools]]
subnet = "10.1.0.0/24"
range = "10.1.0.2-10.1.0.9"
lease = "1h"
keep_for_known = 0
[[dhcp.pools]]
subnet = "10.2.0.0/24"
range = "10.2.0.2-10.2.0.9"
relay = "10.2.0.1"
lease = "1h"
keep_for_known = 0
"#,
];

/// What a day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseDay {
    /// How many acknowledgements left.
    pub acknowledged: usize,
    /// How many refusals did.
    pub refused: usize,
    /// How many messages met silence.
    pub silent: usize,
    /// How often the daemon was started anew.
    pub crashes: usize,
}

/// An acknowledgement that waits for its record.
#[derive(Clone, Debug)]
struct Ack {
    client: Option<usize>,
    holder: MacAddr,
    address: Ipv4Addr,
    until: Timestamp,
    policy: Arc<Policy>,
    epoch: u32,
    given_up: bool,
}

#[derive(Debug, Default)]
struct Pending {
    entries: Vec<Entry>,
    leases: Vec<Lease>,
    ack: Option<Ack>,
}

struct Site {
    chance: Chance,
    now: Timestamp,
    policy: Arc<Policy>,
    epoch: u32,
    engine: Engine,
    disk: MemoryDisk,
    store: MemoryStore,
    store_up: bool,
    pending: VecDeque<Pending>,
    clients: Vec<Client>,
    checker: LeaseChecker,
    strangers: u64,
    answers_early: bool,
    day: LeaseDay,
    log: Vec<String>,
}

/// Lives through the day of a seed. `answers_early` breaks the daemon: it acknowledges before it has recorded, which the
/// checker has to find out.
///
/// # Errors
/// What was wrong, with all that happened before.
pub fn live(seed: u64, answers_early: bool) -> Result<LeaseDay, String> {
    let mut site = Site::new(seed, answers_early)?;
    let lived = (0..STEPS)
        .try_for_each(|_| site.step())
        .and_then(|()| site.nothing_is_lost());
    match lived {
        Ok(()) => Ok(LeaseDay {
            acknowledged: site.checker.acknowledged(),
            ..site.day
        }),
        Err(what) => Err(format!("{}\n{what}", site.log.join("\n"))),
    }
}

impl Site {
    fn new(seed: u64, answers_early: bool) -> Result<Self, String> {
        let policy = Arc::new(policy(CONFIGS[0])?);
        let now = Timestamp::from_millis(1_700_000_000_000);
        let disk = MemoryDisk::new();
        let clients = (1..=14_u8).map(|number| Client {
            mac: MacAddr::new([0x52, 0x54, 0, 0, 0, number]),
            belief: Belief::Nothing,
            relayed: number > 8,
        });
        Ok(Self {
            chance: Chance::new(seed),
            now,
            engine: Engine::new(Arc::clone(&policy), World::default(), now),
            policy,
            epoch: 0,
            store: MemoryStore::on(disk.clone()),
            disk,
            store_up: true,
            pending: VecDeque::new(),
            clients: clients.collect(),
            checker: LeaseChecker::default(),
            strangers: 0,
            answers_early,
            day: LeaseDay::default(),
            log: Vec::new(),
        })
    }

    fn note(&mut self, words: String) {
        self.log
            .push(format!("{} {words}", self.now.as_millis() / 1_000 % 10_000_000));
    }

    fn step(&mut self) -> Result<(), String> {
        match self.chance.below(100) {
            0..60 => {
                let client = self.chance.place(self.clients.len());
                self.speak(client)
            }
            60..75 => self.commit(),
            75..90 => {
                let span = match self.chance.below(10) {
                    0..6 => Span::from_millis(self.chance.below(10_000)),
                    6..9 => Span::from_secs(self.chance.below(1_800)),
                    _ => Span::from_mins(self.chance.below(300)),
                };
                // No write takes longer than that without being given up.
                if span > Span::from_secs(10) {
                    self.commit()?;
                }
                self.now = self.now.after(span);
                Ok(())
            }
            90..93 => self.crash(),
            93..95 => self.reload(),
            95..97 => {
                let fault = if self.chance.percent(50) {
                    Fault::Lost
                } else {
                    Fault::Unsaid
                };
                self.disk.fail_after(0, fault);
                self.commit()
            }
            _ => self.flood(),
        }
    }

    fn speak(&mut self, number: usize) -> Result<(), String> {
        let Some(client) = self.clients.get(number).cloned() else {
            return Ok(());
        };
        let message = client.speaks(&mut self.chance, self.now);
        let ask = client.ask(&mut self.chance, message);
        // What it says it does not use any more, it does not, whether it is heard or not; nor does it take a grant that is
        // still under way.
        if let LeaseMessage::Release { address } | LeaseMessage::Decline { address } = message {
            self.checker.end(client.mac, address);
            for ack in self.pending.iter_mut().filter_map(|batch| batch.ack.as_mut()) {
                ack.given_up |= (ack.holder, ack.address) == (client.mac, address);
            }
            if client.bound(self.now).is_some_and(|(bound, _)| bound == address) {
                self.believe(number, Belief::Nothing);
            }
        }
        // It has one address, the one that it spoke of last.
        if let LeaseMessage::Select { address }
        | LeaseMessage::Reboot { address }
        | LeaseMessage::Renew { address }
        | LeaseMessage::Rebind { address } = message
        {
            self.checker.only(client.mac, address);
            for ack in self.pending.iter_mut().filter_map(|batch| batch.ack.as_mut()) {
                ack.given_up |= ack.holder == client.mac && ack.address != address;
            }
        }
        let reply = self.tell(&ask, Some(number))?;
        self.judge(number, &client, message, &reply)
    }

    /// Tells the engine, and lets leave what may leave.
    fn tell(&mut self, ask: &LeaseAsk, client: Option<usize>) -> Result<LeaseReply, String> {
        let outcome = self.engine.lease(self.now, ask);
        let ack = match &outcome.reply {
            LeaseReply::Ack { lease, .. } => Some(Ack {
                client,
                holder: ask.mac,
                address: lease.address,
                until: end_of(self.now, lease.secs.unwrap_or(0)),
                policy: Arc::clone(&self.policy),
                epoch: self.epoch,
                given_up: false,
            }),
            _ => None,
        };
        self.note(format!("{} {:?} -> {}", ask.mac, ask.message, short(&outcome.reply)));
        self.submit(outcome, ack)
    }

    fn submit<R>(&mut self, outcome: Outcome<R>, ack: Option<Ack>) -> Result<R, String> {
        let early = self.answers_early || !outcome.promises;
        let (now_ack, later_ack) = if early { (ack, None) } else { (None, ack) };
        if self.store_up && (outcome.promises || !outcome.entries.is_empty() || !outcome.leases.is_empty()) {
            self.pending.push_back(Pending {
                entries: outcome.entries,
                leases: outcome.leases,
                ack: later_ack,
            });
        }
        now_ack.map_or(Ok(()), |ack| self.release(ack))?;
        Ok(outcome.reply)
    }

    /// An acknowledgement leaves.
    fn release(&mut self, ack: Ack) -> Result<(), String> {
        if ack.given_up {
            return Ok(());
        }
        let recorded = MemoryStore::on(self.disk.clone())
            .load()
            .map_err(|error| error.to_string())?
            .leases;
        let granted = (ack.address, ack.until);
        self.checker
            .grant(self.now, &ack.policy, ack.holder, granted, &recorded)?;
        // It may be lost on its way.
        if let Some(client) = ack.client.filter(|_| !self.chance.percent(10)) {
            self.believe(client, Belief::Bound(ack.address, ack.until, ack.epoch));
        }
        Ok(())
    }

    fn believe(&mut self, number: usize, belief: Belief) {
        if let Some(client) = self.clients.get_mut(number) {
            client.belief = belief;
        }
    }

    fn judge(
        &mut self,
        number: usize,
        client: &Client,
        message: LeaseMessage,
        reply: &LeaseReply,
    ) -> Result<(), String> {
        let own = match message {
            LeaseMessage::Reboot { address } | LeaseMessage::Renew { address } | LeaseMessage::Rebind { address } => {
                client.bound(self.now) == Some((address, self.epoch))
            }
            _ => false,
        };
        let reserved = self.policy.hosts.values();
        let moves = reserved
            .filter(|host| host.facts.macs.contains(&client.mac))
            .any(|host| !host.addresses.is_empty());
        match reply {
            LeaseReply::Offer { lease, probe, .. } => {
                let address = lease.address;
                self.checker.offer(self.now, &self.policy, client.mac, address)?;
                if !self.chance.percent(10) {
                    self.believe(number, Belief::Offered(address));
                }
                if *probe {
                    self.probe(number, client.mac, address)?;
                }
            }
            LeaseReply::Ack { .. } | LeaseReply::Told(_) | LeaseReply::Noted => {}
            LeaseReply::Nak(why) => {
                self.day.refused += 1;
                if own && !moves {
                    return Err(format!("{} is refused its own address: {why}", client.mac));
                }
                if !self.chance.percent(10) {
                    self.believe(number, Belief::Nothing);
                    self.checker.end_all(client.mac);
                }
            }
            LeaseReply::Silence(why) => {
                self.day.silent += 1;
                if own && self.store_up {
                    return Err(format!("{} is not told that its address is its own: {why}", client.mac));
                }
            }
        }
        Ok(())
    }

    /// It is looked whether somebody uses the address that is to be offered.
    fn probe(&mut self, number: usize, holder: MacAddr, address: Ipv4Addr) -> Result<(), String> {
        let found = match self.chance.below(10) {
            0 => Probed::InUse(None),
            1 => Probed::InUse(Some(MacAddr::new([0x52, 0x54, 0, 9, 9, 9]))),
            2 => Probed::InUse(Some(holder)),
            _ => Probed::Free,
        };
        let outcome = self.engine.probed(self.now, address, found);
        self.submit(outcome, None)?;
        if !matches!(found, Probed::Free) && found != Probed::InUse(Some(holder)) {
            self.believe(number, Belief::Nothing);
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), String> {
        if !self.store_up {
            return self.reopen();
        }
        let batches = std::mem::take(&mut self.pending);
        if batches.is_empty() {
            return Ok(());
        }
        match self.write(&batches) {
            Ok(()) => batches
                .into_iter()
                .filter_map(|batch| batch.ack)
                .try_for_each(|ack| self.release(ack)),
            Err(why) => {
                self.note(format!("a commit failed: {why}"));
                self.store_up = false;
                let outcome = self.engine.set_store(false, false);
                self.submit(outcome, None)
            }
        }
    }

    fn write(&mut self, batches: &VecDeque<Pending>) -> Result<(), String> {
        let entries: Vec<Entry> = batches.iter().flat_map(|batch| batch.entries.iter().cloned()).collect();
        let leases: Vec<Lease> = batches.iter().flat_map(|batch| batch.leases.iter().cloned()).collect();
        let batch = Batch {
            entries: &entries,
            leases: &leases,
            revisions: &[],
        };
        let mark = Clock::new(0).mark(Duration::ZERO);
        let written = self.store.commit(batch, 0, &mark);
        written.map(|_| ()).map_err(|error| error.to_string())
    }

    /// The engine begins again with what is recorded.
    fn reopen(&mut self) -> Result<(), String> {
        self.pending.clear();
        let loaded = self.store.load().map_err(|error| error.to_string())?;
        self.engine = Engine::new(Arc::clone(&self.policy), loaded.world, self.now);
        self.engine.load_leases(self.now, loaded.leases);
        self.store_up = true;
        let outcome = self.engine.reload(self.now, None, Arc::clone(&self.policy));
        self.note("starts from the record".to_owned());
        self.submit(outcome, None).map(|_| ())
    }

    fn crash(&mut self) -> Result<(), String> {
        self.day.crashes += 1;
        let batches = std::mem::take(&mut self.pending);
        // What was under way to the disk may have reached it, without anybody being told.
        if self.store_up && !batches.is_empty() && self.chance.percent(50) {
            self.write(&batches).ok();
        }
        self.store = MemoryStore::on(self.disk.clone());
        self.note("the daemon is killed".to_owned());
        self.reopen()
    }

    fn reload(&mut self) -> Result<(), String> {
        let config = CONFIGS
            .get(self.chance.place(CONFIGS.len()))
            .copied()
            .unwrap_or_default();
        self.configure(config)
    }

    fn configure(&mut self, config: &str) -> Result<(), String> {
        self.policy = Arc::new(policy(config)?);
        self.epoch += 1;
        self.note("the configuration changes".to_owned());
        let outcome = self.engine.reload(self.now, None, Arc::clone(&self.policy));
        self.submit(outcome, None).map(|_| ())
    }

    /// Machines that nobody has seen before want addresses, and some of them take what they get.
    fn flood(&mut self) -> Result<(), String> {
        let (count, relayed) = (self.chance.below(40), self.chance.percent(50));
        for _ in 0..count {
            self.stranger(relayed, 30)?;
        }
        Ok(())
    }

    /// A stranger asks, and takes what it gets so many times in a hundred. Says which address it was offered.
    fn stranger(&mut self, relayed: bool, takes: u64) -> Result<Option<Ipv4Addr>, String> {
        self.strangers += 1;
        let [.., a, b, c] = self.strangers.to_be_bytes();
        let client = Client {
            mac: MacAddr::new([c & 0xfc, 1, 1, a, b, c]),
            belief: Belief::Nothing,
            relayed,
        };
        let mut ask = client.ask(&mut self.chance, LeaseMessage::Discover { wish: None });
        (ask.booting, ask.boot) = (false, None);
        let reply = self.tell(&ask, None)?;
        let Some(address) = reply.address() else {
            return Ok(None);
        };
        self.checker.offer(self.now, &self.policy, client.mac, address)?;
        if self.chance.percent(takes) {
            ask.message = LeaseMessage::Select { address };
            self.tell(&ask, None)?;
        }
        Ok(Some(address))
    }

    /// When all is over, every address can be lent again: none was lost on the way.
    fn nothing_is_lost(&mut self) -> Result<(), String> {
        let last = CONFIGS.last().copied().unwrap_or_default();
        self.commit()?;
        self.commit()?;
        self.configure(last)?;
        self.now = self.now.after(Span::from_hours(48));
        for (relayed, subnet) in [(false, 1), (true, 2)] {
            let mut lent = BTreeSet::new();
            for _ in 0..40 {
                self.now = self.now.after(Span::from_secs(2));
                lent.extend(self.stranger(relayed, 100)?);
                self.commit()?;
            }
            let whole: BTreeSet<Ipv4Addr> = (2..=9).map(|host| Ipv4Addr::new(10, subnet, 0, host)).collect();
            if lent != whole {
                return Err(format!("of {whole:?} only {lent:?} were lent in the end"));
            }
        }
        Ok(())
    }
}

fn short(reply: &LeaseReply) -> String {
    match reply {
        LeaseReply::Offer { lease, .. } => format!("offer {}", lease.address),
        LeaseReply::Ack { lease, .. } => format!("ack {} for {:?} s", lease.address, lease.secs),
        LeaseReply::Told(_) => "told".to_owned(),
        LeaseReply::Nak(why) => format!("nak: {why}"),
        LeaseReply::Noted => "noted".to_owned(),
        LeaseReply::Silence(why) => format!("silence: {why}"),
    }
}
