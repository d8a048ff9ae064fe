//! Letting somebody in: by name and password, by a session, by a token, by the first code.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bootwright_proto::http::api::Role;

use super::code::Tried;
use super::refusal::{Denied, Objection};
use super::roll::{Session, User};
use super::secret::{Digest, Secret, csrf_of};
use super::{Access, State, add_user, lock, password};
use crate::Operator;

/// How long a session lasts, used or not.
pub(crate) const SESSION_MS: u64 = 7 * 24 * 3_600_000;

/// How long a session lasts that nobody uses.
const IDLE_MS: u64 = 12 * 3_600_000;

/// Whether a session still counts.
pub(super) fn lasts(session: &Session, seen: &BTreeMap<Digest, u64>, now: u64) -> bool {
    let seen = session.seen.max(seen.get(&session.digest).copied().unwrap_or(0));
    now.saturating_sub(session.began) < SESSION_MS && now.saturating_sub(seen) < IDLE_MS
}

/// Somebody who came with a session, and the word that their forms must bring along.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Who it is.
    pub operator: Operator,
    /// The word.
    pub csrf: String,
}

impl Access {
    /// Begins a session for who knows the name and the password.
    ///
    /// # Errors
    /// Why not. All that is wrong takes the same time and gives the same answer.
    pub async fn log_in(
        self: &Arc<Self>,
        name: &str,
        password: &str,
        source: IpAddr,
    ) -> Result<(Secret, Guest), Denied> {
        let now = self.site.now_ms();
        let (known, kept) = match &**self.roll.load() {
            State::Shut(_) => return Err(self.deny("a login, since it is not known who may", source, Denied::Shut)),
            State::Known(roll) => {
                let user = roll.user(name);
                (user.is_some(), user.map(|user| user.password.clone()))
            }
        };
        // What somebody types in the wrong field may be a password.
        let what = if known {
            format!("a login as {name}")
        } else {
            "a login by a name that nobody has".to_owned()
        };
        let begun = lock(&self.lockout).begin(Some(name), Some(source), now);
        if let Err(seconds) = begun {
            let what = format!("{what}, too early after others");
            return Err(self.deny(&what, source, Denied::TooEarly { seconds }));
        }
        let (compared, typed) = (kept.clone(), password.to_owned());
        let right = self
            .beside(move || password::is_password(compared.as_deref(), &typed))
            .await;
        match right {
            None => Err(self.deny(&what, source, Denied::Busy)),
            Some(false) => Err(self.deny(&what, source, Denied::Wrong)),
            Some(true) => {
                let session = self.begin_session(name, kept.as_deref(), source).await?;
                lock(&self.lockout).succeed(Some(name), Some(source));
                Ok(session)
            }
        }
    }

    /// Begins a session of a user whose password is still the one that was compared.
    async fn begin_session(
        self: &Arc<Self>,
        name: &str,
        kept: Option<&str>,
        source: IpAddr,
    ) -> Result<(Secret, Guest), Denied> {
        let began = self.site.now_ms();
        let (secret, digest) = self.session_secret()?;
        let (user, kept) = (name.to_owned(), kept.map(str::to_owned));
        let changed = self
            .change(move |roll| {
                let found = roll.user(&user).map(|user| user.password.clone());
                if found.is_none() || found != kept {
                    return Err(Objection::NoSuchUser(user));
                }
                roll.add_session(Session {
                    digest,
                    user,
                    began,
                    seen: began,
                });
                Ok(())
            })
            .await;
        changed.map_err(Denied::Unmade)?;
        let from = source.to_canonical();
        self.site.note(Some(name), format!("logged in from {from}"));
        let guest = self.session(secret.expose()).ok_or(Denied::Wrong)?;
        Ok((secret, guest))
    }

    fn session_secret(&self) -> Result<(Secret, Digest), Denied> {
        let made = Secret::make(&*self.shelf, "").ok();
        let made = made.and_then(|secret| Digest::of(secret.expose()).map(|digest| (secret, digest)));
        made.ok_or_else(|| Denied::Unmade(Objection::Unwritten("there is no randomness".to_owned())))
    }

