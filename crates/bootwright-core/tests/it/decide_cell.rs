//! Every cell of `decide`: what a host in each state is told, and what the site's situation changes about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::decide::UNKNOWN_RULE;
use bootwright_core::{
    Ask, Asker, Confirm, DoneTrigger, Facts, Host, HostDefinition, HostState, Pattern, Phase, Policy, Profile, Rule,
    RuleRecord, Sighting, Site, Situation, Span, StageLimits, Step, Timestamp, Trial, Unknown, Verdict, decide, step,
};
use expect_test::expect;

use crate::story::{START, event, profile};

/// A host that came to its state by a story, and was first seen one second after the beginning.
pub(crate) fn host(story: &str) -> Host {
    let mut host = Host::new(
        "oak-1".parse().expect("a name"),
        START.after(Span::from_secs(1)),
        Facts::of_mac("52:54:00:00:00:01".parse().expect("an address")),
    );
    let mut state = HostState::default();
    for words in story.split(';').map(str::trim).filter(|words| !words.is_empty()) {
        match step(&state, &event(words, START)) {
            Step::Moved(next) => state = *next,
            Step::Stayed(why) => panic!("{words}: {why}"),
        }
    }
    host.state = state;
    host
}

pub(crate) fn a_profile(name: &str, revision: u64) -> Arc<Profile> {
    Arc::new(Profile {
        name: profile(name),
        kernel: "linux".to_owned(),
        initrds: Vec::new(),
        args: Vec::new(),
        files: BTreeMap::new(),
        done: DoneTrigger::Callback,
        confirm: Confirm::Dashboard,
        deadline: Span::from_hours(6),
        stages: StageLimits::default(),
        menu: None,
        source: None,
        revision,
    })
}

/// A policy with the profiles `debian`, `leap` and `rescue`.
pub(crate) fn policy() -> Policy {
    Policy {
        profiles: ["debian", "leap", "rescue"]
            .into_iter()
            .map(|name| (profile(name), a_profile(name, 7)))
            .collect(),
        ..Policy::default()
    }
}

fn rule(auto_arm: bool, limit: Option<u32>) -> Rule {
    Rule {
        name: "rack".parse().expect("a name"),
        when: BTreeMap::from([(bootwright_core::Attribute::Mac, Pattern::new("52:54:*"))]),
        profile: profile("debian"),
        auto_arm,
        limit,
        source: None,
        fingerprint: 11,
    }
}

/// What decides beside the host.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) policy: Policy,
    site: Site,
    installing: u32,
    started_last_hour: u32,
    store_ready: bool,
    store_low: bool,
    revision_lost: bool,
    trial: Option<Trial>,
    confirmed: bool,
    pub(crate) chosen: Option<u16>,
    pub(crate) menu: bool,
    pub(crate) now: Timestamp,
}

impl Case {
    pub(crate) fn new() -> Self {
        Self {
            policy: policy(),
            site: Site::default(),
            installing: 0,
            started_last_hour: 0,
            store_ready: true,
            store_low: false,
            revision_lost: false,
            trial: None,
            confirmed: false,
            chosen: None,
            menu: false,
            now: START.after(Span::from_mins(1)),
        }
    }

    pub(crate) fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::new();
        change(&mut case);
        case
    }

    pub(crate) fn ask(&self, asker: Asker<'_>, definition: Option<&HostDefinition>, ask: Ask) -> String {
        let situation = Situation {
            site: &self.site,
            installing: self.installing,
            started_last_hour: self.started_last_hour,
            store_ready: self.store_ready,
            store_low: self.store_low,
            revision_lost: self.revision_lost,
            trial: self.trial.as_ref(),
            now: self.now,
        };
        let seen = Sighting {
            confirmed: self.confirmed,
            chosen: self.chosen,
            menu: self.menu,
            ..Sighting::default()
        };
        words(&decide(&self.policy, &situation, asker, definition, &seen, ask))
    }
}

pub(crate) fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::FirstFile(file) => format!("first file {file}"),
        Verdict::AskAgainByScript => "fetch the script".to_owned(),
        Verdict::OwnFiles => "its own files".to_owned(),
        Verdict::Install { profile, attempt } => format!("install {profile}, attempt {attempt}"),
        Verdict::Confirm(profile) => format!("confirm {profile} at the console"),
        Verdict::Menu(profile) => format!("menu {profile}"),
        Verdict::GiveUp => "give up".to_owned(),
        Verdict::AutoArm { rule, profile } => format!("rule {rule} arms {profile}"),
        Verdict::Live(profile) => format!("live {profile}"),
        Verdict::Local(why) => format!("local ({why})"),
        Verdict::Hold(why) => format!("hold ({why})"),
        Verdict::Silence(why) => format!("silence ({why})"),
    }
}

