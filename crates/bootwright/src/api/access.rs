//! Who may log in.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use bootwright_console::Operator;
use bootwright_console::access::{Objection, TokenFacts};
use bootwright_core::Timestamp;
use bootwright_proto::http::api::{
    MadeToken, NewToken, NewUser, Problem, ProblemCode, TokenList, TokenView, UserChange, UserList, UserView, WhoAmI,
};

use super::ApiState;
use super::body::{self, Body};
use super::fault::Fault;
use super::moment::Now;

/// The longest that a token lasts, if it ends at all: a hundred years.
const LASTS_MS_MAX: u64 = 100 * 365 * 24 * 3_600_000;

pub(super) async fn whoami(Extension(operator): Extension<Operator>) -> Json<WhoAmI> {
    Json(WhoAmI {
        name: operator.name().to_owned(),
        role: operator.role(),
    })
}

pub(super) async fn users(State(state): State<ApiState>) -> Result<Json<UserList>, Fault> {
    let now = state.moments.read();
    let users = state.access.users()?.into_iter().map(|user| UserView {
        name: user.name,
        role: user.role,
        added: now.text(Timestamp::from_millis(user.added_ms)),
        sessions: u32::try_from(user.sessions).unwrap_or(u32::MAX),
    });
    Ok(Json(UserList { users: users.collect() }))
}

pub(super) async fn add_user(
    state: State<ApiState>,
    Extension(operator): Extension<Operator>,
    body: Body,
) -> Result<Json<UserList>, Fault> {
    let NewUser { name, role, password } = body::document(body)?;
    state.access.add_user(&operator, &name, role, &password).await?;
    users(state).await
}

pub(super) async fn change_user(
    state: State<ApiState>,
    Extension(operator): Extension<Operator>,
    Path(user): Path<String>,
    body: Body,
) -> Result<Json<UserList>, Fault> {
    let UserChange { role, password } = body::document(body)?;
    if role.is_none() && password.is_none() {
        return Err(Fault::bad_request(
            "neither `role` nor `password` is there to be changed",
        ));
    }
    if let Some(role) = role {
        state.access.set_role(&operator, &user, role).await?;
    }
    if let Some(password) = password {
        state.access.set_password(&operator, &user, &password).await?;
    }
    users(state).await
}

pub(super) async fn remove_user(
    state: State<ApiState>,
    Extension(operator): Extension<Operator>,
    Path(user): Path<String>,
) -> Result<Json<UserList>, Fault> {
    state.access.remove_user(&operator, &user).await?;
    users(state).await
}

pub(super) async fn tokens(State(state): State<ApiState>) -> Result<Json<TokenList>, Fault> {
    let now = state.moments.read();
    let tokens = state.access.tokens()?.into_iter().map(|token| view(token, now));
    Ok(Json(TokenList {
        tokens: tokens.collect(),
    }))
}

pub(super) async fn make_token(
    State(state): State<ApiState>,
    Extension(operator): Extension<Operator>,
    body: Body,
) -> Result<Json<MadeToken>, Fault> {
    let NewToken { name, role, lasts_ms } = body::document(body)?;
    if lasts_ms.is_some_and(|lasts| !(1..=LASTS_MS_MAX).contains(&lasts)) {
        return Err(Fault::bad_request("a token lasts from a moment to a hundred years"));
    }
    let (secret, facts) = state.access.make_token(&operator, &name, role, lasts_ms).await?;
    Ok(Json(MadeToken {
        secret: secret.expose().to_owned(),
        token: view(facts, state.moments.read()),
    }))
}

pub(super) async fn revoke_token(
    state: State<ApiState>,
    Extension(operator): Extension<Operator>,
    Path(token): Path<String>,
) -> Result<Json<TokenList>, Fault> {
    state.access.revoke_token(&operator, &token).await?;
    tokens(state).await
}

fn view(token: TokenFacts, now: Now) -> TokenView {
    let text = |at: u64| now.text(Timestamp::from_millis(at));
    TokenView {
        id: token.id,
        name: token.name,
        role: token.role,
        made: text(token.made_ms),
        by: token.by,
        used: token.used_ms.map(text),
        expires: token.expires_ms.map(text),
    }
}

impl From<Objection> for Fault {
    fn from(objection: Objection) -> Self {
        let (code, hint) = match &objection {
            Objection::NoSuchUser(_) => (ProblemCode::UnknownUser, "`bootwright user list` shows all users"),
            Objection::NoSuchToken(_) => (ProblemCode::UnknownToken, "`bootwright token list` shows all tokens"),
            Objection::UserExists(_) => (
                ProblemCode::LoginConflict,
                "`bootwright user passwd` and `bootwright user role` change a user",
            ),
            Objection::LastAdmin(_) | Objection::FirstNotAdmin => (
                ProblemCode::LoginConflict,
                "`bootwright user add NAME --role admin` makes an admin",
            ),
            Objection::TooMany(_) => (
                ProblemCode::LoginConflict,
                "`bootwright user remove` and `bootwright token revoke` make room",
            ),
            Objection::BadName => (ProblemCode::BadRequest, "such as `anna` or `backup-job`"),
            Objection::BadPassword(_) => (ProblemCode::BadRequest, "a few words in a row make a good one"),
            Objection::PasswordIsName => (ProblemCode::LoginConflict, "a few words in a row make a good one"),
            Objection::Shut(_) => (
                ProblemCode::LoginsUnavailable,
                "repair `access.json` in the data directory, or move it away and begin anew, and restart the daemon",
            ),
            Objection::Unwritten(_) => (
                ProblemCode::LoginsUnavailable,
                "look whether the data directory can be written; then try again",
            ),
            Objection::Busy => (ProblemCode::Busy, "try again in a moment"),
        };
        Problem::new(code).detail(objection.to_string()).hint(hint).into()
    }
}
