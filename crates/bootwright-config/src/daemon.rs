//! What the configuration says of the daemon itself: sockets, directories, limits. Nothing here decides about a host.

use std::net::IpAddr;

use crate::compat::Compat;

/// The settings of the daemon. A reload takes what can change while it runs and names what cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// The interfaces to serve, as names or patterns with `*` and `?`; none named means every wired one.
    pub interfaces: Vec<String>,
    /// Where the machine plane listens.
    pub http: Listen,
    /// Where logs of installers are received by syslog, if they are.
    pub syslog: Option<Listen>,
    /// How machines reach the machine plane.
    pub base_url: BaseUrl,
    /// Where everything lies that must last; the command line goes first, then this, then the built-in directory.
    pub data_dir: Option<String>,
    /// The control plane.
    pub control: Control,
    /// How DHCP is received and sent.
    pub dhcp: Dhcp,
    /// Whether IPv6 is served at all: whether there are sockets for it.
    pub ipv6: bool,
    /// What TFTP grants.
    pub tftp: Tftp,
    /// Where the record is kept.
    pub store: Store,
    /// The systems whose place we take, those that are switched on.
    pub compat: Vec<Compat>,
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The address; none means all.
    pub address: Option<IpAddr>,
    /// The port, never 0.
    pub port: u16,
}

/// How machines reach the machine plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseUrl {
    /// By the address of the interface on which they ask, and the port of `http`.
    Auto,
    /// By this URL, which has no slash at its end.
    Fixed(String),
}

/// The control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Where it listens for browsers and other boxes, if it does.
    pub listen: Option<Listen>,
    /// How it is protected.
    pub tls: Tls,
    /// The names under which browsers may ask for it, beside its addresses.
    pub hosts: Vec<String>,
}

/// How the control plane is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By a certificate that it makes itself.
    SelfSigned,
    /// By the site's own certificate, both as PEM files.
    Own {
        /// The certificate, and those between it and its authority.
        cert: String,
        /// Its key.
        key: String,
    },
    /// Not at all, for a proxy in front that does it.
    Off,
}

/// How DHCP is received and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhcp {
    /// By which kind of socket.
    pub sockets: Sockets,
}

/// The kind of socket for DHCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// `Packet` where another program holds port 67, else `Kernel`.
    Auto,
    /// A UDP socket for each interface.
    Kernel,
    /// Packets read from the card, for a box that itself runs a DHCP server.
    Packet,
}

/// What TFTP grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tftp {
    /// The largest block size to agree to, in bytes.
    pub max_blksize: u16,
    /// The most blocks to send before an acknowledgement.
    pub max_windowsize: u16,
    /// Whether only machines are served that asked by DHCP before.
    pub strict: bool,
    /// A directory to serve beside the boot firmware, read only.
    pub root: Option<String>,
    /// A directory with the firmware of Raspberry Pis, read only; without it they are not answered.
    pub raspberry_pi: Option<String>,
}

/// Where the record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In `bootwright.db` in the data directory.
    Sqlite,
}

impl Default for Daemon {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            http: Listen::on_all(8080),
            syslog: None,
            base_url: BaseUrl::Auto,
            data_dir: None,
            control: Control {
                listen: Some(Listen::on_all(8443)),
                tls: Tls::SelfSigned,
                hosts: Vec::new(),
            },
            dhcp: Dhcp { sockets: Sockets::Auto },
            ipv6: false,
            tftp: Tftp {
                max_blksize: 1468,
                max_windowsize: 16,
                strict: false,
                root: None,
                raspberry_pi: None,
            },
            store: Store::Sqlite,
            compat: Vec::new(),
        }
    }
}

impl BaseUrl {
    /// The URL that is set, if one is.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        match self {
            Self::Auto => None,
            Self::Fixed(url) => Some(url),
        }
    }
}

impl Listen {
    /// Whether only this box itself can connect.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.address.is_some_and(|address| address.is_loopback())
    }

    /// All addresses of this box.
    #[must_use]
    pub const fn on_all(port: u16) -> Self {
        Self { address: None, port }
    }
}
