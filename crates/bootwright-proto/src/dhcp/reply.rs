//! A reply in words, before it becomes bytes.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use bootwright_core::Strategy;

use super::answer::Answer;
use super::file::BootFile;
use super::lease::Lease;
use super::pxe::{RASPBERRY_PI, names_file_in_offer, vendor_options};
use super::request::MessageType;

/// What a client is told to boot, in the form that its kind understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// A PXE ROM, BIOS or UEFI: a file by TFTP.
    Pxe {
        /// The file's name on our TFTP server.
        file: BootFile,
        /// How to make the ROM fetch it.
        strategy: Strategy,
    },
    /// iPXE: a script.
    Ipxe {
        /// Its absolute URL.
        script: BootFile,
    },
    /// UEFI HTTP boot: a program.
    Http {
        /// Its absolute URL, with a literal address: names need a name server in the main server's offer.
        url: BootFile,
    },
    /// A Raspberry Pi's ROM, which knows its file names itself.
    RaspberryPi,
}

impl Boot {
    /// The name that the reply carries.
    #[must_use]
    pub const fn file(&self) -> Option<&BootFile> {
        match self {
            Self::Pxe { file, .. } | Self::Ipxe { script: file } | Self::Http { url: file } => Some(file),
            Self::RaspberryPi => None,
        }
    }

    /// The vendor class that makes a client take the reply: exactly this text, without anything behind it.
    pub(super) const fn class(&self) -> &'static [u8] {
        match self {
            Self::Http { .. } => b"HTTPClient",
            Self::Pxe { .. } | Self::Ipxe { .. } | Self::RaspberryPi => b"PXEClient",
        }
    }

    /// Whether an offer leaves the file out, so that the client asks port 4011.
    pub(super) const fn hides_file_in_offer(&self) -> bool {
        match self {
            Self::Pxe { strategy, .. } => !names_file_in_offer(*strategy),
            Self::Ipxe { .. } | Self::Http { .. } | Self::RaspberryPi => false,
        }
    }

    /// Option 43 of an offer.
    pub(super) fn vendor_options(&self, server: Ipv4Addr) -> Option<Cow<'static, [u8]>> {
        match self {
            Self::Pxe { strategy, .. } => vendor_options(*strategy, server),
            Self::RaspberryPi => Some(Cow::Borrowed(RASPBERRY_PI)),
            Self::Ipxe { .. } | Self::Http { .. } => None,
        }
    }
}

/// A reply to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An offer of boot data without an address, on port 67.
    ProxyOffer(Boot),
    /// The DHCP server's offer once more, under its name, with boot data of ours in it, on port 67.
    MergedOffer(Box<Answer>, Boot),
    /// The answer to a client that has its address and asked us for its boot file, on port 4011 or for a menu entry.
    BootAck(Boot),
    /// An offer of an address, and of boot data to boot clients.
    LeaseOffer(Lease, Option<Boot>),
    /// The grant of that address, with the same boot data.
    LeaseAck(Lease, Option<Boot>),
    /// "No": the address that the client asks for is not for it.
    Nak,
}

impl Reply {
    /// The DHCP message type of the reply.
    #[must_use]
    pub const fn message(&self) -> MessageType {
        match self {
            Self::ProxyOffer(_) | Self::MergedOffer(..) | Self::LeaseOffer(..) => MessageType::Offer,
            Self::BootAck(_) | Self::LeaseAck(..) => MessageType::Ack,
            Self::Nak => MessageType::Nak,
        }
    }

    /// What the client is told to boot.
    #[must_use]
    pub const fn boot(&self) -> Option<&Boot> {
        match self {
            Self::ProxyOffer(boot) | Self::MergedOffer(_, boot) | Self::BootAck(boot) => Some(boot),
            Self::LeaseOffer(_, boot) | Self::LeaseAck(_, boot) => boot.as_ref(),
            Self::Nak => None,
        }
    }

    /// The address that comes with it.
    #[must_use]
    pub const fn lease(&self) -> Option<&Lease> {
        match self {
            Self::LeaseOffer(lease, _) | Self::LeaseAck(lease, _) => Some(lease),
            Self::ProxyOffer(_) | Self::MergedOffer(..) | Self::BootAck(_) | Self::Nak => None,
        }
    }
}
