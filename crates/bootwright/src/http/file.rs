//! Files: firmware from memory, images and assets by sendfile.

use std::fs::File;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bootwright_core::{Span, Token};
use bootwright_engine::{FetchKind, Fetched};
use bootwright_net::beneath::Root;
use bootwright_net::sendfile::FileMap;
use bootwright_proto::http::{Conditions, EntityTag, HttpDate, Plan, RelativePath, Version, media_type, plan};
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};

use super::Plane;
use super::answer::{Answer, answer, busy, not_found, ranges, set, words};
use super::body::Answered;
use super::route::Ends;
use crate::boot_file::tell_missing;
use crate::front::{self, Part};

/// A file system that does not answer within this time gets its readers an error instead of holding them up.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Smaller fetches than this are no news for the timeline: installers fetch many small files.
const NEWS_BYTES_MIN: u64 = 256 << 10;

/// A directory that machines may read.
pub struct Shelf {
    /// Its path on the machine plane, such as `/images`.
    pub path: &'static str,
    /// The directory.
    pub root: Arc<Root>,
    /// What its files are to a boot.
    pub kind: FetchKind,
}

impl Shelf {
    /// Opens a directory, making it if it is not there.
    ///
    /// # Errors
    /// When it can neither be made nor opened.
    pub fn open(path: &'static str, directory: &Path, kind: FetchKind) -> std::io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        Ok(Self {
            path,
            root: Arc::new(Root::open_dir(directory)?),
            kind,
        })
    }
}

/// A file of the firmware catalogue.
pub(super) fn firmware(plane: &Arc<Plane>, ends: Ends, name: &str, headers: &HeaderMap) -> Answer {
    // Boot programs look for their companions beside themselves, wherever they believe that to be.
    let last = name.rsplit('/').next().unwrap_or(name);
    let Some(file) = plane.catalogue.get(name).or_else(|| plane.catalogue.get(last)) else {
        tell_missing(&plane.core, ends.peer, name);
        return not_found();
    };
    let version = Version {
        etag: EntityTag::of(&file.etag),
        modified: HttpDate::from_secs(0),
    };
    let length = file.content.len() as u64;
    let (plan, mut response) = planned(name, headers, &version, length);
    let range = match &plan {
        Plan::Whole => 0..length,
        Plan::Part(range) => range.clone(),
        Plan::NotModified | Plan::PreconditionFailed | Plan::RangeNotSatisfiable => return response,
    };
    let bounds = usize::try_from(range.start).unwrap_or(0)..usize::try_from(range.end).unwrap_or(0);
    let body = Answered::memory(file.content.slice(bounds));
    let news = Delivery::new(
        plane,
        ends.peer,
        name.to_owned(),
        FetchKind::Firmware,
        range.end == length,
    );
    *response.body_mut() = body.then(move |bytes, whole| news.tell(bytes, whole));
    response
}

/// What goes with the kernel of a run.
pub(super) async fn part(
    plane: &Arc<Plane>,
    ends: Ends,
    (token, place): (Token, u16),
    headers: &HeaderMap,
    head: bool,
) -> Answer {
    match front::part(plane, ends, token, place).await {
        None => not_found(),
        Some(Part::File(shelf, name)) => shelved(plane, ends, shelf, &name, headers).await,
        Some(Part::Made { content, document }) => {
            let mut body = Answered::memory(content);
            if let Some(document) = document.filter(|_| !head) {
                let plane = Arc::clone(plane);
                body = body.then(move |_, whole| {
                    if whole {
                        plane
                            .core
                            .ask(|engine, now| engine.document_served(now, token, &document))
                            .now();
                    }
                });
            }
            let mut response = answer(StatusCode::OK, "application/octet-stream", body);
            set(&mut response, CACHE_CONTROL, "no-store");
            response
        }
    }
}

