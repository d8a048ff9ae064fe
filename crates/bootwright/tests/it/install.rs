//! Whole installs over the real machine plane, played by a machine of the test's own.

use std::net::Ipv4Addr;
use std::time::Instant;

use bootwright_store::{Limits, SqliteStore, Store};

use crate::daemon::{Answer, Daemon, get, send, wait_until};
use crate::netns::Netns;
use crate::segment;

pub(crate) const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

pub(crate) const CONFIG: &str = r#"
[server]
interfaces = ["lab0"]

[profiles.lab]
kernel = "/images/lab/vmlinuz"
initrds = ["/images/lab/initrd.img"]
args = ["quiet", "bootwright.url={{ run.url }}"]

[profiles.lab.files]
"post-install.sh" = "echo run {{ run.number }} of {{ host.name }}"

[profiles.second]
kernel = "/images/second/vmlinuz"
"#;

/// The daemon's box and machines on one wire.
pub(crate) fn segment() -> (Netns, Netns) {
    let (daemon, machine) = segment::segment();
    machine.ip("link set eth0 address 52:54:00:00:00:01");
    (daemon, machine)
}

/// The question of a machine with this card.
pub(crate) fn question(card: &str) -> String {
    format!("/ipxe?mac={card}&platform=pcbios")
}

/// The URL of the run in an install script.
pub(crate) fn run_url(script: &str) -> Option<String> {
    let word = script
        .split_whitespace()
        .find_map(|word| word.strip_prefix("bootwright.url="))?;
    word.strip_prefix("http://10.77.0.1:8080").map(str::to_owned)
}

/// Tells a host something over the control API.
pub(crate) fn command(daemon: &Daemon<'_>, host: &str, body: &str) -> Answer {
    daemon.api("POST", &format!("/api/v1/hosts/{host}/command"), body)
}

