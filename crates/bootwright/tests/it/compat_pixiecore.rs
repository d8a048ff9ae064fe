//! Pixiecore's API against the real daemon, from both of its ends (`docs/dialects.md`, section 4): a client that reads our
//! answers, and a server that we ask, both made with Python alone.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, get as ask_ours, wait_until};
use crate::install::{OURS, command, question, run_url, segment};
use crate::netns::Netns;
use crate::python::{ask, get};

const PORT: u16 = 9090;
const CARD: &str = "52-54-00-00-00-01";
const HOST: &str = "52:54:00:00:00:01";
const OTHER: &str = "52-54-00-00-00-02";

const ANSWER: &str = r#"{"kernel": "/files/vmlinuz", "initrd": ["http://10.77.0.1:9090/files/a", "files/b"],
 "cmdline": "console=ttyS0 initrd=mine c={{ URL \"/files/cloud-config\" }} id={{ ID \"/files/cloud-config\" }}", "message": "hello"}"#;

/// The server that is asked. It ends with the test.
struct Api {
    process: Child,
    answers: PathBuf,
}

impl Api {
    fn start(inside: &Netns, daemon: &Daemon<'_>) -> Self {
        let answers = daemon.directory().join("answers");
        fs::create_dir_all(&answers).expect("a directory");
        let mut process = inside
            .command("/usr/bin/python3")
            .args(["-c", include_str!("pixiecore_api.py")])
            .arg(&answers)
            .arg(PORT.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().expect("its output"));
        out.read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        Self { process, answers }
    }

    fn says(&self, card: &str, what: &str) {
        let next = self.answers.join("next");
        fs::write(&next, what).expect("an answer");
        fs::rename(next, self.answers.join(card.replace('-', ":"))).expect("in place");
    }

    /// How often it was asked about a card.
    fn asked(&self, card: &str) -> usize {
        let asked = fs::read_to_string(self.answers.join("asked")).unwrap_or_default();
        let wanted = format!("/pixiecore/v1/boot/{}", card.replace('-', ":"));
        asked.lines().filter(|line| *line == wanted).count()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn daemon<'a>(inside: &'a Netns, more: &str) -> Daemon<'a> {
    let mut daemon = Daemon::prepare(inside, "");
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[safety]\ndocument_binding = \"address\"\n[dhcp]\nmode = \"off\"\n\
         [compat.pixiecore]\nenabled = true\n{more}\n[profiles.own]\nkernel = \"/images/own/vmlinuz\"\n\
         initrds = [\"/images/own/initrd\"]\nargs = [\"a=b&c\", \"bootwright.url={{{{ run.url }}}}\"]\n"
    ));
    daemon.run();
    daemon.wait_for_log("ready ");
    daemon
}

fn asking<'a>(inside: &'a Netns, more: &str) -> (Daemon<'a>, Api) {
    let upstream = format!("upstream = \"http://10.77.0.1:{PORT}/pixiecore/\"\n{more}");
    let daemon = daemon(inside, &upstream);
    let api = Api::start(inside, &daemon);
    (daemon, api)
}

fn script(machine: &Netns, card: &str) -> String {
    ask_ours(machine, OURS, &question(card)).text().to_owned()
}

fn told(daemon: &Daemon<'_>, host: &str, what: &str) {
    let answer = command(daemon, host, what);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn words<'a>(script: &'a str, start: &str) -> Vec<&'a str> {
    script
        .split_whitespace()
        .filter(|word| word.starts_with(start))
        .collect()
}

fn explained(daemon: &Daemon<'_>, host: &str) -> String {
    daemon
        .api("GET", &format!("/api/v1/hosts/{host}/explain"), "")
        .text()
        .to_owned()
}

