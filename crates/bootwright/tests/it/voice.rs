//! What installers say besides their reports: by syslog, as real programs send it, and by the webhooks of their reporters.

use std::net::{SocketAddrV4, UdpSocket};

use bootwright_proto::syslog::steers;
use serde_json::Value;

use crate::cli::{ask, json};
use crate::daemon::{Daemon, get, send, wait_until};
use crate::install::{CONFIG, OURS, arm, question, run_url, segment};
use crate::netns::Netns;

const CARD: &str = "52-54-00-00-00-01";
const HOST: &str = "52:54:00:00:00:01";

/// A daemon that takes syslog, and the URL of a run that is under way.
fn installing<'a>(inside: &'a Netns, machine: &Netns) -> (Daemon<'a>, String) {
    let config = CONFIG.replacen("[server]\n", "[server]\nsyslog = \":514\"\n", 1);
    let mut daemon = Daemon::prepare(inside, &config);
    daemon.log_level = "info";
    daemon.run();
    daemon.wait_for_log("Z ready ");
    get(machine, OURS, &question(CARD));
    arm(&daemon, HOST, "lab");
    let script = get(machine, OURS, &question(CARD));
    let run = run_url(script.text()).expect("an install script");
    (daemon, run)
}

/// Sends datagrams as they are.
fn shout(machine: &Netns, messages: &[impl AsRef<[u8]> + Sync]) {
    machine.run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        for message in messages.iter().map(AsRef::as_ref) {
            socket
                .send_to(message, SocketAddrV4::new(OURS, 514))
                .expect("it leaves");
        }
    });
}

fn log_of(daemon: &Daemon<'_>) -> Value {
    json(&daemon.socket(), &format!("host log {HOST}"))
}

fn wait_for_line(daemon: &Daemon<'_>, line: &str) {
    wait_until(&format!("the log of the run has `{line}`"), || {
        log_of(daemon)["text"].as_str().is_some_and(|text| text.contains(line))
    });
}

fn counted(daemon: &Daemon<'_>, reason: &str) -> u64 {
    let status = json(&daemon.socket(), "status");
    status["counters"][format!("voice.{reason}")].as_u64().unwrap_or(0)
}

/// A request of a reporter, with its body.
fn post(machine: &Netns, target: &str, kind: &str, body: &str) -> u16 {
    let length = body.len();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: {OURS}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    send(machine, OURS, &request).status
}

#[test]
fn what_real_programs_log_stands_with_the_run_of_their_machine() {
    let (inside, machine) = segment();
    let (daemon, run) = installing(&inside, &machine);
    let logger = |form: &str, text: &str| {
        let status = machine
            .command("logger")
            .args([
                "--server",
                "10.77.0.1",
                "--port",
                "514",
                "--udp",
                form,
                "--tag",
                "anaconda",
                "--priority",
                "daemon.info",
            ])
            .arg(text)
            .status();
        assert!(status.expect("logger runs").success());
    };
    logger("--rfc5424", "by the new form");
    logger("--rfc3164", "by the old form");
    // Debian's installer: BusyBox' syslogd names no host. Talos sends objects.
    shout(
        &machine,
        &[
            "<46>Nov 21 04:00:01 main-menu[330]: INFO: Menu item 'partman-base' selected",
            "<11>Nov 21 04:00:02 partman: the disk is too small",
            "<6>{\"msg\":\"phase ready (3/4)\",\"talos-level\":\"info\"}",
        ],
    );
    for line in [
        "Z anaconda: by the new form\n",
        "Z anaconda: by the old form\n",
        "Z main-menu: INFO: Menu item 'partman-base' selected\n",
        "Z partman: the disk is too small\n",
        "Z phase ready (3/4)\n",
    ] {
        wait_for_line(&daemon, line);
    }
    let log = log_of(&daemon);
    assert_eq!(
        (&log["run"], &log["runs"], &log["whole"]),
        (&1.into(), &Value::from(vec![1]), &true.into())
    );
    // On the timeline stands that it speaks, and what is severe; the rest is in its log alone.
    let events = ask(&daemon.socket(), "events").out;
    assert!(
        events.contains("run 1, installer: its log arrives by syslog"),
        "{events}"
    );
    assert!(
        events.contains("run 1, installer: partman: the disk is too small"),
        "{events}"
    );
    assert!(!events.contains("by the new form"), "{events}");

    // The last words of an installer come after its report; later ones are nobody's.
    assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
    shout(&machine, &["<46>Nov 21 04:00:03 main-menu: rebooting"]);
    wait_for_line(&daemon, "Z main-menu: rebooting\n");
    let words = ask(&daemon.socket(), &format!("host log {HOST} --run 1"));
    assert!(words.code == 0 && words.out.contains(", run 1, "), "{words:?}");
    let other = ask(&daemon.socket(), &format!("host log {HOST} --run 7"));
    assert!(other.out.contains("nothing is kept of run 7"), "{other:?}");
}

