//! What may happen to a host.

use std::net::IpAddr;

use crate::{Facts, Failure, Grant, ProfileName, RunNumber, Timestamp, Token};

/// Something that happened to one host. Past tense: `step` says what becomes of it.
///
/// Only `Armed`, `Queued`, `WipeAllowed`, `LiveChosen` and `Unlocked` raise what a machine may do, and only the control
/// plane and the rules that an operator wrote make them. Everything that a machine can cause is in the second half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An install was granted.
    Armed {
        /// The permission.
        grant: Grant,
        /// What to install, in order.
        queue: Vec<ProfileName>,
    },
    /// Further profiles were put behind those of the arming.
    Queued {
        /// What to install after the rest.
        profiles: Vec<ProfileName>,
    },
    /// The overwriting of one disk that is not empty was allowed.
    WipeAllowed {
        /// The disk's serial number.
        serial: String,
    },
    /// An operator wants it held; an arming or a run under way ends.
    Held,
    /// An operator wants it to boot its own disk.
    LocalChosen,
    /// An operator wants it to boot this profile every time.
    LiveChosen {
        /// The profile.
        profile: ProfileName,
    },
    /// An operator wants it never answered.
    Ignored,
    /// It was protected, by an operator or because it has been up long enough.
    Locked,
    /// An operator took the protection away.
    Unlocked {
        /// Now.
        at: Timestamp,
    },

    /// The install script is about to be served: for the first time, which begins a run, or again.
    ScriptServed {
        /// The token for a run that begins.
        token: Token,
        /// What a person at the console chose from the menu that was granted, if a run begins so.
        chosen: Option<ProfileName>,
        /// The revision of the profile at this moment.
        revision: u64,
        /// Now.
        at: Timestamp,
        /// When a run that begins fails if nothing is heard.
        deadline: Timestamp,
        /// How many times a run's script may be served.
        max_attempts: u32,
        /// The address that it is served to, if that is known.
        to: Option<IpAddr>,
    },
    /// The installer reported that it finished, or the profile's other trigger fired.
    Finished {
        /// Which run reports.
        run: RunNumber,
        /// The token that it named.
        token: Token,
        /// Now.
        at: Timestamp,
    },
    /// The installer, or the disk guard on its behalf, reported that it failed.
    RunFailed {
        /// Which run reports.
        run: RunNumber,
        /// The token that it named.
        token: Token,
        /// Now.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
    /// The installed system reported that it is up.
    CameUp {
        /// Which run installed it.
        run: RunNumber,
        /// The token that it named.
        token: Token,
        /// Now.
        at: Timestamp,
    },
    /// The disk guard found a disk that may be overwritten; a further attempt of the run may go on with it.
    GuardPassed {
        /// Which run asks.
        run: RunNumber,
        /// The token that it named.
        token: Token,
        /// The disk's serial number.
        serial: String,
    },
    /// The machine asked for the install script when no attempt was left.
    AttemptsSpent {
        /// Now.
        at: Timestamp,
        /// How many times a run's script may be served.
        max_attempts: u32,
    },
    /// The machine that came contradicts the facts the grant was given for.
    IdentityChanged {
        /// What is seen now.
        seen: Facts,
        /// What differs, in words.
        difference: String,
        /// Now.
        at: Timestamp,
    },

    /// The arming was not used in time.
    GrantExpired {
        /// Now.
        at: Timestamp,
    },
    /// Nothing was heard of the run in time.
    DeadlinePassed {
        /// Now.
        at: Timestamp,
    },
    /// The record was put back to what it was at an earlier moment: what it still permits may have been used up since.
    Restored,
    /// A stage of the run takes longer than its limit.
    StageOverdue {
        /// Which run.
        run: RunNumber,
    },
    /// The run was heard of again.
    StageReached {
        /// Which run.
        run: RunNumber,
    },
}
