//! The routes of the machine plane.

use std::fmt;

use bootwright_core::Token;

use super::facts::FACTS;
use super::path::{PathFault, RelativePath, segments};
use super::query::Query;
use super::report::ReportKind;
use crate::script::name::{Wanted, read};

/// The longest target that is read. iPXE's own queries stay below 3000 bytes.
const TARGET_BYTES_MAX: usize = 8192;

/// What a machine may do with a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Fetch.
    Get,
    /// Fetch the header alone. It never changes anything.
    Head,
    /// Send.
    Post,
}

/// A request of a machine, as far as its first line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it does.
    pub method: Method,
    /// Which route.
    pub route: Route,
    /// What came behind the question mark.
    pub query: Query,
}

/// One route of the machine plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/boot.ipxe`: the script that gathers facts and asks for the decision.
    Boot,
    /// `/autoexec.ipxe`: what iPXE for UEFI runs before anything else.
    AutoExec,
    /// `/ipxe?…`: the decision. The query is [`Asked`](super::Asked).
    Decision,
    /// `/hold?…`: the long poll of a held machine. The query is [`Poll`](super::Poll).
    Hold,
    /// `/failed?…`: a script could not go on. The query is [`Trouble`](super::Trouble).
    Failed,
    /// `/firmware/…`: the firmware catalogue.
    Firmware(RelativePath),
    /// `/images/…`: artefacts of images.
    Image(RelativePath),
    /// `/assets/…`: the site's own files.
    Asset(RelativePath),
    /// What a boot loader other than iPXE asks for: [`name`](crate::script::name).
    Front(Wanted),
    /// A boot program at any other path: boot loaders look for their companions wherever they believe that they came from,
    /// so that only the name counts.
    Elsewhere(RelativePath),
    /// `/k/…`: the page to which a held machine's console leads.
    Code(ConsoleCode),
    /// `/r/<token>/done` and its like: what a run reports.
    Report {
        /// The token of the run.
        token: Token,
        /// What kind of report.
        kind: ReportKind,
    },
    /// `/r/<token>/facts`: what a machine tells of itself.
    Facts {
        /// The token of the run.
        token: Token,
    },
    /// `/proxmox/answer`: Proxmox's installer tells what machine it is on, and wants its answers.
    Proxmox,
    /// `/r/<token>/…`: a document of a run.
    Document {
        /// The token of the run.
        token: Token,
        /// The document's name.
        name: RelativePath,
    },
}

/// The code on a held machine's screen: five characters of base 32, in capitals.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsoleCode(String);

/// Why a request leads to no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The target is too long.
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The path is malformed.
    Path(PathFault),
    /// No such route. A token that is none is among these, so that it looks like any other that is not live.
    NotFound,
    /// The route knows other methods only.
    Method {
        /// Those that it knows, as the `Allow` field lists them.
        allow: &'static str,
    },
}

/// Reads the method and the target of a request: a path with or without a query, or a whole `http://` URL.
///
/// # Errors
/// The first reason for which the request is none of ours.
pub fn parse(method: &str, target: &[u8]) -> Result<Request, Refusal> {
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TooLong { len: target.len() });
    }
    let mut halves = origin(target).splitn(2, |byte| *byte == b'?');
    let path = halves.next().unwrap_or_default();
    let query = Query::new(halves.next().unwrap_or_default());
    let segments = segments(path).map_err(Refusal::Path)?;
    let route = route(&segments).ok_or(Refusal::NotFound)?;
    let method = route.admit(method)?;
    Ok(Request { method, route, query })
}

/// RFC 9112 section 3.2.2: a server takes a whole URL as well; whom it names makes no difference here.
fn origin(target: &[u8]) -> &[u8] {
    let Some(rest) = target.strip_prefix(b"http://") else {
        return target;
    };
    let slash = rest.iter().position(|byte| *byte == b'/');
    slash.and_then(|at| rest.get(at..)).unwrap_or(b"/")
}

fn route(segments: &[String]) -> Option<Route> {
    let (first, rest) = segments.split_first()?;
    let front = || read(&segments.join("/")).map(Route::Front);
    let is_autoexec = rest.last().is_some_and(|last| last == "autoexec.ipxe");
    match (first.as_str(), rest) {
        ("boot.ipxe", []) => Some(Route::Boot),
        ("autoexec.ipxe", []) => Some(Route::AutoExec),
        ("ipxe", []) => Some(Route::Decision),
        ("hold", []) => Some(Route::Hold),
        ("failed", []) => Some(Route::Failed),
        ("k", [code]) => ConsoleCode::parse(code).map(Route::Code),
        ("r", [token, rest @ ..]) => run_route(Token::parse(token)?, rest),
        // What came from there looks for its configuration there.
        ("firmware", _) if is_autoexec => Some(Route::AutoExec),
        ("proxmox", [word]) if word == "answer" => Some(Route::Proxmox),
        ("firmware", rest) => front().or_else(|| RelativePath::of(rest).map(Route::Firmware)),
        ("images", rest) => RelativePath::of(rest).map(Route::Image),
        ("assets", rest) => RelativePath::of(rest).map(Route::Asset),
        ("boot.ipxe" | "ipxe" | "hold" | "failed" | "k" | "r", _) => None,
        _ if is_autoexec => Some(Route::AutoExec),
        _ => front().or_else(|| elsewhere(segments)),
    }
}