#[test]
fn who_has_no_run_is_counted_and_not_kept_and_nothing_in_a_message_says_otherwise() {
    let (inside, machine) = segment();
    let (daemon, run) = installing(&inside, &machine);
    // Another address of the segment, whose card is nobody's.
    machine.ip("link add link eth0 name other0 address 52:54:00:00:00:99 type macvlan mode bridge");
    machine.ip("addr add 10.77.0.99/32 dev other0");
    machine.ip("link set other0 up");
    let named = format!("<13>1 2026-11-21T04:00:00Z {HOST} anaconda 1 - - {run} I am the other");
    machine.run(|| {
        let socket = UdpSocket::bind("10.77.0.99:0").expect("a socket");
        socket
            .send_to(named.as_bytes(), SocketAddrV4::new(OURS, 514))
            .expect("it leaves");
    });
    wait_until("it is counted", || {
        counted(&daemon, "unknown-address") + counted(&daemon, "no-run") == 1
    });
    daemon.wait_for_log("[W617]");
    assert_eq!(counted(&daemon, "kept"), 0);
    // A flood is taken at its pace, and the daemon stays well.
    let flood: Vec<String> = (0..6000).map(|number| format!("<14>flood: line {number}")).collect();
    shout(&machine, &flood);
    wait_until("the flood is held back", || counted(&daemon, "rate-limited") > 0);
    assert!(counted(&daemon, "kept") < 5000);
    wait_for_line(&daemon, "Z flood: line 7\n");
    let events = ask(&daemon.socket(), "events").out;
    assert_eq!(events.matches("installer:").count(), 1, "{events}");
}

#[test]
fn what_reporters_post_stands_on_the_timeline_and_in_the_log() {
    let (inside, machine) = segment();
    let (daemon, run) = installing(&inside, &machine);
    let progress = format!("{run}/progress");
    // subiquity and curtin by their webhook reporter, and cloud-init's phone_home.
    for body in [
        r#"{"name": "subiquity/Filesystem/apply_autoinstall_config", "description": "configuring storage", "event_type": "start", "origin": "subiquity", "timestamp": 1760000000.5, "level": "INFO"}"#,
        r#"{"name": "cmd-install/stage-extract", "description": "acquiring and extracting image", "event_type": "finish", "origin": "curtin", "timestamp": 1760000010.5, "level": "INFO", "result": "SUCCESS", "files": []}"#,
        r#"{"name": "cmd-install/stage-curthooks", "description": "installing grub", "event_type": "finish", "origin": "curtin", "timestamp": 1760000020.5, "level": "ERROR", "result": "FAIL"}"#,
    ] {
        assert_eq!(post(&machine, &progress, "application/json", body), 200);
    }
    assert_eq!(
        get(
            &machine,
            OURS,
            &format!("{progress}?stage=packages&percent=40&message=plain")
        )
        .status,
        200
    );
    let phone_home = "pub_key_rsa=ssh-rsa+AAAA&pub_key_ecdsa=N%2FA&instance_id=i-1&hostname=oak&fqdn=oak.lab.example";
    assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
    assert_eq!(
        post(
            &machine,
            &format!("{run}/up"),
            "application/x-www-form-urlencoded",
            phone_home
        ),
        200
    );
    let events = ask(&daemon.socket(), "events").out;
    for line in [
        "run 1, installer: configuring storage",
        "run 1, installer: acquiring and extracting image: done",
        "run 1, installer: installing grub: FAIL",
        "run 1, installer: packages: plain",
        "run 1, the installed system is up",
    ] {
        assert!(events.contains(line), "{line}: {events}");
    }
    wait_for_line(&daemon, "Z progress: installing grub: FAIL\n");
    wait_for_line(&daemon, "Z progress: packages: 40 %: plain\n");
}

