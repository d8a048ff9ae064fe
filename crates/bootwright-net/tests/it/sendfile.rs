//! Files through a real HTTP server: the bytes are right, and no page of them is ever touched here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bootwright_net::sendfile::{FileBody, FileMap, SendfileIo};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(20);

/// A directory with files of known content, gone on drop.
struct Files(PathBuf);

impl Files {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a writable place");
        Self(path)
    }

    /// Writes a file whose every byte depends on its place, and returns the bytes.
    fn write(&self, name: &str, len: usize) -> Vec<u8> {
        let mut state = len as u64 | 1;
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes.truncate(len);
        fs::write(self.path(name), &bytes).expect("a writable place");
        bytes
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn map(&self, name: &str) -> FileMap {
        FileMap::new(File::open(self.path(name)).expect("the file is there")).expect("a regular file")
    }

    /// How many bytes of the mappings of a file are in this process' memory, as the kernel counts them.
    fn resident(&self, name: &str) -> usize {
        let path = self.path(name);
        let smaps = fs::read_to_string("/proc/self/smaps").expect("the kernel counts");
        let mut lines = smaps
            .lines()
            .skip_while(|line| !line.ends_with(path.to_str().expect("UTF-8")));
        let rss = lines
            .find_map(|line| line.strip_prefix("Rss:"))
            .expect("the file is mapped");
        rss.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server on loopback with these files under their names; a range is asked for as `/name?from-to`.
fn serve(files: BTreeMap<&'static str, FileMap>) -> (tokio::runtime::Runtime, SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("loopback");
    let address = listener.local_addr().expect("it is bound");
    let files = Arc::new(files);
    runtime.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("loopback");
            let files = Arc::clone(&files);
            let service = hyper::service::service_fn(move |request| {
                let response = respond(&files, &request);
                async move { Ok::<_, io::Error>(response) }
            });
            let io = TokioIo::new(SendfileIo::new(stream).with_stall_limit(Duration::from_millis(500)));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    (runtime, address)
}

fn respond(files: &BTreeMap<&str, FileMap>, request: &Request<Incoming>) -> Response<FileBody> {
    let map = &files[request.uri().path().trim_start_matches('/')];
    let range = request.uri().query().and_then(|query| query.split_once('-'));
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let range = range.map_or(0..map.len(), |(from, to)| number(from)..number(to));
    Response::new(map.body(range))
}

/// One connection of hyper's own client: several requests one after the other.
async fn fetch(address: SocketAddr, targets: &[&str]) -> Vec<Result<Vec<u8>, String>> {
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("the server listens");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .expect("HTTP");
    tokio::spawn(connection);
    let mut bodies = Vec::new();
    for target in targets {
        let request = Request::get(*target)
            .header("host", "server")
            .body(Empty::<&[u8]>::new())
            .expect("a request");
        sender.ready().await.expect("the connection lives on");
        let response = sender.send_request(request).await.expect("a response");
        let expected = response.body().size_hint().exact().expect("a length is announced");
        let body = response
            .into_body()
            .collect()
            .await
            .map(|body| body.to_bytes().to_vec());
        let body = body.map_err(|error| error.to_string());
        assert!(
            body.as_ref().map_or(true, |body| body.len() as u64 == expected),
            "the announced length"
        );
        bodies.push(body);
    }
    bodies
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

#[test]
fn whole_files_and_ranges_arrive_unchanged_over_one_connection_and_no_page_is_touched() {
    let files = Files::new("whole");
    let big = files.write("big", (5 << 20) + 123);
    let small = files.write("small", 17);
    files.write("empty", 0);
    let names = ["big", "small", "empty"];
    let maps: BTreeMap<_, _> = names.into_iter().map(|name| (name, files.map(name))).collect();
    let (runtime, address) = serve(maps.clone());
    let targets: [(&str, &[u8]); 8] = [
        ("/big", &big),
        ("/small", &small),
        ("/empty", &[]),
        ("/big?1-2", &big[1..2]),
        ("/big?4095-4097", &big[4095..4097]),
        ("/big?1048570-3145735", &big[1_048_570..3_145_735]),
        ("/small?3-99", &small[3..]),
        ("/big", &big),
    ];
    let asked: Vec<_> = targets.iter().map(|(target, _)| *target).collect();
    let got = runtime.block_on(fetch(address, &asked));
    for ((target, expected), got) in targets.iter().zip(got) {
        let got = got.expect("the whole body");
        assert_eq!(got.len(), expected.len(), "{target}");
        assert_eq!(sha256(&got), sha256(expected), "{target}");
    }
    assert_eq!(files.resident("big"), 0, "kilobytes of the mapping were touched");
    assert_eq!(files.resident("small"), 0, "kilobytes of the mapping were touched");

    // The same body without the connection that knows it: this is what the count looks like when pages are touched.
    let body = maps["big"].body(0..u64::MAX);
    let read = runtime.block_on(body.collect()).expect("readable").to_bytes();
    assert_eq!(sha256(&read), sha256(&big));
    assert!(files.resident("big") > 1024, "the count cannot see what it should");
}

#[test]
fn a_file_that_cannot_be_mapped_is_read() {
    let files = Files::new("read");
    let bytes = files.write("file", (1 << 20) + 77);
    let map = FileMap::unmapped(File::open(files.path("file")).expect("the file is there")).expect("a regular file");
    let (runtime, address) = serve([("file", map)].into());
    let got = runtime.block_on(fetch(address, &["/file", "/file?300000-900001"]));
    assert_eq!(sha256(got[0].as_ref().expect("the whole body")), sha256(&bytes));
    assert_eq!(
        sha256(got[1].as_ref().expect("the range")),
        sha256(&bytes[300_000..900_001])
    );
}

/// A client that stops reading after the first bytes, until it is told to go on.
fn stalled_client(address: SocketAddr, target: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("the server listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    write!(client, "GET {target} HTTP/1.1\r\nhost: server\r\n\r\n").expect("the server reads");
    client.read_exact(&mut [0; 4096]).expect("the response begins");
    client
}

fn read_to_the_end(mut client: TcpStream) -> usize {
    let mut total = 0;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => return total,
            Ok(read) => total += read,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return total,
            Err(error) => panic!("the server did not hang up: {error}"),
        }
    }
}

#[test]
fn a_file_cut_short_while_it_is_served_ends_the_connection_and_not_the_daemon() {
    let files = Files::new("cut");
    let small = files.write("small", 5000);
    const LEN: u64 = 64 << 20;
    let victim = File::create(files.path("victim")).expect("a writable place");
    victim.set_len(LEN).expect("a sparse file");
    let maps = ["small", "victim"].map(|name| (name, files.map(name)));
    let (runtime, address) = serve(maps.into());

    let client = stalled_client(address, "/victim");
    victim.set_len(0).expect("the file can be cut");
    let got = read_to_the_end(client);
    assert!((got as u64) < LEN, "all of it arrived although the file was cut");

    let got = runtime.block_on(fetch(address, &["/small"]));
    assert_eq!(got[0].as_ref().expect("the server lives on"), &small);
    let got = runtime.block_on(fetch(address, &["/victim"]));
    assert!(got[0].is_err(), "a file that is gone cannot be sent: {got:?}");
}

#[test]
fn a_client_that_stops_taking_bytes_is_hung_up_on() {
    let files = Files::new("stall");
    let victim = File::create(files.path("long")).expect("a writable place");
    victim.set_len(64 << 20).expect("a sparse file");
    let (runtime, address) = serve([("long", files.map("long"))].into());
    let client = stalled_client(address, "/long");
    // The server closes its side while the client sleeps on: then a probe of the connection says so.
    runtime.block_on(async {
        let gone = async {
            while established(client.local_addr().expect("an address")) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the server hangs up");
    });
}

/// Whether the kernel still has the server's side of the connection of this client as established.
fn established(client: SocketAddr) -> bool {
    let table = fs::read_to_string("/proc/thread-self/net/tcp").expect("the kernel's table");
    let remote = format!(":{:04X} 01 ", client.port());
    table.lines().any(|line| line.contains(&remote))
}

#[test]
fn mappings_end_with_their_last_user() {
    let files = Files::new("end");
    let bytes = files.write("file", 10_000);
    let map = files.map("file");
    let range: Range<u64> = 100..200;
    let body = map.body(range);
    drop(map);
    fs::remove_file(files.path("file")).expect("the file is there");
    let mapped = |smaps: &str| smaps.lines().any(|line| line.contains("bootwright-end-"));
    assert!(mapped(
        &fs::read_to_string("/proc/self/maps").expect("the kernel's table")
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let read = runtime.block_on(body.collect()).expect("readable").to_bytes();
    assert_eq!(&read[..], &bytes[100..200]);
    drop(read);
    assert!(!mapped(
        &fs::read_to_string("/proc/self/maps").expect("the kernel's table")
    ));
}
