//! dynamic-ignition-coreos: one base configuration for all machines, each with a name of its own, and the entry of PXELINUX
//! that starts the installer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_content::ignition;
use bootwright_core::{Document, DoneTrigger, ProfileName};

use super::file::Files;
use super::ignition::{Wanted, tell, template};
use super::make::{self, Boot};
use super::{Lowered, pxelinux};
use crate::compat::{Compat, DoneBy};
use crate::digest;

/// The document that `/get_ignition` answers with.
pub const CONFIG: &str = "config.ign";

/// The document of the live system, whose installer reports by it.
const LIVE: &str = "live.ign";

/// The file that says what is booted.
const DEFAULT: &str = "pxelinux.cfg/default";

pub(super) fn lower(compat: &Compat, files: &mut Files, lowered: &mut Lowered) {
    let Some(config) = base(compat, files) else { return };
    let Some(text) = files.text(DEFAULT) else {
        let hint = "copy the file of your TFTP directory there; or name `http://…/get_ignition` in a profile of yours that has a \
                    document `config.ign`";
        files.warn_all(
            format!("there is no `{DEFAULT}`, so that nothing says what is booted"),
            hint,
        );
        return;
    };
    let Some(mut boot) = pxelinux::default_entry(&text) else {
        let hint = "it needs a `LABEL` with `KERNEL` and `APPEND`";
        files.error(DEFAULT, 0..0, "no entry of it starts a kernel", hint);
        return;
    };
    if !boot.args.iter().any(|arg| arg.starts_with("coreos.inst.ignition_url=")) {
        let hint = "add `coreos.inst.ignition_url=http://SERVER:5000/get_ignition` to `APPEND`";
        files.warn(
            DEFAULT,
            0..0,
            "the installer is not told where its configuration is",
            hint,
        );
    }
    let mut documents: BTreeMap<String, Document> = BTreeMap::new();
    documents.insert(CONFIG.to_owned(), make::document(config, CONFIG));
    let done = match compat.done {
        DoneBy::Callback => {
            reports(&mut boot, &mut documents, files);
            DoneTrigger::Callback
        }
        DoneBy::ConfigServed => DoneTrigger::ConfigServed(CONFIG.to_owned()),
        DoneBy::Manual => DoneTrigger::Manual,
    };
    boot.kernel = place(&boot.kernel);
    boot.initrds = boot.initrds.iter().map(|initrd| place(initrd)).collect();
    let Ok(name) = compat.prefix().parse::<ProfileName>() else {
        return;
    };
    // What PXELINUX loads comes from the machine plane's own port, by TFTP too.
    let plain = Compat {
        listen: None,
        ..compat.clone()
    };
    let mut profile = make::profile(&plain, name.clone(), &boot, documents, done);
    // What is booted are images of ours.
    profile.source = None;
    profile.revision = digest::profile(&profile);
    if let Some(problem) = make::problems(&profile).first() {
        let hint = "its words are templates: `{{ run.url }}` is where a run reports";
        files.error(DEFAULT, 0..0, format!("cannot be booted: {problem}"), hint);
        return;
    }
    lowered.profiles.push(Arc::new(profile));
    let rule = make::rule(compat, &format!("{}-default", compat.prefix()), Vec::new(), name);
    lowered.rules.extend(rule);
}

/// The base configuration with each host's name in it, as a template.
fn base(compat: &Compat, files: &mut Files) -> Option<String> {
    let Some(text) = files.text(CONFIG) else {
        if !files.has(CONFIG) {
            let hint = "copy `/var/www/fedora-coreos-metal/config.ign` there";
            files.warn_all(
                format!("there is no `{CONFIG}`, the configuration of all machines"),
                hint,
            );
        }
        return None;
    };
    if tell(files, CONFIG, ignition::check(&text)) {
        return None;
    }
    let wanted = Wanted {
        hostname: true,
        up: compat.done == DoneBy::Callback,
        done: false,
    };
    match template(&text, wanted) {
        Ok(template) => Some(template),
        Err(faults) => {
            tell(files, CONFIG, faults);
            None
        }
    }
}

/// Where a file of PXELINUX is on the machine plane, which serves the same by TFTP.
fn place(path: &str) -> String {
    match path.contains("://") {
        true => path.to_owned(),
        false => format!("/{}", path.trim_start_matches('/')),
    }
}

/// The installer's own system gets a unit that reports, by its own configuration.
fn reports(boot: &mut Boot, documents: &mut BTreeMap<String, Document>, files: &mut Files) {
    if boot.args.iter().any(|arg| arg.starts_with("ignition.config.url=")) {
        let hint = "add the unit of `docs/coming-from/dynamic-ignition.md` to it, or set `done = \"config-served\"`";
        files.warn(
            DEFAULT,
            0..0,
            "the live system has a configuration of its own, which has to report that it is done",
            hint,
        );
        return;
    }
    let wanted = Wanted {
        done: true,
        ..Wanted::default()
    };
    let Ok(live) = template(r#"{"ignition":{"version":"3.0.0"}}"#, wanted) else {
        return;
    };
    documents.insert(LIVE.to_owned(), make::document(live, LIVE));
    for arg in [
        "ignition.firstboot",
        "ignition.platform.id=metal",
        "ignition.config.url={{ run.url }}/live.ign",
    ] {
        if !boot.args.iter().any(|own| own == arg) {
            boot.args.push(arg.to_owned());
        }
    }
}
