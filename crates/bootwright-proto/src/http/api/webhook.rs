//! Those who are told of events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::EventView;

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks so
const fn none(number: &u64) -> bool {
    *number == 0
}

/// What a webhook is sent. Its signature is in the header `Bootwright-Signature`: `sha256=` and the HMAC-SHA256 of
/// `Bootwright-Timestamp`, `Bootwright-Id` and the body, with a dot between them, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookMessage {
    /// The same for the same event however often it is sent.
    pub id: String,
    /// The name of the webhook.
    pub webhook: String,
    /// Whether it is only a test, which tells of nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// How many events before this one were left out, since the receiver was too far behind.
    #[serde(default, skip_serializing_if = "none")]
    pub skipped: u64,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventView>,
}

/// All webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookList {
    /// In the order of their names.
    pub webhooks: Vec<WebhookView>,
}

/// A webhook and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookView {
    /// Its name.
    pub name: String,
    /// Where its messages go: scheme, host and port. The rest of the URL may be a secret.
    pub to: String,
    /// What it is told of; nothing: of everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// The place in the record up to which it was told.
    pub delivered: u64,
    /// How many events it is behind, those that it does not want among them.
    pub behind: u64,
    /// How often in a row its next message was not taken.
    pub failures: u32,
    /// Why, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookReport {
    /// The webhook.
    pub webhook: String,
    /// Whether the receiver took the message.
    pub delivered: bool,
    /// How long that took.
    pub took_ms: u64,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
