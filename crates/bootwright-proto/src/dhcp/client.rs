//! Which kind of boot client a request comes from.

use bootwright_core::{Arch, MacAddr};

use super::ipxe::Ipxe;
use super::request::{MessageType, Request};

/// The kinds of client that need different answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// An operating system or anything else that is not booting from the network, Apple's BSDP included.
    Plain,
    /// iPXE, which takes a script's URL and must never get iPXE again.
    Ipxe(Ipxe),
    /// UEFI firmware that boots by HTTP.
    UefiHttp,
    /// The boot ROM of a Raspberry Pi.
    RaspberryPi,
    /// UEFI firmware that boots by PXE.
    UefiPxe,
    /// A BIOS with a PXE ROM.
    BiosPxe,
    /// U-Boot. It does not present itself as a PXE client, so a site must ask for an answer to it.
    UBoot,
    /// A PXE client that tells no architecture that we know.
    UnknownPxe,
}

impl ClientKind {
    /// The stable name for logs, metrics and people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ipxe(_) => "ipxe",
            Self::UefiHttp => "uefi-http",
            Self::RaspberryPi => "raspberry-pi",
            Self::UefiPxe => "uefi-pxe",
            Self::BiosPxe => "bios-pxe",
            Self::UBoot => "u-boot",
            Self::UnknownPxe => "unknown-pxe",
        }
    }
}

/// A client as its request presents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The kind, which decides how it is answered.
    pub kind: ClientKind,
    /// The architectures that it can run, in its order; never guessed.
    pub archs: Vec<Arch>,
}

impl Client {
    /// The architecture to serve: the first of the client's for which there is something, else its first.
    #[must_use]
    pub fn arch(&self, served: impl Fn(Arch) -> bool) -> Option<Arch> {
        let first = self.archs.first();
        self.archs.iter().find(|arch| served(**arch)).or(first).copied()
    }
}

/// Cards that the Raspberry Pi's makers use (IEEE registry: Raspberry Pi Foundation, Raspberry Pi Trading).
const RASPBERRY_PI_PREFIXES: [[u8; 3]; 6] = [
    [0xb8, 0x27, 0xeb],
    [0xdc, 0xa6, 0x32],
    [0xe4, 0x5f, 0x01],
    [0x28, 0xcd, 0xc1],
    [0xd8, 0x3a, 0xdd],
    [0x2c, 0xcf, 0x67],
];

const RASPBERRY_PI_ROM: Arch = Arch::new(0x29);

/// Tells the kind of client. The first test that fits decides.
#[must_use]
pub fn classify(request: &Request) -> Client {
    let archs = architectures(request);
    let kind = kind(request, &archs);
    Client { kind, archs }
}

/// Whether an operating system has sent this, an installer's included. Firmware that asks for an address and nothing else,
/// for its setup or a disk in the network, names neither itself nor its host.
#[must_use]
pub fn is_system(request: &Request, client: &Client) -> bool {
    let asks = matches!(
        request.message,
        Some(MessageType::Discover | MessageType::Request | MessageType::Inform)
    );
    client.kind == ClientKind::Plain && asks && (request.host_name.is_some() || !request.vendor_class.is_empty())
}

fn kind(request: &Request, archs: &[Arch]) -> ClientKind {
    let http = request.vendor_class.starts_with(b"HTTPClient");
    let pxe = request.vendor_class.starts_with(b"PXEClient");
    if !http && !pxe {
        let uboot = request.vendor_class.starts_with(b"U-Boot") || archs.iter().copied().any(Arch::is_uboot);
        return if uboot { ClientKind::UBoot } else { ClientKind::Plain };
    }
    if let Some(ipxe) = request.ipxe {
        return ClientKind::Ipxe(ipxe);
    }
    if http {
        return ClientKind::UefiHttp;
    }
    if is_raspberry_pi(request, archs) {
        return ClientKind::RaspberryPi;
    }
    archs
        .iter()
        .find_map(|arch| match *arch {
            Arch::BIOS => Some(ClientKind::BiosPxe),
            arch if arch.is_uefi() => Some(ClientKind::UefiPxe),
            arch if arch.is_uboot() => Some(ClientKind::UBoot),
            _ => None,
        })
        .unwrap_or(ClientKind::UnknownPxe)
}

/// Option 93 tells the architecture. Where it is missing or broken, the class still does, as ROMs write it
/// (`PXEClient:Arch:00007:UNDI:003000`, RFC 4578 section 2.4).
fn architectures(request: &Request) -> Vec<Arch> {
    if !request.archs.is_empty() {
        return request.archs.clone();
    }
    architecture_in_class(&request.vendor_class).into_iter().collect()
}

fn architecture_in_class(class: &[u8]) -> Option<Arch> {
    let class = str::from_utf8(class).ok()?;
    let (_, digits) = class.split_once(":Arch:")?;
    let digits = digits.split(':').next().unwrap_or_default();
    let all_digits = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().ok().map(Arch::new)).flatten()
}

/// Where a Pi's ROM has no architecture of its own it calls itself a BIOS, so the card or the machine id must tell; UEFI on a Pi is UEFI.
fn is_raspberry_pi(request: &Request, archs: &[Arch]) -> bool {
    let machine_id = request.machine_id.as_deref().and_then(|id| id.get(1..));
    let named = machine_id.is_some_and(|id| id.starts_with(b"RPi4") || id.starts_with(b"RPi5"));
    match archs.first() {
        Some(&RASPBERRY_PI_ROM) => true,
        Some(&Arch::BIOS) => named || is_raspberry_pi_card(request.mac),
        Some(_) | None => false,
    }
}

/// Whether a card is one of those that the makers of the Raspberry Pi use.
#[must_use]
pub fn is_raspberry_pi_card(mac: MacAddr) -> bool {
    let [a, b, c, ..] = mac.octets();
    RASPBERRY_PI_PREFIXES.contains(&[a, b, c])
}
