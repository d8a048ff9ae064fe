//! matchbox's clients against the real daemon: their requests, and the answers that they read (`docs/dialects.md`, section 3).

use std::fs;
use std::path::{Path, PathBuf};

use crate::daemon::{Daemon, wait_until};
use crate::install::{command, segment};
use crate::netns::Netns;
use crate::python::get;

/// matchbox's own door.
const DOOR: &str = "http://10.77.0.1:8082";
const MAC: &str = "52-54-00-a1-9c-ae";
const HOST: &str = "52:54:00:a1:9c:ae";

const PROFILE: &str = r#"{"id": "install", "boot": {"kernel": "/assets/linux", "initrd": ["--name main /assets/initrd"],
 "args": ["initrd=main", "flatcar.first_boot=yes", "u={{ run.url }}"]},
 "ignition_id": "install.yaml", "cloud_id": "c", "generic_id": "g"}"#;
const BUTANE: &str = "variant: flatcar\nversion: 1.0.0\nstorage:\n  files:\n    - path: /etc/issue\n      contents:\n        inline: '{{.words}} & {{.bootwright.run_url}}'\n";
const IGNITION: &str =
    r#"{"ignition": {"version": "3.0.0"}, "systemd": {"units": [{"name": "a.service", "enabled": true}]}}"#;

