//! A server that speaks Pixiecore's API: what it says of a machine is the definition of one profile, `pixiecore`, and the
//! rules lead every machine there that nothing else is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use bootwright_core::{Confirm, DoneTrigger, Initrd, Profile, StageLimits};

use super::Lowered;
use super::make;
use crate::compat::{Compat, DoneBy};
use crate::digest;
use crate::lower::DEADLINE;

/// The document whose delivery ends a run if the operator says so: it stands for the files that a command line names by `URL`.
pub const URL: &str = "pixiecore.url";

/// What a machine boots as the API says, with every URL one that machines can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The kernel.
    pub kernel: String,
    /// What goes with it.
    pub initrds: Vec<String>,
    /// The words of the command line. They are templates: what is to stand there as it is went through [`literal`].
    pub cmdline: String,
}

/// A text that templates print as it is.
#[must_use]
pub fn literal(text: &str) -> String {
    make::literal(text)
}

/// The URL that asks the API for a machine, of which `mac` is the card.
#[must_use]
pub fn question(upstream: &str, mac: &str) -> String {
    format!("{upstream}/v1/boot/{mac}")
}

pub(super) fn lower(compat: &Compat, lowered: &mut Lowered) {
    let Some(upstream) = &compat.upstream else { return };
    let Ok(name) = compat.prefix().parse() else { return };
    let done = match compat.done {
        DoneBy::Callback => DoneTrigger::Callback,
        DoneBy::ConfigServed => DoneTrigger::ConfigServed(URL.to_owned()),
        DoneBy::Manual => DoneTrigger::Manual,
    };
    let origin = "[compat.pixiecore]";
    let mut profile = Profile {
        name,
        // What stands here is never booted: the API's answer takes its place, or nothing does.
        kernel: question(upstream, "{{ host.mac }}"),
        initrds: Vec::new(),
        args: Vec::new(),
        files: BTreeMap::from([(URL.to_owned(), make::document(make::literal(upstream), origin))]),
        done,
        confirm: Confirm::Dashboard,
        deadline: DEADLINE,
        stages: StageLimits::default(),
        menu: None,
        source: Some(compat.dialect),
        revision: 0,
    };
    profile.revision = digest::profile(&profile);
    let name = format!("{}-default", compat.prefix());
    let rule = make::rule(compat, &name, Vec::new(), profile.name.clone());
    lowered.rules.extend(rule);
    lowered.profiles.push(Arc::new(profile));
}

/// The profile with what the API says in its place. Its name and its revision stay: it is the same grant.
#[must_use]
pub fn define(profile: &Profile, boot: &Boot, has_run: bool) -> Profile {
    let words = boot
        .cmdline
        .split(' ')
        .filter(|word| !word.is_empty() && !word.starts_with("initrd="));
    let mut args: Vec<String> = vec![words.collect::<Vec<&str>>().join(" ")];
    args.retain(|arg| !arg.is_empty());
    if has_run && profile.done == DoneTrigger::Callback {
        // The API knows nothing of runs: this is where its installer reports.
        args.push("bootwright.url={{ run.url }}".to_owned());
    }
    let initrd = |source: &String| Initrd {
        source: source.clone(),
        target: None,
    };
    Profile {
        kernel: boot.kernel.clone(),
        initrds: boot.initrds.iter().map(initrd).collect(),
        args,
        ..profile.clone()
    }
}