/// A file of a shelf.
pub(crate) async fn shelved(
    plane: &Arc<Plane>,
    ends: Ends,
    shelf: &Shelf,
    name: &RelativePath,
    headers: &HeaderMap,
) -> Answer {
    if name.as_str().starts_with('.') {
        // What images are made of and what is not complete is nobody's to fetch.
        return not_found();
    }
    let (root, relative) = (Arc::clone(&shelf.root), name.as_str().to_owned());
    let opening = tokio::task::spawn_blocking(move || open(&root, &relative));
    let opened = match tokio::time::timeout(OPEN_WITHIN, opening).await {
        Ok(Ok(Ok(opened))) => opened,
        Ok(Ok(Err(error))) if error.kind() == std::io::ErrorKind::NotFound => return not_found(),
        Ok(Ok(Err(error))) => {
            tracing::warn!(file = name.as_str(), why = %error, "cannot open a file for {}", ends.peer);
            return words(StatusCode::FORBIDDEN, "this cannot be read");
        }
        Ok(Err(_)) | Err(_) => {
            tracing::warn!(file = name.as_str(), "the file system does not answer");
            return busy("the file system does not answer");
        }
    };
    let (map, version) = opened;
    let length = map.len();
    let (plan, mut response) = planned(name.as_str(), headers, &version, length);
    let range = match &plan {
        Plan::Whole => 0..length,
        Plan::Part(range) => range.clone(),
        Plan::NotModified | Plan::PreconditionFailed | Plan::RangeNotSatisfiable => return response,
    };
    let to_the_end = range.end == length;
    let body = Answered::file(map.body(range));
    let path = format!("{}/{}", shelf.path, name.as_str());
    let news = Delivery::new(plane, ends.peer, path, shelf.kind, to_the_end);
    *response.body_mut() = body.then(move |bytes, whole| news.tell(bytes, whole));
    response
}

fn open(root: &Root, name: &str) -> std::io::Result<(FileMap, Version)> {
    let file: File = root.open(name)?;
    let metadata = file.metadata()?;
    let nanos = u64::try_from(metadata.mtime_nsec()).unwrap_or(0);
    let secs = u64::try_from(metadata.mtime()).unwrap_or(0);
    let etag = EntityTag::of(&[metadata.ino(), metadata.size(), secs, nanos]);
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let modified = HttpDate::from_secs(modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()));
    Ok((FileMap::new(file)?, Version { etag, modified }))
}

/// The head of the answer to a request for a file.
fn planned(name: &str, headers: &HeaderMap, version: &Version, length: u64) -> (Plan, Answer) {
    let field = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let conditions = Conditions {
        range: field(RANGE),
        if_range: field(IF_RANGE),
        if_match: field(IF_MATCH),
        if_none_match: field(IF_NONE_MATCH),
        if_modified_since: field(IF_MODIFIED_SINCE),
        if_unmodified_since: field(IF_UNMODIFIED_SINCE),
    };
    let plan = plan(&conditions, version, length);
    let status = StatusCode::from_u16(plan.status()).unwrap_or(StatusCode::OK);
    let mut response = answer(status, media_type(name), Answered::empty());
    ranges(&mut response);
    set(&mut response, ETAG, version.etag.as_str());
    set(&mut response, LAST_MODIFIED, &version.modified.to_string());
    if let Some(range) = plan.content_range(length) {
        set(&mut response, CONTENT_RANGE, &range);
    }
    let body_length = match &plan {
        Plan::Whole => length,
        Plan::Part(range) => range.end.saturating_sub(range.start),
        Plan::NotModified | Plan::PreconditionFailed | Plan::RangeNotSatisfiable => 0,
    };
    set(&mut response, CONTENT_LENGTH, &body_length.to_string());
    if plan == Plan::NotModified {
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    (plan, response)
}

/// A delivery under way, for the timeline.
struct Delivery {
    plane: Arc<Plane>,
    peer: IpAddr,
    name: String,
    kind: FetchKind,
    to_the_end: bool,
    began: Instant,
}

impl Delivery {
    fn new(plane: &Arc<Plane>, peer: IpAddr, name: String, kind: FetchKind, to_the_end: bool) -> Self {
        Self {
            plane: Arc::clone(plane),
            peer,
            name,
            kind,
            to_the_end,
            began: Instant::now(),
        }
    }

    fn tell(self, bytes: u64, whole: bool) {
        self.plane.counters.meters.sent(self.kind, bytes);
        if bytes < NEWS_BYTES_MIN && whole && self.kind != FetchKind::Firmware && !self.to_the_end {
            return;
        }
        let took = Span::from_millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX));
        let failure = match (whole, self.to_the_end) {
            (true, true) => None,
            // A part in the middle says nothing about the whole.
            (true, false) => return,
            (false, _) => Some("the connection ended".to_owned()),
        };
        let fetched = Fetched {
            peer: self.peer,
            name: self.name,
            kind: self.kind,
            bytes,
            took,
            failure,
        };
        self.plane.core.ask(|engine, now| engine.fetched(now, &fetched)).now();
    }
}
