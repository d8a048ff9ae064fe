//! bootcfg's clients against the real daemon: their requests, and the answers that they read (`docs/dialects.md`, section 1).

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::daemon::{Daemon, get as ask_ours, wait_until};
use crate::install::{OURS, command, segment};
use crate::netns::Netns;
use crate::python::{ask, get};

/// bootcfg's own door.
const DOOR: &str = "http://10.77.0.1:8081";
const UUID: &str = "16e7d8a7-bfa9-428b-9117-363341bb330b";
const MAC: &str = "52-54-00-89-d8-10";
const HOST: &str = "52:54:00:89:d8:10";

const SPEC: &str = r#"{"id": "etcd", "boot": {"kernel": "/images/coreos/vmlinuz", "initrd": ["/images/coreos/initrd"],
 "cmdline": {"coreos.autologin": "", "cloud-config-url": "http://10.77.0.1:8081/cloud?uuid=${uuid}",
             "bootwright.url": "{{ run.url }}"}}, "cloud_id": "etcd.yaml", "ignition_id": "etcd.json"}"#;
const CLOUD: &str = "#cloud-config\nwrite_files:\n- content: '{{ .Node }} {% raw %}'\n";

/// A daemon that serves a directory of bootcfg's.
fn daemon<'a>(inside: &'a Netns, more: &str) -> (Daemon<'a>, PathBuf) {
    let mut daemon = Daemon::prepare(inside, "");
    let site = daemon.directory().join("bootcfg");
    let data = site.join("data");
    for (path, text) in [
        (
            format!("machines/{HOST}/machine.json"),
            r#"{"id": "52:54:00:89:d8:10", "spec_id": "etcd"}"#,
        ),
        ("specs/etcd/spec.json".to_owned(), SPEC),
        ("cloud/etcd.yaml".to_owned(), CLOUD),
        (
            "ignition/etcd.json".to_owned(),
            r#"{"ignitionVersion": 1, "passwd": {"users": [{"name": "core"}]}}"#,
        ),
    ] {
        write(&data, &path, text);
    }
    write(&site, "images/coreos/vmlinuz", "a kernel");
    write(&site, "images/coreos/initrd", "an initial ramdisk");
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n\
         [compat.bootcfg]\nenabled = true\ndata_dir = \"{}\"\n{more}",
        data.display()
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    (daemon, data)
}