/// A daemon that serves a directory of matchbox's.
fn daemon<'a>(inside: &'a Netns, more: &str, others: &[(&str, &str)]) -> (Daemon<'a>, PathBuf) {
    let mut daemon = Daemon::prepare(inside, "");
    let data = daemon.directory().join("matchbox");
    for (path, text) in [
        (
            "groups/install.json",
            r#"{"id": "install", "profile": "install", "metadata": {"words": "{{ .Names }}", "etcd": {"name": "node1"}}}"#,
        ),
        (
            "groups/installed.json",
            r#"{"id": "installed", "profile": "node", "selector": {"os": "installed"}}"#,
        ),
        ("profiles/install.json", PROFILE),
        ("profiles/node.json", r#"{"id": "node", "ignition_id": "node.ign"}"#),
        ("ignition/install.yaml", BUTANE),
        ("ignition/node.ign", IGNITION),
        ("cloud/c", "#cloud-config\nx: {{.etcd.name}}\n"),
        ("generic/g", "{{.etcd.name}} {{.request.query.mac}}\n"),
        ("assets/linux", "a kernel"),
        ("assets/initrd", "an initial ramdisk"),
    ] {
        write(&data, path, text);
    }
    for (path, text) in others {
        write(&data, path, text);
    }
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n\
         [compat.matchbox]\nenabled = true\ndata_dir = \"{}\"\n{more}",
        data.display()
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    (daemon, data)
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn question(route: &str) -> String {
    format!("{DOOR}/{route}?uuid=&mac={MAC}&domain=&hostname=&serial=&arch=x86_64")
}

#[test]
fn a_machine_of_matchbox_is_held_armed_with_its_group_installed_once_and_then_left_to_its_disk() {
    let (inside, machine) = segment();
    machine.ip(&format!("link set eth0 address {HOST}"));
    let (daemon, _) = daemon(&inside, "listen = \":8082\"\n", &[]);
    let name = get(&machine, &format!("{DOOR}/"));
    assert_eq!((name.status(), name.text()), (200, "matchbox\n"));
    for name in ["boot.ipxe", "boot.ipxe.0"] {
        let script = get(&machine, &format!("{DOOR}/{name}"));
        let golden = include_str!("../../../bootwright-proto/test_data/compat/matchbox/3.3-boot.ipxe");
        assert_eq!((script.status(), script.text()), (200, golden), "{name}");
    }
    let held = get(&machine, &question("ipxe"));
    assert!(held.text().contains("This machine is waiting"), "{}", held.text());
    let grub = get(&machine, &question("grub"));
    assert!(
        grub.text().contains("bootwright/grub/"),
        "it waits there, too: {}",
        grub.text()
    );
    for route in ["cloud", "ignition", "generic", "metadata"] {
        let none = get(&machine, &question(route));
        assert_eq!((none.status(), none.text()), (404, "404 page not found\n"), "{route}");
    }

    let answer = command(&daemon, HOST, r#"{"command":"arm"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let script = get(&machine, &question("ipxe"));
    let run = script.text().split_once(" u=").expect("an install script").1;
    let run = run.split_whitespace().next().expect("a URL").to_owned();
    assert!(run.starts_with(&format!("{DOOR}/r/")), "{run}");
    let golden = format!(
        "#!ipxe\nkernel /assets/linux initrd=main flatcar.first_boot=yes u={run}\ninitrd --name main /assets/initrd\nboot\n"
    );
    assert_eq!(script.text(), golden);
    assert_eq!(get(&machine, &format!("{DOOR}/assets/linux")).text(), "a kernel");

    let ignition = get(&machine, &question("ignition"));
    assert_eq!(ignition.media_type(), "application/json");
    assert_eq!(ignition.json()["ignition"]["version"], "3.4.0");
    let source = ignition.json()["storage"]["files"][0]["contents"]["source"].as_str();
    let source = source.expect("a URL of data").replace("%20", " ");
    assert!(source.contains(".Names") && source.contains("%26"), "{source}");
    let second = get(&machine, &format!("{}&os=installed", question("ignition")));
    assert_eq!(second.json()["systemd"]["units"][0]["name"], "a.service", "{second:?}");
    assert_eq!(
        second.json()["ignition"]["config"]["replace"]["verification"],
        serde_json::json!({})
    );
    let cloud = get(&machine, &question("cloud"));
    assert_eq!((cloud.status(), cloud.text()), (200, "#cloud-config\nx: node1\n"));
    let generic = get(&machine, &question("generic"));
    assert_eq!(generic.text(), format!("node1 {HOST}\n"));
    let metadata = get(&machine, &question("metadata"));
    assert_eq!(metadata.media_type(), "plain/text");
    for line in [
        "ETCD_NAME=node1",
        "REQUEST_QUERY_MAC=52:54:00:a1:9c:ae",
        "REQUEST_QUERY_ARCH=x86_64",
    ] {
        assert!(
            metadata.text().lines().any(|own| own == line),
            "{line}: {}",
            metadata.text()
        );
    }
    assert_eq!(get(&inside, &question("cloud")).status(), 404, "from another card");

    assert_eq!(get(&machine, &format!("{run}/done")).text(), "ok\n");
    assert_eq!(
        get(&machine, &question("ignition")).status(),
        404,
        "documents end with the run"
    );
    let local = get(&machine, &question("ipxe"));
    assert!(local.text().contains("sanboot --no-describe"), "{}", local.text());
}

#[test]
fn grub_is_told_what_an_armed_machine_boots_in_matchboxs_words() {
    let (inside, machine) = segment();
    let profile = r#"{"boot": {"kernel": "/assets/linux", "initrd": ["/assets/initrd"], "args": ["a=b", "c"]}}"#;
    let others = [("profiles/install.json", profile)];
    let (daemon, _) = daemon(&inside, "listen = \":8082\"\ndone = \"manual\"\n", &others);
    get(&machine, &question("ipxe"));
    let answer = command(&daemon, HOST, r#"{"command":"arm"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let golden = include_str!("../../../bootwright-proto/test_data/compat/matchbox/3.4-script.grub");
    let golden = golden
        .replace("/image/kernel", "/assets/linux")
        .replace(" \"/image/initrd_b\"", "");
    let golden = golden.replace("/image/initrd_a", "/assets/initrd");
    assert_eq!(get(&machine, &question("grub")).text(), golden);
}

#[test]
fn files_are_read_again_when_they_change_and_a_mistake_in_one_concerns_nobody_else() {
    let (inside, machine) = segment();
    let (daemon, data) = daemon(&inside, "listen = \":8082\"\nconfigs = \"anybody\"\n", &[]);
    let generic = |mac: &str| get(&machine, &format!("{DOOR}/generic?mac={mac}"));
    assert_eq!(generic(MAC).text(), "node1 52:54:00:ab:cd:ef\n");
    write(&data, "generic/other", "{{.selected}}\n");
    write(
        &data,
        "profiles/other.json",
        r#"{"boot": {"kernel": "/assets/linux"}, "generic_id": "other"}"#,
    );
    write(
        &data,
        "groups/other.json",
        r#"{"profile": "other", "selector": {"mac": "52:54:00:00:00:02"}, "metadata": {"selected": "one"}}"#,
    );
    write(&data, "groups/broken.json", "{\n  \"profile\": {,}\n}\n");
    wait_until("the new group counts", || {
        generic("52:54:00:00:00:02").text() == "one\n"
    });
    daemon.wait_for_log("groups/broken.json:2:15");
    assert_eq!(generic(MAC).text(), "node1 52:54:00:ab:cd:ef\n", "what is good stays");
    write(&data, "generic/other", "{{.selcted}}\n");
    daemon.wait_for_log("generic/other:1:3");
    fs::remove_file(data.join("groups/other.json")).expect("it is removed");
    fs::remove_file(data.join("groups/broken.json")).expect("it is removed");
    wait_until("the group is gone", || {
        generic("52:54:00:00:00:02").text() == generic(MAC).text()
    });
}

#[test]
fn without_a_port_of_its_own_only_what_is_nobody_elses_is_on_the_machine_plane() {
    let (inside, machine) = segment();
    let (daemon, _) = daemon(&inside, "configs = \"anybody\"\n", &[]);
    let ours = "http://10.77.0.1:8080";
    assert_eq!(
        get(&machine, &format!("{ours}/cloud?mac={MAC}")).text(),
        "#cloud-config\nx: node1\n"
    );
    let script = get(&machine, &format!("{ours}/boot.ipxe"));
    assert!(
        script.text().contains("# Says who this machine is"),
        "{}",
        script.text()
    );
    daemon.wait_for_log("without `listen`, matchbox's `/boot.ipxe`, `/ipxe`, `/assets` are not served");
}
