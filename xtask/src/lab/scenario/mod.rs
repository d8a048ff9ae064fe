//! The stories that the lab plays.

mod bios;

use anyhow::{Result, bail};

use super::site::Site;

/// A story with real firmware.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it shows, in a sentence.
    pub(crate) story: &'static str,
    pub(crate) play: fn(&Site) -> Result<()>,
}

/// Every scenario, the longest first, so that the last to end is short.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "bios-ipxe-rom",
        story: "a BIOS machine whose network ROM is iPXE installs once and starts from its disk",
        play: bios::ipxe_rom,
    },
    Scenario { name: "v", story: "", play: bios::vendor },
    Scenario { name: "u", story: "", play: bios::uefi },
];

/// The scenarios of these names; all of them for no name.
pub(super) fn choose(names: &[String]) -> Result<Vec<&'static Scenario>> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let find = |name: &String| match ALL.iter().find(|scenario| scenario.name == name) {
        Some(scenario) => Ok(scenario),
        None => bail!("no scenario `{name}`\n`cargo xtask lab --list` names them"),
    };
    names.iter().map(find).collect()
}
