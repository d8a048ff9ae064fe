//! Fedora CoreOS: the metadata of a stream says where the files of its newest build are and what their hashes are.
//!
//! Names change between builds (`live-kernel-x86_64`, `live-kernel.x86_64`), so they are taken from the metadata. Beside
//! them each file gets a name that stays, so that a profile need not change with a build.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::at;
use crate::add::Work;
use crate::digest::Expected;
use crate::error::{Error, Result};
use crate::path::EntryPath;

/// Where the streams are published.
const SITE: &str = "https://builds.coreos.fedoraproject.org";

#[derive(Deserialize)]
struct Stream {
    architectures: BTreeMap<String, Architecture>,
}

#[derive(Deserialize)]
struct Architecture {
    artifacts: Artifacts,
}

#[derive(Deserialize)]
struct Artifacts {
    metal: Metal,
}

#[derive(Deserialize)]
struct Metal {
    release: String,
    formats: Formats,
}

#[derive(Deserialize)]
struct Formats {
    pxe: Pxe,
}

#[derive(Deserialize)]
struct Pxe {
    kernel: Artifact,
    initramfs: Artifact,
    rootfs: Artifact,
}

#[derive(Deserialize)]
struct Artifact {
    location: String,
    #[serde(default)]
    signature: Option<String>,
    sha256: String,
}

pub(crate) fn add(work: &mut Work<'_>, stream: &str) -> Result<()> {
    let places = if work.request.mirrors.is_empty() {
        vec![SITE.to_owned()]
    } else {
        work.request.mirrors.clone()
    };
    work.demand_some_proof(&places)?;
    let text = work.fetcher.document(&at(&places, &format!("streams/{stream}.json")))?;
    let read: Stream = serde_json::from_slice(&text)
        .map_err(|error| Error::new(format!("the metadata of stream `{stream}` cannot be read: {error}")))?;
    let arch = work.request.arch.clone().unwrap_or_else(|| "x86_64".to_owned());
    let known = read.architectures.keys().cloned().collect::<Vec<_>>().join(", ");
    let metal = read
        .architectures
        .into_iter()
        .find(|(name, _)| *name == arch)
        .map(|(_, found)| found.artifacts.metal)
        .ok_or_else(|| Error::new(format!("stream `{stream}` has no architecture `{arch}`, but {known}")))?;
    work.step(format!("stream `{stream}` is at {}", metal.release));
    let Pxe {
        kernel,
        initramfs,
        rootfs,
    } = metal.formats.pxe;
    let files = [
        (kernel, format!("live-kernel.{arch}")),
        (initramfs, format!("live-initramfs.{arch}.img")),
        (rootfs, format!("live-rootfs.{arch}.img")),
    ];
    for (artifact, stays) in files {
        let expected: Expected = artifact
            .sha256
            .parse()
            .map_err(|error| Error::new(format!("`{}` is {error}", artifact.sha256.escape_debug())))?;
        let urls = mirrored(&artifact.location, &places);
        let name = artifact.location.rsplit('/').next().unwrap_or_default().to_owned();
        if work.has_keys() {
            let place = artifact
                .signature
                .unwrap_or_else(|| format!("{}.sig", artifact.location));
            let signature = work
                .fetcher
                .document(&mirrored(&place, &places))
                .map_err(|error| error.about(format!("`{name}` has no signature")))?;
            let fetched = work.fetcher.file(&urls, Some(&expected))?;
            work.verify_file(&fetched.path, &name, &signature)?;
            work.stage.adopt(&EntryPath::file(&name)?, &fetched.path)?;
        } else {
            work.take(&urls, &expected, &name)?;
        }
        if name != stays {
            work.stage.alias(&EntryPath::file(&stays)?, &EntryPath::file(&name)?)?;
        }
    }
    work.version = Some(metal.release);
    Ok(())
}

/// A file of the vendor's own site, at the mirrors; one of elsewhere, there.
fn mirrored(url: &str, places: &[String]) -> Vec<String> {
    match url.strip_prefix(SITE) {
        Some(path) => at(places, path.trim_start_matches('/')),
        None => vec![url.to_owned()],
    }
}
