//! How many checks a tier made, read from what its command says.

/// Checks that held and checks that did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// Adds another tier's.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// What one line of output reports: `test result: ok. 3 passed; 0 failed; …` of a test binary, or the line
    /// `3 passed, 0 failed` that our own tasks end with.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let text = line.trim();
        if let Some(rest) = text.strip_prefix("test result: ") {
            let (_, counts) = rest.split_once(". ")?;
            let mut parts = counts.split("; ");
            return Some(Self {
                passed: number(parts.next()?, " passed")?,
                failed: number(parts.next()?, " failed")?,
            });
        }
        let (passed, failed) = text.split_once(", ")?;
        Some(Self {
            passed: number(passed, " passed")?,
            failed: number(failed, " failed")?,
        })
    }
}

fn number(text: &str, unit: &str) -> Option<u64> {
    text.strip_suffix(unit)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.01s";
        assert_eq!(Count::from_line(line), Some(Count { passed: 12, failed: 3 }));
        assert_eq!(
            Count::from_line("  7 passed, 0 failed\n"),
            Some(Count { passed: 7, failed: 0 })
        );
        for other in [
            "test a_story ... ok",
            "7 passed, many failed",
            "passed, failed",
            "x 7 passed, 0 failed",
            "",
        ] {
            assert_eq!(Count::from_line(other), None, "{other}");
        }
    }
}
