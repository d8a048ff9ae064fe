//! What UEFI HTTP boot demands of a server, asked as EDK2 asks it: firmware is less patient than any browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use crate::daemon::{Daemon, PATIENCE};
use crate::segment::{captured, discover, segment};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";
/// Longer than any answer takes on a machine under load, and still bearable for a test that waits for nothing.
const SILENCE: Duration = Duration::from_millis(700);

/// One connection of a firmware.
struct Connection {
    stream: BufReader<TcpStream>,
}

/// An answer as it lies on the wire.
#[derive(Debug)]
struct Reply {
    status: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(field, _)| field == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "`{name}` twice: {self:?}");
        value
    }

    fn length(&self) -> usize {
        let length = self.field("Content-Length").expect("a length");
        length.parse().expect("a bare number")
    }
}

impl Connection {
    /// Must be made inside the firmware's namespace.
    fn open() -> Self {
        let stream = TcpStream::connect(SocketAddrV4::new(OURS, 8080)).expect("the machine plane answers");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Asks with EDK2's own fields, in its order. (NetworkPkg/HttpBootDxe: Host, Accept, User-Agent)
    fn ask(&mut self, method: &str, target: &str) -> Reply {
        self.ask_with(method, target, "")
    }

    /// The same with more fields, each with its line end.
    fn ask_with(&mut self, method: &str, target: &str, more: &str) -> Reply {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: 10.77.0.1:8080\r\nAccept: */*\r\nUser-Agent: UefiHttpBoot/1.0\r\n\
             {more}\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(request.as_bytes()).expect("the connection is open");
        let mut lines = self.stream.by_ref().lines().map(|line| line.expect("a line"));
        let status = lines.next().expect("a status line");
        let fields = lines
            .take_while(|line| !line.is_empty())
            .map(|line| {
                let (name, value) = line.split_once(": ").expect("a field");
                (name.to_owned(), value.to_owned())
            })
            .collect();
        let mut reply = Reply {
            status,
            fields,
            body: Vec::new(),
        };
        if method != "HEAD" && !reply.status.contains(" 304 ") {
            reply.body = vec![0; reply.length()];
            self.stream.read_exact(&mut reply.body).expect("the body is whole");
        }
        reply
    }
}

#[test]
fn firmware_gets_a_url_in_both_places_the_class_that_it_wants_and_no_address() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    let heard = discover(&machine, "eth0", &captured("http-firmware-discover"), PATIENCE).expect("an offer");
    let url = b"http://10.77.0.1:8080/firmware/snponly.efi";
    assert_eq!(heard.answer.file, url);
    assert_eq!(
        heard.answer.boot_file.as_deref(),
        Some([url.as_slice(), b"\0"].concat().as_slice())
    );
    assert_eq!(heard.answer.vendor_class, b"HTTPClient", "exactly, nothing behind it");
    assert_eq!(heard.answer.server_id, Some(OURS), "without it the offer is dropped");
    assert_eq!(heard.answer.yiaddr, Ipv4Addr::UNSPECIFIED);
    assert_eq!(heard.answer.vendor_options, None, "43 is of PXE");
    assert_eq!(
        heard.answer.dns,
        Vec::<Ipv4Addr>::new(),
        "the URL holds an address, so that no name server is needed"
    );
}

#[test]
fn its_request_to_the_dhcp_server_and_port_4011_are_not_for_us() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let request = captured("http-firmware-request");
    assert!(discover(&machine, "eth0", &request, SILENCE).is_none());
    daemon.wait_for_log("Request on port 67 is for the DHCP server");
    machine.run(|| {
        let client = crate::segment::Client::on("eth0", 68);
        client.send(&request, SocketAddrV4::new(OURS, 4011));
    });
    daemon.wait_for_log("an HTTP boot client on port 4011");
}

#[test]
fn head_and_get_come_one_after_the_other_on_one_connection_and_announce_the_same() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    machine.run(|| {
        let mut firmware = Connection::open();
        let head = firmware.ask("HEAD", "/firmware/snponly.efi");
        let get = firmware.ask("GET", "/firmware/snponly.efi");
        for reply in [&head, &get] {
            assert_eq!(reply.status, "HTTP/1.1 200 OK");
            assert_eq!(reply.field("Content-Type"), Some("application/efi"));
            assert_eq!(reply.length(), 70_000);
            assert_eq!(reply.field("Transfer-Encoding"), None, "{reply:?}");
            assert_eq!(reply.field("Connection"), None, "EDK2 keeps it: {reply:?}");
            assert_eq!(reply.field("Location"), None);
            // An empty `Server` stops some builds. (tianocore/edk2 issue 7443)
            assert_ne!(reply.field("Server"), Some(""), "{reply:?}");
        }
        assert!(get.body.starts_with(b"snponly.efi"));
        // The image may be asked for again, in parts and from where it broke off.
        let again = firmware.ask("GET", "/firmware/snponly.efi");
        assert_eq!(again.body, get.body);
    });
}

#[test]
fn parts_and_repeats_are_answered_as_rfc_9110_says_on_one_connection() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    std::fs::write(daemon.data_dir().join("images/disk.img"), "0123456789abcdef").expect("an image");
    for file in ["/firmware/snponly.efi", "/images/disk.img"] {
        machine.run(|| {
            let mut client = Connection::open();
            let whole = client.ask("GET", file);
            assert_eq!(whole.status, "HTTP/1.1 200 OK");
            assert_eq!(whole.field("Accept-Ranges"), Some("bytes"), "{:?}", whole.fields);
            let tag = whole
                .field("Etag")
                .expect("an entity tag, its name in Title-Case")
                .to_owned();
            let size = whole.length();

            let mut with = |more: String| client.ask_with("GET", file, &more);
            let same = with(format!("If-None-Match: {tag}\r\n"));
            assert!(same.status.starts_with("HTTP/1.1 304 "), "{same:?}");
            assert_eq!(same.field("Etag"), Some(tag.as_str()));

            let part = with("Range: bytes=5-9\r\n".to_owned());
            assert!(part.status.starts_with("HTTP/1.1 206 "), "{:?}", part.status);
            assert_eq!(part.body, whole.body[5..10]);
            assert_eq!(part.field("Content-Range"), Some(format!("bytes 5-9/{size}").as_str()));
            let end = with("Range: bytes=-4\r\n".to_owned());
            assert_eq!(end.body, whole.body[size - 4..]);

            let of_this = with(format!("Range: bytes=5-9\r\nIf-Range: {tag}\r\n"));
            assert_eq!(of_this.body, whole.body[5..10]);
            let of_another = with("Range: bytes=5-9\r\nIf-Range: \"another\"\r\n".to_owned());
            assert_eq!(
                (of_another.status.as_str(), of_another.body),
                ("HTTP/1.1 200 OK", whole.body)
            );

            let beyond = with(format!("Range: bytes={size}-\r\n"));
            assert!(beyond.status.starts_with("HTTP/1.1 416 "), "{:?}", beyond.status);
            assert_eq!(beyond.field("Content-Range"), Some(format!("bytes */{size}").as_str()));
        });
    }
}

