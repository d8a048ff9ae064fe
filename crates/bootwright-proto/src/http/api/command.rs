//! What an operator tells a host, and what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command to one host.
///
/// Those without members have braces all the same: only so are members refused that do not belong there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Grant one install of each of these profiles, in order.
    Arm {
        /// The profiles. Empty: the one that the configuration or the rules mean for the host.
        #[schemars(inner(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,62}$")))]
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        profiles: Vec<String>,
        /// Serial numbers of disks that may be overwritten although they are not empty.
        #[schemars(inner(length(max = 128), regex(pattern = r"^[!-~]([ -~]*[!-~])?$")))]
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allow_wipe: Vec<String>,
    },
    /// Grant one more install of what it had: the profile of its last run.
    Reinstall {
        /// The host's name once more. Needed for a host that was ever installed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<String>,
        /// Serial numbers of disks that may be overwritten although they are not empty.
        #[schemars(inner(length(max = 128), regex(pattern = r"^[!-~]([ -~]*[!-~])?$")))]
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        allow_wipe: Vec<String>,
    },
    /// Send a magic packet to its cards, on the interface where it was last seen.
    Wake {},
    /// Put profiles behind those of the arming.
    Queue {
        /// The profiles.
        #[schemars(inner(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,62}$")))]
        profiles: Vec<String>,
    },
    /// Hold it; an arming or a run ends.
    Hold {},
    /// Let it boot its own disk.
    Local {},
    /// Let it boot this profile every time.
    Live {
        /// The profile.
        #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,62}$"))]
        profile: String,
    },
    /// Do not answer it.
    Ignore {},
    /// Protect it from any install.
    Lock {},
    /// Take the protection away.
    Unlock {},
    /// Remove it from the store.
    Forget {},
    /// Say that the install under way is done, for profiles that wait for a person.
    Done {},
    /// Set or remove a label.
    SetLabel {
        /// Its key.
        #[schemars(regex(pattern = r"^[A-Za-z0-9_./-]{1,63}$"))]
        key: String,
        /// Its value; nothing removes it.
        #[schemars(length(max = 1024), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// Set or remove an item of the metadata.
    SetMetadata {
        /// Its key.
        #[schemars(regex(pattern = r"^[A-Za-z0-9_./-]{1,63}$"))]
        key: String,
        /// Its value; nothing removes it.
        #[schemars(length(max = 1024), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandReport {
    /// The host.
    pub host: String,
    /// Whether anything changed; a command that is repeated changes nothing and is no error.
    pub changed: bool,
    /// The name of its state now.
    pub state: String,
    /// What the operator should know, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Stop new installs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// Why, for those who see the pause.
    #[schemars(length(max = 256), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
