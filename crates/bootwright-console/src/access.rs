//! Who may log in: users with passwords, tokens for programs, sessions of browsers, and the one-time code by which the first
//! admin is made.
//!
//! What cannot be read for certain lets nobody in: a file that is damaged is no empty file, and an error is no password.

mod code;
mod lockout;
mod login;
pub(crate) mod page;
mod password;
mod refusal;
mod roll;
mod secret;
pub(crate) mod shelf;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use bootwright_proto::http::api::Role;
use tokio::sync::Semaphore;

pub use login::Guest;
pub(crate) use login::SESSION_MS;
pub use password::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
pub use refusal::{Denied, Objection};
pub use secret::{Secret, same};
pub use shelf::{FileShelf, Shelf};

use crate::Operator;
use code::Code;
use lockout::Lockout;
use refusal::Refusals;
use roll::{Roll, Token, User, is_name};
use secret::Digest;

/// How many passwords are hashed at once, each with 19 MiB.
const HASHING_MAX: usize = 2;

/// How many may wait for that.
const HASHING_QUEUE_MAX: usize = 32;

/// How much later than it was something is taken down as used, so that each request is not a write.
const SEEN_EVERY_MS: u64 = 5 * 60_000;

/// Takes every token and session away from the logins that are kept there; users and their passwords stay. For logins that come
/// out of a backup: what was revoked since must not let anybody in.
///
/// # Errors
/// When it is not known for certain what is kept, or it cannot be kept.
pub fn forget_keys(shelf: &dyn Shelf) -> io::Result<()> {
    let mut roll = Roll::read(shelf)?;
    roll.tokens.clear();
    roll.sessions.clear();
    roll.write(shelf)
}

/// What stands around it.
pub trait Site: Send + Sync {
    /// Now, on the site's time line, which never runs backwards and goes on over restarts.
    fn now_ms(&self) -> u64;

    /// Takes down in the record what somebody did, or that something happened.
    fn note(&self, by: Option<&str>, note: String);
}

/// Who may log in. All of it may be asked from many threads at once.
pub struct Access {
    shelf: Box<dyn Shelf>,
    site: Box<dyn Site>,
    roll: ArcSwap<State>,
    /// Held while the roll is changed, and never while somebody is let in.
    writing: Mutex<()>,
    /// When tokens and sessions were used last, where that is not written yet.
    seen: Mutex<BTreeMap<Digest, u64>>,
    code: Mutex<Option<Code>>,
    lockout: Mutex<Lockout>,
    refusals: Mutex<Refusals>,
    hashing: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

/// What is known of who may log in.
enum State {
    Known(Roll),
    /// Nothing for certain, and so nobody may: the reason.
    Shut(String),
}

/// A user, as others may see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// When the user was added.
    pub added_ms: u64,
    /// How many sessions are open.
    pub sessions: usize,
}

/// A token, as others may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// By what it is named in commands.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The role.
    pub role: Role,
    /// When it was made.
    pub made_ms: u64,
    /// By whom.
    pub by: String,
    /// When it was used last, to within a few minutes.
    pub used_ms: Option<u64>,
    /// When it ends.
    pub expires_ms: Option<u64>,
}

impl Access {
    /// Reads who may log in. Where that fails nobody may, and [`Self::trouble`] says why.
    #[must_use]
    pub fn open(shelf: Box<dyn Shelf>, site: Box<dyn Site>) -> Self {
        let state = match Roll::read(&*shelf) {
            Ok(roll) => State::Known(roll),
            Err(error) => State::Shut(error.to_string()),
        };
        let code = match &state {
            State::Known(roll) if roll.users.is_empty() => match Code::make(&*shelf) {
                Ok(code) => Some(code),
                Err(error) => {
                    tracing::error!(why = %error, "there is no one-time code, since there is no randomness");
                    None
                }
            },
            State::Known(_) | State::Shut(_) => None,
        };
        Self {
            shelf,
            site,
            roll: ArcSwap::from_pointee(state),
            writing: Mutex::default(),
            seen: Mutex::default(),
            code: Mutex::new(code),
            lockout: Mutex::default(),
            refusals: Mutex::default(),
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
            queue: Arc::new(Semaphore::new(HASHING_QUEUE_MAX)),
        }
    }