pub(crate) fn arm(daemon: &Daemon<'_>, host: &str, profile: &str) {
    let body = format!(r#"{{"command":"arm","profiles":["{profile}"]}}"#);
    let answer = command(daemon, host, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

const CARD: &str = "52-54-00-00-00-01";
const HOST: &str = "52:54:00:00:00:01";

#[test]
fn a_machine_is_held_armed_installed_once_and_starts_its_disk_from_then_on() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let held = get(&machine, OURS, &question(CARD));
    assert!(held.text().contains("This machine is waiting"), "{}", held.text());

    arm(&daemon, HOST, "lab");
    let script = get(&machine, OURS, &question(CARD));
    let run = run_url(script.text()).expect("an install script");
    assert!(
        script
            .text()
            .contains("kernel http://10.77.0.1:8080/images/lab/vmlinuz initrd=main"),
        "{}",
        script.text()
    );

    let guard = get(
        &machine,
        OURS,
        &format!("{run}/progress?stage=guard&serial=DISK1&content=empty"),
    );
    assert_eq!(guard.text(), "go\n");
    let document = get(&machine, OURS, &format!("{run}/post-install.sh"));
    assert!(document.text().starts_with("echo run 1 of "), "{}", document.text());
    let done = get(&machine, OURS, &format!("{run}/done"));
    assert_eq!((done.status, done.text()), (200, "ok\n"));

    let again = get(&machine, OURS, &format!("{run}/done"));
    assert_eq!(again.status, 200, "a repeated report is a success");
    let dead = get(&machine, OURS, &format!("{run}/post-install.sh"));
    assert_eq!(dead.status, 404, "documents die with the run");
    let local = get(&machine, OURS, &question(CARD));
    assert!(
        local.text().contains("sanboot --no-describe --drive 0x80"),
        "{}",
        local.text()
    );
    let up = get(&machine, OURS, &format!("{run}/up"));
    assert_eq!(up.status, 200);
    daemon.wait_for_log("the installed system is up");
}

#[test]
fn a_held_machine_that_polls_is_woken_by_being_armed_and_not_by_the_end_of_its_poll() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    let held = get(&machine, OURS, &question(CARD));
    let poll = held
        .text()
        .split_whitespace()
        .find_map(|word| word.strip_prefix("http://10.77.0.1:8080/hold"))
        .expect("the held machine polls")
        .to_owned();
    std::thread::scope(|scope| {
        let polling = scope.spawn(|| (get(&machine, OURS, &format!("/hold{poll}")), Instant::now()));
        daemon.wait_for_log("waiting: nobody has armed it");
        arm(&daemon, HOST, "lab");
        let armed = Instant::now();
        let (answer, answered) = polling.join().expect("the poll is answered");
        assert!(answer.text().contains("/ipxe?"), "{}", answer.text());
        // Two seconds are promised, which on a busy machine is nobody's fault; that news ended the poll is asserted.
        let took = answered.saturating_duration_since(armed);
        eprintln!("from the arming to the answer: {} ms", took.as_millis());
    });
    let status = daemon.api("GET", "/api/v1/status", "");
    let status: serde_json::Value = serde_json::from_str(status.text()).expect("JSON");
    let ended = |how: &str| status["counters"].get(format!("hold.{how}")).cloned();
    assert_eq!((ended("woken"), ended("nothing-new")), (Some(1.into()), None));
}

/// What frees a budget or ends a pause could concern every held machine, and mostly does not.
#[test]
fn news_that_change_nothing_for_a_held_machine_do_not_end_its_poll() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    get(&machine, OURS, &question(CARD));
    let poll = format!("/hold?mac={CARD}&platform=pcbios");
    std::thread::scope(|scope| {
        let polling = scope.spawn(|| get(&machine, OURS, &poll));
        daemon.wait_for_log("waiting: nobody has armed it");
        // Not yet armed: a pause makes no difference to it, nor does its end.
        for word in ["pause", "resume"] {
            let answer = daemon.api("POST", &format!("/api/v1/{word}"), "");
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        arm(&daemon, HOST, "lab");
        let answer = polling.join().expect("the poll is answered");
        assert!(answer.text().contains("/ipxe?"), "{}", answer.text());
    });
}

#[test]
fn fault_32_a_reboot_in_the_middle_of_an_install_is_another_attempt_and_then_no_more() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    get(&machine, OURS, &question(CARD));
    arm(&daemon, HOST, "lab");
    let scripts: Vec<String> = (0..4)
        .map(|_| get(&machine, OURS, &question(CARD)).text().to_owned())
        .collect();
    let installs = scripts.iter().filter(|script| run_url(script).is_some()).count();
    assert_eq!(installs, 2, "{scripts:#?}");
    assert_eq!(
        run_url(&scripts[0]),
        run_url(&scripts[1]),
        "both attempts are of one run"
    );
    assert!(scripts[2].contains("sanboot"), "{}", scripts[2]);
    assert!(
        scripts[3].contains("sanboot") || scripts[3].contains("exit 1"),
        "{}",
        scripts[3]
    );
    daemon.wait_for_log("all attempts used");
}

