//! TFTP as a part of the whole daemon: what readers see of a transfer, and how it ends with the daemon.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::cli::ask;
use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::install::{CONFIG, OURS, question, segment};
use crate::netns::Netns;

const HOST: &str = "52:54:00:00:00:01";
const FILE: &str = "undionly.kpxe";
const BLOCK: usize = 512;
/// What the daemon's file has, in bytes: see `Daemon::make_firmware`.
const SIZE: usize = 70_000;

/// A client that takes a block when it is told to.
pub(crate) struct Slow {
    socket: UdpSocket,
    /// The port that the transfer runs from, and the last block that came, once there is one.
    from: Option<(SocketAddr, u16)>,
}

impl Slow {
    pub(crate) fn ask(machine: &Netns) -> Self {
        let socket = machine.run(|| UdpSocket::bind("10.77.0.50:0").expect("the address is there"));
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let request = format!("\0\u{1}{FILE}\0octet\0");
        socket
            .send_to(request.as_bytes(), (OURS, 69))
            .expect("there is a route");
        Self { socket, from: None }
    }

    /// Acknowledges what came last.
    pub(crate) fn acknowledge(&self) {
        if let Some((from, block)) = self.from {
            let [high, low] = block.to_be_bytes();
            // A port that is closed by now shows when reading.
            let _ = self.socket.send_to(&[0, 4, high, low], from);
        }
    }

    /// Acknowledges what came last and takes the next packet: a new block's length, or an error's text.
    pub(crate) fn take(&mut self) -> Result<usize, String> {
        self.acknowledge();
        loop {
            let mut packet = [0; 600];
            let (len, from) = self.socket.recv_from(&mut packet).expect("a packet comes");
            match packet[..len] {
                [0, 3, high, low, ..] => {
                    let block = u16::from_be_bytes([high, low]);
                    if self.from.replace((from, block)).is_none_or(|(_, last)| last != block) {
                        return Ok(len - 4);
                    }
                }
                [0, 5, _, _, ref text @ .., 0] => return Err(String::from_utf8_lossy(text).into_owned()),
                _ => panic!("neither a block nor an error: {:?}", &packet[..len]),
            }
        }
    }
}

#[test]
fn a_transfer_under_way_is_shown_with_its_bytes_until_it_ends() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    // This tells the daemon who has the address.
    assert_eq!(get(&machine, OURS, &question(&HOST.replace(':', "-"))).status, 200);
    let progress = || {
        let answer = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
        let host: serde_json::Value = serde_json::from_slice(&answer.body).expect("a host");
        host["progress"].clone()
    };
    assert!(progress().is_null(), "nothing is under way");

    let mut client = Slow::ask(&machine);
    let mut taken = client.take().expect("the first block");
    let mut shown = serde_json::Value::Null;
    wait_until("the transfer is shown", || {
        taken += client.take().expect("another block");
        shown = progress();
        !shown.is_null()
    });
    assert_eq!((&shown["file"], &shown["bytes_total"]), (&FILE.into(), &SIZE.into()));
    let bytes = shown["bytes"].as_u64().expect("a number") as usize;
    assert!(bytes > 0 && bytes < taken && bytes.is_multiple_of(BLOCK), "{shown}");
    let said = ask(&daemon.socket(), &format!("host show {HOST}")).out;
    let line = said
        .lines()
        .find(|line| line.starts_with("progress"))
        .unwrap_or_default();
    assert!(line.contains("undionly.kpxe ") && line.ends_with(" of 70 kB"), "{said}");

    while taken < SIZE {
        taken += client.take().expect("another block");
    }
    // The last acknowledgement; nothing comes after it.
    let (from, block) = client.from.expect("a block came");
    let [high, low] = block.to_be_bytes();
    client
        .socket
        .send_to(&[0, 4, high, low], from)
        .expect("there is a route");
    wait_until("a transfer that is over is shown no more", || progress().is_null());
    wait_until("the delivery is recorded", || {
        let events = ask(&daemon.socket(), "events").out;
        events.contains(&format!("fetched {FILE}, 70 kB"))
    });
}

#[test]
fn a_daemon_that_stops_tells_the_clients_of_its_transfers() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::start(&inside, CONFIG);
    let mut client = Slow::ask(&machine);
    assert_eq!(client.take(), Ok(BLOCK));
    assert!(daemon.stop().success());
    client
        .socket
        .set_read_timeout(Some(Duration::from_secs(1)))
        .expect("a time limit");
    let mut ended = client.take();
    while ended.is_ok() {
        // Blocks that were sent again before.
        ended = client.take();
    }
    assert_eq!(ended, Err("the server stops".to_owned()));
}
