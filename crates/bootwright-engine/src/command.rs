//! What operators say.

use std::collections::BTreeSet;
use std::fmt;

use bootwright_core::fact::{Quality, mac_quality};
use bootwright_core::{Cause, Change, Event, Facts, Grant, Grantor, HostId, ProfileName, Stayed, Timestamp, Verb};

use crate::engine::Engine;
use crate::limit::words;
use crate::outcome::{Outcome, Woken};

/// A word of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A decision about one host.
    Host {
        /// The host, by any of its names.
        host: String,
        /// The decision.
        decision: Decision,
    },
    /// No new install begins, and none goes on, until `Resume`.
    Pause {
        /// Why.
        why: String,
    },
    /// Installs go on.
    Resume,
}

/// A decision about one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Grant an install.
    Arm {
        /// What to install, in order; nothing for the profile that the host is meant for.
        profiles: Vec<ProfileName>,
        /// Serial numbers of disks that may be overwritten although they are not empty.
        wipe: BTreeSet<String>,
    },
    /// Put further profiles behind those of the arming.
    Queue {
        /// What to install after the rest.
        profiles: Vec<ProfileName>,
    },
    /// Make it wait; an arming or a run ends.
    Hold,
    /// Let it boot its own disk.
    Local,
    /// Let it boot this profile every time.
    Live {
        /// The profile.
        profile: ProfileName,
    },
    /// Never answer it.
    Ignore,
    /// Protect it from any install.
    Lock,
    /// Take the protection away.
    Unlock,
    /// Forget it.
    Forget,
    /// Call the run under way done, for profiles that cannot report.
    Done,
    /// Set or take away a label.
    SetLabel {
        /// The label.
        key: String,
        /// Its value.
        value: Option<String>,
    },
    /// Set or take away an item of its metadata.
    SetMetadata {
        /// The item.
        key: String,
        /// Its value.
        value: Option<String>,
    },
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No host has this name.
    NoSuchHost(String),
    /// No profile has this name.
    NoSuchProfile {
        /// The name.
        name: ProfileName,
        /// Those that there are.
        known: Vec<ProfileName>,
    },
    /// No profile was named, and the host is meant for none.
    NoProfile,
    /// The host's state does not allow it.
    State {
        /// The host.
        host: HostId,
        /// Why.
        why: Stayed,
    },
    /// A label or item has a name or value that cannot be kept.
    BadText(&'static str),
    /// It cannot be recorded now.
    StoreDown,
    /// What room the disk still has is for the runs under way.
    StoreLow,
}

impl Command {
    /// Whether it grants an install, which would want further records.
    const fn grants(&self) -> bool {
        match self {
            Self::Host { decision, .. } => matches!(decision, Decision::Arm { .. } | Decision::Queue { .. }),
            Self::Pause { .. } | Self::Resume => false,
        }
    }
}

impl Engine {
    /// Carries out a command, or says why not. What was carried out promises its entries.
    pub fn command(&mut self, now: Timestamp, by: &str, command: &Command) -> Outcome<Result<String, Refusal>> {
        let result = if !self.store_ready {
            Err(Refusal::StoreDown)
        } else if self.store_low() && command.grants() {
            Err(Refusal::StoreLow)
        } else {
            self.obey(now, by, command)
        };
        self.pending.promises = true;
        self.outcome(result)
    }

    fn obey(&mut self, now: Timestamp, by: &str, command: &Command) -> Result<String, Refusal> {
        match command {
            Command::Host { host, decision } => {
                let id = match self.resolve(host) {
                    Some(id) => id,
                    None => self
                        .name_ahead(now, by, host, decision)?
                        .ok_or_else(|| Refusal::NoSuchHost(host.clone()))?,
                };
                self.decide_host(now, by, &id, decision)
            }
            Command::Pause { why } => {
                self.pause(now, Self::operator(by), why);
                Ok("installs are paused".to_owned())
            }
            Command::Resume => {
                let note = "installs go on".to_owned();
                self.record(
                    now,
                    Self::operator(by),
                    Verb::Pause,
                    note.clone(),
                    Change::PauseSet { why: None },
                );
                // Rules begin to count anew, else the next host that a rule arms would bring the pause back.
                self.rule_arms.clear();
                self.pending.woken.and(Woken::All);
                Ok(note)
            }
        }
    }

