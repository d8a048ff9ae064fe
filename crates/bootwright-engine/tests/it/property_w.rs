//! No sequence of what machines, operators and the clock do leads to an install script without a grant: explored through
//! the engine's own doors, breadth first and with a restart of the daemon before every single step.
//!
//! The exploration of the core goes to the end; this one goes as deep as a test may take, and shows that the engine
//! translates as the core decides: identities, tokens, budgets and the record included. The account of what is permitted
//! is the same.

#[path = "../../../bootwright-core/tests/it/property_w/ledger.rs"]
mod ledger;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bootwright_core::{
    Change, Event, Facts, Failure, FrontEnd, Grant, Grantor, GuardVerdict, HostId, Phase, Policy, ProfileName,
    RunNumber, Sighting, Span, Timestamp, Token, World, after_restore, apply,
};
use bootwright_engine::{Command, Decision, Engine, FrontAsk, Outcome, Report, ReportReply, ScriptReply};

use bootwright_proto::script::name::{Act, Asking, Who};

use crate::site::{machine, policy, profile};
use ledger::{Ledger, MAX_ATTEMPTS};

/// A tick of the exploration; an arming and a run last two.
const TICK: Span = Span::from_hours(12);

/// How many steps deep it goes.
const DEPTH: u32 = 6;

/// How many runs a host may begin.
const RUNS_MAX: u32 = 2;

const HOSTS: usize = 2;

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Ask(usize),
    /// It asks by the name of a file, and fetches that file twice, as GRUB does.
    AskByFile(usize),
    /// Another machine with this one's card asks.
    AskAsAnother(usize),
    Done(usize, u32),
    Fail(usize, u32),
    Up(usize, u32),
    GuardEmpty(usize, u32),
    GuardFull(usize, u32),
    Arm(usize),
    ArmTwo(usize),
    ArmWithDisk(usize),
    Hold(usize),
    Local(usize),
    Lock(usize),
    Unlock(usize),
    Pause,
    Resume,
    Reload,
    /// The daemon starts from a backup that was taken at this moment. A backup of an earlier one needs no way of its own: that
    /// moment was reached as well.
    Restore,
    Tick,
}

/// A moment: what the record says, and the account of what is permitted.
#[derive(Clone)]
struct Node {
    world: World,
    now: Timestamp,
    ledgers: [Ledger; HOSTS],
    paused: bool,
    path: Vec<Action>,
}

fn actions(node: &Node) -> Vec<Action> {
    let mut actions = vec![
        Action::Tick,
        Action::Pause,
        Action::Resume,
        Action::Reload,
        Action::Restore,
    ];
    for host in 0..HOSTS {
        actions.extend([
            Action::Ask(host),
            Action::AskByFile(host),
            Action::AskAsAnother(host),
            Action::Hold(host),
            Action::Local(host),
            Action::Lock(host),
            Action::Unlock(host),
        ]);
        let runs = node.ledgers[host].runs;
        if runs < RUNS_MAX {
            actions.extend([Action::Arm(host), Action::ArmWithDisk(host)]);
        }
        if runs + 1 < RUNS_MAX {
            actions.push(Action::ArmTwo(host));
        }
        for run in 1..=runs {
            actions.extend([
                Action::Done(host, run),
                Action::Fail(host, run),
                Action::Up(host, run),
                Action::GuardEmpty(host, run),
                Action::GuardFull(host, run),
            ]);
        }
    }
    actions
}

fn number(host: usize) -> u8 {
    u8::try_from(host + 1).expect("few hosts")
}

fn card(host: usize) -> String {
    format!("52:54:00:00:00:{:02x}", number(host))
}

fn token(host: usize, run: u32) -> Token {
    let mut bytes = [0; 16];
    bytes[0] = number(host);
    bytes[1] = u8::try_from(run).expect("few runs");
    Token::new(bytes)
}

fn name(text: &str) -> ProfileName {
    text.parse().expect("a name")
}

fn site_policy() -> Arc<Policy> {
    let mut policy = policy();
    for text in ["debian", "wipe"] {
        let mut of_a_day = (*profile(text)).clone();
        of_a_day.deadline = Span::from_hours(24);
        policy.profiles.insert(name(text), Arc::new(of_a_day));
    }
    policy.safety.max_attempts = MAX_ATTEMPTS;
    policy.safety.max_concurrent = 1;
    policy.safety.pause_after_failures = 99;
    Arc::new(policy)
}

fn sighting(facts: Facts) -> Sighting {
    Sighting {
        boot_mac: facts.macs.first().copied(),
        facts,
        ..Sighting::default()
    }
}

