//! Logins with every read and write of a secret going wrong.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 9));
const PASSWORD: &str = "correct horse";

/// What a test's shelf holds, and how many of its next readings go well.
#[derive(Default)]
struct Inside {
    bytes: Mutex<Option<Vec<u8>>>,
    reads_fail: Mutex<Option<io::ErrorKind>>,
    writes_fail: Mutex<bool>,
    random_fails: Mutex<Option<bool>>,
    now: AtomicU64,
    notes: Mutex<Vec<String>>,
}

#[derive(Clone, Default)]
struct World(Arc<Inside>);

impl Shelf for World {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match *lock(&self.0.reads_fail) {
            Some(kind) => Err(kind.into()),
            None => Ok(lock(&self.0.bytes).clone()),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        if *lock(&self.0.writes_fail) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *lock(&self.0.bytes) = Some(bytes.to_vec());
        Ok(())
    }

    fn random(&self, into: &mut [u8]) -> io::Result<()> {
        match *lock(&self.0.random_fails) {
            Some(true) => Err(io::ErrorKind::Other.into()),
            Some(false) => {
                into.fill(0);
                Ok(())
            }
            None => getrandom::fill(into).map_err(|error| io::Error::other(error.to_string())),
        }
    }
}

impl Site for World {
    fn now_ms(&self) -> u64 {
        self.0.now.load(Ordering::Relaxed)
    }

    fn note(&self, by: Option<&str>, note: String) {
        lock(&self.0.notes).push(format!("{}: {note}", by.unwrap_or("-")));
    }
}

impl World {
    fn open(&self) -> Arc<Access> {
        Arc::new(Access::open(Box::new(self.clone()), Box::new(self.clone())))
    }

