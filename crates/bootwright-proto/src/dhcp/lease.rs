//! What a server that assigns addresses hands out with one.

use std::net::Ipv4Addr;

use dhcproto::v4::OptionCode;

use super::render::Unrenderable;
use super::writer::Writer;

/// An address and what belongs to it. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address; 0.0.0.0 where the client keeps the one it has and only asks for the rest.
    pub address: Ipv4Addr,
    /// How long it is lent; none where nothing is lent. Renewal is due at 1/2, rebinding at 7/8 of it.
    pub secs: Option<u32>,
    /// The subnet's mask.
    pub mask: Ipv4Addr,
    /// The routers, best first.
    pub routers: Vec<Ipv4Addr>,
    /// The name servers, best first.
    pub dns: Vec<Ipv4Addr>,
    /// The client's name, without a domain.
    pub host_name: Option<String>,
    /// The domain in which it looks names up.
    pub domain: Option<String>,
    /// Further domains in which it does, best first. A name that DNS could not carry is left out.
    pub search: Vec<String>,
    /// The address to which everybody on the subnet listens.
    pub broadcast: Option<Ipv4Addr>,
    /// The time servers, best first.
    pub ntp: Vec<Ipv4Addr>,
    /// The largest packet on the subnet, if it is not the usual 1500.
    pub mtu: Option<u16>,
}

impl Lease {
    /// The same without what a machine can do without.
    pub(super) fn bare(&self) -> Self {
        Self {
            domain: None,
            search: Vec::new(),
            ntp: Vec::new(),
            ..self.clone()
        }
    }

    /// Writes the options, in the order in which they are sent. Beside the mask and the router only what was asked for: ROMs
    /// have small buffers.
    pub(super) fn write(&self, out: &mut Writer, asked: &[u8]) -> Result<(), Unrenderable> {
        let wants = |code: OptionCode| asked.contains(&u8::from(code));
        if let Some(secs) = self.secs {
            out.raw(OptionCode::AddressLeaseTime, &secs.to_be_bytes())?;
        }
        out.raw(OptionCode::SubnetMask, &self.mask.octets())?;
        out.addresses(OptionCode::Router, &self.routers)?;
        if wants(OptionCode::DomainNameServer) {
            out.addresses(OptionCode::DomainNameServer, &self.dns)?;
        }
        if let Some(name) = self.host_name.as_ref().filter(|_| wants(OptionCode::Hostname)) {
            out.raw(OptionCode::Hostname, name.as_bytes())?;
        }
        if let Some(domain) = self.domain.as_ref().filter(|_| wants(OptionCode::DomainName)) {
            out.raw(OptionCode::DomainName, domain.as_bytes())?;
        }
        if let Some(mtu) = self.mtu.filter(|_| wants(OptionCode::InterfaceMtu)) {
            out.raw(OptionCode::InterfaceMtu, &mtu.to_be_bytes())?;
        }
        if let Some(broadcast) = self.broadcast.filter(|_| wants(OptionCode::BroadcastAddr)) {
            out.raw(OptionCode::BroadcastAddr, &broadcast.octets())?;
        }
        if wants(OptionCode::NtpServers) {
            out.addresses(OptionCode::NtpServers, &self.ntp)?;
        }
        if let Some(secs) = self.secs {
            let eighth = secs.checked_div(8).unwrap_or_default();
            let (half, seven) = (secs.checked_div(2).unwrap_or_default(), secs.saturating_sub(eighth));
            out.raw(OptionCode::Renewal, &half.to_be_bytes())?;
            out.raw(OptionCode::Rebinding, &seven.to_be_bytes())?;
        }
        let search: Vec<u8> = self
            .search
            .iter()
            .filter_map(|name| wire_name(name))
            .flatten()
            .collect();
        if !search.is_empty() && wants(OptionCode::DomainSearch) {
            out.raw(OptionCode::DomainSearch, &search)?;
        }
        Ok(())
    }
}

/// A name as DNS writes it, each label behind its length (RFC 1035 section 3.1). It is not compressed against the names
/// before it, which RFC 3397 allows and not every client reads.
fn wire_name(name: &str) -> Option<Vec<u8>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let mut bytes = Vec::with_capacity(name.len().saturating_add(2));
    for label in name.split('.') {
        let len = u8::try_from(label.len()).ok().filter(|len| (1..=63).contains(len))?;
        bytes.push(len);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    (bytes.len() <= 255).then_some(bytes)
}
