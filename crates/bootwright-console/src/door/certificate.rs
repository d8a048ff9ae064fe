//! The certificate of the control plane: one that we make and keep, or the site's own.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

use super::Tls;
use crate::access::shelf::{read_private, write_private};

/// What is served at this moment; nothing before it could be read.
#[derive(Debug, Default)]
pub(super) struct Served(ArcSwapOption<CertifiedKey>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

impl Served {
    /// The SHA-256 of the certificate, as browsers show it.
    pub(super) fn fingerprint(&self) -> Option<String> {
        let key = self.0.load_full()?;
        Some(fingerprint(key.end_entity_cert().ok()?))
    }

    /// Reads the certificate and serves it from now on. What was served before stays if that fails.
    ///
    /// # Errors
    /// What to tell.
    pub(super) fn read(&self, tls: &Tls, directory: &Path, names: &[String]) -> Result<(), String> {
        let (chain, key) = match tls {
            Tls::SelfSigned => self_signed(directory, names)?,
            Tls::Own { certificate, key } => own(certificate, key)?,
            Tls::Off => return Ok(()),
        };
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match tls {
            Tls::Own { certificate, key } => {
                format!(
                    "`{}` and `{}` do not go together: {error}",
                    certificate.display(),
                    key.display()
                )
            }
            Tls::SelfSigned | Tls::Off => format!("the certificate in `{}`: {error}", directory.display()),
        })?;
        self.0.store(Some(Arc::new(key)));
        Ok(())
    }
}

/// The SHA-256 of a certificate, as browsers show it: `4F:1C:…`.
#[must_use]
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// How connections are protected: TLS 1.3 or 1.2, HTTP/1.1 inside.
pub(super) fn config(served: Arc<Served>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider())).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(served);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate that we made, or a new one where there is neither it nor its key. One that is there and cannot be read is
/// not made anew: who has its fingerprint would be told of an attack.
fn self_signed(directory: &Path, names: &[String]) -> Result<Pair, String> {
    let (certificate_path, key_path) = (directory.join("control.crt"), directory.join("control.key"));
    let told = |path: &Path, error: &io::Error| format!("cannot read `{}`: {error}", path.display());
    let certificate = read_private(&certificate_path).map_err(|error| told(&certificate_path, &error))?;
    let key = read_private(&key_path).map_err(|error| told(&key_path, &error))?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok((
            vec![CertificateDer::from(certificate)],
            PrivatePkcs8KeyDer::from(key).into(),
        )),
        (None, None) => {
            let (certificate, key) = make(names).map_err(|error| format!("cannot make a certificate: {error}"))?;
            for (path, bytes) in [(&key_path, &key), (&certificate_path, &certificate)] {
                write_private(path, bytes).map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
            }
            Ok((
                vec![CertificateDer::from(certificate)],
                PrivatePkcs8KeyDer::from(key).into(),
            ))
        }
        (Some(_), None) | (None, Some(_)) => Err(format!(
            "of `{}` and `{}` one is missing; remove the other one too, and both are made anew, with another fingerprint",
            certificate_path.display(),
            key_path.display()
        )),
    }
}

fn make(names: &[String]) -> Result<(Vec<u8>, Vec<u8>), rcgen::Error> {
    let named = names
        .iter()
        .map(|name| name.trim_end_matches(|c: char| c.is_ascii_digit()));
    let named = named.map(|name| name.trim_end_matches(':').to_owned());
    let mut all = vec!["localhost".to_owned()];
    all.extend(named.filter(|name| !name.is_empty() && !name.contains(['[', ':'])));
    let mut params = rcgen::CertificateParams::new(all)?;
    let mut subject = rcgen::DistinguishedName::new();
    subject.push(rcgen::DnType::CommonName, "Bootwright");
    params.distinguished_name = subject;
    // The clock of a box without a battery may stand anywhere; what counts is the fingerprint.
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let key = rcgen::KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().to_vec(), key.serialize_der()))
}

/// The site's own certificate, with those between it and its authority, and its key, both as PEM.
fn own(certificate: &Path, key: &Path) -> Result<Pair, String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()));
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&read(certificate)?).collect();
    let chain = chain.map_err(|error| format!("`{}` is no PEM file: {error}", certificate.display()))?;
    if chain.is_empty() {
        return Err(format!("there is no certificate in `{}`", certificate.display()));
    }
    let key_der = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| format!("there is no key in `{}`: {error}", key.display()))?;
    Ok((chain, key_der))
}

/// The number, size and time of change of a file, with its nanoseconds.
type Stamp = (u64, u64, i64, i64);

/// What differs whenever one of the site's own files does.
pub(super) fn stamp(tls: &Tls) -> Vec<(PathBuf, Option<Stamp>)> {
    let Tls::Own { certificate, key } = tls else {
        return Vec::new();
    };
    let stamp = |path: &PathBuf| {
        let metadata = fs::metadata(path).ok();
        let facts = metadata.map(|facts| (facts.ino(), facts.size(), facts.mtime(), facts.mtime_nsec()));
        (path.clone(), facts)
    };
    vec![stamp(certificate), stamp(key)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("bootwright-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[test]
    fn the_fingerprint_stays_over_restarts_and_nothing_is_made_in_place_of_what_is_damaged() {
        let directory = directory("certificate");
        let read = || {
            let served = Served::default();
            let read = served.read(&Tls::SelfSigned, &directory, &["boot.example.net:8443".to_owned()]);
            read.map(|()| served.fingerprint().unwrap())
        };
        let first = read().unwrap();
        assert_eq!(first.len(), 32 * 3 - 1);
        assert_eq!(read().unwrap(), first);
        let key = directory.join("control.key");
        let good = fs::read(&key).unwrap();
        fs::write(&key, b"").unwrap();
        assert!(read().is_err());
        fs::remove_file(&key).unwrap();
        let told = read().unwrap_err();
        assert!(told.contains("one is missing"), "{told}");
        fs::create_dir(&key).unwrap();
        assert!(read().is_err());
        fs::remove_dir(&key).unwrap();
        fs::write(&key, good).unwrap();
        assert_eq!(read().unwrap(), first);
        fs::remove_dir_all(directory).unwrap();
    }
}