    fn pass(&self, ms: u64) {
        self.0.now.fetch_add(ms, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        String::from_utf8(lock(&self.0.bytes).clone().unwrap()).unwrap()
    }
}

fn root() -> Operator {
    Operator::new("root", Role::Admin)
}

/// An admin, a token, and a session.
async fn furnished(world: &World) -> (Arc<Access>, Secret, Secret) {
    let access = world.open();
    access.add_user(&root(), "anna", Role::Admin, PASSWORD).await.unwrap();
    let (token, _) = access
        .make_token(&root(), "ci", Role::Operator, Some(1000))
        .await
        .unwrap();
    let (session, guest) = access.log_in("anna", PASSWORD, FROM).await.unwrap();
    assert_eq!(guest.operator, Operator::new("anna", Role::Admin));
    (access, token, session)
}

#[tokio::test]
async fn threat_22_whatever_goes_wrong_with_reading_the_logins_nobody_is_let_in() {
    let world = World::default();
    let (access, token, session) = furnished(&world).await;
    assert!(access.token(token.expose()).is_some() && access.session(session.expose()).is_some());
    let good = world.text();
    // The same for the control: another process with the same file lets them in.
    assert!(world.open().session(session.expose()).is_some());
    let mut damaged: Vec<Vec<u8>> = (0..good.len())
        .step_by(7)
        .map(|end| good.as_bytes()[..end].to_vec())
        .collect();
    damaged.extend([
        good.replace("\"version\": 1", "\"version\": 2").into_bytes(),
        good.replace("$argon2id$", "$argon2i$").into_bytes(),
        good.replace("\"admin\"", "\"owner\"").into_bytes(),
        good.replace("\"users\"", "\"people\"").into_bytes(),
        good.replace("\"name\": \"anna\"", "\"name\": \"\"").into_bytes(),
        b"-1".to_vec(),
        b"null".to_vec(),
        b"{}".to_vec(),
        vec![0; good.len()],
    ]);
    let hash = good
        .split("\"password\": \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    damaged.push(good.replace(hash, "").into_bytes());
    for bytes in damaged {
        *lock(&world.0.bytes) = Some(bytes.clone());
        nobody_is_let_in(&world, &token, &session, &String::from_utf8_lossy(&bytes)).await;
    }
    *lock(&world.0.bytes) = Some(good.clone().into_bytes());
    for kind in [
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::Interrupted,
        io::ErrorKind::Other,
        io::ErrorKind::UnexpectedEof,
    ] {
        *lock(&world.0.reads_fail) = Some(kind);
        nobody_is_let_in(&world, &token, &session, &kind.to_string()).await;
    }
    *lock(&world.0.reads_fail) = None;
    assert_eq!(world.text(), good, "what could not be read was not written over");
    assert!(world.open().session(session.expose()).is_some());
}

async fn nobody_is_let_in(world: &World, token: &Secret, session: &Secret, why: &str) {
    let access = world.open();
    assert!(access.trouble().is_some(), "{why}");
    assert_eq!(access.first_code(), None, "no code is offered: {why}");
    assert!(access.token(token.expose()).is_none(), "{why}");
    assert!(access.session(session.expose()).is_none(), "{why}");
    assert_eq!(access.log_in("anna", PASSWORD, FROM).await.unwrap_err(), Denied::Shut);
    assert_eq!(access.log_in("", "", FROM).await.unwrap_err(), Denied::Shut);
    let first = access.make_first("", "eve", PASSWORD, FROM).await;
    assert_eq!(first.unwrap_err(), Denied::Shut, "{why}");
    let added = access.add_user(&root(), "eve", Role::Admin, PASSWORD).await;
    assert!(matches!(added, Err(Objection::Shut(_))), "{why}");
}

#[tokio::test]
async fn threat_22_secrets_that_are_empty_or_error_values_are_nobodys() {
    let world = World::default();
    let (access, token, session) = furnished(&world).await;
    let hash = world.text();
    let hash = hash
        .split("\"password\": \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let digest = Digest::of(token.expose()).unwrap().hex();
    for empty in ["", " ", "-1", "0", "null", "none", "\0", "bw_", digest.as_str(), hash] {
        assert!(access.token(empty).is_none(), "{empty}");
        assert!(access.session(empty).is_none(), "{empty}");
        world.pass(60 * 60_000);
        let denied = access.log_in("anna", empty, FROM).await.unwrap_err();
        assert_eq!(denied, Denied::Wrong, "{empty}");
    }
    assert!(access.token(session.expose()).is_none(), "a session is no token");
    assert!(access.session(token.expose()).is_none(), "a token is no session");
    let made = access.add_user(&root(), "bob", Role::Viewer, "").await;
    assert!(matches!(made, Err(Objection::BadPassword(_))), "{made:?}");
    let made = access
        .add_user(&root(), "bob-the-cat", Role::Viewer, "Bob-the-Cat")
        .await;
    assert_eq!(made, Err(Objection::PasswordIsName));
}

#[tokio::test]
async fn threat_22_without_randomness_nothing_secret_is_made() {
    for zeros in [false, true] {
        let world = World::default();
        let (access, ..) = furnished(&world).await;
        *lock(&world.0.random_fails) = Some(!zeros);
        let token = access.make_token(&root(), "x", Role::Viewer, None).await;
        assert!(matches!(token, Err(Objection::Unwritten(_))), "{token:?}");
        let login = access.log_in("anna", PASSWORD, FROM).await;
        assert!(matches!(login, Err(Denied::Unmade(_))), "{login:?}");
        assert_eq!(access.tokens().unwrap().len(), 1);
    }
    let world = World::default();
    *lock(&world.0.random_fails) = Some(true);
    let access = world.open();
    assert_eq!(access.first_code(), None);
    for code in ["", "0000-00"] {
        let first = access.make_first(code, "eve", PASSWORD, FROM).await;
        assert_eq!(first.unwrap_err(), Denied::CodeUsedUp);
    }
}

#[tokio::test]
async fn threat_22_what_cannot_be_kept_has_not_happened() {
    let world = World::default();
    let (access, token, session) = furnished(&world).await;
    *lock(&world.0.writes_fail) = true;
    assert!(access.add_user(&root(), "bob", Role::Viewer, PASSWORD).await.is_err());
    assert!(access.make_token(&root(), "x", Role::Admin, None).await.is_err());
    assert!(access.log_in("anna", PASSWORD, FROM).await.is_err());
    assert!(access.log_out(session.expose()).await.is_err());
    assert_eq!(access.users().unwrap().len(), 1);
    // Who was let in before still is: nothing about that is in doubt.
    assert!(access.token(token.expose()).is_some() && access.session(session.expose()).is_some());
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_end_when_they_are_old_unused_or_another_password_is_set() {
    let world = World::default();
    let (access, _, session) = furnished(&world).await;
    let hour = 3_600_000;
    for _ in 0..15 {
        world.pass(11 * hour);
        assert!(access.session(session.expose()).is_some());
    }
    access.keep().await;
    let access = world.open();
    assert!(
        access.session(session.expose()).is_some(),
        "it was used within the last hours"
    );
    world.pass(4 * hour);
    assert!(access.session(session.expose()).is_none(), "a week is over");
    let (session, _) = access.log_in("anna", PASSWORD, FROM).await.unwrap();
    world.pass(12 * hour);
    assert!(access.session(session.expose()).is_none(), "nobody used it");
    let (session, _) = access.log_in("anna", PASSWORD, FROM).await.unwrap();
    access.set_password(&root(), "anna", "another horse").await.unwrap();
    assert!(access.session(session.expose()).is_none(), "the password is another");
    assert!(access.log_in("anna", PASSWORD, FROM).await.is_err());
    let (session, _) = access.log_in("anna", "another horse", FROM).await.unwrap();
    access.log_out(session.expose()).await.unwrap();
    assert!(access.session(session.expose()).is_none(), "it was ended");
    assert!(!world.text().contains(session.expose()), "no secret is kept");
}

#[tokio::test]
async fn tokens_end_when_they_expire_or_are_revoked_and_are_not_kept() {
    let world = World::default();
    let (access, token, _) = furnished(&world).await;
    assert_eq!(
        access.token(token.expose()),
        Some(Operator::new("token ci", Role::Operator))
    );
    assert!(!world.text().contains(token.expose()));
    world.pass(1000);
    assert_eq!(access.token(token.expose()), None);
    let (token, facts) = access.make_token(&root(), "ci-2", Role::Viewer, None).await.unwrap();
    assert!(access.token(token.expose()).is_some());
    access.revoke_token(&root(), &facts.id).await.unwrap();
    assert_eq!(access.token(token.expose()), None);
    let again = access.revoke_token(&root(), &facts.id).await;
    assert_eq!(again, Err(Objection::NoSuchToken(facts.id)));
}

#[tokio::test]
async fn a_role_counts_at_once_and_the_last_admin_stays() {
    let world = World::default();
    let access = world.open();
    let first = access.add_user(&root(), "bob", Role::Viewer, PASSWORD).await;
    assert_eq!(first, Err(Objection::FirstNotAdmin));
    access.add_user(&root(), "anna", Role::Admin, PASSWORD).await.unwrap();
    for refused in [
        access.remove_user(&root(), "anna").await,
        access.set_role(&root(), "anna", Role::Operator).await,
    ] {
        assert_eq!(refused, Err(Objection::LastAdmin("anna".to_owned())));
    }
    access.add_user(&root(), "bob", Role::Admin, PASSWORD).await.unwrap();
    let (session, _) = access.log_in("bob", PASSWORD, FROM).await.unwrap();
    access.set_role(&root(), "bob", Role::Viewer).await.unwrap();
    let role = |access: &Access| access.session(session.expose()).map(|guest| guest.operator.role());
    assert_eq!(role(&access), Some(Role::Viewer));
    access.remove_user(&root(), "bob").await.unwrap();
    assert_eq!(role(&access), None);
}

#[tokio::test]
async fn threat_21_the_first_code_makes_one_admin_and_is_worthless_then() {
    let world = World::default();
    let access = world.open();
    let code = access.first_code().unwrap();
    assert_ne!(world.open().first_code(), Some(code.clone()), "each start has its own");
    let wrong = access.make_first("222222", "anna", PASSWORD, FROM).await;
    assert_eq!(wrong.unwrap_err(), Denied::Wrong);
    let bad = access.make_first(&code, "anna", "short", FROM).await;
    assert!(matches!(bad, Err(Denied::Unmade(Objection::BadPassword(_)))));
    let both = tokio::join!(
        access.make_first(&code, "anna", PASSWORD, FROM),
        access.make_first(&code, "eve", PASSWORD, FROM),
    );
    assert_eq!(
        u8::from(both.0.is_ok()) + u8::from(both.1.is_ok()),
        1,
        "only one of them"
    );
    assert_eq!(access.first_code(), None);
    let late = access.make_first(&code, "mallory", PASSWORD, FROM).await;
    assert_eq!(late.unwrap_err(), Denied::NotFirst);
    assert_eq!(access.users().unwrap().len(), 1);
}

#[tokio::test]
async fn threat_21_guessing_a_password_takes_longer_each_time_and_is_told_in_few_lines() {
    let world = World::default();
    let (access, ..) = furnished(&world).await;
    lock(&world.0.notes).clear();
    for round in 0..5 {
        let denied = access.log_in("anna", &format!("a guess, no {round}"), FROM).await;
        assert_eq!(denied.unwrap_err(), Denied::Wrong);
    }
    for _ in 0..100 {
        let denied = access.log_in("anna", PASSWORD, FROM).await;
        assert_eq!(denied.unwrap_err(), Denied::TooEarly { seconds: 1 });
    }
    world.pass(10_000);
    access.keep().await;
    let notes = lock(&world.0.notes).clone();
    assert_eq!(notes[0], "-: refused: a login as anna, from 10.0.0.9");
    assert!(
        notes[1].ends_with("from 10.0.0.9 (×104, of which this was the last)"),
        "{notes:?}"
    );
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(
        access.log_in("anna", PASSWORD, FROM).await.is_ok(),
        "who waits may try again"
    );
}
