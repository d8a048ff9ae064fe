//! A daemon on another box: by its URL and a token, over TLS. A certificate that it made itself is known by its fingerprint.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::Uri;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::argument::Common;
use super::failure::{Failure, plain};

/// The variable with the token itself, for where there is no file.
const TOKEN: &str = "BOOTWRIGHT_TOKEN";

/// What connects to it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A daemon on another box, as the words name it.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    url: String,
    token_file: Option<PathBuf>,
    fingerprint: Option<String>,
}

/// What a request to it needs.
pub(super) struct Reached {
    pub(super) stream: Box<dyn Stream>,
    /// For the header `Host`.
    pub(super) authority: String,
    /// For the header `Authorization`.
    pub(super) token: String,
}

impl Remote {
    /// The one that the words name, if they do.
    pub(super) fn of(common: &Common) -> Option<Self> {
        Some(Self {
            url: common.url.clone()?,
            token_file: common.token_file.clone(),
            fingerprint: common.fingerprint.clone(),
        })
    }

    /// Connects.
    pub(super) async fn reach(&self) -> Result<Reached, Failure> {
        let uri = self.uri()?;
        let token = self.token()?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(self.no_url());
        };
        let host = authority.host().trim_matches(['[', ']']);
        let secure = scheme == "https";
        let loopback = host == "localhost"
            || host
                .parse()
                .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
        if !secure && !loopback {
            return Err(Failure::Usage {
                message: format!("`{}` would send the token in the clear", self.url),
                hint: "write `https://`".to_owned(),
            });
        }
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let unreachable = |cause: &io::Error| Failure::Unreachable {
            url: self.url.clone(),
            why: plain(cause),
        };
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|cause| unreachable(&cause))?;
        let stream: Box<dyn Stream> = if secure {
            let name = ServerName::try_from(host.to_owned()).map_err(|_| self.no_url())?;
            let connector = TlsConnector::from(Arc::new(self.config()?));
            let stream = connector.connect(name, stream).await;
            Box::new(stream.map_err(|cause| self.untrusted(&cause))?)
        } else {
            Box::new(stream)
        };
        Ok(Reached {
            stream,
            authority: authority.to_string(),
            token,
        })
    }

    fn uri(&self) -> Result<Uri, Failure> {
        let uri: Uri = self.url.parse().map_err(|_| self.no_url())?;
        let fits = matches!(uri.scheme_str(), Some("https" | "http"))
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none()
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@'));
        if fits { Ok(uri) } else { Err(self.no_url()) }
    }

    fn no_url(&self) -> Failure {
        Failure::Usage {
            message: format!("`{}` is no URL of a daemon", self.url),
            hint: "write it as `https://boot.example.net:8443`".to_owned(),
        }
    }

    /// The token, from its file or the environment. An empty one is none.
    fn token(&self) -> Result<String, Failure> {
        let text = match &self.token_file {
            Some(path) => std::fs::read_to_string(path).map_err(|cause| unreadable(path, &cause))?,
            None => std::env::var(TOKEN).unwrap_or_default(),
        };
        let token = text.trim();
        let fits = !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic());
        if fits {
            return Ok(token.to_owned());
        }
        Err(Failure::Usage {
            message: match &self.token_file {
                Some(path) => format!("there is no token in `{}`", path.display()),
                None => "there is no token to log in with".to_owned(),
            },
            hint: format!(
                "make one on the box with `bootwright token create NAME`, and name its file with `--token-file` or set \
                 `{TOKEN}`"
            ),
        })
    }

    fn config(&self) -> Result<ClientConfig, Failure> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| Failure::Broken(error.to_string()))?;
        let Some(fingerprint) = &self.fingerprint else {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            return Ok(builder.with_root_certificates(roots).with_no_client_auth());
        };
        let sha256 = digest(fingerprint).ok_or_else(|| Failure::Usage {
            message: format!("`{fingerprint}` is no fingerprint"),
            hint: "it has 64 hexadecimal digits, with colons or without, as `bootwright status` on the box says"
                .to_owned(),
        })?;
        let pinned = Arc::new(Pinned { sha256, provider });
        Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(pinned)
            .with_no_client_auth())
    }

    fn untrusted(&self, cause: &io::Error) -> Failure {
        let error = cause.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match error {
            Some(Error::InvalidCertificate(_) | Error::General(_)) => Failure::Untrusted {
                url: self.url.clone(),
                why: match error {
                    Some(Error::General(why)) => why.clone(),
                    _ => "no authority that this box knows vouches for its certificate".to_owned(),
                },
            },
            _ => Failure::Unreachable {
                url: self.url.clone(),
                why: plain(cause),
            },
        }
    }
}

fn unreadable(path: &Path, cause: &io::Error) -> Failure {
    Failure::File {
        message: format!("cannot read `{}`: {}", path.display(), plain(cause)),
        hint: "name the file that holds the token with `--token-file`".to_owned(),
    }
}

/// Takes one certificate, whoever signed it and whatever names and dates stand in it: the one with this SHA-256.
#[derive(Debug)]
struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if <[u8; 32]>::from(Sha256::digest(certificate)) == self.sha256 {
            return Ok(ServerCertVerified::assertion());
        }
        let found = bootwright_console::door::fingerprint(certificate);
        Err(Error::General(format!(
            "its certificate has the SHA-256 {found}, not the one that was given"
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The bytes of a fingerprint, with colons or without.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !matches!(c, ':' | ' '))
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_browsers_and_openssl_show_it() {
        let text = "4F:".repeat(31) + "4f";
        assert_eq!(digest(&text), Some([0x4f; 32]));
        assert_eq!(digest(&"4f".repeat(32)), Some([0x4f; 32]));
        for bad in ["", "4F", &"4F:".repeat(33), &"4G".repeat(32), &"4".repeat(63)] {
            assert_eq!(digest(bad), None, "{bad}");
        }
    }
}
