//! One GET over HTTP or HTTPS: connect, ask, hand over what comes.
//!
//! Every step has a time limit, so that a mirror that falls silent is left for the next one. Redirects are followed by the
//! caller's rules.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderMap, IF_RANGE, LOCATION, RANGE, USER_AGENT};
use hyper::http::uri::Scheme;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::plain;

/// How long a connection may take, TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);

/// How long a server may think, and how long a download may bring nothing.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How often a request may be sent elsewhere.
const REDIRECTS_MAX: usize = 5;

/// Why nothing came.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It may go better another time.
    Passing(String),
    /// This place does not have it.
    Lasting(String),
}

/// What of a file is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resume {
    /// How many bytes are here.
    pub(crate) from: u64,
    /// What the server called the version that they are of.
    pub(crate) validator: String,
}

/// Asks, following redirects. Nobody is led from HTTPS to plain HTTP unless `open` says that the content is known by a hash
/// or a signature anyway.
pub(crate) async fn get(
    tls: &Arc<ClientConfig>,
    url: &str,
    resume: Option<&Resume>,
    open: bool,
) -> Result<Response<Incoming>, Trouble> {
    let mut url = parse(url)?;
    for _ in 0..=REDIRECTS_MAX {
        let response = ask(tls, &url, resume).await?;
        let status = response.status();
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return judge(&url, response);
        }
        let place = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let place = place.ok_or_else(|| Trouble::Lasting(format!("`{url}` leads on, but not where to")))?;
        let next = parse(&join(&url, place))?;
        if is_tls(&url) && !is_tls(&next) && !open {
            let words =
                format!("`{url}` leads on to plain HTTP, `{next}`, and no hash or signature says what is there");
            return Err(Trouble::Lasting(words));
        }
        url = next;
    }
    Err(Trouble::Lasting(format!(
        "more than {REDIRECTS_MAX} redirects, the last one to `{url}`"
    )))
}

fn judge(url: &Uri, response: Response<Incoming>) -> Result<Response<Incoming>, Trouble> {
    let status = response.status();
    let words = format!("`{url}` is answered with {status}");
    match status {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => Ok(response),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(Trouble::Passing(words)),
        status if status.is_server_error() => Err(Trouble::Passing(words)),
        _ => Err(Trouble::Lasting(words)),
    }
}

async fn ask(tls: &Arc<ClientConfig>, url: &Uri, resume: Option<&Resume>) -> Result<Response<Incoming>, Trouble> {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_u16().unwrap_or(if is_tls(url) { 443 } else { 80 });
    let failed = |why: String| Trouble::Passing(format!("cannot reach `{host}`: {why}"));
    let connecting = async {
        let stream = TcpStream::connect((host.as_str(), port))
            .await
            .map_err(|error| failed(plain(&error)))?;
        // The last piece of a request is not held back.
        let _ = stream.set_nodelay(true);
        if !is_tls(url) {
            return Ok::<Box<dyn Stream>, Trouble>(Box::new(stream));
        }
        let name = ServerName::try_from(host.clone()).map_err(|error| failed(error.to_string()))?;
        let stream = TlsConnector::from(Arc::clone(tls))
            .connect(name, stream)
            .await
            .map_err(|error| failed(plain(&error)))?;
        Ok(Box::new(stream))
    };
    let stream = timeout(CONNECT_WITHIN, connecting)
        .await
        .map_err(|_| failed("it does not answer".to_owned()))??;
    let asking = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(error.to_string()))?;
        tokio::spawn(connection);
        sender
            .send_request(request(url, resume))
            .await
            .map_err(|error| failed(error.to_string()))
    };
    timeout(SILENCE_MAX, asking)
        .await
        .map_err(|_| failed("it does not answer".to_owned()))?
}

fn request(url: &Uri, resume: Option<&Resume>) -> Request<Empty<Bytes>> {
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::builder()
        .uri(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("bootwright/", env!("CARGO_PKG_VERSION")))
        // A file is wanted as it is, since its hash is known.
        .header(ACCEPT_ENCODING, "identity");
    if let Some(resume) = resume {
        request = request
            .header(RANGE, format!("bytes={}-", resume.from))
            .header(IF_RANGE, &resume.validator);
    }
    // Only texts that were read as a URL or came as a header are in it.
    request.body(Empty::new()).unwrap_or_default()
}

/// The next piece of a body; nothing at its end.
pub(crate) async fn piece(body: &mut Incoming) -> Result<Option<Bytes>, Trouble> {
    loop {
        let frame = timeout(SILENCE_MAX, body.frame())
            .await
            .map_err(|_| Trouble::Passing("the download stands still".to_owned()))?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(Trouble::Passing(format!("the download broke off: {error}"))),
        }
    }
}

/// A text of a header, if it is one.
pub(crate) fn header(headers: &HeaderMap, name: hyper::header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// What TLS trusts: the certificates that this machine's administrator trusts.
pub(crate) fn tls() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

fn parse(url: &str) -> Result<Uri, Trouble> {
    let wrong = |why: &str| Trouble::Lasting(format!("`{url}` {why}"));
    let parsed: Uri = url.parse().map_err(|_| wrong("is no URL"))?;
    let known = parsed.scheme() == Some(&Scheme::HTTP) || parsed.scheme() == Some(&Scheme::HTTPS);
    if !known || parsed.host().is_none_or(str::is_empty) {
        return Err(wrong("is no URL that begins with `http://` or `https://`"));
    }
    if parsed
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(Trouble::Lasting("a URL must not hold a password".to_owned()));
    }
    Ok(parsed)
}

fn is_tls(url: &Uri) -> bool {
    url.scheme() == Some(&Scheme::HTTPS)
}

/// A URL that is given relative to another (RFC 3986, without the rare `..`, which servers resolve themselves).
fn join(base: &Uri, place: &str) -> String {
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", |authority| authority.as_str());
    if place.contains("://") {
        place.to_owned()
    } else if let Some(rest) = place.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if place.starts_with('/') {
        format!("{scheme}://{authority}{place}")
    } else {
        let directory = base.path().rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("{scheme}://{authority}{directory}/{place}")
    }
}

/// Either kind of connection.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_read_as_browsers_read_it() {
        let base: Uri = "https://a.example:8443/x/y?z".parse().unwrap();
        for (place, full) in [
            ("http://b.example/c", "http://b.example/c"),
            ("//b.example/c", "https://b.example/c"),
            ("/c", "https://a.example:8443/c"),
            ("c", "https://a.example:8443/x/c"),
        ] {
            assert_eq!(join(&base, place), full);
        }
    }

    #[test]
    fn only_urls_without_passwords_and_of_the_web_are_fetched() {
        for bad in [
            "file:///etc/passwd",
            "ftp://a.example/x",
            "http://u:p@a.example/",
            "http:///x",
            "x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
