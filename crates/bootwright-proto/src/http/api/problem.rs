//! Why a request was not served (RFC 9457).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body of every answer that is no success, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The status code once more.
    pub status: u16,
    /// The stable code that programs compare.
    pub code: ProblemCode,
    /// What the code means, in words that are the same each time.
    pub title: String,
    /// What it is in this case, one sentence in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it: a command, or a key of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The code under which `bootwright help` says more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// The stable codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The request cannot be understood.
    BadRequest,
    /// Nobody has logged in.
    Unauthorized,
    /// Whoever has logged in may not do this.
    Forbidden,
    /// No such route.
    NotFound,
    /// No host has this name, address or UUID.
    UnknownHost,
    /// Several hosts fit.
    AmbiguousHost,
    /// No profile has this name.
    UnknownProfile,
    /// No user has this name.
    UnknownUser,
    /// No token has this id.
    UnknownToken,
    /// The users and tokens that there are do not allow it.
    LoginConflict,
    /// The request is for a name that is not ours.
    Misdirected,
    /// Somebody was wrong too often and has to wait.
    TooManyAttempts,
    /// It cannot be told who may log in.
    LoginsUnavailable,
    /// No webhook has this name.
    UnknownWebhook,
    /// The route knows other methods only.
    MethodNotAllowed,
    /// The host's state does not allow it.
    Conflict,
    /// The configuration has errors; the last good one stays.
    BadConfiguration,
    /// The body is too large.
    TooLarge,
    /// The body is of another media type than `application/json`.
    UnsupportedMediaType,
    /// The host is no longer as `If-Match` says.
    Stale,
    /// The `Idempotency-Key` came with another request before.
    KeyReused,
    /// The store cannot be written.
    StoreUnavailable,
    /// There is too much to do; try again.
    Busy,
    /// A defect of ours.
    Internal,
}

impl ProblemCode {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::UnknownHost,
        Self::AmbiguousHost,
        Self::UnknownProfile,
        Self::UnknownWebhook,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::BadConfiguration,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Stale,
        Self::KeyReused,
        Self::StoreUnavailable,
        Self::Busy,
        Self::Internal,
    ];

    /// The status code of answers with this code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound | Self::UnknownWebhook | Self::UnknownHost | Self::UnknownUser | Self::UnknownToken => 404,
            Self::MethodNotAllowed => 405,
            Self::AmbiguousHost | Self::Conflict | Self::LoginConflict => 409,
            Self::Stale => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Misdirected => 421,
            Self::UnknownProfile | Self::BadConfiguration | Self::KeyReused => 422,
            Self::TooManyAttempts => 429,
            Self::StoreUnavailable | Self::LoginsUnavailable | Self::Busy => 503,
            Self::Internal => 500,
        }
    }

    /// What the code means.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "the request cannot be understood",
            Self::Unauthorized => "a login is needed",
            Self::Forbidden => "this login may not do that",
            Self::NotFound => "no such route",
            Self::UnknownHost => "no such host",
            Self::UnknownWebhook => "no such webhook",
            Self::AmbiguousHost => "several hosts fit",
            Self::UnknownProfile => "no such profile",
            Self::UnknownUser => "no such user",
            Self::UnknownToken => "no such token",
            Self::LoginConflict => "the users and tokens that there are do not allow it",
            Self::Misdirected => "the request is for another host",
            Self::TooManyAttempts => "there were too many wrong attempts",
            Self::LoginsUnavailable => "it cannot be told who may log in",
            Self::MethodNotAllowed => "the route does not know this method",
            Self::Conflict => "the state of the host does not allow it",
            Self::BadConfiguration => "the configuration has errors",
            Self::TooLarge => "the request is too large",
            Self::UnsupportedMediaType => "the body is of a media type that is not read",
            Self::Stale => "what the request was meant for has changed",
            Self::KeyReused => "this key belongs to another request",
            Self::StoreUnavailable => "the store cannot be written",
            Self::Busy => "there is too much to do at this moment",
            Self::Internal => "a defect of Bootwright",
        }
    }
}

impl Problem {
    /// The problem with this code.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        Self {
            status: code.status(),
            code,
            title: code.title().to_owned(),
            detail: None,
            hint: None,
            help: None,
        }
    }

    /// The same with a sentence about this case.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}
