//! The Flatcar container's `node-configs/`: each `NODE-ignite-boot.yml` is what one installed node boots with. The live system
//! that installs it is ours.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::butane::{TreeEntry, TreeKind, bundle, split, transpile};
use bootwright_core::{Attribute, Document, DoneTrigger, ProfileName};

use super::Lowered;
use super::file::Files;
use super::ignition::{Wanted, tell, template};
use super::make::{self, Boot, Names};
use crate::compat::Compat;

/// Where the files are, and how their names end.
const DIRECTORY: &str = "node-configs";
const ENDINGS: &[&str] = &["-ignite-boot.yml", "-ignite-boot.yaml"];

/// The documents of a run: what the installed system boots with, what the live system boots with, what that runs.
const TARGET: &str = "ignite-boot.ign";
const LIVE: &str = "ignite.ign";
const INSTALL: &str = "install.sh";

const LIVE_TEMPLATE: &str = r#"{"ignition":{"version":"3.3.0"},"storage":{"files":[
{"path":"/opt/ignition.json","mode":384,"contents":{"source":"{{ run.url }}/ignite-boot.ign"}},
{"path":"/opt/bootwright-install","mode":448,"contents":{"source":"{{ run.url }}/install.sh"}}]},
"systemd":{"units":[{"name":"installer.service","enabled":true,"contents":"[Unit]\nDescription=Install this machine\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=oneshot\nTimeoutStartSec=3600\nStandardOutput=journal+console\nExecStart=/bin/bash /opt/bootwright-install\n\n[Install]\nWantedBy=multi-user.target\n"}]}}
"#;

const INSTALL_TEMPLATE: &str = r#"{% include "bootwright/guard.sh" %}
disk={{ metadata.disk | default("/dev/sda") | shell }}
bootwright_guard "$disk" || exit 1
bootwright_report progress stage=write
if flatcar-install -d "$disk" -i /opt/ignition.json {{ metadata.flatcar_install | default("") }} && udevadm settle; then
    bootwright_report done
else
    bootwright_report fail "reason=flatcar-install failed"
fi
systemctl reboot
"#;

pub(super) fn lower(compat: &Compat, files: &mut Files, lowered: &mut Lowered) {
    let names: Vec<String> = files.names(DIRECTORY).map(str::to_owned).collect();
    let mut given = Names::default();
    let mut found = false;
    for name in names {
        let path = format!("{DIRECTORY}/{name}");
        let Some(node) = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)) else {
            if name.ends_with("ignite.yml") || name.ends_with("ignite.yaml") {
                let hint =
                    "the live system that installs is made here; what it added belongs into the file of the node";
                files.warn(&path, 0..0, "nothing is read from it", hint);
            } else if name.ends_with(".yml") || name.ends_with(".yaml") {
                let hint = "the container reads files that are called `NODE-ignite-boot.yml`";
                files.warn(&path, 0..0, "nothing is read from a file of this name", hint);
            }
            continue;
        };
        found = true;
        let Some(target) = target(&path, files) else { continue };
        let (Ok(profile), rule) = (
            given.give(compat.prefix(), node).parse::<ProfileName>(),
            node.to_ascii_lowercase(),
        ) else {
            continue;
        };
        if let Some(name) = profile_of(compat, profile, target, &path, files, lowered) {
            let rule = make::rule(
                compat,
                name.as_str(),
                vec![(Attribute::Host, rule.as_str())],
                name.clone(),
            );
            lowered.rules.extend(rule);
        }
    }
    if !found {
        files.warn_all(
            "there is no configuration of a node",
            "each is a file `node-configs/NODE-ignite-boot.yml`",
        );
    }
}

/// What a node's installed system boots with, as a template.
fn target(path: &str, files: &mut Files) -> Option<String> {
    let text = files.text(path)?;
    let read = RefCell::new(files);
    let one = |name: &str| {
        let text = read.borrow_mut().text(&format!("{DIRECTORY}/{name}"));
        text.map(|text| text.to_string())
            .ok_or_else(|| format!("there is no `{DIRECTORY}/{name}`"))
    };
    let bundled = bundle(&text, &one, &|name| {
        let top = format!("{DIRECTORY}/{name}/");
        let below: Vec<String> = read
            .borrow()
            .paths()
            .filter_map(|path| path.strip_prefix(&top))
            .map(str::to_owned)
            .collect();
        let entry = |path: String| {
            let text = one(&format!("{name}/{path}"))?;
            let kind = TreeKind::File { executable: false };
            Ok((TreeEntry { path, kind }, text.into_bytes()))
        };
        match below.is_empty() {
            true => Err(format!("there is no `{DIRECTORY}/{name}`")),
            false => below.into_iter().map(entry).collect(),
        }
    });
    let files = read.into_inner();
    let (config, beside) = split(&bundled);
    let json = match transpile(config, &beside) {
        Ok(made) => {
            tell(files, path, made.warnings);
            made.json
        }
        Err(mut faults) => {
            if !config.lines().any(|line| line.starts_with("variant:")) {
                let hint = "a Container Linux Config is read by nothing that installs today: begin it with the lines `variant: flatcar` \
                            and `version: 1.0.0`; what has another name by then is told one by one";
                for fault in &mut faults {
                    fault.hint = Some(hint.to_owned());
                }
                faults.truncate(1);
            }
            tell(files, path, faults);
            return None;
        }
    };
    let wanted = Wanted {
        hostname: !json.contains("\"/etc/hostname\""),
        up: true,
        done: false,
    };
    match template(&json, wanted) {
        Ok(template) => Some(template),
        Err(faults) => {
            tell(files, path, faults);
            None
        }
    }
}

fn profile_of(
    compat: &Compat,
    name: ProfileName,
    target: String,
    path: &str,
    files: &mut Files,
    lowered: &mut Lowered,
) -> Option<ProfileName> {
    let image = compat.image.as_deref().unwrap_or("flatcar");
    let file = |file: &str| format!("/images/{image}/flatcar_production_{file}");
    let boot = Boot {
        kernel: file("pxe.vmlinuz"),
        initrds: vec![file("pxe_image.cpio.gz")],
        args: vec![
            "flatcar.first_boot=1".to_owned(),
            format!("ignition.config.url={{{{ run.url }}}}/{LIVE}"),
        ],
    };
    let documents: BTreeMap<String, Document> = BTreeMap::from([
        (TARGET.to_owned(), make::document(target, path)),
        (
            LIVE.to_owned(),
            make::document(LIVE_TEMPLATE.to_owned(), "[compat.flatcar]"),
        ),
        (
            INSTALL.to_owned(),
            make::document(INSTALL_TEMPLATE.to_owned(), "[compat.flatcar]"),
        ),
    ]);
    let mut profile = make::profile(compat, name.clone(), &boot, documents, DoneTrigger::Callback);
    // What is booted are images of ours.
    profile.source = None;
    profile.revision = crate::digest::profile(&profile);
    if let Some(problem) = make::problems(&profile).first() {
        let hint = "nothing else is affected";
        files.error(path, 0..0, format!("cannot be installed: {problem}"), hint);
        return None;
    }
    lowered.profiles.push(Arc::new(profile));
    Some(name)
}
