//! What a host would install if it were armed, so that it can be rendered before anybody grants it.

use std::sync::Arc;

use bootwright_core::fact::{Quality, mac_quality};
use bootwright_core::{Facts, HostDefinition, ProfileName, Sighting, Timestamp};

use crate::engine::Engine;
use crate::query::HostView;
use crate::script::InstallTicket;

/// What a host would install, and all that is known of the host.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// What it would install, with a token that opens nothing.
    pub ticket: InstallTicket,
    /// What was last seen of it.
    pub seen: Sighting,
    /// What the configuration says of it.
    pub definition: Option<HostDefinition>,
}

impl Engine {
    /// What the host of this name would install if it were armed with these profiles; with the one that it is meant for if
    /// none is named. Nothing for names of no host and no profile.
    #[must_use]
    pub fn rehearse(&self, now: Timestamp, name: &str, profiles: &[ProfileName]) -> Vec<Rehearsal> {
        let newcomer = || {
            let mac = name.parse().ok().filter(|mac| mac_quality(*mac) == Quality::Good)?;
            self.newcomer(now, &Facts::of_mac(mac))
        };
        let view = self
            .view(name)
            .or_else(|| self.configured_newcomer(now, name))
            .or_else(newcomer);
        let Some(view) = view else { return Vec::new() };
        let named = if profiles.is_empty() {
            view.suggestion.as_slice()
        } else {
            profiles
        };
        named
            .iter()
            .filter_map(|profile| self.rehearsal(now, &view, profile))
            .collect()
    }

    fn rehearsal(&self, now: Timestamp, view: &HostView, profile: &ProfileName) -> Option<Rehearsal> {
        let seen = self.last_sighting(&view.host.id);
        let mut ticket = self.preview_ticket(now, &view.host, &seen, profile)?;
        // An arming grants the profile as it reads now, whatever a run under way was started with.
        ticket.profile = Arc::clone(self.policy.profiles.get(profile)?);
        Some(Rehearsal {
            ticket,
            seen,
            definition: view.described.clone(),
        })
    }
}
