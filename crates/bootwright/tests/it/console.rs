//! What a person at the console of a waiting machine may do, over the machine plane of the real daemon.

use std::net::Ipv4Addr;

use crate::cli::{ask, json};
use crate::daemon::{Daemon, get};
use crate::segment::segment;

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const ASKED: &str = "/ipxe?mac=52-54-00-00-00-01&platform=efi";

const SITE: &str = r#"
[server]
interfaces = ["lab0"]

[safety]
console_menu = "rack"
console_shell = true

[profiles.rescue]
kernel = "/images/rescue/linux"
done = "manual"

[profiles.debian]
kernel = "/images/debian/linux"
confirm = "console"
done = "manual"

[profiles.rack]
kind = "menu"
title = "Rack 1"
entries = [
    { title = "Debian", install = "debian" },
    { title = "Rescue", live = "rescue" },
    { title = "Own disk", local = true },
    { title = "Wait", hold = true },
]
"#;

#[test]
fn a_held_machines_console_opens_the_menu_that_the_configuration_names_and_installs_nothing() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, SITE);
    let read = |more: &str| get(&machine, OURS, &format!("{ASKED}{more}")).text().to_owned();
    let screen = read("");
    assert!(
        screen.contains("Ctrl-C and then l: start its own disk now, m: menu, s: shell."),
        "{screen}"
    );
    assert!(
        screen.contains("item --key m") && screen.contains("\nshell ||\n"),
        "{screen}"
    );
    // The code on the screen leads to a page with the machine's name and state.
    let (_, link) = screen.split_once("open http://10.77.0.1:8080").expect("where to look");
    let page = get(&machine, OURS, link.lines().next().expect("a path").trim());
    let name = json(&daemon.socket(), "host show 52:54:00:00:00:01")["host"].clone();
    assert!(
        page.text()
            .starts_with(&format!("{}: ", name.as_str().expect("a name"))),
        "{}",
        page.text()
    );
    let menu = read("&menu=yes");
    assert!(menu.contains("item 1 Rescue") && !menu.contains("Debian"), "{menu}");
    assert!(read("&menu=yes&chosen=1").contains("/images/rescue/linux"));
    assert!(read("&menu=yes&chosen=2").contains("sanboot"));
    let held = read("&menu=yes&chosen=0");
    assert!(
        held.contains("nobody has armed it") && !held.contains("/images/debian"),
        "{held}"
    );
    assert_eq!(json(&daemon.socket(), "host show 52:54:00:00:00:01")["state"], "new");
    // Armed with the menu, a person there begins the install: the operator and the profile both said so.
    assert_eq!(ask(&daemon.socket(), "host arm 52:54:00:00:00:01 rack").code, 0);
    assert!(read("").contains("item 0 Debian"));
    assert!(read("&chosen=0").contains("/images/debian/linux"));
    assert_eq!(
        json(&daemon.socket(), "host show 52:54:00:00:00:01")["state"],
        "installing"
    );
}
