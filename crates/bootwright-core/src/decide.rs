//! What a machine is told.
//!
//! Total and pure: the same policy, host and moment give the same verdict on every channel. Only `Verdict::Install` leads
//! to a script that may write to a disk, and it needs a grant that is neither used up nor expired.

use crate::local;
use crate::{
    Arch, Ask, Choice, Confirm, DhcpMode, HoldWhy, Host, HostDefinition, Loader, LocalWhy, Menu, Phase, Policy,
    ProfileName, Rule, RuleName, Sighting, Site, Stance, Timestamp, Trial, Unknown, Verdict, Why, admit, attributes,
};

/// The name under which `unknown = { install = … }` is remembered as a rule.
pub const UNKNOWN_RULE: &str = "unknown";

/// How things stand on the site at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation<'a> {
    /// What the record says of the site.
    pub site: &'a Site,
    /// How many runs are under way.
    pub installing: u32,
    /// How many runs began within the last hour.
    pub started_last_hour: u32,
    /// Whether what is decided now can be recorded.
    pub store_ready: bool,
    /// Whether so little room is left that nothing new may begin.
    pub store_low: bool,
    /// Whether nobody knows what the run of the machine that asks was started with.
    pub revision_lost: bool,
    /// What came of rendering for the machine that asks what it is to boot, if that was tried.
    pub trial: Option<&'a Trial>,
    /// Now.
    pub now: Timestamp,
}

/// The machine that asks, as far as it could be told from others.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// A host in the store.
    Host(&'a Host),
    /// A machine that the store does not know yet.
    Stranger,
    /// None of its facts tells it from others.
    Nobody,
    /// Its facts contradict each other or the record.
    Contradiction(&'a str),
}

/// What the machine is told.
#[must_use]
pub fn decide(
    policy: &Policy,
    situation: &Situation<'_>,
    asker: Asker<'_>,
    definition: Option<&HostDefinition>,
    seen: &Sighting,
    ask: Ask,
) -> Verdict {
    match ask {
        Ask::Offer {
            arch,
            loader,
            file,
            handed,
            way,
            ..
        } => {
            if let Some(why) = admit(policy, definition, ask) {
                return Verdict::Silence(why);
            }
            let remembered = match asker {
                Asker::Host(host) => host.local.method,
                Asker::Stranger | Asker::Nobody | Asker::Contradiction(_) => None,
            };
            let own_disk = definition
                .and_then(|definition| definition.local)
                .or(remembered)
                .and_then(local::before_loader);
            let left = own_disk.filter(|_| {
                let verdict = decide_script(policy, situation, asker, definition, seen);
                loader.is_rom() && matches!(verdict, Verdict::Local(_))
            });
            let offered = decide_offer(policy, asker, definition, (arch, file), loader);
            let offered = match (offered, left) {
                (Verdict::FirstFile(_), Some(Some(file))) => Verdict::FirstFile(file.to_owned()),
                (Verdict::FirstFile(_) | Verdict::OwnFiles, Some(None)) => Verdict::Silence(Why::OwnDisk),
                (offered, _) => offered,
            };
            let verdict = match offered {
                Verdict::FirstFile(_) if loader == Loader::IpxeWithoutHttp && handed => {
                    Verdict::Silence(Why::HandedBefore)
                }
                verdict => verdict,
            };
            match policy.dhcp_by(way) {
                DhcpMode::Proxy | DhcpMode::Server => verdict,
                DhcpMode::Observe => Verdict::Silence(Why::Observing(Box::new(verdict))),
                DhcpMode::Off => Verdict::Silence(Why::DhcpOff),
            }
        }
        Ask::Script => decide_script(policy, situation, asker, definition, seen),
        Ask::ScriptAgain => decide_again(policy, situation, asker)
            .unwrap_or_else(|| decide_script(policy, situation, asker, definition, seen)),
    }
}

fn decide_offer(
    policy: &Policy,
    asker: Asker<'_>,
    definition: Option<&HostDefinition>,
    (arch, file): (Arch, u8),
    loader: Loader,
) -> Verdict {
    let undecided = match asker {
        Asker::Host(host) => match &host.state.phase {
            Phase::Ignored => return Verdict::Silence(Why::HostIgnored),
            Phase::New { stance: Stance::Policy } => true,
            Phase::New {
                stance: Stance::Hold | Stance::Local,
            }
            | Phase::Armed { .. }
            | Phase::Installing { .. }
            | Phase::Installed { .. }
            | Phase::Failed { .. }
            | Phase::Live { .. } => false,
        },
        Asker::Stranger | Asker::Nobody => true,
        Asker::Contradiction(_) => false,
    };
    if undecided && policy.safety.unknown == Unknown::Ignore {
        return Verdict::Silence(Why::UnknownIgnored);
    }
    match loader {
        Loader::Ipxe => return Verdict::AskAgainByScript,
        Loader::RaspberryPi => return Verdict::OwnFiles,
        Loader::Firmware | Loader::IpxeWithoutHttp | Loader::UBoot => {}
    }
    let own = definition.and_then(|definition| definition.first_file.as_ref());
    let of_arch = || {
        policy
            .boot_files(arch)
            .nth(usize::from(file))
            .or_else(|| policy.boot_files(arch).next())
    };
    match own.map(String::as_str).or_else(of_arch) {
        Some(file) => Verdict::FirstFile(file.to_owned()),
        None => Verdict::Silence(Why::ArchNotServed(arch)),
    }
}

/// What a boot loader is told. A host that no method brings to its disk waits, but for somebody at its console.
fn decide_script(
    policy: &Policy,
    situation: &Situation<'_>,
    asker: Asker<'_>,
    definition: Option<&HostDefinition>,
    seen: &Sighting,
) -> Verdict {
    let verdict = match (decide_unparked(policy, situation, asker, definition, seen), asker) {
        (Verdict::Local(why), Asker::Host(host)) if why != LocalWhy::Menu && host.local.is_parked() => {
            Verdict::Hold(HoldWhy::DiskDoesNotStart {
                times: host.local.returns,
            })
        }
        (verdict, _) => verdict,
    };
    match (verdict, asker) {
        (Verdict::Hold(why), Asker::Host(_)) if seen.menu => match console_menu(policy, &why) {
            // Whoever stands there is nobody who grants an install.
            Some((name, menu)) => decide_menu(policy, name, menu, seen, |_| Verdict::Hold(why)),
            None => Verdict::Hold(why),
        },
        (verdict, _) => verdict,
    }
}

/// The boot menu that a person at the console of a host may open which waits for this reason, if there is one.
///
/// Who waits for a decision may look around meanwhile. Who waits in the middle of an install, whose identity is in doubt, or whom
/// an operator locked, waits.
#[must_use]
pub fn console_menu<'a>(policy: &'a Policy, why: &HoldWhy) -> Option<(&'a ProfileName, &'a Menu)> {
    match why {
        HoldWhy::Undecided
        | HoldWhy::Chosen
        | HoldWhy::ChosenAtConsole
        | HoldWhy::NotAtConsole { .. }
        | HoldWhy::DiskDoesNotStart { .. }
        | HoldWhy::RuleLimit { .. }
        | HoldWhy::RuleNotApplied { .. }
        | HoldWhy::GrantExpired => {}
        HoldWhy::Locked
        | HoldWhy::Paused(_)
        | HoldWhy::Concurrent { .. }
        | HoldWhy::Hourly { .. }
        | HoldWhy::NoProfile(_)
        | HoldWhy::RevisionLost(_)
        | HoldWhy::Unrenderable { .. }
        | HoldWhy::Contradiction(_)
        | HoldWhy::Nobody
        | HoldWhy::StoreDown
        | HoldWhy::StoreLow => return None,
    }
    let name = policy.safety.console_menu.as_ref()?;
    Some((name, menu(policy, name)?))
}

