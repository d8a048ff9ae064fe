//! An installer: it asks the disk guard, writes, reports, and reboots. What it wants is asked of it step by step.

use bootwright_core::Token;

use crate::chance::Chance;

/// How often an installer repeats a report that did not get through, before it reboots all the same.
const REPORTS_MAX: u32 = 20;

/// An installer under way.
#[derive(Clone, Debug)]
pub struct Installer {
    /// Its run's token, from the kernel's command line.
    pub(crate) token: Token,
    stage: Stage,
    tries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Guard,
    Writing { percent: u64 },
    Done,
}

/// What an installer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Fetch this, a path under its run; call `Installer::heard` with the answer.
    Fetch(String),
    /// Its first write to the disk, and then on after so many milliseconds.
    Write { more_after_ms: u64 },
    /// On after so many milliseconds.
    Wait(u64),
    /// The disk is complete; then on at once.
    Complete,
    /// It is finished or gave up.
    Reboot,
}

impl Installer {
    /// The installer that a kernel's command line starts.
    pub(crate) fn start(args: &str) -> Option<Self> {
        let token = args
            .split_whitespace()
            .find_map(|word| word.strip_prefix("bw.token="))?;
        Some(Self {
            token: Token::parse(token)?,
            stage: Stage::Guard,
            tries: 0,
        })
    }

    /// What it wants now.
    pub(crate) fn want(&mut self, disk: &str, found: Option<&str>) -> Wish {
        let token = self.token.reveal();
        match self.stage {
            Stage::Guard => {
                let content = found.unwrap_or("empty");
                Wish::Fetch(format!(
                    "/r/{token}/progress?stage=guard&serial={disk}&content={content}"
                ))
            }
            Stage::Writing { percent } => Wish::Fetch(format!("/r/{token}/progress?stage=copying&percent={percent}")),
            Stage::Done => Wish::Fetch(format!("/r/{token}/done")),
        }
    }

    /// The answer to its last fetch; a status of 0 is none.
    pub(crate) fn heard(&mut self, status: u16, body: &str, chance: &mut Chance) -> Wish {
        self.tries += 1;
        let again = || Wish::Wait(2_000);
        match (self.stage, status) {
            (Stage::Guard, 200) if body == "go" => {
                (self.stage, self.tries) = (Stage::Writing { percent: 1 }, 0);
                let more_after_ms = chance.between(1_000, 20_000);
                Wish::Write { more_after_ms }
            }
            (Stage::Guard, 200 | 404) => Wish::Reboot,
            // Whether progress is heard of does not matter to an installer.
            (Stage::Writing { percent }, _) if percent >= 100 => {
                (self.stage, self.tries) = (Stage::Done, 0);
                Wish::Complete
            }
            (Stage::Writing { percent }, _) => {
                let percent = (percent + chance.between(10, 50)).min(100);
                self.stage = Stage::Writing { percent };
                Wish::Wait(chance.between(1_000, 20_000))
            }
            (Stage::Done, 200 | 404) => Wish::Reboot,
            (Stage::Guard | Stage::Done, _) if self.tries < REPORTS_MAX => again(),
            (Stage::Guard | Stage::Done, _) => Wish::Reboot,
        }
    }
}
