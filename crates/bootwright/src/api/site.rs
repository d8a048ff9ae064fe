//! The site as a whole: how the daemon does, pause and resume.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use axum::extract::State;
use axum::{Extension, Json};
use bootwright_console::Operator;
use bootwright_console::door::{Door, Tls};
use bootwright_core::{Census, DhcpMode};
use bootwright_engine::Command as Order;
use bootwright_net::Link;
use bootwright_net::selection::{Choice, Families, selection};
use bootwright_proto::http::BaseUrl;
use bootwright_proto::http::api::{
    ControlView, FirmwareView, Health as Alive, LinkView, Nothing, PauseRequest, Status, StoreView,
};
use bootwright_store::Health;

use super::body::{self, Body};
use super::fault::Fault;
use super::moment::Now;
use super::{ApiState, event, server};
use crate::firmware::Own;
use crate::telemetry;

/// The longest reason for a pause, in characters.
const WHY_CHARS_MAX: usize = 256;

/// Whether the daemon answers at all.
pub(super) async fn health() -> Json<Alive> {
    Json(Alive { alive: true })
}

pub(super) async fn status(State(state): State<ApiState>) -> Result<Json<Status>, Fault> {
    Ok(Json(read(&state).await?))
}

pub(super) async fn pause(
    State(state): State<ApiState>,
    Extension(operator): Extension<Operator>,
    body: Body,
) -> Result<Json<Status>, Fault> {
    let PauseRequest { why } = body::document_or_default(body)?;
    let why = why.unwrap_or_else(|| format!("{} paused them", operator.name()));
    if why.chars().count() > WHY_CHARS_MAX || why.chars().any(char::is_control) {
        return Err(Fault::bad_request(format!(
            "a reason has up to {WHY_CHARS_MAX} characters and no control characters"
        )));
    }
    order(&state, &operator, &Order::Pause { why }).await
}

pub(super) async fn resume(
    State(state): State<ApiState>,
    Extension(operator): Extension<Operator>,
    body: Body,
) -> Result<Json<Status>, Fault> {
    body::document_or_default::<Nothing>(body)?;
    order(&state, &operator, &Order::Resume).await
}

async fn order(state: &ApiState, operator: &Operator, order: &Order) -> Result<Json<Status>, Fault> {
    let answer = state.core.ask(|engine, now| {
        let outcome = engine.command(now, operator.name(), order);
        let fault = outcome
            .reply
            .as_ref()
            .err()
            .map(|refusal| Fault::refused(engine, "installs", refusal));
        outcome.map(|_| fault)
    });
    match answer.settled().await? {
        None => Ok(Json(read(state).await?)),
        Some(fault) => Err(fault),
    }
}

async fn read(state: &ApiState) -> Result<Status, Fault> {
    let seq = event::last_seq(state).await?;
    let (overview, (badges, attention)) = state.core.read(|engine, _| (engine.overview(), engine.readings()));
    let links = state.plane.links.load();
    let clock = state.moments.read();
    let (census, census6, segment) = state.core.read(|engine, _| {
        let warnings = engine.segment_warnings().into_iter().chain(engine.own_reservations());
        let warnings: Vec<String> = warnings.map(|warning| warning.to_string()).collect();
        (engine.census().clone(), engine.census6().clone(), warnings)
    });
    let links = links_view(state, &links, (&census, &census6), clock);
    let (store, mut warnings) = store(state, seq);
    let environment = &state.environment;
    let coded = crate::app::code_of(environment).zip(environment.hint());
    warnings.extend(coded.map(|(code, hint)| format!("{code}: {environment}: {hint}")));
    warnings.extend(links.iter().filter_map(odd_address));
    warnings.extend(segment);
    let catalogue = &state.plane.catalogue;
    let root = state.plane.daemon.tftp.root.as_deref();
    let missed = catalogue.missed_words(&catalogue.missed(root, &state.core.policy()));
    let troubles = catalogue.troubles.iter().chain(&missed);
    warnings.extend(troubles.map(|trouble| format!("E207: {trouble}")));
    if state.reloader.is_refused() {
        warnings.push("W203: the configuration on disk cannot be used; the last good one is in force".to_owned());
    }
    if !state.counters.is_steady() {
        warnings.push(
            "E901: requests make the daemon panic; the log says where, and a restart may help for a while".to_owned(),
        );
    }
    let dropped = telemetry::dropped_lines();
    if dropped > 0 {
        warnings.push(format!(
            "W306: {dropped} lines of the log were dropped, since nobody read them in time"
        ));
    }
    if let Some(why) = &overview.paused {
        warnings.push(format!("W616: installs are paused: {why}"));
    }
    if let Some(why) = state.access.trouble() {
        warnings.push(format!(
            "E440: nobody can log in: the file of the logins cannot be used: {why}"
        ));
    }
    let control = state.door.as_ref().map(|door| control_view(state, door));
    warnings.extend(
        control
            .iter()
            .filter_map(|control| Some(format!("W441: {}", control.why.as_ref()?))),
    );
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ready: state.troubles().is_empty(),
        started: state.moments.started(),
        mode: mode(state.core.policy().dhcp).to_owned(),
        paused: overview.paused,
        links,
        hosts: overview
            .states
            .into_iter()
            .map(|(name, count)| (name.to_owned(), u64::try_from(count).unwrap_or(u64::MAX)))
            .collect(),
        badges: badges
            .into_iter()
            .map(|(name, count)| (name.to_owned(), u64::try_from(count).unwrap_or(u64::MAX)))
            .collect(),
        attention: u64::try_from(attention).unwrap_or(u64::MAX),
        counters: state
            .counters
            .all()
            .into_iter()
            .map(|(kind, reason, count)| (format!("{kind}.{reason}"), count))
            .collect(),
        own_firmware: catalogue.own.iter().map(firmware_view).collect(),
        control,
        store,
        warnings,
    })
}

