//! The Flatcar PXE container: `node-configs/*-ignite-boot.yml`, one for each machine.
//!
//! Each becomes a profile with the catalogue's two stages, of which the second is the machine's own file.

use super::draft::{self, Draft, Table};
use super::left::Left;
use super::machine;
use super::{Imported, Text};
use crate::foreign::literal;

/// What the live system runs, from the catalogue.
const LIVE: &str = include_str!("../../../../config/examples/flatcar/live.bu");

/// What the live system's unit runs. It asks for no metadata, as the catalogue's does: each machine has its own, and what depends on
/// no host is checked before there is one.
const INSTALL: &str = r#"{% include "bootwright/guard.sh" %}

# The only disk there is; of several the guard lets none pass: name the right one here.
set -- $(lsblk -d -n -p -o NAME,TYPE | awk '$2 == "disk" { print $1 }')
bootwright_guard "$@" || exit 1
bootwright_report progress stage=write

cd /run && bootwright_get "$bootwright_url/target.ign" >target.ign || exit 1
if flatcar-install -d "$1" -C stable -V 4230.2.3 -b {{ server.url }}/images/flatcar -i target.ign; then
    bootwright_report done
else
    bootwright_report fail "reason=flatcar-install failed"
fi
systemctl reboot
"#;

/// The ends of the names of files for machines.
const ENDS: &[&str] = &["-ignite-boot.yml", "-ignite-boot.yaml"];

pub(super) fn import(texts: Vec<Text>, name: &str, mut left: Left) -> Imported {
    let mut draft = Draft::default();
    let mut documents = Vec::new();
    let mut nodes = 0;
    for text in &texts {
        let file = text.path.rsplit('/').next().unwrap_or_default();
        let Some(stem) = ENDS.iter().find_map(|end| file.strip_suffix(end)) else {
            if file.starts_with("Dockerfile") || file.contains("compose") {
                left.tell(
                    text,
                    0..0,
                    "the container is not carried over",
                    "Bootwright is one process; `docker-compose.yml` of ours runs it",
                );
            } else if file.ends_with("-ignite.yml") || file.ends_with("-ignite.yaml") {
                left.tell(
                    text,
                    0..0,
                    "the first stage is not carried over",
                    "`live.bu` does its work, and reports that the install is done",
                );
            }
            continue;
        };
        let Some(node) = machine::slug(stem) else {
            left.tell(
                text,
                0..0,
                "its name gives no name of a machine",
                "call it `NAME-ignite-boot.yml`",
            );
            continue;
        };
        let key = |line: &str| line.trim_start().starts_with("variant:");
        if !text.text.lines().any(key) {
            let hint = "it is a Container Linux Config: add `variant: flatcar` and `version: 1.0.0`, and rename the keys that `bootwright check` then names";
            left.tell(text, 0..0, "it is no Butane, and is not carried over", hint);
            continue;
        }
        let place = |document: &str| format!("{node}/{document}");
        documents.push((place("target.bu"), literal(&text.text)));
        documents.push((place("live.bu"), LIVE.to_owned()));
        documents.push((place("install.sh"), INSTALL.to_owned()));
        let mut table = Table::new(format!("[profiles.flatcar-{node}]"), &text.path);
        table.set(
            "kernel",
            draft::text("/images/flatcar/4230.2.3/flatcar_production_pxe.vmlinuz"),
            "",
        );
        table.set(
            "initrds",
            "[\"/images/flatcar/4230.2.3/flatcar_production_pxe_image.cpio.gz\"]".to_owned(),
            "",
        );
        table.set(
            "args",
            "[\"flatcar.first_boot=1\", \"ignition.config.url={{ run.url }}/live.ign\"]".to_owned(),
            "",
        );
        draft.push(table);
        let mut files = Table::new(format!("[profiles.flatcar-{node}.files]"), "");
        for (document, from) in [
            ("live.ign", "live.bu"),
            ("target.ign", "target.bu"),
            ("install.sh", "install.sh"),
        ] {
            files.set(
                document,
                format!("{{ file = {} }}", draft::text(&format!("{name}/{}", place(from)))),
                "",
            );
        }
        draft.push(files);
        let words = "the file names no card: write the machine into `[hosts]`";
        let hint = format!("`[hosts.{node}]` with `mac = \"…\"`, `profile = \"flatcar-{node}\"`");
        left.tell(text, 0..0, words, &hint);
        nodes += 1;
    }
    let mut steps = Vec::new();
    if nodes > 0 {
        steps.push("put a release of Flatcar below `images/flatcar/4230.2.3/` in the data directory: `bootwright image add` fetches one".to_owned());
        steps.push("machines that run already are not named by these files: `bootwright host local MAC` and `bootwright host lock MAC` before one boots from the network".to_owned());
    }
    let (left, more_left) = left.into_parts();
    Imported {
        config: draft.write("What the Flatcar PXE container served, as `bootwright import flatcar` read it."),
        documents,
        left,
        more_left,
        steps,
        ..Imported::default()
    }
}
