//! What the daemon does in numbers, for Prometheus: `/metrics`. No host is named in a label.

mod histogram;
mod meter;
mod run;
mod text;
mod timed;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bootwright_engine::Overview;
use bootwright_store::Health;

pub use histogram::Histogram;
pub use meter::{Callback, LinkMeter, Meters, Verdict};
pub use timed::Timed;

use crate::api::ApiState;
use crate::telemetry;
use text::{Kind, Text, count, number};

/// How long the disk may take to say how much room it has.
const DISK_WITHIN: Duration = Duration::from_secs(2);

/// The states that hosts can be in: each is told, also where no host is in it.
const STATES: [&str; 7] = ["new", "armed", "installing", "installed", "failed", "live", "ignored"];

/// How transfers of TFTP end, as they are counted.
const TFTP_RESULTS: [&str; 12] = [
    "delivered",
    "sent-unacknowledged",
    "size-probe",
    "aborted",
    "unreachable",
    "timed-out",
    "superseded",
    "evicted",
    "changed",
    "broken",
    "stopped",
    "refused",
];

/// `GET /metrics`.
pub async fn answer(State(state): State<ApiState>) -> Response {
    let data_dir = state.data_dir.clone();
    // A disk that does not answer leaves out its own numbers and no others.
    let asking = tokio::task::spawn_blocking(move || bootwright_store::disk_room(&data_dir));
    let room = tokio::time::timeout(DISK_WITHIN, asking).await;
    let room = room.ok().and_then(Result::ok).flatten();
    ([(header::CONTENT_TYPE, text::MEDIA_TYPE)], metrics(&state, room)).into_response()
}

