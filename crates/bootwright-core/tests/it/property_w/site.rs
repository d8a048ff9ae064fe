//! Two hosts on one site: everything that both of them, the operator, a rule, the budgets and the clock can do together.

use std::collections::BTreeMap;

use bootwright_core::{
    Ask, Asker, Choice, Confirm, Event, Facts, Host, Menu, MenuEntry, Pattern, Policy, Rule, RuleRecord, Sighting,
    Site, Situation, Span, Verdict,
};

use super::Rules;
use super::graph::{Actor, Graph, NOW, Node, Way, kind};
use super::ledger::MAX_ATTEMPTS;
use crate::decide_cell::{a_profile, policy};
use crate::story::profile;

/// How many runs may be under way at once, and begin within an hour, and how many installs the rule may grant.
const LIMIT: u32 = 1;

/// How many runs may begin within an hour.
const HOURLY: u32 = 2;

/// The rule that arms by itself, as the record has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RuleStands {
    /// It was read after the hosts were first seen.
    Younger,
    /// It stands since before.
    Older,
}

/// What concerns the whole site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Common {
    paused: bool,
    rule: RuleStands,
    granted: u32,
    started: u32,
}

/// As many values as `Common` can have.
const COMMONS: usize = 2 * 2 * 2 * 3;

impl Common {
    fn index(self) -> usize {
        let rule = usize::from(self.rule == RuleStands::Older);
        let (granted, started) = (self.granted as usize, self.started as usize);
        ((usize::from(self.paused) * 2 + rule) * 2 + granted) * 3 + started
    }

    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for paused in [false, true] {
            for rule in [RuleStands::Younger, RuleStands::Older] {
                for granted in 0..=LIMIT {
                    for started in 0..=HOURLY {
                        all.push(Self {
                            paused,
                            rule,
                            granted,
                            started,
                        });
                    }
                }
            }
        }
        all
    }
}

/// What comes of a machine's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The host stays as it is.
    Nothing,
    /// An install script is served, and the host is now in this state; whether a run began.
    Served(usize, bool),
    /// The run is given up.
    Ended(usize),
    /// The rule armed the host.
    Armed(usize),
}

/// The exploration's result, for people.
#[derive(Debug)]
pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) ways: usize,
    pub(super) served: usize,
}

struct Explorer<'a> {
    graph: &'a Graph,
    /// The answer to a question for each state, each common value, and whether the other host is installing.
    asked: Vec<Asked>,
    installing: Vec<bool>,
    /// What operators, machines and the clock can do to a host without asking `decide`.
    free: Vec<Vec<usize>>,
    ticked: Vec<usize>,
}

fn site_policy() -> Policy {
    let mut policy = policy();
    for name in ["a", "b", "live"] {
        policy.profiles.insert(profile(name), a_profile(name, 0));
    }
    // One of the two is a menu that leads to the other, which a person at the console may begin.
    let mut installs = (*a_profile("a", 0)).clone();
    installs.confirm = Confirm::Console;
    policy.profiles.insert(profile("a"), installs.into());
    let mut menu = (*a_profile("b", 0)).clone();
    menu.menu = Some(Menu {
        title: "b".to_owned(),
        entries: vec![MenuEntry {
            title: "a".to_owned(),
            choice: Choice::Install(profile("a")),
        }],
        default: None,
        timeout: None,
    });
    policy.profiles.insert(profile("b"), menu.into());
    // Whoever stands at the console of a waiting machine may open it, and is nobody who grants.
    policy.safety.console_menu = Some(profile("b"));
    policy.safety.max_attempts = MAX_ATTEMPTS;
    policy.safety.max_concurrent = LIMIT;
    policy.safety.max_new_per_hour = HOURLY;
    policy.rules = vec![Rule {
        name: "rack".parse().expect("a name"),
        when: BTreeMap::from([(bootwright_core::Attribute::Host, Pattern::new("*"))]),
        profile: profile("a"),
        auto_arm: true,
        limit: Some(LIMIT),
        source: None,
        fingerprint: 1,
    }]
    .into();
    policy
}

impl<'a> Explorer<'a> {
    fn new(rules: &Rules, graph: &'a Graph) -> Result<Self, String> {
        let policy = site_policy();
        let (mut asked, mut free, mut ticked) = (Vec::new(), Vec::new(), Vec::new());
        for (place, ways) in graph.ways.iter().enumerate() {
            for common in Common::all() {
                for other_installs in [false, true] {
                    asked.push(ask(rules, graph, &policy, place, common, other_installs)?);
                }
            }
            let mut targets: Vec<usize> = ways
                .iter()
                .filter(|(way, target)| is_free(way) && *target != place)
                .map(|(_, target)| *target)
                .collect();
            targets.sort_unstable();
            targets.dedup();
            free.push(targets);
            let tick = ways.iter().find(|(way, _)| *way == Way::Tick);
            ticked.push(tick.expect("time goes by in every state").1);
        }
        Ok(Self {
            graph,
            asked,
            installing: graph.nodes.iter().map(|node| node.ledger.run.is_some()).collect(),
            free,
            ticked,
        })
    }

