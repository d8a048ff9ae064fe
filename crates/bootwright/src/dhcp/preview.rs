//! The packets that a firmware would be sent, for `explain`: written by what writes those that leave.

use std::net::Ipv4Addr;

use bootwright_client::ipxe::Generation;
use bootwright_client::rom::{Firmware, Rom};
use bootwright_core::{Arch, Loader, MacAddr, Transport, Uuid};
use bootwright_engine::OfferReply;
use bootwright_proto::dhcp::{Boot, BootFile, Reply, parse, render};

/// A firmware that asks, as far as packets show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) arch: Arch,
    pub(crate) loader: Loader,
    pub(crate) mac: MacAddr,
    pub(crate) uuid: Option<Uuid>,
}

/// The offer and the answer of port 4011, to a client with the transaction 0. Nothing for firmware whose questions we do not
/// know how to word, and where nothing is answered.
pub(crate) fn packets(asker: Asker, reply: &OfferReply, from: Ipv4Addr, base: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (_, first) = Rom::begin(firmware(asker)?, asker.mac, asker.uuid, 0, std::time::Duration::ZERO);
    let request = parse(&first?.bytes).ok()?;
    let boot = boot(reply, base)?;
    let offer = render(&request, from, &Reply::ProxyOffer(boot.clone())).ok()?;
    let ack = render(&request, from, &Reply::BootAck(boot)).ok()?;
    Some((offer, ack))
}

fn firmware(asker: Asker) -> Option<Firmware> {
    let arch = asker.arch;
    match asker.loader {
        Loader::Ipxe => Some(Firmware::Ipxe {
            generation: Generation::Of2025,
            arch,
            chained: false,
        }),
        Loader::Firmware if arch == Arch::BIOS => Some(Firmware::Bios),
        Loader::Firmware if arch == Arch::EFI64_HTTP => Some(Firmware::UefiHttp),
        Loader::Firmware if arch.is_uefi() && arch.transport() == Transport::Tftp => Some(Firmware::Uefi { arch }),
        Loader::Firmware | Loader::IpxeWithoutHttp | Loader::UBoot | Loader::RaspberryPi => None,
    }
}

/// What the engine says that a client should boot, in the words of the protocol.
fn boot(reply: &OfferReply, base: &str) -> Option<Boot> {
    let named = |name: String| BootFile::try_from(name).ok();
    Some(match reply {
        OfferReply::Silence(_) => return None,
        OfferReply::Script => Boot::Ipxe {
            script: named(format!("{base}/boot.ipxe"))?,
        },
        OfferReply::OwnFiles => Boot::RaspberryPi,
        OfferReply::FirstFile {
            file,
            transport: Transport::Tftp,
            strategy,
        } => Boot::Pxe {
            file: named(file.clone())?,
            strategy: *strategy,
        },
        OfferReply::FirstFile {
            file,
            transport: Transport::Http,
            ..
        } => Boot::Http {
            url: named(format!("{base}/firmware/{file}"))?,
        },
    })
}
