//! `[webhooks.<name>]`: who is told of events, and how they know that it is us.

use std::collections::BTreeMap;

use bootwright_content::nearest;
use bootwright_core::{Span, Verb};

use super::secret::{SecretSource, source};
use crate::finding::Findings;
use crate::node::{Entry, Table};
use crate::section::Section;

/// How long a receiver may take to answer unless the configuration says otherwise.
const TIMEOUT: Span = Span::from_secs(10);

/// Somebody who is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where they listen: a URL of HTTP or HTTPS without a password.
    pub url: String,
    /// What messages are signed with.
    pub secret: SecretSource,
    /// What they are told of; nothing: of everything.
    pub events: Vec<Verb>,
    /// How long they may take to answer.
    pub timeout: Span,
}

pub(super) fn lower(root: &Table, findings: &mut Findings) -> BTreeMap<String, Webhook> {
    let Some(section) = Section::of(root, "webhooks", findings) else {
        return BTreeMap::new();
    };
    let mut found = BTreeMap::new();
    for (name, entry) in section.entries() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 63 || name.starts_with('-') || !name.chars().all(plain) {
            let message = format!("`{}` is no name of a webhook", name.escape_debug());
            findings.error(&entry.key, message).hint =
                Some("use up to 63 of `a-z`, `0-9` and `-`, the first no hyphen".to_owned());
            continue;
        }
        if let Some(webhook) = webhook(section.key(name), entry, findings) {
            found.insert(name.clone(), webhook);
        }
    }
    found
}

fn webhook(key: String, entry: &Entry, findings: &mut Findings) -> Option<Webhook> {
    let mut table = Section::new(key, entry, findings);
    let name = table.name.clone();
    let url = table.text("url", "https://hooks.example.net/bootwright", findings);
    let secret = table.take("secret");
    let words = table.texts("events", "armed", findings);
    let timeout = table.span("timeout", "10s", findings).unwrap_or(TIMEOUT);
    let timeout_at = table.take("timeout").map(|entry| &entry.node.at);
    table.finish(findings);
    if let Some(at) = timeout_at
        && !(1_000..=60_000).contains(&timeout.as_millis())
    {
        findings.error(at, format!("`{name}.timeout` must be between 1s and 60s"));
    }
    let mut events = Vec::new();
    for (word, at) in words {
        match Verb::ALL.iter().find(|verb| verb.name() == word) {
            Some(verb) => events.push(*verb),
            None => {
                let names = Verb::ALL.iter().map(|verb| verb.name());
                let hint = match nearest(word, names.clone()) {
                    Some(near) => format!("did you mean `\"{near}\"`?"),
                    None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("`{name}.events`: no event is called `{}`", word.escape_debug());
                findings.error(at, message).hint = Some(hint);
            }
        }
    }
    let Some((url, at)) = url else {
        if entry_lacks(entry, "url") {
            findings.error(&entry.key, format!("`{name}` needs a `url`")).hint =
                Some("for example `url = \"https://hooks.example.net/bootwright\"`".to_owned());
        }
        return None;
    };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain || authority.is_none_or(|authority| authority.is_empty() || authority.contains('@')) {
        findings
            .error(at, format!("`{name}.url` is no URL of HTTP or HTTPS"))
            .hint = Some("write `https://HOST/PATH`, without a password in it".to_owned());
        return None;
    }
    let Some(secret) = secret else {
        findings
            .error(
                &entry.key,
                format!("`{name}` needs a `secret`, with which messages are signed"),
            )
            .hint = Some("for example `secret = { file = \"secrets/webhook\" }`".to_owned());
        return None;
    };
    Some(Webhook {
        url: url.to_owned(),
        secret: source(format!("{name}.secret"), secret, findings)?,
        events,
        timeout,
    })
}

/// Whether a key is not there at all, and not merely wrong, which was said already.
fn entry_lacks(entry: &Entry, key: &str) -> bool {
    match &entry.node.value {
        crate::node::Value::Table(table) => !table.contains_key(key),
        _ => false,
    }
}
