//! DHCP through captured packets and raw frames, for a box on which another program holds the port.

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_net::frame::{BROADCAST, FrameSocket, OutgoingFrame};
use bootwright_net::snoop::{Captured, Snoop};
use bootwright_net::udp::{Outgoing, Socket};
use bootwright_proto::dhcp::{Destination, PXE_PORT, Port, SERVER_PORT};

use super::answer::{Answered, Desk};

/// Answers what is captured on a link, for as long as the future is polled.
///
/// `pxe` is our kernel socket on port 4011. It stays bound, although the packets are taken from the capture: without it
/// the kernel would tell clients that nobody is there, and EDK2 believes it.
pub async fn capture(desk: Desk, snoop: Snoop, frames: FrameSocket, pxe: Option<Socket>) {
    loop {
        let captured = match snoop.receive().await {
            Ok(captured) => captured,
            Err(error) => {
                tracing::warn!(link = %desk.place().name, why = %error, "capturing has ended");
                return;
            }
        };
        let port = match captured.destination.port() {
            SERVER_PORT => Port::Dhcp,
            PXE_PORT => Port::Pxe,
            _ => continue,
        };
        if let Some(answer) = desk.handle(&captured.datagram(), port) {
            send(&desk, &captured, &answer, &frames, pxe.as_ref()).await;
        }
    }
}

async fn send(desk: &Desk, captured: &Captured, answer: &Answered, frames: &FrameSocket, pxe: Option<&Socket>) {
    let from = SocketAddrV4::new(answer.from, captured.destination.port());
    let to = answer.receiver();
    let sent = match (answer.to, pxe) {
        // Whoever has an address is reached like anybody else, through the routing table if need be.
        (Destination::Unicast { .. }, Some(socket)) if from.port() == PXE_PORT => {
            socket
                .send(&Outgoing {
                    payload: &answer.payload,
                    to,
                    from: answer.from,
                })
                .await
        }
        _ => {
            let station = if *to.ip() == Ipv4Addr::BROADCAST {
                BROADCAST
            } else {
                captured.source_mac
            };
            frames.send(&OutgoingFrame {
                payload: &answer.payload,
                from,
                to,
                station,
            })
        }
    };
    if let Err(error) = sent {
        desk.counters().count("dhcp", "send-failed");
        tracing::warn!(link = %desk.place().name, peer = %to, why = %error, "cannot send a DHCP reply");
    }
}
