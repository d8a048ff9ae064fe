//! Connections of machines, each bounded in number, time and size.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bootwright_config::{Dialect, Listen};
use bootwright_net::sendfile::SendfileIo;
use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Plane;
use super::answer::words;
use super::head::{PromptHeads, Turn};
use super::route::route;
use super::source::Source;
use crate::mishap::contain_async;

/// How many connections may be open at once: a thousand machines with some to spare.
const CONNECTIONS_MAX: usize = 8192;
/// How many descriptors connections leave to the others: a socket for each transfer of TFTP, the listeners, the store.
const DESCRIPTORS_LEFT: u64 = 2304;
/// What a connection takes: its socket, and the file that it sends.
const DESCRIPTORS_EACH: u64 = 2;
/// The longest time for the head of a request, from its first byte; the first one's from the connection's beginning.
const HEADER_WITHIN: Duration = Duration::from_secs(5);
/// The longest pause between requests. iPXE gives a connection up after ten seconds without use; as we wait longer, it
/// never asks on one that is being closed.
const IDLE_WITHIN: Duration = Duration::from_secs(20);
/// The longest time in which nothing of an answer is taken: firmware may verify or unpack in between.
const STALL_WITHIN: Duration = Duration::from_secs(120);
/// The largest head, in bytes; iPXE's own requests stay below half of it.
const HEADER_BYTES_MAX: usize = 8 << 10;

/// Binds the machine plane's port.
///
/// # Errors
/// With the words for the operator: who holds the port, and what to change.
pub fn bind(listen: Listen) -> io::Result<std::net::TcpListener> {
    let address = listen.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    listen_at(SocketAddr::new(address, listen.port))
}

/// Binds the same port for IPv6, if all addresses are to be listened on.
///
/// # Errors
/// As [`bind`].
pub fn bind_ipv6(listen: Listen) -> io::Result<Option<std::net::TcpListener>> {
    let all = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), listen.port);
    listen.address.is_none().then(|| listen_at(all)).transpose()
}

fn listen_at(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM.nonblocking(),
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.ip().is_unspecified() && address.is_ipv6() {
        // The other family has a socket of its own.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// How many connections to accept at once where so many descriptors may be open. Those beyond wait in the kernel's queue,
/// so that machines on DHCP and TFTP never hear of them.
#[must_use]
pub fn connections_within(descriptors: u64) -> usize {
    let left = DESCRIPTORS_LEFT.min(descriptors / 2);
    let most = descriptors.saturating_sub(left) / DESCRIPTORS_EACH;
    usize::try_from(most).map_or(CONNECTIONS_MAX, |most| most.clamp(1, CONNECTIONS_MAX))
}

/// Serves machines for as long as the future is polled, at the door of a dialect or at our own. All listeners share the
/// slots, of which each connection takes one.
pub async fn serve(plane: Arc<Plane>, listener: TcpListener, slots: Arc<Semaphore>, door: Option<Dialect>) {
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => match plane.sources.admit(peer.ip().to_canonical()) {
                Some(source) => {
                    tokio::spawn(connection(Arc::clone(&plane), stream, peer, (slot, source), door));
                }
                None => plane.counters.count("http", "too-many-connections"),
            },
            Err(error) => {
                // Out of descriptors or memory: those who are here go on, the next ones wait.
                tracing::warn!(why = %error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    plane: Arc<Plane>,
    stream: TcpStream,
    peer: SocketAddr,
    held: (OwnedSemaphorePermit, Source),
    door: Option<Dialect>,
) {
    let (slot, mut source) = held;
    let Ok(local) = stream.local_addr() else { return };
    // Neither is vital: small answers leave a little later, and a vanished peer is noticed when something is sent.
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream).set_keepalive(true);
    let io = SendfileIo::new(stream).with_stall_limit(STALL_WITHIN);
    let gone = io.gone();
    let turn = Turn::default();
    let io = PromptHeads::new(io, turn.clone(), HEADER_WITHIN);
    let service = service_fn(|request| {
        let (plane, answering) = (Arc::clone(&plane), turn.answer());
        async move {
            let _until_answered = answering;
            let answered = contain_async(
                &plane.counters,
                "http",
                route(Arc::clone(&plane), peer, local, door, request),
            )
            .await;
            let answer = || {
                words(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "this request made the daemon stumble",
                )
            };
            Ok::<_, Infallible>(answered.unwrap_or_else(answer))
        }
    });
    let serving = http1::Builder::new()
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_header_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(io), service);
    let served = tokio::select! {
        served = serving => served,
        // Said before the connection is dropped, and that is before the branch below it is taken.
        () = async { source.forgotten().await; gone.store(true, Ordering::Relaxed) } => {
            plane.counters.count("http", "forgotten");
            Ok(())
        }
    };
    if let Err(error) = served {
        // Firmware ends connections by resetting them.
        tracing::debug!(peer = %peer, why = %error, "a connection ended early");
        plane.counters.count("http", "ended-early");
    }
    drop((slot, source));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_others() {
        for (descriptors, connections) in [(0, 1), (64, 16), (1024, 256), (20_000, 8192), (u64::MAX, 8192)] {
            assert_eq!(connections_within(descriptors), connections, "{descriptors}");
        }
    }
}
