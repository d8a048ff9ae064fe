//! A machine on another segment, whose requests a relay brings.

use anyhow::{Result, ensure};

use super::install::{follow, position};
use super::server::one_lease;
use super::story::{BOOT, SOON};
use super::{BEHIND_RELAY, LENT_TO};
use crate::lab::journal::{Mark, Source};
use crate::lab::segment::RelayManner;
use crate::lab::sight::Sight;
use crate::lab::site::Site;

pub(super) fn relay(site: &Site) -> Result<()> {
    let (far, [upper, lower]) = site.far_segment(RelayManner::Plain)?;
    let machine = site.machine_on(&far, BEHIND_RELAY)?;

    // Nobody has listed the relay: its requests are told of and not answered.
    let on = machine.power_on()?;
    machine.wait_wire(on, "DHCP DISCOVER", BOOT)?;
    let told = format!(
        "{} is not answered: relay {lower} is not in `dhcp.relays`",
        BEHIND_RELAY.mac()
    );
    site.daemon.journal.wait_for(Mark::default(), &told, SOON, |entry| {
        entry.source == Source::Bootwright && entry.text.contains(&told)
    })?;
    machine.power_off()?;
    let offered = |sights: &[Sight]| {
        position(
            sights,
            |sight| matches!(sight, Sight::DhcpReply { file, .. } if !file.is_empty()),
        )
    };
    ensure!(
        offered(&machine.wire.captured()?).is_none(),
        "a boot file was offered through a relay that is not listed"
    );

    site.daemon
        .configure("relay", &format!("[dhcp]\nrelays = [\"{lower}\", \"{upper}\"]\n"))?;
    let sights = follow(site, &machine)?;
    ensure!(offered(&sights).is_some(), "the capture shows no boot file");
    let through = format!("through relay {lower}");
    let events = site.daemon.events()?;
    ensure!(
        events
            .iter()
            .any(|event| event.host == BEHIND_RELAY.name && event.note.contains(&through)),
        "`bootwright events` does not tell that the machine asks {through}"
    );
    Ok(())
}

/// The relay passes on to Bootwright alone, by its address on our side, and names the machine's link (RFC 3527).
pub(super) fn relay_lease(site: &Site) -> Result<()> {
    let (far, [upper, lower]) = site.far_segment(RelayManner::LinkSelection)?;
    let machine = site.machine_on(&far, LENT_TO)?;
    let [a, b, c, _] = lower.octets();
    let pool = format!(
        "[dhcp]\nmode = \"server\"\nrelays = [\"{upper}\"]\n[[dhcp.pools]]\nsubnet = \"{a}.{b}.{c}.0/24\"\n\
         range = \"{a}.{b}.{c}.100-{a}.{b}.{c}.199\"\nrouter = \"{lower}\"\n"
    );
    site.daemon.configure("relay", &pool)?;
    let sights = follow(site, &machine)?;
    // The relay brings every answer, and the one address that all of them give is of the pool behind it.
    let lent = one_lease(site, &sights, LENT_TO)?;
    ensure!(
        lent.octets()[..3] == [a, b, c],
        "{lent} is not of the machine's segment"
    );
    let own = format!("ip={lent}");
    let asks = |sight: &Sight| matches!(sight, Sight::HttpRequest { line, .. } if line.contains("GET /ipxe?") && line.contains(&own));
    ensure!(
        position(&sights, asks).is_some(),
        "iPXE does not ask by the address that it was given, {lent}"
    );
    let through = format!("through relay {upper}");
    let events = site.daemon.events()?;
    ensure!(
        events
            .iter()
            .any(|event| event.host == LENT_TO.name && event.note.contains(&through)),
        "`bootwright events` does not tell that the machine asks {through}"
    );
    Ok(())
}
