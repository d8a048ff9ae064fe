//! What is around us: neighbours on the wire, and the box or container we are in.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use bootwright_net::environment::{Environment, Facts};
use bootwright_net::neighbour::station;
use bootwright_net::port;

use crate::netns::{End, Netns, cable, mac};
use crate::runtime::runtime;

#[test]
fn a_client_is_known_by_its_station_as_soon_as_it_has_spoken_with_us() {
    let (server, client) = (Netns::new("server"), Netns::new("client"));
    cable(
        &End::new(&server, "eth0", "10.5.0.1/24"),
        &End::new(&client, "eth0", "10.5.0.9/24"),
    );
    let known = || {
        server.run(|| {
            runtime()
                .block_on(station([10, 5, 0, 9].into()))
                .expect("the table is read")
        })
    };
    assert_eq!(known(), None);
    // A question and an answer, as in every connection.
    let listener = server.run(|| UdpSocket::bind("10.5.0.1:8080").expect("our address"));
    listener
        .set_read_timeout(Some(Duration::from_secs(5)))
        .expect("a timeout");
    client.run(|| {
        let socket = UdpSocket::bind("10.5.0.9:0").expect("the client's address");
        socket.send_to(b"who am I", "10.5.0.1:8080").expect("there is a route");
    });
    let (_, source) = listener.recv_from(&mut [0; 16]).expect("it arrives");
    listener.send_to(b"you are", source).expect("there is a route");
    let start = Instant::now();
    let expected = Some(mac(&client, "eth0").parse().expect("an address"));
    while known() != expected {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "the kernel never learnt the station"
        );
    }
    assert!(
        server.run(|| port::owners(8080)).is_empty(),
        "a port of our own has no foreign owner"
    );
}

#[test]
fn the_facts_are_those_of_the_namespace_we_are_in() {
    let (inside, outside, elsewhere) = (Netns::new("inside"), Netns::new("outside"), Netns::new("elsewhere"));
    // As on a box, the index that the container's link has is taken outside.
    cable(&End::bare(&outside, "card"), &End::bare(&elsewhere, "wire"));
    cable(
        &End::new(&inside, "eth0", "172.18.0.2/16"),
        &End::bare(&outside, "veth0"),
    );
    let mut facts = inside.run(|| Facts::gather().expect("links are listed"));
    assert_eq!(
        facts.links.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(),
        ["lo", "eth0"]
    );
    assert!(!facts.kernel.is_empty() && !facts.hostname.is_empty());
    assert_eq!(facts.ends, ["eth0"]);
    // Whether this test itself runs in a container is not what is asked here.
    facts.container = true;
    facts.kernel = "6.12.0".to_owned();
    let expected = Environment::Bridged {
        link: "eth0".to_owned(),
        address: [172, 18, 0, 2].into(),
    };
    assert_eq!(facts.conclude(), expected);
}
