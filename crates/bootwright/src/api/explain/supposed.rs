//! What is supposed of a machine, of its host, and of the site: `--as-if KEY=VALUE`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use bootwright_core::{
    Arch, DhcpMode, Facts, Failure, Firmware, FrontEnd, Grant, Grantor, Host, HostState, Phase, Policy, ProfileName,
    RunNumber, Sighting, Stance, Timestamp, Unknown, Wipe,
};
use bootwright_engine::{HostView, Supposing};

use super::super::fault::Fault;

/// What may be supposed.
const KEYS: &str = "profile, live, state, locked, arch, firmware, front, interface, address, mac, uuid, serial, asset, manufacturer, \
                    product, label.KEY, metadata.KEY, confirmed, chosen, mode, unknown, wipe, paused, max_attempts, \
                    max_concurrent, max_new_per_hour";

/// The states that may be supposed. `armed` and `live` have keys of their own, which name the profile.
const STATES: &str =
    "`new`, `hold`, `local`, `installed`, `failed` or `ignored`; `profile=NAME` arms, `live=NAME` boots every time";

/// What the machine is supposed to show, what its host is supposed to be, and how the site is supposed to stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Supposed {
    facts: Facts,
    arch: Option<Arch>,
    firmware: Option<Firmware>,
    front: Option<FrontEnd>,
    link: Option<String>,
    address: Option<IpAddr>,
    confirmed: bool,
    chosen: Option<u16>,
    labels: Vec<(String, String)>,
    metadata: Vec<(String, String)>,
    profile: Option<ProfileName>,
    live: Option<ProfileName>,
    state: Option<State>,
    locked: Option<bool>,
    site: Site,
}

/// What is supposed of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Site {
    mode: Option<DhcpMode>,
    unknown: Option<Unknown>,
    wipe: Option<Wipe>,
    paused: Option<bool>,
    max_attempts: Option<u32>,
    max_concurrent: Option<u32>,
    max_new_per_hour: Option<u32>,
}

/// A state that needs no profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New(Stance),
    Installed,
    Failed,
    Ignored,
}

