//! KIWIspray's clients against the real daemon (`docs/dialects.md`, section 2).

use std::fs;
use std::path::Path;

use crate::cli;
use crate::daemon::Daemon;
use crate::install::{command, segment};
use crate::netns::Netns;
use crate::python::{ask, ask_as, get};

const DOOR: &str = "http://10.77.0.1:5000";
const HOST: &str = "52:54:00:89:d8:10";

const TEMPLATE: &str = "#!ipxe\nset HTTP_BASE http://@SERVER_IP@:@SERVER_PORT@\nset HTTP_STATE ${HTTP_BASE}/images/@state@\n\
kernel ${HTTP_STATE}/pxeboot.kernel initrd=pxeboot.initrd.xz rack=@metadata.rack@ kept=@metadata@ BOOTIF=01-${mac:hexhyp} \
razorurl=${HTTP_BASE}/post-install?id=@id@&bootid=@bootid@ || goto error\ninitrd ${HTTP_STATE}/pxeboot.initrd.xz\nboot\n";

fn daemon<'a>(inside: &'a Netns, more: &str) -> Daemon<'a> {
    let mut daemon = Daemon::prepare(inside, "");
    let data = daemon.directory().join("kiwispray");
    for image in ["discover", "leap"] {
        write(&data, &format!("images/{image}/host.tmpl"), TEMPLATE);
        write(&data, &format!("images/{image}/pxeboot.kernel"), "a kernel");
        write(
            &data,
            &format!("images/{image}/pxeboot.initrd.xz"),
            "an initial ramdisk",
        );
    }
    write(
        &data,
        "templates/post_install.tmpl",
        "echo {{ not ours }} @state@ @serial@ @nothing@\n",
    );
    write(&data, "known_hosts.json", "[]");
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n[compat.kiwispray]\nenabled = true\n\
         listen = \":5000\"\ndata_dir = \"{}\"\n{more}",
        data.display()
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// The machine's question, as KIWIspray's own script asks it.
fn bootstrap(machine: &Netns) -> String {
    let url = format!("{DOOR}/bootstrap?net0=52-54-00-89-d8-10&net1=&dhcp_mac=52-54-00-89-d8-10&serial=abc1&uuid=");
    get(machine, &url).text().to_owned()
}

/// The query behind `/post-install?` in an install script.
fn identity(script: &str) -> String {
    let rest = script.split_once("/post-install?").expect("an install script").1;
    rest.split_whitespace().next().expect("a query").to_owned()
}