    /// A host that the configuration names, or a hardware address, may be decided about before it was ever seen.
    fn name_ahead(
        &mut self,
        now: Timestamp,
        by: &str,
        name: &str,
        decision: &Decision,
    ) -> Result<Option<HostId>, Refusal> {
        // What would be refused must not leave a host behind.
        match decision {
            Decision::Arm { profiles, .. } => self.check_profiles(profiles)?,
            Decision::Live { profile } => self.check_profiles(std::slice::from_ref(profile))?,
            Decision::SetLabel { key, value } | Decision::SetMetadata { key, value } => {
                check_text(key, value.as_deref())?;
            }
            Decision::Queue { .. } | Decision::Done => {
                let defined = self.policy.hosts.get_key_value(name);
                return defined.map_or(Ok(None), |(id, _)| {
                    Err(Refusal::State {
                        host: id.clone(),
                        why: Stayed::NotArmed,
                    })
                });
            }
            Decision::Forget => return Ok(None),
            Decision::Hold | Decision::Local | Decision::Ignore | Decision::Lock | Decision::Unlock => {}
        }
        if !self.hosts_defined_as(name).is_empty() {
            return Err(Refusal::BadText(
                "several hosts fit this definition; name the one that is meant by its hardware address",
            ));
        }
        let by = Self::operator(by);
        if let Some((id, definition)) = self.policy.hosts.get_key_value(name) {
            let (id, facts) = (id.clone(), definition.facts.clone());
            return Ok(self.add_host(now, by, &facts, Some(id)));
        }
        let Ok(mac) = name.parse() else { return Ok(None) };
        if mac_quality(mac) != Quality::Good {
            return Err(Refusal::BadText(
                "this address may belong to many machines; name the host in the configuration, under `[hosts.<name>]`",
            ));
        }
        let Some(id) = self.free_name(&Facts::of_mac(mac)) else {
            return Ok(None);
        };
        Ok(self.add_host(now, by, &Facts::of_mac(mac), Some(id)))
    }

    fn decide_host(&mut self, now: Timestamp, by: &str, id: &HostId, decision: &Decision) -> Result<String, Refusal> {
        let name = self.display_name(id).clone();
        match decision {
            Decision::Arm { profiles, wipe } => self.arm(now, by, id, profiles, wipe),
            Decision::Queue { profiles } => {
                self.check_profiles(profiles)?;
                let note = format!("queued behind the rest: {}", list(profiles));
                self.told(
                    now,
                    by,
                    id,
                    &Event::Queued {
                        profiles: profiles.clone(),
                    },
                    Verb::Armed,
                    note,
                )
            }
            Decision::Hold => self.told(now, by, id, &Event::Held, Verb::Hold, "held".to_owned()),
            Decision::Local => {
                self.forget_local(now, id, Self::operator(by));
                let note = "next boots: local disk".to_owned();
                self.told(now, by, id, &Event::LocalChosen, Verb::Local, note)
            }
            Decision::Live { profile } => {
                self.check_profiles(std::slice::from_ref(profile))?;
                let event = Event::LiveChosen {
                    profile: profile.clone(),
                };
                self.told(now, by, id, &event, Verb::Live, format!("boots {profile} every time"))
            }
            Decision::Ignore => self.told(now, by, id, &Event::Ignored, Verb::Ignore, "ignored".to_owned()),
            Decision::Lock => self.told(now, by, id, &Event::Locked, Verb::Lock, "locked".to_owned()),
            Decision::Unlock => self.told(
                now,
                by,
                id,
                &Event::Unlocked { at: now },
                Verb::Lock,
                "unlocked".to_owned(),
            ),
            Decision::Forget => {
                let note = format!("{name} is forgotten");
                let change = Change::HostForgotten { host: id.clone() };
                self.record(now, Self::operator(by), Verb::Forget, note.clone(), change);
                Ok(note)
            }
            Decision::Done => {
                let run = self.host(id).and_then(|host| host.state.phase.run()).cloned();
                let refused = || Refusal::State {
                    host: id.clone(),
                    why: Stayed::NotArmed,
                };
                let run = run.ok_or_else(refused)?;
                let event = Event::Finished {
                    run: run.number,
                    token: run.token,
                    at: now,
                };
                self.told(
                    now,
                    by,
                    id,
                    &event,
                    Verb::Done,
                    format!("run {} was called done", run.number),
                )
            }
            Decision::SetLabel { key, value } => {
                check_text(key, value.as_deref())?;
                let change = Change::LabelSet {
                    host: id.clone(),
                    key: key.clone(),
                    value: value.clone(),
                };
                let note = format!("label {key} = {}", value.as_deref().unwrap_or("(none)"));
                self.record(now, Self::operator(by), Verb::Set, note.clone(), change);
                Ok(format!("{name}: {note}"))
            }
            Decision::SetMetadata { key, value } => {
                check_text(key, value.as_deref())?;
                let change = Change::MetadataSet {
                    host: id.clone(),
                    key: key.clone(),
                    value: value.clone(),
                };
                let note = format!(
                    "metadata {key} was {}",
                    if value.is_some() { "set" } else { "taken away" }
                );
                self.record(now, Self::operator(by), Verb::Set, note.clone(), change);
                Ok(format!("{name}: {note}"))
            }
        }
    }

