//! Asking a running daemon as a machine would: its URLs, its boot programs, and whole boots.
//!
//! The client is the machine that the simulator boots as well; here its packets go through the sockets of the real daemon.
//! It has a hardware address that an administrator could have made up, by which nobody is known again, so that no host
//! comes of it (see `docs/decisions/0033-loopback-boot.md`).

mod drive;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use bootwright_client::machine::Start;
use bootwright_config::{Loaded, Sockets};
use bootwright_core::{Arch, DhcpMode, Unknown};
use sha2::{Digest as _, Sha256};

use super::super::Setting;
use super::super::boot::Booted;
use super::super::check::Area;
use super::super::facts::{Boots, Facts};
use super::{client, segment, tftp};
use crate::firmware::Catalogue;
use crate::place::base_url;
use drive::{Drive, Through};

/// The kinds of firmware that are tried, with the architecture whose first file they fetch.
const KINDS: [(&str, Start, Arch); 2] = [
    ("BIOS", Start::BiosPxe, Arch::BIOS),
    ("UEFI", Start::UefiPxe, Arch::EFI64),
];

pub(super) fn gather(setting: &Setting, facts: &Facts, loaded: &Loaded, areas: &BTreeSet<Area>) -> Boots {
    let untried = |why: &str| Boots {
        untried: Some(why.to_owned()),
        ..Boots::default()
    };
    if facts.site.running.is_none() {
        return untried("no daemon answers; start it, and ask again");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return untried("no runtime can be started");
    };
    let root = loaded.daemon.tftp.root.as_deref();
    let mut policy = loaded.policy.clone();
    let catalogue = Catalogue::load(&setting.firmware_dir, &facts.site.data_dir.join("firmware"));
    catalogue.fit(root, &mut policy);
    let served: Vec<(String, Ipv4Addr)> = facts
        .network
        .served()
        .filter_map(|link| Some((link.name.clone(), link.ipv4()?)))
        .collect();
    let mut boots = Boots::default();
    runtime.block_on(async {
        for (_, address) in &served {
            let base = base_url(
                facts.site.daemon.base_url.fixed(),
                (*address).into(),
                facts.site.daemon.http.port,
            );
            if areas.contains(&Area::Url) && !boots.urls.iter().any(|(url, _)| *url == base) {
                boots.urls.push((base.clone(), reaches(&base).await));
            }
            if areas.contains(&Area::Program) {
                for file in first_files(&policy) {
                    if let Some(expected) = catalogue.get(&file).map(|file| file.sha256.clone()) {
                        let came = program(*address, &file, &expected).await;
                        boots.programs.push((format!("{file} from {address}"), came));
                    }
                }
            }
        }
        if areas.contains(&Area::Boot) {
            boots.boots = whole(facts, &policy, &catalogue, root, &served).await;
        }
    });
    boots
}

/// The first boot files of all architectures, each once.
fn first_files(policy: &bootwright_core::Policy) -> BTreeSet<String> {
    let of_archs = policy.first_files.values();
    of_archs.filter(|file| !file.contains("://")).cloned().collect()
}

/// Whether a script of ours is behind a URL that machines are told.
async fn reaches(base: &str) -> Result<String, String> {
    let (status, body) = client::get(&format!("{base}/boot.ipxe")).await?;
    match status {
        200 if body.starts_with(b"#!ipxe") => Ok("answers with a script".to_owned()),
        200 => Err("something answers there that is no script of ours".to_owned()),
        status => Err(format!("it answers with status {status}")),
    }
}

/// Whether a boot program comes as it lies on the disk.
async fn program(address: Ipv4Addr, name: &str, expected: &str) -> Result<String, String> {
    let file = tftp::fetch(address, name).await?;
    let found: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        Ok(format!("{} bytes", file.len()))
    } else {
        Err("it is not the file that lies on the disk".to_owned())
    }
}

/// One boot as a BIOS, which fetches at once what it was offered, and one as UEFI, which asks port 4011 for it.
async fn whole(
    facts: &Facts,
    policy: &bootwright_core::Policy,
    catalogue: &Catalogue,
    root: Option<&str>,
    served: &[(String, Ipv4Addr)],
) -> Vec<(String, Booted)> {
    let mut boots = Vec::new();
    let through = match facts.site.mode {
        _ if policy.safety.unknown == Unknown::Ignore => {
            Err("`unknown = \"ignore\"`: machines that nobody knows get no answer")
        }
        DhcpMode::Observe => Err("`mode = \"observe\"`: nobody is answered"),
        DhcpMode::Off => Ok(Through::Files),
        DhcpMode::Proxy | DhcpMode::Server => {
            let captured = match facts.site.daemon.dhcp.sockets {
                Sockets::Packet => true,
                Sockets::Kernel => false,
                Sockets::Auto => segment::is_captured(facts),
            };
            Ok(if captured { Through::Files } else { Through::All })
        }
    };
    for (link, address) in served {
        for (kind, start, arch) in KINDS {
            let what = format!("{kind} on {link}");
            let booted = match (through, policy.first_files.get(&arch)) {
                (Err(why), _) => Booted::Untried(why.to_owned()),
                (Ok(through), Some(file)) if catalogue.has(root, file) => {
                    let drive = Drive {
                        link: link.clone(),
                        server: *address,
                        through,
                        asks_pxe_port: start == Start::UefiPxe,
                        file: file.clone(),
                        base: base_url(
                            facts.site.daemon.base_url.fixed(),
                            (*address).into(),
                            facts.site.daemon.http.port,
                        ),
                    };
                    drive.boot(start).await
                }
                (Ok(_), _) => Booted::Untried("there is no boot program for it (I01)".to_owned()),
            };
            boots.push((what, booted));
        }
    }
    boots
}
