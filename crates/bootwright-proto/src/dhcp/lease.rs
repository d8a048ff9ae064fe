//! What a server that assigns addresses hands out with one.

use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, OptionCode};

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
    /// The time servers, best first.
    pub ntp: Vec<Ipv4Addr>,
    /// The largest packet on the subnet, if it is not the usual 1500.
    pub mtu: Option<u16>,
}

impl Lease {
    /// The options, in the order in which they are sent. Beside the mask and the router only what was asked for: ROMs
    /// have small buffers.
    pub(super) fn options(&self, asked: &[u8]) -> Vec<DhcpOption> {
        let wants = |code: OptionCode| asked.contains(&u8::from(code));
        let mut options = Vec::new();
        if let Some(secs) = self.secs {
            options.push(DhcpOption::AddressLeaseTime(secs));
        }
        options.push(DhcpOption::SubnetMask(self.mask));
        if !self.routers.is_empty() {
            options.push(DhcpOption::Router(self.routers.clone()));
        }
        if !self.dns.is_empty() && wants(OptionCode::DomainNameServer) {
            options.push(DhcpOption::DomainNameServer(self.dns.clone()));
        }
        if let Some(name) = &self.host_name
            && wants(OptionCode::Hostname)
        {
            options.push(DhcpOption::Hostname(name.clone()));
        }
        if let Some(domain) = &self.domain
            && wants(OptionCode::DomainName)
        {
            options.push(DhcpOption::DomainName(domain.clone()));
        }
        if let Some(mtu) = self.mtu
            && wants(OptionCode::InterfaceMtu)
        {
            options.push(DhcpOption::InterfaceMtu(mtu));
        }
        if !self.ntp.is_empty() && wants(OptionCode::NtpServers) {
            options.push(DhcpOption::NtpServers(self.ntp.clone()));
        }
        if let Some(secs) = self.secs {
            let eighth = secs.checked_div(8).unwrap_or_default();
            options.push(DhcpOption::Renewal(secs.checked_div(2).unwrap_or_default()));
            options.push(DhcpOption::Rebinding(secs.saturating_sub(eighth)));
        }
        options
    }
}