    fn arm(
        &mut self,
        now: Timestamp,
        by: &str,
        id: &HostId,
        profiles: &[ProfileName],
        wipe: &BTreeSet<String>,
    ) -> Result<String, Refusal> {
        let queue = if profiles.is_empty() {
            vec![self.suggestion(id).ok_or(Refusal::NoProfile)?]
        } else {
            profiles.to_vec()
        };
        self.check_profiles(&queue)?;
        // Spelled as the guard will hear them.
        let wipe: BTreeSet<String> = wipe.iter().map(|serial| words(serial)).collect();
        if wipe.contains("") {
            return Err(Refusal::BadText(
                "a disk without a serial number cannot be told from another, so that no arming can name it",
            ));
        }
        let machine = self.host(id).map(|host| host.facts.clone()).unwrap_or_default();
        let ttl = self.policy.safety.arm_ttl;
        let grant = Grant {
            by: Grantor::Operator(by.to_owned()),
            at: now,
            expires: now.after(ttl),
            machine,
            wipe: wipe.clone(),
        };
        let disks = if wipe.is_empty() {
            String::new()
        } else {
            format!(
                ", overwriting of {} allowed",
                wipe.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            )
        };
        let note = format!("armed with {} by {by} for {ttl}{disks}", list(&queue));
        self.told(now, by, id, &Event::Armed { grant, queue }, Verb::Armed, note)
    }

    fn told(
        &mut self,
        now: Timestamp,
        by: &str,
        id: &HostId,
        event: &Event,
        verb: Verb,
        note: String,
    ) -> Result<String, Refusal> {
        match self.happen(now, Self::operator(by), id, event, verb, note.clone()) {
            Ok(()) => Ok(format!("{}: {note}", self.display_name(id))),
            Err(Stayed::Already) => Ok(format!("{}: it is so already", self.display_name(id))),
            Err(why) => Err(Refusal::State {
                host: self.display_name(id).clone(),
                why,
            }),
        }
    }

    fn check_profiles(&self, profiles: &[ProfileName]) -> Result<(), Refusal> {
        match profiles.iter().find(|name| !self.policy.profiles.contains_key(*name)) {
            None => Ok(()),
            Some(name) => {
                let known = self.policy.profiles.keys().cloned().collect();
                Err(Refusal::NoSuchProfile {
                    name: name.clone(),
                    known,
                })
            }
        }
    }

    /// Records what happened to logins: what somebody did, or that somebody was refused.
    pub fn note_login(&mut self, now: Timestamp, by: Option<&str>, note: String) -> Outcome<()> {
        let by = by.map_or(Cause::Daemon, |name| Cause::Operator(name.to_owned()));
        self.site_note(now, by, Verb::Auth, note);
        self.outcome(())
    }

    /// Records that the operator `by` did something about a host that moves no state.
    pub fn note_host(&mut self, now: Timestamp, by: &str, host: &HostId, note: &str) -> Outcome<Result<(), Refusal>> {
        let result = if self.store_ready {
            let change = Change::HostNoted { host: host.clone() };
            self.record(now, Self::operator(by), Verb::Set, note.to_owned(), change);
            Ok(())
        } else {
            Err(Refusal::StoreDown)
        };
        self.pending.promises = true;
        self.outcome(result)
    }

    /// Records that the operator `by` did something that concerns the whole site.
    pub(crate) fn site_note(&mut self, now: Timestamp, by: Cause, verb: Verb, note: String) {
        if self.store_ready {
            self.record(now, by, verb, note, Change::SiteNoted);
        }
    }
}

/// A label's or item's name is a word of bounded length, its value one line of bounded length.
fn check_text(key: &str, value: Option<&str>) -> Result<(), Refusal> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if key.is_empty() || key.len() > 63 || !key.chars().all(word) {
        return Err(Refusal::BadText(
            "a name has up to 63 of the characters `a-z A-Z 0-9 - _ . /`",
        ));
    }
    if value.is_some_and(|value| value.chars().count() > 1024 || value.chars().any(char::is_control)) {
        return Err(Refusal::BadText(
            "a value has up to 1024 characters and no control characters",
        ));
    }
    Ok(())
}

fn list(profiles: &[ProfileName]) -> String {
    profiles.iter().map(ProfileName::as_str).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchHost(name) => {
                write!(f, "no host is called `{name}`; `bootwright host list` shows all")
            }
            Self::NoSuchProfile { name, known } if known.is_empty() => {
                write!(
                    f,
                    "no profile is called `{name}`: the configuration has none; add `[profiles.{name}]`"
                )
            }
            Self::NoSuchProfile { name, known } => {
                write!(f, "no profile is called `{name}`; there are: {}", list(known))
            }
            Self::NoProfile => {
                f.write_str("no profile was named, and neither the host's definition nor a rule names one")
            }
            Self::State { host, why } => write!(f, "{host}: {why}"),
            Self::BadText(hint) => f.write_str(hint),
            Self::StoreDown => f.write_str("the store cannot be written; `bootwright explain` says why"),
            Self::StoreLow => f.write_str("the disk of the store is almost full; free some space, then arm again"),
        }
    }
}
