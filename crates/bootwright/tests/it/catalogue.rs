//! The catalogue: what `bootwright profile new` writes for each system can be used as it is, and says to each system's own
//! checker what it should. The table is the directory `config/examples/`: a new example is tried by being there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bootwright::example;
use bootwright_config::{Source, load, render_all};
use bootwright_content::{made_up, render_document};

use crate::cli::{Said, bootwright, finish};

/// A directory of this test's own, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-catalogue-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        fs::write(path.join("config.toml"), "").expect("a file");
        Self(path)
    }

    fn run(&self, arguments: &str) -> Said {
        let words = arguments.split_whitespace();
        finish(
            bootwright()
                .current_dir(&self.0)
                .args(words)
                .args(["--config", "config.toml"]),
        )
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_family_of_systems_is_in_the_catalogue() {
    let names: Vec<&str> = example::ALL.iter().map(|(name, _)| *name).collect();
    for name in [
        "alpine",
        "arch",
        "autoyast",
        "debian",
        "debian-live",
        "esxi",
        "fedora-coreos",
        "flatcar",
        "harvester",
        "kairos",
        "kiwi",
        "memtest",
        "microos",
        "nixos",
        "opensuse",
        "proxmox",
        "rocky",
        "systemrescue",
        "talos",
        "ubuntu",
    ] {
        assert!(names.contains(&name), "{name} among {names:?}");
    }
    let help = finish(bootwright().args(["profile", "new", "--help"])).out;
    assert!(names.iter().all(|name| help.contains(name)), "{help}");
}

/// Systems that are started and write nothing, or look at the disks themselves.
const WRITE_NOTHING: &[&str] = &["debian-live", "discover", "memtest", "systemrescue"];

#[test]
fn every_system_that_writes_a_disk_asks_the_guard_first_or_says_why_it_cannot() {
    let documents = documents();
    for (os, files) in example::ALL {
        let asks = |word: &str| documents.iter().any(|(of, _, text)| of == os && text.contains(word));
        let guarded = asks("\nbootwright_guard ") || asks("if ! bootwright_guard ") || asks("\nbootwright_wipe ");
        let config = files
            .iter()
            .find(|(file, _)| *file == "config.toml")
            .expect("each has one")
            .1;
        let told = config.contains("\n# No disk guard: ");
        let writes_nothing = WRITE_NOTHING.contains(os);
        let states = [guarded, told, writes_nothing];
        assert_eq!(states.iter().filter(|is| **is).count(), 1, "{os}: {states:?}");
    }
}

#[test]
fn what_is_written_for_each_system_passes_the_check_as_it_is() {
    for (os, files) in example::ALL {
        let place = Place::new(os);
        let said = place.run(&format!("profile new my-own --os {os}"));
        assert_eq!(said.code, 0, "{os}: {}", said.err);
        assert_eq!(said.out.matches("wrote `").count(), files.len(), "{os}: {}", said.out);
        let checked = place.run("check");
        assert_eq!(checked.code, 0, "{os}: {}{}", checked.out, checked.err);
        assert!(
            !checked.out.contains(" 0 profiles") && checked.out.contains(" 0 hosts"),
            "{os}: {}",
            checked.out
        );
        let text = fs::read_to_string(place.0.join("conf.d/my-own.toml")).expect("it is there");
        assert!(
            text.contains("[profiles.my-own]") && text.starts_with("# "),
            "{os}: {text}"
        );
        // The machine of the example, with the comment signs taken away, is one of this profile.
        if text.contains("# [hosts.") {
            let plain: String = text
                .lines()
                .map(|line| {
                    let inside = line
                        .strip_prefix("# ")
                        .filter(|_| text.find("# [hosts.") <= text.find(line));
                    format!("{}\n", inside.unwrap_or(line))
                })
                .collect();
            fs::write(place.0.join("conf.d/my-own.toml"), plain).expect("a file");
            let checked = place.run("check");
            assert_eq!(checked.code, 0, "{os}: {}{}", checked.out, checked.err);
            assert!(checked.out.contains(" 1 host,"), "{os}: {}", checked.out);
        }
        let again = place.run(&format!("profile new my-own --os {os}"));
        assert_eq!(
            (again.code, again.err.contains("is there already")),
            (1, true),
            "{os}: {}",
            again.err
        );
    }
    let place = Place::new("words");
    assert_eq!(place.run("profile new --os beos").code, 2);
    assert_eq!(place.run("profile new Up --os debian").code, 2);
    assert_eq!(
        place.run("profile new --os memtest").code,
        0,
        "the system's name is the profile's"
    );
    assert!(place.0.join("conf.d/memtest.toml").exists());
}

/// The documents of all examples, rendered for a machine: the example, the document's name, the text.
pub(crate) fn documents() -> Vec<(&'static str, String, String)> {
    let mut all = Vec::new();
    for (os, files) in example::ALL {
        let text = |name: &str| {
            files
                .iter()
                .find(|(file, _)| *file == name)
                .map(|(_, text)| (*text).to_owned())
        };
        let sources = [Source {
            path: "config.toml".to_owned(),
            text: text("config.toml").expect("each example has one"),
        }];
        let read = |path: &str| text(path).ok_or_else(|| "no such file".to_owned());
        let loaded = load(&sources, &read).unwrap_or_else(|errors| panic!("{os}: {}", render_all(&errors)));
        for profile in loaded.policy.profiles.values() {
            let mut context = made_up(profile);
            if let Some((name, definition)) = loaded.policy.hosts.iter().next() {
                context.host = name.clone();
                context.metadata.configured = definition.metadata.clone();
            }
            for name in profile.files.keys() {
                let text =
                    render_document(profile, name, &context).unwrap_or_else(|error| panic!("{os} {name}: {error:?}"));
                all.push((*os, name.clone(), text));
            }
        }
    }
    all
}

fn judge(place: &Place, os: &str, name: &str, text: &str, program: &str, arguments: &[&str]) {
    let file = place.0.join(name);
    fs::write(&file, text).expect("a file");
    let said = Command::new(program)
        .args(arguments)
        .arg(&file)
        .output()
        .expect(program);
    let words = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert!(
        said.status.success() && !words.contains("arning"),
        "{os} {name}: {words}\n{text}"
    );
}

#[test]
fn each_systems_own_checker_has_nothing_against_the_documents() {
    let place = Place::new("checkers");
    let mut judged = Vec::new();
    for (os, name, text) in documents() {
        let ending = Path::new(&name)
            .extension()
            .map(|ending| ending.to_string_lossy().into_owned());
        match (name.as_str(), ending.as_deref()) {
            ("preseed.cfg", _) => judge(&place, os, &name, &text, "debconf-set-selections", &["--checkonly"]),
            (_, Some("sh")) => judge(&place, os, &name, &text, "sh", &["-n"]),
            (_, Some("json" | "ign")) => {
                let _: serde_json::Value =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{os} {name}: {error}"));
            }
            _ => continue,
        }
        judged.push(os);
    }
    judged.dedup();
    assert!(judged.len() >= 10, "{judged:?}");
}
