//! `bootwright bundle`: everything for a box without a network in one file.

use std::path::Path;

use bootwright_images::bundle::{self, Beside, Contents};
use bootwright_images::{ImageName, Limits, Shelf};
use serde::Serialize;

use super::Exit;
use super::argument::{BundleVerb, Common};
use super::check::data_dir;
use super::failure::Failure;
use super::image::{failed, named, root};
use super::print::Printer;
use super::table::safe;

/// What is printed of a bundle.
#[derive(Serialize)]
struct BundleView {
    file: String,
    images: Vec<String>,
    firmware: Vec<String>,
    config: Vec<String>,
}

pub(super) fn run(printer: Printer, common: &Common, verb: BundleVerb) -> Result<Exit, Failure> {
    let (file, contents, verb) = match verb {
        BundleVerb::Write {
            file,
            images,
            firmware_dir,
            no_config,
        } => {
            let names = wanted(common, &images)?;
            let beside = beside(common, &firmware_dir, no_config)?;
            let contents = bundle::write(&file, &root(common), &names, &beside).map_err(failed)?;
            (file, contents, "holds")
        }
        BundleVerb::Read { file } => {
            let shelf = Shelf::open(root(common)).map_err(failed)?;
            let (firmware, config) = (data_dir(common).join("firmware"), config_directory(common).to_owned());
            let contents = bundle::read(&file, &shelf, &firmware, &config, Limits::default()).map_err(failed)?;
            (file, contents, "has brought")
        }
    };
    let Contents {
        images,
        firmware,
        config,
    } = contents;
    let view = BundleView {
        file: file.display().to_string(),
        images,
        firmware,
        config,
    };
    printer.document(&view, |view| {
        let images = match view.images.as_slice() {
            [] => "no image".to_owned(),
            names => format!("images {}", names.join(", ")),
        };
        format!(
            "`{}` {verb} {images}; {} files of firmware, {} of the configuration\n",
            safe(&view.file),
            view.firmware.len(),
            view.config.len()
        )
    })?;
    Ok(Exit::Good)
}

/// The images that are named, or all that were added.
fn wanted(common: &Common, names: &[String]) -> Result<Vec<ImageName>, Failure> {
    if !names.is_empty() {
        return names.iter().map(|name| named(name)).collect();
    }
    let all = Shelf::list(&root(common)).map_err(failed)?;
    all.iter()
        .filter(|listed| listed.lock.is_some())
        .map(|listed| named(&listed.name))
        .collect()
}

fn config_directory(common: &Common) -> &Path {
    common.config.parent().unwrap_or(Path::new("."))
}

/// Firmware as it is shipped and the site's own, which goes first; the configuration with what lies beside it.
fn beside(common: &Common, firmware_dir: &Path, no_config: bool) -> Result<Beside, Failure> {
    let mut all = Beside::new();
    for directory in [firmware_dir, &data_dir(common).join("firmware")] {
        all.extend(bundle::gather(directory, "firmware").map_err(failed)?);
    }
    if !no_config && common.config.exists() {
        let directory = config_directory(common);
        let name = common.config.file_name().unwrap_or_default().to_string_lossy();
        all.insert(format!("config/{name}"), common.config.clone());
        all.extend(bundle::gather(&directory.join("conf.d"), "config/conf.d").map_err(failed)?);
        for (name, path) in documents(common)? {
            all.insert(format!("config/{name}"), path);
        }
    }
    Ok(all)
}

/// The files beside the configuration that its profiles name, by their paths relative to it.
fn documents(common: &Common) -> Result<Beside, Failure> {
    let directory = config_directory(common);
    let mut found = Beside::new();
    let Ok(loaded) = crate::reload::Files::new(common.config.clone()).load() else {
        return Err(Failure::File {
            message: format!("`{}` cannot be used as a configuration", common.config.display()),
            hint: "`bootwright check` shows why; `--no-config` leaves it out".to_owned(),
        });
    };
    for profile in loaded.policy.profiles.values() {
        for document in profile.files.values() {
            let path = Path::new(&document.origin);
            if let Ok(name) = path.strip_prefix(directory)
                && path.is_file()
            {
                found.insert(name.display().to_string(), path.to_owned());
            }
        }
    }
    Ok(found)
}
