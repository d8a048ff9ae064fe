//! Starting the machine's own disk.

use bootwright_core::{HostId, LocalMethod, LocalWhy};

use super::text::Script;

/// Says why and starts the machine's own disk.
#[must_use]
pub fn local_script(host: Option<&HostId>, why: &LocalWhy, method: LocalMethod) -> String {
    let mut script = Script::new();
    let name = host.map_or_else(|| "this machine".to_owned(), ToString::to_string);
    script
        .say(&format!("Bootwright: {name} starts its own disk ({method}): {why}."))
        .line(start(method));
    script.finish()
}

/// The line that starts the disk, and leaves iPXE with an error if that fails: success would stop UEFI in its setup.
///
/// The first disk is 0x80 for a BIOS, where 0 would be the floppy. For UEFI the number only stands for "some disk".
pub(super) const fn start(method: LocalMethod) -> &'static str {
    match method {
        LocalMethod::BiosDisk => "sanboot --no-describe --drive 0x80 || exit 1",
        LocalMethod::UefiDisk => "sanboot --no-describe --drive 0 || exit 1",
        LocalMethod::Exit => "exit 1",
        // These two act before iPXE starts, so that the firmware has to ask once more.
        LocalMethod::NoFile | LocalMethod::NoOffer => "reboot || exit 1",
    }
}
