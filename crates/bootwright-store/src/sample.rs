//! Made-up entries for tests and simulations: every kind of change, state and failure comes up, on a few hosts that
//! keep coming back. The same seed makes the same history.

mod revision;

use std::collections::BTreeSet;

use bootwright_core::lease::{Lease, LeaseState};
use bootwright_core::{
    Cause, Change, Entry, Facts, Failure, FirstStep, Grant, Grantor, HostId, HostState, LocalBoot, LocalMethod,
    MacAddr, Make, Phase, ProfileName, RuleName, RuleRecord, Run, RunNumber, Stance, Strategy, Timestamp, Token, Uuid,
    Verb,
};

/// Names that hosts of a sample have.
const HOSTS: [&str; 8] = ["oak-1", "elm-22", "ash", "fir-9", "web01", "db-2", "a", "0x7"];
const PROFILES: [&str; 4] = ["debian", "leap", "discover", "wipe"];
const RULES: [&str; 3] = ["racks", "lab", "all-else"];
/// Texts that a careless format would stumble over.
const TEXTS: [&str; 9] = [
    "disk full",
    "",
    "it's \"quoted\"",
    "back\\slash",
    "Straße 7 ☃",
    "{\"json\": [1]}",
    "two\nlines",
    "nul\0byte",
    "'; DROP TABLE hosts; --",
];
const VERBS: [Verb; 21] = [
    Verb::New,
    Verb::Hold,
    Verb::Armed,
    Verb::Boot,
    Verb::Fetch,
    Verb::Guard,
    Verb::Done,
    Verb::Up,
    Verb::Fail,
    Verb::Stall,
    Verb::Local,
    Verb::Loop,
    Verb::Live,
    Verb::Ignore,
    Verb::Lock,
    Verb::Set,
    Verb::Forget,
    Verb::Warn,
    Verb::Pause,
    Verb::Reload,
    Verb::Seen,
];

/// A source of made-up values.
#[derive(Clone, Debug)]
pub struct Sample {
    state: u64,
    now_ms: u64,
}