    /// Why nobody may log in, if it could not be read who may.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        match &**self.roll.load() {
            State::Known(_) => None,
            State::Shut(why) => Some(why.clone()),
        }
    }

    /// The code that makes the first admin, as it is printed; nothing once there is a user.
    #[must_use]
    pub fn first_code(&self) -> Option<String> {
        lock(&self.code).as_ref().map(Code::text)
    }

    /// Whether the first admin is yet to be made.
    #[must_use]
    pub fn awaits_first(&self) -> bool {
        matches!(&**self.roll.load(), State::Known(roll) if roll.users.is_empty())
    }

    /// All users, by name.
    ///
    /// # Errors
    /// When it is not known who they are.
    pub fn users(&self) -> Result<Vec<UserFacts>, Objection> {
        let state = self.roll.load();
        let roll = state.roll()?;
        let now = self.site.now_ms();
        let seen = lock(&self.seen);
        let open = |user: &User| {
            let own = roll.sessions.iter().filter(|session| session.user == user.name);
            own.filter(|session| login::lasts(session, &seen, now)).count()
        };
        let mut users: Vec<UserFacts> = roll
            .users
            .iter()
            .map(|user| UserFacts {
                name: user.name.clone(),
                role: user.role,
                added_ms: user.added,
                sessions: open(user),
            })
            .collect();
        users.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(users)
    }

    /// All tokens, in the order in which they were made. Those that have ended are among them.
    ///
    /// # Errors
    /// When it is not known which there are.
    pub fn tokens(&self) -> Result<Vec<TokenFacts>, Objection> {
        let state = self.roll.load();
        let roll = state.roll()?;
        let seen = lock(&self.seen);
        let facts = |token: &Token| TokenFacts {
            used_ms: token.used.max(seen.get(&token.digest).copied()),
            ..token.facts()
        };
        Ok(roll.tokens.iter().map(facts).collect())
    }

    /// Adds a user, or nobody if one is called so already. `by` is who does it.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn add_user(
        self: &Arc<Self>,
        by: &Operator,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<(), Objection> {
        let hash = self.hash_for(name, password).await?;
        let added = self.site.now_ms();
        let user = User {
            name: name.to_owned(),
            role,
            password: hash,
            added,
        };
        self.change(move |roll| add_user(roll, user)).await?;
        self.site
            .note(Some(by.name()), format!("user {name} was added as {}", role.name()));
        Ok(())
    }

    /// Gives a user another role, which counts at once, also in the sessions that are open.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn set_role(self: &Arc<Self>, by: &Operator, name: &str, role: Role) -> Result<(), Objection> {
        let wanted = name.to_owned();
        self.change(move |roll| {
            if role != Role::Admin && !roll.has_admin_beside(&wanted) && roll.user(&wanted).is_some() {
                return Err(Objection::LastAdmin(wanted));
            }
            find(roll, &wanted)?.role = role;
            Ok(())
        })
        .await?;
        self.site
            .note(Some(by.name()), format!("user {name} is {} now", role.name()));
        Ok(())
    }

    /// Gives a user another password. All sessions of the user end.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn set_password(self: &Arc<Self>, by: &Operator, name: &str, password: &str) -> Result<(), Objection> {
        self.roll.load().roll()?.user(name).ok_or_else(|| no_user(name))?;
        let hash = self.hash_for(name, password).await?;
        let wanted = name.to_owned();
        self.change(move |roll| {
            find(roll, &wanted)?.password = hash;
            roll.sessions.retain(|session| session.user != wanted);
            Ok(())
        })
        .await?;
        lock(&self.lockout).succeed(Some(name), None);
        self.site
            .note(Some(by.name()), format!("user {name} has another password"));
        Ok(())
    }

    /// Removes a user, and all sessions of the user.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn remove_user(self: &Arc<Self>, by: &Operator, name: &str) -> Result<(), Objection> {
        let wanted = name.to_owned();
        self.change(move |roll| {
            find(roll, &wanted)?;
            if !roll.has_admin_beside(&wanted) {
                return Err(Objection::LastAdmin(wanted));
            }
            roll.users.retain(|user| user.name != wanted);
            roll.sessions.retain(|session| session.user != wanted);
            Ok(())
        })
        .await?;
        self.site.note(Some(by.name()), format!("user {name} was removed"));
        Ok(())
    }

    /// Makes a token. It is told this once and never again.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn make_token(
        self: &Arc<Self>,
        by: &Operator,
        name: &str,
        role: Role,
        lasts_ms: Option<u64>,
    ) -> Result<(Secret, TokenFacts), Objection> {
        if !is_name(name) {
            return Err(Objection::BadName);
        }
        let secret = Secret::make(&*self.shelf, "bw_").map_err(|error| unwritten(&error))?;
        let digest = Digest::of(secret.expose()).ok_or_else(|| Objection::Unwritten("no randomness".to_owned()))?;
        let made = self.site.now_ms();
        let token = Token {
            // Of the digest: it tells nothing of the secret, and no two are alike.
            id: digest.hex().chars().take(8).collect(),
            name: name.to_owned(),
            role,
            digest,
            made,
            by: by.name().to_owned(),
            used: None,
            expires: lasts_ms.map(|lasts| made.saturating_add(lasts)),
        };
        let facts = token.facts();
        self.change(move |roll| {
            if roll.tokens.len() >= roll::TOKENS_MAX {
                return Err(Objection::TooMany("tokens"));
            }
            if roll.tokens.iter().any(|other| other.id == token.id) {
                return Err(Objection::Unwritten(
                    "two tokens would have one id; try again".to_owned(),
                ));
            }
            roll.tokens.push(token);
            Ok(())
        })
        .await?;
        let note = format!("token {} ({name}) was made for {}", facts.id, role.name());
        self.site.note(Some(by.name()), note);
        Ok((secret, facts))
    }

    /// Makes a token worthless.
    ///
    /// # Errors
    /// Why nothing was done.
    pub async fn revoke_token(self: &Arc<Self>, by: &Operator, id: &str) -> Result<(), Objection> {
        let wanted = id.to_owned();
        self.change(move |roll| {
            let before = roll.tokens.len();
            roll.tokens.retain(|token| token.id != wanted);
            if roll.tokens.len() == before {
                return Err(Objection::NoSuchToken(wanted));
            }
            Ok(())
        })
        .await?;
        self.site.note(Some(by.name()), format!("token {id} was revoked"));
        Ok(())
    }

    /// Takes down that somebody was refused: what, and from where.
    pub fn refused(&self, what: &str, source: Option<IpAddr>) {
        let told = lock(&self.refusals).add(what, source, self.site.now_ms());
        if let Some(note) = told {
            self.site.note(None, note);
        }
    }

    /// What is to be done from time to time: refusals are told, and what was used last is written.
    pub async fn keep(self: &Arc<Self>) {
        let told = lock(&self.refusals).due(self.site.now_ms());
        if let Some(note) = told {
            self.site.note(None, note);
        }
        if lock(&self.seen).is_empty() {
            return;
        }
        // What cannot be written now is written with the next change.
        let _ = self.change(|_| Ok(())).await;
    }

    async fn hash_for(self: &Arc<Self>, name: &str, password: &str) -> Result<String, Objection> {
        if !is_name(name) {
            return Err(Objection::BadName);
        }
        if let Some(why) = password::objection(password) {
            return Err(Objection::BadPassword(why));
        }
        if password::is_name(password, name) {
            return Err(Objection::PasswordIsName);
        }
        let (access, password) = (Arc::clone(self), password.to_owned());
        let hashed = self.beside(move || password::hash(&*access.shelf, &password)).await;
        match hashed {
            Some(Ok(hash)) => Ok(hash),
            Some(Err(error)) => Err(unwritten(&error)),
            None => Err(Objection::Busy),
        }
    }

    /// Hashes where it holds nobody else up; nothing if too many wait for that.
    async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let place = Arc::clone(&self.queue).try_acquire_owned().ok()?;
        let turn = Arc::clone(&self.hashing).acquire_owned().await.ok()?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Held for as long as there is work, also if nobody waits for it any more.
            drop((turn, place));
            done
        });
        done.await.ok()
    }

    /// Changes the roll: first what is kept, and then what counts.
    async fn change(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Roll) -> Result<(), Objection> + Send + 'static,
    ) -> Result<(), Objection> {
        let access = Arc::clone(self);
        let changed = tokio::task::spawn_blocking(move || access.change_now(change)).await;
        changed.unwrap_or_else(|_| Err(Objection::Unwritten("the change has panicked".to_owned())))
    }

    fn change_now(&self, change: impl FnOnce(&mut Roll) -> Result<(), Objection>) -> Result<(), Objection> {
        let _writing = lock(&self.writing);
        let mut roll = self.roll.load().roll()?.clone();
        let now = self.site.now_ms();
        let seen = lock(&self.seen).clone();
        for token in &mut roll.tokens {
            token.used = token.used.max(seen.get(&token.digest).copied());
        }
        for session in &mut roll.sessions {
            session.seen = session.seen.max(seen.get(&session.digest).copied().unwrap_or(0));
        }
        roll.sessions.retain(|session| login::lasts(session, &seen, now));
        change(&mut roll)?;
        roll.write(&*self.shelf).map_err(|error| unwritten(&error))?;
        if !roll.users.is_empty() {
            *lock(&self.code) = None;
        }
        self.roll.store(Arc::new(State::Known(roll)));
        // What was used meanwhile stays for the next time.
        lock(&self.seen).retain(|digest, at| seen.get(digest) != Some(at));
        Ok(())
    }

    /// Takes down that a token or a session was used, if that is news.
    fn touch(&self, digest: Digest, last: u64, now: u64) {
        let mut seen = lock(&self.seen);
        let last = last.max(seen.get(&digest).copied().unwrap_or(0));
        if now.saturating_sub(last) >= SEEN_EVERY_MS {
            seen.insert(digest, now);
        }
    }
}