    fn explore(&self) -> Result<Explored, String> {
        let count = self.graph.nodes.len();
        let mut visited = vec![0_u64; (count * count * COMMONS).div_ceil(64)];
        let commons = Common::all();
        let mut queue: Vec<(u32, u32, u8)> = Vec::new();
        let mut explored = Explored {
            states: 0,
            ways: 0,
            served: 0,
        };
        let mut visit = |queue: &mut Vec<(u32, u32, u8)>, a: usize, b: usize, common: Common| {
            let place = (a * count + b) * COMMONS + common.index();
            let (word, bit) = (place / 64, 1_u64 << (place % 64));
            if visited[word] & bit == 0 {
                visited[word] |= bit;
                let narrow = |value: usize| u32::try_from(value).expect("few states");
                queue.push((narrow(a), narrow(b), u8::try_from(common.index()).expect("few")));
            }
        };
        let first = Common {
            paused: false,
            rule: RuleStands::Younger,
            granted: 0,
            started: 0,
        };
        visit(&mut queue, 0, 0, first);
        while let Some((a, b, common)) = queue.pop() {
            let (a, b, common) = (a as usize, b as usize, commons[usize::from(common)]);
            explored.states += 1;
            self.check(a, b, common)?;
            for target in &self.free[a] {
                visit(&mut queue, *target, b, common);
            }
            for target in &self.free[b] {
                visit(&mut queue, a, *target, common);
            }
            explored.ways += self.free[a].len() + self.free[b].len() + 6;
            for (own, other, swapped) in [(a, b, false), (b, a, true)] {
                let (target, next) = self.ask(own, other, common, &mut explored.served);
                let (a, b) = if swapped { (other, target) } else { (target, other) };
                visit(&mut queue, a, b, next);
            }
            let ticked = Common { started: 0, ..common };
            visit(&mut queue, self.ticked[a], self.ticked[b], ticked);
            let paused = !common.paused;
            visit(&mut queue, a, b, Common { paused, ..common });
            // A reload with another text of the rule makes it younger than both hosts; with none of them seen it is older.
            let rule = match common.rule {
                RuleStands::Younger => RuleStands::Older,
                RuleStands::Older => RuleStands::Younger,
            };
            let reloaded = Common {
                rule,
                granted: 0,
                ..common
            };
            visit(&mut queue, a, b, reloaded);
        }
        Ok(explored)
    }

    fn ask(&self, own: usize, other: usize, common: Common, served: &mut usize) -> (usize, Common) {
        let place = (own * COMMONS + common.index()) * 2 + usize::from(self.installing[other]);
        match self.asked[place] {
            Asked::Nothing => (own, common),
            Asked::Ended(target) => (target, common),
            Asked::Armed(target) => {
                let granted = common.granted + 1;
                (target, Common { granted, ..common })
            }
            Asked::Served(target, begins) => {
                *served += 1;
                let started = common.started + u32::from(begins);
                (target, Common { started, ..common })
            }
        }
    }

    fn check(&self, a: usize, b: usize, common: Common) -> Result<(), String> {
        let under_way = u32::from(self.installing[a]) + u32::from(self.installing[b]);
        // Both hosts can only be installing at once if the budget was overrun.
        if under_way > LIMIT {
            return Err(format!("{under_way} runs are under way, {LIMIT} may be"));
        }
        if common.granted > LIMIT || common.started > HOURLY {
            return Err(format!("a budget was overrun: {common:?}"));
        }
        Ok(())
    }
}

/// What happens without a question to `decide`: all but serving scripts, giving up, and arming by a rule.
fn is_free(way: &Way) -> bool {
    match way {
        Way::Tick => false,
        Way::Event(Event::ScriptServed { .. } | Event::AttemptsSpent { .. }) => false,
        Way::Event(event) => kind(event).1 != Actor::Rule,
    }
}

/// A moment at which a machine asks.
#[derive(Clone, Copy)]
struct Moment<'a> {
    rules: &'a Rules,
    graph: &'a Graph,
    policy: &'a Policy,
    place: usize,
    common: Common,
    other_installs: bool,
}

