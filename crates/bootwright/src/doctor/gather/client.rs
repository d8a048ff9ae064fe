//! One GET over HTTP, as iPXE would make it.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// No script is longer.
const BODY_BYTES_MAX: usize = 1 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// The status and the body of what is at a URL.
pub(super) async fn get(url: &str) -> Result<(u16, Vec<u8>), String> {
    tokio::time::timeout(PATIENCE, ask(url))
        .await
        .map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
}

async fn ask(url: &str) -> Result<(u16, Vec<u8>), String> {
    let rest = url.strip_prefix("http://").ok_or("it is no `http:` URL")?;
    let (host, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let place = if host.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let plain = |error: std::io::Error| error.to_string();
    let stream = TcpStream::connect(&place).await.map_err(plain)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    // It ends with the answer.
    tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "iPXE/1.21.1+ (bootwright doctor)")
        .body(Empty::<bytes::Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), BODY_BYTES_MAX)
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok((status, body.to_bytes().to_vec()))
}
