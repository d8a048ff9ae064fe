//! Downloads: into a partial file that is resumed, from the first mirror that delivers what is expected.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use tokio_rustls::rustls::ClientConfig;

use crate::digest::{Expected, Hashes, Hashing};
use crate::error::{Error, Result};
use crate::shelf::with_suffix;
use crate::transport::{Resume, Trouble, get, header, piece, tls};
use crate::{Progress, Teller};

/// How often in a row a download may break off without having brought anything.
const TRIES_MAX: u32 = 4;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// The largest document that is read into memory: lists of hashes, stream metadata, signatures.
const DOCUMENT_BYTES_MAX: u64 = 32 << 20;

/// Fetches files and documents.
pub(crate) struct Fetcher<'a> {
    runtime: tokio::runtime::Runtime,
    tls: Arc<ClientConfig>,
    partial: PathBuf,
    tell: Teller<'a>,
    bytes_max: u64,
    /// Whether what is fetched is proven by a hash or a signature, whatever way it takes.
    pub(crate) proven: bool,
}

/// A file that was fetched. It lies among the partial downloads until it is adopted, and is gone with this value.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) path: PathBuf,
    /// Held so that nobody else writes to it.
    _lock: File,
}

impl Drop for Fetched {
    fn drop(&mut self) {
        discard(&self.path);
    }
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(partial: PathBuf, bytes_max: u64, tell: Teller<'a>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::new(format!("cannot start downloads: {error}")))?;
        Ok(Self {
            runtime,
            tls: tls(),
            partial,
            tell,
            bytes_max,
            proven: false,
        })
    }

    /// A document, from the first of these URLs that has it.
    pub(crate) fn document(&self, urls: &[String]) -> Result<Vec<u8>> {
        self.each(urls, |url| {
            let mut tries = 0;
            loop {
                match self.runtime.block_on(self.whole(url)) {
                    Ok(document) => return Ok(document),
                    Err(Trouble::Passing(_)) if tries < TRIES_MAX => tries += 1,
                    Err(Trouble::Passing(why) | Trouble::Lasting(why)) => return Err(Error::new(why)),
                }
                pause(tries);
            }
        })
    }

    async fn whole(&self, url: &str) -> Result<Vec<u8>, Trouble> {
        let response = get(&self.tls, url, None, self.proven).await?;
        let length = length(response.headers());
        let mut body = response.into_body();
        let mut document = Vec::new();
        while let Some(data) = piece(&mut body).await? {
            document.extend_from_slice(&data);
            if document.len() as u64 > DOCUMENT_BYTES_MAX {
                return Err(Trouble::Lasting(format!(
                    "`{url}` is larger than {DOCUMENT_BYTES_MAX} bytes"
                )));
            }
        }
        match length {
            Some(length) if length != document.len() as u64 => {
                Err(Trouble::Passing(format!("`{url}` ended before its end")))
            }
            _ => Ok(document),
        }
    }

    /// A file, from the first of these URLs that delivers it with the hash that is expected.
    pub(crate) fn file(&self, urls: &[String], expected: Option<&Expected>) -> Result<Fetched> {
        self.each(urls, |url| self.from(url, expected))
    }

    /// The first that goes well; else what was wrong with each.
    fn each<T>(&self, urls: &[String], mut fetch: impl FnMut(&str) -> Result<T>) -> Result<T> {
        let mut troubles: Vec<Error> = Vec::new();
        for url in urls {
            match fetch(url) {
                Ok(found) => return Ok(found),
                // On a full disk no mirror helps.
                Err(error) if error.full => return Err(error),
                Err(error) => {
                    if urls.len() > 1 {
                        (self.tell)(Progress::Step(format!("{error}; trying the next place")));
                    }
                    troubles.push(error);
                }
            }
        }
        let last = troubles
            .pop()
            .unwrap_or_else(|| Error::new("there is no URL to fetch from"));
        if troubles.is_empty() {
            return Err(last);
        }
        let all: Vec<String> = troubles.iter().chain([&last]).map(ToString::to_string).collect();
        Err(Error {
            message: format!("no place delivers it: {}", all.join("; ")),
            ..last
        })
    }

    fn from(&self, url: &str, expected: Option<&Expected>) -> Result<Fetched> {
        let mut hashing = Hashing::new(None);
        hashing.update(url.as_bytes());
        let path = self.partial.join(&hashing.finish().sha256[..32]);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(with_suffix(&path, ".lock"))
            .map_err(|error| Error::io("cannot open", &path, &error))?;
        lock.try_lock()
            .map_err(|_| Error::new(format!("another command is fetching `{url}`")))?;
        let mut tries = 0;
        let mut again = true;
        loop {
            let before = fs::metadata(&path).map_or(0, |about| about.len());
            match self.runtime.block_on(self.attempt(url, &path, expected)) {
                Ok(hashes) => {
                    let Some(expected) = expected else {
                        return Ok(Fetched { path, _lock: lock });
                    };
                    let Err(found) = expected.compare(&hashes) else {
                        return Ok(Fetched { path, _lock: lock });
                    };
                    discard(&path);
                    // What lay here from another day may have been the fault.
                    if before > 0 && again {
                        again = false;
                        continue;
                    }
                    return Err(
                        Error::new(format!("`{url}` has not the {} but {found}", expected.words()))
                            .hint("it was changed on its way, or the hash is one of another version"),
                    );
                }
                Err(Stop::Disk(error)) => {
                    if error.full {
                        discard(&path);
                    }
                    return Err(error);
                }
                Err(Stop::Net(Trouble::Lasting(why))) => return Err(Error::new(why)),
                Err(Stop::Net(Trouble::Passing(why))) => {
                    let after = fs::metadata(&path).map_or(0, |about| about.len());
                    tries = if after > before { 1 } else { tries + 1 };
                    if tries > TRIES_MAX {
                        return Err(Error::new(why).hint("run the command again: what has arrived is kept"));
                    }
                    (self.tell)(Progress::Step(format!("{why}; trying again")));
                    pause(tries);
                }
            }
        }
    }