#[test]
fn a_machine_installs_once_what_the_api_says_though_that_says_it_for_ever() {
    let (inside, machine) = segment();
    let (daemon, api) = asking(&inside, "");
    api.says(CARD, ANSWER);
    let held = script(&machine, CARD);
    assert!(held.contains("This machine is waiting"), "{held}");
    assert_eq!(api.asked(CARD), 0, "nobody has granted what it would say");

    told(&daemon, HOST, r#"{"command":"arm"}"#);
    let first = script(&machine, CARD);
    let urls = words(&first, "http://10.77.0.1:8080/_/file?");
    assert_eq!(urls.len(), 3, "{first}");
    let mut fetched: Vec<String> = urls.iter().map(|url| get(&machine, url).text().to_owned()).collect();
    fetched.sort();
    assert_eq!(
        fetched,
        ["the file /files/a", "the file /files/b", "the file /files/vmlinuz"]
    );
    let config = words(&first, "c=http://10.77.0.1:8080/_/file?");
    let config = config.first().and_then(|word| word.strip_prefix("c=")).expect("a file");
    let answer = get(&machine, config);
    assert_eq!((answer.status(), answer.text()), (200, "the file /files/cloud-config"));
    let id = words(&first, "id=")
        .first()
        .map(|id| id.trim_start_matches("id=").to_owned());
    assert!(config.contains(&format!("name={}", id.expect("an id"))), "{first}");
    assert!(
        first.contains("console=ttyS0") && !first.contains("initrd=mine"),
        "{first}"
    );

    // The power fails; the same attempt counts as another, and what was said for the run still holds without the API.
    drop(api);
    std::thread::sleep(Duration::from_millis(3100));
    let second = script(&machine, CARD);
    let run = run_url(&second).expect("a run goes on");
    assert_eq!(run_url(&first), Some(run.clone()));
    let api = Api::start(&inside, &daemon);
    assert_eq!(ask_ours(&machine, OURS, &format!("{run}/done")).text(), "ok\n");
    for _ in 0..3 {
        let local = script(&machine, CARD);
        assert!(
            local.contains("starts its own disk") && run_url(&local).is_none(),
            "{local}"
        );
    }
    assert_eq!(get(&machine, config).status(), 404, "files end with the run");
    let foreign = config.replace("52%3A54%3A00%3A00%3A00%3A01", "52%3A54%3A00%3A00%3A00%3A02");
    assert_eq!(get(&machine, &foreign).status(), 404);

    // What boots from memory every time is told so by an operator, and is asked about every time.
    told(&daemon, HOST, r#"{"command":"live","profile":"pixiecore"}"#);
    let live = script(&machine, CARD);
    assert!(live.contains("/_/file?") && run_url(&live).is_none(), "{live}");
    fs::remove_file(api.answers.join(HOST)).expect("the API forgets it");
    wait_until("what it said is old", || script(&machine, CARD).contains("exit 1"));
}

#[test]
fn an_api_that_is_slow_down_or_talks_rubbish_costs_its_machine_a_wait_and_nobody_else_anything() {
    let (inside, machine) = segment();
    let (daemon, api) = asking(&inside, "");
    script(&machine, CARD);
    script(&machine, OTHER);
    told(&daemon, HOST, r#"{"command":"arm"}"#);
    let other = OTHER.replace('-', ":");
    told(&daemon, &other, r#"{"command":"arm","profiles":["own"]}"#);
    for (what, why) in [
        ("rubbish", "it is no JSON"),
        ("huge", "more than 65536 bytes"),
        ("broken", "500 Internal Server Error"),
        ("{\"initrd\": []}", "it has no `kernel`"),
        (
            "{\"kernel\": \"file:///etc/shadow\"}",
            "is not below the directory of files",
        ),
        ("{\"kernel\": \"/k\", \"cmdline\": \"{{ .Env }}\"}", "is not known"),
        (
            "{\"kernel\": \"/k\", \"cmdline\": \"a\\nshell\"}",
            "no boot script can hold",
        ),
    ] {
        api.says(CARD, what);
        let held = script(&machine, CARD);
        assert!(held.contains("This machine is waiting"), "{what}: {held}");
        assert!(
            explained(&daemon, HOST).contains(why),
            "{what}: {}",
            explained(&daemon, HOST)
        );
    }
    for what in ["slow", "drip"] {
        api.says(CARD, what);
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| {
                let began = Instant::now();
                (script(&machine, CARD), began.elapsed())
            });
            let seen = api.asked(CARD);
            wait_until("the API is being asked", || {
                api.asked(CARD) > seen || asks.is_finished()
            });
            // Whoever does not depend on it is served meanwhile.
            let began = Instant::now();
            assert!(script(&machine, OTHER).contains("/images/own/vmlinuz"));
            assert!(
                !asks.is_finished() || began.elapsed() > Duration::from_secs(4),
                "it was no wait"
            );
            let (held, took) = asks.join().expect("it is answered");
            assert!(held.contains("This machine is waiting"), "{what}: {held}");
            assert!(took < Duration::from_secs(15), "{took:?}");
        });
        assert!(
            explained(&daemon, HOST).contains("is not answered within 5 s"),
            "{what}"
        );
    }
    let answers = api.answers.clone();
    drop(api);
    assert!(script(&machine, CARD).contains("This machine is waiting"));
    assert!(
        explained(&daemon, HOST).contains("cannot reach `10.77.0.1`"),
        "{}",
        explained(&daemon, HOST)
    );

    // None of this was an attempt.
    let api = Api::start(&inside, &daemon);
    assert_eq!(api.answers, answers);
    api.says(CARD, ANSWER);
    let install = script(&machine, CARD);
    assert!(
        run_url(&install).is_some() && install.contains("attempt 1 of 2"),
        "{install}"
    );
}

#[test]
fn what_stands_in_our_configuration_is_told_to_a_pixiecore_as_its_api_has_it() {
    let (inside, machine) = segment();
    let daemon = daemon(&inside, "listen = \":8082\"");
    let door = "http://10.77.0.1:8082";
    let url = format!("{door}/pixiecore/v1/boot/{HOST}");
    assert_eq!(get(&machine, &url).status(), 404, "nobody has armed it");
    told(&daemon, HOST, r#"{"command":"arm","profiles":["own"]}"#);
    let first = get(&machine, &url);
    assert_eq!(
        (first.status(), first.media_type()),
        (200, "application/json"),
        "{first:?}"
    );
    let said: &Value = first.json();
    assert_eq!(said["kernel"], "http://10.77.0.1:8082/images/own/vmlinuz");
    assert_eq!(said["initrd"], json!(["http://10.77.0.1:8082/images/own/initrd"]));
    let line = said["cmdline"].as_str().expect("a text");
    assert!(
        line.starts_with("BOOTIF=01-52-54-00-00-00-01 a=b&c bootwright.url=http://10.77.0.1:8082/r/"),
        "{line}"
    );
    assert!(
        said["message"]
            .as_str()
            .is_some_and(|message| message.contains("installing own")),
        "{said}"
    );
    // It asks at least twice for one boot, by either prefix.
    for _ in 0..3 {
        assert_eq!(get(&machine, &format!("{door}/v1/boot/{CARD}")).text(), first.text());
    }
    daemon.wait_for_log("(attempt 1 of 2)");
    assert!(!daemon.log().contains("(attempt 2 of 2)"));
    let wrong = get(&machine, &format!("{door}/v1/boot/nobody"));
    assert_eq!((wrong.status(), wrong.text()), (400, "invalid MAC address nobody\n"));
    assert_eq!(ask(&machine, "POST", &url, "x").status(), 405);
    let run = line.split_once("/r/").expect("a run").1;
    assert_eq!(get(&machine, &format!("{door}/r/{run}/done")).text(), "ok\n");
    assert_eq!(get(&machine, &url).status(), 404, "it starts its disk from now on");
    for (query, why) in [
        ("?arch=0", "missing MAC address parameter\n"),
        ("?mac=x&arch=0", "invalid MAC address\n"),
    ] {
        let told = get(&machine, &format!("{door}/_/ipxe{query}"));
        assert_eq!((told.status(), told.text()), (400, why));
    }
    assert_eq!(get(&machine, &format!("{door}/_/file?name=x&mac={HOST}")).status(), 404);
}

#[test]
fn at_its_own_door_a_machine_gets_the_script_that_pixiecore_would_hand_out_and_files_of_one_directory() {
    let (inside, machine) = segment();
    let files = std::env::temp_dir().join(format!("bootwright-test-files-{}", std::process::id()));
    fs::create_dir_all(&files).expect("a directory");
    fs::write(files.join("vmlinuz"), "a kernel of the directory").expect("a file");
    let more = format!(
        "listen = \":8082\"\ndone = \"config-served\"\nfiles_dir = \"{}\"\n",
        files.display()
    );
    let (daemon, api) = asking(&inside, &more);
    let kernel = format!("file://{}/vmlinuz", files.display());
    let answer = json!({"kernel": kernel, "initrd": ["/files/i"], "cmdline": {"u": {"url": "/files/c"}, "q": true}});
    api.says(CARD, &answer.to_string());
    let url = format!("http://10.77.0.1:8082/_/ipxe?arch=0&mac={HOST}");
    let held = get(&machine, &url);
    assert!(held.text().contains("This machine is waiting"), "{}", held.text());
    told(&daemon, HOST, r#"{"command":"arm"}"#);
    let script = get(&machine, &url).text().to_owned();
    let mut lines = script.lines();
    assert_eq!(lines.next(), Some("#!ipxe"));
    let kernel = lines
        .next()
        .and_then(|line| line.strip_prefix("kernel --name kernel "))
        .expect("a kernel");
    let initrd = lines
        .next()
        .and_then(|line| line.strip_prefix("initrd --name initrd0 "))
        .expect("an initrd");
    let booting = "imgfetch --name ready http://10.77.0.1:8082/_/booting?mac=52%3A54%3A00%3A00%3A00%3A01 ||";
    assert_eq!(
        (lines.next(), lines.next()),
        (Some(booting), Some("imgfree ready ||")),
        "{script}"
    );
    let boot = lines
        .next()
        .and_then(|line| line.strip_prefix("boot kernel initrd=initrd0 BOOTIF=01-52-54-00-00-00-01 q u="))
        .unwrap_or_else(|| panic!("{script}"));
    assert_eq!(get(&machine, kernel).text(), "a kernel of the directory");
    assert_eq!(get(&machine, initrd).text(), "the file /files/i");
    assert_eq!(
        get(&machine, "http://10.77.0.1:8082/_/booting?mac=x").text(),
        "# Booting"
    );
    assert_eq!(get(&machine, boot).text(), "the file /files/c");
    daemon.wait_for_log("pixiecore.url was fetched, which ends this profile's runs");
    let local = get(&machine, &url);
    assert!(local.text().contains("starts its own disk"), "{}", local.text());
    fs::remove_dir_all(files).expect("it goes");
}
