//! `bootwright simulate` on a segment: a played machine asks the real daemon, and every step is told.

use serde_json::Value;

use crate::cli::{ask, bootwright, finish, json};
use crate::daemon::Daemon;
use crate::netns::Netns;
use crate::segment::segment;

const SITE: &str = r#"
[server]
interfaces = ["lab0"]

[safety]
document_binding = "address"

[profiles.debian]
kernel = "/images/debian/linux"
initrds = ["/images/debian/initrd.gz"]
args = ["auto", "url={{ run.url }}/preseed.cfg"]
[profiles.debian.files]
"preseed.cfg" = { text = "d-i preseed/late_command string wget {{ run.url }}/done" }

[profiles.mute]
kernel = "/images/debian/linux"
done = "manual"

[hosts.granted]
mac = "52:54:00:00:07:99"
labels = { rack = "auto" }

[[rules]]
name = "auto"
when = { "label.rack" = "auto" }
profile = "debian"
auto_arm = true
limit = 5
"#;

/// The document of a play from the machine's end of the wire, and the exit status.
fn play(daemon: &Daemon<'_>, wire: &Netns, words: &str) -> (i32, Value) {
    let mut command = wire.command(env!("CARGO_BIN_EXE_bootwright"));
    command
        .arg("--socket")
        .arg(daemon.socket())
        .args(["--json", "simulate"])
        .args(words.split_whitespace());
    let said = finish(&mut command);
    let document = serde_json::from_str(&said.out);
    (
        said.code,
        document.unwrap_or_else(|error| panic!("{words}: {error}: {said:?}")),
    )
}

fn steps<'a>(report: &'a Value, channel: &str) -> Vec<&'a str> {
    let steps = report["steps"].as_array().expect("steps");
    let own = steps.iter().filter(|step| step["channel"] == channel);
    own.map(|step| step["words"].as_str().expect("words")).collect()
}

fn state(daemon: &Daemon<'_>, host: &str) -> Value {
    json(&daemon.socket(), &format!("host show {host}"))["state"].clone()
}

