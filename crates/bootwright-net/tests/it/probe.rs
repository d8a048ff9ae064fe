//! Whether somebody uses an address, asked on real segments.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bootwright_net::link::{Link, links};
use bootwright_net::probe::{ArpProber, EchoProber, Heard, PATIENCE};

use crate::netns::{End, Netns, cable, mac};

fn link(name: &str) -> Link {
    let found = links()
        .expect("links are listed")
        .into_iter()
        .find(|link| link.name == name);
    found.expect("the link is there")
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

const USED: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 9);
const FREE: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 10);

#[test]
fn a_station_with_the_address_answers_and_a_free_address_is_known_after_half_a_second() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(
        &End::new(&server, "eth0", "10.2.0.1/24"),
        &End::new(&client, "eth0", "10.2.0.9/24"),
    );
    let station = mac(&client, "eth0");
    server.run(|| {
        runtime().block_on(async {
            let prober = ArpProber::open(&link("eth0")).expect("a packet socket");
            let start = Instant::now();
            // Many at a time wait for nobody but themselves.
            let (used, free, again) = tokio::join!(prober.probe(USED), prober.probe(FREE), prober.probe(USED));
            let heard = used.expect("the question is sent").expect("somebody");
            assert_eq!(heard.station.map(|station| station.to_string()), Some(station));
            assert_eq!(free.expect("the question is sent"), None);
            assert_eq!(again.expect("the question is sent"), Some(heard));
            assert!(start.elapsed() >= PATIENCE && start.elapsed() < PATIENCE * 4);
            let start = Instant::now();
            assert!(prober.probe(USED).await.expect("the question is sent").is_some());
            assert!(start.elapsed() < PATIENCE, "an answer ends the wait");
        });
    });
    let table = client.ip("neigh show dev eth0");
    assert!(!table.contains("10.2.0.1"), "a probe enters nobody's table: {table}");
}

#[test]
fn a_machine_that_is_just_about_to_take_the_address_counts() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(&End::new(&server, "eth0", "10.2.0.1/24"), &End::bare(&client, "eth0"));
    let other = client.run(|| link("eth0"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| client.run(|| runtime().block_on(rival(&other, &stop))));
        let heard = server.run(|| runtime().block_on(probe_until_heard()));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(heard.expect("somebody").station, other.mac);
    });
}

/// Probes for the address until somebody is heard, for ten seconds at most.
async fn probe_until_heard() -> Option<Heard> {
    let prober = ArpProber::open(&link("eth0")).expect("a packet socket");
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let heard = prober.probe(FREE).await.expect("the question is sent");
        if heard.is_some() || Instant::now() > until {
            return heard;
        }
    }
}

/// Probes for the same address until it is told to stop.
async fn rival(link: &Link, stop: &AtomicBool) {
    let prober = ArpProber::open(link).expect("a packet socket");
    while !stop.load(Ordering::Relaxed) {
        // What it hears is no matter here.
        let _ = prober.probe(FREE).await.expect("the question is sent");
    }
}

#[test]
fn a_machine_behind_a_router_is_found_by_its_echo() {
    let (server, router, client) = (Netns::new("server"), Netns::new("router"), Netns::new("client"));
    cable(
        &End::new(&server, "eth0", "10.1.0.1/24"),
        &End::new(&router, "eth0", "10.1.0.254/24"),
    );
    cable(
        &End::new(&router, "eth1", "10.2.0.254/24"),
        &End::new(&client, "eth0", "10.2.0.9/24"),
    );
    server.ip("route add default via 10.1.0.254");
    client.ip("route add default via 10.2.0.254");
    let forward = router.command("sysctl").args(["-qw", "net.ipv4.ip_forward=1"]).status();
    assert!(forward.expect("sysctl runs").success());
    server.run(|| {
        runtime().block_on(async {
            let prober = EchoProber::open().expect("a raw socket");
            let (used, free) = tokio::join!(prober.probe(USED), prober.probe(FREE));
            assert!(used.expect("the question is sent").is_some());
            assert_eq!(free.expect("the question is sent"), None);
        });
    });
}

#[test]
fn a_link_without_stations_cannot_be_probed() {
    let alone = Netns::new("alone");
    alone.run(|| {
        runtime().block_on(async {
            let refused = ArpProber::open(&link("lo")).expect_err("no Ethernet");
            assert_eq!(refused.kind(), std::io::ErrorKind::Unsupported);
        });
    });
}
