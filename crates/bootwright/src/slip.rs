//! What is wrong with a profile for one host, with its place in the configuration.

use std::fmt;

use bootwright_config::Places;
use bootwright_content::Problem;
use bootwright_core::Profile;

/// The first thing that is wrong with a profile for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slip {
    /// Where it is and what it is: `file:line:column: words`, or the part of a profile that reads otherwise by now.
    pub(crate) what: String,
    /// What the profile cannot, because of it.
    pub(crate) cannot: &'static str,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Slip {
    /// What a profile cannot whose templates do not fit a host.
    pub(crate) const RENDERED: &str = "be rendered for it";

    /// Files of an image that are missing or were changed.
    pub(crate) fn of_image(what: String) -> Self {
        Self {
            what,
            cannot: "be installed",
            hint: Some(
                "`bootwright image add` puts it in place, `bootwright image verify` shows what is wrong".to_owned(),
            ),
        }
    }

    /// The first of these problems, if there is one.
    #[must_use]
    pub(crate) fn first(problems: &[Problem], profile: &Profile, places: &Places) -> Option<Self> {
        let (problem, rest) = problems.split_first()?;
        let what = match places.find(profile, problem) {
            Some(found) => format!("{}:{}:{}: {}", found.file, found.line, found.column, found.message),
            None => problem.to_string(),
        };
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(Self {
            what: what + &more,
            cannot: Self::RENDERED,
            hint: problem.error.hint.clone(),
        })
    }
}

impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            Some(hint) => write!(f, "{}; {hint}", self.what),
            None => f.write_str(&self.what),
        }
    }
}
