//! Boot programs, the files of images, and the keys that prove them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use bootwright_config::Loaded;
use bootwright_content::{made_up, render_boot};
use bootwright_core::{Arch, DhcpMode};
use bootwright_images::openpgp::Keyring;

use super::super::Setting;
use super::super::facts::{Images, Versioned};
use super::super::image::version;
use super::super::port::quoted;
use super::disk::seconds;
use crate::artefact::Artefacts;
use crate::firmware::Catalogue;

/// Where Debian's package `ipxe` puts boot programs.
const PACKAGED: &str = "/usr/lib/ipxe";

/// The architectures that every site is taken to need.
const COMMON: [Arch; 2] = [Arch::BIOS, Arch::EFI64];

pub(super) fn gather(setting: &Setting, data_dir: &Path, loaded: &Loaded) -> Images {
    let root = loaded.daemon.tftp.root.as_deref();
    let mut policy = loaded.policy.clone();
    let catalogue = Catalogue::load(&setting.firmware_dir, &data_dir.join("firmware"));
    catalogue.fit(root, &mut policy);
    let mut images = Images {
        programs: catalogue.names().count(),
        profiles: policy.profiles.len(),
        now: seconds(SystemTime::now()),
        ..Images::default()
    };
    firmware(&mut images, &catalogue, &policy, root, data_dir);
    let bios = policy
        .first_files
        .get(&Arch::BIOS)
        .filter(|file| catalogue.has(root, file));
    let is_own = |file: &&String| catalogue.own.iter().any(|own| own.names().any(|name| name == *file));
    images.bios = bios
        .filter(|file| !is_own(file) && policy.dhcp != DhcpMode::Off)
        .cloned();
    let artefacts = Artefacts::new(data_dir, &loaded.daemon.compat);
    artefacts.read_due(&policy);
    for (name, profile) in &policy.profiles {
        if let Some(words) = artefacts.trouble(profile, &made_up(profile)) {
            let image = words.split('`').nth(1).unwrap_or_default().to_owned();
            let image = Some(image).filter(|image| loaded.images.contains_key(image));
            images.files.push((format!("profile `{name}`: {words}"), image));
        }
        let context = made_up(profile);
        let Ok(plan) = render_boot(profile, &context) else {
            continue;
        };
        let place = |url: &str| {
            let path = url.strip_prefix(&context.server.url)?;
            artefacts.place(profile, path)
        };
        let urls = std::iter::once(&plan.kernel).chain(plan.initrds.iter().map(|initrd| &initrd.url));
        let secure = urls.filter(|url| url.starts_with("https://"));
        images.https.extend(secure.map(|url| (name.to_string(), url.clone())));
        if let Some(initrd) = plan.initrds.first() {
            let kernel = Versioned {
                version: version(&plan.kernel).or_else(|| header_version(&place(&plan.kernel)?)),
                path: short(&plan.kernel, &context.server.url),
            };
            let initrd = Versioned {
                version: version(&initrd.url),
                path: short(&initrd.url, &context.server.url),
            };
            images.pairs.push((name.to_string(), kernel, initrd));
        }
    }
    keys(&mut images, loaded);
    images
}

fn short(url: &str, base: &str) -> String {
    url.strip_prefix(base).unwrap_or(url).to_owned()
}

/// What is wrong with boot programs, and what of it a package of this box could mend.
fn firmware(
    images: &mut Images,
    catalogue: &Catalogue,
    policy: &bootwright_core::Policy,
    root: Option<&str>,
    data_dir: &Path,
) {
    let lacks = |arch: &Arch| policy.first_files.get(arch).filter(|file| !catalogue.has(root, file));
    let mut names: BTreeSet<String> = BTreeSet::new();
    for trouble in &catalogue.troubles {
        // Without a list of shipped programs, the site's own may be all that there is to be.
        if !(trouble.files.is_empty()
            && trouble.words.contains("manifest")
            && COMMON.iter().all(|arch| lacks(arch).is_none()))
        {
            images.firmware.push((trouble.words.clone(), trouble.hint.clone()));
        }
        names.extend(trouble.files.iter().cloned());
    }
    let missed = catalogue.missed(root, policy);
    if let Some(trouble) = catalogue.missed_words(&missed) {
        images.firmware.push((trouble.words, trouble.hint));
    }
    names.extend(missed.into_iter().map(str::to_owned));
    let chosen = policy.hosts.values().filter_map(|host| host.first_file.as_ref());
    for file in COMMON
        .iter()
        .filter_map(lacks)
        .chain(chosen.filter(|file| !catalogue.has(root, file)))
    {
        if names.insert(file.clone()) {
            images.firmware.push((
                format!("there is no boot program `{file}`, which machines are to fetch"),
                format!("put it into `{}`", data_dir.join("firmware").display()),
            ));
        }
    }
    images.packaged = names
        .iter()
        .map(|name| (Path::new(PACKAGED).join(name), data_dir.join("firmware").join(name)))
        .filter(|(from, _)| from.is_file())
        .map(|(from, to)| {
            format!(
                "install -D -m 0644 {} {}",
                quoted(&from.display().to_string()),
                quoted(&to.display().to_string())
            )
        })
        .collect();
}

/// The version in the header of a kernel for x86 (`boot.rst` of Linux, field `kernel_version`), up to its first space.
fn header_version(path: &Path) -> Option<String> {
    let mut head = Vec::new();
    fs::File::open(path).ok()?.take(64 << 10).read_to_end(&mut head).ok()?;
    if head.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let at = match head.get(0x20e..0x210)? {
        [low, high] => usize::from(u16::from_le_bytes([*low, *high])) + 0x200,
        _ => return None,
    };
    let text: Vec<u8> = head
        .get(at..)?
        .iter()
        .copied()
        .take_while(|byte| byte.is_ascii_graphic())
        .take(64)
        .collect();
    String::from_utf8(text).ok().filter(|text| !text.is_empty())
}

fn keys(images: &mut Images, loaded: &Loaded) {
    for (name, image) in &loaded.images {
        for file in image.keys.iter().filter(|file| !file.contains("://")) {
            let read = fs::read(file).map_err(|error| error.to_string()).and_then(|bytes| {
                let ring = Keyring::read(&[(file.clone(), bytes)]).map_err(|error| error.to_string())?;
                Ok(ring
                    .ends()
                    .into_iter()
                    .map(|(signer, end)| (signer.user, end))
                    .collect())
            });
            images.keys.push((name.clone(), file.clone(), read));
        }
    }
}
