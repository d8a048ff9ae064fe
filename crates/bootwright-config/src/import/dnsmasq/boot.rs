//! What firmware is sent to: `dhcp-match` and its like set tags, `dhcp-boot` and `pxe-service` ask for them.

use super::super::draft;
use super::range::tag as tag_of;
use super::{Reading, Setting};

use bootwright_core::Arch;

/// The options that set tags by what a machine shows.
pub(super) const TAGS: &[&str] = &["dhcp-match", "dhcp-vendorclass", "dhcp-userclass"];

/// What a tag stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Firmware of these architectures, by their numbers.
    Arch(Vec<u16>),
    /// iPXE.
    Ipxe,
    /// Firmware that is not iPXE yet, of these architectures; of all if there are none.
    NotIpxe(Vec<u16>),
    /// Something else.
    Other,
}

/// dnsmasq's words for architectures in `pxe-service`.
const CLIENTS: &[(&str, u16)] = &[
    ("x86PC", 0),
    ("IA32_EFI", 6),
    ("BC_EFI", 7),
    ("X86-64_EFI", 9),
    ("ARM32_EFI", 10),
    ("ARM64_EFI", 11),
];

pub(super) fn tag(setting: &Setting, reading: &mut Reading) {
    let parts = setting.parts();
    let Some(name) = parts.iter().find_map(|part| tag_of(part)) else {
        return;
    };
    let words: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| tag_of(part).is_none())
        .collect();
    let sign = match (setting.line.name.as_str(), words.as_slice()) {
        ("dhcp-match", ["option:client-arch" | "93", numbers @ ..]) => {
            Sign::Arch(numbers.iter().filter_map(|number| number_of(number)).collect())
        }
        ("dhcp-match", ["175" | "option:175", ..]) => Sign::Ipxe,
        ("dhcp-userclass", [class]) if class.eq_ignore_ascii_case("ipxe") => Sign::Ipxe,
        ("dhcp-vendorclass", [class]) => match class.strip_prefix("PXEClient:Arch:") {
            Some(number) => Sign::Arch(number.get(..5).unwrap_or(number).parse().into_iter().collect()),
            None => Sign::Other,
        },
        _ => Sign::Other,
    };
    if sign == Sign::Other {
        let hint = "Bootwright tells firmware apart by its architecture, and machines by rules";
        setting.left(
            &mut reading.left,
            format!("tag `{name}` stands for nothing that firmware is told apart by here"),
            hint,
        );
    }
    let merged = match (reading.tags.remove(name), sign) {
        (Some(Sign::Arch(mut before)), Sign::Arch(more)) => {
            before.extend(more);
            Sign::Arch(before)
        }
        (_, sign) => sign,
    };
    reading.tags.insert(name.to_owned(), merged);
}

fn number_of(text: &str) -> Option<u16> {
    match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `tag-if=set:undi,tag:bios,tag:!ipxe`.
pub(super) fn tag_if(setting: &Setting, reading: &mut Reading) {
    let parts = setting.parts();
    let sets = parts.iter().filter_map(|part| part.strip_prefix("set:"));
    let sign = asked(parts.iter().filter_map(|part| part.strip_prefix("tag:")), reading);
    for name in sets {
        reading.tags.insert(name.to_owned(), sign.clone());
    }
}

/// What these tags together stand for.
fn asked<'a>(tags: impl Iterator<Item = &'a str>, reading: &Reading) -> Sign {
    let mut sign = Sign::Arch(Vec::new());
    for name in tags {
        let (name, negated) = match name.strip_prefix(['!', '#']) {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let one = reading.tags.get(name).cloned().unwrap_or(match name {
            "ipxe" => Sign::Ipxe,
            _ => Sign::Other,
        });
        sign = match (sign, one, negated) {
            (Sign::Ipxe, _, _) | (_, Sign::Ipxe, false) => Sign::Ipxe,
            (Sign::Arch(known) | Sign::NotIpxe(known), Sign::Ipxe, true) => Sign::NotIpxe(known),
            (Sign::Arch(_) | Sign::NotIpxe(_), Sign::Arch(archs) | Sign::NotIpxe(archs), false) => Sign::Arch(archs),
            _ => Sign::Other,
        };
    }
    sign
}

/// `dhcp-boot=[tag:…,]<file>[,<server name>[,<address>]]`.
pub(super) fn dhcp_boot(setting: &Setting, reading: &mut Reading) {
    let parts = setting.parts();
    let tags: Vec<&str> = parts.iter().filter_map(|part| tag_of(part)).collect();
    let words: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| tag_of(part).is_none())
        .collect();
    let file = words.first().copied().unwrap_or_default();
    if let Some(server) = words.get(1..).unwrap_or_default().iter().find(|word| !word.is_empty()) {
        let hint = "boot files come from Bootwright itself: put them below `tftp.root`";
        setting.left(
            &mut reading.left,
            format!("that the file lies on `{}` is not carried over", server.escape_debug()),
            hint,
        );
    }
    if let [tag] = tags.as_slice()
        && reading.host_tags.contains(*tag)
    {
        if usable(file, setting, reading) {
            let name: String = tag
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            reading.firmware.insert(name, file.to_owned());
        }
        return;
    }
    let sign = asked(tags.into_iter(), reading);
    first_file(&sign, file, setting, reading);
}

