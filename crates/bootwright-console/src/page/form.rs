//! What the forms do: each is one request to the API, and the way back to where one came from with what became of it.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bootwright_proto::http::api::{ApplyReport, Command, CommandReport, PauseRequest, Problem, ReloadReport, Status};
use serde_json::{Value, json};

use super::ask::escape;
use super::flash::Flash;
use super::{Pages, THEME, Viewer};

/// The most fields that a form has: every host of a page may be selected.
const FIELDS_MAX: usize = 1200;

/// The fields of a form, or the items of a query: a `+` is a space, as HTML says.
pub(crate) fn items(encoded: &[u8]) -> Vec<(String, String)> {
    let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let text = |half: &[u8]| {
        let spaced: Vec<u8> = half
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        decode(&spaced)
    };
    pairs
        .take(FIELDS_MAX)
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            (
                text(halves.next().unwrap_or_default()),
                text(halves.next().unwrap_or_default()),
            )
        })
        .collect()
}

fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escape = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => digit(*high).zip(digit(*low)).map(|(high, low)| (high << 4 | low, tail)),
            _ => None,
        };
        match escape {
            Some((byte, tail)) => {
                bytes.push(byte);
                rest = tail;
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// What somebody filled in.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(body: &Bytes) -> Self {
        Self(items(body))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let own = self.0.iter().filter(|(own, _)| own == name);
        own.map(|(_, value)| value.trim()).find(|value| !value.is_empty())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let own = self.0.iter().filter(move |(own, _)| own == name);
        own.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The words of a field in which several stand behind one another: `a, b c`.
    fn words(&self, name: &str) -> Vec<String> {
        let words = self.all(name).flat_map(|value| value.split([',', ' ']));
        words
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Where the form was. Only paths of ours: whoever made up the field leads nobody elsewhere.
    fn back(&self) -> &str {
        let own = |path: &&str| {
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
            path.starts_with('/') && !path.starts_with("//") && path.bytes().all(plain)
        };
        self.get("back").filter(own).unwrap_or("/")
    }
}

fn back(to: &str, flash: &Flash) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    if let Some(cookie) = flash.header() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn refused(problem: Problem) -> Flash {
    Flash {
        good: false,
        text: problem.detail.unwrap_or(problem.title),
        hint: problem.hint,
    }
}

pub(crate) async fn act(Path(host): Path<String>, viewer: Viewer, body: Bytes) -> Response {
    let fields = Fields::read(&body);
    let flash = match command(&fields) {
        Ok(command) => match tell(&viewer, &host, &command).await {
            Ok(report) => Flash::good(report.notes.join(". ")),
            Err(problem) => refused(problem),
        },
        Err(why) => Flash {
            good: false,
            text: why.to_owned(),
            hint: None,
        },
    };
    // The page of a host that was forgotten is gone with it.
    let to = if flash.good && fields.get("action") == Some("forget") {
        "/"
    } else {
        fields.back()
    };
    back(to, &flash)
}

async fn tell(viewer: &Viewer, host: &str, command: &Command) -> Result<CommandReport, Problem> {
    let target = format!("/hosts/{}/command", escape(host));
    viewer.asker.post(&target, command).await
}

/// The command that a form means.
fn command(fields: &Fields) -> Result<Command, &'static str> {
    let profile = || fields.get("profile").map(str::to_owned).ok_or("no profile was chosen");
    let key = || fields.get("key").map(str::to_owned).ok_or("no name was given");
    let value = || fields.get("value").map(str::to_owned);
    Ok(match fields.get("action").unwrap_or_default() {
        "arm" => Command::Arm {
            profiles: fields.words("profile"),
            allow_wipe: fields.words("allow_wipe"),
        },
        "reinstall" => Command::Reinstall {
            confirm: fields.get("confirm").map(str::to_owned),
            allow_wipe: fields.words("allow_wipe"),
        },
        "queue" => Command::Queue {
            profiles: fields.words("profile"),
        },
        "live" => Command::Live { profile: profile()? },
        "hold" => Command::Hold {},
        "local" => Command::Local {},
        "ignore" => Command::Ignore {},
        "lock" => Command::Lock {},
        "unlock" => Command::Unlock {},
        "wake" => Command::Wake {},
        "done" => Command::Done {},
        "forget" if fields.get("sure").is_none() => return Err("tick the box first: what is forgotten is gone"),
        "forget" => Command::Forget {},
        "label" => Command::SetLabel {
            key: key()?,
            value: value(),
        },
        "metadata" => Command::SetMetadata {
            key: key()?,
            value: value(),
        },
        _ => return Err("the form names no action that there is"),
    })
}

pub(crate) async fn act_on_many(viewer: Viewer, body: Bytes) -> Response {
    let fields = Fields::read(&body);
    let hosts: Vec<&str> = fields.all("host").collect();
    let flash = if hosts.is_empty() {
        Flash {
            good: false,
            text: "no host was selected".to_owned(),
            hint: Some("select hosts by their boxes, or with `x`".to_owned()),
        }
    } else if matches!(
        fields.get("action"),
        Some("forget" | "reinstall" | "done" | "label" | "metadata")
    ) {
        Flash {
            good: false,
            text: "this is done to one host at a time, on its own page".to_owned(),
            hint: None,
        }
    } else {
        match command(&fields) {
            Ok(command) => on_all(&viewer, &hosts, &command).await,
            Err(why) => Flash {
                good: false,
                text: why.to_owned(),
                hint: None,
            },
        }
    };
    back(fields.back(), &flash)
}

/// Tells each host; what is refused for one is no matter for the others.
async fn on_all(viewer: &Viewer, hosts: &[&str], command: &Command) -> Flash {
    let (mut done, mut unchanged, mut refusals) = (0_usize, 0_usize, Vec::new());
    for host in hosts {
        match tell(viewer, host, command).await {
            Ok(report) if report.changed => done += 1,
            Ok(_) => unchanged += 1,
            Err(problem) => refusals.push(problem.detail.unwrap_or(problem.title)),
        }
    }
    let mut parts = Vec::new();
    if done > 0 || refusals.is_empty() {
        parts.push(format!("done for {done} of {}", hosts.len()));
    }
    if unchanged > 0 {
        parts.push(format!("{unchanged} told, with nothing to change"));
    }
    if !refusals.is_empty() {
        parts.push(format!("{} refused: {}", refusals.len(), refusals.join("; ")));
    }
    Flash {
        good: refusals.is_empty(),
        text: parts.join(" · "),
        hint: None,
    }
}

pub(crate) async fn pause(viewer: Viewer, body: Bytes) -> Response {
    let fields = Fields::read(&body);
    let request = PauseRequest {
        why: fields.get("why").map(str::to_owned),
    };
    let paused: Result<Status, Problem> = viewer.asker.post("/pause", &request).await;
    let flash = match paused {
        Ok(_) => Flash::good("installs are paused: none begins or goes on"),
        Err(problem) => refused(problem),
    };
    back(fields.back(), &flash)
}

pub(crate) async fn resume(viewer: Viewer, body: Bytes) -> Response {
    let resumed: Result<Status, Problem> = viewer.asker.post("/resume", &json!({})).await;
    let flash = match resumed {
        Ok(_) => Flash::good("installs go on"),
        Err(problem) => refused(problem),
    };
    back(Fields::read(&body).back(), &flash)
}

pub(crate) async fn reload(viewer: Viewer, body: Bytes) -> Response {
    let reloaded: Result<ReloadReport, Problem> = viewer.asker.post("/reload", &json!({})).await;
    let flash = match reloaded {
        Ok(report) if report.accepted => {
            let changes = if report.changes.is_empty() {
                "nothing changed".to_owned()
            } else {
                report.changes.join("; ")
            };
            Flash::good(format!("the configuration was read: {changes}"))
        }
        Ok(report) => {
            let first = report.diagnostics.first();
            let place = |file: &str, line: Option<u32>| line.map_or(file.to_owned(), |line| format!("{file}:{line}"));
            Flash {
                good: false,
                text: first.map_or("the configuration cannot be used".to_owned(), |first| {
                    let at = first
                        .file
                        .as_deref()
                        .map(|file| place(file, first.line) + ": ")
                        .unwrap_or_default();
                    format!("the configuration stays as it was: {at}{}", first.message)
                }),
                hint: Some("`bootwright check` shows all that is wrong".to_owned()),
            }
        }
        Err(problem) => refused(problem),
    };
    back(Fields::read(&body).back(), &flash)
}

pub(crate) async fn apply(viewer: Viewer, body: Bytes) -> Response {
    let fields = Fields::read(&body);
    let hosts: Vec<&str> = fields.all("host").collect();
    let request: Value = json!({ "hosts": hosts });
    let applied: Result<ApplyReport, Problem> = viewer.asker.post("/apply", &request).await;
    let flash = match applied {
        Ok(report) => Flash {
            good: report.skipped.is_empty(),
            text: format!("{} armed. {}", report.armed.len(), report.skipped.join("; ")),
            hint: None,
        },
        Err(problem) => refused(problem),
    };
    back(fields.back(), &flash)
}

/// Light, dark, as the system says, and around again.
pub(crate) async fn theme(State(_): State<Pages>, viewer: Viewer, body: Bytes) -> Response {
    let next = match viewer.theme {
        None => "dark",
        Some("dark") => "light",
        Some(_) => "",
    };
    let age = if next.is_empty() { 0 } else { 31_536_000 };
    let cookie = format!("{THEME}={next}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict");
    let location = HeaderValue::from_str(Fields::read(&body).back()).unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields {
        Fields::read(&Bytes::from(text.to_owned()))
    }

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        let read = fields("action=arm&profile=a%2Cb+c&profile=&x=%zz%&allow_wipe=S4+%C3%A4");
        assert_eq!(read.words("profile"), ["a", "b", "c"]);
        assert_eq!(read.get("x"), Some("%zz%"));
        assert_eq!(read.words("allow_wipe"), ["S4", "ä"]);
        assert_eq!(
            command(&read),
            Ok(Command::Arm {
                profiles: vec!["a".to_owned(), "b".to_owned(), "c".to_owned()],
                allow_wipe: vec!["S4".to_owned(), "ä".to_owned()],
            })
        );
    }

    #[test]
    fn the_way_back_leads_nowhere_but_here() {
        assert_eq!(fields("back=%2Fhosts%2Foak-42%3Fa%3Db").back(), "/hosts/oak-42?a=b");
        for elsewhere in [
            "https://e.example/",
            "//e.example",
            "/\\e.example",
            "javascript:1",
            "",
            "/a\r\nb",
        ] {
            assert_eq!(
                fields(&format!("back={}", escape(elsewhere))).back(),
                "/",
                "{elsewhere}"
            );
        }
    }

    #[test]
    fn what_cannot_be_undone_wants_a_word_more() {
        assert!(command(&fields("action=forget")).is_err());
        assert_eq!(command(&fields("action=forget&sure=yes")), Ok(Command::Forget {}));
        assert!(command(&fields("action=wipe")).is_err());
        assert!(command(&fields("action=live")).is_err());
    }
}
