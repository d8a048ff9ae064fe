//! Requests to the machine plane as text: the line, fields, an empty line and a body.

use bootwright_proto::http::target::parse;
use bootwright_proto::http::{
    Asked, BaseUrl, Conditions, EntityTag, HttpDate, Plan, Poll, Query, RelativePath, Report, ReportKind, Route,
    Trouble, Version, plan,
};
use bootwright_proto::script::name::{Wanted, read};

/// Takes a request through everything that reads a part of it.
pub fn digest(bytes: &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (&bytes[..end], bytes.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let line = lines.next().unwrap_or_default();
    let (method, target) = split(line, b' ');
    let fields: Vec<(String, String)> = lines
        .map(|line| split(line, b':'))
        .map(|(name, value)| (text(name).to_ascii_lowercase(), text(value)))
        .collect();
    let field = |name: &str| {
        fields
            .iter()
            .find(|(this, _)| this == name)
            .map(|(_, value)| value.trim())
    };

    let parsed = parse(&text(method), target);
    let query = match &parsed {
        Ok(request) => {
            route(&request.route);
            request.query.clone()
        }
        Err(refusal) => {
            assert!((400..500).contains(&refusal.status()));
            Query::new(split(target, b'?').1)
        }
    };
    asked(&query);
    for kind in ReportKind::ALL {
        report(&Report::read(kind, &query, field("content-type"), body));
    }
    conditions(&field, body.len() as u64);
    if let Ok(base) = text(target).parse::<BaseUrl>() {
        assert!(base.join("/boot.ipxe").ends_with("/boot.ipxe"));
        assert!(
            !base.as_str().chars().any(|c| c.is_whitespace() || c.is_control()),
            "{base:?}"
        );
    }
}

fn split(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == at);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn route(route: &Route) {
    match route {
        Route::Firmware(path)
        | Route::Image(path)
        | Route::Asset(path)
        | Route::Elsewhere(path)
        | Route::Document { name: path, .. } => file(path),
        Route::Front(wanted) => front(wanted),
        Route::Code(code) => assert_eq!(code.as_str().len(), 5),
        Route::Boot
        | Route::AutoExec
        | Route::Decision
        | Route::Hold
        | Route::Failed
        | Route::Report { .. }
        | Route::Facts { .. }
        | Route::Proxmox => {}
    }
}

/// A link in what a boot loader is told means the same machine at the same point, and nothing else.
fn front(wanted: &Wanted) {
    if let Wanted::Script(asking) = wanted {
        let link = asking.link(asking.act);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-".contains(&byte);
        assert!(link.bytes().all(plain), "{link}");
        let Some(Wanted::Script(again)) = read(&link) else {
            panic!("{link} leads nowhere");
        };
        assert_eq!((again.front, again.act), (asking.front, asking.act), "{link}");
        assert_eq!(again.link(again.act), link);
    }
}

fn file(path: &RelativePath) {
    for segment in path.segments() {
        assert!(!segment.is_empty() && segment != "." && segment != "..", "{path}");
        assert!(
            !segment.contains(['/', '\\']) && !segment.chars().any(char::is_control),
            "{path}"
        );
    }
}

/// What a machine says of itself can be said again, and is the same then.
fn asked(query: &Query) {
    let mut asked = Asked::read(query);
    // These are of the present answer and not of the machine.
    (asked.screen, asked.confirmed, asked.sighting.confirmed) = (None, false, false);
    let again = Asked::read(&Query::new(asked.to_query().as_bytes()));
    assert_eq!(again, asked, "said again as {}", asked.to_query());
    let _ = Poll::read(query);
    let _ = Trouble::read(query);
}

fn report(report: &Report) {
    let line = |line: &Option<String>| {
        if let Some(line) = line {
            assert!(line.len() <= 400 && !line.chars().any(char::is_control), "{line:?}");
        }
    };
    match report {
        Report::Fail { reason } => line(reason),
        Report::Progress(progress) => {
            let lines = [
                &progress.stage,
                &progress.message,
                &progress.serial,
                &progress.content,
                &progress.error,
            ];
            lines.into_iter().for_each(line);
            assert!(progress.percent.is_none_or(|percent| percent <= 100));
        }
        Report::Done | Report::Up | Report::Log(_) => {}
    }
}

fn conditions<'a>(field: &impl Fn(&str) -> Option<&'a str>, len: u64) {
    let conditions = Conditions {
        range: field("range"),
        if_range: field("if-range"),
        if_match: field("if-match"),
        if_none_match: field("if-none-match"),
        if_modified_since: field("if-modified-since"),
        if_unmodified_since: field("if-unmodified-since"),
    };
    let version = Version {
        etag: EntityTag::of(&[1, 2, 3]),
        modified: HttpDate::from_secs(1_760_000_000),
    };
    for len in [0, 1, len, 1 << 40, u64::MAX] {
        if let Plan::Part(part) = plan(&conditions, &version, len) {
            assert!(part.start < part.end && part.end <= len, "{part:?} of {len}");
        }
    }
}

/// Requests of firmware, iPXE and installers.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let texts: [&str; 8] = [
        "GET /boot.ipxe\nhost: 10.0.0.1",
        "GET /ipxe?mac=52-54-00-00-00-01&nic=00:1b:21:00:00:02&uuid=00112233-4455-6677-8899-aabbccddeeff&serial_hex=3031&asset=x+y&platform=efi&buildarch=x86_64&version=2.0&ip=10.0.0.7&confirmed=yes&screen=1f\n",
        "GET /hold?mac=52-54-00-00-00-01&polls=7&screen=12ab\n",
        "GET /images/debian/13/linux%20image\nrange: bytes=0-1023\nif-range: \"1-2-3\"\nif-none-match: W/\"x\", *",
        "HEAD /firmware/snponly.efi\nif-modified-since: Wed, 08 Oct 2025 15:06:40 GMT\nif-match: *",
        "POST /r/0123456789abcdef0123456789abcdef/progress?stage=write\ncontent-type: application/json\n\n{\"percent\": 41, \"message\": \"x\\ny\"}",
        "POST http://h:1/r/0123456789abcdef0123456789abcdef/fail\ncontent-type: application/x-www-form-urlencoded\n\nreason=no+disk%0a&pct=7",
        "GET /failed?mac=52-54-00-00-00-01&step=kernel&error=2d0c613b\n",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