impl Moment<'_> {
    /// What the real `decide` says.
    fn told(self, seen: &Sighting, ask: Ask) -> Verdict {
        let node = &self.graph.nodes[self.place];
        let mut host = Host::new("oak".parse().expect("a name"), NOW, Facts::default());
        host.state = node.state.clone();
        let since = match self.common.rule {
            RuleStands::Younger => NOW.after(Span::from_secs(1)),
            RuleStands::Older => NOW.before(Span::from_secs(1)),
        };
        let record = RuleRecord {
            fingerprint: 1,
            since,
            granted: self.common.granted,
        };
        let site = Site {
            paused: self.common.paused.then(|| "stop".to_owned()),
            rules: BTreeMap::from([("rack".parse().expect("a name"), record)]),
            failures: 0,
        };
        let own = u32::from(node.ledger.run.is_some());
        let situation = Situation {
            site: &site,
            installing: own + u32::from(self.other_installs),
            started_last_hour: self.common.started,
            store_ready: true,
            store_low: false,
            revision_lost: false,
            trial: None,
            now: NOW,
        };
        (self.rules.decide)(self.policy, &situation, Asker::Host(&host), None, seen, ask)
    }
}

/// A machine asks: the real `decide`, and then the event that the engine makes of its verdict.
fn ask(
    rules: &Rules,
    graph: &Graph,
    policy: &Policy,
    place: usize,
    common: Common,
    other_installs: bool,
) -> Result<Asked, String> {
    let moment = Moment {
        rules,
        graph,
        policy,
        place,
        common,
        other_installs,
    };
    let asked = asked(moment)?;
    let alone = moment.told(&Sighting::default(), Ask::Script);
    if matches!(alone, Verdict::Install { attempt: 1, .. }) {
        return Err(format!("a run begins to which nobody at the console agreed: {alone:?}"));
    }
    Ok(asked)
}

/// The same with a person at the console who agrees to everything.
fn asked(moment: Moment<'_>) -> Result<Asked, String> {
    let Moment {
        graph,
        place,
        common,
        other_installs,
        ..
    } = moment;
    let node = &graph.nodes[place];
    let seen = Sighting {
        confirmed: true,
        chosen: Some(0),
        menu: true,
        ..Sighting::default()
    };
    let verdict = moment.told(&seen, Ask::Script);
    let wrong = |what: &str| {
        let path = graph.path(place);
        Err(format!("{what}: {verdict:?} with {common:?}\n    after {path:?}"))
    };
    let again = moment.told(&seen, Ask::ScriptAgain);
    if again != verdict && !is_under_way(node, common, &again) {
        return wrong("an attempt that is not under way is told once more");
    }
    let target = |wanted: &dyn Fn(&Event) -> bool| {
        let way = graph.ways[place]
            .iter()
            .find(|(way, _)| matches!(way, Way::Event(event) if wanted(event)));
        way.map(|(_, target)| *target).filter(|target| *target != place)
    };
    match &verdict {
        Verdict::Install { attempt, .. } => {
            if node.ledger.permitted_attempt() != Some(*attempt) {
                return wrong("an install that nobody permitted");
            }
            if common.paused {
                return wrong("an install while installs are paused");
            }
            let begins = *attempt == 1;
            if begins && (other_installs || common.started >= HOURLY) {
                return wrong("an install beyond the budget");
            }
            match target(&|event| matches!(event, Event::ScriptServed { .. })) {
                Some(target) => Ok(Asked::Served(target, begins)),
                None => wrong("`decide` says install and `step` says no"),
            }
        }
        Verdict::GiveUp => {
            let ended = target(&|event| matches!(event, Event::AttemptsSpent { .. }))
                .or_else(|| target(&|event| matches!(event, Event::DeadlinePassed { .. })));
            ended.map_or_else(
                || wrong("a run is given up that cannot end"),
                |target| Ok(Asked::Ended(target)),
            )
        }
        Verdict::AutoArm { .. } => {
            if node.ledger.settled || node.ledger.locked || common.paused || common.rule == RuleStands::Younger {
                return wrong("a rule arms where it has no say");
            }
            if common.granted >= LIMIT {
                return wrong("a rule arms beyond its limit");
            }
            let by_rule = |event: &Event| kind(event).0 == "armed by a rule";
            // Beyond the third run nothing is granted in this exploration.
            Ok(target(&by_rule).map_or(Asked::Nothing, Asked::Armed))
        }
        Verdict::Live(_)
        | Verdict::Local(_)
        | Verdict::Hold(_)
        | Verdict::Silence(_)
        | Verdict::Confirm(_)
        | Verdict::Menu(_) => Ok(Asked::Nothing),
        Verdict::FirstFile(_) | Verdict::AskAgainByScript | Verdict::OwnFiles => {
            wrong("a script was asked for, not an offer")
        }
    }
}

/// Fetching once more what was told begins nothing: it is the attempt that the run is at, or a question like any other.
fn is_under_way(node: &Node, common: Common, again: &Verdict) -> bool {
    let run = node.ledger.run.as_ref().filter(|run| run.ticks_left > 0);
    let present = run.filter(|_| !node.ledger.locked && !common.paused);
    matches!((again, present), (Verdict::Install { attempt, .. }, Some(run)) if *attempt == run.attempts)
}

/// Explores two hosts on one site.
pub(super) fn explore(rules: &Rules, graph: &Graph) -> Result<Explored, String> {
    Explorer::new(rules, graph)?.explore()
}