    /// Makes the first admin for who knows the one-time code, and begins a session.
    ///
    /// # Errors
    /// Why not.
    pub async fn make_first(
        self: &Arc<Self>,
        code: &str,
        name: &str,
        password: &str,
        source: IpAddr,
    ) -> Result<(Secret, Guest), Denied> {
        let what = "a first login by a one-time code";
        if self.trouble().is_some() {
            return Err(self.deny(what, source, Denied::Shut));
        }
        if !self.awaits_first() {
            return Err(self.deny(what, source, Denied::NotFirst));
        }
        let begun = lock(&self.lockout).begin(None, Some(source), self.site.now_ms());
        if let Err(seconds) = begun {
            return Err(self.deny(what, source, Denied::TooEarly { seconds }));
        }
        let tried = lock(&self.code).as_mut().map(|kept| kept.try_it(code));
        match tried {
            Some(Tried::Right) => {}
            Some(Tried::Wrong) => return Err(self.deny(what, source, Denied::Wrong)),
            Some(Tried::UsedUp) | None => return Err(self.deny(what, source, Denied::CodeUsedUp)),
        }
        lock(&self.lockout).succeed(None, Some(source));
        let hash = self.hash_for(name, password).await.map_err(Denied::Unmade)?;
        let began = self.site.now_ms();
        let (secret, digest) = self.session_secret()?;
        let user = User {
            name: name.to_owned(),
            role: Role::Admin,
            password: hash,
            added: began,
        };
        let changed = self
            .change(move |roll| {
                // Two who know the code may come at once.
                if !roll.users.is_empty() {
                    return Err(Objection::UserExists(user.name));
                }
                roll.add_session(Session {
                    digest,
                    user: user.name.clone(),
                    began,
                    seen: began,
                });
                add_user(roll, user)
            })
            .await;
        changed.map_err(Denied::Unmade)?;
        let from = source.to_canonical();
        let note = format!("user {name} was added as admin by the one-time code, from {from}");
        self.site.note(None, note);
        let guest = self.session(secret.expose()).ok_or(Denied::Wrong)?;
        Ok((secret, guest))
    }

    /// Who has this session, if it is one.
    #[must_use]
    pub fn session(&self, secret: &str) -> Option<Guest> {
        let digest = Digest::of(secret)?;
        let state = self.roll.load();
        let roll = state.roll().ok()?;
        // All are compared, so that the time tells nothing of which one it is.
        let mut found = None;
        for session in &roll.sessions {
            if session.digest.is(&digest) {
                found = Some(session);
            }
        }
        let session = found?;
        let now = self.site.now_ms();
        if !lasts(session, &lock(&self.seen), now) {
            return None;
        }
        let user = roll.user(&session.user)?;
        self.touch(digest, session.seen, now);
        Some(Guest {
            operator: Operator::new(user.name.clone(), user.role),
            csrf: csrf_of(secret),
        })
    }

    /// Who has this token, if it is one that still counts.
    #[must_use]
    pub fn token(&self, secret: &str) -> Option<Operator> {
        let digest = Digest::of(secret)?;
        let state = self.roll.load();
        let roll = state.roll().ok()?;
        let mut found = None;
        for token in &roll.tokens {
            if token.digest.is(&digest) {
                found = Some(token);
            }
        }
        let token = found?;
        let now = self.site.now_ms();
        if token.expires.is_some_and(|expires| expires <= now) {
            return None;
        }
        self.touch(digest, token.used.unwrap_or(0), now);
        Some(Operator::new(format!("token {}", token.name), token.role))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When that cannot be kept: then it goes on.
    pub async fn log_out(self: &Arc<Self>, secret: &str) -> Result<(), Objection> {
        let Some(guest) = self.session(secret) else {
            return Ok(());
        };
        let digest = Digest::of(secret);
        self.change(move |roll| {
            roll.sessions.retain(|session| Some(session.digest) != digest);
            Ok(())
        })
        .await?;
        self.site.note(Some(guest.operator.name()), "logged out".to_owned());
        Ok(())
    }

    fn deny(&self, what: &str, source: IpAddr, denied: Denied) -> Denied {
        self.refused(what, Some(source));
        denied
    }
}