    /// One connection: from where the partial file ends to the end, if the server still has the same version.
    async fn attempt(&self, url: &str, path: &Path, expected: Option<&Expected>) -> Result<Hashes, Stop> {
        let marks = with_suffix(path, ".version");
        let resume = fs::read_to_string(&marks).ok().and_then(|validator| {
            let from = fs::metadata(path).ok()?.len();
            (from > 0 && !validator.is_empty()).then_some(Resume { from, validator })
        });
        let response = get(&self.tls, url, resume.as_ref(), self.proven)
            .await
            .map_err(Stop::Net)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let failed = |error: &std::io::Error| Stop::Disk(Error::io("cannot write", path, error));
        let (mut file, start, total) = match (status, &resume) {
            (StatusCode::PARTIAL_CONTENT, Some(resume)) => {
                let (from, total) = header(&headers, CONTENT_RANGE)
                    .and_then(content_range)
                    .filter(|(from, _)| *from == resume.from)
                    .ok_or_else(|| Stop::Net(Trouble::Lasting(format!("`{url}` sends another part than asked for"))))?;
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(path)
                    .map_err(|error| failed(&error))?;
                (file, from, Some(total))
            }
            (StatusCode::OK, _) => {
                let mut options = OpenOptions::new();
                options.read(true).write(true).create(true).truncate(true);
                let file = options.open(path).map_err(|error| failed(&error))?;
                (file, 0, length(&headers))
            }
            // The file has become shorter, or ours is whole and the server will not say so: from the beginning.
            _ => {
                discard(path);
                return Err(Stop::Net(Trouble::Passing(format!(
                    "`{url}` is answered with {status}"
                ))));
            }
        };
        if total.is_none() && expected.is_none() {
            return Err(Stop::Net(Trouble::Lasting(format!(
                "`{url}`: the server does not say how long it is, so that nobody could tell whether all of it came"
            ))));
        }
        if total.unwrap_or(0) > self.bytes_max {
            let words = format!("`{url}` is larger than {} bytes", self.bytes_max);
            return Err(Stop::Net(Trouble::Lasting(words)));
        }
        let validator = header(&headers, ETAG)
            .filter(|tag| !tag.starts_with("W/"))
            .or(header(&headers, LAST_MODIFIED));
        match validator {
            Some(validator) => fs::write(&marks, validator).map_err(|error| failed(&error))?,
            None => drop(fs::remove_file(&marks)),
        }
        let mut hashing = Hashing::new(expected);
        let mut here = std::io::Read::by_ref(&mut file).take(start);
        let mut buffer = vec![0; 256 << 10];
        loop {
            match here.read(&mut buffer).map_err(|error| failed(&error))? {
                0 => break,
                count => hashing.update(&buffer[..count]),
            }
        }
        file.seek(SeekFrom::Start(start)).map_err(|error| failed(&error))?;
        let name = url.rsplit('/').next().unwrap_or(url);
        self.pour(response.into_body(), &mut file, hashing, (name, start, total), path)
            .await
    }

    async fn pour(
        &self,
        mut body: Incoming,
        file: &mut File,
        mut hashing: Hashing,
        (name, start, total): (&str, u64, Option<u64>),
        path: &Path,
    ) -> Result<Hashes, Stop> {
        let mut done = start;
        let mut told: Option<Instant> = None;
        let mut tell = |done: u64, last: bool| {
            if last || told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                told = Some(Instant::now());
                let name = name.to_owned();
                (self.tell)(Progress::Bytes { name, done, total });
            }
        };
        while let Some(data) = piece(&mut body).await.map_err(Stop::Net)? {
            file.write_all(&data)
                .map_err(|error| Stop::Disk(Error::io("cannot write", path, &error)))?;
            hashing.update(&data);
            done += data.len() as u64;
            if done > self.bytes_max {
                let words = format!("`{name}` is larger than {} bytes", self.bytes_max);
                return Err(Stop::Net(Trouble::Lasting(words)));
            }
            tell(done, false);
        }
        if total.is_some_and(|total| total != done) {
            return Err(Stop::Net(Trouble::Passing(format!("`{name}` ended before its end"))));
        }
        tell(done, true);
        Ok(hashing.finish())
    }
}

/// Why a download stopped.
enum Stop {
    Disk(Error),
    Net(Trouble),
}

fn discard(path: &Path) {
    // What cannot be removed is overwritten by the next download.
    let _ = fs::remove_file(path);
    let _ = fs::remove_file(with_suffix(path, ".version"));
}

/// A server that has just failed is given a moment.
fn pause(tries: u32) {
    std::thread::sleep(Duration::from_millis(100 << tries.min(5)));
}

fn length(headers: &hyper::HeaderMap) -> Option<u64> {
    header(headers, CONTENT_LENGTH)?.parse().ok()
}

/// `bytes 5-9/10` (RFC 9110, 14.4): where it begins, and how long the whole is.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.parse().ok()?, total.parse().ok()?))
}
