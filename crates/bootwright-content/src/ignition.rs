//! Ignition: what is wrong with a configuration before a machine reads it, and what is added to it for one host.

mod canonical;
mod check;
mod host;
mod json;
mod legacy;
mod merge;
pub(crate) mod schema;
pub(crate) mod shape;
mod source;
mod unit;

use crate::tree::{Fault, Node, Value};

pub use canonical::canonical;
pub(crate) use check::check as check_semantics;
pub use host::{Additions, add};
pub(crate) use merge::put_on as merge_onto;

/// The versions 3 that are known, by their minor numbers.
const MINOR_MAX: u8 = 4;

/// Everything that is wrong, or odd, with a text that is to be an Ignition configuration, in the order of its places.
///
/// Versions 3.0 to 3.4 are judged as Ignition itself does; of version 2 the shape and the main rules, of version 1 the
/// shape. What Ignition would go on with is a warning.
#[must_use]
pub fn check(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    match json::read(text, &mut faults) {
        Ok(config) => judge(config, &mut faults),
        Err(fault) => faults.push(fault),
    }
    faults.sort_by_key(|fault| (fault.span.start, fault.warning));
    faults
}

/// A configuration of version 1 as bootcfg of its time wrote it: parsed, and written anew without spaces.
///
/// # Errors
///
/// If the text is none of version 1, or a value is of a wrong kind.
pub fn rewrite_version_1(text: &str) -> Result<String, Vec<Fault>> {
    let mut faults = Vec::new();
    let config = json::read(text, &mut faults).map_err(|fault| vec![fault])?;
    if !matches!(version(&config), Ok(Version::One)) {
        return Err(vec![Fault::new(
            &config.span,
            "this is no Ignition configuration of version 1",
        )]);
    }
    let config = legacy::rewrite_1(config, &mut faults);
    faults.retain(|fault| !fault.warning);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut out = String::new();
    config.write(&mut out);
    Ok(out)
}

#[derive(Clone, Copy)]
enum Version {
    One,
    Two(u8),
    Three(u8),
}

fn judge(config: Node, faults: &mut Vec<Fault>) {
    match version(&config) {
        Err(fault) => faults.push(fault),
        Ok(Version::One) => {
            legacy::rewrite_1(config, faults);
        }
        Ok(Version::Two(minor)) => legacy::check_2(config, minor, faults),
        Ok(Version::Three(minor)) => {
            let config = shape::read(config, schema::CONFIG, shape::Form { minor, butane: None }, faults);
            check::check(&config, minor, faults);
        }
    }
}

/// Which version it says it is.
fn version(config: &Node) -> Result<Version, Fault> {
    if !matches!(config.value, Value::Map(_)) {
        return Err(Fault::new(
            &config.span,
            "an Ignition configuration is an object: it begins with `{`",
        ));
    }
    if config.whole("ignitionVersion") == Some(1) {
        return Ok(Version::One);
    }
    let known = "known are `3.0.0` to `3.4.0`, `2.0.0` to `2.4.0`, and version 1 with `\"ignitionVersion\": 1`";
    let Some(ignition) = config.get("ignition") else {
        let fault = Fault::new(&config.span, "`ignition.version` is missing");
        return Err(fault.hint(r#"begin with `{"ignition": {"version": "3.4.0"}}`"#));
    };
    let Some(version) = ignition.get("version") else {
        return Err(Fault::new(&ignition.span, "`ignition.version` is missing").hint(known));
    };
    let text = match &version.value {
        Value::Text(text) => text,
        _ => {
            return Err(Fault::new(
                &version.span,
                "the version must be text, such as `\"3.4.0\"`",
            ));
        }
    };
    let parts: Vec<&str> = text.split('.').collect();
    let minor = match parts.as_slice() {
        [_, minor, "0"] if minor.len() == 1 => minor.parse().ok(),
        _ => None,
    };
    match (parts.first(), minor) {
        (Some(&"3"), Some(minor)) if minor <= MINOR_MAX => Ok(Version::Three(minor)),
        (Some(&"2"), Some(minor)) if minor <= 4 => Ok(Version::Two(minor)),
        _ => {
            let message = format!("`{}` is no version of Ignition that is known", text.escape_debug());
            Err(Fault::new(&version.span, message).hint(known))
        }
    }
}
