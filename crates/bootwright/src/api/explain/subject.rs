//! Whom an explanation is about: a host, a machine that was never seen, or either as if it were otherwise.

use std::sync::Arc;

use bootwright_core::{
    Arch, Facts, Firmware, Grant, Grantor, Host, HostId, HostState, Identity, MacAddr, Phase, Policy, ProfileName,
    Sighting, Timestamp,
};
use bootwright_engine::{Engine, HostView};

use super::super::fault::Fault;

/// What may be supposed.
const KEYS: &str = "profile, arch, firmware, interface, mac, uuid, serial, asset, manufacturer, product, label.KEY";

/// Which host a machine is.
#[derive(Clone, Debug)]
pub(super) enum Who {
    /// One of the store.
    Known(Box<HostView>),
    /// One that would be remembered as new.
    New(Box<HostView>),
    /// Nothing tells it from others.
    Nobody,
    /// Its facts contradict each other or the record.
    Doubtful {
        /// The hosts that fit in part.
        candidates: Vec<HostId>,
        /// What contradicts.
        why: String,
    },
}

/// A machine and what is seen of it.
pub(super) struct Subject {
    pub(super) who: Who,
    pub(super) seen: Sighting,
    /// Whether anything of it is supposed.
    pub(super) supposed: bool,
}

/// What the machine is supposed to show, and what it is supposed to be armed with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Supposed {
    facts: Facts,
    arch: Option<Arch>,
    firmware: Option<Firmware>,
    link: Option<String>,
    labels: Vec<(String, String)>,
    profile: Option<ProfileName>,
}

impl Supposed {
    /// Reads `key=value` items.
    pub(super) fn read<'a>(items: impl Iterator<Item = &'a str>, policy: &Policy) -> Result<Self, Fault> {
        let mut supposed = Self::default();
        for item in items {
            let (key, value) = item
                .split_once('=')
                .ok_or_else(|| Fault::bad_request(format!("`{item}` is no `key=value`; keys are: {KEYS}")))?;
            supposed.add(key, value, policy)?;
        }
        Ok(supposed)
    }

    fn add(&mut self, key: &str, value: &str, policy: &Policy) -> Result<(), Fault> {
        let odd = |what: &str| Fault::bad_request(format!("`{value}` is no {what}"));
        let text = || bootwright_core::fact::clean_text(value);
        match key {
            "profile" => self.profile = Some(profile(value, policy)?),
            "arch" => self.arch = Some(Arch::from_name(value).ok_or_else(|| odd("architecture"))?),
            "firmware" => {
                self.firmware = match value {
                    "bios" => Some(Firmware::Bios),
                    "uefi" => Some(Firmware::Uefi),
                    _ => return Err(odd("firmware: `bios` or `uefi`")),
                }
            }
            "interface" => self.link = Some(value.to_owned()),
            "mac" => {
                self.facts
                    .macs
                    .insert(value.parse().map_err(|_| odd("hardware address"))?);
            }
            "uuid" => self.facts.uuid = Some(value.parse().map_err(|_| odd("UUID"))?),
            "serial" => self.facts.serial = text(),
            "asset" => self.facts.asset = text(),
            "manufacturer" => self.facts.manufacturer = text(),
            "product" => self.facts.product = text(),
            _ => match key.strip_prefix("label.") {
                Some(label) => self.labels.push((label.to_owned(), value.to_owned())),
                None => {
                    return Err(Fault::bad_request(format!(
                        "`{key}` cannot be supposed; keys are: {KEYS}"
                    )));
                }
            },
        }
        Ok(())
    }

    /// The sighting with what is supposed in place of what was seen. Says whether facts changed.
    fn change(&self, seen: &mut Sighting) -> bool {
        let before = seen.facts.clone();
        if let Some(mac) = self.facts.macs.first() {
            seen.facts.macs.clone_from(&self.facts.macs);
            seen.boot_mac = Some(*mac);
        }
        let facts = self.facts.clone();
        seen.facts.uuid = facts.uuid.or(seen.facts.uuid);
        seen.facts.serial = facts.serial.or(seen.facts.serial.take());
        seen.facts.asset = facts.asset.or(seen.facts.asset.take());
        seen.facts.manufacturer = facts.manufacturer.or(seen.facts.manufacturer.take());
        seen.facts.product = facts.product.or(seen.facts.product.take());
        seen.arch = self.arch.or(seen.arch);
        seen.firmware = self.firmware.or(self.arch.map(Firmware::of)).or(seen.firmware);
        if self.link.is_some() {
            seen.link.clone_from(&self.link);
        }
        seen.facts != before
    }

    /// The host with the labels and the arming that are supposed.
    fn imagine(&self, view: &mut HostView, now: Timestamp, policy: &Policy) {
        let host = Arc::make_mut(&mut view.host);
        host.labels.extend(self.labels.iter().cloned());
        if let Some(profile) = &self.profile {
            host.state = HostState {
                phase: Phase::Armed {
                    grant: Box::new(supposed_grant(host, now, policy)),
                    queue: vec![profile.clone()],
                },
                ..host.state.clone()
            };
        }
    }
}