fn decide_unparked(
    policy: &Policy,
    situation: &Situation<'_>,
    asker: Asker<'_>,
    definition: Option<&HostDefinition>,
    seen: &Sighting,
) -> Verdict {
    let host = match asker {
        Asker::Host(host) => host,
        Asker::Nobody => return decide_unrecorded(policy, HoldWhy::Nobody),
        Asker::Contradiction(why) => return Verdict::Hold(HoldWhy::Contradiction(why.to_owned())),
        Asker::Stranger if situation.store_ready => return decide_unrecorded(policy, HoldWhy::Undecided),
        Asker::Stranger => return decide_unrecorded(policy, HoldWhy::StoreDown),
    };
    let now = situation.now;
    match &host.state.phase {
        Phase::Ignored => Verdict::Silence(Why::HostIgnored),
        Phase::Live { profile } => match menu(policy, profile) {
            Some(menu) => decide_menu(policy, profile, menu, seen, |_| Verdict::Hold(HoldWhy::Undecided)),
            None => decide_live(policy, profile),
        },
        Phase::Installed { .. } => Verdict::Local(LocalWhy::Installed),
        Phase::Failed { .. } => Verdict::Local(LocalWhy::Failed),
        Phase::New { stance: Stance::Hold } => Verdict::Hold(HoldWhy::Chosen),
        Phase::New { stance: Stance::Local } => Verdict::Local(LocalWhy::Chosen),
        Phase::New { stance: Stance::Policy } => decide_undecided(policy, situation, host, definition, seen),
        Phase::Armed { .. } | Phase::Installing { .. } if host.state.locked => Verdict::Hold(HoldWhy::Locked),
        Phase::Armed { grant, .. } if now >= grant.expires => Verdict::Hold(HoldWhy::GrantExpired),
        Phase::Armed { queue, .. } => match queue.first().map(|profile| (profile, menu(policy, profile))) {
            Some((profile, Some(menu))) => decide_menu(policy, profile, menu, seen, |chosen| {
                decide_chosen(policy, situation, chosen)
            }),
            Some((profile, None)) => match may_begin(policy, situation, profile) {
                Some(why) => Verdict::Hold(why),
                None if asks_console(policy, profile) && !seen.confirmed => Verdict::Confirm(profile.clone()),
                None => Verdict::Install {
                    profile: profile.clone(),
                    attempt: 1,
                },
            },
            None => Verdict::Hold(HoldWhy::Undecided),
        },
        Phase::Installing { run, .. } if now >= run.deadline || run.attempts >= policy.safety.max_attempts => {
            Verdict::GiveUp
        }
        // The profile may be gone from the configuration: a run keeps the one that it was started with.
        Phase::Installing { run, .. } => may_go_on(situation)
            .or_else(|| lost(situation, &run.profile))
            .or_else(|| unrenderable(situation, &run.profile, run.revision))
            .map_or(
                Verdict::Install {
                    profile: run.profile.clone(),
                    attempt: run.attempts.saturating_add(1),
                },
                Verdict::Hold,
            ),
    }
}

