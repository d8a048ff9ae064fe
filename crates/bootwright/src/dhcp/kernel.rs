//! DHCP through UDP sockets of the kernel, one for each link and port.

use std::sync::Arc;
use std::time::Instant;

use bootwright_net::udp::Batch;
use bootwright_proto::dhcp::Port;

use super::answer::{Desk, Handled};
use super::later::{self, Tray};
use super::outlet::Outlet;

/// The longest packet that is read whole; anything longer is no DHCP of Ethernet.
const PACKET_MAX: usize = 2048;

/// Answers what arrives on a socket, for as long as the future is polled.
pub async fn listen(desk: Desk, outlet: Outlet, port: Port) {
    let outlet = Arc::new(outlet);
    let Outlet::Kernel { socket, .. } = &*outlet else {
        return;
    };
    let mut batch = Batch::new(PACKET_MAX);
    let mut tray = Tray::default();
    let mut now = Vec::new();
    loop {
        let received = tokio::select! {
            biased;
            () = tray.grants.settled() => {
                tray.send_recorded(&desk, &outlet).await;
                continue;
            }
            received = socket.receive(&mut batch) => received,
        };
        if let Err(error) = received {
            tracing::warn!(link = %desk.place().name, why = %error, "cannot receive DHCP packets");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            continue;
        }
        let read = Instant::now();
        for datagram in batch.datagrams() {
            match desk.handle(&datagram, port, &mut tray) {
                Some(Handled::Now(answered)) => now.push(answered),
                Some(Handled::Later(offer)) => later::finish(&desk, &outlet, offer),
                Some(Handled::Noted) | None => {}
            }
        }
        desk.count_answers(now.len());
        outlet.send(&desk, &now).await;
        desk.time_answers(now.len(), read);
        tray.paper.give_back(&mut now);
    }
}