#[test]
fn a_url_with_a_slash_too_many_is_the_same_file_and_never_a_redirect() {
    let (inside, machine) = segment();
    let _daemon = Daemon::start(&inside, CONFIG);
    machine.run(|| {
        let mut firmware = Connection::open();
        for target in [
            "//firmware//snponly.efi",
            "/firmware/./snponly.efi",
            "/firmware/snponly.efi",
        ] {
            for method in ["HEAD", "GET"] {
                let reply = firmware.ask(method, target);
                assert_eq!(
                    (reply.status.as_str(), reply.length()),
                    ("HTTP/1.1 200 OK", 70_000),
                    "{target}"
                );
            }
        }
        // What is not there says so at once, on the same connection and with a length.
        for target in [
            "/firmware",
            "/firmware/",
            "/firmware/none.efi",
            "/firmware/autoexec.ipxe/none",
        ] {
            let reply = firmware.ask("HEAD", target);
            assert!(reply.status.starts_with("HTTP/1.1 404 "), "{target}: {reply:?}");
            let reply = firmware.ask("GET", target);
            assert_eq!(reply.body.len(), reply.length(), "{target}");
        }
    });
}

#[test]
fn a_firmware_that_resets_its_connection_in_the_middle_costs_nobody_anything() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    machine.run(|| {
        for _ in 0..20 {
            let mut firmware = Connection::open();
            firmware.ask("HEAD", "/firmware/snponly.efi");
            let socket = socket2::SockRef::from(firmware.stream.get_ref());
            // With nothing to linger for, the kernel ends it by a reset.
            socket
                .set_linger(Some(Duration::ZERO))
                .expect("an option of every kernel");
        }
        let mut firmware = Connection::open();
        assert_eq!(firmware.ask("GET", "/firmware/snponly.efi").body.len(), 70_000);
    });
    let log = daemon.log();
    let troubles = log
        .lines()
        .filter(|line| line.contains("Z error ") || line.contains("Z warn "));
    // The test's daemon has no shipped firmware, and says so at its start.
    let troubles: Vec<&str> = troubles.filter(|line| !line.contains("firmware manifest")).collect();
    assert_eq!(troubles, Vec::<&str>::new());
}