fn supposed_grant(host: &Host, now: Timestamp, policy: &Policy) -> Grant {
    Grant {
        by: Grantor::Operator("nobody".to_owned()),
        at: now,
        expires: now.after(policy.safety.arm_ttl),
        machine: host.facts.clone(),
        wipe: std::collections::BTreeSet::new(),
    }
}

fn profile(name: &str, policy: &Policy) -> Result<ProfileName, Fault> {
    if let Some((name, _)) = policy.profiles.get_key_value(name) {
        return Ok(name.clone());
    }
    let names = policy.profiles.keys().map(ProfileName::as_str);
    Err(Fault::unknown_profile("--as-if", name, names))
}

impl Subject {
    /// The machine that people mean by this name, as it is supposed to be.
    pub(super) fn find(engine: &Engine, now: Timestamp, name: &str, supposed: &Supposed) -> Result<Self, Fault> {
        let (who, mut seen) = if let Some(view) = engine.view(name) {
            let mut seen = engine.last_sighting(&view.host.id);
            // As long as it was not seen, its first card is as good as another.
            seen.boot_mac = seen.boot_mac.or_else(|| view.host.facts.macs.first().copied());
            (Who::Known(Box::new(view)), seen)
        } else if let Some(view) = engine.configured_newcomer(now, name) {
            let seen = sighting(view.host.facts.clone());
            (Who::New(Box::new(view)), seen)
        } else {
            let facts = facts(name).ok_or_else(|| Fault::unknown_host(engine, name))?;
            (identify(engine, now, &facts), sighting(facts))
        };
        let mut who = if supposed.change(&mut seen) {
            identify(engine, now, &seen.facts)
        } else {
            who
        };
        match &mut who {
            Who::Known(view) | Who::New(view) => supposed.imagine(view, now, engine.policy()),
            Who::Nobody | Who::Doubtful { .. } => {}
        }
        Ok(Self {
            who,
            seen,
            supposed: *supposed != Supposed::default(),
        })
    }
}

/// A name that is a hardware address or a UUID says as much of a machine that was never seen.
fn facts(name: &str) -> Option<Facts> {
    if let Ok(mac) = name.parse::<MacAddr>() {
        return Some(Facts::of_mac(mac));
    }
    let uuid = name.parse().ok()?;
    Some(Facts {
        uuid: Some(uuid),
        ..Facts::default()
    })
}

fn sighting(facts: Facts) -> Sighting {
    Sighting {
        boot_mac: facts.macs.first().copied(),
        facts,
        ..Sighting::default()
    }
}

fn identify(engine: &Engine, now: Timestamp, facts: &Facts) -> Who {
    match engine.identify(facts) {
        Identity::Known(id) => match engine.view(id.as_str()) {
            Some(view) => Who::Known(Box::new(view)),
            None => Who::Nobody,
        },
        Identity::Unknown => match engine.newcomer(now, facts) {
            Some(view) => Who::New(Box::new(view)),
            None => Who::Nobody,
        },
        Identity::Nobody => Who::Nobody,
        Identity::Contradiction { candidates, why } => Who::Doubtful { candidates, why },
    }
}
