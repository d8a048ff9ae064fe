//! `bootwright image`: images, on the data directory itself. A daemon that runs there sees the change by itself.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use bootwright_images::{Error, ImageName, Limits, Listed, Progress, Request, Shelf, Source, add};
use serde::Serialize;

use super::Exit;
use super::argument::{Common, ImageOptions, ImageVerb};
use super::check::data_dir;
use super::failure::Failure;
use super::print::Printer;
use super::table::{Table, or_dash, safe};

/// The directory of images in the data directory.
pub(super) fn root(common: &Common) -> PathBuf {
    data_dir(common).join("images")
}

pub(super) fn run(printer: Printer, common: &Common, verb: ImageVerb) -> Result<Exit, Failure> {
    match verb {
        ImageVerb::Add(options) => add_image(printer, common, *options),
        ImageVerb::List => list(printer, common),
        ImageVerb::Verify { names } => verify(printer, common, &names),
        ImageVerb::Remove { name } => {
            let name = named(&name)?;
            Shelf::open(root(common))
                .and_then(|shelf| shelf.remove(&name))
                .map_err(failed)?;
            printer.document(
                &Removed {
                    removed: name.to_string(),
                },
                |_| format!("image `{name}` is removed\n"),
            )?;
            Ok(Exit::Good)
        }
    }
}

#[derive(Serialize)]
struct Removed {
    removed: String,
}