fn write(directory: &std::path::Path, path: &str, text: &str) {
    let path = directory.join(path);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn question(route: &str) -> String {
    format!("{DOOR}/{route}?uuid={UUID}&mac={MAC}&ip=10.77.0.50&domain=&hostname=&serial=")
}

fn arm(daemon: &Daemon<'_>) {
    let answer = command(daemon, HOST, r#"{"command":"arm"}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_machine_of_bootcfg_is_held_armed_with_its_spec_installed_once_and_then_left_to_its_disk() {
    let (inside, machine) = segment();
    machine.ip(&format!("link set eth0 address {HOST}"));
    let (daemon, _) = daemon(&inside, "listen = \":8081\"\n");
    for name in ["boot.ipxe", "boot.ipxe.0"] {
        let script = get(&machine, &format!("{DOOR}/{name}"));
        let golden = include_str!("../../../bootwright-proto/test_data/compat/bootcfg/1.2-boot.ipxe");
        assert_eq!((script.status(), script.text()), (200, golden), "{name}");
    }
    let held = get(&machine, &question("ipxe"));
    assert!(held.text().contains("This machine is waiting"), "{}", held.text());
    assert!(
        held.text().contains(&format!("{DOOR}/hold?")),
        "it asks again here: {}",
        held.text()
    );
    for route in ["cloud", "ignition"] {
        assert_eq!(
            get(&machine, &question(route)).status(),
            404,
            "{route} of a machine without a run"
        );
    }

    arm(&daemon);
    let script = get(&machine, &question("ipxe"));
    let run = script
        .text()
        .split_once("bootwright.url=")
        .expect("an install script")
        .1;
    let run = run.split_whitespace().next().expect("a URL").to_owned();
    let golden = format!(
        "#!ipxe\nkernel /images/coreos/vmlinuz bootwright.url={run} \
         cloud-config-url=http://10.77.0.1:8081/cloud?uuid=${{uuid}} coreos.autologin\n\
         initrd /images/coreos/initrd \nboot\n"
    );
    assert_eq!(script.text(), golden);
    assert!(run.starts_with(&format!("{DOOR}/r/")), "{run}");

    assert_eq!(
        get(&machine, &format!("{DOOR}/images/coreos/vmlinuz")).text(),
        "a kernel"
    );
    let cloud = get(&machine, &question("cloud"));
    assert_eq!((cloud.status(), cloud.text()), (200, CLOUD));
    assert!(cloud.media_type().starts_with("text/plain"), "{}", cloud.media_type());
    let ignition = get(&machine, &question("ignition"));
    let wanted = json!({"ignitionVersion": 1, "storage": {}, "systemd": {}, "networkd": {}, "passwd": {"users": [{"name": "core"}]}});
    assert_eq!(ignition.json(), &wanted, "{ignition:?}");
    let foreign = get(&inside, &question("cloud"));
    assert_eq!(foreign.status(), 404, "from another card than the machine's");

    assert_eq!(get(&machine, &format!("{run}/done")).text(), "ok\n");
    assert_eq!(
        get(&machine, &question("cloud")).status(),
        404,
        "documents end with the run"
    );
    let local = get(&machine, &question("ipxe"));
    assert!(local.text().contains("sanboot --no-describe"), "{}", local.text());
    assert_eq!(get(&machine, &format!("{DOOR}/nothing")).text(), "404 page not found\n");
}

#[test]
fn pixiecore_is_told_the_same_attempt_as_often_as_it_asks_for_one_boot() {
    let (inside, machine) = segment();
    let (daemon, _) = daemon(&inside, "listen = \":8081\"\n");
    let url = format!("{DOOR}/pixiecore/v1/boot/{HOST}");
    assert_eq!(get(&machine, &url).status(), 404, "nobody has armed it");
    arm(&daemon);
    let first = get(&machine, &url);
    assert_eq!(first.json()["kernel"], "/images/coreos/vmlinuz", "{first:?}");
    assert_eq!(first.json()["cmdline"]["coreos.autologin"], "");
    for _ in 0..3 {
        assert_eq!(get(&machine, &url).text(), first.text());
    }
    daemon.wait_for_log("(attempt 1 of 2)");
    assert!(!daemon.log().contains("(attempt 2 of 2)"));
    let wrong = get(&machine, &format!("{DOOR}/pixiecore/v1/boot/nobody"));
    assert_eq!((wrong.status(), wrong.text()), (400, "invalid MAC address nobody\n"));
}

#[test]
fn files_are_read_again_when_they_change_and_a_mistake_in_one_concerns_nobody_else() {
    let (inside, machine) = segment();
    let (daemon, data) = daemon(&inside, "listen = \":8081\"\nconfigs = \"anybody\"\n");
    let spec = |name: &str| get(&machine, &format!("{DOOR}/spec/{name}"));
    assert_eq!(spec("etcd").json()["boot"]["kernel"], "/images/coreos/vmlinuz");
    let machine_file = get(&machine, &format!("{DOOR}/machine/{HOST}"));
    assert_eq!(machine_file.json()["spec"]["id"], "etcd", "{machine_file:?}");
    let posted = ask(&machine, "POST", &format!("{DOOR}/spec/etcd"), "x");
    assert_eq!((posted.status(), posted.text()), (405, "only HTTP GET is supported\n"));

    write(&data, "specs/other/spec.json", r#"{"boot": {"kernel": "/images/new"}}"#);
    write(&data, "specs/broken/spec.json", "{\n  \"boot\": {,}\n}\n");
    wait_until("the new spec is served", || spec("other").status() == 200);
    assert_eq!(spec("broken").status(), 404);
    assert_eq!(spec("etcd").status(), 200, "what is good stays");
    let told = daemon.wait_for_log("not JSON");
    assert!(!told.is_empty());
    daemon.wait_for_log("specs/broken/spec.json:2:12");

    write(
        &data,
        "specs/etcd/spec.json",
        &SPEC.replace("coreos/vmlinuz", "coreos/newer"),
    );
    wait_until("the changed spec is served", || {
        spec("etcd").json()["boot"]["kernel"] == "/images/coreos/newer"
    });
    fs::remove_file(data.join("specs/etcd/spec.json")).expect("it is removed");
    wait_until("it is gone", || spec("etcd").status() == 404);
}

#[test]
fn without_a_port_of_its_own_only_what_is_nobody_elses_is_on_the_machine_plane() {
    let (inside, machine) = segment();
    let (daemon, _) = daemon(&inside, "configs = \"anybody\"\n");
    let ours = "http://10.77.0.1:8080";
    let cloud = get(&machine, &format!("{ours}/cloud?mac={MAC}"));
    assert_eq!((cloud.status(), cloud.text()), (200, CLOUD));
    assert!(
        get(&machine, &format!("{ours}/boot.ipxe.0"))
            .text()
            .starts_with("#!ipxe\nchain ipxe?uuid=")
    );
    let script = ask_ours(&machine, OURS, "/boot.ipxe");
    assert!(
        script.text().contains("# Says who this machine is"),
        "{}",
        script.text()
    );
    assert_eq!(get(&machine, &format!("{ours}/images/coreos/vmlinuz")).status(), 404);
    daemon.wait_for_log("without `listen`, bootcfg's `/boot.ipxe`, `/ipxe`, `/images`, `/assets` are not served");
}