impl Sample {
    /// The source that this seed stands for.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            state: seed,
            now_ms: 1_760_000_000_000,
        }
    }

    /// The next random number (SplitMix64).
    pub const fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A random number below `bound`, or zero if that is zero.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match self.number().checked_rem(bound) {
            Some(number) => number,
            None => 0,
        }
    }

    /// The next entry of a history.
    pub fn entry(&mut self) -> Entry {
        self.now_ms += self.below(5000);
        Entry {
            at: Timestamp::from_millis(self.now_ms),
            by: self.cause(),
            verb: self.pick(&VERBS),
            note: self.text(),
            change: self.change(),
        }
    }

    /// A batch of up to `longest` entries, at least one.
    pub fn batch(&mut self, longest: u64) -> Vec<Entry> {
        (0..=self.below(longest)).map(|_| self.entry()).collect()
    }

    /// Some lease of one of a few hundred addresses.
    pub fn lease(&mut self) -> Lease {
        self.now_ms += self.below(5000);
        let since = Timestamp::from_millis(self.now_ms);
        let [.., c, d] = self.below(300).to_be_bytes();
        Lease {
            address: std::net::Ipv4Addr::new(10, 0, c, d),
            holder: self.mac(),
            state: self.pick(&LeaseState::ALL),
            since,
            until: Timestamp::from_millis(self.now_ms.saturating_add(self.below(86_400_000))),
            client_id: (self.below(3) > 0).then(|| self.number().to_be_bytes()[..].to_vec()),
            host_name: (self.below(3) > 0).then(|| self.text()),
        }
    }

    /// Some change, more often to a host's state than anything else.
    pub fn change(&mut self) -> Change {
        let host = self.host();
        match self.below(22) {
            0..=3 => Change::HostAdded {
                host,
                facts: self.facts(),
            },
            4 => Change::FactsBound {
                host,
                facts: self.facts(),
            },
            5 => Change::LocalBootSet {
                host,
                local: self.local(),
            },
            6 => Change::LabelSet {
                host,
                key: self.text(),
                value: self.maybe(Self::text),
            },
            7 => Change::MetadataSet {
                host,
                key: self.text(),
                value: self.maybe(Self::text),
            },
            8 if self.below(3) == 0 => Change::HostForgotten { host },
            8 | 9 => Change::HostNoted { host },
            10 => Change::PauseSet {
                why: self.maybe(Self::text),
            },
            11 => Change::RuleSet {
                rule: self.rule(),
                record: self.maybe(Self::record),
            },
            12 => Change::SiteNoted,
            13 => Change::FirstStepSet {
                host,
                step: self.maybe(Self::first_step),
            },
            14 => Change::ReportedSet {
                host,
                reported: (0..self.below(4)).map(|_| (self.text(), self.text())).collect(),
            },
            _ => Change::StateSet {
                host,
                state: self.state(),
            },
        }
    }

    /// Some facts of a machine.
    pub fn facts(&mut self) -> Facts {
        let macs = (0..self.below(4)).map(|_| self.mac()).collect();
        Facts {
            macs,
            uuid: self.maybe(|sample| Uuid::from_text_order(sample.bytes())),
            serial: self.maybe(Self::text),
            asset: self.maybe(Self::text),
            manufacturer: self.maybe(Self::text),
            product: self.maybe(Self::text),
        }
    }

    fn first_step(&mut self) -> FirstStep {
        let class = self.text();
        FirstStep {
            make: Make::new(class.as_bytes(), self.mac()),
            strategy: self.maybe(|sample| sample.pick(&Strategy::LADDER)),
            file: self.text(),
        }
    }

    /// Some state of a host.
    pub fn state(&mut self) -> HostState {
        HostState {
            phase: self.phase(),
            locked: self.below(4) == 0,
            runs: self.small(),
        }
    }

    /// Some phase, each equally often.
    pub fn phase(&mut self) -> Phase {
        match self.below(7) {
            0 => Phase::New {
                stance: self.pick(&[Stance::Policy, Stance::Hold, Stance::Local]),
            },
            1 => Phase::Armed {
                grant: Box::new(self.grant()),
                queue: self.queue(1),
            },
            2 => Phase::Installing {
                run: self.run(),
                grant: Box::new(self.grant()),
                rest: self.queue(0),
            },
            3 => Phase::Installed {
                run: RunNumber::new(self.small()),
                profile: self.profile(),
                done: self.time(),
                up: self.maybe(Self::time),
            },
            4 => Phase::Failed {
                run: RunNumber::new(self.small()),
                profile: self.profile(),
                at: self.time(),
                failure: self.failure(),
            },
            5 => Phase::Live {
                profile: self.profile(),
            },
            _ => Phase::Ignored,
        }
    }

    /// Some reason for a failed run.
    pub fn failure(&mut self) -> Failure {
        match self.below(6) {
            0 => Failure::Reported(self.text()),
            1 => Failure::Deadline,
            2 => Failure::AttemptsUsed,
            3 => Failure::Guard(self.text()),
            4 => Failure::Cancelled,
            _ => Failure::IdentityChanged(self.text()),
        }
    }

    /// One of the few hosts of a sample.
    pub fn host(&mut self) -> HostId {
        name(self.pick(&HOSTS))
    }

    fn profile(&mut self) -> ProfileName {
        name(self.pick(&PROFILES))
    }

    fn rule(&mut self) -> RuleName {
        name(self.pick(&RULES))
    }

    fn cause(&mut self) -> Cause {
        match self.below(5) {
            0 => Cause::Operator(self.text()),
            1 => Cause::Rule(self.rule()),
            2 => Cause::Machine,
            3 => Cause::Clock,
            _ => Cause::Daemon,
        }
    }

    fn local(&mut self) -> LocalBoot {
        LocalBoot {
            method: self.maybe(|sample| sample.pick(&LocalMethod::ALL)),
            served: self.maybe(Self::time),
            returns: self.small(),
        }
    }

    fn record(&mut self) -> RuleRecord {
        RuleRecord {
            fingerprint: self.number(),
            since: self.time(),
            granted: self.small(),
        }
    }

    fn grant(&mut self) -> Grant {
        let by = if self.below(2) == 0 {
            Grantor::Operator(self.text())
        } else {
            Grantor::Rule(self.rule())
        };
        let wipe: BTreeSet<String> = (0..self.below(3)).map(|_| self.text()).collect();
        Grant {
            by,
            at: self.time(),
            expires: self.time(),
            machine: self.facts(),
            wipe,
        }
    }

    fn run(&mut self) -> Run {
        Run {
            number: RunNumber::new(self.small()),
            profile: self.profile(),
            revision: self.number(),
            token: Token::new(self.bytes()),
            started: self.time(),
            deadline: self.time(),
            attempts: self.small(),
            stalled: self.below(4) == 0,
            to: (self.below(2) == 0).then(|| std::net::IpAddr::from([10, 0, 0, 7])),
        }
    }

    fn queue(&mut self, shortest: u64) -> Vec<ProfileName> {
        (0..shortest + self.below(3)).map(|_| self.profile()).collect()
    }

    fn mac(&mut self) -> MacAddr {
        let [a, b, c, d, e, f, ..] = self.bytes();
        MacAddr::new([a, b, c, d, e, f])
    }

    fn bytes(&mut self) -> [u8; 16] {
        ((u128::from(self.number()) << 64) | u128::from(self.number())).to_be_bytes()
    }

    /// A point in time; now and then one at the end of what can be said.
    fn time(&mut self) -> Timestamp {
        Timestamp::from_millis(match self.below(50) {
            0 => u64::MAX,
            1 => 0,
            _ => self.now_ms + self.below(86_400_000),
        })
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.below(7)).unwrap_or(0)
    }

    fn text(&mut self) -> String {
        self.pick(&TEXTS).to_owned()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.below(3) == 0 { None } else { Some(make(self)) }
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let place = self.below(choices.len() as u64);
        choices[usize::try_from(place).unwrap_or(0)]
    }
}

/// One of the names above, which are all well formed.
fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the names of samples are names")
}
