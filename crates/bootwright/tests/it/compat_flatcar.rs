//! The Flatcar container's node configurations against the real daemon (`docs/dialects.md`, section 6).

use std::fs;
use std::process::Command;

use crate::daemon::{Daemon, get as ask_ours};
use crate::ignition::validate;
use crate::install::{OURS, command, question, segment};
use crate::python::get;

const CARD: &str = "52-54-00-00-00-01";

const NODE: &str = "variant: flatcar\nversion: 1.0.0\npasswd:\n  users:\n    - name: core\n      ssh_authorized_keys:\n        \
                    - ssh-ed25519 AAAA operator\nstorage:\n  files:\n    - path: /etc/motd\n      contents:\n        \
                    inline: \"{{ not ours }}\"\n";

#[test]
fn a_node_is_installed_in_two_stages_reports_and_starts_its_disk_and_anothers_typo_is_its_own() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, "");
    let nodes = daemon.directory().join("flatcar/node-configs");
    fs::create_dir_all(&nodes).expect("a directory");
    fs::write(nodes.join("node1-ignite-boot.yml"), NODE).expect("a file");
    fs::write(nodes.join("node2-ignite-boot.yml"), NODE.replace("users:", "user:")).expect("a file");
    for file in ["pxe.vmlinuz", "pxe_image.cpio.gz"] {
        let path = daemon
            .data_dir()
            .join(format!("images/flatcar/flatcar_production_{file}"));
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, file).expect("a file");
    }
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n[compat.flatcar]\nenabled = true\n\
         data_dir = \"{}\"\n[hosts.node1]\nmac = \"52:54:00:00:00:01\"\nmetadata = {{ disk = \"/dev/vda\" }}\n",
        daemon.directory().join("flatcar").display()
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon.wait_for_log("node2-ignite-boot.yml:4:3");
    let check = Command::new(env!("CARGO_BIN_EXE_bootwright"))
        .arg("--config")
        .arg(daemon.config())
        .arg("--data-dir")
        .arg(daemon.data_dir())
        .arg("check")
        .output()
        .expect("it runs");
    let words = [check.stdout, check.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    assert!(words.contains("node2-ignite-boot.yml:4:3"), "{words}");
    assert!(!words.contains("node1-ignite-boot.yml"), "{words}");

    let ask = || ask_ours(&machine, OURS, &question(CARD)).text().to_owned();
    assert!(ask().contains("This machine is waiting"));
    let answer = command(&daemon, "node1", r#"{"command":"arm"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let script = ask();
    assert!(
        script.contains("/images/flatcar/flatcar_production_pxe.vmlinuz"),
        "{script}"
    );
    let live = script
        .split_whitespace()
        .find_map(|word| word.strip_prefix("ignition.config.url="));
    let live = live.expect("the first stage").to_owned();
    assert!(script.contains("flatcar.first_boot=1"), "{script}");
    let run = live.strip_suffix("/ignite.ign").expect("a document of its run");
    let first = get(&machine, &live);
    assert!(
        first.text().contains(&format!("\"{run}/ignite-boot.ign\"")),
        "{}",
        first.text()
    );
    let install = get(&machine, &format!("{run}/install.sh"));
    assert!(
        install
            .text()
            .contains("flatcar-install -d \"$disk\" -i /opt/ignition.json"),
        "{}",
        install.text()
    );
    assert!(
        install.text().contains("disk='/dev/vda'") || install.text().contains("disk=/dev/vda"),
        "{}",
        install.text()
    );
    let second = get(&machine, &format!("{run}/ignite-boot.ign"));
    assert!(
        second.text().contains("e3sgbm90IG91cnMgfX0=") && second.text().contains("data:,node1"),
        "{}",
        second.text()
    );
    assert!(second.text().contains(&format!("{run}/up")), "{}", second.text());
    for text in [first.text(), second.text()] {
        assert_eq!(validate(text), (true, String::new()), "{text}");
    }
    assert_eq!(get(&machine, &format!("{run}/done")).text(), "ok\n");
    let local = ask();
    assert!(local.contains("starts its own disk"), "{local}");
    assert_eq!(get(&machine, &live).status(), 404, "documents end with the run");
}
