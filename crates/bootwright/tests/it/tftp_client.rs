//! Other people's clients against our service.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use bootwright::tftp::{Ending, Limits};

use bootwright_client::tftp::End;

use crate::tftp_relay::{RELAY, Trouble, through};
use crate::tftp_segment::{Directory, SERVER, Segment, catalogue, content, need, wish};

/// A client program: how it is told to fetch a name into a file.
struct Client {
    program: &'static str,
    package: &'static str,
    arguments: fn(server: Ipv4Addr, name: &str, into: &Path) -> Vec<String>,
    /// What it says when it gives up over a lost packet that no server could have made good.
    gives_up: Option<&'static str>,
}

/// How often such a client is started again.
const TRIES: usize = 5;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

const TFTP_HPA: Client = Client {
    program: "tftp",
    package: "tftp-hpa",
    arguments: |server, name, into| words(&format!("{server} -m binary -c get {name} {}", into.display())),
    gives_up: None,
};

const ATFTP: Client = Client {
    program: "atftp",
    package: "atftp",
    arguments: |server, name, into| {
        let mut all: Vec<String> = vec!["--option".into(), "blksize 1428".into()];
        all.extend(["--option".into(), "windowsize 16".into()]);
        all.extend(words(&format!("-g -r {name} -l {} {server}", into.display())));
        all
    },
    // If its first acknowledgement is lost the server must repeat the option acknowledgement, and atftp 0.8 ends there.
    gives_up: Some("unexpected OACK"),
};

const CURL: Client = Client {
    program: "curl",
    package: "curl",
    arguments: |server, name, into| {
        words(&format!(
            "-sS -m 100 --tftp-blksize 1468 -o {} tftp://{server}/{name}",
            into.display()
        ))
    },
    gives_up: None,
};

/// Without options: a second option acknowledgement that comes late takes curl back to block 0, where it waits for ever.
const CURL_WITHOUT_OPTIONS: Client = Client {
    arguments: |server, name, into| {
        words(&format!(
            "-sS -m 100 --tftp-no-options -o {} tftp://{server}/{name}",
            into.display()
        ))
    },
    ..CURL
};

impl Client {
    /// Fetches a file. Where packets are lost, a client that gave up over one is started again, as its user would.
    fn fetch(&self, segment: &Segment, server: Ipv4Addr, name: &str, into: &Directory, lossy: bool) -> Vec<u8> {
        need(self.program, self.package);
        let path = into.0.join(name);
        for attempt in 1.. {
            let mut command: Command = segment.clients.command(self.program);
            let output = command
                .args((self.arguments)(server, name, &path))
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stderr);
            let excused = lossy && self.gives_up.is_some_and(|words| said.contains(words));
            if !output.status.success() && excused && attempt < TRIES {
                continue;
            }
            assert!(output.status.success(), "{} {name}: {said}", self.program);
            return std::fs::read(&path).unwrap_or_else(|error| panic!("{} {name}: {error}; {said}", self.program));
        }
        unreachable!("the last attempt returns or panics")
    }
}

/// Fetches files of awkward sizes over a wire that loses `percent` of the packets each way.
fn fetches(client: &Client, percent: f64, sizes: &[usize]) {
    let segment = Segment::new();
    let into = Directory::new(&format!("{}-{percent}", client.program));
    let files: Vec<(String, Vec<u8>)> = sizes.iter().map(|size| (format!("f{size}"), content(*size))).collect();
    let named: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    segment.serve(Limits::SITE, catalogue(&named), |service| {
        segment.lose(percent);
        for (name, bytes) in &files {
            let got = client.fetch(&segment, SERVER, name, &into, percent > 0.0);
            assert!(got == *bytes, "{name}: {} bytes came, and other ones", got.len());
        }
        // In any order: under loss a client may be done, and its socket closed, while its last acknowledgement is lost, and
        // the service finds out while the next file is on its way. A lost request is repeated from another port by some.
        let mut awaited: BTreeMap<&str, u64> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.len() as u64))
            .collect();
        while !awaited.is_empty() {
            let report = service.report();
            if report.acked_bytes == 0 {
                continue;
            }
            let size = awaited.remove(report.name.to_string().as_str());
            assert_eq!(size, Some(report.size), "{report:?}");
            let done = report.ending == Ending::Delivered;
            assert!(
                done || (percent > 0.0 && report.ending == Ending::SentUnacknowledged),
                "{report:?}"
            );
        }
    });
}

