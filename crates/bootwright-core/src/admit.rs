//! Whether a DHCP request is for this site at all, before anybody asks which machine sent it.

use crate::{Ask, HostDefinition, Loader, Policy, Why};

/// Why a request is none of ours whoever sent it, if so. Such a request leaves nothing in the record.
///
/// `definition` is what the configuration says of the card that asks.
#[must_use]
pub fn admit(policy: &Policy, definition: Option<&HostDefinition>, ask: Ask) -> Option<Why> {
    let Ask::Offer {
        arch,
        loader,
        entry,
        way,
        ..
    } = ask
    else {
        return None;
    };
    if let Some(why) = way.refusal(policy) {
        return Some(why);
    }
    if entry {
        return Some(Why::NoMenu);
    }
    if loader == Loader::RaspberryPi && !policy.raspberry_pi {
        return Some(Why::PiNotServed);
    }
    let own_file = definition.is_some_and(|definition| definition.first_file.is_some());
    let site_file = arch.is_uboot() && policy.first_files.contains_key(&arch);
    (loader == Loader::UBoot && !own_file && !site_file).then_some(Why::UBootNotServed)
}