pub(crate) const STATES: &[&str] = &[
    "",
    "hold",
    "local",
    "arm debian",
    "arm gone",
    "arm debian; start 1",
    "arm debian; start 1; start 2",
    "arm gone; start 1",
    "arm debian; start 1; finish 1",
    "arm debian; start 1; up 1",
    "arm debian; start 1; fail 1",
    "live rescue",
    "live gone",
    "ignore",
    "lock",
    "arm debian; start 1; finish 1; lock",
];

/// What hosts in all states are told; in all cases but the first, only what differs from it.
fn table(cases: &[(&str, Case)]) -> String {
    let mut text = String::new();
    for (name, case) in cases {
        text.push_str(&format!("{name}:\n"));
        for story in STATES {
            let shown = if story.is_empty() { "new" } else { story };
            let ask = |case: &Case| case.ask(Asker::Host(&host(story)), None, Ask::Script);
            let answer = ask(case);
            let first = cases.first().is_some_and(|(first, _)| first == name);
            if first || cases.first().is_none_or(|(_, first)| ask(first) != answer) {
                text.push_str(&format!("    {shown:<35} {answer}\n"));
            }
        }
    }
    text
}

#[test]
fn what_a_host_is_told_in_each_state_and_what_keeps_installs_back() {
    let cases = [
        ("an ordinary moment", Case::new()),
        (
            "a day later",
            Case::with(|case| case.now = START.after(Span::from_hours(24))),
        ),
        (
            "paused",
            Case::with(|case| case.site.paused = Some("the rack is being moved".to_owned())),
        ),
        ("the store is down", Case::with(|case| case.store_ready = false)),
        ("the store is nearly full", Case::with(|case| case.store_low = true)),
        ("32 under way", Case::with(|case| case.installing = 32)),
        ("200 within the hour", Case::with(|case| case.started_last_hour = 200)),
        (
            "no attempts at all",
            Case::with(|case| case.policy.safety.max_attempts = 0),
        ),
    ];
    expect![[r#"
        an ordinary moment:
            new                                 hold (nobody has armed it)
            hold                                hold (it is held until it is armed)
            local                               local (an operator chose its own disk)
            arm debian                          install debian, attempt 1
            arm gone                            hold (profile `gone` is not in the configuration)
            arm debian; start 1                 install debian, attempt 2
            arm debian; start 1; start 2        give up
            arm gone; start 1                   install gone, attempt 2
            arm debian; start 1; finish 1       local (it is installed)
            arm debian; start 1; up 1           local (it is installed)
            arm debian; start 1; fail 1         local (its last run failed; arm it again to install it)
            live rescue                         live rescue
            live gone                           hold (profile `gone` is not in the configuration)
            ignore                              silence (the host is ignored)
            lock                                hold (nobody has armed it)
            arm debian; start 1; finish 1; lock local (it is installed)
        a day later:
            arm debian                          hold (its arming has expired)
            arm gone                            hold (its arming has expired)
            arm debian; start 1                 give up
            arm gone; start 1                   give up
        paused:
            arm debian                          hold (installs are paused: the rack is being moved)
            arm gone                            hold (installs are paused: the rack is being moved)
            arm debian; start 1                 hold (installs are paused: the rack is being moved)
            arm gone; start 1                   hold (installs are paused: the rack is being moved)
        the store is down:
            arm debian                          hold (the store cannot be written)
            arm gone                            hold (the store cannot be written)
            arm debian; start 1                 hold (the store cannot be written)
            arm gone; start 1                   hold (the store cannot be written)
        the store is nearly full:
            arm debian                          hold (the disk of the store is full, and nothing new may begin until it has room)
        32 under way:
            arm debian                          hold (32 installs are under way, as many as `max_concurrent` allows)
        200 within the hour:
            arm debian                          hold (200 installs began within the last hour, as many as `max_new_per_hour` allows)
        no attempts at all:
            arm debian                          hold (installs are paused: `max_attempts` is 0)
            arm debian; start 1                 give up
            arm gone; start 1                   give up
    "#]].assert_eq(&table(&cases));
}

/// What is told of it differs from a new question only where an attempt is under way.
#[test]
fn a_loader_that_fetches_its_script_once_more_is_at_the_same_attempt() {
    let mut text = String::new();
    let cases = [
        ("an ordinary moment", Case::new()),
        (
            "a day later",
            Case::with(|case| case.now = START.after(Span::from_hours(24))),
        ),
        (
            "paused",
            Case::with(|case| case.site.paused = Some("the rack is being moved".to_owned())),
        ),
        (
            "no attempts at all",
            Case::with(|case| case.policy.safety.max_attempts = 0),
        ),
    ];
    for (name, case) in cases {
        text.push_str(&format!("{name}:\n"));
        for story in STATES {
            let again = case.ask(Asker::Host(&host(story)), None, Ask::ScriptAgain);
            if again != case.ask(Asker::Host(&host(story)), None, Ask::Script) {
                text.push_str(&format!("    {story:<32} {again}\n"));
            }
        }
    }
    expect![[r#"
        an ordinary moment:
            arm debian; start 1              install debian, attempt 1
            arm debian; start 1; start 2     install debian, attempt 2
            arm gone; start 1                install gone, attempt 1
        a day later:
        paused:
        no attempts at all:
    "#]]
    .assert_eq(&text);
}

#[test]
fn what_the_last_free_place_is_worth() {
    let case = Case::with(|case| {
        case.installing = 31;
        case.started_last_hour = 199;
    });
    expect!["install debian, attempt 1"].assert_eq(&case.ask(Asker::Host(&host("arm debian")), None, Ask::Script));
}

#[test]
fn a_person_at_the_console_is_asked_before_the_first_attempt_and_not_again() {
    let mut case = Case::new();
    let mut asking = (*a_profile("debian", 7)).clone();
    asking.confirm = Confirm::Console;
    case.policy.profiles.insert(profile("debian"), Arc::new(asking));
    let mut told = vec![
        case.ask(Asker::Host(&host("arm debian")), None, Ask::Script),
        case.ask(Asker::Host(&host("arm debian; start 1")), None, Ask::Script),
    ];
    case.confirmed = true;
    told.push(case.ask(Asker::Host(&host("arm debian")), None, Ask::Script));
    told.push(case.ask(Asker::Host(&host("")), None, Ask::Script));
    expect![[r#"
        confirm debian at the console
        install debian, attempt 2
        install debian, attempt 1
        hold (nobody has armed it)"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_host_that_nobody_decided_about_gets_what_the_policy_says() {
    let mut text = String::new();
    let unknowns = [
        Unknown::Hold,
        Unknown::Local,
        Unknown::Ignore,
        Unknown::Install(profile("debian")),
    ];
    for unknown in unknowns {
        for store_ready in [true, false] {
            let case = Case::with(|case| {
                case.policy.safety.unknown = unknown.clone();
                case.store_ready = store_ready;
            });
            let ready = if store_ready { "" } else { ", store down" };
            text.push_str(&format!("{unknown:?}{ready}:\n"));
            let (new, held) = (host(""), host("hold"));
            for (name, asker) in [
                ("host", Asker::Host(&new)),
                ("held host", Asker::Host(&held)),
                ("stranger", Asker::Stranger),
                ("nobody", Asker::Nobody),
                ("doubt", Asker::Contradiction("two serial numbers")),
            ] {
                text.push_str(&format!("    {name:<10} {}\n", case.ask(asker, None, Ask::Script)));
            }
        }
    }
    expect![[r#"
        Hold:
            host       hold (nobody has armed it)
            held host  hold (it is held until it is armed)
            stranger   hold (nobody has armed it)
            nobody     hold (it shows neither a proper hardware address nor a UUID nor a serial number)
            doubt      hold (its identity is in doubt: two serial numbers)
        Hold, store down:
            host       hold (nobody has armed it)
            held host  hold (it is held until it is armed)
            stranger   hold (the store cannot be written)
            nobody     hold (it shows neither a proper hardware address nor a UUID nor a serial number)
            doubt      hold (its identity is in doubt: two serial numbers)
        Local:
            host       local (the policy for unknown hosts is `local`)
            held host  hold (it is held until it is armed)
            stranger   local (the policy for unknown hosts is `local`)
            nobody     local (the policy for unknown hosts is `local`)
            doubt      hold (its identity is in doubt: two serial numbers)
        Local, store down:
            host       local (the policy for unknown hosts is `local`)
            held host  hold (it is held until it is armed)
            stranger   local (the policy for unknown hosts is `local`)
            nobody     local (the policy for unknown hosts is `local`)
            doubt      hold (its identity is in doubt: two serial numbers)
        Ignore:
            host       silence (the policy for unknown hosts is `ignore`)
            held host  hold (it is held until it is armed)
            stranger   silence (the policy for unknown hosts is `ignore`)
            nobody     silence (the policy for unknown hosts is `ignore`)
            doubt      hold (its identity is in doubt: two serial numbers)
        Ignore, store down:
            host       silence (the policy for unknown hosts is `ignore`)
            held host  hold (it is held until it is armed)
            stranger   silence (the policy for unknown hosts is `ignore`)
            nobody     silence (the policy for unknown hosts is `ignore`)
            doubt      hold (its identity is in doubt: two serial numbers)
        Install(debian):
            host       hold (rule `unknown` is younger than this host; `bootwright apply` accepts it)
            held host  hold (it is held until it is armed)
            stranger   hold (nobody has armed it)
            nobody     hold (it shows neither a proper hardware address nor a UUID nor a serial number)
            doubt      hold (its identity is in doubt: two serial numbers)
        Install(debian), store down:
            host       hold (the store cannot be written)
            held host  hold (it is held until it is armed)
            stranger   hold (the store cannot be written)
            nobody     hold (it shows neither a proper hardware address nor a UUID nor a serial number)
            doubt      hold (its identity is in doubt: two serial numbers)
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_rule_arms_by_itself_within_its_limit_and_only_hosts_that_are_newer() {
    let known = |since: Timestamp, granted: u32, fingerprint: u64| RuleRecord {
        fingerprint,
        since,
        granted,
    };
    let name: bootwright_core::RuleName = "rack".parse().expect("a name");
    let later = START.after(Span::from_secs(2));
    let same = START.after(Span::from_secs(1));
    let cases: Vec<(&str, Rule, Option<RuleRecord>)> = vec![
        ("does not arm", rule(false, None), None),
        ("arms", rule(true, Some(2)), Some(known(START, 0, 11))),
        ("never read", rule(true, Some(2)), None),
        ("other text", rule(true, Some(2)), Some(known(START, 0, 12))),
        ("younger", rule(true, Some(2)), Some(known(later, 0, 11))),
        ("same moment", rule(true, Some(2)), Some(known(same, 0, 11))),
        ("last one", rule(true, Some(2)), Some(known(START, 1, 11))),
        ("used up", rule(true, Some(2)), Some(known(START, 2, 11))),
        ("no limit", rule(true, None), Some(known(START, 0, 11))),
    ];
    let mut text = String::new();
    for (what, rule, record) in cases {
        let case = Case::with(|case| {
            case.policy.rules = vec![rule].into();
            case.site.rules = record.into_iter().map(|record| (name.clone(), record)).collect();
        });
        for story in ["", "hold", "lock"] {
            let shown = if story.is_empty() { "new" } else { story };
            let answer = case.ask(Asker::Host(&host(story)), None, Ask::Script);
            text.push_str(&format!("{what:<12} {shown:<5} {answer}\n"));
        }
    }
    expect![[r#"
        does not arm new   hold (nobody has armed it)
        does not arm hold  hold (it is held until it is armed)
        does not arm lock  hold (nobody has armed it)
        arms         new   rule rack arms debian
        arms         hold  hold (it is held until it is armed)
        arms         lock  hold (it is locked)
        never read   new   hold (rule `rack` is younger than this host; `bootwright apply` accepts it)
        never read   hold  hold (it is held until it is armed)
        never read   lock  hold (it is locked)
        other text   new   hold (rule `rack` is younger than this host; `bootwright apply` accepts it)
        other text   hold  hold (it is held until it is armed)
        other text   lock  hold (it is locked)
        younger      new   hold (rule `rack` is younger than this host; `bootwright apply` accepts it)
        younger      hold  hold (it is held until it is armed)
        younger      lock  hold (it is locked)
        same moment  new   hold (rule `rack` is younger than this host; `bootwright apply` accepts it)
        same moment  hold  hold (it is held until it is armed)
        same moment  lock  hold (it is locked)
        last one     new   rule rack arms debian
        last one     hold  hold (it is held until it is armed)
        last one     lock  hold (it is locked)
        used up      new   hold (rule `rack` has granted its 2 installs)
        used up      hold  hold (it is held until it is armed)
        used up      lock  hold (it is locked)
        no limit     new   hold (rule `rack` has granted its 0 installs)
        no limit     hold  hold (it is held until it is armed)
        no limit     lock  hold (it is locked)
    "#]]
    .assert_eq(&text);
}

#[test]
fn unknown_install_counts_from_the_moment_at_which_this_profile_was_first_read() {
    let record = |since: Timestamp, fingerprint: u64| RuleRecord {
        fingerprint,
        since,
        granted: 0,
    };
    let mut text = String::new();
    for (what, record) in [
        ("never read", None),
        ("read before", Some(record(START, 7))),
        ("read later", Some(record(START.after(Span::from_secs(5)), 7))),
        ("another revision", Some(record(START, 8))),
    ] {
        let case = Case::with(|case| {
            case.policy.safety.unknown = Unknown::Install(profile("debian"));
            case.site.rules = record
                .into_iter()
                .map(|record| (UNKNOWN_RULE.parse().expect("a name"), record))
                .collect();
        });
        for story in ["", "lock"] {
            let shown = if story.is_empty() { "new" } else { story };
            let answer = case.ask(Asker::Host(&host(story)), None, Ask::Script);
            text.push_str(&format!("{what:<16} {shown:<5} {answer}\n"));
        }
    }
    expect![[r#"
        never read       new   hold (rule `unknown` is younger than this host; `bootwright apply` accepts it)
        never read       lock  hold (it is locked)
        read before      new   rule unknown arms debian
        read before      lock  hold (it is locked)
        read later       new   hold (rule `unknown` is younger than this host; `bootwright apply` accepts it)
        read later       lock  hold (it is locked)
        another revision new   hold (rule `unknown` is younger than this host; `bootwright apply` accepts it)
        another revision lock  hold (it is locked)
    "#]]
    .assert_eq(&text);
}

#[test]
fn a_run_goes_on_only_with_what_it_was_started_with() {
    let case = Case::with(|case| case.revision_lost = true);
    let told = |story: &str| case.ask(Asker::Host(&host(story)), None, Ask::Script);
    assert_eq!(
        told("arm debian; start 1"),
        "hold (profile `debian` reads otherwise now, and what its run was started with is not in the record)"
    );
    assert_eq!(
        told("arm debian"),
        "install debian, attempt 1",
        "this run begins with what there is"
    );
}

#[test]
fn what_cannot_be_rendered_for_a_host_is_not_handed_to_it() {
    let mut text = String::new();
    for (what, name, revision) in [
        ("this", "debian", 7),
        ("that of the run", "debian", 1),
        ("another", "leap", 7),
    ] {
        let case = Case::with(|case| {
            case.trial = Some(Trial {
                profile: profile(name),
                revision,
                trouble: Some("config.toml:3:9: no such name".to_owned()),
            });
            case.policy.rules = vec![rule(true, Some(1))].into();
            let record = RuleRecord {
                fingerprint: 11,
                since: START,
                granted: 0,
            };
            case.site.rules.insert("rack".parse().expect("a name"), record);
        });
        for story in ["", "arm debian", "arm debian; start 1", "arm debian; start 1; finish 1"] {
            let answer = case.ask(Asker::Host(&host(story)), None, Ask::Script);
            text.push_str(&format!("{what:<20} {story:<30} {answer}\n"));
        }
    }
    expect![[r#"
        this                                                hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
        this                 arm debian                     hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
        this                 arm debian; start 1            install debian, attempt 2
        this                 arm debian; start 1; finish 1  local (it is installed)
        that of the run                                     rule rack arms debian
        that of the run      arm debian                     install debian, attempt 1
        that of the run      arm debian; start 1            hold (profile `debian` cannot be rendered for it: config.toml:3:9: no such name)
        that of the run      arm debian; start 1; finish 1  local (it is installed)
        another                                             rule rack arms debian
        another              arm debian                     install debian, attempt 1
        another              arm debian; start 1            install debian, attempt 2
        another              arm debian; start 1; finish 1  local (it is installed)
    "#]].assert_eq(&text);
}

#[test]
fn a_locked_host_is_never_told_to_install_even_if_its_state_says_so() {
    let mut text = String::new();
    for story in ["arm debian", "arm debian; start 1"] {
        let mut host = host(story);
        host.state.locked = true;
        let answer = Case::new().ask(Asker::Host(&host), None, Ask::Script);
        text.push_str(&format!("{answer}\n"));
    }
    let mut empty = host("arm debian");
    if let Phase::Armed { queue, .. } = &mut empty.state.phase {
        queue.clear();
    }
    text.push_str(&Case::new().ask(Asker::Host(&empty), None, Ask::Script));
    expect![[r#"
        hold (it is locked)
        hold (it is locked)
        hold (nobody has armed it)"#]]
    .assert_eq(&text);
}