/// `GET /healthz`: the process answers.
pub async fn health() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: machines are served, or a line for each reason why not.
pub async fn readiness(State(state): State<ApiState>) -> Response {
    let troubles = state.troubles();
    if troubles.is_empty() {
        return "ready\n".into_response();
    }
    let words: String = troubles.iter().map(|trouble| format!("{trouble}\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, words).into_response()
}

/// All numbers as Prometheus reads them. `room` is what is free of the disk, and what it has.
#[must_use]
pub fn metrics(state: &ApiState, room: Option<(u64, u64)>) -> String {
    let overview = state.core.read(|engine, _| engine.overview());
    let mut text = Text::default();
    of_daemon(&mut text, state);
    of_site(&mut text, state, &overview);
    of_boot(&mut text, state);
    of_runs(&mut text, state);
    of_store(&mut text, state, room);
    text.into_text()
}

fn truth(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

fn of_daemon(text: &mut Text, state: &ApiState) {
    let version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
    text.family(Kind::Gauge, "info", "The version that runs.", [(version, 1.0)]);
    let ready = truth(state.troubles().is_empty());
    text.one(Kind::Gauge, "ready", "Whether machines are served.", ready);
    let refused = state.reloader.is_refused();
    text.one(
        Kind::Gauge,
        "config_last_reload_ok",
        "Whether the configuration on disk is the one in force.",
        truth(!refused),
    );
    text.one(
        Kind::Counter,
        "log_lines_dropped_total",
        "Lines of the log that nobody read in time.",
        number(telemetry::dropped_lines()),
    );
    if let Some(bytes) = resident_bytes(Path::new("/proc/self/statm")) {
        text.one(
            Kind::Gauge,
            "process_resident_bytes",
            "Memory that the daemon has in use.",
            number(bytes),
        );
    }
    let all = state.counters.all();
    let counted = all.iter().map(|(part, reason, count)| {
        let labels = [("part", (*part).to_owned()), ("reason", (*reason).to_owned())];
        (labels, number(*count))
    });
    text.family(
        Kind::Counter,
        "counted_total",
        "Everything that the status counts, by part of the daemon and reason.",
        counted,
    );
    let denied = all.iter().filter(|(part, ..)| *part == "denied");
    let denied: Vec<_> = denied
        .map(|(_, reason, count)| ([("reason", (*reason).to_owned())], number(*count)))
        .collect();
    text.family(
        Kind::Counter,
        "token_denied_total",
        "Requests with a token that is none, by what they asked for.",
        denied,
    );
}

fn of_site(text: &mut Text, state: &ApiState, overview: &Overview) {
    let states = STATES.iter().map(|name| {
        let hosts = overview.states.get(name).copied().unwrap_or(0);
        ([("state", (*name).to_owned())], count(hosts))
    });
    text.family(Kind::Gauge, "hosts", "Hosts by their state.", states);
    text.one(
        Kind::Gauge,
        "runs_stalled",
        "Installs that have been silent for longer than their stage may take.",
        count(overview.stalled),
    );
    text.one(
        Kind::Gauge,
        "budget_in_use",
        "Installs that are under way.",
        count(overview.installing),
    );
    let most = state.core.policy().safety.max_concurrent;
    text.one(
        Kind::Gauge,
        "budget_limit",
        "Installs that may be under way at once.",
        f64::from(most),
    );
    text.one(
        Kind::Gauge,
        "installs_paused",
        "Whether no install begins or goes on: by an operator, or because too many failed.",
        truth(overview.paused.is_some()),
    );
    text.one(
        Kind::Gauge,
        "rogue_dhcp_servers",
        "Other servers that do what only one may do: lend addresses beside another, or lead machines elsewhere.",
        count(overview.rogues),
    );
}

fn of_boot(text: &mut Text, state: &ApiState) {
    let meters = &state.counters.meters;
    let links = meters.links();
    let packets = links.iter().flat_map(|(link, meter)| {
        let all = meter.all().into_iter();
        all.map(move |(kind, verdict, count)| {
            let labels = [
                ("iface", link.clone()),
                ("type", kind.to_owned()),
                ("verdict", verdict.to_owned()),
            ];
            (labels, number(count))
        })
    });
    text.family(
        Kind::Counter,
        "dhcp_packets_total",
        "DHCP packets that arrived, and what became of them.",
        packets,
    );
    text.histograms(
        "offer_seconds",
        "From the arrival of DHCP packets to their answers.",
        [([], &meters.offer)],
    );
    let all = state.counters.all();
    let of_tftp = |result: &&str| all.iter().find(|(part, reason, _)| *part == "tftp" && reason == result);
    let transfers = TFTP_RESULTS.iter().map(|result| {
        let times = of_tftp(result).map_or(0, |(.., count)| *count);
        ([("result", (*result).to_owned())], number(times))
    });
    text.family(
        Kind::Counter,
        "tftp_transfers_total",
        "Transfers by TFTP that ended, and how.",
        transfers,
    );
    text.one(
        Kind::Counter,
        "tftp_retransmits_total",
        "Packets that TFTP sent more than once.",
        number(meters.tftp_retransmits.load(Ordering::Relaxed)),
    );
    text.one(
        Kind::Counter,
        "tftp_bytes_total",
        "Bytes that TFTP clients have acknowledged.",
        number(meters.tftp_bytes.load(Ordering::Relaxed)),
    );
    let sent = meters.http_bytes();
    let sent = sent.map(|(kind, bytes)| ([("kind", kind.to_owned())], number(bytes)));
    text.family(
        Kind::Counter,
        "http_bytes_total",
        "Bytes of files that left by HTTP.",
        sent,
    );
    let callbacks = meters.callbacks().into_iter().map(|(kind, result, count)| {
        let labels = [("kind", kind.to_owned()), ("result", result.to_owned())];
        (labels, number(count))
    });
    text.family(
        Kind::Counter,
        "callbacks_total",
        "Reports of installers, and what became of them.",
        callbacks,
    );
}

fn of_runs(text: &mut Text, state: &ApiState) {
    let runs = state.counters.meters.runs();
    let events = runs.events.iter();
    let events = events.map(|(verb, count)| ([("verb", (*verb).to_owned())], number(*count)));
    text.family(
        Kind::Counter,
        "events_total",
        "Entries of the record since the start.",
        events,
    );
    let ended = runs.ended.iter().map(|((profile, result), count)| {
        let labels = [("profile", profile.clone()), ("result", (*result).to_owned())];
        (labels, number(*count))
    });
    text.family(Kind::Counter, "runs_total", "Installs that ended, and how.", ended);
    let stages = runs.stages.iter().map(|((profile, stage), histogram)| {
        let labels = [("profile", profile.clone()), ("stage", (*stage).to_owned())];
        (labels, histogram)
    });
    text.histograms(
        "run_seconds",
        "How long installs took (`install`), and their systems to call in afterwards (`up`).",
        stages,
    );
}

fn of_store(text: &mut Text, state: &ApiState, room: Option<(u64, u64)>) {
    let good = matches!(state.core.store_health(), Health::Good | Health::Low);
    text.one(
        Kind::Gauge,
        "store_ready",
        "Whether the record can be written.",
        truth(good),
    );
    text.histograms(
        "store_fsync_seconds",
        "From a batch of entries to its being durable.",
        [([], &state.counters.meters.commit)],
    );
    if let Some((free, all)) = room {
        text.one(
            Kind::Gauge,
            "data_disk_free_bytes",
            "Room on the disk of the data directory.",
            number(free),
        );
        text.one(
            Kind::Gauge,
            "data_disk_size_bytes",
            "Size of the disk of the data directory.",
            number(all),
        );
    }
}

/// What the kernel says of our memory; pages are 4 KiB on all architectures that we are built for.
fn resident_bytes(statm: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(statm).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
