//! A site for stories: an engine, a clock that the story moves, and machines that ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{
    Confirm, DoneTrigger, Facts, MacAddr, Policy, Profile, ProfileName, Sighting, Span, StageLimits, Timestamp, Token,
    World,
};
use bootwright_engine::{Command, Decision, Engine, Outcome, Report, ScriptReply};

/// The site of one story.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    tokens: u8,
    last_token: Option<Token>,
    lines: Vec<String>,
}

pub(crate) fn mac(number: u8) -> MacAddr {
    MacAddr::new([0x52, 0x54, 0, 0, 0, number])
}

pub(crate) fn profile(name: &str) -> Arc<Profile> {
    Arc::new(Profile {
        name: name.parse().expect("a name"),
        kernel: "/images/linux".to_owned(),
        initrds: Vec::new(),
        args: Vec::new(),
        files: BTreeMap::new(),
        done: DoneTrigger::Callback,
        confirm: Confirm::Dashboard,
        deadline: Span::from_hours(6),
        stages: StageLimits::default(),
        revision: 1,
    })
}

pub(crate) fn policy() -> Policy {
    let profiles = ["debian", "flatcar", "wipe"]
        .into_iter()
        .map(|name| (name.parse().expect("a name"), profile(name)));
    Policy {
        profiles: profiles.collect(),
        ..Policy::default()
    }
}

impl Site {
    pub(crate) fn new(policy: Policy) -> Self {
        let now = Timestamp::from_millis(1_000_000_000_000);
        let mut engine = Engine::new(Arc::new(policy.clone()), World::default(), now);
        let _ = engine.reload(now, None, Arc::new(policy));
        Self {
            engine,
            now,
            tokens: 0,
            last_token: None,
            lines: Vec::new(),
        }
    }

    pub(crate) fn wait(&mut self, span: Span) {
        self.now = self.now.after(span);
        let outcome = self.engine.tick(self.now);
        self.tell(&format!("wait {span}"), &outcome);
    }

    fn tell<R>(&mut self, what: &str, outcome: &Outcome<R>) {
        self.lines.push(what.to_owned());
        for entry in &outcome.entries {
            let host = entry.change.host().map(|host| format!("{host}: ")).unwrap_or_default();
            self.lines.push(format!("    {:?} {host}{}", entry.verb, entry.note));
        }
    }

    /// A machine asks for its script; the answer is a word.
    pub(crate) fn ask(&mut self, facts: &Facts) {
        self.tokens += 1;
        let fresh = Token::new([self.tokens; 16]);
        let seen = Sighting {
            facts: facts.clone(),
            boot_mac: facts.macs.first().copied(),
            firmware: Some(bootwright_core::Firmware::Bios),
            ..Sighting::default()
        };
        let outcome = self.engine.script(self.now, &seen, fresh);
        let answer = match &outcome.reply {
            ScriptReply::Install(ticket) => {
                self.last_token = Some(ticket.run.token);
                format!(
                    "install {} run {} attempt {}",
                    ticket.profile.name, ticket.run.number, ticket.run.attempts
                )
            }
            ScriptReply::Confirm { profile, .. } => format!("confirm {profile}"),
            ScriptReply::Live { profile, .. } => format!("live {}", profile.name),
            ScriptReply::Local { method, why, .. } => format!("local {method} ({why})"),
            ScriptReply::Hold(screen) => format!("hold ({})", screen.why),
            ScriptReply::Silence(why) => format!("silence ({why})"),
        };
        let cards = facts.macs.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
        let promise = if outcome.promises { ", once recorded" } else { "" };
        self.tell(&format!("{cards} asks -> {answer}{promise}"), &outcome);
    }

    pub(crate) fn ask_mac(&mut self, number: u8) {
        self.ask(&Facts::of_mac(mac(number)));
    }

    pub(crate) fn decide(&mut self, host: &str, decision: Decision) {
        let what = format!("{decision:?} for {host}");
        let command = Command::Host {
            host: host.to_owned(),
            decision,
        };
        self.command(&what, &command);
    }

    pub(crate) fn command(&mut self, what: &str, command: &Command) {
        let outcome = self.engine.command(self.now, "alice", command);
        let answer = match &outcome.reply {
            Ok(words) => words.clone(),
            Err(refusal) => format!("refused: {refusal}"),
        };
        self.tell(&format!("{what} -> {answer}"), &outcome);
    }

    pub(crate) fn arm(&mut self, host: &str, profiles: &[&str]) {
        let profiles: Vec<ProfileName> = profiles.iter().map(|name| name.parse().expect("a name")).collect();
        self.decide(
            host,
            Decision::Arm {
                profiles,
                wipe: std::collections::BTreeSet::new(),
            },
        );
    }

    pub(crate) fn token(&self) -> Token {
        self.last_token.expect("an install script was served")
    }

    pub(crate) fn report(&mut self, token: Token, report: &Report) {
        let outcome = self.engine.report(self.now, token, report);
        let what = format!("{report:?} -> {:?}", outcome.reply);
        self.tell(&what, &outcome);
    }

    /// The story so far, told once.
    pub(crate) fn story(&mut self) -> String {
        let mut story = std::mem::take(&mut self.lines).join("\n");
        story.push('\n');
        story
    }
}