impl State {
    fn roll(&self) -> Result<&Roll, Objection> {
        match self {
            Self::Known(roll) => Ok(roll),
            Self::Shut(why) => Err(Objection::Shut(why.clone())),
        }
    }
}

impl Token {
    fn facts(&self) -> TokenFacts {
        TokenFacts {
            id: self.id.clone(),
            name: self.name.clone(),
            role: self.role,
            made_ms: self.made,
            by: self.by.clone(),
            used_ms: self.used,
            expires_ms: self.expires,
        }
    }
}

fn add_user(roll: &mut Roll, user: User) -> Result<(), Objection> {
    if roll.user(&user.name).is_some() {
        return Err(Objection::UserExists(user.name));
    }
    if roll.users.len() >= roll::USERS_MAX {
        return Err(Objection::TooMany("users"));
    }
    if user.role != Role::Admin && roll.users.is_empty() {
        return Err(Objection::FirstNotAdmin);
    }
    roll.users.push(user);
    Ok(())
}

fn find<'a>(roll: &'a mut Roll, name: &str) -> Result<&'a mut User, Objection> {
    let found = roll.users.iter_mut().find(|user| user.name == name);
    found.ok_or_else(|| no_user(name))
}

fn no_user(name: &str) -> Objection {
    Objection::NoSuchUser(name.chars().take(80).filter(|c| !c.is_control()).collect())
}

fn unwritten(error: &io::Error) -> Objection {
    Objection::Unwritten(error.to_string())
}

/// A panic elsewhere leaves nothing here half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