/// What is said of an image.
#[derive(Serialize)]
struct ImageView {
    name: String,
    version: Option<String>,
    source: Option<String>,
    proof: Option<String>,
    files: usize,
    bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

impl ImageView {
    fn of(listed: &Listed) -> Self {
        let lock = listed.lock.as_ref();
        Self {
            name: listed.name.clone(),
            version: lock.and_then(|lock| lock.version.clone()),
            source: lock.map(|lock| lock.source.clone()),
            proof: lock.map(|lock| lock.proof.clone()),
            files: lock.map_or(0, |lock| lock.files.len()),
            bytes: lock.map_or(0, bootwright_images::Lock::bytes),
            faults: listed.trouble.iter().cloned().collect(),
        }
    }
}

pub(super) fn failed(error: Error) -> Failure {
    Failure::File {
        message: error.message,
        hint: error
            .hint
            .unwrap_or_else(|| "`bootwright help image` shows how images are added".to_owned()),
    }
}

fn usage(message: String, hint: &str) -> Failure {
    Failure::Usage {
        message,
        hint: hint.to_owned(),
    }
}

pub(super) fn named(name: &str) -> Result<ImageName, Failure> {
    name.parse()
        .map_err(|why| usage(format!("`{}` is {why}", safe(name)), "such as `debian-13`"))
}

fn request(options: ImageOptions) -> Result<Request, Failure> {
    let name = named(&options.name)?;
    let source = match options.source.as_slice() {
        [] => {
            return Err(usage(
                "where is the image to come from?".to_owned(),
                "name a path, URLs, `fcos:STREAM`, `flatcar:CHANNEL` or `debian:SUITE`",
            ));
        }
        [one] => one.parse::<Source>().map_err(failed)?,
        many if many.iter().all(|url| url.contains("://")) => Source::Urls(many.to_vec()),
        _ => {
            return Err(usage(
                "several sources must all be URLs".to_owned(),
                "add other sources one by one",
            ));
        }
    };
    let mut expected = None;
    for (text, digits) in [(&options.sha256, 64), (&options.sha512, 128)] {
        let Some(text) = text else { continue };
        let wrong = || {
            usage(
                format!("`{}` is no such hash", safe(text)),
                "it has 64 or 128 hexadecimal digits",
            )
        };
        expected = Some(text.parse().ok().filter(|_| text.len() == digits).ok_or_else(wrong)?);
    }
    Ok(Request {
        mirrors: options.mirror,
        keys: options.key,
        signature: options.signature,
        sums: options.sums,
        expected,
        arch: options.arch,
        keep: options.keep,
        unverified: options.unverified,
        limits: Limits {
            bytes_max: options.max_size.saturating_mul(1 << 30),
            ..Limits::default()
        },
        ..Request::new(name, source)
    })
}

fn add_image(printer: Printer, common: &Common, options: ImageOptions) -> Result<Exit, Failure> {
    let request = request(options)?;
    let shelf = Shelf::open(root(common)).map_err(failed)?;
    let teller = Teller::new();
    let lock = add(&shelf, &request, &|progress| teller.tell(progress));
    teller.end_line();
    let lock = lock.map_err(failed)?;
    let view = ImageView::of(&Listed {
        name: request.name.to_string(),
        lock: Some(lock),
        trouble: None,
    });
    printer.document(&view, |view| {
        format!(
            "image `{}` is in place: {} files, {}; proof: {}\n",
            view.name,
            view.files,
            size(view.bytes),
            safe(view.proof.as_deref().unwrap_or_default())
        )
    })?;
    Ok(Exit::Good)
}

fn list(printer: Printer, common: &Common) -> Result<Exit, Failure> {
    let views: Vec<ImageView> = Shelf::list(&root(common))
        .map_err(failed)?
        .iter()
        .map(ImageView::of)
        .collect();
    printer.document(&views, |views| {
        if views.is_empty() {
            return "no image is there; `bootwright image add` adds one\n".to_owned();
        }
        let mut table = Table::new(&["IMAGE", "VERSION", "FILES", "SIZE", "SOURCE", "PROOF"]);
        for view in views {
            let managed = view.source.is_some();
            table.row([
                safe(&view.name),
                or_dash(view.version.as_deref().map(safe).as_deref()),
                if managed { view.files.to_string() } else { String::new() },
                if managed { size(view.bytes) } else { String::new() },
                safe(view.source.as_deref().unwrap_or("put there by hand")),
                or_dash(view.proof.as_deref().map(safe).as_deref()),
            ]);
        }
        table.text("")
    })?;
    Ok(Exit::Good)
}

fn verify(printer: Printer, common: &Common, names: &[String]) -> Result<Exit, Failure> {
    let root = root(common);
    let all = Shelf::list(&root).map_err(failed)?;
    if let Some(unknown) = names
        .iter()
        .find(|name| !all.iter().any(|listed| listed.name == **name))
    {
        return Err(Failure::File {
            message: format!("there is no image `{}`", safe(unknown)),
            hint: "`bootwright image list` shows all".to_owned(),
        });
    }
    let mut views = Vec::new();
    for listed in all
        .iter()
        .filter(|listed| names.is_empty() || names.contains(&listed.name))
    {
        let mut view = ImageView::of(listed);
        match &listed.lock {
            Some(lock) => {
                let faults = lock.verify(&root.join(&listed.name)).map_err(failed)?;
                view.faults.extend(faults.iter().map(ToString::to_string));
            }
            // Without a list there is nothing to compare with; who asks for it by name is told so.
            None if listed.trouble.is_none() && names.contains(&listed.name) => {
                view.faults
                    .push("it was put there by hand: there is no list of its files".to_owned());
            }
            None => {}
        }
        views.push(view);
    }
    let bad = views.iter().any(|view| !view.faults.is_empty());
    printer.document(&views, |views| {
        let mut words = String::new();
        for view in views {
            for fault in &view.faults {
                words.push_str(&format!("error: image `{}`: {}\n", safe(&view.name), safe(fault)));
            }
            if view.faults.is_empty() && view.source.is_some() {
                words.push_str(&format!("image `{}` is as it was added\n", safe(&view.name)));
            }
        }
        if bad {
            words.push_str(" hint: add it again, or remove it\n");
        }
        words
    })?;
    Ok(if bad { Exit::Failed } else { Exit::Good })
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 0;
    let mut tenths = bytes.saturating_mul(10) / 1024;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// Tells of progress on the standard error: a line that changes on a terminal, else a line for each tenth of a file.
pub(super) struct Teller {
    state: RefCell<State>,
    terminal: bool,
}

struct State {
    /// Whether the present line is one that changes.
    open: bool,
    file: String,
    tenth: u64,
    begun: (Instant, u64),
}

impl Teller {
    pub(super) fn new() -> Self {
        Self {
            state: RefCell::new(State {
                open: false,
                file: String::new(),
                tenth: 0,
                begun: (Instant::now(), 0),
            }),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn tell(&self, progress: Progress) {
        match progress {
            Progress::Step(words) => {
                self.end_line();
                eprintln!("{}", safe(&words));
            }
            Progress::Bytes { name, done, total } => {
                let mut state = self.state.borrow_mut();
                if state.file != name || done < state.begun.1 {
                    state.file.clone_from(&name);
                    state.begun = (Instant::now(), done);
                    state.tenth = 0;
                }
                let share = total
                    .filter(|total| *total > 0)
                    .map(|total| done.saturating_mul(100) / total);
                let of = match (share, total) {
                    (Some(share), Some(total)) => format!("{} of {}, {share} %", size(done), size(total)),
                    _ => size(done),
                };
                let millis = u64::try_from(state.begun.0.elapsed().as_millis())
                    .unwrap_or(u64::MAX)
                    .max(1);
                let rate = (done - state.begun.1).saturating_mul(1000) / millis;
                if self.terminal {
                    state.open = true;
                    eprint!("\r\x1b[K{}: {of}, {}/s", safe(&name), size(rate));
                    // Nobody is left to tell if that fails.
                    let _ = std::io::stderr().flush();
                } else {
                    let tenth = share.map_or(done >> 26, |share| share / 10);
                    if tenth > state.tenth {
                        state.tenth = tenth;
                        eprintln!("{}: {of}", safe(&name));
                    }
                }
            }
        }
    }

    /// What is printed next begins on a line of its own.
    pub(super) fn end_line(&self) {
        let mut state = self.state.borrow_mut();
        if std::mem::take(&mut state.open) {
            eprintln!();
        }
    }
}
