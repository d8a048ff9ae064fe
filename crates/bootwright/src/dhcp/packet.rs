//! DHCP through captured packets and raw frames, for a box on which another program holds the port.

use std::sync::Arc;
use std::time::Instant;

use bootwright_net::snoop::Snoop;

use super::answer::{Desk, Handled};
use super::later::{self, Tray};
use super::outlet::{self, Outlet};

/// Answers what is captured on a link, for as long as the future is polled.
pub async fn capture(desk: Desk, snoop: Snoop, outlet: Outlet) {
    let outlet = Arc::new(outlet);
    let mut tray = Tray::default();
    loop {
        let captured = tokio::select! {
            biased;
            () = tray.grants.settled() => {
                tray.send_recorded(&desk, &outlet).await;
                continue;
            }
            captured = snoop.receive() => captured,
        };
        let captured = match captured {
            Ok(captured) => captured,
            Err(error) => {
                tracing::warn!(code = "E107", link = %desk.place().name, why = %error, "capturing has ended");
                return;
            }
        };
        let Some(port) = outlet::port(captured.destination.port()) else {
            continue;
        };
        let read = Instant::now();
        match desk.handle(&captured.datagram(), port, &mut tray) {
            Some(Handled::Now(answered)) => {
                desk.count_answers(1);
                let mut answers = vec![answered];
                outlet.send(&desk, &answers).await;
                desk.time_answers(1, read);
                tray.paper.give_back(&mut answers);
            }
            Some(Handled::Later(offer)) => later::finish(&desk, &outlet, offer),
            Some(Handled::Noted) | None => {}
        }
    }
}
