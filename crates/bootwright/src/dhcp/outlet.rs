//! How replies leave a link: through a UDP socket of the kernel, or as frames of our own making.

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_core::MacAddr;
use bootwright_net::frame::{BROADCAST, FrameSocket, OutgoingFrame};
use bootwright_net::udp::{Outgoing, Socket};
use bootwright_proto::dhcp::{CLIENT_PORT, Destination, PXE_PORT, Port, SERVER_PORT};

use super::answer::Desk;

/// A reply on its way.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) payload: Vec<u8>,
    pub(super) to: Destination,
    /// Our address, and the port of ours that was asked.
    pub(super) from: (Ipv4Addr, Port),
    /// The station that the request came from, where it was captured.
    pub(super) station: Option<MacAddr>,
}

/// The way out of a link.
#[derive(Debug)]
pub enum Outlet {
    /// Through the socket on which the request arrived.
    Kernel {
        /// The socket.
        socket: Socket,
        /// For a client that has no address yet, so that the kernel could not find it. Without it everybody on the segment
        /// gets the reply, which all clients take.
        frames: Option<FrameSocket>,
    },
    /// As frames, since another program holds the port.
    Packet {
        /// The way for frames.
        frames: FrameSocket,
        /// Our kernel socket on port 4011. It stays bound, although the packets are taken from the capture: without it the
        /// kernel would tell clients that nobody is there, and EDK2 believes it.
        pxe: Option<Socket>,
    },
}

impl Outlet {
    /// Sends the replies, as many at once as the kernel takes.
    pub(super) async fn send(&self, desk: &Desk, answers: &[Answered]) {
        for answer in answers {
            desk.show("sent", answer.receiver(), &answer.payload);
        }
        match self {
            Self::Kernel { socket, frames } => {
                let by_frame = |answer: &&Answered| frames.is_some() && answer.has_no_address_yet();
                if let Some(frames) = frames {
                    for answer in answers.iter().filter(by_frame) {
                        desk.note_sent(answer.receiver(), send_frame(frames, answer));
                    }
                }
                let rest = answers.iter().filter(|answer| !by_frame(answer));
                send_by_socket(desk, socket, rest).await;
            }
            Self::Packet { frames, pxe } => {
                for answer in answers {
                    let sent = match (answer.to, pxe) {
                        // Whoever has an address is reached like anybody else, through the routing table if need be.
                        (Destination::Unicast { .. }, Some(socket)) if answer.from.1 == Port::Pxe => {
                            socket.send(&answer.outgoing()).await
                        }
                        _ => send_frame(frames, answer),
                    };
                    desk.note_sent(answer.receiver(), sent);
                }
            }
        }
    }
}

async fn send_by_socket<'a>(desk: &Desk, socket: &Socket, answers: impl Iterator<Item = &'a Answered>) {
    let outgoing: Vec<Outgoing<'_>> = answers.map(Answered::outgoing).collect();
    for (place, error) in socket.send_all(&outgoing).await {
        let to = outgoing
            .get(place)
            .map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), |outgoing| outgoing.to);
        desk.note_sent(to, Err(error));
    }
}

fn send_frame(frames: &FrameSocket, answer: &Answered) -> std::io::Result<()> {
    let (mut to, station) = match answer.to {
        Destination::LinkUnicast { mac, yiaddr } => (SocketAddrV4::new(yiaddr, CLIENT_PORT), Some(mac)),
        Destination::BroadcastLocal { .. } | Destination::Unicast { .. } | Destination::Relay { .. } => {
            (answer.receiver(), answer.station)
        }
    };
    let station = match station {
        Some(station) if *to.ip() != Ipv4Addr::BROADCAST => station,
        Some(_) => BROADCAST,
        None => {
            to.set_ip(Ipv4Addr::BROADCAST);
            BROADCAST
        }
    };
    frames.send(&OutgoingFrame {
        payload: &answer.payload,
        from: SocketAddrV4::new(answer.from.0, answer.from.1.number()),
        to,
        station,
    })
}

impl Answered {
    /// The receiver, as far as a UDP socket can reach it.
    pub(super) fn receiver(&self) -> SocketAddrV4 {
        match self.to {
            Destination::BroadcastLocal { port } => SocketAddrV4::new(Ipv4Addr::BROADCAST, port),
            Destination::Unicast { addr, port } => SocketAddrV4::new(addr, port),
            Destination::Relay { giaddr } => SocketAddrV4::new(giaddr, SERVER_PORT),
            // Whoever has no address yet hears what everybody hears.
            Destination::LinkUnicast { .. } => SocketAddrV4::new(Ipv4Addr::BROADCAST, CLIENT_PORT),
        }
    }

    const fn has_no_address_yet(&self) -> bool {
        matches!(self.to, Destination::LinkUnicast { .. })
    }

    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            payload: &self.payload,
            to: self.receiver(),
            from: self.from.0,
        }
    }
}

/// The port of ours that a packet was sent to, if it is one on which DHCP is spoken.
pub(super) const fn port(number: u16) -> Option<Port> {
    match number {
        SERVER_PORT => Some(Port::Dhcp),
        PXE_PORT => Some(Port::Pxe),
        _ => None,
    }
}
