//! The dashboard of the real daemon: by plain requests as a browser without scripts makes them, and in Chromium.

mod browser;
mod driver;

use std::net::UdpSocket;

use serde_json::json;

use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::install::{CONFIG, OURS, question, run_url, segment as wire};
use crate::netns::Netns;
use crate::segment::{captured, discover, with_card};
use browser::Browser;
use driver::Driver;

const PASSWORD: &str = "correct horse battery";

/// The pages, as their screenshots are called.
const PAGES: [(&str, &str); 9] = [
    ("hosts", "/"),
    ("profiles", "/profiles"),
    ("images", "/images"),
    ("segments", "/segments"),
    ("settings", "/settings"),
    ("record", "/audit"),
    ("wall", "/wall"),
    ("help", "/help"),
    ("missing", "/nowhere"),
];

/// A daemon whose console a user of each role may use.
fn site<'a>(box_: &'a Netns, config: &str) -> Daemon<'a> {
    let daemon = Daemon::start(box_, config);
    for role in ["admin", "operator", "viewer"] {
        let user = json!({ "name": role, "role": role, "password": PASSWORD });
        let made = daemon.api("POST", "/api/v1/users", &user.to_string());
        assert_eq!(made.status, 200, "{}", made.text());
    }
    daemon
}

/// The machine's firmware asks for an address.
fn switch_on(machine: &Netns, card: [u8; 6]) {
    let packet = with_card(captured("bios-firmware-discover"), card);
    let heard = discover(machine, "eth0", &packet, PATIENCE);
    assert!(heard.is_some(), "the daemon answers its firmware");
}

fn config() -> String {
    format!("{CONFIG}\n[safety]\ndocument_binding = \"address\"\n")
}

