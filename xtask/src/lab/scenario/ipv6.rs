//! Machines that boot over IPv6.

use anyhow::{Context as _, Result, ensure};

use super::held::machine_is_held;
use super::install::{installs_once, position};
use super::story::BOOT;
use super::{HTTP_OVER_IPV6, OVER_IPV6};
use crate::lab::sight::Sight;
use crate::lab::site::Site;

pub(super) fn pxe(site: &Site) -> Result<()> {
    site.end_ipv4()?;
    let network = site.speak_ipv6()?;
    let sights = installs_once(site, OVER_IPV6)?;
    one_address(
        &sights,
        "PXEClient",
        &network,
        &format!("tftp://[{network}1]/snponly.efi"),
    )?;
    let fetched = |sight: &Sight| matches!(sight, Sight::TftpRead { file } if file == "snponly.efi");
    ensure!(
        position(&sights, fetched).is_some(),
        "the firmware fetched no `snponly.efi` by TFTP"
    );
    let of_ipv4 = position(&sights, |sight| matches!(sight, Sight::DhcpReply { .. }));
    ensure!(of_ipv4.is_none(), "somebody answered DHCP over IPv4");
    Ok(())
}

/// OVMF tries HTTP boot over IPv4 first, for some minutes.
pub(super) fn http_boot(site: &Site) -> Result<()> {
    let network = site.speak_ipv6()?;
    let machine = site.machine(HTTP_OVER_IPV6)?;
    let on = machine.power_on()?;
    machine.wait_wire(on, "GET /firmware/snponly.efi", BOOT)?;
    machine_is_held(site, &machine, on)?;
    let sights = machine.wire.captured()?;
    let url = format!("http://[{network}1]:8080/firmware/snponly.efi");
    one_address(&sights, "HTTPClient", &network, &url)?;
    let odd = position(&sights, |sight| matches!(sight, Sight::TftpRead { .. }));
    ensure!(odd.is_none(), "a machine that boots by HTTP fetched something by TFTP");
    Ok(())
}

/// The firmware must have presented itself so and been told this URL, iPXE must have been told its script's, and both must
/// have had one address.
fn one_address(sights: &[Sight], class: &str, network: &str, url: &str) -> Result<()> {
    let firmware = told(sights, &|seen, ipxe| seen.starts_with(class) && !ipxe, url)?;
    let script = format!("http://[{network}1]:8080/boot.ipxe");
    let loader = told(sights, &|_, ipxe| ipxe, &script)?;
    ensure!(
        firmware.0 < loader.0 && firmware.1 == loader.1,
        "the firmware has {}, and iPXE after it {}",
        firmware.1,
        loader.1
    );
    Ok(())
}

/// Where a client asked for an address, and the address that it was then granted with this URL.
fn told(sights: &[Sight], who: &dyn Fn(&str, bool) -> bool, url: &str) -> Result<(usize, std::net::Ipv6Addr)> {
    let asked = position(
        sights,
        |sight| matches!(sight, Sight::Dhcp6 { kind: "REQUEST", class, user_class } if who(class, *user_class)),
    );
    let asked = asked.with_context(|| format!("nobody asked who was to be told {url}"))?;
    let granted = sights.iter().skip(asked).find_map(|sight| match sight {
        Sight::Dhcp6Reply {
            kind: "REPLY",
            gives: Some(address),
            url,
        } => Some((address, url)),
        _ => None,
    });
    let (address, found) = granted.context("the request was not answered")?;
    ensure!(found == url, "the client was told {found} and not {url}");
    Ok((asked, *address))
}
