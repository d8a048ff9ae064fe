//! What becomes of a host: the state that `step` moves.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::{Facts, ProfileName, RuleName, RunNumber, Timestamp, Token};

/// The most disks that one grant may name for overwriting.
pub const WIPES_MAX: usize = 16;

/// The longest queue of profiles that one arming may name.
pub const QUEUE_MAX: usize = 16;

/// The state of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostState {
    /// Where it stands between never seen and installed.
    pub phase: Phase,
    /// Protected from any install until an operator unlocks it.
    pub locked: bool,
    /// How many runs it has had, the present one included.
    pub runs: u32,
}

/// Where a host stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Seen, and nobody has decided.
    New {
        /// What an operator said of it short of a decision.
        stance: Stance,
    },
    /// An operator, or a rule that an operator wrote, granted an install that has not begun.
    Armed {
        /// The permission. Boxed, here and below: few hosts have one, and a phase is as large as its largest.
        grant: Box<Grant>,
        /// What to install, one run each, never empty.
        queue: Vec<ProfileName>,
    },
    /// Its install script was served.
    Installing {
        /// The attempt under way.
        run: Run,
        /// The permission it runs under.
        grant: Box<Grant>,
        /// What is to be installed after it.
        rest: Vec<ProfileName>,
    },
    /// The last installer of its queue reported that it finished.
    Installed {
        /// The run that did it.
        run: RunNumber,
        /// What was installed.
        profile: ProfileName,
        /// When it finished.
        done: Timestamp,
        /// Since when it counts as up: its first report, or an operator's later unlocking, as a lock that falls due again at
        /// once would take the unlocking back.
        up: Option<Timestamp>,
    },
    /// Its run ended without success; it boots its disk until an operator arms it again.
    Failed {
        /// The run.
        run: RunNumber,
        /// What was to be installed.
        profile: ProfileName,
        /// When it failed.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
    /// It boots this profile every time and is never finished.
    Live {
        /// The profile.
        profile: ProfileName,
    },
    /// It is never answered.
    Ignored,
}

/// What an operator said of a host that nobody has armed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stance {
    /// Nothing: the policy for unknown hosts decides.
    #[default]
    Policy,
    /// It is held, whatever the policy for unknown hosts says.
    Hold,
    /// It boots its own disk, whatever the policy for unknown hosts says.
    Local,
}

/// The permission to install one host once per profile of its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who gave it.
    pub by: Grantor,
    /// When.
    pub at: Timestamp,
    /// When it lapses if no install has begun.
    pub expires: Timestamp,
    /// The facts of the machine that it was given for; another machine must not use it.
    pub machine: Facts,
    /// Serial numbers of disks that may be overwritten although they are not empty.
    pub wipe: BTreeSet<String>,
}

/// Who may grant an install.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantor {
    /// A person, by the name under which the control plane knows them.
    Operator(String),
    /// A rule that the operator wrote with `auto_arm`.
    Rule(RuleName),
}

/// One attempt to install a host with one profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which run of the host it is.
    pub number: RunNumber,
    /// What it installs.
    pub profile: ProfileName,
    /// The revision of the profile that it was started with; a reload changes no run.
    pub revision: u64,
    /// Its secret.
    pub token: Token,
    /// When its script was first served.
    pub started: Timestamp,
    /// When it fails if nothing was heard.
    pub deadline: Timestamp,
    /// How often its script was served.
    pub attempts: u32,
    /// Whether a stage took longer than its limit.
    pub stalled: bool,
    /// The address that its script was last served to, if that is known: where no card can be seen its documents go there.
    pub to: Option<IpAddr>,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The installer said so, in these words.
    Reported(String),
    /// Nothing was heard until the run's deadline.
    Deadline,
    /// The machine asked for its script again after the last attempt that it was allowed.
    AttemptsUsed,
    /// The disk guard refused, for this reason.
    Guard(String),
    /// An operator stopped it.
    Cancelled,
    /// The machine that came back is not the one that was armed.
    IdentityChanged(String),
}

impl Default for Phase {
    fn default() -> Self {
        Self::New { stance: Stance::Policy }
    }
}

impl Phase {
    /// The state's name, as people and the API spell it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::New { .. } => "new",
            Self::Armed { .. } => "armed",
            Self::Installing { .. } => "installing",
            Self::Installed { .. } => "installed",
            Self::Failed { .. } => "failed",
            Self::Live { .. } => "live",
            Self::Ignored => "ignored",
        }
    }

    /// The profile that the state speaks of: the next one of a queue, else the one that ran.
    #[must_use]
    pub fn profile(&self) -> Option<&ProfileName> {
        match self {
            Self::New { .. } | Self::Ignored => None,
            Self::Armed { queue, .. } => queue.first(),
            Self::Installing { run, .. } => Some(&run.profile),
            Self::Installed { profile, .. } | Self::Failed { profile, .. } | Self::Live { profile } => Some(profile),
        }
    }

    /// The run under way.
    #[must_use]
    pub const fn run(&self) -> Option<&Run> {
        match self {
            Self::Installing { run, .. } => Some(run),
            Self::New { .. }
            | Self::Armed { .. }
            | Self::Installed { .. }
            | Self::Failed { .. }
            | Self::Live { .. }
            | Self::Ignored => None,
        }
    }
}

impl fmt::Display for Grantor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(name) => f.write_str(name),
            Self::Rule(name) => write!(f, "rule {name}"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported(words) => write!(f, "the installer reported: {words}"),
            Self::Deadline => f.write_str("nothing was heard until the deadline"),
            Self::AttemptsUsed => f.write_str("all attempts used"),
            Self::Guard(words) => write!(f, "the disk guard refused: {words}"),
            Self::Cancelled => f.write_str("an operator stopped it"),
            Self::IdentityChanged(words) => write!(f, "another machine came back: {words}"),
        }
    }
}
