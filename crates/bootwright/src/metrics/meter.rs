//! What is measured while machines are served.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bootwright_engine::FetchKind;
use bootwright_proto::dhcp::MessageType;
use bootwright_proto::http::ReportKind;

use super::histogram::Histogram;
use super::run::Runs;

/// From a DHCP packet to its answer: microseconds.
const OFFER_BOUNDS: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000,
];
/// From a batch of entries to its being durable: microseconds.
const COMMIT_BOUNDS: &[u64] = &[
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000,
];

/// What is measured. Whoever answers machines touches nothing but atomics.
#[derive(Debug)]
pub struct Meters {
    /// From a DHCP packet to its answer.
    pub offer: Histogram,
    /// From a batch of entries to its being durable.
    pub commit: Histogram,
    /// Packets of TFTP that were sent more than once.
    pub tftp_retransmits: AtomicU64,
    /// Bytes that TFTP clients have acknowledged.
    pub tftp_bytes: AtomicU64,
    /// What became of runs.
    runs: Mutex<Runs>,
    http_bytes: [AtomicU64; 3],
    callbacks: [[AtomicU64; Callback::ALL.len()]; KINDS.len()],
    /// One for each link that was ever served. The lock is taken when serving one begins, and by who reads.
    links: Mutex<BTreeMap<String, Arc<LinkMeter>>>,
}

/// The kinds of reports.
const KINDS: [(ReportKind, &str); 5] = [
    (ReportKind::Done, "done"),
    (ReportKind::Fail, "fail"),
    (ReportKind::Up, "up"),
    (ReportKind::Progress, "progress"),
    (ReportKind::Log, "log"),
];

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// It was taken.
    Taken,
    /// There is no such run, or not any more.
    Denied,
    /// It cannot be recorded now.
    Unrecorded,
    /// It did not arrive whole, or is too long.
    Broken,
}

impl Callback {
    const ALL: [Self; 4] = [Self::Taken, Self::Denied, Self::Unrecorded, Self::Broken];

    const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Denied => "denied",
            Self::Unrecorded => "unrecorded",
            Self::Broken => "broken",
        }
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            offer: Histogram::new(OFFER_BOUNDS),
            commit: Histogram::new(COMMIT_BOUNDS),
            tftp_retransmits: AtomicU64::new(0),
            tftp_bytes: AtomicU64::new(0),
            runs: Mutex::default(),
            http_bytes: Default::default(),
            callbacks: Default::default(),
            links: Mutex::default(),
        }
    }
}

impl Meters {
    /// What became of runs.
    pub fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The meter of a link.
    pub fn link(&self, name: &str) -> Arc<LinkMeter> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(links.entry(name.to_owned()).or_default())
    }

    /// Bytes that left by HTTP.
    pub fn sent(&self, kind: FetchKind, bytes: u64) {
        self.http_bytes[kind_place(kind)].fetch_add(bytes, Ordering::Relaxed);
    }

    /// A report came.
    pub fn called_back(&self, kind: ReportKind, what: Callback) {
        if let Some(place) = KINDS.iter().position(|(of, _)| *of == kind) {
            self.callbacks[place][what as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn http_bytes(&self) -> [(&'static str, u64); 3] {
        let of = |kind| self.http_bytes[kind_place(kind)].load(Ordering::Relaxed);
        [
            ("firmware", of(FetchKind::Firmware)),
            ("image", of(FetchKind::Image)),
            ("other", of(FetchKind::Other)),
        ]
    }

    pub(super) fn callbacks(&self) -> Vec<(&'static str, &'static str, u64)> {
        let kinds = KINDS.iter().zip(&self.callbacks);
        kinds
            .flat_map(|((_, kind), counts)| {
                let results = Callback::ALL.iter().zip(counts);
                results.map(move |(result, count)| (*kind, result.name(), count.load(Ordering::Relaxed)))
            })
            .collect()
    }

    pub(super) fn links(&self) -> Vec<(String, Arc<LinkMeter>)> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links
            .iter()
            .map(|(name, meter)| (name.clone(), Arc::clone(meter)))
            .collect()
    }
}

const fn kind_place(kind: FetchKind) -> usize {
    match kind {
        FetchKind::Firmware => 0,
        FetchKind::Image => 1,
        FetchKind::Other => 2,
    }
}

/// What is counted of the DHCP packets of one link: by their type, and what became of them.
#[derive(Debug, Default)]
pub struct LinkMeter([[AtomicU64; Verdict::ALL.len()]; TYPES.len()]);

/// The types of packets. The last one has no type, or cannot be read.
const TYPES: [&str; 7] = ["discover", "request", "decline", "release", "inform", "other", "none"];

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was answered.
    Answered,
    /// It is answered later, or nobody expects an answer.
    Noted,
    /// It got no answer; the reasons are in `bootwright_counted_total`.
    Ignored,
    /// It made us stumble.
    Panicked,
}

impl Verdict {
    const ALL: [Self; 4] = [Self::Answered, Self::Noted, Self::Ignored, Self::Panicked];

    const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Noted => "noted",
            Self::Ignored => "ignored",
            Self::Panicked => "panicked",
        }
    }
}

impl LinkMeter {
    /// A packet came.
    pub fn count(&self, message: Option<MessageType>, verdict: Verdict) {
        let place = match message {
            Some(MessageType::Discover) => 0,
            Some(MessageType::Request) => 1,
            Some(MessageType::Decline) => 2,
            Some(MessageType::Release) => 3,
            Some(MessageType::Inform) => 4,
            Some(_) => 5,
            None => 6,
        };
        self.0[place][verdict as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// What came at all.
    pub(super) fn all(&self) -> Vec<(&'static str, &'static str, u64)> {
        let types = TYPES.iter().zip(&self.0);
        let all = types.flat_map(|(name, counts)| {
            let verdicts = Verdict::ALL.iter().zip(counts);
            verdicts.map(move |(verdict, count)| (*name, verdict.name(), count.load(Ordering::Relaxed)))
        });
        all.filter(|(.., count)| *count > 0).collect()
    }
}
