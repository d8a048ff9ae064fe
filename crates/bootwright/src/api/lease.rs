//! Leases: a list, and what `explain` says of a host's own.

use std::net::Ipv4Addr;

use axum::Json;
use axum::extract::State;
use bootwright_core::lease::{Lease, LeaseState};
use bootwright_core::{DhcpMode, Timestamp};
use bootwright_engine::{Engine, HostView};
use bootwright_proto::http::api::{LeaseEntry, LeaseList, Line};

use super::ApiState;
use super::fault::Fault;
use super::moment::Now;
use super::query::Items;

/// How many leases a page has unless somebody says otherwise, and at most.
const PAGE_LEASES: usize = 1000;

pub(super) async fn list(State(state): State<ApiState>, items: Items) -> Result<Json<LeaseList>, Fault> {
    let text = items.text("text").map(|text| text.to_lowercase());
    let after = items.text("after").map(|after| {
        let fault = |_| Fault::bad_request("`after` must be an IPv4 address".to_owned());
        after.parse::<Ipv4Addr>().map_err(fault)
    });
    let after = after.transpose()?;
    let limit = items.number("limit")?.unwrap_or(PAGE_LEASES).min(PAGE_LEASES);
    let clock = state.moments.read();
    let (leases, more) = state.core.read(|engine, _| {
        let rest = engine
            .leases()
            .filter(|lease| after.is_none_or(|after| lease.address > after));
        let mut fitting = rest
            .map(|lease| entry(engine, lease, clock))
            .filter(|entry| text.as_ref().is_none_or(|text| has(entry, text)));
        let page: Vec<LeaseEntry> = fitting.by_ref().take(limit).collect();
        (page, fitting.next().is_some())
    });
    let next = leases.last().filter(|_| more).map(|last| last.address.clone());
    Ok(Json(LeaseList { leases, next }))
}

fn has(entry: &LeaseEntry, text: &str) -> bool {
    let words = [
        Some(&entry.address),
        Some(&entry.mac),
        entry.host.as_ref(),
        entry.host_name.as_ref(),
    ];
    words
        .into_iter()
        .flatten()
        .any(|word| word.to_lowercase().contains(text))
}

fn entry(engine: &Engine, lease: &Lease, clock: Now) -> LeaseEntry {
    LeaseEntry {
        address: lease.address.to_string(),
        mac: lease.holder.to_string(),
        host: engine
            .host_of_card(lease.holder)
            .map(|id| engine.display_name(id).to_string()),
        state: lease.state.name().to_owned(),
        since: clock.text(lease.since),
        until: clock.text(lease.until),
        host_name: lease.host_name.clone(),
    }
}

/// What is leased to a host's cards, or why nothing is; nothing at all where another server leases the addresses.
pub(super) fn lines(engine: &Engine, now: Timestamp, clock: Now, view: &HostView) -> Vec<Line> {
    if engine.policy().dhcp != DhcpMode::Server {
        return Vec::new();
    }
    let mut lines: Vec<Line> = view.leases.iter().map(|lease| line(lease, now, clock)).collect();
    if lines.is_empty() {
        let closed = view.visit.link.as_deref().and_then(|link| engine.closed(link));
        let words = match (closed, &view.visit.ignored) {
            (Some(why), _) => format!("no address is leased to it: {why}"),
            (None, Some(ignored)) => format!("no address is leased to it; of late: {}", ignored.why),
            (None, None) => "no address is leased to it; it has not asked for one".to_owned(),
        };
        lines.push(plain("no-lease", words));
    }
    let reserved = view
        .definition
        .as_ref()
        .map(|definition| definition.addresses.as_slice());
    let missing = reserved.unwrap_or_default().iter();
    let missing = missing.filter(|address| !view.leases.iter().any(|lease| lease.address == **address));
    lines.extend(missing.map(|address| {
        let words = match engine.lease_of(*address).filter(|lease| lease.until > now) {
            Some(lease) => format!("{address} is kept for it, and {} has it still", lease.holder),
            None => format!("{address} is kept for it"),
        };
        plain("reserved", words)
    }));
    lines
}

fn line(lease: &Lease, now: Timestamp, clock: Now) -> Line {
    let Lease { address, holder, .. } = lease;
    let words = match lease.state {
        LeaseState::Bound if lease.until > now => format!("{address} is leased to {holder}; the lease ends"),
        LeaseState::Bound => format!("{address} was leased to {holder}, and it gets it again; the lease ended"),
        LeaseState::Released => format!("{address} was given back by {holder}, which gets it again"),
        LeaseState::Declined => {
            format!("{address} is kept back, as another machine was seen to use it; that ends")
        }
    };
    Line {
        code: lease.state.name().to_owned(),
        words,
        time: Some(clock.text(lease.until)),
        count: None,
    }
}

fn plain(code: &str, words: String) -> Line {
    Line {
        code: code.to_owned(),
        words,
        time: None,
        count: None,
    }
}
