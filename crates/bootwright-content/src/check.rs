//! Everything that a profile could make, tried on a host that does not exist.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bootwright_core::{Arch, DoneTrigger, Facts, Firmware, MacAddr, Profile, RunNumber, Sighting, Token, Uuid};

use crate::context::{Context, RunValues, ServerValues, Values};
use crate::plan::{Part, Problem, finish_document, no_secret, render_boot};
use crate::secret::Secrets;
use crate::template::Template;

/// What is wrong with a profile, whatever host it is for.
///
/// Templates that ask for labels or metadata are only read and tried, since these differ from host to host:
/// `check_host` renders them for one.
#[must_use]
pub fn check_profile(profile: &Profile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (part, template) in templates(profile) {
        if let Some(problem) = no_secret(&part, template) {
            problems.push(problem);
            continue;
        }
        let name = part.to_string();
        let tried = Template::compile(&name, template).and_then(|compiled| compiled.try_out(&made_up(profile)));
        if let Err(error) = tried {
            problems.push(Problem { part, error });
        }
    }
    if problems.is_empty() {
        problems.extend(check_fixed(profile));
    }
    problems
}

/// What is wrong with those parts of a profile that are the same for every host, whatever the others ask for.
fn check_fixed(profile: &Profile) -> Vec<Problem> {
    if profile.menu.is_some() {
        return Vec::new();
    }
    let context = made_up(profile);
    let mut loaded = templates(profile)
        .into_iter()
        .filter(|(part, _)| !matches!(part, Part::File(_)));
    let boot = loaded
        .all(|(_, template)| !depends_on_host(template))
        .then(|| render_boot(profile, &context).err())
        .flatten();
    let fixed = profile
        .files
        .iter()
        .filter(|(_, document)| !depends_on_host(&document.template));
    let documents = fixed
        .filter_map(|(name, _)| finish_document(profile, name, &context).err())
        .flatten();
    boot.into_iter().chain(documents).collect()
}

/// What is wrong with what a profile makes for one host.
#[must_use]
pub fn check_host(profile: &Profile, context: &Context) -> Vec<Problem> {
    if profile.menu.is_some() {
        return Vec::new();
    }
    let boot = render_boot(profile, context).err();
    let documents = profile
        .files
        .keys()
        .filter_map(|name| finish_document(profile, name, context).err())
        .flatten();
    boot.into_iter().chain(documents).collect()
}

/// What is odd about the documents of a profile whose templates do not ask for labels or metadata: the machine that reads
/// them goes on, but probably not as was meant.
#[must_use]
pub fn odd(profile: &Profile) -> Vec<Problem> {
    let context = made_up(profile);
    let named = profile
        .files
        .iter()
        .filter(|(_, document)| !depends_on_host(&document.template));
    let warnings = named.flat_map(|(name, _)| {
        let made = finish_document(profile, name, &context);
        let warnings = made.map(|made| made.warnings).unwrap_or_default();
        warnings.into_iter().map(|error| Problem {
            part: Part::File(name.clone()),
            error,
        })
    });
    warnings.collect()
}

/// What is wrong with what a profile makes for a host that has not asked yet.
///
/// What is not known of the host is supposed. Where its firmware is not known, a profile is at fault only if neither kind
/// can boot it.
#[must_use]
pub fn check_ahead(profile: &Profile, context: &Context) -> Vec<Problem> {
    let seen = &context.seen;
    let known = seen.firmware.or(seen.arch.map(Firmware::of));
    let kinds = known.map_or(vec![Firmware::Uefi, Firmware::Bios], |known| vec![known]);
    let tried = kinds.into_iter().map(|firmware| {
        let supposed = supposed(context, &made_up(profile), firmware);
        check_host(profile, &supposed)
    });
    tried.min_by_key(Vec::len).unwrap_or_default()
}

/// A host with what is supposed in place of what is not known of it.
fn supposed(context: &Context, made_up: &Context, firmware: Firmware) -> Context {
    let (known, other) = (&context.facts, &made_up.facts);
    let text = |known: &Option<String>, other: &Option<String>| known.clone().or_else(|| other.clone());
    let facts = Facts {
        macs: if known.macs.is_empty() {
            &other.macs
        } else {
            &known.macs
        }
        .clone(),
        uuid: known.uuid.or(other.uuid),
        serial: text(&known.serial, &other.serial),
        asset: text(&known.asset, &other.asset),
        manufacturer: text(&known.manufacturer, &other.manufacturer),
        product: text(&known.product, &other.product),
    };
    let arch = match firmware {
        Firmware::Uefi => Arch::EFI64,
        Firmware::Bios => Arch::BIOS,
    };
    let seen = Sighting {
        address: context.seen.address.or(made_up.seen.address),
        link: text(&context.seen.link, &made_up.seen.link),
        firmware: Some(firmware),
        arch: context.seen.arch.or(Some(arch)),
        ..context.seen.clone()
    };
    Context {
        facts,
        seen,
        ..context.clone()
    }
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
        || profile.files.values().any(|document| document.add.done)
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
        reported: Default::default(),
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
        secrets: Secrets::Hidden,
    }
}

fn depends_on_host(template: &str) -> bool {
    Template::compile("", template).is_ok_and(|compiled| compiled.depends_on_host())
}

/// The templates of a profile. A menu has none: what it leads to is rendered when it was chosen.
fn templates(profile: &Profile) -> Vec<(Part, &str)> {
    if profile.menu.is_some() {
        return Vec::new();
    }
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
