//! What `bootwright events --json` tells, as far as the lab looks at it.

use serde_json::Value;

/// One event about a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Happened {
    pub(crate) host: String,
    pub(crate) verb: String,
    pub(crate) note: String,
}

/// Reads one line; nothing if it is no event about a host.
pub(crate) fn happened(line: &str) -> Option<Happened> {
    let event: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| event[key].as_str().map(str::to_owned);
    Some(Happened {
        host: text("host")?,
        verb: text("verb")?,
        note: text("note").unwrap_or_default(),
    })
}
