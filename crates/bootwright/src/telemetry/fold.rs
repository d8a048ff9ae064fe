//! Repeats of a line: shown once, and then how often it came again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::line::{Repeats, Said, What};

/// In what time a line is shown once.
const WINDOW: Duration = Duration::from_secs(10);

/// How many lines are remembered. What comes beyond that is shown each time.
const LINES_MAX: usize = 512;

/// Lines that were shown lately.
#[derive(Default)]
pub(super) struct Folder {
    open: BTreeMap<What, Open>,
}

struct Open {
    since: Instant,
    times: u32,
    /// The last one that was not shown.
    last: Option<Said>,
}

impl Folder {
    /// Takes a line; gives it back if it is to be shown.
    pub(super) fn take(&mut self, now: Instant, said: Said) -> Option<Said> {
        if let Some(open) = self.open.get_mut(&said.what) {
            open.times += 1;
            open.last = Some(said);
            return None;
        }
        if self.open.len() < LINES_MAX {
            let open = Open {
                since: now,
                times: 0,
                last: None,
            };
            self.open.insert(said.what.clone(), open);
        }
        Some(said)
    }

    /// The lines that came again in a time that is over, in the order in which they came last.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Said> {
        self.settle(|since| now - since >= WINDOW, now)
    }

    /// All lines that came again, at the end.
    pub(super) fn rest(&mut self, now: Instant) -> Vec<Said> {
        self.settle(|_| true, now)
    }

    /// Whether anything may become due.
    pub(super) fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }

    fn settle(&mut self, is_over: impl Fn(Instant) -> bool, now: Instant) -> Vec<Said> {
        let mut due = Vec::new();
        self.open.retain(|_, open| {
            if !is_over(open.since) {
                return true;
            }
            let Some(last) = open.last.take() else { return false };
            let repeats = Repeats {
                times: std::mem::take(&mut open.times),
                seconds: (now - open.since).as_secs().max(1),
            };
            due.push(Said {
                repeats: Some(repeats),
                ..last
            });
            // Who repeats himself goes on to be told of once in a while.
            open.since = now;
            true
        });
        due.sort_by_key(|said| said.when);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::tests::said;
    use super::*;

    #[test]
    fn a_line_that_comes_again_is_shown_once_and_then_counted() {
        let mut folder = Folder::default();
        let begin = Instant::now();
        assert!(folder.take(begin, said("again")).is_some());
        for _ in 0..14 {
            assert!(folder.take(begin, said("again")).is_none());
        }
        assert!(folder.take(begin, said("another")).is_some());
        assert!(folder.due(begin + WINDOW / 2).is_empty());
        let due: Vec<String> = folder.due(begin + WINDOW).iter().map(Said::text).collect();
        assert_eq!(due.len(), 1, "{due:?}");
        assert!(due[0].contains("again") && due[0].contains("(×14 in 10 s)"), "{due:?}");
        // It goes on being folded for as long as it comes, and then is news again.
        assert!(folder.take(begin + WINDOW, said("again")).is_none());
        assert_eq!(folder.due(begin + WINDOW * 2).len(), 1);
        assert!(folder.due(begin + WINDOW * 3).is_empty());
        assert!(!folder.is_waiting());
        assert!(folder.take(begin + WINDOW * 3, said("again")).is_some());
    }

    #[test]
    fn so_many_different_lines_are_not_all_remembered() {
        let mut folder = Folder::default();
        let now = Instant::now();
        for number in 0..LINES_MAX + 10 {
            assert!(folder.take(now, said(&number.to_string())).is_some());
        }
        assert_eq!(folder.open.len(), LINES_MAX);
        assert!(folder.take(now, said(&(LINES_MAX + 5).to_string())).is_some());
        assert!(folder.take(now, said("5")).is_none());
    }
}