fn menu<'a>(policy: &'a Policy, profile: &ProfileName) -> Option<&'a Menu> {
    policy.profiles.get(profile)?.menu.as_ref()
}

fn decide_live(policy: &Policy, profile: &ProfileName) -> Verdict {
    match policy.profiles.get(profile) {
        // A menu that an entry of a menu leads to would never end.
        Some(known) if known.menu.is_none() => Verdict::Live(profile.clone()),
        Some(_) | None => Verdict::Hold(HoldWhy::NoProfile(profile.clone())),
    }
}

/// A boot menu: what a person at the console chose from it, or the question.
fn decide_menu(
    policy: &Policy,
    name: &ProfileName,
    menu: &Menu,
    seen: &Sighting,
    install: impl FnOnce(&ProfileName) -> Verdict,
) -> Verdict {
    let entry = seen.chosen.and_then(|chosen| menu.entries.get(usize::from(chosen)));
    match entry.map(|entry| &entry.choice) {
        None => Verdict::Menu(name.clone()),
        Some(Choice::Local) => Verdict::Local(LocalWhy::Menu),
        Some(Choice::Hold) => Verdict::Hold(HoldWhy::ChosenAtConsole),
        Some(Choice::Live(profile)) => decide_live(policy, profile),
        Some(Choice::Install(profile)) => install(profile),
    }
}

/// An install that was chosen at the console of a host that is armed with the menu: choosing it is agreeing to it, where
/// the profile leaves that to the console.
fn decide_chosen(policy: &Policy, situation: &Situation<'_>, profile: &ProfileName) -> Verdict {
    match may_begin(policy, situation, profile) {
        Some(why) => Verdict::Hold(why),
        None if menu(policy, profile).is_some() => Verdict::Hold(HoldWhy::NoProfile(profile.clone())),
        None if !asks_console(policy, profile) => Verdict::Hold(HoldWhy::NotAtConsole {
            profile: profile.clone(),
        }),
        None => Verdict::Install {
            profile: profile.clone(),
            attempt: 1,
        },
    }
}

/// The attempt that the machine is at, if it is still at one.
fn decide_again(policy: &Policy, situation: &Situation<'_>, asker: Asker<'_>) -> Option<Verdict> {
    let Asker::Host(host) = asker else { return None };
    let run = host.state.phase.run()?;
    let lives = situation.now < run.deadline && run.attempts <= policy.safety.max_attempts;
    let holds = !host.state.locked && lives && may_go_on(situation).is_none();
    holds.then(|| Verdict::Install {
        profile: run.profile.clone(),
        attempt: run.attempts,
    })
}

/// Whether a person at the machine's console has to agree to the first attempt of a run.
fn asks_console(policy: &Policy, profile: &ProfileName) -> bool {
    let profile = policy.profiles.get(profile);
    profile.is_some_and(|profile| profile.confirm == Confirm::Console)
}

