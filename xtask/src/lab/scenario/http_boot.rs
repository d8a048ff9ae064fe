//! UEFI HTTP boot: firmware that fetches its boot program by URL, with PXE switched off.

use anyhow::{Context as _, Result, ensure};

use super::HTTP_BOOT;
use super::install::{installs_once, position};
use crate::lab::sight::Sight;
use crate::lab::site::Site;

/// What the firmware is to fetch.
const PROGRAM: &str = "/firmware/snponly.efi";

pub(super) fn http_boot(site: &Site) -> Result<()> {
    let sights = installs_once(site, HTTP_BOOT)?;
    let native = position(&sights, |sight| {
        discovers(sight, 16, "HTTPClient:Arch:00016") == Some(false)
    });
    let (head, first) = request(&sights, "HEAD")?;
    let (get, second) = request(&sights, "GET")?;
    let ipxe = position(&sights, |sight| {
        discovers(sight, 7, "PXEClient:Arch:00007") == Some(true)
    });
    ensure!(
        native.is_some() && native < Some(head) && head < get && Some(get) < ipxe,
        "the capture does not show OVMF's own DISCOVER as an HTTP client, HEAD and GET of `{PROGRAM}`, and iPXE's \
         DISCOVER as a PXE client, in this order: {native:?} {head} {get} {ipxe:?}"
    );
    ensure!(
        first == second,
        "OVMF keeps its connection for the GET, and ours ended: ports {first} and {second}"
    );
    let (told, sent) = (length(&sights, head, first)?, length(&sights, get, second)?);
    ensure!(
        told == sent && told > 100_000,
        "the answer to HEAD announces {told} bytes, the one to GET {sent}"
    );
    never_by_other_ways(&sights)?;
    let events = site.daemon.events()?;
    let told = events
        .iter()
        .any(|event| event.host == HTTP_BOOT.name && event.note.starts_with("fetched snponly.efi"));
    ensure!(
        told,
        "`bootwright events` does not tell that the firmware fetched its program"
    );
    Ok(())
}

/// Whether it is a DISCOVER of this architecture and class; and if so, whether iPXE says that it is iPXE.
fn discovers(sight: &Sight, arch: u16, class: &str) -> Option<bool> {
    match sight {
        Sight::Dhcp(dhcp) if dhcp.kind == "DISCOVER" && dhcp.arch == Some(arch) && dhcp.class.starts_with(class) => {
            Some(dhcp.user_class)
        }
        _ => None,
    }
}

/// Where the firmware first asks for its program by this method, and from which port.
fn request(sights: &[Sight], method: &str) -> Result<(usize, u16)> {
    let wanted = format!("{method} {PROGRAM} HTTP/1.1");
    let found = sights.iter().enumerate().find_map(|(place, sight)| match sight {
        Sight::HttpRequest { line, port, .. } if *line == wanted => Some((place, *port)),
        _ => None,
    });
    found.with_context(|| format!("the capture shows no `{wanted}`"))
}

/// The length that the next reply to this port announces, which must be a plain success.
fn length(sights: &[Sight], after: usize, client: u16) -> Result<u64> {
    let reply = sights.iter().skip(after).find_map(|sight| match sight {
        Sight::HttpReply { line, port, length } if *port == client => Some((line, length)),
        _ => None,
    });
    let (line, length) = reply.context("the firmware's request got no reply")?;
    ensure!(line.starts_with("HTTP/1.1 200 "), "the firmware was answered `{line}`");
    length.with_context(|| format!("the reply `{line}` announces no length"))
}

/// Neither PXE nor a detour: firmware follows no redirect.
fn never_by_other_ways(sights: &[Sight]) -> Result<()> {
    let odd = sights.iter().find(|sight| match sight {
        Sight::TftpRead { .. } => true,
        Sight::Dhcp(dhcp) => dhcp.port == 4011,
        Sight::HttpReply { line, .. } => line.starts_with("HTTP/1.1 3"),
        Sight::Dhcp6 { .. } | Sight::Dhcp6Reply { .. } => false,
        Sight::DhcpReply { .. } | Sight::TftpError { .. } | Sight::HttpRequest { .. } => false,
    });
    ensure!(
        odd.is_none(),
        "HTTP boot needs no TFTP, no port 4011 and no redirect: {odd:?}"
    );
    Ok(())
}