const SIZES: [usize; 6] = [1, 511, 512, 1468, 74_000, 1_000_003];

#[test]
fn tftp_hpa_gets_identical_files() {
    fetches(&TFTP_HPA, 0.0, &SIZES);
}

#[test]
fn atftp_gets_identical_files_in_windows_of_16() {
    fetches(&ATFTP, 0.0, &SIZES);
}

#[test]
fn curl_gets_identical_files() {
    fetches(&CURL, 0.0, &SIZES);
}

#[test]
fn tftp_hpa_gets_identical_files_under_loss() {
    fetches(&TFTP_HPA, 2.0, &[20_000, 20_480]);
}

#[test]
fn atftp_gets_identical_files_under_loss() {
    fetches(&ATFTP, 2.0, &[74_000, 400_003]);
}

#[test]
fn curl_gets_identical_files_under_loss() {
    fetches(&CURL, 2.0, &[30_000, 74_000]);
}

/// Datagrams that arrive twice, late and in another order.
const SHUFFLED: Trouble = Trouble {
    seed: 20_261_120,
    lost: 0,
    doubled: 60,
    echoed: 60,
    late: 60,
};

/// The same, and some that never arrive.
const SHUFFLED_AND_LOST: Trouble = Trouble { lost: 15, ..SHUFFLED };

/// Fetches files of awkward sizes through a cable with such trouble, which the client cannot tell from its server.
fn fetches_through(client: &Client, trouble: Trouble, sizes: &[usize]) {
    let segment = Segment::new();
    let into = Directory::new(&format!("{}-relay-{}", client.program, trouble.lost));
    let files: Vec<(String, Vec<u8>)> = sizes.iter().map(|size| (format!("f{size}"), content(*size))).collect();
    let named: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    segment.serve(Limits::SITE, catalogue(&named), |_| {
        through(&segment, trouble, |damage| {
            for (name, bytes) in &files {
                let got = client.fetch(&segment, RELAY, name, &into, true);
                assert!(got == *bytes, "{name}: {} bytes came, and other ones", got.len());
            }
            damage.assert_some(trouble);
        });
    });
}

#[test]
fn tftp_hpa_gets_identical_files_where_datagrams_come_twice_and_in_another_order() {
    fetches_through(&TFTP_HPA, SHUFFLED, &[511, 512, 74_000, 102_400]);
    fetches_through(&TFTP_HPA, SHUFFLED_AND_LOST, &[20_000, 20_480]);
}

#[test]
fn atftp_gets_identical_files_where_datagrams_come_twice_and_in_another_order() {
    fetches_through(&ATFTP, SHUFFLED, &[511, 1428, 74_000, 400_003]);
    fetches_through(&ATFTP, SHUFFLED_AND_LOST, &[74_000, 285_600]);
}

#[test]
fn curl_gets_identical_files_where_datagrams_come_twice_and_in_another_order() {
    fetches_through(&CURL_WITHOUT_OPTIONS, SHUFFLED, &[511, 512, 74_000, 102_400]);
    fetches_through(&CURL_WITHOUT_OPTIONS, SHUFFLED_AND_LOST, &[20_000, 20_480]);
}

#[test]
fn our_own_client_gets_identical_files_where_datagrams_come_twice_and_in_another_order() {
    let segment = Segment::new();
    let file = content(400_003);
    segment.serve(Limits::SITE, catalogue(&[("file", file.clone())]), |_| {
        through(&segment, SHUFFLED_AND_LOST, |damage| {
            for windowsize in [1, 4, 16] {
                let got = segment.fetch(wish("file", windowsize), RELAY);
                assert_eq!(got.end, End::Complete, "{windowsize}");
                assert!(got.bytes == file, "{windowsize}: {} bytes came", got.bytes.len());
            }
            damage.assert_some(SHUFFLED_AND_LOST);
        });
    });
}

#[test]
fn tftp_hpa_in_its_default_text_mode_gets_the_bytes_too() {
    need("tftp", "tftp-hpa");
    let segment = Segment::new();
    let into = Directory::new("text-mode");
    let text = b"first\nsecond\r\nthird\rfourth\n".repeat(100);
    segment.serve(Limits::SITE, catalogue(&[("text", text.clone())]), |_| {
        let path = into.0.join("text");
        let mut command = segment.clients.command("tftp");
        command.args(["10.92.0.1", "-c", "get", "text"]).arg(&path);
        assert!(command.output().expect("it runs").status.success());
        assert!(std::fs::read(path).expect("it was fetched") == text);
    });
}
