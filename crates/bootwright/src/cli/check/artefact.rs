//! What a configuration needs of the disk: boot firmware and the files of images.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bootwright_config::{Daemon as DaemonConfig, Image};
use bootwright_content::{made_up, render_boot};
use bootwright_core::policy::default_first_files;
use bootwright_core::{Policy, Profile};
use bootwright_proto::http::api::{DiagnosticView, Severity};

use crate::api::diagnostic::plain;
use crate::artefact::{Artefacts, Named, paths as paths_of};
use crate::firmware::{Catalogue, Trouble};

/// What is missing, a warning each. What lies in the operator's directory for TFTP is there.
pub(super) fn missing(
    policy: &Policy,
    daemon: &DaemonConfig,
    firmware_dir: &Path,
    data_dir: &Path,
    images: &BTreeMap<String, Image>,
) -> Vec<DiagnosticView> {
    let tftp_root = daemon.tftp.root.as_deref();
    let artefacts = Artefacts::new(data_dir, &daemon.compat);
    let catalogue = Catalogue::load(firmware_dir, &data_dir.join("firmware"));
    let warn = |trouble: &Trouble| plain(Severity::Warning, trouble.words.clone(), &trouble.hint);
    let mut found: Vec<DiagnosticView> = catalogue.troubles.iter().map(warn).collect();
    // What the operator chose is spoken of below, with who is to fetch it.
    let built_in = default_first_files();
    let mut missed = catalogue.missed(tftp_root, policy);
    missed.retain(|name| built_in.values().any(|file| file == name));
    found.extend(catalogue.missed_words(&missed).as_ref().map(warn));
    found.extend(missing_root(tftp_root));
    found.extend(missing_firmware(policy, &catalogue, tftp_root));
    found.extend(missing_files(policy, &artefacts, images));
    found.extend(changed_files(policy, &artefacts));
    found
}

/// The directory below the catalogue, without which the daemon does not start.
fn missing_root(tftp_root: Option<&str>) -> Option<DiagnosticView> {
    let root = tftp_root.filter(|root| !Path::new(root).is_dir())?;
    Some(plain(
        Severity::Warning,
        format!("there is no directory `{root}`, which `tftp.root` names"),
        "make it before the daemon is started, or take the key out",
    ))
}

/// First files that the operator chose. Those that are built in are for more architectures than are shipped.
fn missing_firmware(policy: &Policy, catalogue: &Catalogue, tftp_root: Option<&str>) -> Vec<DiagnosticView> {
    let built_in = default_first_files();
    let by_arch = policy
        .first_files
        .iter()
        .filter(|(arch, file)| built_in.get(arch) != Some(file))
        .map(|(arch, file)| (file, format!("architecture `{arch}`")));
    let by_host = policy
        .hosts
        .iter()
        .filter_map(|(name, host)| Some((host.first_file.as_ref()?, format!("host `{name}`"))));
    by_arch
        .chain(by_host)
        .filter(|(file, _)| !catalogue.has(tftp_root, file))
        .map(|(file, whose)| {
            plain(
                Severity::Warning,
                format!("the firmware has no `{file}`, which {whose} is to fetch"),
                "put the file into `firmware/` in the data directory, or below `tftp.root`",
            )
        })
        .collect()
}

/// Files that are not where they belong, each with the profiles that need it.
fn missing_files(policy: &Policy, artefacts: &Artefacts, images: &BTreeMap<String, Image>) -> Vec<DiagnosticView> {
    let mut wanted: BTreeMap<PathBuf, (String, BTreeSet<&str>)> = BTreeMap::new();
    for (name, profile) in &policy.profiles {
        let places = paths(profile)
            .into_iter()
            .filter_map(|named| Some((artefacts.place(profile, &named.path)?, named)))
            .filter(|(place, named)| !named.is_at(place));
        for (place, named) in places {
            let (_, profiles) = wanted.entry(place).or_insert_with(|| (named.path, BTreeSet::new()));
            profiles.insert(name.as_str());
        }
    }
    wanted
        .into_iter()
        .map(|(file, (path, profiles))| {
            let image = path.split('/').nth(2).filter(|image| images.contains_key(*image));
            let hint = match image {
                Some(image) => format!("`bootwright image add {image}` fetches it"),
                None => "put the file there before a host is armed with the profile".to_owned(),
            };
            plain(
                Severity::Warning,
                format!(
                    "there is no `{}`, which profile `{}` boots",
                    file.display(),
                    profiles.into_iter().collect::<Vec<_>>().join("`, `")
                ),
                &hint,
            )
        })
        .collect()
}

/// The files of ours that a profile boots, as a host would be told that has everything but labels and metadata. What
/// hangs on those cannot be looked for without a host.
fn paths(profile: &Profile) -> Vec<Named> {
    let context = made_up(profile);
    render_boot(profile, &context).map_or_else(|_| Vec::new(), |plan| paths_of(&plan, &context.server.url))
}

/// Files of images that are there and not as they were added, by their sizes: all bytes are read by `image verify`.
fn changed_files(policy: &Policy, artefacts: &Artefacts) -> Vec<DiagnosticView> {
    let mut found: Vec<DiagnosticView> = Vec::new();
    for (name, profile) in &policy.profiles {
        let Some(trouble) = artefacts
            .trouble(profile, &made_up(profile))
            .filter(|words| words.contains("was changed"))
        else {
            continue;
        };
        let words = format!("profile `{name}` cannot be installed: {trouble}");
        found.push(plain(
            Severity::Warning,
            words,
            "add the image again; `bootwright image verify` shows more",
        ));
    }
    found
}
