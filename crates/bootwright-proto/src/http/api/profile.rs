//! What hosts may boot, as the API shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The profiles, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileList {
    /// The profiles.
    pub profiles: Vec<ProfileView>,
}

/// A profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProfileView {
    /// Its name.
    pub profile: String,
    /// The system from whose data it was made; nothing if the configuration says all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether a person at the console chooses from it.
    pub menu: bool,
    /// The kernel, as the configuration says it.
    pub kernel: String,
    /// What goes with the kernel.
    pub initrds: Vec<String>,
    /// The kernel's arguments.
    pub args: Vec<String>,
    /// The names of its documents.
    pub documents: Vec<String>,
    /// What ends a run with success.
    pub done: String,
    /// Who has to agree before it writes: `dashboard`, `console` or `none`.
    pub confirm: String,
    /// How long a run may take.
    pub deadline_ms: u64,
    /// Why no host can be armed with it now, such as a file of an image that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How many hosts are armed with it, install it, have it or boot it.
    pub hosts: u64,
    /// How many of the runs that hosts remember went well.
    pub succeeded: u64,
    /// How many did not.
    pub failed: u64,
    /// How long a run of it usually takes that goes well: the middle one of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<u64>,
}

/// The documents of a profile as they would be rendered for a host now. Secrets are left out, and a run's token is zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentList {
    /// The host.
    pub host: String,
    /// The profile; nothing if the host is meant for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Its documents, in the order of their names.
    pub documents: Vec<DocumentView>,
}

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentView {
    /// The name under which a run is served it.
    pub document: String,
    /// Where its text stands.
    pub origin: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why it cannot be rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How many secrets stand in it that are not shown.
    pub secrets: u64,
}
