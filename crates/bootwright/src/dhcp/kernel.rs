//! DHCP through UDP sockets of the kernel, one for each link and port.

use bootwright_net::udp::{Batch, Outgoing, Socket};
use bootwright_proto::dhcp::Port;

use super::answer::{Answered, Desk};

/// The longest packet that is read whole; anything longer is no DHCP of Ethernet.
const PACKET_MAX: usize = 2048;

/// Answers what arrives on a socket, for as long as the future is polled.
pub async fn listen(desk: Desk, socket: Socket, port: Port) {
    let mut batch = Batch::new(PACKET_MAX);
    loop {
        if let Err(error) = socket.receive(&mut batch).await {
            tracing::warn!(link = %desk.place().name, why = %error, "cannot receive DHCP packets");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            continue;
        }
        let answers: Vec<Answered> = batch
            .datagrams()
            .filter_map(|datagram| desk.handle(&datagram, port))
            .collect();
        send(&desk, &socket, &answers).await;
    }
}

async fn send(desk: &Desk, socket: &Socket, answers: &[Answered]) {
    let outgoing: Vec<Outgoing<'_>> = answers
        .iter()
        .map(|answer| Outgoing {
            payload: &answer.payload,
            to: answer.receiver(),
            from: answer.from,
        })
        .collect();
    for (place, error) in socket.send_all(&outgoing).await {
        desk.counters().count("dhcp", "send-failed");
        let peer = outgoing.get(place).map(|outgoing| tracing::field::display(outgoing.to));
        tracing::warn!(link = %desk.place().name, peer, why = %error, "cannot send a DHCP reply");
    }
}