/// `pxe-service=[tag:…,]<client>,<menu text>[,<file or type>[,<server>]]`.
pub(super) fn pxe_service(setting: &Setting, reading: &mut Reading) {
    let parts = setting.parts();
    let tags = parts.iter().filter_map(|part| tag_of(part));
    let sign = asked(tags, reading);
    let words: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| tag_of(part).is_none())
        .collect();
    let client = words.first().copied().unwrap_or_default();
    let known = CLIENTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(client));
    let code = known.map(|(_, code)| *code).or_else(|| client.parse().ok());
    let file = words.get(2).copied().unwrap_or_default();
    if file.is_empty() || file.parse::<u16>().is_ok() {
        let hint = "for a menu write a profile with `kind = \"menu\"`; a machine that was installed boots its disk without one";
        setting.left(
            &mut reading.left,
            "the entry of the firmware's menu is not carried over",
            hint,
        );
        return;
    }
    if let Some(server) = words.get(3) {
        let hint = "boot files come from Bootwright itself: put them below `tftp.root`";
        setting.left(
            &mut reading.left,
            format!("that the file lies on `{}` is not carried over", server.escape_debug()),
            hint,
        );
    }
    let Some(code) = code else {
        let hint = "set the boot file by the number of the architecture in `[dhcp.arch]`";
        setting.left(
            &mut reading.left,
            format!("`{}` is no architecture of PXE", client.escape_debug()),
            hint,
        );
        return;
    };
    // dnsmasq puts the layer behind a name that has no ending.
    let whole = if file.contains('.') || file.contains("://") {
        file.to_owned()
    } else {
        format!("{file}.0")
    };
    let sign = match sign {
        Sign::Ipxe | Sign::Other => sign,
        // What is told to EFI machines of the one kind is told to those of the other, whose numbers were mixed up in RFC 4578.
        Sign::Arch(_) | Sign::NotIpxe(_) if code == 7 || code == 9 => Sign::Arch(vec![7, 9]),
        Sign::Arch(_) | Sign::NotIpxe(_) => Sign::Arch(vec![code]),
    };
    first_file(&sign, &whole, setting, reading);
}

fn first_file(sign: &Sign, file: &str, setting: &Setting, reading: &mut Reading) {
    let archs = match sign {
        // iPXE is told our script by itself.
        Sign::Ipxe if file.ends_with("/boot.ipxe") || file.ends_with("/boot.ipxe.0") => return,
        Sign::Ipxe => {
            let hint = "iPXE is sent to Bootwright's own script, which knows what the machine is to boot";
            setting.left(
                &mut reading.left,
                format!("`{}` is not carried over", file.escape_debug()),
                hint,
            );
            return;
        }
        Sign::Other => {
            let hint = "set it for an architecture in `[dhcp.arch]`, or for a machine with `firmware` in `[hosts]`";
            setting.left(
                &mut reading.left,
                format!("whom `{}` is for cannot be told", file.escape_debug()),
                hint,
            );
            return;
        }
        // One file for all is one for a BIOS: nothing else starts it.
        Sign::Arch(archs) | Sign::NotIpxe(archs) if archs.is_empty() => {
            let efi = std::path::Path::new(file)
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("efi"));
            if efi { vec![7, 9] } else { vec![0] }
        }
        Sign::Arch(archs) | Sign::NotIpxe(archs) => archs.clone(),
    };
    if !usable(file, setting, reading) {
        return;
    }
    for code in archs {
        let arch = Arch::new(code);
        let name = arch.name().map_or_else(|| code.to_string(), str::to_owned);
        if !built_in(code, file) {
            reading.arch.set(&name, draft::text(file), &setting.origin());
        }
    }
}

/// Whether it is what machines of the architecture are given anyway.
fn built_in(code: u16, file: &str) -> bool {
    matches!(
        (code, file),
        (0, "undionly.kpxe" | "undionly.0") | (6 | 7 | 9, "snponly.efi" | "ipxe.efi")
    )
}

/// Whether a DHCP reply can carry the name.
fn usable(file: &str, setting: &Setting, reading: &mut Reading) -> bool {
    let good = !file.is_empty()
        && file.len() <= 127
        && file.chars().all(|c| c.is_ascii_graphic())
        && !file.contains("://")
        && !file.split('/').any(|part| part == "..");
    if !good {
        let hint = "the first file is fetched by TFTP from the catalogue or `tftp.root`";
        setting.left(
            &mut reading.left,
            format!("`{}` can be no first boot file here", file.escape_debug()),
            hint,
        );
    }
    good
}