/// Why no run may begin now, if so.
fn may_begin(policy: &Policy, situation: &Situation<'_>, profile: &ProfileName) -> Option<HoldWhy> {
    let safety = &policy.safety;
    if let Some(why) = may_go_on(situation) {
        return Some(why);
    }
    let Some(revision) = policy.profiles.get(profile).map(|profile| profile.revision) else {
        return Some(HoldWhy::NoProfile(profile.clone()));
    };
    if safety.max_attempts == 0 {
        Some(HoldWhy::Paused("`max_attempts` is 0".to_owned()))
    } else if situation.store_low {
        Some(HoldWhy::StoreLow)
    } else if situation.installing >= safety.max_concurrent {
        Some(HoldWhy::Concurrent {
            limit: safety.max_concurrent,
        })
    } else if situation.started_last_hour >= safety.max_new_per_hour {
        Some(HoldWhy::Hourly {
            limit: safety.max_new_per_hour,
        })
    } else {
        unrenderable(situation, profile, revision)
    }
}

/// Why a run cannot go on whose beginning nobody knows, if so.
fn lost(situation: &Situation<'_>, profile: &ProfileName) -> Option<HoldWhy> {
    situation.revision_lost.then(|| HoldWhy::RevisionLost(profile.clone()))
}

/// Why this host cannot be handed the profile in this revision, if that was tried and failed.
fn unrenderable(situation: &Situation<'_>, profile: &ProfileName, revision: u64) -> Option<HoldWhy> {
    situation.trial.and_then(|trial| trial.refusal(profile, revision))
}

/// Why no install script may be served now, not even of a run under way, if so.
fn may_go_on(situation: &Situation<'_>) -> Option<HoldWhy> {
    if situation.store_ready {
        situation.site.paused.clone().map(HoldWhy::Paused)
    } else {
        Some(HoldWhy::StoreDown)
    }
}

/// A machine that is in no record: what the policy promises for unknown hosts and needs no record, else it waits.
fn decide_unrecorded(policy: &Policy, why: HoldWhy) -> Verdict {
    match policy.safety.unknown {
        Unknown::Hold | Unknown::Install(_) => Verdict::Hold(why),
        Unknown::Local => Verdict::Local(LocalWhy::Unknown),
        Unknown::Ignore => Verdict::Silence(Why::UnknownIgnored),
    }
}

fn decide_undecided(
    policy: &Policy,
    situation: &Situation<'_>,
    host: &Host,
    definition: Option<&HostDefinition>,
    seen: &Sighting,
) -> Verdict {
    let attributes = attributes(host, definition, seen);
    if let Some(rule) = policy.rules.first_match(&attributes) {
        return if rule.auto_arm {
            decide_auto_arm(policy, situation, host, rule)
        } else {
            unarmed(policy)
        };
    }
    match (&policy.safety.unknown, UNKNOWN_RULE.parse::<RuleName>()) {
        (Unknown::Install(profile), Ok(rule)) => match may_begin(policy, situation, profile) {
            Some(why) => Verdict::Hold(why),
            None if host.state.locked => Verdict::Hold(HoldWhy::Locked),
            None => {
                let revision = policy.profiles.get(profile).map(|profile| profile.revision);
                match situation.site.rules.get(&rule) {
                    Some(record) if host.since > record.since && Some(record.fingerprint) == revision => {
                        Verdict::AutoArm {
                            rule,
                            profile: profile.clone(),
                        }
                    }
                    _ => Verdict::Hold(HoldWhy::RuleNotApplied { rule }),
                }
            }
        },
        _ => unarmed(policy),
    }
}

fn unarmed(policy: &Policy) -> Verdict {
    match policy.safety.unknown {
        Unknown::Hold | Unknown::Install(_) => Verdict::Hold(HoldWhy::Undecided),
        Unknown::Local => Verdict::Local(LocalWhy::Unknown),
        Unknown::Ignore => Verdict::Silence(Why::UnknownIgnored),
    }
}

/// A rule arms only hosts that were first seen after it was read (not in the same millisecond, which leaves that open), and
/// no more than its limit.
fn decide_auto_arm(policy: &Policy, situation: &Situation<'_>, host: &Host, rule: &Rule) -> Verdict {
    if host.state.locked {
        return Verdict::Hold(HoldWhy::Locked);
    }
    if let Some(why) = may_begin(policy, situation, &rule.profile) {
        return Verdict::Hold(why);
    }
    let limit = rule.limit.unwrap_or(0);
    match situation
        .site
        .rules
        .get(&rule.name)
        .filter(|record| record.fingerprint == rule.fingerprint)
    {
        Some(record) if host.since <= record.since => Verdict::Hold(HoldWhy::RuleNotApplied {
            rule: rule.name.clone(),
        }),
        Some(record) if record.granted >= limit => Verdict::Hold(HoldWhy::RuleLimit {
            rule: rule.name.clone(),
            limit,
        }),
        Some(_) => Verdict::AutoArm {
            rule: rule.name.clone(),
            profile: rule.profile.clone(),
        },
        None => Verdict::Hold(HoldWhy::RuleNotApplied {
            rule: rule.name.clone(),
        }),
    }
}
