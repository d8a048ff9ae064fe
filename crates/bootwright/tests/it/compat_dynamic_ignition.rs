//! dynamic-ignition-coreos's machines against the real daemon (`docs/dialects.md`, section 5): PXELINUX by TFTP, the
//! configuration by the address that asks.

use std::fs;

use serde_json::Value;

use crate::coreos::{make_files, starts_its_disk, state, switch_on};
use crate::daemon::{Daemon, wait_until};
use crate::ignition::validate;
use crate::install::segment;
use crate::netns::Netns;
use crate::python::{ask, get};

const DOOR: &str = "http://10.77.0.1:5000";

const DEFAULT: &str = "DEFAULT menu.c32\nPROMPT 0\nTIMEOUT 30\nLABEL fcos\n  MENU DEFAULT\n  KERNEL images/coreos/kernel\n  \
    APPEND ip=dhcp rd.neednet=1 initrd=images/coreos/initramfs.img coreos.inst=yes coreos.inst.install_dev=vda \
    coreos.inst.image_url=http://10.77.0.1:8080/images/coreos/metal.raw.gz \
    coreos.inst.ignition_url=http://10.77.0.1:5000/get_ignition\n  IPAPPEND 2\n";

const BASE: &str = include_str!("../../../bootwright-proto/test_data/compat/dynamic-ignition/5.2-base.ign");
const ANSWER: &str = include_str!("../../../bootwright-proto/test_data/compat/dynamic-ignition/5.2-answer.json");

fn site<'a>(inside: &'a Netns, more: &str) -> Daemon<'a> {
    let mut daemon = Daemon::prepare(inside, "");
    let data = daemon.directory().join("dynamic-ignition");
    fs::create_dir_all(data.join("pxelinux.cfg")).expect("a directory");
    fs::write(data.join("pxelinux.cfg/default"), DEFAULT).expect("a file");
    fs::write(data.join("config.ign"), BASE).expect("a file");
    make_files(&daemon.data_dir());
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp.arch]\nbios = \"pxelinux.0\"\n[[rules]]\n\
         name = \"new\"\nwhen = {{ mac = \"52:54:00:*\" }}\nprofile = \"dynamic-ignition\"\nauto_arm = true\nlimit = 5\n\
         [compat.dynamic-ignition]\nenabled = true\nlisten = \":5000\"\ndata_dir = \"{}\"\n{more}",
        data.display()
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

fn hostname(config: &Value) -> String {
    let files = config["storage"]["files"].as_array().expect("files");
    let file = files
        .iter()
        .find(|file| file["path"] == "/etc/hostname")
        .expect("a name");
    let source = file["contents"]["source"].as_str().expect("a source");
    source.strip_prefix("data:,").expect("plain").to_owned()
}

/// The golden answer with this name.
fn golden(name: &str) -> Value {
    serde_json::from_str(&ANSWER.replace("HOSTNAME", name)).expect("JSON")
}

#[test]
fn a_new_machine_is_known_by_its_address_keeps_its_name_and_is_done_with_its_configuration_where_the_operator_says_so()
{
    let (inside, machine) = segment();
    let daemon = site(&inside, "done = \"config-served\"\n");
    let url = format!("{DOOR}/get_ignition");
    let nothing = get(&machine, &url);
    assert_eq!((nothing.status(), nothing.text()), (200, "{}"), "nobody has started it");
    let told = switch_on(&machine);
    assert!(
        told.contains("  LINUX images/coreos/kernel\n  INITRD images/coreos/initramfs.img\n"),
        "{told}"
    );
    assert!(told.contains(&format!(" coreos.inst.ignition_url={url}")), "{told}");
    assert!(
        !told.contains("ignition.config.url"),
        "the line is the operator's: {told}"
    );
    let stranger = get(&inside, &url);
    assert_eq!(stranger.text(), "{}", "another card than the machine's");
    let head = ask(&machine, "HEAD", &url, "");
    assert_eq!((head.status(), head.text()), (200, ""));
    assert_eq!(state(&daemon), "installing", "looking is not fetching");

    let config = get(&machine, &url);
    assert_eq!((config.status(), config.media_type()), (200, "application/json"));
    let name = hostname(config.json());
    assert_eq!(config.json(), &golden(&name), "{}", config.text());
    assert_eq!(validate(config.text()), (true, String::new()));
    wait_until("the run is over", || state(&daemon) == "installed");
    assert_eq!(get(&machine, &url).text(), "{}", "the configuration ends with the run");
    starts_its_disk(&machine);

    // Installed anew, it has the name that it had.
    let again = crate::install::command(&daemon, "52:54:00:00:00:01", r#"{"command":"arm"}"#);
    assert_eq!(again.status, 200, "{}", again.text());
    switch_on(&machine);
    assert_eq!(hostname(get(&machine, &url).json()), name);
    let hello = get(&machine, &format!("{DOOR}/"));
    assert_eq!((hello.status(), hello.text()), (200, "Hello World\n"));
    assert_eq!(hello.media_type(), "text/html; charset=utf-8");
    assert_eq!(get(&machine, &format!("{DOOR}/nodes.json")).status(), 404);
}

#[test]
fn by_default_the_live_system_reports_and_the_configuration_alone_ends_nothing() {
    let (inside, machine) = segment();
    let daemon = site(&inside, "");
    let told = switch_on(&machine);
    let live = told
        .split_whitespace()
        .find_map(|word| word.strip_prefix("ignition.config.url="));
    let live = live.expect("a configuration for the live system").to_owned();
    let config = get(&machine, &format!("{DOOR}/get_ignition"));
    let units = config.json()["systemd"]["units"].to_string();
    let run = live.strip_suffix("/live.ign").expect("a document of its run");
    let token = run.rsplit_once("/r/").expect("a run").1;
    // It reports where it asked.
    assert!(units.contains(&format!("{DOOR}/r/{token}/up")), "{units}");
    let live = get(&machine, &live);
    assert!(live.text().contains(&format!("{run}/done")), "{}", live.text());
    for text in [config.text(), live.text()] {
        assert_eq!(validate(text), (true, String::new()));
    }
    assert_eq!(state(&daemon), "installing");
    assert_eq!(get(&machine, &format!("{run}/done")).text(), "ok\n");
    starts_its_disk(&machine);
}

#[test]
fn without_a_base_configuration_a_machine_is_told_what_the_original_says_and_check_what_to_do() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, "");
    let data = daemon.directory().join("empty");
    fs::create_dir_all(&data).expect("a directory");
    fs::write(data.join("nodes.json"), "{}").expect("a file");
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n[compat.dynamic-ignition]\nenabled = true\n\
         listen = \":5000\"\ndata_dir = \"{}\"\n",
        data.display()
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    let told = get(&machine, &format!("{DOOR}/get_ignition"));
    let words = "Could not open ignition config file for node function None";
    assert_eq!((told.status(), told.text()), (500, words));
    daemon.wait_for_log("there is no `config.ign`, the configuration of all machines");
}
