//! What templates may know: the host, its labels and metadata, the profile, the run and this server.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bootwright_core::{Facts, Host, HostDefinition, HostId, ProfileName, RunNumber, Sighting, Token};

use crate::secret::Secrets;

/// All that the templates of one answer may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The host's name.
    pub host: HostId,
    /// Its facts. Machines make up the texts among them.
    pub facts: Facts,
    /// What the present request shows: the card it boots from, its address, our interface, its firmware.
    pub seen: Sighting,
    /// Its labels.
    pub labels: Values,
    /// Its metadata.
    pub metadata: Values,
    /// What its machine reported of itself, which templates get as they get what the store holds.
    pub reported: BTreeMap<String, String>,
    /// The profile that it boots.
    pub profile: ProfileName,
    /// The run, if it installs; a live boot has none.
    pub run: Option<RunValues>,
    /// This server.
    pub server: ServerValues,
    /// The secrets that it may see; hidden unless the shell fetched them for the document at hand.
    pub secrets: Secrets,
}

/// Named texts of a host by where they come from, which decides how far templates trust them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// Those of the configuration: templates get them as they are written there.
    pub configured: BTreeMap<String, String>,
    /// Those of the store. Any client of the API may have set them, so templates get them without the characters that could end a
    /// word or a quotation. One of the same name in the configuration wins.
    pub stored: BTreeMap<String, String>,
}

/// What templates may know of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunValues {
    /// Its number; the host's first run is 1.
    pub number: RunNumber,
    /// Its secret.
    pub token: Token,
    /// How often its script was served, this time included.
    pub attempt: u32,
}

/// What templates may know of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerValues {
    /// The machine plane as the host reaches it, such as `http://10.0.0.2:8080`, without a slash at the end.
    pub url: String,
    /// The address of this server that the host reaches.
    pub address: IpAddr,
}

impl Context {
    /// What is known of a host in the store that asks now.
    #[must_use]
    pub fn new(
        host: &Host,
        definition: Option<&HostDefinition>,
        seen: &Sighting,
        profile: ProfileName,
        run: Option<RunValues>,
        server: ServerValues,
    ) -> Self {
        let named = definition
            .map(|definition| definition.facts.clone())
            .unwrap_or_default();
        let configured = |of: fn(&HostDefinition) -> &BTreeMap<String, String>| definition.map(of).cloned();
        Self {
            host: definition
                .and_then(|definition| definition.name.clone())
                .unwrap_or_else(|| host.id.clone()),
            facts: named.joined(&host.facts).joined(&seen.facts),
            seen: seen.clone(),
            labels: Values {
                configured: configured(|definition| &definition.labels).unwrap_or_default(),
                stored: host.labels.clone(),
            },
            metadata: Values {
                configured: configured(|definition| &definition.metadata).unwrap_or_default(),
                stored: host.metadata.clone(),
            },
            reported: host.reported.clone(),
            profile,
            run,
            server,
            secrets: Secrets::Hidden,
        }
    }

    /// The same context with the secrets hidden.
    pub(crate) fn without_secrets(&self) -> Self {
        Self {
            secrets: Secrets::Hidden,
            ..self.clone()
        }
    }

    /// The address of the run's documents and reports, without a slash at the end.
    #[must_use]
    pub fn run_url(&self) -> Option<String> {
        let run = self.run?;
        Some(format!("{}/r/{}", self.server.url, run.token.reveal()))
    }

    /// The card that the host boots from, else the first that it has.
    #[must_use]
    pub fn boot_mac(&self) -> Option<bootwright_core::MacAddr> {
        self.seen.boot_mac.or_else(|| self.facts.macs.first().copied())
    }
}
