//! One fetch by TFTP, as UEFI makes it.

use std::net::Ipv4Addr;
use std::time::Duration;

use bootwright_client::tftp::{End, Receiver, Wish};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

/// The port on which TFTP servers listen (RFC 1350).
const TFTP_PORT: u16 = 69;

/// How long a packet is waited for before the last thing is said again, and how often: on one box nothing is far.
const PATIENCE: Duration = Duration::from_millis(700);
const TRIES: u8 = 3;

/// The file of this name.
pub(super) async fn fetch(server: Ipv4Addr, name: &str) -> Result<Vec<u8>, String> {
    let plain = |error: std::io::Error| error.to_string();
    let socket = UdpSocket::bind((server, 0)).await.map_err(plain)?;
    let [_, wish] = Wish::edk2(name.as_bytes());
    let wish = Wish {
        patience: PATIENCE,
        tries: TRIES,
        ..wish
    };
    let began = Instant::now();
    let (mut receiver, step) = Receiver::begin(wish, Duration::ZERO);
    let (mut file, mut out, mut packet) = (Vec::new(), [0; 600], [0; 2048]);
    let (mut reply, mut port) = (step.reply, TFTP_PORT);
    loop {
        if let Some(reply) = reply.take()
            && let Some(bytes) = receiver.render(reply, &mut out).and_then(|len| out.get(..len))
        {
            socket.send_to(bytes, (server, port)).await.map_err(plain)?;
        }
        let left = receiver.deadline().saturating_sub(began.elapsed());
        let step = match timeout(left, socket.recv_from(&mut packet)).await {
            Ok(Ok((len, from))) => {
                port = from.port();
                receiver.on_packet(began.elapsed(), port, packet.get(..len).unwrap_or_default())
            }
            // The kernel tells that nobody is there.
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => {
                port = receiver.server_port().unwrap_or(TFTP_PORT);
                receiver.on_timer(began.elapsed())
            }
        };
        file.extend(step.payload);
        reply = step.reply;
        match step.end {
            None => {}
            Some(End::Complete) => {
                if let Some(reply) = reply
                    && let Some(bytes) = receiver.render(reply, &mut out).and_then(|len| out.get(..len))
                {
                    // The server would ask again for its acknowledgement.
                    let _ = socket.send_to(bytes, (server, port)).await;
                }
                return Ok(file);
            }
            Some(End::Refused { text, .. }) => return Err(format!("refused: {text}")),
            Some(End::Silence) => return Err("no answer".to_owned()),
            Some(other) => return Err(format!("{other:?}")),
        }
    }
}
