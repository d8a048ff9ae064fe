//! Which links are served: follows the box's interfaces and keeps the listeners of each in step.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bootwright_config::{Daemon, Sockets};
use bootwright_core::DhcpMode;
use bootwright_net::Link;
use bootwright_net::frame::FrameSocket;
use bootwright_net::port;
use bootwright_net::selection::{Choice, Families, WhyNot, selection, unmatched};
use bootwright_net::snoop::{Snoop, Wanted};
use bootwright_net::udp::{BindError, RECEIVE_BUFFER_WANTED, Socket};
use bootwright_net::udp6;
use bootwright_net::watch::{Noticed, Watch};
use bootwright_proto::dhcp::{CLIENT_PORT, PXE_PORT, Port, SERVER_PORT};
use bootwright_proto::dhcp6::{SERVER_PORT as DHCP6_PORT, SERVERS};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::boot_file::Tftp;
use crate::census::Searcher;
use crate::core::Core;
use crate::counter::Counters;
use crate::dhcp::{self, Desk, Merging, Outlet};
use crate::dhcp6;
use crate::place::Place;

/// The port on which TFTP servers listen (RFC 1350).
const TFTP_PORT: u16 = 69;

/// How often to look for what changes without a word of the kernel: a port that becomes free, another DHCP server on this
/// box, a listener that has ended.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// In place of an interface's name: what was told of all of them. No interface has an empty name.
const NOBODY: &str = "";

/// What listeners on a link need.
#[derive(Clone)]
pub struct Services {
    /// The engine.
    pub core: Arc<Core>,
    /// The counters.
    pub counters: Arc<Counters>,
    /// The TFTP server.
    pub tftp: Arc<Tftp>,
    /// The runtime on which it runs.
    pub tftp_runtime: Handle,
    /// The runtime on which DHCP is answered.
    pub dhcp_runtime: Handle,
    /// The daemon's settings.
    pub daemon: Arc<Daemon>,
    /// The box's links, as last seen, for those who only read.
    pub links: Arc<ArcSwap<Vec<Link>>>,
}

/// The listeners of one link. Dropping them ends them.
struct Listeners {
    link: Link,
    tasks: JoinSet<()>,
    incomplete: bool,
    channel: Channel,
}

/// How DHCP is heard on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channel {
    /// Not at all.
    Off,
    /// Through sockets of the kernel.
    Kernel,
    /// Through captured packets, since another program holds the port.
    Packet,
}

