//! Why somebody is not let in or a change is not made, and how refusals are told without end but not without bound.

use std::fmt;
use std::net::IpAddr;

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The name, the password, the code, the token or the session is not right. Which of them is not said.
    Wrong,
    /// They were wrong too often: so many seconds are to be waited.
    TooEarly {
        /// How long.
        seconds: u64,
    },
    /// The code was tried wrongly too often, and is none any more.
    CodeUsedUp,
    /// There is an admin already, so no code counts.
    NotFirst,
    /// It is not known who may log in, so nobody may.
    Shut,
    /// Too many try at once.
    Busy,
    /// What was asked for with a right code cannot be done.
    Unmade(Objection),
}

/// Why a change of logins is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// No user has this name.
    NoSuchUser(String),
    /// No token has this id.
    NoSuchToken(String),
    /// A user has this name already.
    UserExists(String),
    /// This is no name.
    BadName,
    /// This is no password, for this reason.
    BadPassword(String),
    /// The password is the user's name.
    PasswordIsName,
    /// Nobody could do anything about logins any more.
    LastAdmin(String),
    /// The first user has to be an admin, for the same reason.
    FirstNotAdmin,
    /// There are as many as there may be.
    TooMany(&'static str),
    /// It is not known who may log in, for this reason.
    Shut(String),
    /// It cannot be kept, for this reason.
    Unwritten(String),
    /// Too many passwords are hashed at once.
    Busy,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchUser(name) => write!(f, "no user is called `{name}`"),
            Self::NoSuchToken(id) => write!(f, "there is no token `{id}`"),
            Self::UserExists(name) => write!(f, "there is a user `{name}` already"),
            Self::BadName => f.write_str(
                "a name has up to 32 of the characters `a-z A-Z 0-9 - _ . @` and begins with a letter or a digit",
            ),
            Self::BadPassword(why) => f.write_str(why),
            Self::PasswordIsName => f.write_str("a password is not the name itself"),
            Self::LastAdmin(name) => write!(f, "`{name}` is the last admin; make another one first"),
            Self::FirstNotAdmin => f.write_str("the first user is an admin; make that one first"),
            Self::TooMany(what) => write!(f, "there are as many {what} as there may be; remove some"),
            Self::Shut(why) => write!(f, "it cannot be told who may log in: {why}"),
            Self::Unwritten(why) => write!(f, "nothing was done, since it cannot be kept: {why}"),
            Self::Busy => f.write_str("too many passwords are being hashed; try again in a moment"),
        }
    }
}

/// How long refusals are gathered before they are told again, in milliseconds.
const FOLD_MS: u64 = 10_000;

/// Refusals since they were told last.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    told_ms: Option<u64>,
    waiting: u64,
    last: Option<String>,
}

impl Refusals {
    /// Takes a refusal down; returns what to tell now.
    pub(super) fn add(&mut self, what: &str, source: Option<IpAddr>, now_ms: u64) -> Option<String> {
        let from = source.map_or_else(
            || "the control socket".to_owned(),
            |source| source.to_canonical().to_string(),
        );
        self.waiting += 1;
        self.last = Some(format!("{what}, from {from}"));
        self.due(now_ms)
    }

    /// What is to be told by now.
    pub(super) fn due(&mut self, now_ms: u64) -> Option<String> {
        if self.waiting == 0 || self.told_ms.is_some_and(|told| now_ms.saturating_sub(told) < FOLD_MS) {
            return None;
        }
        let times = match std::mem::take(&mut self.waiting) {
            1 => String::new(),
            count => format!(" (×{count}, of which this was the last)"),
        };
        self.told_ms = Some(now_ms);
        let last = self.last.take()?;
        Some(format!("refused: {last}{times}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusal_is_told_at_once_and_the_next_thousand_in_one_line() {
        let source = Some(IpAddr::from([10, 0, 0, 9]));
        let mut refusals = Refusals::default();
        let first = refusals.add("a login as `anna`", source, 0);
        assert_eq!(first.as_deref(), Some("refused: a login as `anna`, from 10.0.0.9"));
        for at in 0..1000 {
            assert_eq!(refusals.add("a token", source, at), None);
        }
        assert_eq!(refusals.due(9_999), None);
        let folded = refusals.due(10_000);
        let expected = "refused: a token, from 10.0.0.9 (×1000, of which this was the last)";
        assert_eq!(folded.as_deref(), Some(expected));
        assert_eq!(refusals.due(60_000), None);
    }
}