#[test]
fn without_scripts_an_operator_sees_a_machine_arms_it_by_a_form_and_follows_its_install() {
    let (box_, machine) = wire();
    let daemon = site(&box_, &config());
    let operator = Browser::log_in(&box_, daemon.directory(), "operator");
    let empty = operator.page("/");
    assert!(empty.contains("Waiting for the first machine"), "{empty}");
    assert!(
        empty.contains("<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>"),
        "{empty}"
    );
    switch_on(&machine, [0x52, 0x54, 0, 0, 0, 1]);
    let home = operator.page("/");
    let host = home
        .split("data-host=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_else(|| panic!("nobody needs anything: {home}"));
    let card = question("52-54-00-00-00-01");
    assert!(daemon.get(OURS, &card).text().contains("waiting"));
    // What the page's own form says is what is sent.
    let form = format!("action=\"/hosts/{host}/act\"");
    assert!(home.contains(&form) && home.contains("<option value=\"lab\""), "{home}");
    let told = operator.send(
        &format!("/hosts/{host}/act"),
        &[("action", "arm"), ("profile", "lab"), ("back", "/")],
    );
    assert!(
        told.contains("class=\"badge badge-armed\"") && told.contains("armed with lab"),
        "{told}"
    );
    let script = daemon.get(OURS, &card);
    let run = run_url(script.text()).expect("an install");
    let running = operator.page("/");
    assert!(running.contains(&format!("id=\"running-{host}\"")), "{running}");
    assert_eq!(
        daemon
            .get(OURS, &format!("{run}/progress?percent=63&message=unpacking"))
            .status,
        200
    );
    assert!(operator.page("/").contains("<progress max=\"100\" value=\"63\""));
    assert_eq!(daemon.get(OURS, &format!("{run}/done")).status, 200);
    let page = operator.page(&format!("/hosts/{host}"));
    assert!(
        page.contains("class=\"badge badge-done\"") && page.contains("Run 1"),
        "{page}"
    );
    // A host that was installed is installed again only by its name, which the server looks at.
    let refused = operator.send(
        &format!("/hosts/{host}/act"),
        &[("action", "reinstall"), ("confirm", "another")],
    );
    assert!(
        refused.contains("role=\"alert\"") && refused.contains("--confirm"),
        "{refused}"
    );
    let again = operator.send(
        &format!("/hosts/{host}/act"),
        &[("action", "reinstall"), ("confirm", host)],
    );
    assert!(again.contains("badge-armed"), "{again}");
    let card = machine.run(|| UdpSocket::bind("0.0.0.0:9").expect("nobody listens there"));
    card.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    operator.send(&format!("/hosts/{host}/act"), &[("action", "wake")]);
    let mut packet = [0; 200];
    let length = card.recv(&mut packet).expect("a magic packet");
    assert_eq!(
        packet[..length],
        bootwright_proto::wake::magic_packet("52:54:00:00:00:01".parse().unwrap())
    );
    let viewer = Browser::log_in(&box_, daemon.directory(), "viewer");
    let told = viewer.send(&format!("/hosts/{host}/act"), &[("action", "ignore")]);
    assert!(told.contains("role=\"alert\""), "{told}");
    for (_, path) in PAGES {
        let page = viewer.page(path);
        assert!(page.contains("<main") && page.ends_with("</html>"), "{path}: {page}");
    }
}

#[test]
fn in_chromium_a_machine_appears_at_its_discover_is_armed_by_keyboard_and_its_bar_moves() {
    let (box_, machine) = wire();
    let daemon = site(&box_, &config());
    let driver = Driver::start(&box_, daemon.directory());
    driver.open("/");
    driver.fill("name", "admin");
    driver.fill("password", PASSWORD);
    driver.press("\u{e007}");
    driver.wait(
        "the first page follows",
        "return document.body.dataset.following === 'yes'",
    );
    driver.run("window.same = true");
    driver.shoot("empty");
    driver.judge("/ without hosts");
    switch_on(&machine, [0x52, 0x54, 0, 0, 0, 1]);
    driver.wait(
        "the machine appears by itself",
        "return !!document.querySelector('#needs [data-host]')",
    );
    let host = driver.text("return document.querySelector('#needs [data-host]').dataset.host");
    let card = question("52-54-00-00-00-01");
    assert!(daemon.get(OURS, &card).text().contains("waiting"));
    // By keys alone: to the host, to its profiles, to the button.
    driver.press("j");
    driver.press("a");
    driver.wait(
        "the profiles have the focus",
        "return document.activeElement.name === 'profile'",
    );
    driver.press("\u{e004}");
    driver.press("\u{e007}");
    driver.wait("it is armed", "return !!document.querySelector('#all .badge-armed')");
    driver.wait(
        "the page follows again",
        "return document.body.dataset.following === 'yes'",
    );
    driver.run("window.same = true");
    let run = run_url(daemon.get(OURS, &card).text()).expect("an install");
    driver.wait("it runs", "return !!document.querySelector('#running [data-host]')");
    let bar = "document.querySelector('#running progress')?.value";
    for wanted in [20, 63] {
        let said = format!("{run}/progress?percent={wanted}&message=unpacking");
        assert_eq!(daemon.get(OURS, &said).status, 200);
        driver.wait("the bar moves", &format!("return {bar} === {wanted}"));
    }
    driver.shoot("running");
    assert_eq!(daemon.get(OURS, &format!("{run}/done")).status, 200);
    driver.wait("it is installed", "return !!document.querySelector('#all .badge-done')");
    assert_eq!(
        driver.text("return String(window.same)"),
        "true",
        "nothing was read anew"
    );
    let host_page = format!("/hosts/{host}");
    let pages = PAGES.iter().copied().chain([("host", host_page.as_str())]);
    for (name, path) in pages {
        driver.open(path);
        driver.shoot(name);
        driver.judge(path);
    }
    driver.narrow();
    driver.open(&host_page);
    let wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    driver.wait("a host's page fits 320 pixels", wide);
    driver.open("/");
    driver.wait("the hosts fit 320 pixels", wide);
    driver.shoot("narrow");
    // Without scripts the same form does the same.
    driver.without_scripts();
    driver.open(&host_page);
    driver.click("form[data-keep=hold-action] button");
    wait_until("it is held", || {
        daemon
            .api("GET", &format!("/api/v1/hosts/{host}"), "")
            .text()
            .contains("\"badge\":\"held\"")
    });
}
