//! A site's own set of boot programs, as its manifest lists it: the right ones are served, and what is wrong is said.

use std::fs;
use std::path::Path;
use std::process::Command;

use bootwright_proto::http::api::{FirmwareView, Status};

use crate::cli;
use crate::daemon::{Daemon, PATIENCE};
use crate::netns::Netns;
use crate::segment::{captured, discover, segment, with_card};

const CONFIG: &str = "[server]\ninterfaces = [\"lab0\"]\n";

/// What coreutils say that a file's sum is.
fn sum(path: &Path) -> String {
    let said = Command::new("sha256sum").arg(path).output().expect("sha256sum runs");
    let said = String::from_utf8(said.stdout).expect("a text");
    said.split(' ').next().expect("a sum").to_owned()
}

/// Puts a file among the site's own.
fn put(daemon: &Daemon<'_>, name: &str, content: &[u8]) -> String {
    let path = daemon.data_dir().join("firmware").join(name);
    fs::write(&path, content).expect("a boot program");
    sum(&path)
}

/// What a client gets by TFTP and by HTTP, which must be the same.
fn fetched(machine: &Netns, name: &str) -> Option<Vec<u8>> {
    let by = |url: String| {
        let mut curl = machine.command("curl");
        let said = curl.args(["-sSf", "-m", "20", &url]).output().expect("curl runs");
        said.status.success().then_some(said.stdout)
    };
    let by_tftp = by(format!("tftp://10.77.0.1/{name}"));
    let by_http = by(format!("http://10.77.0.1:8080/firmware/{name}"));
    assert!(by_tftp == by_http, "`{name}` differs between TFTP and HTTP");
    by_tftp
}

fn status(daemon: &Daemon<'_>) -> Status {
    serde_json::from_slice(&daemon.api("GET", "/api/v1/status", "").body).expect("a status")
}

#[test]
fn a_signed_set_is_served_as_listed_and_a_program_that_is_not_the_listed_one_is_not() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    let shim = put(&daemon, "shim-site.efi", b"signed shim");
    let ipxe = put(&daemon, "ipxe-site.efi", b"signed iPXE");
    let other = put(&daemon, "grub-site.efi", b"what was signed");
    put(&daemon, "grub-site.efi", b"what somebody put there");
    let manifest = format!(
        "[[file]]\nname = \"shim-site.efi\"\nsha256 = \"{shim}\"\narch = [\"efi64\"]\n\n\
         [[file]]\nname = \"ipxe-site.efi\"\nsha256 = \"{ipxe}\"\nreplaces = [\"snponly.efi\", \"ipxe.efi\"]\n\n\
         [[file]]\nname = \"grub-site.efi\"\nsha256 = \"{other}\"\nreplaces = [\"undionly.kpxe\"]\n"
    );
    put(&daemon, "manifest.toml", manifest.as_bytes());
    daemon.run();
    daemon.wait_for_log("ready ");

    let packet = with_card(captured("uefi-firmware-discover"), [0x52, 0x54, 0, 0, 4, 1]);
    let offer = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer").answer;
    assert_eq!(offer.file, b"shim-site.efi", "the first file of its architecture");
    let packet = with_card(captured("http-firmware-discover"), [0x52, 0x54, 0, 0, 4, 2]);
    let offer = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer").answer;
    assert_eq!(offer.file, b"http://10.77.0.1:8080/firmware/shim-site.efi");

    assert_eq!(fetched(&machine, "shim-site.efi").as_deref(), Some(&b"signed shim"[..]));
    for name in ["ipxe-site.efi", "snponly.efi", "ipxe.efi"] {
        assert_eq!(fetched(&machine, name).as_deref(), Some(&b"signed iPXE"[..]), "{name}");
    }
    // The changed one, what it claims to replace, what nobody lists, and the list itself.
    for name in ["grub-site.efi", "undionly.kpxe", "ipxe-arm64.efi", "manifest.toml"] {
        assert_eq!(fetched(&machine, name), None, "{name}");
    }

    let status = status(&daemon);
    let shown = |name: &str| -> FirmwareView {
        let mut own = status.own_firmware.iter();
        own.find(|own| own.name == name).expect("it is shown").clone()
    };
    assert_eq!(shown("shim-site.efi").sha256, Some(shim));
    assert_eq!(shown("shim-site.efi").arch, ["efi64"]);
    assert_eq!(shown("ipxe-site.efi").replaces, ["snponly.efi", "ipxe.efi"]);
    assert!(shown("ipxe-site.efi").served && !shown("grub-site.efi").served);
    let warned = |words: &str| status.warnings.iter().any(|warning| warning.contains(words));
    assert!(
        warned("grub-site.efi` is not served: its SHA-256 is"),
        "{:?}",
        status.warnings
    );
    assert!(warned("manifest.toml:11 lists another"), "{:?}", status.warnings);
    assert!(warned("ipxe-arm64.efi` is not served: "), "{:?}", status.warnings);
    let said = cli::ask(&daemon.socket(), "status").out;
    assert!(
        said.contains("ipxe-site.efi, in place of snponly.efi, ipxe.efi: served, as"),
        "{said}"
    );
    assert!(
        said.contains("grub-site.efi, in place of undionly.kpxe: NOT served"),
        "{said}"
    );
}

#[test]
fn a_manifest_with_a_mistake_is_told_by_file_and_line_and_nothing_of_the_set_is_served() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    let manifest = "# our set\n[[file]]\nname = \"snponly.efi\"\nsha256 = \"123\"\narch = [\"vax\"]\n";
    put(&daemon, "manifest.toml", manifest.as_bytes());
    daemon.run();
    daemon.wait_for_log("ready ");
    for name in ["snponly.efi", "undionly.kpxe", "manifest.toml"] {
        assert_eq!(fetched(&machine, name), None, "{name}");
    }
    let path = daemon.data_dir().join("firmware/manifest.toml");
    let warnings = status(&daemon).warnings;
    for told in [
        format!("{}:4: a SHA-256 has 64", path.display()),
        format!("{}:5: there is no architecture `vax`", path.display()),
    ] {
        assert!(
            warnings.iter().any(|warning| warning.contains(&told)),
            "{told}: {warnings:?}"
        );
        daemon.wait_for_log(&told);
        let data = daemon.data_dir().display().to_string();
        let checked = cli::run(&format!(
            "check --config {} --data-dir {data}",
            daemon.config().display()
        ));
        let said = checked.out + &checked.err;
        assert!(said.contains(&told), "{said}");
    }
}
