//! What an operator says, and what comes back.

use std::collections::BTreeSet;

use bootwright_core::ProfileName;
use bootwright_engine::{Command, Decision};

/// A word of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Arm the machine with this profile; its disk may be overwritten whatever is on it, or only if it is empty.
    Arm {
        /// The machine.
        machine: usize,
        /// What to install, in order.
        profiles: Vec<&'static str>,
        /// Whether its disk is named.
        wipe: bool,
    },
    /// Hold the machine.
    Hold(usize),
    /// Send the machine to its disk.
    Local(usize),
    /// Lock the machine.
    Lock(usize),
    /// Unlock the machine.
    Unlock(usize),
    /// Forget the machine.
    Forget(usize),
    /// Let the machine boot the profile `rescue` every time.
    Live(usize),
    /// Never answer the machine.
    Ignore(usize),
    /// Pause installs.
    Pause,
    /// Let them go on.
    Resume,
    /// Take this configuration.
    Reload(&'static str),
    /// Accept what the last reload would arm.
    Apply,
}

impl Word {
    /// The command for the engine, if it is one. Machines are called by their first card.
    pub(crate) fn command(&self, card: impl Fn(usize) -> String, disk: impl Fn(usize) -> String) -> Option<Command> {
        let host = |machine: usize, decision| Command::Host {
            host: card(machine),
            decision,
        };
        Some(match self {
            Self::Arm {
                machine,
                profiles,
                wipe,
            } => {
                let profiles: Vec<ProfileName> = profiles.iter().filter_map(|name| name.parse().ok()).collect();
                let disks = wipe.then(|| disk(*machine));
                let wipe: BTreeSet<String> = disks.into_iter().collect();
                host(*machine, Decision::Arm { profiles, wipe })
            }
            Self::Hold(machine) => host(*machine, Decision::Hold),
            Self::Local(machine) => host(*machine, Decision::Local),
            Self::Lock(machine) => host(*machine, Decision::Lock),
            Self::Unlock(machine) => host(*machine, Decision::Unlock),
            Self::Forget(machine) => host(*machine, Decision::Forget),
            Self::Live(machine) => {
                let profile = "rescue".parse().ok()?;
                host(*machine, Decision::Live { profile })
            }
            Self::Ignore(machine) => host(*machine, Decision::Ignore),
            Self::Pause => Command::Pause {
                why: "the operator wants to look".to_owned(),
            },
            Self::Resume => Command::Resume,
            Self::Reload(_) | Self::Apply => return None,
        })
    }
}