/// Texts that are meant to do something to whoever looks at them.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg/onload=alert(1)>",
    "'; DROP TABLE hosts; --",
    "{{ 7 * 7 }}",
    "{% raw %}{{ secret(\"x\") }}",
    "${jndi:ldap://x/a}",
    "$(reboot)",
    "`reboot`",
    "; reboot",
    "| reboot",
    "&& reboot",
    "%0d%0aSet-Cookie: a=b",
    "%s%s%s%n",
    "../../../../etc/passwd",
    "javascript:alert(1)",
    "data:text/html,<script>",
    "</td></tr></table><h1>",
    "<!--",
    "]]>",
    "<![CDATA[x",
    "<iframe src=//x>",
    "<a href=javascript:x>",
    "&lt;script&gt;",
    "&#x3c;script&#x3e;",
    "\\u003cscript\\u003e",
    "\\x1b[31m",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "#!ipxe\nshell",
    "a\nchain http://x/",
    "a\r\n2026-11-21T00:00:00Z done   oak-1        1   installer finished",
    "a\n{\"level\":\"error\",\"text\":\"forged\"}",
    "\x1b[2J\x1b[H",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1bP1;1|17/ab\x1b\\",
    "\x1b_app\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bc",
    "\x1b#8",
    "\x1b(0",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1b[5i",
    "\u{9b}31m",
    "\u{9d}0;x\u{9c}",
    "\u{90}x\u{9c}",
    "\x07\x07\x07",
    "\x08\x08\x08hidden",
    "abc\rxyz",
    "\x0b\x0c",
    "a\0b",
    "\x7f\x7f",
    "\u{202e}gpj.exe",
    "\u{202d}x\u{202c}",
    "\u{2066}x\u{2069}",
    "\u{2067}x\u{2068}",
    "\u{200e}\u{200f}",
    "\u{61c}",
    "zero\u{200b}width\u{200d}",
    "\u{feff}mark",
    "soft\u{ad}hyphen",
    "\u{2028}line\u{2029}paragraph",
    "\u{e0041}\u{e0042}tags",
    "\u{fff9}a\u{fffa}b\u{fffb}",
    "\u{2062}\u{206a}",
    "\u{180e}",
];

#[test]
fn nothing_that_a_machine_says_by_syslog_steers_who_reads_it() {
    assert!(HOSTILE.len() >= 60, "{}", HOSTILE.len());
    let (inside, machine) = segment();
    let (daemon, _run) = installing(&inside, &machine);
    // Severe, so that each of them goes into the record and the daemon's own log as well; as the text and as the program.
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for (number, text) in HOSTILE.iter().enumerate() {
        messages.push(format!("<11>Nov 21 04:00:01 t{number}x: a {text} z").into_bytes());
        messages.push(format!("<11>1 2026-11-21T04:00:00Z h {text} 1 - - tag").into_bytes());
    }
    messages.push(b"<11>Nov 21 04:00:01 bytes: \xff\xfe\xc0\x80\x9b2J".to_vec());
    messages.push(b"<11>Nov 21 04:00:01 last: word".to_vec());
    shout(&machine, &messages);
    wait_for_line(&daemon, "Z last: word\n");
    daemon.wait_for_log("last: word");
    let log = log_of(&daemon);
    let text = log["text"].as_str().expect("text");
    for number in 0..HOSTILE.len() {
        assert!(text.contains(&format!("Z t{number}x: a")), "{number}: {text}");
    }
    for line in text.lines() {
        assert!(
            line.get(10..11) == Some("T") && line.get(19..21) == Some("Z "),
            "a line of somebody else's: {line:?}"
        );
    }
    let shown = [
        ask(&daemon.socket(), &format!("host log {HOST}")).out,
        ask(&daemon.socket(), "events").out,
        ask(&daemon.socket(), "--json events").out,
        ask(&daemon.socket(), &format!("host show {HOST}")).out,
        ask(&daemon.socket(), &format!("explain {HOST}")).out,
        daemon.log(),
    ];
    for text in &shown {
        let odd = text.chars().find(|c| steers(*c) && *c != '\n');
        assert_eq!(odd, None, "{text:?}");
    }
    let [.., of_daemon] = &shown;
    for line in of_daemon.lines().filter(|line| !line.starts_with("    ")) {
        assert!(line.get(19..20) == Some("Z"), "a line of somebody else's: {line:?}");
    }
    assert!(
        !of_daemon.lines().any(|line| line.get(19..26) == Some("Z done ")),
        "{of_daemon}"
    );
    assert!(
        of_daemon.contains("<script>alert(1)</script>"),
        "text is shown as it is: {of_daemon}"
    );
}
