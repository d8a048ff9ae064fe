//! Which station has an address, as the kernel learnt it by speaking with it.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use bootwright_net::neighbour::station;

use crate::netns::{End, Netns, cable, mac};
use crate::runtime::runtime;

fn known(inside: &Netns, address: &str) -> Option<String> {
    let address: IpAddr = address.parse().expect("an address");
    inside.run(|| {
        let found = runtime().block_on(station(address)).expect("the table is read");
        found.map(|station| station.to_string())
    })
}

#[test]
fn who_has_spoken_with_us_is_known_by_its_card_over_both_families() {
    let (here, there) = (Netns::new("here"), Netns::new("there"));
    cable(
        &End::new(&here, "eth0", "10.1.0.1/24"),
        &End::new(&there, "eth0", "10.1.0.2/24"),
    );
    here.ip("addr add fd00::1/64 dev eth0 nodad");
    there.ip("addr add fd00::2/64 dev eth0 nodad");
    for (ours, theirs, nobody) in [("10.1.0.1", "10.1.0.2", "10.1.0.3"), ("fd00::1", "fd00::2", "fd00::3")] {
        assert_eq!(known(&here, theirs), None, "nobody has spoken yet");
        let listener = here.run(|| TcpListener::bind((ours, 8080)).expect("a port"));
        let to: SocketAddr = listener.local_addr().expect("an address");
        let mut caller = there.run(move || TcpStream::connect(to).expect("a connection"));
        let (taken, from) = listener.accept().expect("a caller");
        assert_eq!(from.ip().to_string(), theirs);
        assert_eq!(known(&here, theirs), Some(mac(&there, "eth0")), "{theirs}");
        assert_eq!(known(&here, nobody), None, "{nobody}");
        drop(taken);
        assert_eq!(caller.read(&mut [0; 1]).expect("an end"), 0);
    }
}
