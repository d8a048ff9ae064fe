//! The log, the numbers and the codes, as people and Prometheus meet them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bootwright::telemetry::VERBS;
use serde_json::Value;

use crate::cli::run;
use crate::daemon::{Daemon, PATIENCE, get, wait_until};
use crate::install::{CONFIG, OURS, arm, question, run_url, segment};
use crate::segment::{captured, discover};

const CARD: &str = "52-54-00-00-00-01";
const HOST: &str = "52:54:00:00:00:01";

/// A file of the directory with what goes to Prometheus and Grafana.
fn monitoring(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/monitoring")
        .join(name)
}

/// Lets promtool judge, and returns what it says; `input` is its standard input.
fn promtool(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    said
}

/// One install from the DISCOVER to the installed system, and somebody who guesses a token.
fn install_once(daemon: &Daemon<'_>, machine: &crate::netns::Netns) {
    discover(machine, "eth0", &captured("bios-firmware-discover"), PATIENCE).expect("an offer");
    get(machine, OURS, &question(CARD));
    arm(daemon, HOST, "lab");
    let script = get(machine, OURS, &question(CARD));
    let run = run_url(script.text()).expect("an install script");
    get(machine, OURS, "/images/lab/vmlinuz");
    get(machine, OURS, &format!("{run}/progress?message=partitioning"));
    for report in ["done", "up"] {
        assert_eq!(get(machine, OURS, &format!("{run}/{report}")).status, 200);
    }
    let guessed = get(machine, OURS, "/r/00000000000000000000000000000000/done");
    assert_eq!(guessed.status, 404);
}

/// The value of a metric with these labels.
fn value(text: &str, metric: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(metric))?;
    line.strip_prefix(' ')?.parse().ok()
}

/// The names of the samples that a text of metrics has.
fn names(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.split(['{', ' ']).next())
        .filter(|name| !name.is_empty())
        .collect()
}

/// The metrics of ours that an expression names.
fn named(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("bootwright_"))
        .map(str::to_owned)
        .collect()
}

/// All expressions anywhere in a document.
fn expressions(document: &Value, found: &mut Vec<String>) {
    match document {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("expr" | "query", Value::String(expression)) => found.push(expression.clone()),
                    _ => expressions(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn the_numbers_are_what_happened_and_the_board_and_the_alerts_name_no_others() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, CONFIG);
    install_once(&daemon, &machine);
    let scraped = || daemon.api("GET", "/metrics", "");
    // What became of the run is counted once it is recorded.
    wait_until("the end of the run is counted", || {
        value(
            scraped().text(),
            "bootwright_run_seconds_count{profile=\"lab\",stage=\"up\"}",
        ) == Some(1.0)
    });
    let answer = scraped();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("text/plain; version=0.0.4"), "{}", answer.head);
    let text = answer.text();
    for (metric, expected) in [
        (
            "bootwright_dhcp_packets_total{iface=\"lab0\",type=\"discover\",verdict=\"answered\"}",
            1.0,
        ),
        ("bootwright_offer_seconds_count", 1.0),
        ("bootwright_hosts{state=\"installed\"}", 1.0),
        ("bootwright_hosts{state=\"new\"}", 1.0),
        ("bootwright_runs_total{profile=\"lab\",result=\"done\"}", 1.0),
        ("bootwright_run_seconds_count{profile=\"lab\",stage=\"install\"}", 1.0),
        ("bootwright_callbacks_total{kind=\"done\",result=\"taken\"}", 1.0),
        ("bootwright_callbacks_total{kind=\"done\",result=\"denied\"}", 1.0),
        ("bootwright_token_denied_total{reason=\"report\"}", 1.0),
        ("bootwright_config_last_reload_ok", 1.0),
        ("bootwright_budget_in_use", 0.0),
        ("bootwright_rogue_dhcp_servers", 0.0),
        ("bootwright_ready", 1.0),
    ] {
        assert_eq!(value(text, metric), Some(expected), "{metric}\n{text}");
    }
    let kernel = fs::read(daemon.data_dir().join("images/lab/vmlinuz"))
        .expect("the kernel")
        .len();
    let sent = value(text, "bootwright_http_bytes_total{kind=\"image\"}");
    assert_eq!(sent.map(|bytes| bytes as usize), Some(kernel));
    assert!(
        value(text, "bootwright_store_fsync_seconds_count") >= Some(3.0),
        "{text}"
    );
    assert!(value(text, "bootwright_data_disk_size_bytes") > value(text, "bootwright_data_disk_free_bytes"));
    assert!(
        !text.contains(HOST) && !text.contains("52-54"),
        "no host in a label:\n{text}"
    );

    let said = promtool(&["check", "metrics"], text);
    assert_eq!(said, "", "promtool has something to say");
    let board = fs::read_to_string(monitoring("grafana.json")).expect("the board");
    let board: Value = serde_json::from_str(&board).expect("JSON");
    let mut asked = Vec::new();
    expressions(&board, &mut asked);
    let rules = fs::read_to_string(monitoring("alerts.yml")).expect("the rules");
    asked.extend(rules.lines().filter(|line| line.contains("expr:")).map(str::to_owned));
    let asked: BTreeSet<String> = asked.iter().flat_map(|expression| named(expression)).collect();
    assert!(asked.len() > 20, "{asked:?}");
    let known = names(text);
    let unknown: Vec<&String> = asked.iter().filter(|name| !known.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "named, and not there: {unknown:?}\n{text}");

    for (path, words) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let answer = daemon.api("GET", path, "");
        assert_eq!((answer.status, answer.text()), (200, words));
    }
    inside.ip("addr flush dev lab0");
    wait_until("it is not ready", || daemon.api("GET", "/readyz", "").status == 503);
    assert!(daemon.api("GET", "/readyz", "").text().contains("E104"));
}

