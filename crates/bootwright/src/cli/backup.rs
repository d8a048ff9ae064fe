//! `bootwright backup` and `bootwright restore`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use http_body_util::BodyExt as _;
use serde::Serialize;

use super::Exit;
use super::argument::Common;
use super::check::{counted, data_dir};
use super::client::Client;
use super::failure::{Failure, plain};
use super::print::Printer;
use super::table::safe;
use crate::app;
use crate::backup::{Image, Manifest, NotRestored, Order, Unfit, read, restore};
use crate::reload::Files;
use bootwright_config::Dialect;

/// What `backup --json` prints.
#[derive(Serialize)]
struct Made<'a> {
    file: String,
    made: &'a str,
    seq: u64,
    files: usize,
    images: &'a [Image],
}

/// What `restore --json` prints.
#[derive(Serialize)]
struct Done<'a> {
    file: String,
    data_dir: String,
    version: &'a str,
    made: &'a str,
    seq: u64,
    hosts: usize,
    files: usize,
    outside: Vec<String>,
    left: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    missing_images: &'a [Image],
}

/// Has the daemon make a backup, and keeps it: whole, or not at all. `-` is the standard output.
pub(super) async fn write(client: &Client, printer: Printer, to: &Path, with_config: bool) -> Result<Exit, Failure> {
    let route = if with_config { "backup?config=true" } else { "backup" };
    if to == Path::new("-") {
        download(client, route, &mut io::stdout().lock(), None).await?;
        return Ok(Exit::Good);
    }
    if to.is_dir() {
        return Err(file(to, "it is a directory", "name a file in it"));
    }
    let part = with_suffix(to, ".part");
    let written = keep(client, route, &part).await.and_then(|manifest| {
        fs::rename(&part, to).map_err(|error| cannot_write(to, &error))?;
        Ok(manifest)
    });
    if written.is_err() {
        // What is left of it is of no use; the error says more than another about this would.
        let _ = fs::remove_file(&part);
    }
    let manifest = written?;
    let document = Made {
        file: to.display().to_string(),
        made: &manifest.made,
        seq: manifest.seq,
        files: manifest.files.len(),
        images: &manifest.images,
    };
    printer.document(&document, |made| {
        let mut words = format!(
            "`{}` holds the record up to entry {} and {} beside it\n",
            safe(&made.file),
            made.seq,
            counted(made.files.saturating_sub(1), "file")
        );
        if !made.images.is_empty() {
            let names: Vec<&str> = made.images.iter().map(|image| image.name.as_str()).collect();
            words.push_str(&format!("of images only the lists: {}\n", safe(&names.join(", "))));
        }
        words
    })?;
    Ok(Exit::Good)
}

/// Downloads into a file for its owner alone, and reads that again as a restoration would.
async fn keep(client: &Client, route: &str, part: &Path) -> Result<Manifest, Failure> {
    // What is left of an earlier attempt.
    let _ = fs::remove_file(part);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part);
    let mut file = file.map_err(|error| cannot_write(part, &error))?;
    download(client, route, &mut file, Some(part)).await?;
    file.sync_all().map_err(|error| cannot_write(part, &error))?;
    read(part, None).map_err(unfit)
}

async fn download(client: &Client, route: &str, to: &mut dyn Write, place: Option<&Path>) -> Result<(), Failure> {
    let mut body = client.download(route).await?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Failure::Broken("the backup broke off: the daemon's log says why; nothing was kept".to_owned())
        })?;
        if let Some(piece) = frame.data_ref() {
            let written = to.write_all(piece);
            written.map_err(|error| match place {
                Some(place) => cannot_write(place, &error),
                None => error.into(),
            })?;
        }
    }
    Ok(to.flush()?)
}

/// Puts a backup in the place of what is in the data directory.
pub(super) fn put_back(printer: Printer, common: &Common, from: &Path, with_config: bool) -> Result<Exit, Failure> {
    let data_dir = data_dir(common);
    let directory = common.config.parent().unwrap_or(Path::new("."));
    let order = Order {
        file: from,
        data_dir: &data_dir,
        config: with_config.then_some(directory),
        matchbox: &|main| matchbox(main.unwrap_or(&common.config)),
    };
    let restored = restore(&order).map_err(|why| match why {
        NotRestored::Unfit(why) => unfit(why),
        NotRestored::Held(error) => Failure::Daemon(app::failed(&error.into())),
    })?;
    let manifest = &restored.manifest;
    let shown = |path: &PathBuf| path.display().to_string();
    let document = Done {
        file: from.display().to_string(),
        data_dir: data_dir.display().to_string(),
        version: &manifest.version,
        made: &manifest.made,
        seq: manifest.seq,
        hosts: restored.report.hosts,
        files: manifest.files.len(),
        outside: restored.outside.iter().map(shown).collect(),
        left: &restored.left,
        before: restored.kept.as_ref().map(shown),
        missing_images: &restored.missing,
    };
    printer.document(&document, words)?;
    Ok(Exit::Good)
}

fn words(done: &Done<'_>) -> String {
    let mut words = format!(
        "`{}` has the record of {} up to entry {}, with {}\n",
        safe(&done.data_dir),
        safe(done.made),
        done.seq,
        counted(done.hosts, "host")
    );
    for file in &done.outside {
        words.push_str(&format!("restored `{}`\n", safe(file)));
    }
    if let Some(before) = &done.before {
        words.push_str(&format!("what was there before is in `{}`\n", safe(before)));
    }
    for root in done.left {
        words.push_str(match *root {
            "config" => "its configuration was left out; `--with-config` restores it\n",
            _ => "data of matchbox was left out: the configuration has no directory for it\n",
        });
    }
    for image in done.missing_images {
        words.push_str(&format!(
            "image `{0}` is not here: `bootwright image add {0} {1}`\n",
            safe(&image.name),
            safe(&image.source)
        ));
    }
    words.push_str(
        "when the daemon starts, what was armed or installing is held and installs are paused: look through the hosts, then \
         `bootwright resume`\n",
    );
    words
}

/// Where a configuration has the data that programs write by matchbox' API.
fn matchbox(main: &Path) -> Option<PathBuf> {
    let loaded = Files::new(main.to_owned()).load().ok()?;
    let matchbox = loaded
        .daemon
        .compat
        .into_iter()
        .find(|compat| compat.dialect == Dialect::Matchbox)?;
    matchbox.data_dir.map(PathBuf::from)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn unfit(why: Unfit) -> Failure {
    Failure::File {
        message: why.message,
        hint: why.hint,
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    file(path, &plain(error), "name another file; nothing was kept")
}

fn file(path: &Path, why: &str, hint: &str) -> Failure {
    Failure::File {
        message: format!("cannot write `{}`: {why}", path.display()),
        hint: hint.to_owned(),
    }
}