impl Supposed {
    /// Reads `key=value` items.
    pub(super) fn read<'a>(items: impl Iterator<Item = &'a str>, policy: &Policy) -> Result<Self, Fault> {
        let mut supposed = Self::default();
        for item in items {
            let (key, value) = item
                .split_once('=')
                .ok_or_else(|| Fault::bad_request(format!("`{item}` is no `key=value`; keys are: {KEYS}")))?;
            let known = supposed.of_machine(key, value)?
                || supposed.of_host(key, value, policy)?
                || supposed.site.take(key, value, policy)?;
            if !known {
                let words = format!("`{key}` cannot be supposed; keys are: {KEYS}");
                return Err(Fault::bad_request(words));
            }
        }
        Ok(supposed)
    }

    /// Takes what a machine shows. Says whether the key is one of those.
    fn of_machine(&mut self, key: &str, value: &str) -> Result<bool, Fault> {
        let text = || bootwright_core::fact::clean_text(value);
        match key {
            "arch" => self.arch = Some(Arch::from_name(value).ok_or_else(|| odd(value, "architecture"))?),
            "firmware" => {
                self.firmware = match value {
                    "bios" => Some(Firmware::Bios),
                    "uefi" => Some(Firmware::Uefi),
                    _ => return Err(odd(value, "firmware: `bios` or `uefi`")),
                }
            }
            "front" => {
                let names = FrontEnd::ALL.map(FrontEnd::name).join(", ");
                let front = FrontEnd::from_name(value);
                self.front = Some(front.ok_or_else(|| odd(value, &format!("boot loader; there are: {names}")))?);
            }
            "interface" | "link" => self.link = Some(value.to_owned()),
            "address" => self.address = Some(value.parse().map_err(|_| odd(value, "IP address"))?),
            "mac" => {
                let mac = value.parse().map_err(|_| odd(value, "hardware address"))?;
                self.facts.macs.insert(mac);
            }
            "uuid" => self.facts.uuid = Some(value.parse().map_err(|_| odd(value, "UUID"))?),
            "serial" => self.facts.serial = text(),
            "asset" => self.facts.asset = text(),
            "manufacturer" => self.facts.manufacturer = text(),
            "product" => self.facts.product = text(),
            "confirmed" => self.confirmed = yes(value)?,
            "chosen" => {
                let entry = value
                    .parse()
                    .map_err(|_| odd(value, "entry of a menu; the first is 0"))?;
                self.chosen = Some(entry);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes what a host is. Says whether the key is one of those.
    fn of_host(&mut self, key: &str, value: &str, policy: &Policy) -> Result<bool, Fault> {
        match key {
            "profile" => self.profile = Some(profile(value, policy)?),
            "live" => self.live = Some(profile(value, policy)?),
            "locked" => self.locked = Some(yes(value)?),
            "state" => {
                self.state = Some(match value {
                    "new" => State::New(Stance::Policy),
                    "hold" => State::New(Stance::Hold),
                    "local" => State::New(Stance::Local),
                    "installed" => State::Installed,
                    "failed" => State::Failed,
                    "ignored" => State::Ignored,
                    _ => return Err(odd(value, &format!("state that can be supposed: {STATES}"))),
                });
            }
            _ => match (key.strip_prefix("label."), key.strip_prefix("metadata.")) {
                (Some(label), _) => self.labels.push((label.to_owned(), value.to_owned())),
                (None, Some(name)) => self.metadata.push((name.to_owned(), value.to_owned())),
                (None, None) => return Ok(false),
            },
        }
        Ok(true)
    }

    /// The sighting with what is supposed in place of what was seen. Says whether facts changed.
    pub(super) fn change(&self, seen: &mut Sighting) -> bool {
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
        seen.address = self.address.or(seen.address);
        seen.confirmed |= self.confirmed;
        seen.chosen = self.chosen.or(seen.chosen);
        if self.link.is_some() {
            seen.link.clone_from(&self.link);
        }
        seen.facts != before
    }

    /// The host as it is supposed to be.
    pub(super) fn imagine(&self, view: &mut HostView, now: Timestamp, policy: &Policy) {
        view.visit.front = self.front.or(view.visit.front);
        let host = Arc::make_mut(&mut view.host);
        host.labels.extend(self.labels.iter().cloned());
        host.metadata.extend(self.metadata.iter().cloned());
        host.state.locked = self.locked.unwrap_or(host.state.locked);
        if let Some(phase) = self.phase(host, now, policy) {
            host.state = HostState {
                phase,
                ..host.state.clone()
            };
        }
    }

    fn phase(&self, host: &Host, now: Timestamp, policy: &Policy) -> Option<Phase> {
        if let Some(profile) = &self.profile {
            return Some(Phase::Armed {
                grant: Box::new(grant(host, now, policy)),
                queue: vec![profile.clone()],
            });
        }
        if let Some(profile) = &self.live {
            return Some(Phase::Live {
                profile: profile.clone(),
            });
        }
        let run = RunNumber::new(host.state.runs.max(1));
        let profile = || {
            let own = host.state.phase.profile().cloned();
            own.or_else(|| policy.profiles.keys().next().cloned())
        };
        match self.state? {
            State::New(stance) => Some(Phase::New { stance }),
            State::Ignored => Some(Phase::Ignored),
            State::Installed => Some(Phase::Installed {
                run,
                profile: profile()?,
                done: now,
                up: None,
            }),
            State::Failed => Some(Phase::Failed {
                run,
                profile: profile()?,
                at: now,
                failure: Failure::Cancelled,
            }),
        }
    }

    /// The site as it is supposed to stand.
    pub(super) fn site(&self, policy: &Policy) -> Supposing {
        let site = &self.site;
        let paused = site.paused.map(|paused| paused.then(|| "as is supposed".to_owned()));
        let of_policy = Site {
            paused: None,
            ..site.clone()
        };
        let policy = (of_policy != Site::default()).then(|| {
            let mut policy = policy.clone();
            policy.dhcp = site.mode.unwrap_or(policy.dhcp);
            let safety = &mut policy.safety;
            safety.unknown = site.unknown.clone().unwrap_or(safety.unknown.clone());
            safety.wipe = site.wipe.unwrap_or(safety.wipe);
            safety.max_attempts = site.max_attempts.unwrap_or(safety.max_attempts);
            safety.max_concurrent = site.max_concurrent.unwrap_or(safety.max_concurrent);
            safety.max_new_per_hour = site.max_new_per_hour.unwrap_or(safety.max_new_per_hour);
            Arc::new(policy)
        });
        Supposing { policy, paused }
    }
}

impl Site {
    /// Takes how the site stands. Says whether the key is one of those.
    fn take(&mut self, key: &str, value: &str, policy: &Policy) -> Result<bool, Fault> {
        let number = || value.parse::<u32>().map_err(|_| odd(value, "number"));
        match key {
            "mode" => {
                self.mode = Some(match value {
                    "proxy" => DhcpMode::Proxy,
                    "server" => DhcpMode::Server,
                    "observe" => DhcpMode::Observe,
                    "off" => DhcpMode::Off,
                    _ => return Err(odd(value, "mode: `proxy`, `server`, `observe` or `off`")),
                });
            }
            "unknown" => {
                self.unknown = Some(match value {
                    "hold" => Unknown::Hold,
                    "local" => Unknown::Local,
                    "ignore" => Unknown::Ignore,
                    // As with a profile that arms: supposing it installs nothing.
                    _ => match value.strip_prefix("install:") {
                        Some(name) => Unknown::Install(profile(name, policy)?),
                        None => return Err(odd(value, "policy: `hold`, `local`, `ignore` or `install:PROFILE`")),
                    },
                });
            }
            "wipe" => {
                self.wipe = Some(match value {
                    "empty-only" => Wipe::EmptyOnly,
                    "always" => Wipe::Always,
                    _ => return Err(odd(value, "rule for disks: `empty-only` or `always`")),
                });
            }
            "paused" => self.paused = Some(yes(value)?),
            "max_attempts" => self.max_attempts = Some(number()?),
            "max_concurrent" => self.max_concurrent = Some(number()?),
            "max_new_per_hour" => self.max_new_per_hour = Some(number()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn odd(value: &str, what: &str) -> Fault {
    Fault::bad_request(format!("`{value}` is no {what}"))
}

fn yes(value: &str) -> Result<bool, Fault> {
    match value {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(odd(value, "answer: `yes` or `no`")),
    }
}

fn grant(host: &Host, now: Timestamp, policy: &Policy) -> Grant {
    Grant {
        by: Grantor::Operator("nobody".to_owned()),
        at: now,
        expires: now.after(policy.safety.arm_ttl),
        machine: host.facts.clone(),
        wipe: BTreeSet::new(),
    }
}

fn profile(name: &str, policy: &Policy) -> Result<ProfileName, Fault> {
    if let Some((name, _)) = policy.profiles.get_key_value(name) {
        return Ok(name.clone());
    }
    let names = policy.profiles.keys().map(ProfileName::as_str);
    Err(Fault::unknown_profile("--as-if", name, names))
}
