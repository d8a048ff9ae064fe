//! One POST over HTTP or HTTPS to a receiver, on a connection that is kept for the next.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::http::uri::Scheme;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// As much of an answer is read, so that the connection can be kept; nothing in it is looked at.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Why a message was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    /// In words.
    pub(super) why: String,
    /// Whether the receiver says that the message itself is at fault.
    pub(super) lasting: bool,
}

impl Refusal {
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            lasting: false,
        }
    }
}

/// A connection to a receiver, if there is one.
#[derive(Default)]
pub(super) struct Line {
    sender: Option<SendRequest<Full<Bytes>>>,
    tls: Option<Arc<ClientConfig>>,
}

/// Scheme, host and port of a URL. The rest may be a secret.
pub(super) fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?', '#']));
    end.and_then(|end| url.get(..start + end)).unwrap_or(url)
}

impl Line {
    /// Sends it and waits until it is taken, which is any status of 200 to 299. Nobody is led elsewhere.
    pub(super) async fn post(
        &mut self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
        patience: Duration,
    ) -> Result<(), Refusal> {
        let kept = self.sender.take();
        let url: Uri = url.parse().map_err(|_| Refusal::passing("its URL cannot be read"))?;
        let place = origin_of(&url);
        let request = request(&url, headers, body);
        let asking = async {
            let kept = match kept {
                Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
                None => None,
            };
            let mut sender = match kept {
                Some(sender) => sender,
                None => self.connect(&url).await?,
            };
            let response = sender.send_request(request).await;
            let response = response.map_err(|error| format!("{place} broke off: {error}"))?;
            Ok::<_, String>((sender, response))
        };
        let late = |_| Refusal::passing(format!("{place} has not answered within {} s", patience.as_secs()));
        let (sender, response) = timeout(patience, asking)
            .await
            .map_err(late)?
            .map_err(Refusal::passing)?;
        let status = response.status();
        let rest = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        // Its status is the answer; one that goes on talking is hung up on.
        if let Ok(Ok(_)) = timeout(Duration::from_secs(1), rest).await {
            self.sender = Some(sender);
        }
        if status.is_success() {
            return Ok(());
        }
        let later = matches!(status.as_u16(), 408 | 425 | 429);
        Err(Refusal {
            why: format!("{place} answers with {status}"),
            lasting: status.is_client_error() && !later,
        })
    }

    async fn connect(&mut self, url: &Uri) -> Result<SendRequest<Full<Bytes>>, String> {
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_tls = url.scheme() == Some(&Scheme::HTTPS);
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let failed = |why: String| format!("cannot reach {}: {why}", origin_of(url));
        let stream = TcpStream::connect((host.as_str(), port)).await;
        let stream = stream.map_err(|error| failed(error.to_string()))?;
        // The last piece of a request is not held back.
        let _ = stream.set_nodelay(true);
        if !is_tls {
            return handshake(stream).await.map_err(failed);
        }
        let tls = match &self.tls {
            Some(tls) => Arc::clone(tls),
            None => {
                let read = tokio::task::spawn_blocking(trusted).await;
                let tls = read.map_err(|_| failed("the certificates of this box cannot be read".to_owned()))?;
                Arc::clone(self.tls.insert(tls))
            }
        };
        let name = ServerName::try_from(host).map_err(|error| failed(error.to_string()))?;
        let stream = TlsConnector::from(tls).connect(name, stream).await;
        handshake(stream.map_err(|error| failed(error.to_string()))?)
            .await
            .map_err(failed)
    }
}

fn origin_of(url: &Uri) -> String {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", url.scheme_str().unwrap_or("http"))
}

fn request(url: &Uri, headers: &[(&'static str, String)], body: String) -> Request<Full<Bytes>> {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(url.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, authority)
        .header(USER_AGENT, concat!("bootwright/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    // Only texts that were read as a URL, digits and our own ids are in it.
    request.body(Full::new(body.into())).unwrap_or_default()
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|error| error.to_string())?;
    // It ends with its sender.
    tokio::spawn(connection);
    Ok(sender)
}

/// What this machine's administrator trusts.
fn trusted() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_only_the_origin_is_shown() {
        for (url, shown) in [
            ("https://a.example:8443/T0/secret?x", "https://a.example:8443"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("https://a.example?key=1", "https://a.example"),
        ] {
            assert_eq!(origin(url), shown);
        }
    }
}
