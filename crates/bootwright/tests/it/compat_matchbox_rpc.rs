//! matchbox's API for programs, asked by Python's own gRPC with real certificates (`docs/dialects.md`, 3.10).

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::daemon::{Daemon, wait_until};
use crate::install::segment;
use crate::netns::Netns;
use crate::python::get;

/// A client that knows the calls and the numbers of the fields, and nothing of us.
const CLIENT: &str = include_str!("compat_matchbox_rpc.py");

fn openssl(directory: &Path, words: &str) {
    let made = Command::new("openssl")
        .args(words.split(' '))
        .current_dir(directory)
        .output();
    let made = made.expect("openssl runs");
    assert!(
        made.status.success(),
        "{words}: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// An authority, and certificates by it.
fn certificates(directory: &Path, authority: &str, names: &[&str]) {
    let new = "req -newkey rsa:2048 -sha256 -nodes";
    let own = format!("{new} -days 2 -x509 -subj /CN={authority} -keyout {authority}.key -out {authority}.crt");
    openssl(directory, &own);
    for name in names {
        let address = "-addext subjectAltName=IP:10.77.0.1";
        openssl(
            directory,
            &format!("{new} -subj /CN={name} {address} -keyout {name}.key -out {name}.csr"),
        );
        let sign = format!("x509 -req -days 2 -copy_extensions copyall -CA {authority}.crt -CAkey {authority}.key");
        openssl(
            directory,
            &format!("{sign} -CAcreateserial -in {name}.csr -out {name}.crt"),
        );
    }
}

/// What the client says at its end.
fn client(inside: &Netns, directory: &Path, own: &str, more: &[&str]) -> String {
    let file = |name: &str| directory.join(name);
    let output = inside
        .command("/usr/bin/python3")
        .args(["-c", CLIENT, "10.77.0.1:8083"])
        .args([file("ca.crt"), file(&format!("{own}.crt")), file(&format!("{own}.key"))])
        .args(more)
        .output()
        .expect("Python runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{own} {more:?}: {words}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn daemon(inside: &Netns) -> (Daemon<'_>, PathBuf, PathBuf) {
    let mut daemon = Daemon::prepare(inside, "");
    let (data, keys) = (daemon.directory().join("matchbox"), daemon.directory().join("keys"));
    std::fs::create_dir_all(data.join("assets")).expect("a directory");
    std::fs::create_dir_all(&keys).expect("a directory");
    certificates(&keys, "ca", &["server", "client"]);
    certificates(&keys, "other-ca", &["stranger"]);
    let (data_dir, file) = (data.display(), |name: &str| keys.join(name).display().to_string());
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n[compat.matchbox]\nenabled = true\n\
         listen = \":8082\"\nconfigs = \"anybody\"\ndata_dir = \"{data_dir}\"\nrpc_listen = \":8083\"\n\
         cert_file = \"{}\"\nkey_file = \"{}\"\nca_file = \"{}\"\n",
        file("server.crt"),
        file("server.key"),
        file("ca.crt")
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    (daemon, data, keys)
}

#[test]
fn what_the_provider_of_terraform_writes_lasts_counts_at_once_and_arms_nobody() {
    let (inside, machine) = segment();
    let (mut daemon, data, keys) = daemon(&inside);
    assert_eq!(client(&machine, &keys, "client", &["good"]), "good");
    let ask = |route: &str| {
        get(
            &machine,
            &format!("http://10.77.0.1:8082/{route}?mac=52-54-00-a1-9c-ae"),
        )
    };
    wait_until("what was written is served", || ask("generic").text() == "a\n");
    assert_eq!(ask("ignition").json()["ignition"]["version"], "3.4.0");
    assert!(
        ask("ipxe").text().contains("This machine is waiting"),
        "writing data arms nobody"
    );
    let reading = std::fs::read_to_string(data.join("groups/node1.json")).expect("the group's file");
    assert!(reading.contains("\"pool\": \"a\""), "{reading}");

    daemon.stop();
    daemon.run();
    daemon.wait_for_log("ready ");
    assert_eq!(ask("generic").text(), "a\n", "it lasts");
    std::fs::remove_dir_all(&data).expect("all is gone");
    assert_eq!(client(&machine, &keys, "client", &["good", "delete"]), "good");
    let left: Vec<_> = ["groups", "profiles", "ignition", "generic"]
        .iter()
        .flat_map(|kind| std::fs::read_dir(data.join(kind)).expect("a directory"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn nobody_without_a_certificate_of_the_authority_gets_as_far_as_a_call() {
    let (inside, machine) = segment();
    let (_daemon, data, keys) = daemon(&inside);
    for (own, mode) in [
        ("client", "no-certificate"),
        ("stranger", "stranger"),
        ("client", "plain"),
    ] {
        assert_eq!(client(&machine, &keys, own, &[mode]), "UNAVAILABLE", "{own} {mode}");
    }
    assert!(!data.join("groups").exists());
    assert_eq!(
        client(&machine, &keys, "client", &["good"]),
        "good",
        "or the rest would prove nothing"
    );
}
