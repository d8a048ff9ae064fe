//! Names that try to reach files which are not ours to give (`threat_10`).

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::daemon::{Daemon, PATIENCE};
use crate::netns::{End, Netns, cable};
use crate::process::Random;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const NAMES: usize = 50_000;
pub(crate) const SECRET: &[u8] = b"the secret beside the served directories";
pub(crate) const GIVEN: &[u8] = b"a file that anybody may have";

/// Where names try to lead.
const GOALS: &[&str] = &[
    "secret",
    "data/secret",
    "data/bootwright.db",
    "config.toml",
    "etc/passwd",
    "etc/hostname",
    "proc/self/environ",
    "proc/self/root/etc/passwd",
    "dev/zero",
    "out",
    "out-there/secret",
    "in/../../secret",
    "loop",
    "nothing",
];

/// Ways to say "one directory up", some of which only a careless server takes for that.
const CLIMBS: &[&str] = &[
    "..",
    "../",
    "..\\",
    "%2e%2e/",
    "%2e%2e%2f",
    ".%2e/",
    "%2E./",
    "..%2f",
    "..%5c",
    "%252e%252e/",
    "%c0%ae%c0%ae/",
    "%e0%80%ae./",
    "..;/",
    "..%00/",
    "....//",
    "...\\.\\",
    "./../",
    "//../",
    "x/../../",
    "．．/",
    ". ./",
    "..%20/",
    "%uff0e./",
];

const FRONTS: &[&str] = &[
    "",
    "/",
    "//",
    "\\",
    "./",
    "images/",
    "/images/",
    "/images/../",
    "/assets/",
    "/firmware/",
    "/r/0/",
    "C:\\",
    "c:",
    "tftp://10.77.0.1/",
    "http://x/",
    "file:///",
    "/images//",
    "~/",
    "/images/in/",
    "%2f",
    "/images/%2f/",
];

const ENDS: &[&str] = &[
    "", "", "", "/", "/.", "%00", "%00.ipxe", "\0.ipxe", "%0a", "?", "#", "%20", "\u{ff}", ";x", "::$DATA", "%2f..",
];

/// One name, by chance.
pub(crate) fn name(random: &mut Random) -> Vec<u8> {
    let mut name = random.of(FRONTS).to_owned();
    let climb = random.of(CLIMBS);
    for _ in 0..random.below(9) {
        name.push_str(if random.below(4) == 0 { random.of(CLIMBS) } else { climb });
    }
    name.push_str(random.of(GOALS));
    name.push_str(random.of(ENDS));
    let mut name = name.into_bytes();
    if random.below(10) == 0 {
        name = random.damaged(&name);
    }
    if random.below(100) == 0 {
        name = name.repeat(1 + random.below(12));
    }
    name.truncate(480);
    name
}

/// A daemon whose served directories have a secret beside them, and links that lead out.
fn prepared(inside: &Netns) -> (Daemon<'_>, PathBuf) {
    let mut daemon = Daemon::prepare(inside, "");
    let directory = daemon.directory().to_owned();
    let root = directory.join("tftp");
    let images = daemon.data_dir().join("images");
    for directory in [&root, &images] {
        fs::create_dir_all(directory.join("in")).expect("a directory");
        fs::write(directory.join("given"), GIVEN).expect("a file");
        symlink("../../secret", directory.join("out")).expect("a link");
        symlink("/etc/passwd", directory.join("absolute")).expect("a link");
        symlink("../..", directory.join("out-there")).expect("a link");
        symlink("loop", directory.join("loop")).expect("a link");
        symlink("../given", directory.join("in/other")).expect("a link");
    }
    for place in [directory.join("secret"), daemon.data_dir().join("secret")] {
        fs::write(place, SECRET).expect("a secret");
    }
    let trace = directory.join("trace");
    let config = format!(
        "[server]\ninterfaces = [\"lab0\"]\n[tftp]\nroot = \"{}\"\n",
        root.display()
    );
    daemon.write_config(&config);
    // -D: the tracer is the grandchild, so that the process that we started is the daemon. Only the traced calls stop it.
    let open = "trace=open,openat,openat2,creat,execve";
    let strace = [
        "strace",
        "-D",
        "-f",
        "-qq",
        "-y",
        "-s",
        "4096",
        "--seccomp-bpf",
        "-e",
        open,
        "-o",
    ];
    let words = strace.iter().copied().chain(trace.to_str());
    daemon.run_under(&words.map(str::to_owned).collect::<Vec<_>>());
    daemon.wait_for_log("ready ");
    (daemon, trace)
}

/// Everything that was really opened, by its path after all links, since the last time this was asked.
fn opened(trace: &Path) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&fs::read(trace).expect("the trace is there")).into_owned();
    assert!(
        !text.contains("execve(\"") || text.matches("execve(\"").count() == 1,
        "it started a program"
    );
    let descriptors = text
        .lines()
        .filter_map(|line| line.rsplit_once(" = ").map(|(_, result)| result));
    descriptors
        .filter_map(|result| result.split_once('<')?.1.strip_suffix('>').map(str::to_owned))
        .collect()
}

