//! What the doctor says: one finding for each check, and all of them together.

use serde::{Deserialize, Serialize};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as it should be.
    Ok,
    /// It could not be looked at, or does not apply; the evidence says why.
    Skipped,
    /// It works, and not as well as it could, or may stop to.
    Warning,
    /// Machines do not boot, or not all of them.
    Error,
}

impl Verdict {
    /// The word that is shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) evidence: String,
    pub(super) repair: Option<String>,
    pub(super) advice: Option<String>,
}

impl Judged {
    fn new(verdict: Verdict, evidence: impl Into<String>) -> Self {
        Self {
            verdict,
            evidence: evidence.into(),
            repair: None,
            advice: None,
        }
    }

    pub(super) fn ok(evidence: impl Into<String>) -> Self {
        Self::new(Verdict::Ok, evidence)
    }

    /// Why it was not looked at.
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, why)
    }

    pub(super) fn warning(evidence: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, evidence)
    }

    pub(super) fn error(evidence: impl Into<String>) -> Self {
        Self::new(Verdict::Error, evidence)
    }

    /// The command that repairs it, for a shell.
    pub(super) fn repair(mut self, command: impl Into<String>) -> Self {
        self.repair = Some(command.into());
        self
    }

    /// The command that repairs it, where there is one.
    pub(super) fn repair_if(mut self, command: Option<String>) -> Self {
        self.repair = command;
        self
    }

    /// What a person does about it.
    pub(super) fn advice(mut self, words: impl Into<String>) -> Self {
        self.advice = Some(words.into());
        self
    }
}

/// What was found by one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check.
    pub id: String,
    /// What it looks at, in a few words.
    pub name: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen; of a check that was skipped, why.
    pub evidence: String,
    /// The command that repairs it, as a shell takes it. It is run by a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
    /// What a person does about it, where no command does, or what the command needs besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// All findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whether a daemon answered on the control socket.
    pub daemon: bool,
    /// How many are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// How many checks were skipped.
    pub skipped: usize,
    /// The findings, in the order of the table of checks.
    pub checks: Vec<Finding>,
}

impl Report {
    /// These findings, counted.
    #[must_use]
    pub fn of(daemon: bool, checks: Vec<Finding>) -> Self {
        let count = |verdict| checks.iter().filter(|finding| finding.verdict == verdict).count();
        Self {
            daemon,
            errors: count(Verdict::Error),
            warnings: count(Verdict::Warning),
            skipped: count(Verdict::Skipped),
            checks,
        }
    }
}
