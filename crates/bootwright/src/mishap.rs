//! Work that may panic: it costs itself, is counted, and when it happens often the daemon says that it is not well.
//!
//! A panic in the engine is no matter for this: it ends the process (see `telemetry`).

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;

use crate::counter::Counters;

/// Does the work, unless it panics: then there is nothing but a count.
///
/// What the work shares with others must be whole after a panic at any point of it.
pub fn contain<R>(counters: &Counters, kind: &'static str, work: impl FnOnce() -> R) -> Option<R> {
    note(counters, kind, catch_unwind(AssertUnwindSafe(work)).ok())
}

/// The same for work that waits.
pub async fn contain_async<F: Future>(counters: &Counters, kind: &'static str, work: F) -> Option<F::Output> {
    note(counters, kind, AssertUnwindSafe(work).catch_unwind().await.ok())
}

fn note<R>(counters: &Counters, kind: &'static str, done: Option<R>) -> Option<R> {
    if done.is_none() {
        counters.count_panic(kind);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fault_46_a_handler_that_panics_costs_its_own_request_and_is_counted() {
        let counters = Counters::default();
        assert_eq!(contain(&counters, "dhcp", || 1), Some(1));
        let lost: Option<()> = contain(&counters, "dhcp", || panic!("on purpose"));
        assert_eq!(lost, None);
        let waiting = async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        };
        let lost: Option<()> = contain_async(&counters, "http", waiting).await;
        assert_eq!(lost, None);
        assert_eq!(contain_async(&counters, "http", async { 2 }).await, Some(2));
        assert_eq!(counters.all(), [("dhcp", "panicked", 1), ("http", "panicked", 1)]);
        assert!(counters.is_steady(), "once is no habit");
    }

    #[test]
    fn fault_46_after_five_panics_within_a_minute_the_daemon_says_that_it_is_not_well() {
        let counters = Counters::default();
        for round in 1..=5 {
            assert!(counters.is_steady(), "after {} panics", round - 1);
            let _: Option<()> = contain(&counters, "dhcp", || panic!("on purpose"));
        }
        assert!(!counters.is_steady());
    }
}