#[test]
fn threat_10_of_fifty_thousand_names_none_leads_to_a_file_that_is_not_served() {
    let (inside, machine) = (Netns::new("daemon"), Netns::new("machine"));
    cable(
        &End::new(&inside, "lab0", "10.77.0.1/24"),
        &End::new(&machine, "eth0", "10.77.0.50/24"),
    );
    let (daemon, trace) = prepared(&inside);
    let before = opened(&trace);

    let mut random = Random(10);
    let names: Vec<Vec<u8>> = (0..NAMES).map(|_| name(&mut random)).collect();
    assert!(
        names.iter().collect::<BTreeSet<_>>().len() > NAMES / 2,
        "most names differ"
    );
    let (by_tftp, by_http) = names.split_at(NAMES / 2);
    machine.run(|| {
        // What may be had can be had, or the rest would prove nothing.
        assert_eq!(fetch_all(&[b"given".to_vec(), b"in\\other".to_vec()]).given, 2);
        assert_eq!(
            get_all(&[b"/images/given".to_vec(), b"/images/in/other".to_vec()]).given,
            2
        );
        let tftp = fetch_all(by_tftp);
        let http = get_all(by_http);
        assert!(tftp.answered > by_tftp.len() / 2, "{tftp:?}");
        assert_eq!(http.answered, by_http.len(), "{http:?}");
    });
    let served = [daemon.data_dir().join("images"), daemon.directory().join("tftp")];
    let after = opened(&trace);
    let is_served = |path: &&String| served.iter().any(|directory| Path::new(path).starts_with(directory));
    assert!(
        after.iter().filter(is_served).any(|path| path.ends_with("/given")),
        "the trace shows what is opened: {after:?}"
    );
    // The daemon's own: its configuration, which it looks at, its store, the file by which it tries the disk, and what the kernel tells of the network.
    let own = |path: &&String| {
        let own = ["config.toml", "conf.d", "data/bootwright.db", "data", "data/.doctor"];
        let own = own.map(|name| daemon.directory().join(name));
        path.starts_with("/sys/class/net")
            || path.starts_with("/sys/devices")
            // Who holds port 67, for which all programs' descriptors are looked through. What it is started with is nobody's.
            || path.as_str() == "/proc"
            || path.starts_with("/proc/") && !path.ends_with("/environ") && !path.contains("/root")
            || own.iter().any(|own| Path::new(path) == own || path.starts_with(&format!("{}-", own.display())))
    };
    let others: Vec<&String> = after
        .difference(&before)
        .filter(|path| !is_served(path) && !own(path))
        .collect();
    assert!(
        others.is_empty(),
        "files that are nobody's business were opened: {others:#?}"
    );
    for secret in ["secret", "data/secret"] {
        let path = daemon.directory().join(secret).display().to_string();
        assert!(!after.contains(&path), "{path} was opened");
    }
}

#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) answered: usize,
    pub(crate) given: usize,
}

impl Told {
    fn take(&mut self, name: &[u8], answer: &[u8]) {
        let holds = |text: &[u8]| answer.windows(text.len()).any(|window| window == text);
        let shown = name.escape_ascii();
        assert!(!holds(SECRET), "the secret was given to {shown}");
        assert!(
            !holds(b"root:x:0:0") && !holds(b"SQLite format 3"),
            "{shown} was answered with a file of the box"
        );
        self.answered += 1;
        self.given += usize::from(holds(GIVEN));
    }
}

/// Asks for all names by TFTP, eight at a time, each from a socket of its own.
fn fetch_all(names: &[Vec<u8>]) -> Told {
    let mut told = Told::default();
    let sockets: Vec<UdpSocket> = (0..8)
        .map(|_| UdpSocket::bind("10.77.0.50:0").expect("a free port"))
        .collect();
    for socket in &sockets {
        socket
            .set_read_timeout(Some(Duration::from_millis(500)))
            .expect("a time limit");
    }
    for round in names.chunks(sockets.len()) {
        let asked: Vec<(&UdpSocket, &Vec<u8>)> = sockets.iter().zip(round).collect();
        for (socket, name) in &asked {
            let request = [b"\0\x01", name.as_slice(), b"\0octet\0"].concat();
            socket.send_to(&request, SocketAddrV4::new(OURS, 69)).expect("a route");
        }
        for (socket, name) in asked {
            // A NUL within the name ends it, and what follows is no mode: no answer, or an error.
            let mut buffer = [0; 2048];
            let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                continue;
            };
            told.take(name, &buffer[..length]);
            // An error ends a transfer that began.
            let _ = socket.send_to(b"\0\x05\0\0\0", from);
        }
    }
    told
}

/// Asks for all names over HTTP, many at a time on a connection.
fn get_all(names: &[Vec<u8>]) -> Told {
    get_all_at(8080, names)
}

/// The same at another port.
pub(crate) fn get_all_at(port: u16, names: &[Vec<u8>]) -> Told {
    let mut told = Told::default();
    let mut rest = names;
    while !rest.is_empty() {
        let stream = TcpStream::connect(SocketAddrV4::new(OURS, port)).expect("the machine plane answers");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let batch = &rest[..rest.len().min(64)];
        let request = |name: &Vec<u8>| [b"GET ", name.as_slice(), b" HTTP/1.1\r\nHost: x\r\n\r\n"].concat();
        // Whoever is answered 400 is cut off, and the others are asked again on the next connection.
        let _ = (&stream).write_all(&batch.iter().flat_map(request).collect::<Vec<u8>>());
        let mut reader = BufReader::new(&stream);
        let mut answered = 0;
        for name in batch {
            let Some(answer) = answer(&mut reader) else { break };
            told.take(name, &answer);
            answered += 1;
        }
        assert!(answered > 0, "no answer to {}", batch[0].escape_ascii());
        rest = &rest[answered..];
    }
    told
}

/// The next answer on a connection, head and body.
fn answer(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut length = 0;
    loop {
        let start = text.len();
        if reader.read_until(b'\n', &mut text).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&text[start..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    let head = text.len();
    text.resize(head + length, 0);
    reader.read_exact(&mut text[head..]).ok()?;
    Some(text)
}