/// One step through the engine, on a world that was just folded from the record.
struct Turn<'a> {
    node: Node,
    engine: Engine,
    ids: &'a [HostId; HOSTS],
    policy: &'a Arc<Policy>,
}

impl Turn<'_> {
    /// What the engine recorded, and what it would have forgotten in a crash: nothing.
    fn record<R>(&mut self, outcome: Outcome<R>) -> R {
        for entry in &outcome.entries {
            apply(&mut self.node.world, entry);
        }
        outcome.reply
    }

    fn take(&mut self, action: Action) -> Result<(), String> {
        let now = self.node.now;
        match action {
            Action::Ask(host) => {
                let fresh = self.fresh(host);
                let outcome = self
                    .engine
                    .script_with(now, &sighting(machine(number(host))), fresh, |_| None);
                let reply = self.record(outcome);
                self.told(host, &reply, false)?;
            }
            Action::AskByFile(host) => self.ask_by_file(host)?,
            Action::AskAsAnother(host) => {
                let facts = Facts {
                    serial: Some("SN9999".to_owned()),
                    ..machine(number(host))
                };
                let fresh = self.fresh(host);
                let outcome = self.engine.script_with(now, &sighting(facts), fresh, |_| None);
                let reply = self.record(outcome);
                self.told(host, &reply, true)?;
            }
            Action::Done(host, run) => self.report(host, run, &Report::Done)?,
            Action::Up(host, run) => self.report(host, run, &Report::Up)?,
            Action::Fail(host, run) => {
                let reason = "no".to_owned();
                self.report(host, run, &Report::Fail { reason })?;
            }
            Action::GuardEmpty(host, run) => self.guard(host, run, "S0", None)?,
            Action::GuardFull(host, run) => self.guard(host, run, "S1", Some("ext4"))?,
            Action::Arm(host) => self.arm(host, &["debian"], &[]),
            Action::ArmTwo(host) => self.arm(host, &["wipe", "debian"], &[]),
            Action::ArmWithDisk(host) => self.arm(host, &["debian"], &["S1"]),
            Action::Hold(host) => self.decide(host, Decision::Hold, &Event::Held),
            Action::Local(host) => self.decide(host, Decision::Local, &Event::LocalChosen),
            Action::Lock(host) => self.decide(host, Decision::Lock, &Event::Locked),
            Action::Unlock(host) => self.decide(host, Decision::Unlock, &Event::Unlocked { at: now }),
            Action::Pause => {
                let why = "stop".to_owned();
                let outcome = self.engine.command(now, "alice", &Command::Pause { why });
                let _told = self.record(outcome);
                self.node.paused = true;
            }
            Action::Resume => {
                let outcome = self.engine.command(now, "alice", &Command::Resume);
                let _told = self.record(outcome);
                self.node.paused = false;
            }
            Action::Reload => {
                let outcome = self.engine.reload(now, None, Arc::clone(self.policy));
                let reply = self.record(outcome);
                if !reply.proposals.is_empty() {
                    return Err("a reload proposes what no rule says".to_owned());
                }
            }
            Action::Restore => self.restore(),
            Action::Tick => self.tick(),
        }
        self.agree()
    }

    fn restore(&mut self) {
        let now = self.node.now;
        for entry in after_restore(&self.node.world, now) {
            apply(&mut self.node.world, &entry);
        }
        self.engine = Engine::new(Arc::clone(self.policy), self.node.world.clone(), now);
        for ledger in &mut self.node.ledgers {
            ledger.note(&Event::Restored);
        }
        self.node.paused = true;
    }

    fn tick(&mut self) {
        self.node.now = self.node.now.after(TICK);
        let now = self.node.now;
        let outcome = self.engine.tick(now);
        self.record(outcome);
        for ledger in &mut self.node.ledgers {
            ledger.tick();
            ledger.note(&Event::GrantExpired { at: now });
            ledger.note(&Event::DeadlinePassed { at: now });
        }
    }

    /// The token of a run that begins now.
    fn fresh(&self, host: usize) -> Token {
        token(host, self.node.ledgers[host].runs + 1)
    }

    fn ask_by_file(&mut self, host: usize) -> Result<(), String> {
        let (now, fresh) = (self.node.now, self.fresh(host));
        let mac = *machine(number(host)).macs.first().expect("it has a card");
        let ask = FrontAsk {
            asking: Asking {
                front: FrontEnd::Grub,
                who: Who::Card { mac, uuid: None },
                act: Act::First,
            },
            station: None,
            address: crate::site::address(mac),
            link: None,
        };
        let outcome = self.engine.front_with(now, &ask, fresh, |_| None);
        let first = self.record(outcome);
        self.told(host, &first, false)?;
        // Nothing happened in between, so that this is no further attempt and begins nothing.
        let outcome = self.engine.front_with(now, &ask, token(host, 99), |_| None);
        if outcome
            .entries
            .iter()
            .any(|entry| matches!(entry.change, Change::StateSet { .. }))
        {
            return Err("a file that was fetched twice changed a host twice".to_owned());
        }
        let second = self.record(outcome);
        let told = |reply: &ScriptReply| match reply {
            ScriptReply::Install(ticket) => Some((ticket.run.token, ticket.run.attempts)),
            _ => None,
        };
        if told(&first) != told(&second) {
            return Err("a file that was fetched twice said something else the second time".to_owned());
        }
        Ok(())
    }

    /// Holds what a machine was told against the account.
    fn told(&mut self, host: usize, reply: &ScriptReply, is_another: bool) -> Result<(), String> {
        let (now, fresh) = (self.node.now, self.fresh(host));
        let others_run = self.node.ledgers[1 - host].run.is_some();
        let ledger = &mut self.node.ledgers[host];
        if is_another && ledger.run.is_none() && ledger.permit.is_some() {
            ledger.note(&Event::IdentityChanged {
                seen: Facts::default(),
                difference: String::new(),
                at: now,
            });
        }
        let ScriptReply::Install(ticket) = reply else {
            if !is_another {
                let spent = Event::AttemptsSpent {
                    at: now,
                    max_attempts: MAX_ATTEMPTS,
                };
                ledger.note(&spent);
            }
            return Ok(());
        };
        let attempt = ticket.run.attempts;
        if is_another {
            return Err("another machine got the script of this one".to_owned());
        }
        if ledger.permitted_attempt() != Some(attempt) {
            return Err(format!(
                "attempt {attempt} was served, permitted is {:?}",
                ledger.permitted_attempt()
            ));
        }
        if self.node.paused {
            return Err("a script was served while installs were paused".to_owned());
        }
        if attempt == 1 && others_run {
            return Err("a run began beyond the budget".to_owned());
        }
        ledger.note(&Event::ScriptServed {
            token: fresh,
            chosen: None,
            revision: 1,
            at: now,
            deadline: now,
            max_attempts: MAX_ATTEMPTS,
            to: None,
        });
        Ok(())
    }

    fn report(&mut self, host: usize, run: u32, report: &Report) -> Result<(), String> {
        let (at, token, number) = (self.node.now, token(host, run), RunNumber::new(run));
        let present = self.node.ledgers[host].is_present(number, token);
        let before = self.node.world.hosts.clone();
        let outcome = self.engine.report(at, token, report);
        self.record(outcome);
        if !present && self.phase(host) != before.get(&self.ids[host]).map(|host| &host.state.phase) {
            // An installed system may say for the first time that it is up.
            let is_up = matches!(self.phase(host), Some(Phase::Installed { up: Some(_), .. }));
            if !(is_up && *report == Report::Up) {
                return Err("a late report changed a host".to_owned());
            }
        }
        let failure = Failure::Reported(String::new());
        self.node.ledgers[host].note(&match report {
            Report::Up => Event::CameUp { run: number, token, at },
            Report::Fail { .. } => Event::RunFailed {
                run: number,
                token,
                at,
                failure,
            },
            _ => Event::Finished { run: number, token, at },
        });
        Ok(())
    }

    fn guard(&mut self, host: usize, run: u32, serial: &str, content: Option<&str>) -> Result<(), String> {
        let (at, token, number) = (self.node.now, token(host, run), RunNumber::new(run));
        let report = Report::Guard {
            serial: serial.to_owned(),
            content: content.map(str::to_owned),
        };
        let outcome = self.engine.report(at, token, &report);
        let reply = self.record(outcome);
        let ledger = &mut self.node.ledgers[host];
        let present = ledger.is_present(number, token);
        let named = ledger.wipes.iter().any(|known| known == serial);
        match reply {
            ReportReply::Guard(GuardVerdict::Go) if !present => Err("the guard let a run pass that is over".to_owned()),
            ReportReply::Guard(GuardVerdict::Go) if content.is_some() && !named => {
                Err("the guard let a disk pass that nobody named".to_owned())
            }
            ReportReply::Guard(GuardVerdict::Go) => {
                let serial = serial.to_owned();
                ledger.note(&Event::GuardPassed {
                    run: number,
                    token,
                    serial,
                });
                Ok(())
            }
            ReportReply::Guard(GuardVerdict::Stop(_)) if present => {
                let failure = Failure::Guard(String::new());
                ledger.note(&Event::RunFailed {
                    run: number,
                    token,
                    at,
                    failure,
                });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn arm(&mut self, host: usize, profiles: &[&str], disks: &[&str]) {
        let queue: Vec<ProfileName> = profiles.iter().map(|text| name(text)).collect();
        let wipe: BTreeSet<String> = disks.iter().map(|text| (*text).to_owned()).collect();
        let at = self.node.now;
        let grant = Grant {
            by: Grantor::Operator("alice".to_owned()),
            at,
            expires: at,
            machine: Facts::default(),
            wipe: wipe.clone(),
        };
        let profiles = queue.clone();
        self.decide(host, Decision::Arm { profiles, wipe }, &Event::Armed { grant, queue });
    }

    fn decide(&mut self, host: usize, decision: Decision, event: &Event) {
        let command = Command::Host {
            host: card(host),
            decision,
        };
        let outcome = self.engine.command(self.node.now, "alice", &command);
        // Refusals are the engine's right; the account knows by itself what stands.
        let _told = self.record(outcome);
        self.node.ledgers[host].note(event);
    }

    fn phase(&self, host: usize) -> Option<&Phase> {
        let host = self.node.world.hosts.get(&self.ids[host]);
        host.map(|host| &host.state.phase)
    }

    /// What the engine remembers is what the record says, and no more is under way than was permitted.
    fn agree(&self) -> Result<(), String> {
        if *self.engine.world() != self.node.world {
            return Err("memory is not what the record says".to_owned());
        }
        for host in 0..HOSTS {
            let ledger = &self.node.ledgers[host];
            let run = self.phase(host).and_then(Phase::run);
            let known = run.map(|run| (run.number.get(), run.attempts));
            let permitted = ledger.run.as_ref().map(|run| (run.number, run.attempts));
            if known != permitted {
                return Err(format!("run {known:?} is under way, {permitted:?} is permitted"));
            }
        }
        Ok(())
    }
}

fn key(node: &Node, ids: &[HostId; HOSTS]) -> String {
    let phases: Vec<String> = ids
        .iter()
        .filter_map(|id| node.world.hosts.get(id))
        .map(|host| match &host.state.phase {
            Phase::New { stance } => format!("{stance:?}"),
            Phase::Installed { run, up, .. } => format!("installed {run} {}", up.is_some()),
            phase => phase.name().to_owned(),
        })
        .collect();
    format!("{phases:?} {:?} {}", node.ledgers, node.paused)
}

#[test]
fn no_door_of_the_engine_leads_to_an_install_that_nobody_granted() {
    let (policy, now) = (site_policy(), Timestamp::from_millis(1_000_000_000_000));
    let mut engine = Engine::new(Arc::clone(&policy), World::default(), now);
    for host in 0..HOSTS {
        let _ = engine.script_with(now, &sighting(machine(number(host))), token(host, 0), |_| None);
    }
    let ids = [0, 1].map(|host| engine.resolve(&card(host)).expect("it is known"));
    let first = Node {
        world: engine.world().clone(),
        now,
        ledgers: [Ledger::default(), Ledger::default()],
        paused: false,
        path: Vec::new(),
    };
    let mut known = BTreeMap::from([(key(&first, &ids), ())]);
    let mut queue = VecDeque::from([first]);
    let (mut steps, mut served) = (0_u64, 0_u64);
    while let Some(node) = queue.pop_front() {
        for action in actions(&node) {
            let mut next = node.clone();
            next.path.push(action);
            let engine = Engine::new(Arc::clone(&policy), next.world.clone(), next.now);
            let mut turn = Turn {
                node: next,
                engine,
                ids: &ids,
                policy: &policy,
            };
            let before: u32 = node.ledgers.iter().map(|ledger| ledger.runs).sum();
            if let Err(what) = turn.take(action) {
                panic!("{what}, after {:?}", turn.node.path);
            }
            steps += 1;
            let after: u32 = turn.node.ledgers.iter().map(|ledger| ledger.runs).sum();
            served += u64::from(after - before);
            let deep = u32::try_from(turn.node.path.len()).expect("a short path") >= DEPTH;
            if known.insert(key(&turn.node, &ids), ()).is_none() && !deep {
                queue.push_back(turn.node);
            }
        }
    }
    println!(
        "property W through the engine: {} states, {steps} steps with a restart before each, {served} runs began",
        known.len()
    );
    assert!(known.len() > 1_000 && served > 100);
}
