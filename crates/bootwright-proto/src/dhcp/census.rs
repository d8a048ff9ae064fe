//! The search for other servers: what is sent, and what an answer shows of its sender.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use bootwright_core::census::Deed;
use bootwright_core::{Arch, MacAddr};

use super::answer::Answer;
use super::ask::render_request;
use super::request::{MessageType, Request};

/// The user class of our searches, by which another box of ours knows that no machine wants to boot.
const USER_CLASS: &[u8] = b"bootwright-census";

/// The options that are asked for: mask, router, DNS, vendor options, server, class, boot server and file, machine id,
/// iPXE's own. Servers such as dnsmasq send a boot file only to those who ask for it.
const PARAMETERS: &[u8] = &[1, 3, 6, 43, 54, 60, 66, 67, 97, 175];

/// The encapsulated option 176 of option 175: do not wait for a proxy.
const NO_PROXY: u8 = 0xb0;

/// A search for DHCP servers, or for boot servers if an architecture is given.
///
/// It comes from a card of ours and asks for a broadcast answer. No server commits a lease for it: that would take a
/// request. The seconds tell servers that wait for others to answer first that nobody does.
#[must_use]
pub fn search(mac: MacAddr, xid: u32, boots: Option<Arch>) -> Vec<u8> {
    let [a, b, c, d, e, f] = mac.octets();
    render_request(&Request {
        htype: 1,
        hops: 0,
        xid,
        secs: 60,
        broadcast: true,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        giaddr: Ipv4Addr::UNSPECIFIED,
        mac,
        chaddr: [a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        message: Some(MessageType::Discover),
        host_name: None,
        requested: None,
        server_id: None,
        parameters: PARAMETERS.to_vec(),
        max_message: Some(1472),
        vendor_class: boots.map(vendor_class).unwrap_or_default(),
        client_id: None,
        user_class: vec![USER_CLASS.to_vec()],
        archs: boots.into_iter().collect(),
        interface: boots.map(|_| [1, 3, 0]),
        uuid: None,
        // Some boot servers want the option. All zeros is nobody's.
        machine_id: boots.map(|_| vec![0; 17]),
        boot_item: None,
        ipxe: None,
        relay_info: None,
        link_selection: None,
        server_id_override: None,
        subnet_selection: None,
    })
}

fn vendor_class(arch: Arch) -> Vec<u8> {
    format!("PXEClient:Arch:{:05}:UNDI:003000", arch.code()).into_bytes()
}

/// Whether a request is such a search, sent by another box.
#[must_use]
pub fn is_search(request: &Request) -> bool {
    request.user_class.iter().any(|class| class == USER_CLASS)
}

/// What an answer shows of the server that sent it; nothing if it names no server.
#[must_use]
pub fn deeds(answer: &Answer) -> BTreeSet<Deed> {
    let mut deeds = BTreeSet::new();
    let pxe = answer.vendor_class.starts_with(b"PXEClient");
    let boots = pxe || answer.vendor_class.starts_with(b"HTTPClient");
    let names_file = !answer.file.is_empty() || answer.boot_file.as_ref().is_some_and(|file| !file.is_empty());
    // A boot server without addresses is known by its class; everybody else, refusals included, leases addresses.
    if answer.yiaddr.is_unspecified() && boots {
        deeds.insert(Deed::Boots);
        return deeds;
    }
    deeds.insert(Deed::Leases);
    if boots && (names_file || answer.vendor_options.is_some()) {
        deeds.insert(Deed::Boots);
    } else if pxe {
        deeds.insert(Deed::ClaimsPxe);
    } else if names_file {
        deeds.insert(Deed::NamesFile);
    }
    if answer.ipxe_option(NO_PROXY).is_some_and(|value| value == [1]) {
        deeds.insert(Deed::HidesProxies);
    }
    deeds
}
