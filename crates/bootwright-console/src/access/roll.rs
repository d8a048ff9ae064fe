//! Who may log in, as it is kept: one document, read whole and checked whole.

use std::collections::BTreeSet;
use std::io;

use bootwright_proto::http::api::Role;
use serde::{Deserialize, Serialize};

use super::password;
use super::secret::Digest;
use super::shelf::Shelf;

/// The form of the document. One of a later version is not read.
const VERSION: u32 = 1;

/// How many users there are at most.
pub(super) const USERS_MAX: usize = 256;
/// How many tokens there are at most.
pub(super) const TOKENS_MAX: usize = 1024;
/// How many sessions there are at most; the one that was quiet for longest makes room.
pub(super) const SESSIONS_MAX: usize = 1024;
/// How many of them one user has at most, likewise.
pub(super) const SESSIONS_EACH_MAX: usize = 32;

/// The longest name of a user or a token.
const NAME_BYTES_MAX: usize = 32;

/// Everybody and everything that may log in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Roll {
    version: u32,
    pub(super) users: Vec<User>,
    pub(super) tokens: Vec<Token>,
    pub(super) sessions: Vec<Session>,
}

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) role: Role,
    /// The hash of the password, in PHC string format.
    pub(super) password: String,
    /// When the user was added, on the site's time line.
    pub(super) added: u64,
}

/// A program's key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: Role,
    #[serde(with = "hex")]
    pub(super) digest: Digest,
    pub(super) made: u64,
    pub(super) by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) used: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<u64>,
}

/// A browser that somebody logged in with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    #[serde(with = "hex")]
    pub(super) digest: Digest,
    pub(super) user: String,
    pub(super) began: u64,
    pub(super) seen: u64,
}

mod hex {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Digest;

    pub(super) fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digest.hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        Digest::from_hex(&text).ok_or_else(|| D::Error::custom("a digest has 64 digits"))
    }
}

impl Default for Roll {
    fn default() -> Self {
        Self {
            version: VERSION,
            users: Vec::new(),
            tokens: Vec::new(),
            sessions: Vec::new(),
        }
    }
}

impl Roll {
    /// Reads what is kept. A place where nothing was ever kept has nobody.
    ///
    /// # Errors
    /// In every other case in which it is not known for certain who may log in.
    pub(super) fn read(shelf: &dyn Shelf) -> io::Result<Self> {
        let Some(bytes) = shelf.read()? else {
            return Ok(Self::default());
        };
        let odd = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        /// All that documents of every version have.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(&bytes).map_err(|error| odd(error.to_string()))?;
        if version != VERSION {
            return Err(odd(format!(
                "it is of version {version}, which this Bootwright does not know"
            )));
        }
        let roll: Self = serde_json::from_slice(&bytes).map_err(|error| odd(error.to_string()))?;
        roll.check().map_err(|why| odd(why.to_owned()))?;
        Ok(roll)
    }

    /// Keeps it.
    pub(super) fn write(&self, shelf: &dyn Shelf) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        bytes.push(b'\n');
        shelf.write(&bytes)
    }

    /// What must hold of each roll that anybody is let in by.
    fn check(&self) -> Result<(), &'static str> {
        let names: BTreeSet<&str> = self.users.iter().map(|user| user.name.as_str()).collect();
        if names.len() != self.users.len() || !names.iter().all(|name| is_name(name)) {
            return Err("its users' names are not distinct words");
        }
        if !self.users.iter().all(|user| password::is_hash(&user.password)) {
            return Err("a user's password is no hash that can be compared with");
        }
        let ids: BTreeSet<&str> = self.tokens.iter().map(|token| token.id.as_str()).collect();
        if ids.len() != self.tokens.len() || ids.contains("") {
            return Err("its tokens' ids are not distinct");
        }
        let digests = self.tokens.iter().map(|token| token.digest);
        let digests: BTreeSet<Digest> = digests
            .chain(self.sessions.iter().map(|session| session.digest))
            .collect();
        if digests.len() != self.tokens.len() + self.sessions.len() {
            return Err("two of its digests are the same");
        }
        Ok(())
    }

    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Whether somebody beside this user is an admin.
    pub(super) fn has_admin_beside(&self, name: &str) -> bool {
        self.users
            .iter()
            .any(|user| user.role == Role::Admin && user.name != name)
    }

    /// Adds a session, and drops those that there is no room for.
    pub(super) fn add_session(&mut self, session: Session) {
        let user = session.user.clone();
        self.sessions.push(session);
        while self.sessions.iter().filter(|session| session.user == user).count() > SESSIONS_EACH_MAX {
            self.drop_quietest(|session| session.user == user);
        }
        while self.sessions.len() > SESSIONS_MAX {
            self.drop_quietest(|_| true);
        }
    }

    fn drop_quietest(&mut self, among: impl Fn(&Session) -> bool) {
        let sessions = self.sessions.iter().enumerate();
        let quietest = sessions
            .filter(|(_, session)| among(session))
            .min_by_key(|(_, session)| session.seen);
        if let Some(place) = quietest.map(|(place, _)| place) {
            self.sessions.remove(place);
        }
    }
}

/// A name of a user or a token: a word that may stand in a log, a path and a record.
pub(super) fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let begins = |c: char| c.is_ascii_alphanumeric();
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.starts_with(begins) && name.chars().all(word)
}
