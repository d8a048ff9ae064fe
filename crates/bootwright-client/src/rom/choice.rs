//! Which offers a firmware takes, and what it does with the one it took.

use std::net::Ipv4Addr;

use bootwright_proto::dhcp::Answer;

use super::{Fault, Firmware, Place};

/// The offers that a firmware goes on with.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    /// Who leases the address.
    pub(super) main: Answer,
    /// Who knows what to boot, if it is another.
    pub(super) proxy: Option<Answer>,
}

/// What follows the lease.
pub(super) enum Next {
    /// Fetch this.
    Boot(Place),
    /// Ask this boot server on port 4011.
    Ask(Ipv4Addr),
}

/// What an offer says of PXE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An address and nothing of PXE.
    Plain,
    /// The class and option 43 with a sub-option from 6 to 10: "PXE 1.0" in EDK2's words.
    Pxe,
    /// The class alone: "BINL" in EDK2's words, which leads to port 4011.
    Class,
}

pub(super) fn kind(offer: &Answer) -> Kind {
    let tags = || sub_options(offer.vendor_options.as_deref().unwrap_or_default());
    if !offer.vendor_class.starts_with(b"PXEClient") {
        Kind::Plain
    } else if tags().iter().any(|(code, _)| (6..=10).contains(code)) {
        Kind::Pxe
    } else {
        Kind::Class
    }
}

/// The sub-options of option 43, as far as they are whole.
fn sub_options(mut area: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let [code, tail @ ..] = area {
        match (code, tail) {
            (0, tail) => area = tail,
            (255, _) => break,
            (code, [len, tail @ ..]) if tail.len() >= usize::from(*len) => {
                let (value, rest) = tail.split_at(usize::from(*len));
                found.push((*code, value));
                area = rest;
            }
            _ => break,
        }
    }
    found
}

pub(super) fn sub_option(offer: &Answer, wanted: u8) -> Option<&[u8]> {
    let area = offer.vendor_options.as_deref()?;
    let found = sub_options(area).into_iter().find(|(code, _)| *code == wanted);
    found.map(|(_, value)| value)
}

/// Whether the firmware keeps an offer at all.
pub(super) fn is_offer(firmware: Firmware, offer: &Answer) -> bool {
    if !offer.yiaddr.is_unspecified() {
        return offer.server_id.is_some();
    }
    let named = offer.server_id.is_some_and(|server| !server.is_unspecified());
    match firmware {
        // iPXE forgives a proxy that does not say who it is.
        Firmware::Ipxe { .. } => offer.vendor_class == b"PXEClient",
        Firmware::Bios => offer.vendor_class.starts_with(b"PXEClient"),
        Firmware::Uefi { .. } => named && offer.vendor_class.starts_with(b"PXEClient"),
        Firmware::UefiHttp => named && offer.vendor_class.starts_with(b"HTTPClient") && url(offer).is_some(),
    }
}

/// Chooses among the offers of a window, or none of them yet.
pub(super) fn choose(firmware: Firmware, offers: &[Answer]) -> Option<Chosen> {
    let mains = || offers.iter().filter(|offer| !offer.yiaddr.is_unspecified());
    let proxies = || offers.iter().filter(|offer| offer.yiaddr.is_unspecified());
    let alone = |main: &Answer| Chosen {
        main: main.clone(),
        proxy: None,
    };
    let both = |main: Option<&Answer>, proxy: Option<&Answer>| {
        let (main, proxy) = (main?.clone(), proxy?.clone());
        let proxy = Some(proxy);
        Some(Chosen { main, proxy })
    };
    match firmware {
        // The main server's own offer is enough for iPXE, which then shows that there is nothing to boot.
        Firmware::Ipxe { .. } => both(mains().next(), proxies().next()).or_else(|| mains().next().map(alone)),
        Firmware::UefiHttp => {
            let own = mains().find(|main| main.vendor_class.starts_with(b"HTTPClient") && url(main).is_some());
            own.map(alone).or_else(|| both(mains().next(), proxies().next()))
        }
        Firmware::Bios | Firmware::Uefi { .. } => {
            let main = |wanted| mains().find(|offer| kind(offer) == wanted);
            let proxy = |wanted| proxies().find(|offer| kind(offer) == wanted);
            main(Kind::Pxe)
                .map(alone)
                .or_else(|| both(main(Kind::Plain), proxy(Kind::Pxe)))
                .or_else(|| main(Kind::Class).map(alone))
                .or_else(|| both(main(Kind::Plain), proxy(Kind::Class)))
                .or_else(|| mains().find(|offer| file(firmware, offer).is_some()).map(alone))
        }
    }
}

