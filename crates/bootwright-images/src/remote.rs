//! Small questions to other servers, and files that are passed on while they arrive.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::CONTENT_LENGTH;
use tokio_rustls::rustls::ClientConfig;

use crate::transport::{self, Trouble};

/// Other servers, by HTTP and HTTPS.
#[derive(Clone)]
pub struct Remote {
    tls: Arc<ClientConfig>,
}

/// Why nothing came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFetched {
    /// It may go better another time.
    Passing(String),
    /// This server does not have it.
    Lasting(String),
}

/// A file that arrives.
#[derive(Debug)]
pub struct Stream {
    /// Its bytes.
    pub body: Incoming,
    /// How many they are, if the server says so.
    pub bytes: Option<u64>,
}

impl Remote {
    /// With the certificates that this machine's administrator trusts, which are read now.
    #[must_use]
    pub fn new() -> Self {
        Self { tls: transport::tls() }
    }

    /// A file. Redirects are followed, also to plain HTTP: nobody knows its hash.
    ///
    /// # Errors
    /// Why there is none, the server's own answer included.
    pub async fn open(&self, url: &str) -> Result<Stream, NotFetched> {
        let response = transport::get(&self.tls, url, None, true).await?;
        if response.status() != StatusCode::OK {
            let words = format!("`{url}` is answered with {}", response.status());
            return Err(NotFetched::Lasting(words));
        }
        let bytes = transport::header(response.headers(), CONTENT_LENGTH).and_then(|text| text.parse().ok());
        Ok(Stream {
            body: response.into_body(),
            bytes,
        })
    }

    /// A short answer. Reading ends where it is longer.
    ///
    /// # Errors
    /// As [`Remote::open`], and for an answer of more than `bytes_max`.
    pub async fn short(&self, url: &str, bytes_max: usize) -> Result<Vec<u8>, NotFetched> {
        let mut stream = self.open(url).await?;
        let mut read = Vec::new();
        while let Some(piece) = transport::piece(&mut stream.body).await? {
            if read.len() + piece.len() > bytes_max {
                let words = format!("`{url}` is answered with more than {bytes_max} bytes");
                return Err(NotFetched::Passing(words));
            }
            read.extend_from_slice(&piece);
        }
        Ok(read)
    }
}

impl Default for Remote {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Trouble> for NotFetched {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(words) => Self::Passing(words),
            Trouble::Lasting(words) => Self::Lasting(words),
        }
    }
}
