//! DHCP over IPv6 through a UDP socket of the kernel, one for each link.

use std::net::Ipv6Addr;
use std::time::Duration;

use bootwright_net::udp6::Socket;

use super::answer::Desk;

/// The longest packet that is read whole; anything longer is no DHCP of Ethernet.
const PACKET_MAX: usize = 2048;

/// How long to leave a socket alone that cannot be read.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers what arrives on a socket, for as long as the future is polled.
pub async fn listen(desk: Desk, socket: Socket) {
    let mut buffer = vec![0; PACKET_MAX];
    loop {
        match socket.receive(&mut buffer).await {
            Ok(datagram) => {
                if let Some(answered) = desk.handle(&datagram) {
                    let sent = socket.try_send(&answered.payload, answered.to, Ipv6Addr::UNSPECIFIED);
                    desk.note_sent(answered.to, sent);
                }
            }
            Err(error) => {
                tracing::warn!(link = %desk.link(), why = %error, "cannot receive DHCPv6 packets");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
