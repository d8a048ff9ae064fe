//! Signatures of what clients were answered: for boot loaders that start nothing unsigned.
//!
//! What a machine is told to boot is decided once, by the request for it; its signature is that of the very bytes that were sent
//! to it last. So a machine gets no signature of what it was not given, and asking for one counts for nothing.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bootwright_config::Compat;
use bootwright_images::openpgp::SigningKey;
use bootwright_proto::compat::matchbox::{Route, Signature};
use bootwright_proto::http::Query;
use bytes::Bytes;
use hyper::StatusCode;

use super::{not_found, uncached};
use crate::http::answer::{Answer, answer as answered};
use crate::http::body::Answered;

/// The variable of the environment that holds the key's passphrase, as matchbox calls it.
const PASSPHRASE: &str = "MATCHBOX_PASSPHRASE";

/// How much is remembered, in bytes and in answers. What is older is asked for anew.
const BYTES_MAX: usize = 32 << 20;
const ANSWERS_MAX: usize = 4096;

/// The largest file of keys, in bytes.
const KEYS_BYTES_MAX: u64 = 1 << 20;

/// A key, and what was answered lately.
pub(crate) struct Signer {
    key: Arc<SigningKey>,
    past: Mutex<Past>,
}

#[derive(Default)]
struct Past {
    answers: VecDeque<Remembered>,
    bytes: usize,
}

struct Remembered {
    peer: IpAddr,
    route: Route,
    query: Query,
    body: Bytes,
}

impl Past {
    fn find(&self, peer: IpAddr, route: &Route, query: &Query) -> Option<Bytes> {
        let same = |one: &&Remembered| one.peer == peer && one.route == *route && one.query == *query;
        self.answers.iter().rev().find(same).map(|one| one.body.clone())
    }

    fn add(&mut self, one: Remembered) {
        self.bytes += one.body.len();
        self.answers.push_back(one);
        while self.bytes > BYTES_MAX || self.answers.len() > ANSWERS_MAX {
            match self.answers.pop_front() {
                Some(old) => self.bytes -= old.body.len(),
                None => break,
            }
        }
    }
}

/// The key that signs for a dialect, if the configuration names one.
///
/// # Errors
/// Why it cannot be used, and what to do.
pub(crate) fn key(compat: &Compat) -> Result<Option<SigningKey>, (String, String)> {
    let Some(path) = &compat.key_ring else { return Ok(None) };
    let hint = "clients that want signatures get none until it is mended".to_owned();
    let size = std::fs::metadata(path).map(|about| about.len());
    let bytes = match size {
        Ok(size) if size > KEYS_BYTES_MAX => {
            return Err((format!("`{path}` is no file of a key: it is too large"), hint));
        }
        _ => std::fs::read(path).map_err(|error| (format!("cannot read `{path}`: {error}"), hint))?,
    };
    let passphrase = std::env::var(PASSPHRASE).unwrap_or_default();
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.as_secs());
    let read = SigningKey::read(path, &bytes, &passphrase, now);
    read.map(Some).map_err(|error| {
        let hint = error
            .hint
            .clone()
            .unwrap_or_else(|| format!("put it into the variable `{PASSPHRASE}`"));
        (error.message, hint)
    })
}

impl Signer {
    /// The signer of a dialect. One whose key cannot be used signs nothing, and says so.
    pub(super) fn of(compat: &Compat) -> Option<Self> {
        match key(compat) {
            Ok(key) => key.map(|key| {
                tracing::info!(
                    event = "safe",
                    key = key.fingerprint(),
                    "answers of {} are signed on request",
                    compat.dialect.name()
                );
                Self {
                    key: Arc::new(key),
                    past: Mutex::default(),
                }
            }),
            Err((message, hint)) => {
                tracing::error!(
                    code = "E210",
                    "{message}: answers of {} are not signed; {hint}",
                    compat.dialect.name()
                );
                None
            }
        }
    }

    /// Keeps what is sent to a machine.
    pub(super) fn remember(&self, peer: IpAddr, route: Route, query: Query, answer: &Answer) {
        let Some(body) = answer.body().in_memory().filter(|_| answer.status() == StatusCode::OK) else {
            return;
        };
        let one = Remembered {
            peer,
            route,
            query,
            body,
        };
        self.past.lock().unwrap_or_else(PoisonError::into_inner).add(one);
    }

    /// The signature of what was sent to a machine last.
    pub(super) async fn answer(&self, peer: IpAddr, route: &Route, query: &Query, form: Signature) -> Answer {
        let find = || {
            let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
            past.find(peer, route, query)
        };
        let Some(body) = find() else { return not_found() };
        let key = Arc::clone(&self.key);
        let (armoured, media_type) = match form {
            Signature::Binary => (false, "application/octet-stream"),
            Signature::Armoured => (true, "text/plain; charset=utf-8"),
        };
        let signed = tokio::task::spawn_blocking(move || key.detached(&body, armoured)).await;
        match signed {
            Ok(Ok(signature)) => uncached(answered(StatusCode::OK, media_type, Answered::memory(signature))),
            Ok(Err(error)) => {
                tracing::error!("{error}");
                not_found()
            }
            Err(_) => not_found(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_given_something_finds_it_and_what_is_old_makes_room() {
        let peer = |last: u8| IpAddr::from([10, 77, 0, last]);
        let mut past = Past::default();
        let one = |last: u8, bytes: usize| Remembered {
            peer: peer(last),
            route: Route::Script,
            query: Query::new(b"mac=x"),
            body: vec![last; bytes].into(),
        };
        past.add(one(1, 10));
        past.add(one(1, 20));
        let find = |past: &Past, last: u8| past.find(peer(last), &Route::Script, &Query::new(b"mac=x"));
        assert_eq!(find(&past, 1).map(|body| body.len()), Some(20), "the last one");
        assert!(find(&past, 2).is_none());
        assert!(past.find(peer(1), &Route::Script, &Query::new(b"mac=y")).is_none());
        assert!(past.find(peer(1), &Route::Grub, &Query::new(b"mac=x")).is_none());
        past.add(one(2, BYTES_MAX));
        assert!(find(&past, 1).is_none(), "it made room");
        assert_eq!((past.bytes, past.answers.len()), (BYTES_MAX, 1));
        past.add(one(3, BYTES_MAX + 1));
        assert_eq!((past.bytes, past.answers.len()), (0, 0), "too large to be kept");
    }
}
