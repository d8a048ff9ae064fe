//! Butane: the YAML that people write Ignition configurations in, made into the version that each names.
//!
//! Every value keeps its place in the YAML, so that what Ignition would refuse is shown there. The output has the shape
//! and the order of keys of Butane's own; compressed contents are the same, but not the same bytes.

mod boot;
mod contents;
mod local;
mod mount;
mod tree;

use std::ops::Range;

pub(crate) use contents::escape;
pub use local::{Bundled, Files, List, NoFiles, Planted, Read, TreeEntry, TreeKind, bundle, split};

use crate::ignition::schema::CONFIG;
use crate::ignition::shape::{self, Form};
use crate::ignition::{check_semantics, merge_onto};
use crate::tree::{Entry, Fault, Node, Value};
use crate::yaml;

/// An Ignition configuration made from Butane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transpiled {
    /// The JSON, on one line.
    pub json: String,
    /// What is odd about it, with places in the YAML.
    pub warnings: Vec<Fault>,
}

/// What is known: the variant, its version, and the minor number of the Ignition 3 that it becomes.
const VERSIONS: &[(&str, &str, u8)] = &[
    ("fcos", "1.0.0", 0),
    ("fcos", "1.1.0", 1),
    ("fcos", "1.2.0", 2),
    ("fcos", "1.3.0", 2),
    ("fcos", "1.4.0", 3),
    ("fcos", "1.5.0", 4),
    ("flatcar", "1.0.0", 3),
    ("flatcar", "1.1.0", 4),
];

/// A variant and its version.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    fcos: bool,
    /// Its minor number.
    version: u8,
    /// That of the Ignition 3 that it becomes.
    minor: u8,
}

/// Makes Ignition from Butane. `files` gives what `local` and `trees` name.
///
/// # Errors
///
/// Everything that is wrong, in the order of its places; of a text that is no YAML its first error alone.
pub fn transpile(text: &str, files: &dyn Files) -> Result<Transpiled, Vec<Fault>> {
    let mut documents = yaml::read(text).map_err(|fault| vec![fault])?;
    if documents.len() != 1 {
        let at = documents
            .get(1)
            .map_or(0..0, |second| second.span.start..second.span.start);
        return Err(vec![Fault::new(&at, "a Butane configuration is one YAML document")]);
    }
    let mut source = documents.remove(0);
    let mut faults = Vec::new();
    let dialect = dialect(&mut source, &mut faults).ok_or_else(|| sorted(faults.clone()))?;
    let config = make(source, dialect, files, &mut faults);
    if faults.iter().any(|fault| !fault.warning) {
        return Err(sorted(faults));
    }
    let mut json = String::new();
    config.write(&mut json);
    Ok(Transpiled {
        json,
        warnings: sorted(faults),
    })
}

fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| (fault.span.start, fault.warning));
    faults.dedup();
    faults
}

fn make(mut source: Node, dialect: Dialect, files: &dyn Files, faults: &mut Vec<Fault>) -> Node {
    let words = format!(
        "{} 1.{}.0",
        if dialect.fcos { "fcos" } else { "flatcar" },
        dialect.version
    );
    let form = Form {
        minor: dialect.minor,
        butane: Some(&words),
    };
    let mut part = |key: &str, since: u8, fields| {
        let known = dialect.fcos && dialect.version >= since;
        let entry = known.then(|| source.remove(key)).flatten()?;
        Some(shape::read(entry.node, fields, form, faults))
    };
    let boot_device = part("boot_device", 3, crate::ignition::schema::BOOT_DEVICE);
    let grub = part("grub", 5, crate::ignition::schema::GRUB);
    let span = source.span.clone();
    let mut config = shape::read(source, CONFIG, form, faults);
    if !dialect.fcos {
        refuse_clevis(&config, faults);
    }
    contents::fill(&mut config, files, faults);
    let mounts = mount::units(&mut config, dialect.minor, faults);
    config = merge_onto(mounts, config);
    tree::plant(&mut config, files, faults);
    if let Some(device) = boot_device
        && let Some(layout) = boot::layout(&device, faults)
    {
        config = merge_onto(layout, config);
    }
    if let Some(grub) = grub
        && let Some(menu) = boot::menu(&grub, faults)
    {
        config = merge_onto(menu, config);
    }
    let version = Node::text_at(&span, format!("3.{}.0", dialect.minor));
    match config.get_mut("ignition") {
        Some(ignition) => ignition.set("version", version),
        None => config.set("ignition", Node::map_at(&span, [("version", version.value)])),
    }
    check_semantics(&config, dialect.minor, faults);
    shape::arrange(&mut config, CONFIG);
    config
}

/// Takes the variant and its version out of the source.
fn dialect(source: &mut Node, faults: &mut Vec<Fault>) -> Option<Dialect> {
    let known = "known are `fcos` 1.0.0 to 1.5.0, and `flatcar` 1.0.0 and 1.1.0";
    if !matches!(source.value, Value::Map(_)) {
        faults.push(Fault::new(&source.span, "a Butane configuration is a table of keys").hint(known));
        return None;
    }
    let start: Range<usize> = source.span.start..source.span.start;
    let mut take = |key: &str| match source.remove(key) {
        Some(Entry { node, .. }) if node.as_text().is_some() => Some(node),
        Some(Entry { node, .. }) => {
            faults.push(Fault::new(&node.span, format!("`{key}` must be text")).hint(known));
            None
        }
        None => {
            let example = if key == "variant" { "fcos" } else { "1.5.0" };
            let fault = Fault::new(&start, format!("`{key}` is missing"));
            faults.push(fault.hint(format!("write `{key}: {example}`; {known}")));
            None
        }
    };
    let (variant, version) = (take("variant"), take("version"));
    let (variant, version) = (variant?, version?);
    let (name, number) = (variant.as_text()?, version.as_text()?);
    if !VERSIONS.iter().any(|(variant, ..)| *variant == name) {
        let message = format!("`{}` is no variant of Butane that is known", name.escape_debug());
        faults.push(Fault::new(&variant.span, message).hint(known));
        return None;
    }
    let found = VERSIONS
        .iter()
        .find(|(variant, version, _)| *variant == name && *version == number);
    let Some((_, _, minor)) = found else {
        let message = format!(
            "`{}` is no version of the variant `{name}` that is known",
            number.escape_debug()
        );
        faults.push(Fault::new(&version.span, message).hint(known));
        return None;
    };
    Some(Dialect {
        fcos: name == "fcos",
        version: number.split('.').nth(1)?.parse().ok()?,
        minor: *minor,
    })
}

/// Flatcar has no Clevis, so that its variant refuses it.
fn refuse_clevis(config: &Node, faults: &mut Vec<Fault>) {
    for luks in config.get("storage").map_or(&[][..], |storage| storage.list("luks")) {
        if let Some(clevis) = luks.get("clevis") {
            faults.push(Fault::new(&clevis.span, "Clevis is not supported by this variant"));
        }
    }
}
