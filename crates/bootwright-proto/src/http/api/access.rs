//! Who may log in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, whole};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    /// The name, as the record keeps it.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Users, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserList {
    /// The users.
    pub users: Vec<UserView>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserView {
    /// The name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// When the user was added.
    pub added: String,
    /// How many browsers are logged in.
    pub sessions: u32,
}

/// A user to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name: up to 32 of the characters `a-z A-Z 0-9 - _ . @`, of which the first is a letter or a digit.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,31}$"))]
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The password: 10 to 256 characters, and not the name itself.
    #[schemars(length(min = 10, max = 256), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    pub password: String,
}

/// What to change of a user, one thing at least. What is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    {"required": ["role"], "properties": {"role": {"type": "string"}}},
    {"required": ["password"], "properties": {"password": {"type": "string"}}},
]))]
pub struct UserChange {
    /// What the user may do from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The password from now on, as for a new user. All sessions of the user end.
    #[schemars(length(min = 10, max = 256), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Tokens, in the order in which they were made. Those that have ended are among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenList {
    /// The tokens.
    pub tokens: Vec<TokenView>,
}

/// A token. Its secret is in no document but the one that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// By what it is named.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// When it was made.
    pub made: String,
    /// By whom.
    pub by: String,
    /// When it was used last, to within a few minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// When it ends or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// A token to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it is for: a word as for a user's name.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,31}$"))]
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// How long it lasts; nothing: until it is revoked.
    #[schemars(range(min = 1, max = 3_153_600_000_000_u64))]
    #[serde(
        default,
        deserialize_with = "whole::or_nothing",
        skip_serializing_if = "Option::is_none"
    )]
    pub lasts_ms: Option<u64>,
}

/// A token that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeToken {
    /// The secret, for `Authorization: Bearer`. It is told this once.
    pub secret: String,
    /// The rest.
    #[serde(flatten)]
    pub token: TokenView,
}

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Who is logged in now; the session itself is in the cookie.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginReport {
    /// The name; nothing after a logout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What every request of this session that changes something must bring along, in `X-CSRF-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
}
