//! Connections of browsers and other boxes, each bounded in number, time and size.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::gate::Gate;
use super::limit::{Place, Places};
use super::{Ends, Settings};

/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// How long the head of a request may take, and the pause between requests.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// The largest head, in bytes.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// How long nothing of an answer may be taken before a connection is given up.
const STALL_WITHIN: Duration = Duration::from_secs(60);

/// The first byte of a handshake of TLS.
const HANDSHAKE: u8 = 22;

/// What somebody is told who speaks plain HTTP where TLS is.
const PLAIN: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 47\r\n\r\n\
    this port speaks TLS: write https:// in the URL";

/// Binds the port: for both families where all addresses are meant, as far as the box has them.
pub(super) fn bind(settings: &Settings) -> io::Result<Vec<std::net::TcpListener>> {
    let at = |address: IpAddr| listen_at(SocketAddr::new(address, settings.port));
    if let Some(address) = settings.address {
        return Ok(vec![at(address)?]);
    }
    let mut listeners = vec![at(Ipv4Addr::UNSPECIFIED.into())?];
    match at(Ipv6Addr::UNSPECIFIED.into()) {
        Ok(listener) => listeners.push(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        Err(error) => tracing::debug!(why = %error, "the dashboard is not served over IPv6"),
    }
    Ok(listeners)
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
    socket.listen(1024)?;
    Ok(socket.into())
}

/// Serves a listener for as long as the future is polled.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    tls: Option<Arc<ServerConfig>>,
    gate: Arc<Gate>,
    places: Arc<Places>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(why = %error, "the dashboard's listener cannot be used");
            return;
        }
    };
    let acceptor = tls.map(TlsAcceptor::from);
    loop {
        match listener.accept().await {
            // One too many is closed at once, so that those who are here are not held up by those who wait.
            Ok((stream, peer)) => match places.take(peer.ip()) {
                Some(place) => drop(tokio::spawn(connection(
                    stream,
                    peer,
                    acceptor.clone(),
                    Arc::clone(&gate),
                    place,
                ))),
                None => tracing::debug!(%peer, "too many connections to the dashboard"),
            },
            Err(error) => {
                // Out of descriptors or memory: those who are here go on.
                tracing::warn!(why = %error, "cannot accept a connection to the dashboard");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    mut stream: TcpStream,
    peer: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    gate: Arc<Gate>,
    place: Place,
) {
    let Ok(local) = stream.local_addr() else { return };
    let socket = socket2::SockRef::from(&stream);
    // None is vital: a vanished or deaf peer is noticed a little later.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_keepalive(true);
    let _ = socket.set_tcp_user_timeout(Some(STALL_WITHIN));
    let ends = Ends { peer, local };
    match acceptor {
        None => converse(stream, ends, gate).await,
        Some(acceptor) => {
            let mut first = [0];
            match timeout(HANDSHAKE_WITHIN, stream.peek(&mut first)).await {
                Ok(Ok(1)) if first[0] == HANDSHAKE => {}
                Ok(Ok(1)) => {
                    // Whether it arrives is theirs to say.
                    let _ = timeout(HANDSHAKE_WITHIN, stream.write_all(PLAIN)).await;
                    return;
                }
                _ => return,
            }
            match timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => converse(stream, ends, gate).await,
                Ok(Err(error)) => tracing::debug!(%peer, why = %error, "no TLS with a browser or a program"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
        }
    }
    drop(place);
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, ends: Ends, gate: Arc<Gate>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let gate = Arc::clone(&gate);
        async move {
            let answer: Response<Body> = gate.pass(request.map(Body::new), ends).await;
            Ok::<_, Infallible>(answer)
        }
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = conversation.await {
        tracing::debug!(peer = %ends.peer, why = %error, "a connection to the dashboard ended early");
    }
}
