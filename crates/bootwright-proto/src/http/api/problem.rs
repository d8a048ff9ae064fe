//! Why a request was not served (RFC 9457).

use serde::{Deserialize, Serialize};

/// The body of every answer that is no success, as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// The stable codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// The route knows other methods only.
    MethodNotAllowed,
    /// The host's state does not allow it.
    Conflict,
    /// The configuration has errors; the last good one stays.
    BadConfiguration,
    /// The body is too large.
    TooLarge,
    /// The store cannot be written.
    StoreUnavailable,
    /// There is too much to do; try again.
    Busy,
    /// A defect of ours.
    Internal,
}

impl ProblemCode {
    /// The status code of answers with this code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound | Self::UnknownHost => 404,
            Self::MethodNotAllowed => 405,
            Self::AmbiguousHost | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnknownProfile | Self::BadConfiguration => 422,
            Self::StoreUnavailable | Self::Busy => 503,
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
            Self::AmbiguousHost => "several hosts fit",
            Self::UnknownProfile => "no such profile",
            Self::MethodNotAllowed => "the route does not know this method",
            Self::Conflict => "the state of the host does not allow it",
            Self::BadConfiguration => "the configuration has errors",
            Self::TooLarge => "the request is too large",
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