/// What the firmware does once the address is its own.
pub(super) fn after_ack(firmware: Firmware, chosen: &Chosen) -> Result<Next, Fault> {
    let Chosen { main, proxy } = chosen;
    let source = proxy.as_ref().unwrap_or(main);
    match firmware {
        Firmware::Ipxe { .. } => ipxe_after_ack(firmware, main, proxy.as_ref()),
        Firmware::UefiHttp => {
            let url = url(source).ok_or(Fault::NoBootFile)?;
            // A name in the URL needs the main server's name server.
            if literal(&url) || !main.dns.is_empty() {
                Ok(Next::Boot(Place::Url(url)))
            } else {
                Err(Fault::NoBootFile)
            }
        }
        Firmware::Bios | Firmware::Uefi { .. } => {
            let server = server(source).ok_or(Fault::NoBootServer)?;
            match (kind(source), source.discovery_control()) {
                (Kind::Plain, _) => place(firmware, source, None).map(Next::Boot).ok_or(Fault::NoBootFile),
                (Kind::Pxe, Some(control)) if control & 8 != 0 => {
                    let listed = boot_server(source).map(|(_, server)| server);
                    match place(firmware, source, listed) {
                        Some(place) => Ok(Next::Boot(place)),
                        None => Ok(Next::Ask(server)),
                    }
                }
                // A choice needs a menu and a prompt that chooses for an empty chair.
                (Kind::Pxe, Some(_)) if sub_option(source, 9).is_none() || sub_option(source, 10).is_none() => {
                    Err(Fault::Cancelled)
                }
                (Kind::Pxe, _) => Ok(Next::Ask(boot_server(source).map_or(server, |(_, listed)| listed))),
                (Kind::Class, _) => Ok(Next::Ask(server)),
            }
        }
    }
}

/// iPXE merges the offers: a file of the main server beats the proxy's unless the proxy has the higher priority.
fn ipxe_after_ack(firmware: Firmware, main: &Answer, proxy: Option<&Answer>) -> Result<Next, Fault> {
    let preferred = proxy.is_some_and(|proxy| {
        let priority = proxy.ipxe_option(1).and_then(|value| value.first());
        priority.is_some_and(|priority| (1..0x80).contains(priority))
    });
    if let Some(place) = place(firmware, main, None).filter(|_| !preferred) {
        return Ok(Next::Boot(place));
    }
    match proxy {
        Some(proxy) if file(firmware, proxy).is_some() && !proxy.siaddr.is_unspecified() => {
            place(firmware, proxy, None).map(Next::Boot).ok_or(Fault::NoBootFile)
        }
        Some(proxy) => server(proxy).map(Next::Ask).ok_or(Fault::NoBootServer),
        None => Err(Fault::NoBootFile),
    }
}

/// Where the boot file of a packet is, perhaps on another server than its own.
pub(super) fn place(firmware: Firmware, answer: &Answer, listed: Option<Ipv4Addr>) -> Option<Place> {
    let name = file(firmware, answer)?;
    match String::from_utf8(name) {
        Ok(url) if url.contains("://") => Some(Place::Url(url)),
        Ok(name) => Some(Place::Tftp {
            server: listed.or_else(|| server(answer))?,
            name: name.into_bytes(),
        }),
        Err(error) => Some(Place::Tftp {
            server: listed.or_else(|| server(answer))?,
            name: error.into_bytes(),
        }),
    }
}

/// The boot file's name: EDK2 reads option 67 first, ROMs and iPXE the fixed part.
fn file(firmware: Firmware, answer: &Answer) -> Option<Vec<u8>> {
    let fixed = Some(answer.file.clone());
    let option = answer.boot_file.as_ref().map(|name| {
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name.get(..end).unwrap_or_default().to_vec()
    });
    let places = match firmware {
        Firmware::Uefi { .. } | Firmware::UefiHttp => [option, fixed],
        Firmware::Bios | Firmware::Ipxe { .. } => [fixed, option],
    };
    places.into_iter().flatten().find(|name| !name.is_empty())
}

fn server(answer: &Answer) -> Option<Ipv4Addr> {
    let own = Some(answer.siaddr).filter(|server| !server.is_unspecified());
    own.or(answer.server_id)
}

/// The first boot server of the list in option 43: its type and its address.
fn boot_server(answer: &Answer) -> Option<([u8; 2], Ipv4Addr)> {
    match sub_option(answer, 8)? {
        [high, low, count, a, b, c, d, ..] if *count > 0 => Some(([*high, *low], Ipv4Addr::new(*a, *b, *c, *d))),
        _ => None,
    }
}

fn url(answer: &Answer) -> Option<String> {
    let name = String::from_utf8(file(Firmware::UefiHttp, answer)?).ok()?;
    (name.starts_with("http://") || name.starts_with("https://")).then_some(name)
}

fn literal(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    host.parse::<Ipv4Addr>().is_ok()
}

impl Chosen {
    /// The menu's first item, which a ROM that was shown one asks for.
    pub(super) fn boot_item(&self) -> Option<Vec<u8>> {
        let source = self.proxy.as_ref().unwrap_or(&self.main);
        let ([high, low], _) = boot_server(source)?;
        Some(vec![high, low, 0, 0])
    }
}