#[test]
fn fault_34_a_report_of_an_old_run_does_not_close_the_new_one() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    get(&machine, OURS, &question(CARD));
    arm(&daemon, HOST, "lab");
    let first = run_url(get(&machine, OURS, &question(CARD)).text()).expect("run 1");
    assert_eq!(get(&machine, OURS, &format!("{first}/fail?reason=no+disk")).status, 200);
    arm(&daemon, HOST, "lab");
    let second = run_url(get(&machine, OURS, &question(CARD)).text()).expect("run 2");
    assert_ne!(first, second);
    assert_eq!(
        get(&machine, OURS, &format!("{first}/done")).status,
        200,
        "late, and harmless"
    );
    let state = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    assert!(state.text().contains(r#""state":"installing""#), "{}", state.text());
    assert_eq!(get(&machine, OURS, &format!("{second}/done")).status, 200);
    let state = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    assert!(state.text().contains(r#""state":"installed""#), "{}", state.text());
}

#[test]
fn threat_01_every_token_but_a_live_one_gets_the_same_answer() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    get(&machine, OURS, &question(CARD));
    arm(&daemon, HOST, "lab");
    let run = run_url(get(&machine, OURS, &question(CARD)).text()).expect("a run");
    let nowhere = get(&machine, OURS, "/nothing/of/the/kind");
    let token = run.trim_start_matches("/r/");
    let mut wrong: Vec<String> = vec![token.to_uppercase(), "0".repeat(32), "x".repeat(32), String::new()];
    wrong.extend((0..32).map(|place| {
        let mut digits: Vec<char> = token.chars().collect();
        digits[place] = if digits[place] == '0' { '1' } else { '0' };
        digits.into_iter().collect()
    }));
    for token in wrong {
        for what in ["done", "up", "progress?stage=guard", "post-install.sh", "fail"] {
            let answer = get(&machine, OURS, &format!("/r/{token}/{what}"));
            assert_eq!((answer.status, &answer.body), (404, &nowhere.body), "{token}/{what}");
        }
    }
    let state = daemon.api("GET", &format!("/api/v1/hosts/{HOST}"), "");
    assert!(state.text().contains(r#""state":"installing""#), "{}", state.text());
}

#[test]
fn threat_09_a_token_opens_its_own_run_and_nothing_else() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    for number in 1..=2 {
        get(&machine, OURS, &question(&format!("52-54-00-00-00-0{number}")));
        arm(&daemon, &format!("52:54:00:00:00:0{number}"), "lab");
    }
    let runs: Vec<String> = (1..=2)
        .map(|number| {
            let script = get(&machine, OURS, &question(&format!("52-54-00-00-00-0{number}")));
            run_url(script.text()).expect("a run")
        })
        .collect();
    assert_eq!(
        get(
            &machine,
            OURS,
            &format!("{}/done?host=52:54:00:00:00:02&run=1", runs[0])
        )
        .status,
        200
    );
    let other = daemon.api("GET", "/api/v1/hosts/52:54:00:00:00:02", "");
    assert!(other.text().contains(r#""state":"installing""#), "{}", other.text());
}

#[test]
fn reports_take_post_with_any_body_and_refuse_what_is_too_long() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    get(&machine, OURS, &question(CARD));
    arm(&daemon, HOST, "lab");
    let run = run_url(get(&machine, OURS, &question(CARD)).text()).expect("a run");
    let post = |what: &str, kind: &str, body: &str| {
        let length = body.len();
        let request = format!(
            "POST {run}/{what} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        send(&machine, OURS, &request)
    };
    assert_eq!(
        post("progress", "application/json", r#"{"stage":"write","percent":41}"#).status,
        200
    );
    assert_eq!(
        post("progress", "application/x-www-form-urlencoded", "stage=write&pct=42").status,
        200
    );
    assert_eq!(post("progress", "image/png", "\u{1}\u{2}").status, 200);
    assert_eq!(post("progress", "text/plain", &"x".repeat(70_000)).status, 413);
    assert_eq!(post("log", "text/plain", "line one\nline two\n").status, 200);
    wait_until("the log is kept", || {
        let logs = daemon.data_dir().join("logs");
        let kept = std::fs::read_dir(logs)
            .into_iter()
            .flatten()
            .flatten()
            .map(|host| host.path().join("1.log"));
        kept.filter_map(|path| std::fs::read_to_string(path).ok())
            .any(|text| text == "line one\nline two\n")
    });
    assert_eq!(post("done", "text/plain", "").status, 200);
}

#[test]
fn reports_come_by_get_and_post_and_a_repeat_of_any_is_success() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    for (number, last) in ["done", "fail"].into_iter().enumerate() {
        let card = format!("52:54:00:00:09:0{number}");
        let asks = question(&card.replace(':', "-"));
        get(&machine, OURS, &asks);
        arm(&daemon, &card, "lab");
        let run = run_url(get(&machine, OURS, &asks).text()).expect("a run");
        let reports: &[&str] = match last {
            "done" => &["progress?percent=10", "log", "done", "up"],
            _ => &["fail?reason=no+disk"],
        };
        for report in reports {
            for method in ["GET", "POST", "GET", "POST"] {
                let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
                let request =
                    format!("{method} {run}/{report} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}\r\n");
                let answer = send(&machine, OURS, &request);
                assert_eq!(answer.status, 200, "{method} {report}: {}", answer.text());
            }
        }
        let state = daemon.api("GET", &format!("/api/v1/hosts/{card}"), "");
        let expected = if last == "done" { "installed" } else { "failed" };
        assert!(
            state.text().contains(&format!(r#""state":"{expected}""#)),
            "{}",
            state.text()
        );
    }
}

#[test]
fn fault_12_a_reload_with_an_error_leaves_the_last_good_configuration_in_force() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    get(&machine, OURS, &question(CARD));
    daemon.write_config("[safety]\nunknown = \"instal\"\n");
    daemon.wait_for_log("the configuration stays as it was");
    arm(&daemon, HOST, "lab");
    let script = get(&machine, OURS, &question(CARD));
    assert!(run_url(script.text()).is_some(), "{}", script.text());
}

#[test]
fn fault_13_a_configuration_that_is_replaced_half_written_or_deleted_never_leaves_the_daemon_without_one() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    std::fs::remove_file(daemon.config()).expect("the file can go");
    daemon.wait_for_log("the last good configuration stays in force");
    get(&machine, OURS, &question(CARD));
    arm(&daemon, HOST, "lab");
    // Half a file is no TOML, and the whole one that follows by rename is taken.
    daemon.write_config(&CONFIG[..CONFIG.len() / 2]);
    let next = daemon.config().with_extension("next");
    std::fs::write(&next, CONFIG.replace("profiles.second", "profiles.third")).expect("a new file");
    std::fs::rename(&next, daemon.config()).expect("it takes the place");
    wait_until("the new profile is known", || {
        command(&daemon, HOST, r#"{"command":"queue","profiles":["third"]}"#).status == 200
    });
}

#[test]
fn a_run_goes_on_with_what_it_was_started_with_though_the_daemon_starts_with_another_configuration() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::start(&inside, CONFIG);
    let ask = || get(&machine, OURS, &question("52-54-00-00-00-01")).text().to_owned();
    arm(&daemon, "52:54:00:00:00:01", "lab");
    let first = ask();
    let run = run_url(&first).expect("an install");
    daemon.kill();
    let other = CONFIG
        .replace("/images/lab/", "/images/other/")
        .replace("echo run", "echo another run");
    daemon.write_config(&other);
    daemon.clear_log();
    daemon.run();
    daemon.wait_for_log("ready ");
    let second = ask();
    assert!(second.contains("attempt 2 of 2"), "{second}");
    assert_eq!(run_url(&second), Some(run.clone()));
    assert!(
        second.contains("/images/lab/vmlinuz") && !second.contains("/images/other/"),
        "{second}"
    );
    let document = get(&machine, OURS, &format!("{run}/post-install.sh"));
    assert!(document.text().starts_with("echo run 1 of"), "{}", document.text());
    // Once the run is over nothing of it is kept, and the next one is as the configuration says.
    assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
    arm(&daemon, "52:54:00:00:00:01", "lab");
    assert!(ask().contains("/images/other/vmlinuz"));
    daemon.stop();
    let database = daemon.data_dir().join("bootwright.db");
    let mut store = SqliteStore::open(&database, Limits::default()).expect("the store");
    let kept = store.load().expect("it is whole").revisions;
    let kernels: Vec<&str> = kept.iter().map(|profile| profile.kernel.as_str()).collect();
    assert_eq!(kernels, ["/images/other/vmlinuz"]);
}
