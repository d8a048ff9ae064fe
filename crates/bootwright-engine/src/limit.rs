//! Every bound of the engine, with its reason.

use bootwright_core::{Span, Timestamp};

/// The most hosts that are kept. Beyond it a stranger is told to wait and is not remembered.
pub(crate) const HOSTS_MAX: usize = 250_000;

/// How many strangers may be remembered at once: a rack that is switched on in one moment, or a flood of made-up addresses.
pub(crate) const STRANGERS_BURST: u32 = 2_000;

/// How many further strangers may be remembered in each second.
pub(crate) const STRANGERS_PER_SEC: u32 = 20;

/// How many lines of mere news may be recorded at once and in each second; what exceeds it is not recorded.
pub(crate) const NEWS_BURST: u32 = 10_000;
/// See `NEWS_BURST`.
pub(crate) const NEWS_PER_SEC: u32 = 500;

/// How many lines about other servers may be recorded at once and in each second: anybody can make servers up.
pub(crate) const SERVER_NEWS_BURST: u32 = 50;
/// See `SERVER_NEWS_BURST`.
pub(crate) const SERVER_NEWS_PER_SEC: u32 = 1;

/// A machine that asks again after this long has begun another boot.
pub(crate) const BOOT_SPAN: Span = Span::from_secs(20);

/// For how long an iPXE that was handed a boot program, and came back without the means to run our script, gets no other.
pub(crate) const HAND_SPAN: Span = Span::from_mins(10);

/// For how long a boot loader that fetches its script once more is taken to be at the same attempt. It looks whether the
/// file is there and reads it within a moment; one that cannot load its kernel asks again after 20 s.
pub(crate) const PROMISE_SPAN: Span = Span::from_secs(30);

/// How often the script of one attempt is told to a boot loader that fetches it once more.
pub(crate) const PROMISE_TIMES_MAX: u32 = 8;

/// The same for a Raspberry Pi, which fetches a kernel and a ramdisk by TFTP between two looks at its configuration.
pub(crate) const PI_PROMISE_SPAN: Span = Span::from_secs(120);

/// How often a Raspberry Pi may read the configuration of one attempt. (3B+: seven times, each with a look at its size.)
pub(crate) const PI_PROMISE_TIMES_MAX: u32 = 32;

/// A held machine asks at least this often; one that was silent for longer has begun another boot.
pub(crate) const HOLD_SPAN: Span = Span::from_secs(120);

/// A warning about one host is not repeated within this time.
pub(crate) const WARNING_SPAN: Span = Span::from_secs(60);

/// What came by a way that is not listed is told once in this time, for each address.
pub(crate) const INTRUDER_SPAN: Span = Span::from_hours(1);

/// Of how many such addresses something is told within that time.
pub(crate) const INTRUDERS_MAX: usize = 32;

/// The longest reason of a failure or message of an installer that is kept, in characters.
pub(crate) const WORDS_MAX: usize = 200;

/// How often the machine of one run may tell something new of what it is made of.
pub(crate) const TELLINGS_MAX: u32 = 16;

/// A bucket that fills at a steady rate: so many things at once, so many in each second.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    burst: u64,
    per_sec: u64,
    millitokens: u64,
    filled: Timestamp,
}

impl Bucket {
    pub(crate) fn new(burst: u32, per_sec: u32, now: Timestamp) -> Self {
        let burst = u64::from(burst) * 1000;
        Self {
            burst,
            per_sec: u64::from(per_sec),
            millitokens: burst,
            filled: now,
        }
    }

    /// Takes one out, if there is one.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        let elapsed_ms = now.since(self.filled).as_millis();
        self.millitokens = self
            .millitokens
            .saturating_add(elapsed_ms.saturating_mul(self.per_sec))
            .min(self.burst);
        self.filled = self.filled.max(now);
        let enough = self.millitokens >= 1000;
        if enough {
            self.millitokens -= 1000;
        }
        enough
    }
}

/// Words from a machine as they may stand in the record: one line of bounded length, no control characters.
pub(crate) fn words(text: &str) -> String {
    text.chars()
        .map(|c| if bootwright_proto::syslog::steers(c) { ' ' } else { c })
        .take(WORDS_MAX)
        .collect::<String>()
        .trim()
        .to_owned()
}