#[test]
fn a_machine_goes_through_a_queue_of_kiwispray_images_and_tells_of_itself() {
    let (inside, machine) = segment();
    machine.ip(&format!("link set eth0 address {HOST}"));
    let daemon = daemon(&inside, "configs = \"anybody\"\n");
    assert!(
        get(&machine, &format!("{DOOR}/bootstrap.ipxe"))
            .text()
            .contains("chain --replace --autofree bootstrap?")
    );
    let held = bootstrap(&machine);
    assert!(held.contains("This machine is waiting"), "{held}");
    let armed = command(
        &daemon,
        HOST,
        r#"{"command":"arm","profiles":["kiwispray-discover","kiwispray-leap"]}"#,
    );
    assert_eq!(armed.status, 200, "{}", armed.text());

    let script = bootstrap(&machine);
    let query = identity(&script);
    let (id, bootid) = query
        .strip_prefix("id=")
        .and_then(|rest| rest.split_once("&bootid="))
        .expect("both");
    let wanted = TEMPLATE
        .replace("@SERVER_IP@", "10.77.0.1")
        .replace("@SERVER_PORT@", "5000")
        .replace("@state@", "discover")
        .replace("@id@", id)
        .replace("@bootid@", bootid)
        .replace("@metadata@", "{}");
    assert_eq!(script, wanted, "what is not known stays as it is");

    let after = get(&machine, &format!("{DOOR}/post-install?{query}"));
    assert_eq!(
        (after.status(), after.text()),
        (200, "echo {{ not ours }} discover ABC1 @nothing@\n")
    );
    assert_eq!(get(&machine, &format!("{DOOR}/state?id={id}")).text(), "discover\n");
    let form = "mac=52:54:00:00:77:01&metadata=%7B%22rack%22%3A+%22r7%22%7D";
    let told = ask(&machine, "POST", &format!("{DOOR}/update?{query}"), form);
    assert_eq!((told.status(), told.text()), (200, "ok\n"));
    let parts = "--b0\r\nContent-Disposition: form-data; name=\"mac\"\r\n\r\n52:54:00:00:77:02\r\n--b0\r\n\
                 Content-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"row\": \"a+1\"}\r\n--b0--\r\n";
    let told = ask_as(
        &machine,
        "POST",
        &format!("{DOOR}/update?{query}"),
        "multipart/form-data; boundary=b0",
        parts,
    );
    assert_eq!((told.status(), told.text()), (200, "ok\n"));
    let wrong = ask(&machine, "POST", &format!("{DOOR}/update?{query}"), "colour=red");
    assert_eq!((wrong.status(), wrong.text()), (400, "unhandled post_data key\n"));
    let table = get(&machine, &format!("{DOOR}/hosts"));
    assert!(
        table.text().contains("discover,leap") && table.text().starts_with(" #Id Hostname"),
        "{table:?}"
    );

    for _ in 0..2 {
        let finished = get(&machine, &format!("{DOOR}/finish?{query}"));
        let wanted = format!("host {id} successfully transitioned to finished state\n\n");
        assert_eq!((finished.status(), finished.text()), (200, wanted.as_str()));
    }
    let set = command(
        &daemon,
        id,
        r#"{"command":"set_metadata","key":"room","value":"cellar"}"#,
    );
    assert_eq!(set.status, 200, "{}", set.text());
    let script = bootstrap(&machine);
    let known = "kept={'rack': 'r7', 'room': 'cellar', 'row': 'a+1'}";
    assert!(script.contains(known), "{script}");
    let shown = cli::json(&daemon.socket(), &format!("host show {id} --json"));
    assert_eq!(
        shown["reported"],
        serde_json::json!({"rack": "r7", "row": "a+1"}),
        "the second update adds to the first"
    );
    assert!(
        script.contains("rack=r7") && script.contains("/images/leap\n"),
        "{script}"
    );
    assert_ne!(identity(&script), query, "each run has its own bootid");
    let late = ask(&machine, "POST", &format!("{DOOR}/update?{}", identity(&script)), form);
    assert_eq!((late.status(), late.text()), (401, "invalid state\n\n"));
    assert_eq!(
        get(&machine, &format!("{DOOR}/finish?{}", identity(&script))).status(),
        200
    );
    assert_eq!(get(&machine, &format!("{DOOR}/state?id={id}")).text(), "finished\n");
    assert!(bootstrap(&machine).contains("sanboot"), "installed, it starts its disk");
    assert_eq!(
        get(&machine, &format!("{DOOR}/images/leap/pxeboot.kernel")).text(),
        "a kernel"
    );
}

#[test]
fn who_has_no_bootid_is_told_nothing_and_changes_nothing() {
    let (inside, machine) = segment();
    machine.ip(&format!("link set eth0 address {HOST}"));
    let daemon = daemon(&inside, "");
    bootstrap(&machine);
    let armed = command(&daemon, HOST, r#"{"command":"arm","profiles":["kiwispray-leap"]}"#);
    assert_eq!(armed.status, 200, "{}", armed.text());
    let query = identity(&bootstrap(&machine));
    let id = query
        .strip_prefix("id=")
        .and_then(|rest| rest.split_once('&'))
        .expect("an id")
        .0;
    let said = |target: &str| {
        let told = get(&machine, &format!("{DOOR}/{target}"));
        (told.status(), told.text().to_owned())
    };
    let pair = |status: u64, text: &str| (status, text.to_owned());
    assert_eq!(said("post-install"), pair(404, "invalid query, no id\n\n"));
    assert_eq!(
        said(&format!("post-install?id={id}&bootid=x")),
        pair(401, "invalid bootid\n\n")
    );
    let wanted = format!("host {id} not found or bootid none_given invalid\n\n");
    assert_eq!(said(&format!("finish?id={id}")), pair(401, &wanted));
    assert_eq!(said("finish?id=other&bootid=x").0, 401);
    assert_eq!(
        said(&format!("state?id={id}")),
        pair(200, "leap\n"),
        "it may ask for its own state"
    );
    assert_eq!(
        get(&inside, &format!("{DOOR}/state?id={id}")).status(),
        404,
        "somebody else may not"
    );
    assert_eq!(said("hosts"), pair(404, "file not found\n"));
    for name in [
        "known_hosts.json",
        "images/leap/host.tmpl",
        "templates/post_install.tmpl",
    ] {
        assert_eq!(said(name).0, 404, "{name}");
    }
    let foreign = get(&inside, &format!("{DOOR}/post-install?{query}"));
    assert_eq!(foreign.status(), 401, "from another card");
    daemon.wait_for_log("`@nothing@` stays as it is");
}
