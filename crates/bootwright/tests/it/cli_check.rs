//! What needs no daemon: `check`, `init`, `version`, `completions`, wrong words, and a daemon that is not there.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use serde_json::Value;

use crate::cli::{Said, bootwright, finish, run};

/// A directory of this test's own, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    /// Runs a command in the directory, so that messages name files without it.
    fn run(&self, arguments: &str) -> Said {
        finish(bootwright().current_dir(&self.0).args(arguments.split_whitespace()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const BROKEN: &str = r#"[safety]
unknown = "held"
max_atempts = 3

[profiles.debian]
kernel = "/images/debian/linux"
args = ["url={{ run.ulr }}/preseed.cfg"]

[hosts.oak-1]
mac = "52:54:00:00:00"
profile = "debain"
"#;

#[test]
fn all_mistakes_of_all_files_are_listed_at_once_each_at_its_place() {
    let place = Place::new("broken");
    place.write("config.toml", BROKEN);
    place.write(
        "conf.d/10-rules.toml",
        "[[rules]]\nname = \"r\"\nwhen = { colour = \"red\" }\nprofile = \"debian\"\n",
    );
    place.write("conf.d/notes.txt", "no configuration");
    let said = place.run("check --config config.toml");
    assert_eq!(said.code, 2, "{}", said.err);
    for place in [
        "config.toml:2:11",
        "config.toml:3:1",
        "config.toml:7:",
        "config.toml:10:7",
        "config.toml:11:11",
        "conf.d/10-rules.toml:3:",
    ] {
        assert!(said.out.contains(place), "no diagnostic at {place}:\n{}", said.out);
    }
    assert!(said.out.contains("^"), "{}", said.out);
    assert!(said.out.contains("help: "), "{}", said.out);
    assert!(said.out.ends_with("errors\n"), "{}", said.out);
    assert!(!said.out.contains("notes.txt"));
    let report: Value = serde_json::from_str(&place.run("--json check --config config.toml").out).expect("a document");
    assert_eq!(report["accepted"], Value::Bool(false));
    let lines: Vec<u64> = report["diagnostics"]
        .as_array()
        .expect("diagnostics")
        .iter()
        .filter(|diagnostic| diagnostic["file"] == "config.toml")
        .filter_map(|diagnostic| diagnostic["line"].as_u64())
        .collect();
    assert!(lines.is_sorted() && lines.starts_with(&[2, 3]), "{lines:?}");
}

#[test]
fn a_good_configuration_is_good_and_what_is_missing_on_disk_is_a_warning() {
    let place = Place::new("good");
    place.write(
        "config.toml",
        "[profiles.rescue]\nkernel = \"/images/rescue/linux\"\ninitrds = [\"/images/rescue/initrd\"]\ndone = \"manual\"\n",
    );
    let good = place.run("check --config config.toml");
    assert_eq!(
        (good.code, good.out.as_str()),
        (0, "the configuration is good: 1 profile, 0 hosts, 0 rules\n")
    );

    place.write("data/images/rescue/linux", "kernel");
    place.write("data/firmware/undionly.kpxe", "firmware");
    place.write("shipped/manifest.toml", "");
    let said = place.run("check --config config.toml --data-dir data --firmware-dir shipped");
    expect![[r#"
        warning: there is no `data/images/rescue/initrd`, which profile `rescue` boots
         hint: put the file there before a host is armed with the profile

        the configuration can be used: 1 warning
    "#]]
    .assert_eq(&said.out);
    assert_eq!(said.code, 1);
    place.write("data/images/rescue/initrd", "initrd");
    let said = place.run("check --config config.toml --data-dir data --firmware-dir shipped");
    assert_eq!(said.code, 0, "{}", said.out);
}

#[test]
fn a_configuration_that_somebody_names_must_be_there() {
    let place = Place::new("missing");
    let said = place.run("check --config nowhere.toml");
    assert_eq!(said.code, 2);
    assert!(said.out.contains("there is no file `nowhere.toml`"), "{}", said.out);
}

#[test]
fn init_writes_a_configuration_once() {
    let place = Place::new("init");
    let first = place.run("init --config etc/config.toml");
    assert_eq!(
        (first.code, first.out.as_str()),
        (0, "wrote `etc/config.toml`; every key in it is commented out\n")
    );
    let second = place.run("init --config etc/config.toml");
    let expected = "`etc/config.toml` is there already; nothing was changed\n";
    assert_eq!((second.code, second.out.as_str()), (0, expected));
    assert_eq!(place.run("check --config etc/config.toml").code, 0);
    let document: Value =
        serde_json::from_str(&place.run("--json init --config etc/config.toml").out).expect("a document");
    assert_eq!(document["written"], Value::Bool(false));
    let refused = place.run("init --config /proc/bootwright/config.toml");
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .err
            .starts_with("error: cannot write `/proc/bootwright/config.toml`"),
        "{}",
        refused.err
    );
    let lenient = place.run("init --lenient --config /proc/bootwright/config.toml");
    assert_eq!((lenient.code, lenient.err), (0, refused.err));
}

#[test]
fn firmware_below_the_directory_for_tftp_is_there_and_a_missing_directory_is_said() {
    let place = Place::new("tftp-root");
    let root = place.0.join("tftp").display().to_string();
    place.write(
        "config.toml",
        &format!("[tftp]\nroot = \"{root}\"\n[dhcp.arch]\nbios = \"own/pxelinux.0\"\n"),
    );
    place.write("shipped/manifest.toml", "");
    let check = || place.run("check --config config.toml --data-dir data --firmware-dir shipped");
    let said = check();
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.out.contains("the firmware has no `own/pxelinux.0`"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains(&format!("there is no directory `{root}`")),
        "{}",
        said.out
    );
    place.write("tftp/own/pxelinux.0", "a boot program");
    let said = check();
    assert_eq!((said.code, said.out.contains("warning")), (0, false), "{}", said.out);
}

#[test]
fn a_daemon_that_is_not_there_is_exit_status_3() {
    let place = Place::new("nobody");
    let said = place.run("--socket control.sock host list");
    assert_eq!(said.code, 3);
    expect![[r#"
        error: no daemon answers on `control.sock`: no such file or directory
         hint: start `bootwright serve`, or name the daemon's socket with `--socket`
    "#]]
    .assert_eq(&said.err);
    drop(std::os::unix::net::UnixListener::bind(place.0.join("stale.sock")).expect("a socket"));
    let said = place.run("--socket stale.sock events --follow");
    assert_eq!(said.code, 3, "{}", said.err);
}

#[test]
fn wrong_words_are_exit_status_2_and_the_environment_names_options() {
    for words in [
        "",
        "host",
        "host fly oak-1",
        "events --since soon",
        "explain oak-1 --as-if profile",
    ] {
        let said = run(words);
        assert_eq!(said.code, 2, "`{words}`: {}", said.err);
        assert!(!said.err.is_empty(), "`{words}`");
    }
    let said = finish(bootwright().env("BOOTWRIGHT_JSON", "true").arg("version"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(said.out, format!("{{\"version\":\"{version}\"}}\n"));
    assert_eq!(run("version").out, format!("bootwright {version}\n"));
    let said = finish(
        bootwright()
            .env("BOOTWRIGHT_SOCKET", "/nowhere/control.sock")
            .args(["host", "list"]),
    );
    assert!(said.err.contains("/nowhere/control.sock"), "{}", said.err);
    let help = run("host arm --help").out;
    assert!(
        help.contains("--allow-wipe") && !help.contains("BOOTWRIGHT_ALLOW_WIPE"),
        "{help}"
    );
}

#[test]
fn a_record_that_is_not_there_is_said_so() {
    let place = Place::new("no-store");
    let said = place.run("check --store --data-dir data");
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("there is no store `data/bootwright.db`"),
        "{}",
        said.err
    );
    assert!(!Path::new(&place.0).join("data").exists(), "looking makes nothing");
}

#[test]
fn a_mistake_in_butane_is_shown_where_it_was_written() {
    let place = Place::new("butane");
    place.write(
        "config.toml",
        "[profiles.coreos]\nkernel = \"/images/linux\"\nargs = [\"{{ run.url }}\"]\n[profiles.coreos.files]\n\
         \"target.ign\" = { file = \"target.bu\" }\n",
    );
    place.write(
        "target.bu",
        "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: motd\n      mod: 0644\n",
    );
    let said = place.run("check --config config.toml");
    assert_eq!(said.code, 2, "{}", said.err);
    for part in [
        "target.bu:7:16",
        "cannot read `motd`",
        "target.bu:8:7",
        "the key `mod` is not known in fcos 1.4.0",
        "did you mean `mode`?",
    ] {
        assert!(
            said.err.contains(part) || said.out.contains(part),
            "{part} in\n{}{}",
            said.out,
            said.err
        );
    }
    place.write("motd", "Welcome.\n");
    place.write(
        "target.bu",
        "variant: fcos\nversion: 1.4.0\nstorage:\n  files:\n    - path: /etc/motd\n      contents:\n        local: motd\n",
    );
    let said = place.run("check --config config.toml");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}
