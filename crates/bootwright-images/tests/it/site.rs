//! A web server on the loopback device, with the faults of real ones.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A file of the site.
#[derive(Clone, Default)]
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    /// Without one it cannot be resumed.
    pub(crate) etag: Option<String>,
    /// In place of 200.
    pub(crate) status: Option<u16>,
    pub(crate) location: Option<String>,
    /// For each of the next requests: after how many bytes of the body the connection is cut.
    pub(crate) cuts: VecDeque<usize>,
    /// Leaves the length out and closes the connection at the end.
    pub(crate) no_length: bool,
}

/// The site. It ends with the process; a listener that nobody asks costs nothing.
pub(crate) struct Site {
    address: SocketAddr,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let site = Self {
            address: listener.local_addr().expect("an address"),
            pages: Arc::default(),
            log: Arc::default(),
        };
        let (pages, log) = (Arc::clone(&site.pages), Arc::clone(&site.log));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pages, log) = (Arc::clone(&pages), Arc::clone(&log));
                std::thread::spawn(move || answer(stream, &pages, &log));
            }
        });
        site
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The site itself, as a mirror is named.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn put(&self, path: &str, body: impl Into<Vec<u8>>) {
        let page = Page {
            body: body.into(),
            etag: Some("\"1\"".to_owned()),
            ..Page::default()
        };
        self.put_page(path, page);
    }

    pub(crate) fn put_page(&self, path: &str, page: Page) {
        self.pages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), page);
    }

    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Page)) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        change(pages.get_mut(path).expect("a page"));
    }

    pub(crate) fn remove(&self, path: &str) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// What was asked so far: the path, and the part if one was asked for.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn answer(stream: TcpStream, pages: &Mutex<BTreeMap<String, Page>>, log: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let first = lines.next()?;
    let headers: Vec<(String, String)> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        })
        .collect();
    let of = |name: &str| {
        headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.clone())
    };
    let path = first.split(' ').nth(1)?.trim_start_matches('/').to_owned();
    let range = of("range");
    let noted = range
        .as_ref()
        .map_or_else(|| path.clone(), |range| format!("{path} {range}"));
    log.lock().unwrap_or_else(PoisonError::into_inner).push(noted);
    let (page, cut) = {
        let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
        let page = pages.get_mut(&path);
        let cut = page.as_ref().map(|page| page.cuts.front().copied());
        if let Some(page) = pages.get_mut(&path) {
            page.cuts.pop_front();
        }
        (pages.get(&path).cloned(), cut.flatten())
    };
    let mut stream = stream;
    let Some(page) = page else {
        write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        return Some(());
    };
    // RFC 9110, 13.1.5: another version is sent whole.
    let from = range
        .filter(|_| page.etag.is_some() && of("if-range") == page.etag)
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let total = page.body.len();
    let status = page.status.unwrap_or(if from.is_some() { 206 } else { 200 });
    let mut head = format!("HTTP/1.1 {status} Words\r\nConnection: close\r\n");
    if let Some(from) = from {
        head += &format!("Content-Range: bytes {from}-{}/{total}\r\n", total - 1);
    }
    if let Some(etag) = &page.etag {
        head += &format!("ETag: {etag}\r\n");
    }
    if let Some(location) = &page.location {
        head += &format!("Location: {location}\r\n");
    }
    let body = &page.body[from.unwrap_or(0)..];
    if !page.no_length {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    let sent = cut.map_or(body, |cut| &body[..cut.min(body.len())]);
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(b"\r\n").ok()?;
    stream.write_all(sent).ok()?;
    stream.shutdown(std::net::Shutdown::Write).ok()
}