/// Serves every link that should be, for as long as the future is polled.
pub async fn serve_links(services: Services, mut watch: Watch, ready: Arc<tokio::sync::Notify>) {
    let mut serving: BTreeMap<u32, Listeners> = BTreeMap::new();
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let links = watch.links().to_vec();
        services.links.store(Arc::new(links.clone()));
        update(&services, &links, &mut serving, &mut told);
        ready.notify_one();
        tokio::select! {
            _ = watch.changed() => {
                let why = match watch.noticed() {
                    Noticed::Told => "the kernel told",
                    Noticed::Found => "found by looking",
                };
                tracing::debug!(why, "the interfaces have changed");
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn update(
    services: &Services,
    links: &[Link],
    serving: &mut BTreeMap<u32, Listeners>,
    told: &mut BTreeMap<String, String>,
) {
    let own = links.iter().flat_map(Link::ipv4_addresses).collect();
    services.core.set_own_addresses(own);
    let wanted = &services.daemon.interfaces;
    let chosen = selection(links, wanted, Families::with_ipv6(services.daemon.ipv6));
    let served: Vec<&Link> = chosen
        .iter()
        .filter(|(_, choice)| *choice == Choice::Served)
        .map(|(link, _)| *link)
        .collect();
    let channel = wanted_channel(services);
    serving.retain(|index, listeners| {
        let link = served.iter().find(|link| link.index == *index);
        if link.is_none() {
            tracing::info!(event = "net", link = %listeners.link.name, "no longer served");
        }
        // A listener that ended, by a panic or because its socket broke, is started anew with the others of its link.
        let ended = listeners.tasks.try_join_next().is_some();
        let good = !ended && !listeners.incomplete && listeners.channel == channel;
        good && link.is_some_and(|link| same(link, &listeners.link))
    });
    let heard = |name: &str| channel != Channel::Off && served.iter().any(|link| link.name == name);
    services.core.ask(|engine, _| engine.census_only(heard)).now();
    let served_ipv6 = |name: &str| services.daemon.ipv6 && served.iter().any(|link| link.name == name);
    services.core.ask(|engine, _| engine.census6_only(served_ipv6)).now();
    for link in served {
        serving
            .entry(link.index)
            .or_insert_with(|| start(services, link, channel, told));
    }
    if !serving.is_empty() {
        told.remove(NOBODY);
    } else if told.insert(NOBODY.to_owned(), String::new()).is_none() {
        tracing::warn!(
            code = "E104",
            "no interface is served, so that no machine is heard; `bootwright status` says why not"
        );
    }
    for (link, choice) in &chosen {
        if let Choice::Skipped(why) = choice
            && *why != WhyNot::Loopback
        {
            tell(told, &link.name, &format!("not served: {why}"));
        }
    }
    for name in unmatched(links, wanted) {
        tell(told, name, "not there yet; it is served once it appears");
    }
}

/// Whether a link is the same as far as its listeners can tell. Carrier comes and goes without their notice.
fn same(now: &Link, then: &Link) -> bool {
    now.name == then.name && now.addresses == then.addresses && now.mtu == then.mtu && now.mac == then.mac
}

/// Says something about a link once, until something else is to be said.
fn tell(told: &mut BTreeMap<String, String>, name: &str, words: &str) {
    if told.get(name).is_none_or(|before| before != words) {
        told.insert(name.to_owned(), words.to_owned());
        tracing::info!(event = "net", link = %name, "{words}");
    }
}

fn start(services: &Services, link: &Link, channel: Channel, told: &mut BTreeMap<String, String>) -> Listeners {
    let daemon = &services.daemon;
    let place = Arc::new(Place {
        name: link.name.clone(),
        link: link.clone(),
        links: Arc::clone(&services.links),
        fixed_url: daemon.base_url.fixed().map(str::to_owned),
        http_port: daemon.http.port,
    });
    let merging = Arc::new(Merging::default());
    let desk = Desk::new(
        Arc::clone(&services.core),
        Arc::clone(&services.counters),
        Arc::clone(&place),
        Arc::clone(&merging),
    );
    let mut tasks = JoinSet::new();
    let mut incomplete = false;
    let mut troubles: Vec<String> = Vec::new();
    let mut note = |trouble: String| {
        incomplete = true;
        troubles.push(trouble);
    };
    {
        let _entered = services.dhcp_runtime.enter();
        start_dhcp(&mut tasks, channel, &desk, link, &mut note);
    }
    if channel != Channel::Off {
        start_census(&mut tasks, services, link, merging);
    }
    let bound = {
        let _entered = services.tftp_runtime.enter();
        bind(link, TFTP_PORT)
    };
    match bound {
        Ok(socket) => {
            let tftp = Arc::clone(&services.tftp);
            let name = link.name.clone();
            let serving = async move {
                let error = tftp.serve(socket).await;
                tracing::error!(code = "E107", link = %name, why = %error, "TFTP has ended");
            };
            tasks.spawn_on(serving, &services.tftp_runtime);
        }
        Err(trouble) => note(trouble),
    }
    if daemon.ipv6 {
        start_ipv6(&mut tasks, services, &place, &mut note);
    }
    let addresses: Vec<IpAddr> = told_addresses(link, daemon.ipv6);
    let how = match channel {
        Channel::Off => "no DHCP",
        Channel::Kernel => "DHCP by kernel sockets",
        Channel::Packet => "DHCP by packet capture",
    };
    let words = if troubles.is_empty() {
        format!("served at {addresses:?}, {how}")
    } else {
        format!("served at {addresses:?} in part: {}", troubles.join("; "))
    };
    tell(told, &link.name, &words);
    Listeners {
        link: link.clone(),
        tasks,
        incomplete,
        channel,
    }
}

/// The addresses by which machines are told to reach us.
fn told_addresses(link: &Link, ipv6: bool) -> Vec<IpAddr> {
    let of_ipv6 = link.ipv6_addresses().filter(|_| ipv6).map(IpAddr::V6);
    link.ipv4_addresses().map(IpAddr::V4).chain(of_ipv6).collect()
}

/// Starts what answers DHCP and TFTP over IPv6 on a link.
fn start_ipv6(tasks: &mut JoinSet<()>, services: &Services, place: &Arc<Place>, note: &mut impl FnMut(String)) {
    let link = &place.link;
    match (udp6::Socket::bind(link, DHCP6_PORT, Some(SERVERS)), link.mac) {
        (Ok(socket), Some(card)) => {
            let (core, counters) = (Arc::clone(&services.core), Arc::clone(&services.counters));
            let desk = dhcp6::Desk::new(core, counters, Arc::clone(place), card);
            tasks.spawn(dhcp6::listen(desk, socket));
            let searcher = dhcp6::Searcher {
                core: Arc::clone(&services.core),
                counters: Arc::clone(&services.counters),
                link: link.clone(),
                links: Arc::clone(&services.links),
            };
            tasks.spawn(searcher.run());
        }
        (Err(error), _) => note(with_hint(&error)),
        (Ok(_), None) => note("no hardware address, so that nothing is answered over IPv6".to_owned()),
    }
    let bound = {
        let _entered = services.tftp_runtime.enter();
        udp6::Socket::bind(link, TFTP_PORT, None)
    };
    match bound {
        Ok(socket) => {
            let tftp = Arc::clone(&services.tftp);
            let name = link.name.clone();
            let serving = async move {
                let error = tftp.serve_ipv6(socket).await;
                tracing::error!(code = "E107", link = %name, why = %error, "TFTP over IPv6 has ended");
            };
            tasks.spawn_on(serving, &services.tftp_runtime);
        }
        Err(error) => note(with_hint(&error)),
    }
}

/// Starts what searches for other DHCP servers on a link. Where it cannot, the engine is told why.
fn start_census(tasks: &mut JoinSet<()>, services: &Services, link: &Link, merging: Arc<Merging>) {
    let core = &services.core;
    let why = match (Snoop::open(link, Wanted::Answers), FrameSocket::open(link)) {
        (Ok(snoop), Ok(frames)) => {
            let searcher = Searcher {
                core: Arc::clone(core),
                counters: Arc::clone(&services.counters),
                link: link.clone(),
                links: Arc::clone(&services.links),
                snoop,
                frames,
                merging,
            };
            tasks.spawn(searcher.run());
            None
        }
        (Err(error), _) | (_, Err(error)) => {
            let hint = "that takes the capability NET_RAW (`cap_add: [NET_RAW]`)";
            tracing::warn!(code = "W115", link = %link.name, why = %error, "cannot search for other DHCP servers; {hint}");
            Some(format!("{error}; {hint}"))
        }
    };
    core.ask(|engine, now| engine.census_blind(now, &link.name, why)).now();
}

/// How DHCP is to be heard, by the configuration and by who else is on this box.
fn wanted_channel(services: &Services) -> Channel {
    if services.core.policy().dhcp == DhcpMode::Off {
        return Channel::Off;
    }
    match services.daemon.dhcp.sockets {
        Sockets::Packet => Channel::Packet,
        Sockets::Kernel => Channel::Kernel,
        // With reuse both could bind, and then the other server's unicasts would come to us.
        Sockets::Auto if !port::is_held_by_others(SERVER_PORT) => Channel::Kernel,
        Sockets::Auto => Channel::Packet,
    }
}

/// Starts what answers DHCP on a link, on the runtime that is entered.
fn start_dhcp(tasks: &mut JoinSet<()>, channel: Channel, desk: &Desk, link: &Link, note: &mut impl FnMut(String)) {
    if channel == Channel::Off {
        return;
    }
    let pxe = bind(link, PXE_PORT).map_err(&mut *note).ok();
    if channel == Channel::Packet {
        match (Snoop::open(link, Wanted::Requests), FrameSocket::open(link)) {
            (Ok(snoop), Ok(frames)) => {
                tasks.spawn(dhcp::capture(desk.clone(), snoop, Outlet::Packet { frames, pxe }));
            }
            (Err(error), _) | (_, Err(error)) => note(format!(
                "cannot capture packets: {error}; packet capture takes the capability NET_RAW (`cap_add: [NET_RAW]`)"
            )),
        }
        return;
    }
    match bind_server(link) {
        Ok(socket) => {
            // Without it a client that has no address yet is answered by broadcast.
            let frames = FrameSocket::open(link).ok();
            tasks.spawn(dhcp::listen(
                desk.clone(),
                Outlet::Kernel { socket, frames },
                Port::Dhcp,
            ));
        }
        Err(trouble) => note(trouble),
    }
    if let Some(socket) = pxe {
        let frames = None;
        tasks.spawn(dhcp::listen(desk.clone(), Outlet::Kernel { socket, frames }, Port::Pxe));
    }
}

fn bind(link: &Link, port: u16) -> Result<Socket, String> {
    bound(link, Socket::bind(&link.name, port))
}

/// Most offers go from the link's first address to everybody.
fn bind_server(link: &Link) -> Result<Socket, String> {
    bound(
        link,
        match link.ipv4() {
            Some(from) => Socket::bind_to_shout(&link.name, SERVER_PORT, from, CLIENT_PORT),
            None => Socket::bind(&link.name, SERVER_PORT),
        },
    )
}

fn bound(link: &Link, socket: Result<Socket, BindError>) -> Result<Socket, String> {
    let socket = socket.map_err(|error| with_hint(&error))?;
    let port = socket.port();
    if socket.receive_buffer() < RECEIVE_BUFFER_WANTED {
        tracing::info!(
            event = "net",
            code = "W108",
            link = %link.name,
            bytes = socket.receive_buffer(),
            "a burst of machines on port {port} may have to ask twice; `sysctl net.core.rmem_max={RECEIVE_BUFFER_WANTED}` \
             allows a larger receive buffer"
        );
    }
    Ok(socket)
}

fn with_hint(error: &BindError) -> String {
    error
        .hint()
        .map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"))
}
