//! Signatures of what matchbox's clients are answered, fetched by curl and judged by GnuPG (`docs/dialects.md`, section 3).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::Daemon;
use crate::install::{command, segment};
use crate::netns::Netns;

const DOOR: &str = "http://10.77.0.1:8082";
const HOST: &str = "52:54:00:a1:9c:ae";
const WHO: &str = "mac=52-54-00-a1-9c-ae";

/// GnuPG with a home of the test's own, and the secret key that it has made.
struct Gpg(PathBuf);

impl Gpg {
    fn new(home: PathBuf) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(&home).expect("a directory");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a private directory");
        let gpg = Self(home);
        let user = "site <site@example.net>";
        assert!(gpg.run(&["--quick-generate-key", user, "ed25519", "sign", "never"]).0);
        gpg
    }

    fn run(&self, arguments: &[&str]) -> (bool, Vec<u8>) {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(&self.0);
        gpg.args(["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]);
        let output = gpg.args(arguments).output().expect("gpg runs");
        (output.status.success(), output.stdout)
    }

    fn takes(&self, signature: &Path, document: &Path) -> bool {
        let [signature, document] = [signature, document].map(|path| path.display().to_string());
        self.run(&["--verify", &signature, &document]).0
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        let _ = end.arg("--homedir").arg(&self.0).args(["--kill", "gpg-agent"]).output();
    }
}

/// Fetches into a file; false where the server says no.
fn fetch(machine: &Netns, url: &str, to: &Path) -> bool {
    let mut curl = machine.command("curl");
    curl.args(["--silent", "--fail", "--max-time", "30", "--output"])
        .arg(to);
    curl.arg(url).status().expect("curl runs").success()
}

fn site<'a>(inside: &'a Netns, key: &str) -> (Daemon<'a>, PathBuf) {
    let daemon = Daemon::prepare(inside, "");
    let home = daemon.directory().to_owned();
    for (path, text) in [
        ("m/groups/all.json", r#"{"id": "all", "profile": "os"}"#),
        (
            "m/profiles/os.json",
            r#"{"id": "os", "boot": {"kernel": "/assets/linux", "args": ["u={{ run.url }}"]}, "cloud_id": "c"}"#,
        ),
        ("m/cloud/c", "#cloud-config\n"),
        ("m/assets/linux", "a kernel"),
    ] {
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n[compat.matchbox]\nenabled = true\n\
         listen = \":8082\"\ndata_dir = \"{0}/m\"\nkey_ring = \"{0}/{key}\"\n",
        home.display()
    ));
    (daemon, home)
}

#[test]
fn what_a_machine_was_sent_is_signed_byte_for_byte_and_nothing_else_is() {
    let (inside, machine) = segment();
    machine.ip(&format!("link set eth0 address {HOST}"));
    let (mut daemon, home) = site(&inside, "site.asc");
    let gpg = Gpg::new(home.join("gpg"));
    let (good, secret) = gpg.run(&["--armor", "--export-secret-keys"]);
    assert!(good);
    fs::write(home.join("site.asc"), secret).expect("a file");
    daemon.run();
    daemon.wait_for_log("ready ");
    let (document, signature) = (home.join("document"), home.join("signature"));
    let script = format!("{DOOR}/ipxe?{WHO}");
    let signed = |ending: &str| format!("{DOOR}/ipxe{ending}?{WHO}");
    assert!(!fetch(&machine, &signed(".sig"), &signature), "nothing was sent yet");
    assert!(fetch(&machine, &script, &document));
    assert!(fetch(&machine, &signed(".sig"), &signature));
    assert!(gpg.takes(&signature, &document), "the script that holds it");
    // Armed, it is sent another script, with a token that no one could know before. Asking for signatures is no attempt.
    assert_eq!(command(&daemon, HOST, r#"{"command":"arm"}"#).status, 200);
    assert!(fetch(&machine, &script, &document));
    let text = fs::read_to_string(&document).expect("a script");
    assert!(text.contains("kernel /assets/linux u="), "{text}");
    for ending in [".asc", ".sig"] {
        assert!(fetch(&machine, &signed(ending), &signature), "{ending}");
        assert!(gpg.takes(&signature, &document), "{ending}");
    }
    assert!(
        !fetch(&inside, &signed(".sig"), &signature),
        "somebody else was sent nothing"
    );
    for name in ["cloud", "metadata", "boot.ipxe"] {
        assert!(fetch(&machine, &format!("{DOOR}/{name}?{WHO}"), &document), "{name}");
        assert!(
            fetch(&machine, &format!("{DOOR}/{name}.asc?{WHO}"), &signature),
            "{name}"
        );
        assert!(gpg.takes(&signature, &document), "{name}");
    }
    assert!(
        !fetch(&machine, &format!("{DOOR}/ignition?{WHO}"), &document),
        "there is none"
    );
    assert!(
        !fetch(&machine, &format!("{DOOR}/ignition.sig?{WHO}"), &signature),
        "what is no 200 has no signature"
    );
}

#[test]
fn a_key_that_cannot_be_used_is_told_and_machines_are_served_all_the_same() {
    let (inside, machine) = segment();
    let (mut daemon, home) = site(&inside, "site.asc");
    fs::write(home.join("site.asc"), "no key").expect("a file");
    daemon.run();
    daemon.wait_for_log("answers of matchbox are not signed");
    daemon.wait_for_log("ready ");
    let document = home.join("document");
    assert!(fetch(&machine, &format!("{DOOR}/boot.ipxe"), &document));
    assert!(!fetch(&machine, &format!("{DOOR}/boot.ipxe.sig"), &document));
    let checked = crate::cli::finish(
        crate::cli::bootwright()
            .arg("--config")
            .arg(daemon.config())
            .arg("check"),
    );
    let checked = format!("{}{}", checked.out, checked.err);
    assert!(checked.contains("cannot be read as a secret key"), "{checked}");
}
