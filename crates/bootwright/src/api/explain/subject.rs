//! Whom an explanation is about: a host, a machine that was never seen, or either as if it were otherwise.

use bootwright_core::{Facts, HostId, Identity, MacAddr, Sighting, Timestamp};
use bootwright_engine::{Engine, HostView, Supposing};

use super::super::fault::Fault;
use super::supposed::Supposed;

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
    /// How the site is supposed to stand.
    pub(super) site: Supposing,
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
            site: supposed.site(engine.policy()),
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
