//! Everything that a profile could make, tried on a host that does not exist.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bootwright_core::{Arch, DoneTrigger, Facts, Firmware, MacAddr, Profile, RunNumber, Sighting, Token, Uuid};

use crate::context::{Context, RunValues, ServerValues, Values};
use crate::plan::{Part, Problem, render_boot, render_document};
use crate::template::Template;

/// What is wrong with a profile, whatever host it is for.
///
/// Templates that ask for labels or metadata are only read and tried, since these differ from host to host:
/// `check_host` renders them for one.
#[must_use]
pub fn check_profile(profile: &Profile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (part, template) in templates(profile) {
        let name = part.to_string();
        let tried = Template::compile(&name, template).and_then(|compiled| compiled.try_out(&made_up(profile)));
        if let Err(error) = tried {
            problems.push(Problem { part, error });
        }
    }
    if problems.is_empty() && !templates(profile).iter().any(|(_, template)| depends_on_host(template)) {
        problems.extend(check_host(profile, &made_up(profile)));
    }
    problems
}

/// What is wrong with what a profile makes for one host.
#[must_use]
pub fn check_host(profile: &Profile, context: &Context) -> Vec<Problem> {
    let boot = render_boot(profile, context).err();
    let documents = profile
        .files
        .keys()
        .filter_map(|name| render_document(profile, name, context).err());
    boot.into_iter().chain(documents).collect()
}

/// Whether a profile can be booted without a run: none of its boot templates asks for one.
#[must_use]
pub fn fits_live(profile: &Profile) -> bool {
    templates(profile)
        .iter()
        .filter(|(part, _)| !matches!(part, Part::File(_)))
        .all(|(_, template)| Template::compile("", template).is_ok_and(|compiled| !compiled.needs_run()))
}

/// Whether a run of this profile that waits for a call can get one: some template hands the run's address to somebody.
#[must_use]
pub fn can_report(profile: &Profile) -> bool {
    profile.done != DoneTrigger::Callback
        || templates(profile)
            .iter()
            .any(|(_, template)| Template::compile("", template).is_ok_and(|compiled| compiled.needs_run()))
}

/// A host that has everything but labels and metadata.
#[must_use]
pub fn made_up(profile: &Profile) -> Context {
    let mac = MacAddr::new([0x52, 0x54, 0x00, 0xab, 0xcd, 0xef]);
    let text = |text: &str| Some(text.to_owned());
    let facts = Facts {
        uuid: Some(Uuid::from_wire([0x42; 16])),
        serial: text("S4EVNX0M"),
        asset: text("A-1234"),
        manufacturer: text("Example Inc."),
        product: text("Server 1"),
        ..Facts::of_mac(mac)
    };
    let seen = Sighting {
        facts: facts.clone(),
        boot_mac: Some(mac),
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17))),
        link: text("eth0"),
        firmware: Some(Firmware::Uefi),
        arch: Some(Arch::EFI64),
        ..Sighting::default()
    };
    Context {
        host: "some-host".parse().expect("a name by the rules of names"),
        facts,
        seen,
        labels: Values::default(),
        metadata: Values::default(),
        profile: profile.name.clone(),
        run: Some(RunValues {
            number: RunNumber::new(1),
            token: Token::new([0x5a; 16]),
            attempt: 1,
        }),
        server: ServerValues {
            url: "http://192.0.2.1:8080".to_owned(),
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        },
    }
}

fn depends_on_host(template: &str) -> bool {
    Template::compile("", template).is_ok_and(|compiled| compiled.depends_on_host())
}

fn templates(profile: &Profile) -> Vec<(Part, &str)> {
    let mut found: BTreeMap<Part, &str> = BTreeMap::from([(Part::Kernel, profile.kernel.as_str())]);
    found.extend(
        profile
            .initrds
            .iter()
            .enumerate()
            .map(|(index, initrd)| (Part::Initrd(index), initrd.source.as_str())),
    );
    found.extend(
        profile
            .args
            .iter()
            .enumerate()
            .map(|(index, arg)| (Part::Arg(index), arg.as_str())),
    );
    for (name, document) in &profile.files {
        found.insert(Part::File(name.clone()), document.template.as_str());
    }
    found.into_iter().collect()
}