impl ApiState {
    /// Why machines are not served as the configuration asks for, a sentence each with its code; none if they are.
    #[must_use]
    pub fn troubles(&self) -> Vec<&'static str> {
        let daemon = &self.plane.daemon;
        let links = self.plane.links.load();
        let chosen = selection(&links, &daemon.interfaces, Families::with_ipv6(daemon.ipv6));
        let served = chosen.iter().any(|(_, choice)| *choice == Choice::Served);
        // Nobody is heard who does not come by a relay.
        let deaf = self.environment.keeps_broadcasts_out() && self.core.policy().relays.is_empty();
        let store_fails = matches!(self.core.store_health(), Health::Failed(_));
        let all = [
            (store_fails, "E301: the store cannot be written"),
            (!served, "E104: no interface is served"),
            (deaf, "E101: no broadcast of a machine arrives here"),
            (!self.counters.is_steady(), "E901: requests make the daemon panic"),
        ];
        let so = all.into_iter().filter(|(is_so, _)| *is_so);
        so.map(|(_, words)| words).collect()
    }
}

fn control_view(state: &ApiState, door: &Door) -> ControlView {
    let (settings, report) = (door.settings(), door.report());
    ControlView {
        open: report.open,
        port: settings.port,
        tls: match settings.tls {
            Tls::SelfSigned => "self-signed",
            Tls::Own { .. } => "own",
            Tls::Off => "off",
        }
        .to_owned(),
        fingerprint: report.fingerprint,
        urls: crate::console::urls(settings, &state.plane.links.load()),
        awaits_first: state.access.awaits_first(),
        why: report.trouble,
    }
}

/// Old EDK2 takes an address that ends in 0 for a network's (tianocore/edk2 issue 6669), and boots from no such server.
fn odd_address(view: &LinkView) -> Option<String> {
    let address = view
        .address
        .as_ref()
        .filter(|address| view.served && address.ends_with(".0"))?;
    Some(format!(
        "W116: the address of {} is {address}: some UEFI firmware boots from no server whose address ends in 0, so give it another",
        view.link
    ))
}

fn firmware_view(own: &Own) -> FirmwareView {
    let names = own.archs.iter().filter_map(|arch| arch.name());
    FirmwareView {
        name: own.name.clone(),
        sha256: own.sha256.clone(),
        listed: own.listed,
        served: own.served,
        arch: names.map(str::to_owned).collect(),
        replaces: own.replaces.clone(),
    }
}

const fn mode(mode: DhcpMode) -> &'static str {
    match mode {
        DhcpMode::Proxy => "proxy",
        DhcpMode::Server => "server",
        DhcpMode::Observe => "observe",
        DhcpMode::Off => "off",
    }
}

fn links_view(
    state: &ApiState,
    links: &[Link],
    (census, census6): (&BTreeMap<String, Census>, &BTreeMap<String, Census<Ipv6Addr>>),
    clock: Now,
) -> Vec<LinkView> {
    let daemon = &state.plane.daemon;
    let chosen = selection(links, &daemon.interfaces, Families::with_ipv6(daemon.ipv6));
    chosen
        .into_iter()
        .map(|(link, choice)| {
            let address = link.ipv4_addresses().next();
            let own = || address.map(|address| BaseUrl::of((address, daemon.http.port).into()).to_string());
            let (served, why) = match choice {
                Choice::Served => (true, None),
                Choice::Skipped(why) => (false, Some(why.to_string())),
            };
            let (census, census6) = (census.get(&link.name), census6.get(&link.name));
            let of_ipv6 = census6.into_iter();
            LinkView {
                link: link.name.clone(),
                address: address.map(|address| address.to_string()),
                base_url: daemon
                    .base_url
                    .fixed()
                    .map(str::to_owned)
                    .or_else(own)
                    .filter(|_| served),
                served,
                why,
                dhcp_servers: census
                    .into_iter()
                    .flat_map(server::sentences)
                    .chain(of_ipv6.clone().flat_map(server::sentences))
                    .collect(),
                servers: census
                    .into_iter()
                    .flat_map(|census| server::views(census, clock))
                    .chain(of_ipv6.flat_map(|census| server::views(census, clock)))
                    .collect(),
                searched: census.is_some_and(Census::is_taken),
            }
        })
        .collect()
}

fn store(state: &ApiState, seq: u64) -> (StoreView, Vec<String>) {
    let (ready, why, warnings) = match state.core.store_health() {
        Health::Good => (true, None, Vec::new()),
        Health::Low => {
            let low = "E302: the disk of the store is almost full: nothing new begins until there is room";
            (true, Some(low.to_owned()), vec![low.to_owned()])
        }
        Health::Failed(why) => (false, Some(why.to_string()), Vec::new()),
    };
    let view = StoreView {
        kind: "sqlite".to_owned(),
        ready,
        why,
        seq,
    };
    (view, warnings)
}
