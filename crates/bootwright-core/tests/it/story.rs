//! A story of one host: words in, a transcript out. The stories know neither events nor states.

use std::collections::BTreeSet;

use bootwright_core::{
    Event, Facts, Failure, Grant, Grantor, HostState, Phase, ProfileName, RunNumber, Span, Stance, Step, Timestamp,
    Token, step,
};

/// The moment at which stories begin.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_000_000_000_000);

/// How long an arming lasts in stories.
pub(crate) const ARM_TTL: Span = Span::from_hours(24);

/// How long a run may take in stories.
pub(crate) const DEADLINE: Span = Span::from_hours(6);

/// How many attempts a run has in stories.
pub(crate) const MAX_ATTEMPTS: u32 = 2;

pub(crate) fn profile(name: &str) -> ProfileName {
    name.parse().expect("a profile name")
}

/// The token that stories call by this number.
pub(crate) fn token(number: u8) -> Token {
    Token::new([number; 16])
}

pub(crate) fn grant(by: Grantor, at: Timestamp) -> Grant {
    Grant {
        by,
        at,
        expires: at.after(ARM_TTL),
        machine: Facts::default(),
        wipe: BTreeSet::new(),
    }
}

pub(crate) fn alice() -> Grantor {
    Grantor::Operator("alice".to_owned())
}

pub(crate) fn rule() -> Grantor {
    Grantor::Rule("rack".parse().expect("a rule name"))
}

/// The events that the words of stories stand for.
///
/// A run is named by its number, which is also that of its token; `1/9` is run 1 with the token 9.
pub(crate) fn event(words: &str, now: Timestamp) -> Event {
    let mut words = words.split_whitespace();
    let verb = words.next().expect("a verb");
    let rest: Vec<&str> = words.collect();
    let names = || -> Vec<ProfileName> { rest.iter().map(|name| profile(name)).collect() };
    let run_and_token = || -> (RunNumber, Token) {
        let word = rest.first().expect("a run");
        let (run, key) = word.split_once('/').unwrap_or((word, word));
        let number = |text: &str| text.parse::<u8>().expect("a number");
        (RunNumber::new(u32::from(number(run))), token(number(key)))
    };
    match verb {
        "arm" => Event::Armed {
            grant: grant(alice(), now),
            queue: names(),
        },
        "rule-arms" => Event::Armed {
            grant: grant(rule(), now),
            queue: names(),
        },
        "queue" => Event::Queued { profiles: names() },
        "allow" => Event::WipeAllowed { serial: rest.concat() },
        "hold" => Event::Held,
        "local" => Event::LocalChosen,
        "live" => Event::LiveChosen {
            profile: names().remove(0),
        },
        "ignore" => Event::Ignored,
        "lock" => Event::Locked,
        "unlock" => Event::Unlocked { at: now },
        "start" => Event::ScriptServed {
            token: run_and_token().1,
            chosen: None,
            revision: 1,
            at: now,
            deadline: now.after(DEADLINE),
            max_attempts: MAX_ATTEMPTS,
            to: None,
        },
        "finish" => {
            let (run, token) = run_and_token();
            Event::Finished { run, token, at: now }
        }
        "fail" => {
            let (run, token) = run_and_token();
            let failure = Failure::Reported("no disk".to_owned());
            Event::RunFailed {
                run,
                token,
                at: now,
                failure,
            }
        }
        "up" => {
            let (run, token) = run_and_token();
            Event::CameUp { run, token, at: now }
        }
        "guard" => {
            let (run, token) = run_and_token();
            let serial = rest.get(1).copied().unwrap_or_default().to_owned();
            Event::GuardPassed { run, token, serial }
        }
        "spend" => Event::AttemptsSpent {
            at: now,
            max_attempts: MAX_ATTEMPTS,
        },
        "another-machine" => Event::IdentityChanged {
            seen: Facts::default(),
            difference: "another serial number".to_owned(),
            at: now,
        },
        "expire" => Event::GrantExpired { at: now },
        "deadline" => Event::DeadlinePassed { at: now },
        "restore" => Event::Restored,
        "overdue" => Event::StageOverdue { run: run_and_token().0 },
        "heard" => Event::StageReached { run: run_and_token().0 },
        other => panic!("no story knows the word `{other}`"),
    }
}

/// A state in the words of the transcripts.
pub(crate) fn describe(state: &HostState) -> String {
    let list = |names: &[ProfileName]| names.iter().map(ProfileName::as_str).collect::<Vec<_>>().join(", ");
    let text = match &state.phase {
        Phase::New { stance: Stance::Policy } => "new".to_owned(),
        Phase::New { stance: Stance::Hold } => "new, held".to_owned(),
        Phase::New { stance: Stance::Local } => "new, local".to_owned(),
        Phase::Armed { queue, grant } => format!("armed {}{}", list(queue), wipes(grant)),
        Phase::Installing { run, grant, rest } => {
            let stalled = if run.stalled { ", stalled" } else { "" };
            let then = if rest.is_empty() {
                String::new()
            } else {
                format!(", then {}", list(rest))
            };
            format!(
                "installing {} #{} attempt {}{stalled}{then}{}",
                run.profile,
                run.number,
                run.attempts,
                wipes(grant)
            )
        }
        Phase::Installed { run, profile, up, .. } => {
            let up = if up.is_some() { ", up" } else { "" };
            format!("installed {profile} #{run}{up}")
        }
        Phase::Failed {
            run, profile, failure, ..
        } => format!("failed {profile} #{run} ({failure})"),
        Phase::Live { profile } => format!("live {profile}"),
        Phase::Ignored => "ignored".to_owned(),
    };
    if state.locked { format!("{text}, locked") } else { text }
}

fn wipes(grant: &Grant) -> String {
    if grant.wipe.is_empty() {
        return String::new();
    }
    let serials: Vec<&str> = grant.wipe.iter().map(String::as_str).collect();
    format!(", may overwrite {}", serials.join(", "))
}

/// Tells a story: words separated by `;`. `wait 25h` moves the clock.
pub(crate) fn tell(story: &str) -> String {
    let (mut state, mut now) = (HostState::default(), START);
    let mut lines = Vec::new();
    for words in story.split(';').map(str::trim) {
        if let Some(hours) = words.strip_prefix("wait ").and_then(|text| text.strip_suffix('h')) {
            now = now.after(Span::from_hours(hours.parse().expect("hours")));
            continue;
        }
        let told = match step(&state, &event(words, now)) {
            Step::Moved(next) => {
                state = *next;
                describe(&state)
            }
            Step::Stayed(why) => format!("{} (ignored: {why})", describe(&state)),
        };
        lines.push(format!("{words:<12} -> {told}\n"));
    }
    lines.concat()
}
