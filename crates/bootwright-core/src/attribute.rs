//! What rules see of a host.

use crate::rule::{Attribute, Attributes};
use crate::{Facts, Firmware, Host, HostDefinition, Sighting};

/// What rules see of a host: the record, the configuration and the present request together.
#[must_use]
pub fn attributes(host: &Host, definition: Option<&HostDefinition>, seen: &Sighting) -> Attributes {
    let mut found = Attributes::default();
    let mut add = |attribute: Attribute, text: Option<String>| {
        if let Some(text) = text {
            let texts = found.0.entry(attribute).or_default();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    };
    add(Attribute::Host, Some(host.id.to_string()));
    let known = definition.map(|definition| &definition.facts);
    for facts in [Some(&host.facts), known, Some(&seen.facts)].into_iter().flatten() {
        let Facts {
            macs,
            uuid,
            serial,
            asset,
            manufacturer,
            product,
        } = facts;
        for mac in macs {
            add(Attribute::Mac, Some(mac.to_string()));
        }
        add(Attribute::Uuid, uuid.map(|uuid| uuid.to_string()));
        add(Attribute::Serial, serial.clone());
        add(Attribute::Asset, asset.clone());
        add(Attribute::Manufacturer, manufacturer.clone());
        add(Attribute::Product, product.clone());
    }
    let firmware = seen
        .firmware
        .or(seen.arch.map(Firmware::of))
        .map(|firmware| match firmware {
            Firmware::Bios => "bios",
            Firmware::Uefi => "uefi",
        });
    add(Attribute::Firmware, firmware.map(str::to_owned));
    add(Attribute::Link, seen.link.clone());
    let labels = definition.map(|definition| &definition.labels);
    for (key, value) in [Some(&host.labels), labels].into_iter().flatten().flatten() {
        add(Attribute::Label(key.clone()), Some(value.clone()));
    }
    for (name, value) in &host.reported {
        add(Attribute::Fact(name.clone()), Some(value.clone()));
        if let Some(any) = in_any_place(name) {
            add(Attribute::Fact(any), Some(value.clone()));
        }
    }
    found
}

/// The name of an item of a list without the places: `disks.*.serial` of `disks.0.serial`.
fn in_any_place(name: &str) -> Option<String> {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split('.').any(is_number).then(|| {
        let parts = name.split('.').map(|part| if is_number(part) { "*" } else { part });
        parts.collect::<Vec<_>>().join(".")
    })
}
