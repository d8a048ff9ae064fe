//! `bootwright image`: images, on the data directory itself. A daemon that runs there sees the change by itself.

mod request;

use std::path::PathBuf;

use bootwright_config::Image;
use bootwright_images::{Error, Ledger, Listed, Shelf, add};
use serde::Serialize;

use super::Exit;
use super::argument::{Common, ImageOptions, ImageVerb};
use super::check::data_dir;
use super::failure::Failure;
use super::print::Printer;
use super::progress::{Teller, size};
use super::table::{Table, or_dash, safe};
use request::{complete, declared, request};

pub(super) use request::named;

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
    /// Whether it is on this machine, and not only named in the configuration.
    there: bool,
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
            there: true,
            version: lock.and_then(|lock| lock.version.clone()),
            source: lock.map(|lock| lock.source.clone()),
            proof: lock.map(|lock| lock.proof.clone()),
            files: lock.map_or(0, |lock| lock.files.len()),
            bytes: lock.map_or(0, bootwright_images::Lock::bytes),
            faults: listed.trouble.iter().cloned().collect(),
        }
    }

    /// One that the configuration names and nobody has added yet.
    fn to_come(name: String, image: &Image) -> Self {
        Self {
            name,
            there: false,
            version: None,
            source: Some(image.source.join(" ")),
            proof: None,
            files: 0,
            bytes: 0,
            faults: Vec::new(),
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

fn add_image(printer: Printer, common: &Common, mut options: ImageOptions) -> Result<Exit, Failure> {
    if options.source.is_empty()
        && let Some(image) = declared(common).remove(&options.name)
    {
        complete(&mut options, image);
    }
    let request = request(options)?;
    let shelf = Shelf::open(root(common)).map_err(failed)?;
    let teller = Teller::new();
    let ledger = Ledger::open(&shelf, &request.name);
    let lock = add(&shelf, &request, &|progress| {
        if let Some(ledger) = &ledger {
            ledger.tell(&progress);
        }
        teller.tell(progress);
    });
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
    let mut views: Vec<ImageView> = Shelf::list(&root(common))
        .map_err(failed)?
        .iter()
        .map(ImageView::of)
        .collect();
    for (name, image) in declared(common) {
        if !views.iter().any(|view| view.name == name) {
            views.push(ImageView::to_come(name, &image));
        }
    }
    views.sort_by(|one, other| one.name.cmp(&other.name));
    printer.document(&views, |views| {
        if views.is_empty() {
            return "no image is there; `bootwright image add` adds one\n".to_owned();
        }
        let mut table = Table::new(&["IMAGE", "VERSION", "FILES", "SIZE", "SOURCE", "PROOF"]);
        for view in views {
            let managed = view.source.is_some() && view.there;
            let proof = match (view.there, &view.proof) {
                (false, _) => Some(format!("not there: `bootwright image add {}`", view.name)),
                (true, proof) => proof.clone(),
            };
            table.row([
                safe(&view.name),
                or_dash(view.version.as_deref().map(safe).as_deref()),
                if managed { view.files.to_string() } else { String::new() },
                if managed { size(view.bytes) } else { String::new() },
                safe(view.source.as_deref().unwrap_or("put there by hand")),
                or_dash(proof.as_deref().map(safe).as_deref()),
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