#[test]
fn each_firmware_is_played_to_the_script_and_the_end_says_what_came() {
    let (inside, wire) = segment();
    let daemon = Daemon::start(&inside, SITE);
    for (number, (arch, file, by)) in [
        ("bios", "undionly.kpxe", "tftp"),
        ("uefi64", "snponly.efi", "tftp"),
        ("arm64", "ipxe-arm64.efi", "tftp"),
        ("uefi64-http", "snponly.efi", "http"),
        ("ipxe", "boot.ipxe", "http"),
    ]
    .into_iter()
    .enumerate()
    {
        let mac = format!("52:54:00:00:07:0{number}");
        let (code, report) = play(&daemon, &wire, &format!("--mac {mac} --arch {arch} --serial S{number}"));
        assert_eq!((code, &report["reached"]), (0, &Value::Bool(true)), "{arch}: {report}");
        let offered = steps(&report, "offered");
        assert!(offered[0].contains(file), "{arch}: {offered:?}");
        assert!(
            steps(&report, by).iter().any(|words| words.contains(file)),
            "{arch}: {report}"
        );
        if by == "tftp" {
            let transfer = steps(&report, "tftp");
            assert!(
                transfer.iter().any(|words| words.ends_with(" blocks")),
                "{arch}: {transfer:?}"
            );
        }
        // The daemon has met that machine, and its script is the one of the last answer.
        let mut texts = report["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .filter_map(|step| step["text"].as_str());
        let script = texts.next_back().expect("a script");
        assert!(
            script.contains("This machine is waiting.") && script.contains(&mac),
            "{arch}: {script}"
        );
        assert_eq!(state(&daemon, &mac), "new", "{arch}");
        let facts = json(&daemon.socket(), &format!("host show {mac}"))["facts"]["serial"].clone();
        assert_eq!(facts, format!("S{number}"), "{arch}");
    }
    let (code, report) = play(&daemon, &wire, "--mac 52:54:00:00:07:0a --arch uefi64 --to offered");
    assert_eq!((code, &report["stage"]), (0, &Value::from("offered")), "{report}");
    assert_eq!(
        steps(&report, "tftp"),
        Vec::<&str>::new(),
        "it goes no further than it should"
    );
}

#[test]
fn an_armed_machine_is_played_through_its_install_to_its_own_disk() {
    let (inside, wire) = segment();
    let daemon = Daemon::start(&inside, SITE);
    let mac = "52:54:00:00:07:20";
    assert_eq!(ask(&daemon.socket(), &format!("host arm {mac} debian")).code, 0);
    // To ask for the script alone would use up an attempt.
    let (code, report) = play(&daemon, &wire, &format!("--mac {mac} --arch bios --to scripted"));
    assert_eq!(code, 1, "{report}");
    assert!(
        report["why"].as_str().expect("why").contains("`--to installed`"),
        "{report}"
    );
    assert_eq!(state(&daemon, mac), "armed");
    let (code, report) = play(&daemon, &wire, &format!("--mac {mac} --arch bios --to installed"));
    assert_eq!((code, &report["reached"]), (0, &Value::Bool(true)), "{report}");
    let installer = steps(&report, "installer");
    assert!(
        installer.contains(&"preseed.cfg: status 200") && installer.contains(&"done: status 200"),
        "{installer:?}"
    );
    assert_eq!(state(&daemon, mac), "installed");
    let last = *steps(&report, "machine").last().expect("an end");
    assert!(
        last.contains("its own disk") || last.contains("goes on to its disk"),
        "{report}"
    );
    // One whose installer is told of no run cannot report.
    let mute = "52:54:00:00:07:21";
    assert_eq!(ask(&daemon.socket(), &format!("host arm {mute} mute")).code, 0);
    let (code, report) = play(&daemon, &wire, &format!("--mac {mute} --arch ipxe --to installed"));
    assert_eq!(code, 1, "{report}");
    assert!(
        report["why"]
            .as_str()
            .expect("why")
            .contains("tells the installer of its run"),
        "{report}"
    );
}

#[test]
fn what_a_rule_grants_begins_only_if_that_is_meant() {
    let (inside, wire) = segment();
    let daemon = Daemon::start(&inside, SITE);
    let mac = "52:54:00:00:07:99";
    let (code, report) = play(&daemon, &wire, &format!("--mac {mac} --arch ipxe --to installed"));
    assert_eq!(code, 1, "{report}");
    assert!(
        report["why"].as_str().expect("why").contains("`--yes` lets that begin"),
        "{report}"
    );
    assert_eq!(state(&daemon, mac), "new");
    let (code, report) = play(&daemon, &wire, &format!("--mac {mac} --arch ipxe --to installed --yes"));
    assert_eq!(code, 0, "{report}");
    assert_eq!(state(&daemon, mac), "installed");
}

#[test]
fn a_stage_that_stays_silent_is_told_with_the_daemons_reason() {
    let (inside, wire) = segment();
    let daemon = Daemon::start(&inside, SITE);
    let mac = "52:54:00:00:07:30";
    play(&daemon, &wire, &format!("--mac {mac} --arch bios --to offered"));
    assert_eq!(ask(&daemon.socket(), &format!("host ignore {mac}")).code, 0);
    let (code, report) = play(&daemon, &wire, &format!("--mac {mac} --arch bios"));
    assert_eq!((code, &report["stage"]), (1, &Value::from("silent")), "{report}");
    assert!(report["why"].as_str().expect("why").contains("PXE-E5"), "{report}");
    assert!(
        report["reasons"].to_string().contains("the host is ignored"),
        "{report}"
    );
    // A file that is not there is refused by TFTP, and said so.
    std::fs::remove_file(daemon.data_dir().join("firmware/snponly.efi")).expect("it is there");
    let config = std::fs::read_to_string(daemon.config()).expect("a configuration");
    let other = format!("{config}\n[hosts.odd]\nmac = \"52:54:00:00:07:31\"\nfirmware = \"gone.efi\"\n");
    daemon.write_config(&other);
    assert_eq!(ask(&daemon.socket(), "reload").code, 0);
    let (code, report) = play(&daemon, &wire, "--mac 52:54:00:00:07:31 --arch uefi64");
    assert_eq!((code, &report["stage"]), (1, &Value::from("offered")), "{report}");
    assert!(report["why"].as_str().expect("why").contains("TFTP"), "{report}");
    assert!(report["reasons"].to_string().contains("gone.efi"), "{report}");
}

/// On the box itself what is broadcast comes back to it; TFTP does not, which is said.
#[test]
fn on_the_daemons_own_box_everything_but_tftp_is_played() {
    let (inside, _wire) = segment();
    let daemon = Daemon::start(&inside, SITE);
    for arch in ["ipxe", "uefi64-http"] {
        let (code, report) = play(
            &daemon,
            &inside,
            &format!("--mac 52:54:00:00:07:40 --arch {arch} --link lab0"),
        );
        assert_eq!(
            (code, &report["stage"]),
            (0, &Value::from("scripted")),
            "{arch}: {report}"
        );
    }
    let (code, report) = play(&daemon, &inside, "--mac 52:54:00:00:07:41 --arch bios --link lab0");
    assert_eq!((code, &report["stage"]), (1, &Value::from("offered")), "{report}");
    assert!(
        report["why"]
            .as_str()
            .expect("why")
            .contains("another machine of the segment"),
        "{report}"
    );
}

#[test]
fn words_that_make_no_sense_are_refused() {
    for (words, told) in [
        ("simulate", "--mac"),
        ("simulate --mac 01:00:5e:00:00:01", "no card has it"),
        ("simulate --mac nonsense", "52:54:00:12:34:56"),
    ] {
        let said = finish(bootwright().args(words.split_whitespace()));
        assert!(said.code == 2 && said.err.contains(told), "{words}: {said:?}");
    }
}