/// A path whose last segment is called as boot programs are.
fn elsewhere(segments: &[String]) -> Option<Route> {
    let name = segments.last()?.to_ascii_lowercase();
    let endings = [".efi", ".kpxe", ".kkpxe", ".pxe", ".0", ".c32", ".e32", ".e64"];
    let is_program = endings.iter().any(|ending| name.ends_with(ending));
    is_program.then(|| RelativePath::of(segments).map(Route::Elsewhere))?
}

fn run_route(token: Token, rest: &[String]) -> Option<Route> {
    if let [word] = rest
        && let Some(kind) = ReportKind::from_name(word)
    {
        return Some(Route::Report { token, kind });
    }
    if matches!(rest, [word] if word == FACTS) {
        return Some(Route::Facts { token });
    }
    RelativePath::of(rest).map(|name| Route::Document { token, name })
}

impl Route {
    /// The name under which requests are counted and logged; it holds nothing that a machine sent.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Boot => "boot",
            Self::AutoExec => "autoexec",
            Self::Decision => "ipxe",
            Self::Hold => "hold",
            Self::Failed => "failed",
            Self::Firmware(_) => "firmware",
            Self::Image(_) => "images",
            Self::Asset(_) => "assets",
            Self::Front(Wanted::Script(asking)) => asking.front.name(),
            Self::Front(Wanted::GrubFirst | Wanted::GrubHttp | Wanted::GrubDisk) => "grub",
            Self::Front(Wanted::Part { .. } | Wanted::Parts { .. }) => "part",
            Self::Elsewhere(_) => "elsewhere",
            Self::Code(_) => "code",
            Self::Report { kind, .. } => kind.name(),
            Self::Facts { .. } => FACTS,
            Self::Proxmox => "proxmox",
            Self::Document { .. } => "document",
        }
    }

    /// The method, if the route knows it. Where every fetch counts, HEAD is not known, so that it cannot count; boot loaders
    /// of which some ask by HEAD first are told the same attempt twice.
    fn admit(&self, method: &str) -> Result<Method, Refusal> {
        let allow = match self {
            Self::Decision | Self::Hold | Self::Failed => "GET",
            Self::Report { .. } => "GET, POST",
            Self::Facts { .. } | Self::Proxmox => "POST",
            Self::Boot
            | Self::AutoExec
            | Self::Firmware(_)
            | Self::Image(_)
            | Self::Asset(_)
            | Self::Front(_)
            | Self::Elsewhere(_)
            | Self::Code(_)
            | Self::Document { .. } => "GET, HEAD",
        };
        let known = [("GET", Method::Get), ("HEAD", Method::Head), ("POST", Method::Post)];
        known
            .into_iter()
            .find(|(name, _)| *name == method && allow.split(", ").any(|allowed| allowed == *name))
            .map(|(_, method)| method)
            .ok_or(Refusal::Method { allow })
    }
}

impl ConsoleCode {
    /// Reads five characters in any case. The digits 0, 1 and 8 are not in base 32: people mean O, I and B by them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: String = text
            .chars()
            .map(|c| match c {
                '0' => 'O',
                '1' => 'I',
                '8' => 'B',
                c => c.to_ascii_uppercase(),
            })
            .collect();
        let fits = |c: u8| c.is_ascii_uppercase() || (b'2'..=b'7').contains(&c);
        (code.len() == 5 && code.bytes().all(fits)).then_some(Self(code))
    }

    /// The code in capitals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsoleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ConsoleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Refusal {
    /// The status code of the answer (RFC 9110 section 15.5).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::TooLong { .. } => 414,
            Self::Path(_) => 400,
            Self::NotFound => 404,
            Self::Method { .. } => 405,
        }
    }

    /// The stable name under which this reason is counted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "target-too-long",
            Self::Path(PathFault::NotAbsolute) => "path-not-absolute",
            Self::Path(PathFault::BadEscape) => "path-bad-escape",
            Self::Path(PathFault::NotText) => "path-not-text",
            Self::Path(PathFault::Control) => "path-control",
            Self::Path(PathFault::Backslash) => "path-backslash",
            Self::Path(PathFault::Parent) => "path-parent",
            Self::Path(PathFault::TooLong) => "path-too-long",
            Self::NotFound => "not-found",
            Self::Method { .. } => "method-not-allowed",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => write!(f, "the target has {len} bytes, more than {TARGET_BYTES_MAX}"),
            Self::Path(fault) => fault.fmt(f),
            Self::NotFound => f.write_str("there is nothing here"),
            Self::Method { allow } => write!(f, "only {allow} is answered here"),
        }
    }
}

impl std::error::Error for Refusal {}
