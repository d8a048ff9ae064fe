//! A host's name is one: what DHCP, Ignition, cloud-init and the preseed file of one daemon say, read as its clients read them.

use std::path::PathBuf;

use crate::daemon::{Daemon, get};
use crate::install::{OURS, arm, question, run_url, segment};
use crate::netns::Netns;

const CARD: &str = "52-54-00-00-00-01";
const HOST: &str = "52:54:00:00:00:01";

const CONFIG: &str = r##"
[server]
interfaces = ["lab0"]

[dhcp]
mode = "server"
force = true
[[dhcp.pools]]
subnet = "10.77.0.0/24"
range = "10.77.0.100-10.77.0.199"
probe = false

[profiles.lab]
kernel = "/images/lab/vmlinuz"
args = ["bootwright.url={{ run.url }}"]

[profiles.lab.files]
"target.ign" = { text = '{"ignition":{"version":"3.3.0"}}', add = ["hostname"] }
"user-data" = "#cloud-config\nssh_pwauth: false\n"
"preseed.cfg" = "d-i netcfg/get_hostname string {{ host.name | preseed }}\n"
"##;

/// busybox's DHCP client, which writes down what it is told and leaves the machine as it is.
fn by_dhcp(machine: &Netns, script: &PathBuf) -> String {
    std::fs::write(script, "#!/bin/sh\n[ \"$1\" != bound ] || echo \"name=$hostname\"\n").expect("a script");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(script, executable).expect("it can be run");
    let output = machine
        .command("busybox")
        .args([
            "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "10", "-T", "2", "-O", "hostname", "-s",
        ])
        .arg(script)
        .output()
        .expect("busybox runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = said.lines().find_map(|line| line.strip_prefix("name="));
    let errors = String::from_utf8_lossy(&output.stderr);
    name.unwrap_or_else(|| panic!("no lease: {said}{errors}")).to_owned()
}

/// The name by each way: option 12, `/etc/hostname` of Ignition, `local-hostname` of cloud-init, `netcfg/get_hostname`.
fn names(daemon: &Daemon<'_>, machine: &Netns, run: &str) -> [String; 4] {
    let document = |name: &str| {
        let answer = get(machine, OURS, &format!("{run}/{name}"));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        answer.text().to_owned()
    };
    let ignition: serde_json::Value = serde_json::from_str(&document("target.ign")).expect("JSON");
    let file = &ignition["storage"]["files"][0];
    assert_eq!(file["path"], "/etc/hostname");
    let of_ignition = file["contents"]["source"]
        .as_str()
        .and_then(|url| url.strip_prefix("data:,"));
    let after = |text: &str, key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key));
        value.unwrap_or_else(|| panic!("`{key}` in {text}")).trim().to_owned()
    };
    [
        by_dhcp(machine, &daemon.directory().join("told")),
        of_ignition.expect("a name").to_owned(),
        after(&document("meta-data"), "local-hostname:"),
        after(&document("preseed.cfg"), "d-i netcfg/get_hostname string "),
    ]
}

/// Installs the machine twice and gives its name, which each way must tell each time.
fn only_name(more: &str) -> String {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, &format!("{CONFIG}{more}"));
    get(&machine, OURS, &question(CARD));
    let mut found = Vec::new();
    for run in 1..=2 {
        arm(&daemon, HOST, "lab");
        let script = get(&machine, OURS, &question(CARD));
        let url = run_url(script.text()).unwrap_or_else(|| panic!("no run: {}", script.text()));
        found.extend(names(&daemon, &machine, &url));
        assert_eq!(get(&machine, OURS, &format!("{url}/done")).status, 200, "run {run}");
        // The installed system asks for an address, too.
        found.push(by_dhcp(&machine, &daemon.directory().join("told")));
    }
    assert!(
        found.len() == 10 && found.iter().all(|name| *name == found[0]),
        "{found:?}"
    );
    found.swap_remove(0)
}

#[test]
fn a_hosts_name_is_the_same_by_dhcp_ignition_cloud_init_and_preseed_before_and_after_a_reinstall() {
    assert_eq!(
        only_name("[hosts.rack1-node3]\nmac = \"52:54:00:00:00:01\"\n"),
        "rack1-node3"
    );
    // One that the configuration does not name.
    assert_eq!(only_name("[naming]\npattern = \"lab-{number}\"\n"), "lab-1");
}