#[test]
fn promtool_takes_the_alert_rules_and_their_tests() {
    let rules = monitoring("alerts.yml");
    promtool(&["check", "rules", rules.to_str().expect("a path")], "");
    let tests = monitoring("alerts.test.yml");
    promtool(&["test", "rules", tests.to_str().expect("a path")], "");
}

#[test]
fn each_line_has_the_same_columns_and_repeats_are_folded() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    daemon.log_level = "info";
    daemon.run();
    daemon.wait_for_log("Z ready ");
    install_once(&daemon, &machine);
    daemon.wait_for_log("the installed system is up");
    daemon.write_config("[server]\ninterface = 7\n");
    for _ in 0..15 {
        let refused = daemon.api("POST", "/api/v1/reload", "");
        assert!(refused.text().contains("E201"), "{}", refused.text());
    }
    daemon.stop();
    daemon.wait_for_log("Z stop ");
    let log = daemon.log();
    let refused: Vec<&str> = log.lines().filter(|line| line.contains("stays as it was")).collect();
    assert_eq!(refused.len(), 2, "{log}");
    assert!(refused[0].contains("[E201]") && !refused[0].contains('×'), "{log}");
    // The daemon looks at its files by itself, too.
    assert!(
        refused[1].contains("(×14 in ") || refused[1].contains("(×15 in "),
        "{log}"
    );
    // What belongs to the line before it is indented.
    for line in log.lines().filter(|line| !line.starts_with("    ")) {
        let columns: Vec<&str> = line.splitn(4, ' ').collect();
        assert!(columns[0].ends_with('Z') && columns[0].len() == 20, "{line}");
        assert!(VERBS.contains(&columns[1]), "{line}");
        // The text begins where it always does, unless a name is longer than its column.
        let rest: Vec<&str> = line[28..].split_whitespace().take(2).collect();
        assert!(rest[1] == "-" || rest[1].parse::<u32>().is_ok(), "{line}");
    }
    let verbs: Vec<&str> = log.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    let order = ["ready", "new", "armed", "boot", "fetch", "done", "up", "stop"];
    let places: Vec<Option<usize>> = order.iter().map(|verb| verbs.iter().position(|v| v == verb)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?}\n{log}"
    );
    assert!(verbs.contains(&"hint"), "{log}");
    let done = log
        .lines()
        .find(|line| line.contains("Z done "))
        .expect("the end of the run");
    assert!(done[28..].contains(" 1   installer finished in "), "{done}");
}

