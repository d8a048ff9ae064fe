//! What a check is.

use super::facts::Facts;
use super::report::Judged;
use super::table::CHECKS;
use crate::code::Code;

/// A check: what people read of it, and how it is judged.
#[derive(Clone, Copy)]
pub struct Check {
    /// Its stable id, a letter for its field and a number, and what people read of it when it fails; `bootwright help` prints it.
    pub code: Code,
    /// What it looks at, in a few words.
    pub name: &'static str,
    /// What has to be gathered for it.
    pub area: Area,
    /// Whether a daemon that starts runs it.
    pub fast: bool,
    pub(super) judge: fn(&Facts) -> Judged,
}

/// What is gathered together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// The interfaces.
    Network,
    /// Other servers, by searching.
    Segment,
    /// Who holds which port.
    Ports,
    /// The packet filter.
    Firewall,
    /// Rights of the process.
    Process,
    /// The data directory.
    Disk,
    /// Whether what is written is made durable, by writing.
    Sync,
    /// The record.
    Store,
    /// The configuration.
    Config,
    /// Boot programs and images.
    Image,
    /// The machine plane, by asking it.
    Url,
    /// TFTP, by fetching every boot program.
    Program,
    /// Whole boots.
    Boot,
}

/// The check with this id, in any case of letters.
#[must_use]
pub fn find(id: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.id().eq_ignore_ascii_case(id))
}

impl Check {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.code.id
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own_and_all_four_parts() {
        for (number, check) in CHECKS.iter().enumerate() {
            let mut letters = check.id().chars();
            let field = letters.next().unwrap();
            assert!("NPSCIB".contains(field) && letters.as_str().len() == 2, "{check:?}");
            assert!(letters.all(|digit| digit.is_ascii_digit()), "{check:?}");
            assert!(
                !CHECKS[..number].iter().any(|other| other.id() == check.id()),
                "{check:?}"
            );
            let code = &check.code;
            for part in [check.name, code.what, code.why, code.act, code.check] {
                assert!(part.len() > 8 && !part.ends_with('.'), "{check:?}: {part}");
            }
            assert!(check.code.check.contains('`'), "{check:?} names a command");
        }
        assert!(CHECKS.len() >= 34, "{}", CHECKS.len());
        assert_eq!(find("n01").map(Check::id), Some("N01"));
        assert!(find("N1").is_none());
    }
}
