//! Ignition configurations of other systems with what we add to each for one host.

use std::ops::Range;

use bootwright_content::Fault;
use bootwright_content::ignition::{Additions, add};

use super::file::Files;
use super::make::literal;

/// What stands for a host's name until it is known.
const NAME: &str = "bootwright-host-name";

/// What stands for the address of a run until it is known.
const RUN: &str = "http://bootwright-run.invalid";

/// What is to be added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// The host's name.
    pub(super) hostname: bool,
    /// A unit of the installed system that reports it is up.
    pub(super) up: bool,
    /// A unit of Fedora CoreOS's live system that reports its installer is done.
    pub(super) done: bool,
}

/// The configuration as a template, merged with what is added as Ignition merges.
///
/// # Errors
/// What is wrong with it.
pub(super) fn template(json: &str, wanted: Wanted) -> Result<String, Vec<Fault>> {
    let additions = Additions {
        hostname: wanted.hostname.then(|| NAME.to_owned()),
        up: wanted.up.then(|| format!("{RUN}/up")),
        done: wanted.done.then(|| format!("{RUN}/done")),
    };
    let merged = literal(&add(json, &additions)?);
    Ok(merged.replace(NAME, "{{ host.name }}").replace(RUN, "{{ run.url }}"))
}

/// Tells what is wrong with a file at its places. Whether anything makes it useless.
pub(super) fn tell(files: &mut Files, path: &str, faults: Vec<Fault>) -> bool {
    let mut useless = false;
    for fault in faults {
        let span: Range<usize> = fault.span;
        let hint = fault.hint.unwrap_or_else(|| "nothing else is affected".to_owned());
        if fault.warning {
            files.warn(path, span, fault.message, &hint);
        } else {
            useless = true;
            files.error(path, span, fault.message, &hint);
        }
    }
    useless
}
