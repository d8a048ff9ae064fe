//! The profiles that runs under way were started with. The record keeps them, since a run goes on with what it was started
//! with whatever the configuration says by then.

use std::sync::Arc;

use crate::{Profile, ProfileName};

/// Which text of a profile: its name and the digest of all that it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisionKey {
    /// The profile.
    pub profile: ProfileName,
    /// Its revision.
    pub revision: u64,
}

/// What becomes of a profile that a run was started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevisionChange {
    /// A run needs it from now on.
    Kept(Arc<Profile>),
    /// No run under way was started with it.
    Dropped(RevisionKey),
}

impl RevisionKey {
    /// The key of a profile.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        Self {
            profile: profile.name.clone(),
            revision: profile.revision,
        }
    }
}

impl RevisionChange {
    /// The profile that this is about.
    #[must_use]
    pub fn key(&self) -> RevisionKey {
        match self {
            Self::Kept(profile) => RevisionKey::of(profile),
            Self::Dropped(key) => key.clone(),
        }
    }
}
