//! The real daemon as a process in a namespace, and what a test asks of it.

#![allow(dead_code, reason = "each file of tests uses its own part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::netns::Netns;

/// How long a test waits for anything that should happen at once; a machine under load takes its time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon. It is killed when the test ends.
pub(crate) struct Daemon<'a> {
    inside: &'a Netns,
    directory: PathBuf,
    child: Option<Child>,
    log: Arc<Log>,
    /// What the log shows, in the words of `BOOTWRIGHT_LOG`.
    pub(crate) log_level: &'static str,
}

/// What the daemon has printed so far.
#[derive(Default)]
struct Log {
    /// Held by whoever wants the log to be read no more.
    reading: Mutex<()>,
    text: Mutex<String>,
    grown: Condvar,
}

impl<'a> Daemon<'a> {
    /// Starts a daemon with this configuration and waits until it serves.
    pub(crate) fn start(inside: &'a Netns, config: &str) -> Self {
        let mut daemon = Self::prepare(inside, config);
        daemon.run();
        daemon.wait_for_log("ready ");
        daemon
    }

    /// A daemon that is not running yet.
    pub(crate) fn prepare(inside: &'a Netns, config: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("bootwright-test-{}-{number}", std::process::id()));
        // A test that failed leaves its directory behind, and process numbers come again.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("a directory for the test");
        let daemon = Self {
            inside,
            directory,
            child: None,
            log: Arc::default(),
            log_level: "debug",
        };
        daemon.write_config(config);
        daemon.make_firmware();
        daemon
    }

    /// Firmware of the test's own: a few kilobytes under the names that machines ask for.
    fn make_firmware(&self) {
        let directory = self.data_dir().join("firmware");
        fs::create_dir_all(&directory).expect("a directory for firmware");
        for name in ["undionly.kpxe", "snponly.efi", "ipxe-arm64.efi"] {
            let content: Vec<u8> = name.bytes().cycle().take(70_000).collect();
            fs::write(directory.join(name), content).expect("a firmware file");
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.join("control.sock")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.directory.join("config.toml")
    }

    pub(crate) fn write_config(&self, config: &str) {
        fs::write(self.config(), config).expect("the configuration can be written");
        self.make_images(config);
    }

    /// A file under every name of an image that stands in the configuration: what is missing cannot be armed.
    fn make_images(&self, config: &str) {
        let named = config
            .split(['"', ' ', '=', '}'])
            .filter(|word| word.starts_with("/images/") && !word.contains("{{"));
        for path in named.map(|word| self.data_dir().join(word.trim_start_matches('/'))) {
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory for images");
            if !path.exists() {
                fs::write(&path, path.display().to_string()).expect("a file of an image");
            }
        }
    }

    /// Starts the process.
    pub(crate) fn run(&mut self) {
        self.run_under(&[]);
    }

    /// Starts the process by another program, such as `prlimit`, which must become it: the words before its own.
    pub(crate) fn run_under(&mut self, words: &[String]) {
        let daemon = env!("CARGO_BIN_EXE_bootwright").to_owned();
        let mut words = words.iter().chain(std::iter::once(&daemon));
        let mut child = self
            .inside
            .command(words.next().expect("at least the daemon"))
            .args(words)
            .arg("--config")
            .arg(self.config())
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--socket")
            .arg(self.socket())
            .args(["serve", "--firmware-dir"])
            .arg(self.directory.join("no-shipped-firmware"))
            .env("BOOTWRIGHT_LOG", self.log_level)
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        let lines = BufReader::new(child.stderr.take().expect("its log is read"));
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || {
            for line in lines.split(b'\n').map_while(Result::ok) {
                drop(log.reading.lock());
                log.add(&String::from_utf8_lossy(&line));
            }
        });
        self.child = Some(child);
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Ends the process at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it is gone");
    }

    /// Waits for a process that somebody else killed.
    pub(crate) fn reap(&mut self) {
        let mut child = self.child.take().expect("it was started");
        child.wait().expect("it is gone");
    }

    /// Asks the process to end, and says how it ended.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(nix::libc::SIGTERM);
        self.wait_for_end()
    }

    pub(crate) fn signal(&self, signal: i32) {
        let status = self
            .inside
            .command("kill")
            .args([format!("-{signal}"), self.pid().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("its state can be asked") {
                return status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the process still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was started");
        child.try_wait().expect("its state can be asked").is_none()
    }

    /// Reads the log no more until this is dropped, so that its pipe fills up.
    pub(crate) fn leave_log_unread(&self) -> MutexGuard<'_, ()> {
        self.log.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was printed so far, by all processes of this test's daemon.
    pub(crate) fn log(&self) -> String {
        self.log.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was printed so far.
    pub(crate) fn clear_log(&self) {
        self.log.text.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Waits until a line of the log holds this text, and returns that line.
    pub(crate) fn wait_for_log(&self, wanted: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let mut text = self.log.text.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = text.lines().find(|line| line.contains(wanted)) {
                return line.to_owned();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the log never said `{wanted}`:\n{text}");
            text = self
                .log
                .grown
                .wait_timeout(text, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// What the machine plane answers to a GET at this address, from inside the daemon's namespace.
    pub(crate) fn get(&self, address: Ipv4Addr, target: &str) -> Answer {
        get(self.inside, address, target)
    }

    /// What the control API answers.
    pub(crate) fn api(&self, method: &str, target: &str, body: &str) -> Answer {
        self.api_with(method, target, &[], body)
    }

    /// The same with further headers.
    pub(crate) fn api_with(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = UnixStream::connect(self.socket()).expect("the control socket answers");
        let length = body.len();
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers: String = headers.collect();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: bootwright\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {headers}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("the request is sent");
        Answer::read(&mut stream)
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

impl Log {
    fn add(&self, line: &str) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
        self.grown.notify_all();
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the answer arrives");
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("the answer has a head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("the head is text");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status");
        let body = bytes[end + 4..].to_vec();
        Self { status, head, body }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

/// What a server answers to a GET, seen from inside a namespace.
pub(crate) fn get(inside: &Netns, address: Ipv4Addr, target: &str) -> Answer {
    send(
        inside,
        address,
        &format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
    )
}

/// What a server on port 8080 answers to a whole request, seen from inside a namespace.
pub(crate) fn send(inside: &Netns, address: Ipv4Addr, request: &str) -> Answer {
    inside.run(|| {
        let mut stream = TcpStream::connect(SocketAddrV4::new(address, 8080)).expect("the machine plane answers");
        stream
            .set_read_timeout(Some(Duration::from_secs(70)))
            .expect("a time limit");
        stream.write_all(request.as_bytes()).expect("the request is sent");
        Answer::read(&mut stream)
    })
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "it never came to pass that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
