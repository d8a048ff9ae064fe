//! bootcfg's data of December 2015: `boot/` and `cloud/`, each with `uuid/`, `mac/` and `default`.

use std::collections::BTreeMap;

use bootwright_core::ProfileName;

use super::spec::{Spec, boot, profile};
use super::{DEFAULT, Whose, owned};
use crate::compat::Compat;
use crate::foreign::Lowered;
use crate::foreign::file::Files;
use crate::foreign::make::Names;

/// `boot/` and `cloud/`, in each of which a machine is looked for by itself.
pub(super) fn boot_files(
    compat: &Compat,
    files: &mut Files,
    lowered: &mut Lowered,
    names: &mut Names,
    rules: &mut BTreeMap<Whose, ProfileName>,
) {
    let mut found: BTreeMap<Whose, [Option<String>; 2]> = BTreeMap::new();
    for (place, kind) in ["boot", "cloud"].into_iter().enumerate() {
        for (directory, is_uuid) in [("uuid", true), ("mac", false)] {
            for name in owned(files.names(&format!("{kind}/{directory}"))) {
                let path = format!("{kind}/{directory}/{name}");
                let whose = Whose::of_directory(&name).filter(|whose| matches!(whose, Whose::Uuid(_)) == is_uuid);
                match whose.filter(|whose| *whose != Whose::All) {
                    Some(whose) => found.entry(whose).or_default()[place] = Some(path),
                    None => {
                        let what = if is_uuid {
                            "a UUID"
                        } else {
                            "a hardware address such as `52:54:00:ab:cd:ef`"
                        };
                        let hint = format!("call the file by {what}");
                        files.warn(
                            &path,
                            0..0,
                            format!("no machine has this name in `{directory}/`"),
                            &hint,
                        );
                    }
                }
            }
        }
        let path = format!("{kind}/{DEFAULT}");
        if files.has(&path) {
            found.entry(Whose::All).or_default()[place] = Some(path);
        }
    }
    let all = found.get(&Whose::All).cloned().unwrap_or_default();
    for (whose, [boot_path, cloud]) in found {
        let (Some(path), cloud) = (boot_path.or_else(|| all[0].clone()), cloud.or_else(|| all[1].clone())) else {
            let path = all[1].clone().unwrap_or_default();
            files.warn(
                &path,
                0..0,
                "nothing is booted with it",
                "write `boot/default`, or a file for the same machine",
            );
            continue;
        };
        let Some(node) = files.json(&path) else { continue };
        let Some((boot, json)) = boot(&node, files) else {
            continue;
        };
        let cloud = cloud.filter(|cloud| is_cloud_config(cloud, files));
        let spec = Spec {
            boot,
            json,
            cloud,
            ignition: None,
        };
        let name = names.give(compat.prefix(), whose.name());
        if let Some(profile) = profile(compat, &name, &spec, &path, files, lowered) {
            rules.insert(whose, profile);
        }
    }
}

/// bootcfg hands out nothing else from `cloud/`.
fn is_cloud_config(path: &str, files: &mut Files) -> bool {
    let good = files.text(path).is_some_and(|text| text.starts_with("#cloud-config"));
    if !good {
        let hint = "write `#cloud-config` into its first line";
        files.error(
            path,
            0..0,
            "this is no cloud-config, so that it is handed to nobody",
            hint,
        );
    }
    good
}
