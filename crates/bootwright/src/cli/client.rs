//! The API's client: HTTP over the daemon's Unix socket, or over TLS to another box.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bootwright_proto::http::api::{PREFIX, Problem};
pub(super) use bootwright_proto::http::encode as escape;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::argument::Common;
use super::failure::Failure;
use super::remote::{Remote, Stream};

/// No document of the API is longer.
const BODY_BYTES_MAX: usize = 256 << 20;

/// How long the daemon may take to answer. A reload renders everything before it answers.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a box may take to take a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// Who asks the daemon.
#[derive(Clone, Debug)]
pub(super) struct Client {
    place: Place,
}

/// Where the daemon is.
#[derive(Clone, Debug)]
enum Place {
    /// On this box.
    Socket(PathBuf),
    /// On another one.
    Remote(Remote),
}

/// A document of the API, and the text that it came as.
pub(super) struct Reply<T> {
    pub(super) document: T,
    pub(super) text: String,
}

impl Client {
    /// A client of the daemon that listens on this socket. It connects for each question.
    pub(super) fn new(socket: &Path) -> Self {
        Self {
            place: Place::Socket(socket.to_owned()),
        }
    }

    /// A client of the daemon that the words name.
    pub(super) fn of(common: &Common) -> Self {
        match Remote::of(common) {
            Some(remote) => Self {
                place: Place::Remote(remote),
            },
            None => Self::new(&common.socket),
        }
    }

    /// Asks for a document.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Reply<T>, Failure> {
        self.ask(self.request(Method::GET, path, Bytes::new())?).await
    }

    /// Sends a document and reads the answer.
    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<Reply<T>, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| Failure::Broken(error.to_string()))?;
        self.ask(self.request(Method::POST, path, body.into())?).await
    }

    /// Removes something and reads what is left.
    pub(super) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<Reply<T>, Failure> {
        self.ask(self.request(Method::DELETE, path, Bytes::new())?).await
    }

    /// Begins to read a stream of events behind the place `after`.
    pub(super) async fn stream(&self, path: &str, after: u64) -> Result<Incoming, Failure> {
        let mut request = self.request(Method::GET, path, Bytes::new())?;
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("text/event-stream"));
        headers.insert("last-event-id", after.into());
        let response = self.send(request).await?;
        if response.status() == StatusCode::OK {
            return Ok(response.into_body());
        }
        let (status, text) = collect(response).await?;
        Err(refused(status, text))
    }

    /// Begins to read something that is no document.
    pub(super) async fn download(&self, path: &str) -> Result<Incoming, Failure> {
        let response = self.send(self.request(Method::GET, path, Bytes::new())?).await?;
        if response.status() == StatusCode::OK {
            return Ok(response.into_body());
        }
        let (status, text) = collect(response).await?;
        Err(refused(status, text))
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
        Request::builder()
            .method(method)
            .uri(format!("{PREFIX}/{path}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| Failure::Broken(error.to_string()))
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure> {
        let headers = request.headers_mut();
        let stream: Box<dyn Stream> = match &self.place {
            Place::Socket(socket) => {
                headers.insert(header::HOST, header::HeaderValue::from_static("localhost"));
                let unreachable = |cause| Failure::NoDaemon {
                    socket: socket.clone(),
                    cause,
                };
                Box::new(UnixStream::connect(socket).await.map_err(unreachable)?)
            }
            Place::Remote(remote) => {
                let reached = tokio::time::timeout(CONNECT_WITHIN, remote.reach()).await;
                let reached = reached.map_err(|_| Failure::Broken("the daemon's box does not answer".to_owned()))??;
                let broken = |error: header::InvalidHeaderValue| Failure::Broken(error.to_string());
                headers.insert(header::HOST, reached.authority.parse().map_err(broken)?);
                let mut bearer: header::HeaderValue = format!("Bearer {}", reached.token).parse().map_err(broken)?;
                bearer.set_sensitive(true);
                headers.insert(header::AUTHORIZATION, bearer);
                reached.stream
            }
        };
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(&error))?;
        // It ends with the answer, or with the process.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|error| broken(&error))
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<Reply<T>, Failure> {
        let answer = async {
            let response = self.send(request).await?;
            collect(response).await
        };
        let (status, text) = tokio::time::timeout(PATIENCE, answer).await.map_err(|_| {
            let seconds = PATIENCE.as_secs();
            Failure::Broken(format!("the daemon has not answered within {seconds} seconds"))
        })??;
        if !status.is_success() {
            return Err(refused(status, text));
        }
        let document = serde_json::from_str(&text)
            .map_err(|error| Failure::Broken(format!("the daemon's answer cannot be understood: {error}")))?;
        Ok(Reply { document, text })
    }
}

async fn collect(response: Response<Incoming>) -> Result<(StatusCode, String), Failure> {
    let status = response.status();
    let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await;
    let bytes = body
        .map_err(|error| Failure::Broken(format!("the daemon's answer broke off: {error}")))?
        .to_bytes();
    let text =
        String::from_utf8(bytes.to_vec()).map_err(|_| Failure::Broken("the daemon's answer is no text".to_owned()))?;
    Ok((status, text))
}

fn refused(status: StatusCode, text: String) -> Failure {
    match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => Failure::Refused {
            problem: Box::new(problem),
            text,
        },
        Err(_) => Failure::Broken(format!("the daemon answered with status {}", status.as_u16())),
    }
}

fn broken(error: &hyper::Error) -> Failure {
    Failure::Broken(format!("the daemon's answer broke off: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_stays_within_one_part_of_the_path() {
        assert_eq!(escape("52:54:00:12:34:56"), "52:54:00:12:34:56");
        assert_eq!(escape("../a b?ä"), "..%2Fa%20b%3F%C3%A4");
    }
}
