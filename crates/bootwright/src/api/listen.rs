//! The control socket: who may connect, and for how long.

use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::Fault;
use super::operator;
use super::{ApiState, router};
use crate::counter::Counters;
use crate::mishap::contain_async;

/// The group whose members may use the socket, where the box has it.
const GROUP: &str = "bootwright";

/// The most connections at once: operators, followers of events, and a scraper or two.
const CONNECTIONS_MAX: usize = 256;

/// How long a client may take to say what it wants.
const HEADER_WITHIN: Duration = Duration::from_secs(30);

/// The longest head of a request.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Makes the control socket, for its owner and the group `bootwright`. A socket that a daemon left behind is replaced.
///
/// # Errors
/// When it cannot be made, or another daemon answers on it.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory)?;
    }
    let bound = bind_for_group(path).or_else(|error| {
        if error.kind() != io::ErrorKind::AddrInUse {
            return Err(error);
        }
        remove_stale(path)?;
        bind_for_group(path)
    })?;
    Ok(bound)
}

/// Binds, and opens the socket to the group. Until then nobody else could connect: the mode of a new socket follows the
/// umask, which lets no others write.
fn bind_for_group(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    if let Some(group) = group_id() {
        // Without the right to give it away it stays in the group of who started the daemon.
        let _ = std::os::unix::fs::chown(path, None, Some(group));
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Removes a socket on which nobody answers.
fn remove_stale(path: &Path) -> io::Result<()> {
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is no socket is in its place; move it away, or name another socket with `--socket`",
        ));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another daemon answers on it; stop that one, or name another socket with `--socket`",
        )),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
    }
}

fn group_id() -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(GROUP)).then(|| fields.nth(1)?.parse().ok())?
    })
}

/// Serves operators, for as long as the future is polled.
pub async fn serve(listener: UnixListener, state: ApiState) {
    let counters = Arc::clone(&state.counters);
    let router = router(state);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, router.clone(), Arc::clone(&counters), place));
            }
            Err(error) => {
                // Such as too many open files: others may close some.
                tracing::error!(why = %error, "cannot accept an operator's connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, router: axum::Router, counters: Arc<Counters>, place: OwnedSemaphorePermit) {
    let operator = match stream.peer_cred() {
        Ok(peer) => operator::of_user(peer.uid()),
        Err(error) => {
            tracing::warn!(why = %error, "cannot tell who connects to the control socket");
            return;
        }
    };
    let router = TowerToHyperService::new(router.layer(Extension(operator)));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (router, counters) = (router.clone(), Arc::clone(&counters));
        async move {
            let stumbled = || Ok(Fault::internal("this request made the daemon stumble").into_response());
            let answered = contain_async(&counters, "api", async move { router.call(request).await }).await;
            answered.unwrap_or_else(stumbled)
        }
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = conversation.await {
        tracing::debug!(why = %error, "an operator's connection broke off");
    }
    drop(place);
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_socket_that_nobody_answers_on_is_replaced_and_a_live_one_is_left_alone() {
        let directory = std::env::temp_dir().join(format!("bootwright-socket-{}", std::process::id()));
        let path = directory.join("control.sock");
        let first = listen(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let error = listen(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        let second = listen(&path).unwrap();
        assert!(UnixStream::connect(&path).await.is_ok());
        drop(second);
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let directory = std::env::temp_dir().join(format!("bootwright-no-socket-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("control.sock");
        std::fs::write(&path, "precious").unwrap();
        assert!(listen(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[tokio::test]
    async fn fault_46_a_handler_that_panics_costs_its_own_request_and_is_counted() {
        async fn panics() {
            panic!("on purpose")
        }
        let router = axum::Router::new()
            .route("/bad", axum::routing::get(panics))
            .route("/good", axum::routing::get(async || "well"));
        let counters = Arc::new(Counters::default());
        let (mut client, server) = UnixStream::pair().unwrap();
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let conversation = tokio::spawn(converse(server, router, Arc::clone(&counters), place));
        let requests =
            b"GET /bad HTTP/1.1\r\nHost: x\r\n\r\nGET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        client.write_all(requests).await.unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        conversation.await.unwrap();
        assert!(answers.starts_with("HTTP/1.1 500 "), "{answers}");
        assert!(
            answers.contains("HTTP/1.1 200 OK") && answers.ends_with("well"),
            "{answers}"
        );
        assert_eq!(counters.all(), [("api", "panicked", 1)]);
    }
}
