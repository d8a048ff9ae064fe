//! Which kind of client sent a message, and what it shows of its machine.

use std::net::Ipv6Addr;

use bootwright_core::{Arch, MacAddr, Uuid};

use super::request::Request;

/// The kinds of client that need different answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// An operating system, or firmware before it knows that it is to boot from the network.
    Plain,
    /// iPXE, which takes a script's URL and must never get iPXE again.
    Ipxe,
    /// UEFI firmware that boots by HTTP.
    UefiHttp,
    /// UEFI firmware that boots by PXE.
    UefiPxe,
}

/// A client as its message presents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The kind, which decides how it is answered.
    pub kind: ClientKind,
    /// The architectures that it can run, in its order.
    pub archs: Vec<Arch>,
    /// The machine's UUID, where the client's name is made of it.
    pub uuid: Option<Uuid>,
}

impl Client {
    /// The architecture to serve: the first of the client's for which there is something, else its first.
    #[must_use]
    pub fn arch(&self, served: impl Fn(Arch) -> bool) -> Option<Arch> {
        let first = self.archs.first();
        self.archs.iter().find(|arch| served(**arch)).or(first).copied()
    }
}

/// Tells the kind of client. iPXE repeats the class of the firmware that it came from, so its user class goes first.
#[must_use]
pub fn classify(request: &Request) -> Client {
    let words = request.vendor_class.as_ref().map_or(&[][..], |class| &class.words);
    let is_ipxe = request.user_class.iter().any(|class| class == b"iPXE");
    let kind = match (is_ipxe, words) {
        (true, _) => ClientKind::Ipxe,
        (false, words) if words.starts_with(b"HTTPClient") => ClientKind::UefiHttp,
        (false, words) if words.starts_with(b"PXEClient") => ClientKind::UefiPxe,
        (false, _) => ClientKind::Plain,
    };
    let bytes = request.client_id.as_ref().and_then(super::Duid::uuid);
    let uuid = bytes.and_then(|bytes| match kind {
        // iPXE turns the fields of SMBIOS round before it makes a name of them.
        // Seen: `test_data/dhcp6/ipxe-solicit.hex` and `pxe-solicit.hex`, of the same machine.
        ClientKind::Ipxe => Some(Uuid::from_text_order(bytes)),
        ClientKind::UefiHttp | ClientKind::UefiPxe => Some(Uuid::from_wire(bytes)),
        // What an operating system makes its name of is not the machine's.
        ClientKind::Plain => None,
    });
    Client {
        kind,
        archs: request.archs.clone(),
        uuid,
    }
}

/// The card that a link-local address was made from (RFC 4291, appendix A), as firmware and iPXE do. Operating systems
/// often make it otherwise, and then it shows nothing.
#[must_use]
pub fn sender_card(address: Ipv6Addr) -> Option<MacAddr> {
    let [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a, b, c, 0xff, 0xfe, d, e, f] = address.octets() else {
        return None;
    };
    let mac = MacAddr::new([a ^ 0x02, b, c, d, e, f]);
    (!mac.is_zero() && !mac.is_multicast()).then_some(mac)
}