#[test]
fn the_log_as_json_has_one_schema() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    daemon.log_level = "info";
    daemon.run_under(&["env".to_owned(), "BOOTWRIGHT_LOG_FORMAT=json".to_owned()]);
    daemon.wait_for_log("\"verb\":\"ready\"");
    install_once(&daemon, &machine);
    daemon.wait_for_log("the installed system is up");
    daemon.stop();
    daemon.wait_for_log("\"verb\":\"stop\"");
    let members = [
        "time", "level", "verb", "host", "run", "text", "code", "by", "seq", "repeats", "fields",
    ];
    let mut seqs = Vec::new();
    for line in daemon.log().lines() {
        let document: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let object = document.as_object().expect("an object");
        for name in object.keys() {
            assert!(members.contains(&name.as_str()), "`{name}` is not documented: {line}");
        }
        assert!(document["time"].as_str().is_some_and(|time| time.len() == 24), "{line}");
        assert!(
            ["error", "warn", "info"].contains(&document["level"].as_str().expect("a level")),
            "{line}"
        );
        assert!(VERBS.contains(&document["verb"].as_str().expect("a verb")), "{line}");
        assert!(document["text"].as_str().is_some_and(|text| !text.is_empty()), "{line}");
        seqs.extend(document["seq"].as_u64());
        if document["verb"] == "done" {
            assert_eq!(
                (&document["run"], document["host"].is_string()),
                (&Value::from(1), true),
                "{line}"
            );
        }
        if document["verb"] == "armed" {
            assert_eq!(document["by"], "root", "{line}");
        }
    }
    assert!(seqs.len() >= 5 && seqs.is_sorted(), "{seqs:?}");
    let guide = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let guide = fs::read_to_string(guide).expect("the guide");
    for member in members {
        assert!(
            guide.contains(&format!("| `{member}` |")),
            "docs/operating.md does not name `{member}`"
        );
    }
    for verb in VERBS {
        assert!(
            guide.contains(&format!("`{verb}`")),
            "docs/operating.md does not name the verb `{verb}`"
        );
    }
}

#[test]
fn codes_are_explained_without_a_daemon() {
    let all = run("--socket /nowhere/control.sock help codes");
    assert_eq!(all.code, 0, "{all:?}");
    for code in ["E101", "W110", "E601", "PXE-E53"] {
        assert!(all.out.lines().any(|line| line.starts_with(code)), "{}", all.out);
        let told = run(&format!("help {}", code.to_lowercase()));
        assert_eq!(told.code, 0, "{told:?}");
        for part in ["\nwhy ", "\ndo ", "\ncheck ", "\nmore  docs/codes.md#"] {
            assert!(told.out.contains(part), "{code}: {}", told.out);
        }
    }
    let told: Value = serde_json::from_str(&run("--json help E101").out).expect("a document");
    assert!(
        told["do"]
            .as_str()
            .is_some_and(|act| act.contains("network_mode: host")),
        "{told}"
    );
    let ipxe = run("help https://ipxe.org/2d0c618e");
    assert!(ipxe.out.contains("there is no such file (ENOENT)"), "{ipxe:?}");
    let near = run("help E1O1");
    assert_eq!(near.code, 2, "{near:?}");
    assert!(near.err.contains("did you mean `bootwright help E101`?"), "{near:?}");
    let command = run("help host arm");
    assert!(command.code == 0 && command.out.contains("--allow-wipe"), "{command:?}");
    assert!(run("help").out.contains("Exit status: "));
}
