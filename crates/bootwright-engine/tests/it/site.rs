//! A site for stories: an engine, a clock that the story moves, and machines that ask.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{
    Arch, Attribute, Confirm, DoneTrigger, Facts, FrontEnd, Loader, MacAddr, Make, Pattern, Policy, Profile,
    ProfileName, RevisionChange, RevisionKey, Rule, RuleVerdict, Sighting, Span, StageLimits, Timestamp, Token, Trial,
    Verdict, Way, World,
};
use bootwright_engine::{
    Answer, Command, Decision, DocumentAsk, DocumentReply, Engine, FetchKind, Fetched, Fetching, FrontAsk,
    InstallTicket, LookTurn, OfferAsk, Outcome, Report, Requester, ScriptReply, Wants, Woken,
};
use bootwright_proto::script::name::{Act, Asking, PiAsking, PiFile, Wanted, read};

/// The site of one story.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) now: Timestamp,
    policy: Policy,
    tokens: u128,
    /// What was handed to the last installer.
    pub(crate) last_ticket: Option<InstallTicket>,
    last_token: Option<Token>,
    lines: Vec<String>,
    /// What the record has of the profiles that runs were started with.
    pub(crate) revisions: BTreeMap<RevisionKey, Profile>,
    /// Why no profile can be rendered, if so.
    pub(crate) trouble: Option<String>,
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
        menu: None,
        source: None,
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
        let _ = engine.reload(now, None, Arc::new(policy.clone()));
        Self {
            engine,
            now,
            policy,
            tokens: 0,
            last_ticket: None,
            last_token: None,
            lines: Vec::new(),
            revisions: BTreeMap::new(),
            trouble: None,
        }
    }

    pub(crate) fn wait(&mut self, span: Span) {
        self.now = self.now.after(span);
        let outcome = self.engine.tick(self.now);
        self.tell(&format!("wait {span}"), &outcome);
    }

    fn keep(&mut self, changes: &[RevisionChange]) {
        for change in changes {
            match change {
                RevisionChange::Kept(profile) => self.revisions.insert(change.key(), (**profile).clone()),
                RevisionChange::Dropped(key) => self.revisions.remove(key),
            };
        }
    }

    fn tell<R>(&mut self, what: &str, outcome: &Outcome<R>) {
        self.keep(&outcome.revisions);
        self.lines.push(what.to_owned());
        for entry in &outcome.entries {
            let host = entry.change.host().map(|host| format!("{host}: ")).unwrap_or_default();
            self.lines.push(format!("    {:?} {host}{}", entry.verb, entry.note));
        }
        if outcome.woken == Woken::All {
            self.lines.push("    (all who wait ask again)".to_owned());
        }
    }

    /// A machine asks for its script; the answer is a word.
    pub(crate) fn ask(&mut self, facts: &Facts) {
        self.tokens += 1;
        let fresh = Token::new(self.tokens.to_be_bytes());
        let seen = Sighting {
            facts: facts.clone(),
            boot_mac: facts.macs.first().copied(),
            address: facts.macs.first().map(|mac| address(*mac)),
            firmware: Some(bootwright_core::Firmware::Bios),
            ..Sighting::default()
        };
        let trouble = self.trouble.clone();
        let outcome = self.engine.script_with(self.now, &seen, fresh, |_| trouble);
        let cards = facts.macs.iter().map(ToString::to_string).collect::<Vec<_>>().join("+");
        self.answered(&cards, outcome);
    }

    /// A boot loader other than iPXE asks for a file, from the address of the machine with this number. `station` is what
    /// the neighbour table says of that address.
    pub(crate) fn ask_file(&mut self, number: u8, station: Option<MacAddr>, path: &str) {
        self.tokens += 1;
        let fresh = Token::new(self.tokens.to_be_bytes());
        let Some(Wanted::Script(asking)) = read(path) else {
            panic!("`{path}` asks for no configuration");
        };
        let ask = FrontAsk {
            asking,
            station,
            address: address(mac(number)),
            link: None,
        };
        let trouble = self.trouble.clone();
        let outcome = self.engine.front_with(self.now, &ask, fresh, |_| trouble);
        self.answered(path, outcome);
    }

    /// A Raspberry Pi asks for a file.
    pub(crate) fn ask_pi(&mut self, number: u8, path: &str) {
        let asking = PiAsking::read(path).expect("a Pi asks for it");
        let ask = FrontAsk {
            asking: Asking {
                front: FrontEnd::RaspberryPi,
                who: asking.who,
                act: Act::First,
            },
            station: Some(mac(number)),
            address: address(mac(number)),
            link: None,
        };
        let trouble = self.trouble.clone();
        if asking.file == PiFile::Config {
            self.tokens += 1;
            let fresh = Token::new(self.tokens.to_be_bytes());
            let outcome = self.engine.front_with(self.now, &ask, fresh, |_| trouble);
            return self.answered(path, outcome);
        }
        let mut outcome = self.engine.look(self.now, &ask, None);
        if let LookTurn::Try(ticket) = &outcome.reply {
            let trial = Trial::of(&ticket.profile, trouble);
            self.tell(&format!("{path}: tried out"), &outcome);
            outcome = self.engine.look(self.now, &ask, Some(trial));
        }
        let answer = match &outcome.reply {
            LookTurn::Proceed(host) => format!("{host} gets it"),
            LookTurn::Try(_) => "tried out once more".to_owned(),
            LookTurn::Refuse(_) => "refused".to_owned(),
        };
        self.tell(&format!("{path} -> {answer}"), &outcome);
    }

    fn answered(&mut self, who: &str, outcome: Outcome<ScriptReply>) {
        let answer = match &outcome.reply {
            ScriptReply::Install(ticket) => {
                self.last_token = Some(ticket.run.token);
                self.last_ticket = Some((**ticket).clone());
                format!(
                    "install {} run {} attempt {}",
                    ticket.profile.name, ticket.run.number, ticket.run.attempts
                )
            }
            ScriptReply::Confirm { profile, .. } => format!("confirm {profile}"),
            ScriptReply::Menu { profile, .. } => format!("menu {}", profile.name),
            ScriptReply::Live { profile, .. } => format!("live {}", profile.name),
            ScriptReply::Local { method, why, .. } => format!("local {method} ({why})"),
            ScriptReply::Hold(screen) => format!("hold ({})", screen.why),
            ScriptReply::Silence(why) => format!("silence ({why})"),
        };
        let promise = if outcome.promises { ", once recorded" } else { "" };
        self.tell(&format!("{who} asks -> {answer}{promise}"), &outcome);
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

    /// Something that the script of a machine needs did not come about.
    pub(crate) fn trouble_at(&mut self, number: u8, what: &str) {
        let seen = Sighting {
            facts: Facts::of_mac(mac(number)),
            ..Sighting::default()
        };
        let outcome = self.engine.trouble(self.now, &seen, what);
        self.tell(&format!("{} cannot go on", mac(number)), &outcome);
    }

    /// A machine with papers of its own asks.
    pub(crate) fn ask_machine(&mut self, number: u8) {
        self.ask(&machine(number));
    }

    /// A machine's firmware asks where to boot.
    pub(crate) fn offer(&mut self, number: u8) {
        self.offer_to(Loader::Firmware, number);
    }

    /// A relay passes on what the firmware of a machine asks.
    pub(crate) fn offer_through(&mut self, way: Way, number: u8) {
        self.offered(Loader::Firmware, way, number);
    }

    /// The firmware of a machine, or an iPXE that is in its place, asks where to boot.
    pub(crate) fn offer_to(&mut self, loader: Loader, number: u8) {
        self.offered(loader, Way::Link, number);
    }

    fn offered(&mut self, loader: Loader, way: Way, number: u8) {
        let seen = Sighting {
            facts: Facts::of_mac(mac(number)),
            boot_mac: Some(mac(number)),
            ..Sighting::default()
        };
        let ask = OfferAsk {
            seen,
            arch: Arch::BIOS,
            loader,
            make: Make::new(b"PXEClient:Arch:00000:UNDI:002001", mac(number)),
            wants: Wants::Offer,
            way,
        };
        let outcome = self.engine.offer(self.now, &ask);
        let what = format!("{} wants to boot -> {:?}", mac(number), outcome.reply);
        self.tell(&what, &outcome);
    }

    /// The disk guard asks; content is what was found on the disk.
    pub(crate) fn guard(&mut self, token: Token, serial: &str, content: Option<&str>) {
        let report = Report::Guard {
            serial: serial.to_owned(),
            content: content.map(str::to_owned),
        };
        self.report(token, &report);
    }

    pub(crate) fn arm_with_wipe(&mut self, host: &str, serial: &str) {
        let decision = Decision::Arm {
            profiles: vec!["debian".parse().expect("a name")],
            wipe: std::collections::BTreeSet::from([serial.to_owned()]),
        };
        self.decide(host, decision);
    }

    pub(crate) fn set_metadata(&mut self, host: &str, key: &str, value: &str) {
        let decision = Decision::SetMetadata {
            key: key.to_owned(),
            value: Some(value.to_owned()),
        };
        self.decide(host, decision);
    }

    pub(crate) fn policy(&self) -> Policy {
        self.policy.clone()
    }

    pub(crate) fn reload(&mut self, policy: Policy) {
        self.policy = policy;
        let outcome = self
            .engine
            .reload(self.now, Some("alice"), Arc::new(self.policy.clone()));
        let waiting: Vec<String> = outcome.reply.proposals.iter().map(|one| one.host.to_string()).collect();
        self.tell(&format!("reload -> would arm {waiting:?}"), &outcome);
    }

    pub(crate) fn apply(&mut self) {
        let proposed = self.engine.proposals();
        let hosts: Vec<_> = proposed.into_iter().map(|one| one.host).collect();
        let outcome = self.engine.apply_proposals(self.now, "alice", &hosts);
        let armed: Vec<String> = outcome.reply.iter().map(|one| one.host.to_string()).collect();
        self.tell(&format!("apply -> armed {armed:?}"), &outcome);
    }

    /// The daemon is killed and started again: all but the record is gone.
    pub(crate) fn restart(&mut self) {
        let world = self.engine.world().clone();
        self.engine = Engine::new(Arc::new(self.policy.clone()), world, self.now);
        self.engine.load_revisions(self.revisions.values().cloned());
        let outcome = self.engine.reload(self.now, None, Arc::new(self.policy.clone()));
        self.lines.push("restart".to_owned());
        self.keep(&outcome.revisions);
    }

    pub(crate) fn set_store(&mut self, up: bool, low: bool) {
        let outcome = self.engine.set_store(up, low);
        let state = match (up, low) {
            (false, _) => "down",
            (true, true) => "nearly full",
            (true, false) => "well",
        };
        self.tell(&format!("the store is {state}"), &outcome);
    }

    /// A file was delivered to a machine.
    pub(crate) fn fetched(&mut self, number: u8, name: &str, kind: FetchKind, failure: Option<&str>) {
        let fetched = Fetched {
            peer: address(mac(number)),
            name: name.to_owned(),
            kind,
            bytes: 4_200_000,
            took: Span::from_secs(2),
            failure: failure.map(str::to_owned),
        };
        let outcome = self.engine.fetched(self.now, &fetched);
        self.tell(&format!("{name} was sent to {}", mac(number)), &outcome);
    }

    /// A file is on its way to a machine.
    pub(crate) fn progressing(&mut self, number: u8, name: &str, bytes: u64) -> bool {
        let fetching = Fetching {
            name: name.to_owned(),
            bytes,
            size: 4_200_000,
        };
        self.engine.progressing(self.now, address(mac(number)), fetching)
    }

    /// The file that is on its way to a machine, and how much of it has arrived.
    pub(crate) fn fetching(&self, number: u8) -> Option<(String, u64)> {
        let view = self.engine.view(&mac(number).to_string()).expect("the host is known");
        view.visit.fetching.map(|fetching| (fetching.name, fetching.bytes))
    }

    /// A run asks for one of its documents; what is found is delivered.
    pub(crate) fn document(&mut self, token: Token, name: &str) {
        let run = self.engine.run_of(self.now, token);
        let host = run.and_then(|(host, _)| self.engine.world().hosts.get(&host).cloned());
        let own = host.and_then(|host| host.facts.macs.first().copied());
        let own = own.unwrap_or_else(|| mac(1));
        self.fetch(&DocumentAsk {
            token,
            name,
            requester: Requester {
                address: address(own),
                station: Some(own),
            },
            is_secret: false,
        });
    }

    /// Somebody asks for a document; what is found is delivered.
    pub(crate) fn fetch(&mut self, ask: &DocumentAsk<'_>) {
        let DocumentAsk { token, name, .. } = *ask;
        let outcome = self.engine.document(self.now, ask);
        let found = match &outcome.reply {
            DocumentReply::Render(ticket) => format!("run {} of {}", ticket.run.number, ticket.name),
            DocumentReply::NoSuchDocument => "no such document".to_owned(),
        };
        let served = matches!(outcome.reply, DocumentReply::Render(_));
        self.tell(&format!("document {name} -> {found}"), &outcome);
        if served {
            let outcome = self.engine.document_served(self.now, token, name);
            self.tell(&format!("document {name} was sent"), &outcome);
        }
    }

    /// What `explain` says of a host: its state, the rules, and its answer.
    pub(crate) fn explain(&mut self, name: &str) {
        let explanation = self.engine.explain(self.now, name).expect("the host is known");
        let host = &explanation.view.host;
        let locked = if host.state.locked { ", locked" } else { "" };
        let run = host.state.phase.run();
        let attempts = run.map(|run| format!(", attempt {}", run.attempts)).unwrap_or_default();
        let stalled = if run.is_some_and(|run| run.stalled) {
            ", stalled"
        } else {
            ""
        };
        self.lines.push(format!(
            "explain {}: {}{locked}{attempts}{stalled}; {} of {} installing; paused: {}",
            explanation.view.name,
            host.state.phase.name(),
            explanation.installing.0,
            explanation.installing.1,
            explanation.paused.as_deref().unwrap_or("no"),
        ));
        for trace in &explanation.rules {
            let verdict = match &trace.verdict {
                RuleVerdict::Matches => "matches".to_owned(),
                RuleVerdict::Differs { attribute, .. } => format!("differs in {attribute}"),
            };
            self.lines
                .push(format!("    rule {} ({}): {verdict}", trace.rule, trace.profile));
        }
        for answer in &explanation.answers {
            if let Answer::Script { verdict, .. } = answer {
                self.lines
                    .push(format!("    would be told: {}", verdict_words(verdict)));
            }
        }
    }

    /// A line of the storyteller.
    pub(crate) fn say(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    /// The story so far, told once.
    pub(crate) fn story(&mut self) -> String {
        let mut story = std::mem::take(&mut self.lines).join("\n");
        story.push('\n');
        story
    }
}

/// A machine with a card and papers of its own.
pub(crate) fn machine(number: u8) -> Facts {
    Facts {
        uuid: format!("00112233-4455-6677-8899-aabbccddee{number:02x}").parse().ok(),
        serial: Some(format!("SN{number:04}")),
        ..Facts::of_mac(mac(number))
    }
}

pub(crate) fn address(mac: MacAddr) -> std::net::IpAddr {
    std::net::Ipv4Addr::new(10, 0, 0, mac.octets()[5]).into()
}

/// A rule for all of QEMU's cards.
pub(crate) fn rule(name: &str, profile: &str, auto_arm: bool, limit: Option<u32>) -> Rule {
    Rule {
        name: name.parse().expect("a name"),
        when: BTreeMap::from([(Attribute::Mac, Pattern::new("52:54:00:*"))]),
        profile: profile.parse().expect("a name"),
        auto_arm,
        limit,
        source: None,
        fingerprint: u64::from(limit.unwrap_or(0)) + 1,
    }
}

fn verdict_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Install { profile, attempt } => format!("install {profile}, attempt {attempt}"),
        Verdict::Confirm(profile) => format!("confirm {profile}"),
        Verdict::Menu(profile) => format!("menu {profile}"),
        Verdict::GiveUp => "give up, then the local disk".to_owned(),
        Verdict::AutoArm { rule, profile } => format!("install {profile}, which rule {rule} grants"),
        Verdict::Live(profile) => format!("live {profile}"),
        Verdict::Local(why) => format!("local disk, {why}"),
        Verdict::Hold(why) => format!("wait, {why}"),
        Verdict::Silence(why) => format!("nothing, {why}"),
        Verdict::FirstFile(_) | Verdict::AskAgainByScript | Verdict::OwnFiles => "an offer".to_owned(),
    }
}
