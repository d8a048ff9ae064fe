//! What KIWI builds with `installpxe`: a tarball whose files are named after the image, in one of two ways.
//!
//! - old: `Image.{xz,initrd,append,md5,kernel}`, `pxeboot.kernel`, `pxeboot.initrd.xz`
//! - new: `NAME.xz`, `NAME.sha256` or `.md5`, `NAME.{initrd,kernel,append}`, `[pxeboot.]NAME.config.bootoptions`,
//!   `pxeboot.NAME.kernel`, `pxeboot.NAME.initrd.xz`
//!
//! A machine fetches the image's siblings by its URL with another ending, so all of them get a name that stays: `image.xz`,
//! `image.sha256` and so on, `pxeboot.kernel`, `pxeboot.initrd.xz`.

use crate::error::{Error, Result};
use crate::path::EntryPath;
use crate::stage::Stage;

/// Gives KIWI's files their second names, and refuses a set that is not whole. Other images are left as they are.
pub(crate) fn complete(stage: &mut Stage) -> Result<()> {
    let names: Vec<String> = stage.paths().map(|path| path.as_str().to_owned()).collect();
    // The file that says it is one: a kernel for booting by the network, at the top.
    let kernel = names
        .iter()
        .find(|name| name.starts_with("pxeboot.") && name.ends_with(".kernel") && !name.contains('/'));
    let Some(kernel) = kernel else { return Ok(()) };
    let middle = kernel
        .strip_prefix("pxeboot.")
        .and_then(|rest| rest.strip_suffix("kernel"))
        .map(|rest| rest.trim_end_matches('.'))
        .unwrap_or_default();
    let stem = if middle.is_empty() {
        // The old way: the disk's image is the only one of its kind.
        let images = names.iter().filter_map(|name| name.strip_suffix(".xz"));
        let mut images = images.filter(|name| !name.starts_with("pxeboot.") && !name.contains('/'));
        match (images.next(), images.next()) {
            (Some(stem), None) => stem.to_owned(),
            _ => return Err(incomplete("the image of the disk, `NAME.xz`")),
        }
    } else {
        middle.to_owned()
    };
    let dotted = if middle.is_empty() {
        String::new()
    } else {
        format!("{middle}.")
    };
    let initrd = format!("pxeboot.{dotted}initrd.xz");
    for needed in [
        initrd.as_str(),
        &format!("{stem}.xz"),
        &format!("{stem}.initrd"),
        &format!("{stem}.kernel"),
    ] {
        if !stage.has(needed) {
            return Err(incomplete(&format!("`{needed}`")));
        }
    }
    if !stage.has(&format!("{stem}.sha256")) && !stage.has(&format!("{stem}.md5")) {
        return Err(incomplete("the image's checksum"));
    }
    let mut pairs = vec![
        (kernel.clone(), "pxeboot.kernel".to_owned()),
        (initrd, "pxeboot.initrd.xz".to_owned()),
        (
            format!("pxeboot.{stem}.config.bootoptions"),
            "image.config.bootoptions".to_owned(),
        ),
    ];
    for ending in [
        "xz",
        "initrd",
        "kernel",
        "append",
        "md5",
        "sha256",
        "config.bootoptions",
    ] {
        pairs.push((format!("{stem}.{ending}"), format!("image.{ending}")));
    }
    for (from, to) in pairs {
        if stage.has(&from) && !stage.has(&to) {
            stage.alias(&EntryPath::file(&to)?, &EntryPath::file(&from)?)?;
        }
    }
    Ok(())
}

fn incomplete(what: &str) -> Error {
    Error::new(format!(
        "this looks like KIWI's files for installing by the network, but {what} is missing"
    ))
    .hint("build the image with `installpxe=\"true\"` and take the whole `.install.tar.xz`")
}
