//! DHCP through captured packets and raw frames, for a box on which another program holds the port.

use std::sync::Arc;

use bootwright_net::snoop::Snoop;

use super::answer::{Desk, Handled};
use super::later;
use super::outlet::{self, Outlet};
use super::paper::Paper;

/// Answers what is captured on a link, for as long as the future is polled.
pub async fn capture(desk: Desk, snoop: Snoop, outlet: Outlet) {
    let outlet = Arc::new(outlet);
    let mut paper = Paper::default();
    loop {
        let captured = match snoop.receive().await {
            Ok(captured) => captured,
            Err(error) => {
                tracing::warn!(link = %desk.place().name, why = %error, "capturing has ended");
                return;
            }
        };
        let Some(port) = outlet::port(captured.destination.port()) else {
            continue;
        };
        match desk.handle(&captured.datagram(), port, &mut paper) {
            Some(Handled::Now(answered)) => {
                desk.count_answers(1);
                let mut answers = vec![answered];
                outlet.send(&desk, &answers).await;
                paper.give_back(&mut answers);
            }
            Some(Handled::Later(waiting)) => later::finish(&desk, &outlet, vec![waiting]),
            Some(Handled::Noted) | None => {}
        }
    }
}
