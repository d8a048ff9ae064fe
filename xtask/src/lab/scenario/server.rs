//! Bootwright as the only DHCP server of its segment.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};

use super::install::{follow, position};
use super::{SERVED_BIOS, SERVED_HTTP, SERVED_UEFI};
use crate::lab::machine::Build;
use crate::lab::sight::{Dhcp, Sight};
use crate::lab::site::Site;

/// The host numbers that the pool lends.
const LENT: std::ops::RangeInclusive<u8> = 100..=199;

pub(super) fn server(site: &Site) -> Result<()> {
    let own = site.lend_addresses()?;
    let bios = installs_with_one_address(site, SERVED_BIOS, own)?;
    let uefi = installs_with_one_address(site, SERVED_UEFI, own)?;
    ensure!(bios != uefi, "both machines were given {bios}");
    Ok(())
}

pub(super) fn http_boot(site: &Site) -> Result<()> {
    let own = site.lend_addresses()?;
    installs_with_one_address(site, SERVED_HTTP, own).map(drop)
}

/// Follows a machine to its own disk, and gives the address that all of its programs had.
fn installs_with_one_address(site: &Site, build: Build, own: Ipv4Addr) -> Result<Ipv4Addr> {
    let machine = site.machine(build)?;
    let sights = follow(site, &machine)?;
    let stranger = position(
        &sights,
        |sight| matches!(sight, Sight::DhcpReply { from, .. } if *from != own),
    );
    ensure!(stranger.is_none(), "somebody else answers DHCP: {stranger:?}");
    one_lease(site, &sights, build)
}

/// Checks that firmware, iPXE and installer of a machine were given one address of the pool, and that no other lease of it is
/// told of. Gives the address.
pub(super) fn one_lease(site: &Site, sights: &[Sight], build: Build) -> Result<Ipv4Addr> {
    let ipxe = |dhcp: &Dhcp| dhcp.user_class;
    let boots = |dhcp: &Dhcp| dhcp.class.starts_with("PXEClient") || dhcp.class.starts_with("HTTPClient");
    let mac = build.mac();
    let lent = |who: &str, asks: &dyn Fn(&Dhcp) -> bool| {
        acknowledged(sights, &mac, asks).with_context(|| format!("{mac}: {who} was given no address"))
    };
    let firmware = lent("the firmware", &|dhcp| boots(dhcp) && !ipxe(dhcp))?;
    let loader = lent("iPXE", &ipxe)?;
    let installer = lent("the installer", &|dhcp| !boots(dhcp) && !ipxe(dhcp))?;
    ensure!(
        firmware == loader && loader == installer,
        "{mac} has {firmware} as firmware, {loader} as iPXE and {installer} as installer"
    );
    let [.., host] = firmware.octets();
    ensure!(LENT.contains(&host), "{firmware} is not of the pool");

    let shown = site.daemon.json(&["host", "show", build.name, "--json"])?;
    let leases = shown["leases"].as_array().context("`host show` tells no leases")?;
    ensure!(
        matches!(leases.as_slice(), [lease] if lease["address"] == firmware.to_string()),
        "`host show` tells other leases than {firmware}: {leases:?}"
    );
    Ok(firmware)
}

/// The address in the first acknowledgement of a request that `asks` picks.
fn acknowledged(sights: &[Sight], mac: &str, asks: &dyn Fn(&Dhcp) -> bool) -> Option<Ipv4Addr> {
    let requested = position(
        sights,
        |sight| matches!(sight, Sight::Dhcp(dhcp) if dhcp.station == mac && dhcp.kind == "REQUEST" && dhcp.port == 67 && asks(dhcp)),
    )?;
    sights.iter().skip(requested).find_map(|sight| match sight {
        Sight::DhcpReply {
            kind: "ACK",
            gives,
            station,
            ..
        } if station == mac => Some(*gives),
        _ => None,
    })
}
