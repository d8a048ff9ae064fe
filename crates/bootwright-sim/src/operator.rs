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
    /// Pause installs.
    Pause,
    /// Let them go on.
    Resume,
}

impl Word {
    /// The command for the engine. Machines are called by their first card.
    pub(crate) fn command(&self, card: impl Fn(usize) -> String, disk: impl Fn(usize) -> String) -> Command {
        let host = |machine: usize, decision| Command::Host {
            host: card(machine),
            decision,
        };
        match self {
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
            Self::Pause => Command::Pause {
                why: "the operator wants to look".to_owned(),
            },
            Self::Resume => Command::Resume,
        }
    }
}
