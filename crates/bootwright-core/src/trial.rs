//! What came of rendering a profile for a host before anything was promised to it.

use crate::{HoldWhy, Profile, ProfileName};

/// What came of rendering a profile, in one revision, for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The profile.
    pub profile: ProfileName,
    /// Its revision.
    pub revision: u64,
    /// Why it cannot be rendered, if so: the place, and what is wrong there.
    pub trouble: Option<String>,
}

impl Trial {
    /// The trial of a profile.
    #[must_use]
    pub fn of(profile: &Profile, trouble: Option<String>) -> Self {
        Self {
            profile: profile.name.clone(),
            revision: profile.revision,
            trouble,
        }
    }

    /// Whether this is about the profile in this revision.
    #[must_use]
    pub fn is_about(&self, profile: &ProfileName, revision: u64) -> bool {
        self.profile == *profile && self.revision == revision
    }

    /// Why the host waits instead of booting this profile, if so.
    #[must_use]
    pub fn refusal(&self, profile: &ProfileName, revision: u64) -> Option<HoldWhy> {
        let trouble = self.trouble.as_ref().filter(|_| self.is_about(profile, revision))?;
        Some(HoldWhy::Unrenderable {
            profile: profile.clone(),
            why: trouble.clone(),
        })
    }
}
