//! How long an acknowledgement may take.

use std::time::Duration;

/// Before a round trip was measured.
const FIRST: Duration = Duration::from_secs(1);
/// No less, however fast the way: firmware may be busy, and a packet too many costs more than a short wait.
const FLOOR: Duration = Duration::from_millis(200);
/// No more from measuring alone.
const MEASURED_MAX: Duration = Duration::from_secs(3);
/// No more after any number of losses. EDK2 gives up after 24 s of silence.
const BACKED_OFF_MAX: Duration = Duration::from_secs(8);

/// The retransmission timeout of RFC 6298 with limits for local networks.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    /// Mean round trip and its mean deviation.
    measured: Option<(Duration, Duration)>,
    /// How often the timeout has doubled since the last measurement.
    doublings: u32,
}

impl Timer {
    pub(super) const fn new() -> Self {
        Self {
            measured: None,
            doublings: 0,
        }
    }

    /// A round trip that no repetition makes ambiguous.
    pub(super) fn measure(&mut self, sample: Duration) {
        self.doublings = 0;
        self.measured = Some(match self.measured {
            None => (sample, div(sample, 2)),
            Some((mean, deviation)) => (
                div(mean, 8).saturating_mul(7).saturating_add(div(sample, 8)),
                div(deviation, 4)
                    .saturating_mul(3)
                    .saturating_add(div(mean.abs_diff(sample), 4)),
            ),
        });
    }

    pub(super) fn back_off(&mut self) {
        self.doublings = self.doublings.saturating_add(1);
    }

    pub(super) fn round_trip(&self) -> Duration {
        self.measured.map_or(Duration::ZERO, |(mean, _)| mean)
    }

    /// The time to wait now. A client that answers but was never measured cleanly keeps what the losses made of it.
    pub(super) fn timeout(&self) -> Duration {
        let base = self.measured.map_or(FIRST, |(mean, deviation)| {
            mean.saturating_add(deviation.saturating_mul(4))
                .clamp(FLOOR, MEASURED_MAX)
        });
        base.saturating_mul(1_u32.checked_shl(self.doublings.min(8)).unwrap_or(1))
            .min(BACKED_OFF_MAX)
    }
}

fn div(span: Duration, by: u32) -> Duration {
    span.checked_div(by).unwrap_or(Duration::ZERO)
}
