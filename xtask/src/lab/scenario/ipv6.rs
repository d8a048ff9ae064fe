//! Machines that boot over IPv6.

use anyhow::{Context as _, Result, ensure};

use super::install::{installs_once, position};
use super::{HTTP_BESIDE_IPV6, HTTP_OVER_IPV6, OVER_IPV6};
use crate::lab::segment::ByDhcp;
use crate::lab::sight::Sight;
use crate::lab::site::Site;

pub(super) fn pxe(site: &Site) -> Result<()> {
    site.end_ipv4()?;
    let network = site.speak_ipv6(ByDhcp::Addresses)?;
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

pub(super) fn http_boot(site: &Site) -> Result<()> {
    site.spoil_http_over_ipv4()?;
    let network = site.speak_ipv6(ByDhcp::Addresses)?;
    let sights = installs_once(site, HTTP_OVER_IPV6)?;
    let url = format!("http://[{network}1]:8080/firmware/snponly.efi");
    one_address(&sights, "HTTPClient", &network, &url)?;
    let odd = position(&sights, |sight| matches!(sight, Sight::TftpRead { .. }));
    ensure!(odd.is_none(), "a machine that boots by HTTP fetched something by TFTP");
    Ok(())
}

/// Two servers: of each answer the capture must show that it holds an address or a URL, and never both.
pub(super) fn http_boot_beside_another(site: &Site) -> Result<()> {
    let network = site.speak_ipv6_beside_another()?;
    let sights = installs_once(site, HTTP_BESIDE_IPV6)?;
    let program = format!("http://[{network}1]:8080/firmware/snponly.efi");
    let script = format!("http://[{network}1]:8080/boot.ipxe");
    let offered =
        |wanted: &Sight| matches!(wanted, Sight::Dhcp6Reply { kind: "ADVERTISE", gives: None, url } if *url == program);
    let chosen =
        |sight: &Sight| matches!(sight, Sight::Dhcp6 { kind: "REQUEST", class, .. } if class.starts_with("HTTPClient"));
    let lent = |sight: &Sight| {
        matches!(
            sight,
            Sight::Dhcp6Reply {
                kind: "REPLY",
                gives: Some(_),
                ..
            }
        )
    };
    let informed =
        |sight: &Sight| matches!(sight, Sight::Dhcp6Reply { kind: "REPLY", gives: None, url } if *url == script);
    let request = |line: &'static str| move |sight: &Sight| matches!(sight, Sight::HttpRequest { line: seen, .. } if seen.starts_with(line));
    let mut rest = sights.as_slice();
    for (what, is) in [
        ("our URL without an address", &offered as &dyn Fn(&Sight) -> bool),
        ("the firmware's choice of an address", &chosen),
        ("the other server's grant", &lent),
        ("HEAD of the boot program", &request("HEAD /firmware/snponly.efi")),
        ("GET of the boot program", &request("GET /firmware/snponly.efi")),
        ("the script's URL for iPXE", &informed),
        ("iPXE's question what to do", &request("GET /ipxe?")),
    ] {
        let at = position(rest, is).with_context(|| format!("the capture does not show {what} where it must come"))?;
        rest = &rest[at + 1..];
    }
    let both = sights
        .iter()
        .find(|sight| matches!(sight, Sight::Dhcp6Reply { gives: Some(_), url, .. } if !url.is_empty()));
    ensure!(both.is_none(), "somebody told an address and a URL: {both:?}");
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
