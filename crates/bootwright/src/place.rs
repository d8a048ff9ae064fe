//! Where we are on one link: what its clients reach us by.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use bootwright_core::way::{Nearness, Traces, Way};
use bootwright_net::Link;
use bootwright_proto::http::BaseUrl;

/// One link that is served.
#[derive(Clone, Debug)]
pub struct Place {
    /// The device's name.
    pub name: String,
    /// The link as it was when serving began; a change of it begins anew.
    pub link: Link,
    /// All links of the box, as last seen: what is ours on another link is ours.
    pub links: Arc<ArcSwap<Vec<Link>>>,
    /// The URL that the configuration sets, if it does.
    pub fixed_url: Option<String>,
    /// The machine plane's port.
    pub http_port: u16,
}

impl Place {
    /// Our addresses on the link.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.link.ipv4_addresses()
    }

    /// Our addresses on all links.
    #[must_use]
    pub fn all_addresses(&self) -> Vec<Ipv4Addr> {
        self.links.load().iter().flat_map(Link::ipv4_addresses).collect()
    }

    /// The way that a packet took to us.
    #[must_use]
    pub fn way(&self, traces: Traces) -> Way {
        let links = self.links.load();
        let addresses = || links.iter().flat_map(|link| &link.addresses);
        Way::of(traces, |address| {
            let address = IpAddr::V4(address);
            if addresses().any(|ours| ours.ip == address) {
                Nearness::Ours
            } else if addresses().any(|ours| ours.covers(address)) {
                Nearness::OnLink
            } else {
                Nearness::Elsewhere
            }
        })
    }

    /// How machines on the link reach the machine plane, if they ask this address of ours.
    #[must_use]
    pub fn base_url(&self, address: IpAddr) -> String {
        base_url(self.fixed_url.as_deref(), address, self.http_port)
    }
}

/// The machine plane's URL: the one that is set, else the address that was asked. Port 80 is left out. One that is set with
/// an IPv4 address is of no use to those who boot over IPv6.
#[must_use]
pub fn base_url(fixed: Option<&str>, address: IpAddr, port: u16) -> String {
    let of_family = |url: &&str| address.is_ipv4() || !url.parse::<BaseUrl>().is_ok_and(|url| url.is_ipv4());
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    match fixed.filter(of_family) {
        Some(url) => url.to_owned(),
        None if port == 80 => format!("http://{host}"),
        None => format!("http://{host}:{port}"),
    }
}
