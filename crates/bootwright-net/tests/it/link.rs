//! What the kernel has is what the links say.

use bootwright_net::link::{Kind, links};
use bootwright_net::selection::{Choice, WhyNot, default_selection};

use crate::netns::{End, Netns, cable, mac};

#[test]
fn links_show_every_sort_of_device_as_the_kernel_has_it() {
    let (here, there) = (Netns::new("here"), Netns::new("there"));
    cable(&End::new(&here, "eth0", "10.1.0.1/24"), &End::bare(&there, "eth0"));
    cable(&End::bare(&here, "eth1"), &End::bare(&there, "eth1"));
    here.ip("addr add 10.1.0.2/24 dev eth0 label eth0:more");
    here.ip("addr add fd00::1/64 dev eth0 nodad");
    here.ip("link set eth0 mtu 1400");
    here.ip("link add br0 type bridge");
    here.ip("link set eth1 master br0");
    here.ip("tuntap add dev tun0 mode tun");
    let links = here.run(|| links().expect("links are listed"));
    let named = |name: &str| links.iter().find(|link| link.name == name).expect("the link is listed");

    let eth0 = named("eth0");
    assert_eq!(eth0.mac.expect("Ethernet").to_string(), mac(&here, "eth0"));
    let addresses: Vec<_> = eth0
        .addresses
        .iter()
        .map(|address| format!("{}/{}", address.ip, address.prefix))
        .collect();
    assert_eq!(addresses, ["10.1.0.1/24", "10.1.0.2/24", "fd00::1/64"]);
    assert_eq!((eth0.mtu, eth0.up, eth0.carrier), (1400, true, true));
    assert_eq!(eth0.kind, Kind::Virtual);
    assert_eq!(named("lo").kind, Kind::Loopback);
    assert_eq!(named("eth1").kind, Kind::PortOf("br0".to_owned()));
    assert_eq!((&named("br0").kind, named("br0").up), (&Kind::Bridge, false));
    assert_eq!((named("tun0").mac, &named("tun0").kind), (None, &Kind::Virtual));
    assert_eq!(links.len(), 5, "{links:?}");

    there.ip("link set eth0 down");
    let links = here.run(|| bootwright_net::link::links().expect("links are listed"));
    let eth0 = links
        .iter()
        .find(|link| link.name == "eth0")
        .expect("the link is listed");
    assert_eq!(
        (eth0.up, eth0.carrier),
        (true, false),
        "the cable is out, the device still on"
    );
}

#[test]
fn where_there_are_only_virtual_devices_they_are_served_as_they_come_up() {
    let (here, there) = (Netns::new("here"), Netns::new("there"));
    cable(&End::new(&here, "eth0", "10.1.0.1/24"), &End::bare(&there, "eth0"));
    cable(&End::bare(&here, "eth1"), &End::bare(&there, "eth1"));
    let chosen = |wanted: &[&str]| {
        let wanted: Vec<_> = wanted.iter().map(|&name| name.to_owned()).collect();
        let links = here.run(|| links().expect("links are listed"));
        let choices = default_selection(&links, &wanted);
        choices
            .into_iter()
            .map(|(link, choice)| (link.name.clone(), choice))
            .collect::<Vec<_>>()
    };
    let skipped = |name: &str, why: WhyNot| (name.to_owned(), Choice::Skipped(why));
    let served = |name: &str| (name.to_owned(), Choice::Served);
    let expected = [
        skipped("lo", WhyNot::Loopback),
        served("eth0"),
        skipped("eth1", WhyNot::NoAddress),
    ];
    assert_eq!(chosen(&[]), expected);
    here.ip("addr add 10.6.0.1/24 dev eth1");
    here.ip("link set eth0 down");
    let expected = [
        skipped("lo", WhyNot::Loopback),
        skipped("eth0", WhyNot::Down),
        served("eth1"),
    ];
    assert_eq!(chosen(&[]), expected);
    let expected = [served("lo"), skipped("eth0", WhyNot::NotNamed), served("eth1")];
    assert_eq!(
        chosen(&["eth1", "l?"]),
        expected,
        "a config may name loopback, to try things out"
    );
}
