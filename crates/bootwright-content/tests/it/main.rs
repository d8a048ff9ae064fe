//! Profiles and templates as operators write them, and what hosts get from them.

mod ahead;
mod butane;
mod cloud_init;
mod document;
mod ignition;
mod injection;
mod json;
mod million;
mod noise;
mod plan;
mod secret;
mod snippet;
mod template;

use bootwright_content::{Context, made_up};
use bootwright_core::{Confirm, Document, DoneTrigger, Initrd, Profile, Span, StageLimits};

/// A profile that boots a kernel and nothing else.
fn profile() -> Profile {
    Profile {
        name: "debian".parse().expect("a name"),
        kernel: "/images/debian/linux".to_owned(),
        initrds: Vec::new(),
        args: Vec::new(),
        files: std::collections::BTreeMap::new(),
        done: DoneTrigger::Manual,
        confirm: Confirm::Dashboard,
        deadline: Span::from_hours(6),
        stages: StageLimits::default(),
        menu: None,
        source: None,
        revision: 0,
    }
}

fn with_args(args: &[&str]) -> Profile {
    Profile {
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        ..profile()
    }
}

fn with_file(name: &str, template: &str) -> Profile {
    let document = Document {
        template: template.to_owned(),
        origin: "here".to_owned(),
        add: bootwright_core::Additions::default(),
    };
    Profile {
        files: [(name.to_owned(), document)].into(),
        ..profile()
    }
}

fn initrd(source: &str, target: Option<&str>) -> Initrd {
    Initrd {
        source: source.to_owned(),
        target: target.map(str::to_owned),
    }
}

fn context() -> Context {
    made_up(&profile())
}
