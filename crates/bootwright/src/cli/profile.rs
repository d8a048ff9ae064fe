//! `bootwright profile`: those that there are, and one to begin with.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bootwright_core::ProfileName;
use bootwright_proto::http::api::ProfileList;
use serde::Serialize;

use super::Exit;
use super::argument::Common;
use super::client::Client;
use super::failure::{Failure, plain};
use super::print::Printer;
use super::table::{Table, or_dash, safe};
use crate::example::{self, Part};

/// What `profile new --json` prints.
#[derive(Serialize)]
struct Written {
    profile: String,
    os: String,
    files: Vec<String>,
}

/// Shows the profiles of the running daemon.
pub(super) async fn list(client: &Client, printer: Printer) -> Result<Exit, Failure> {
    let reply = client.get::<ProfileList>("profiles").await?;
    printer.reply(&reply, list_words)?;
    Ok(Exit::Good)
}

fn list_words(list: &ProfileList) -> String {
    if list.profiles.is_empty() {
        return "the configuration has no profiles; `bootwright profile new` writes one\n".to_owned();
    }
    let mut table = Table::new(&["PROFILE", "HOSTS", "WELL", "FAILED", "USUALLY", "TROUBLE"]);
    for profile in &list.profiles {
        table.row([
            profile.profile.clone(),
            profile.hosts.to_string(),
            profile.succeeded.to_string(),
            profile.failed.to_string(),
            profile
                .usual_ms
                .map_or_else(|| "-".to_owned(), |ms| format!("{} s", ms / 1000)),
            or_dash(profile.trouble.as_deref()),
        ]);
    }
    table.text("")
}

pub(super) fn run(printer: Printer, common: &Common, name: Option<String>, os: String) -> Result<Exit, Failure> {
    let name = name.unwrap_or_else(|| os.clone());
    let wrong = |why: String| Failure::Usage {
        message: format!("`{}` is {why}", safe(&name)),
        hint: "such as `debian-13`".to_owned(),
    };
    let profile: ProfileName = name.parse().map_err(|why| wrong(format!("{why}")))?;
    let part = example::part(&os, profile.as_str()).ok_or_else(|| wrong("no system of the catalogue".to_owned()))?;
    let directory = common.config.parent().unwrap_or(Path::new(".")).join("conf.d");
    let files = write(&directory, profile.as_str(), &part)?;
    let document = Written {
        profile: profile.to_string(),
        os,
        files: files.iter().map(|path| path.display().to_string()).collect(),
    };
    printer.document(&document, |document| {
        let mut words: String = document.files.iter().map(|file| format!("wrote `{file}`\n")).collect();
        words.push_str("the first lines of the last one say which image it needs; `bootwright check` looks for it\n");
        words
    })?;
    Ok(Exit::Good)
}

/// Writes the documents, and then the configuration that names them, so that a daemon that looks finds all or nothing.
fn write(directory: &Path, name: &str, part: &Part) -> Result<Vec<PathBuf>, Failure> {
    let config = directory.join(format!("{name}.toml"));
    let beside = directory.join(name);
    for taken in [&config, &beside] {
        if taken.symlink_metadata().is_ok() {
            return Err(Failure::File {
                message: format!("`{}` is there already", taken.display()),
                hint: "nothing was changed; choose another name for the profile".to_owned(),
            });
        }
    }
    let mut written = Vec::new();
    let mut put = |path: PathBuf, text: &str| {
        let done = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| create(&path, text));
        done.map_err(|cause| Failure::File {
            message: format!("cannot write `{}`: {}", path.display(), plain(&cause)),
            hint: "name another configuration with `--config`".to_owned(),
        })?;
        written.push(path);
        Ok::<(), Failure>(())
    };
    for (file, text) in &part.files {
        put(beside.join(file), text)?;
    }
    put(config, &part.config)?;
    Ok(written)
}

/// Under its name the file is whole.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut file = fs::File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}
