//! Completions as shells run them, and the pages of the manual.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli::{SITE, bootwright, finish, run};
use crate::daemon::Daemon;
use crate::netns::Netns;

/// What bash offers for these words, the last of which is being typed.
fn offered(script: &Path, socket: &Path, config: &Path, words: &[&str]) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_bootwright"))
        .parent()
        .expect("a directory");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let last = words.last().expect("a word");
    let ask = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; _clap_complete_bootwright bootwright '{last}' x; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words
            .iter()
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" "),
        words.len() - 1,
    );
    let output = Command::new("bash")
        .args(["--norc", "-c", &ask])
        .env("PATH", path)
        .env("BOOTWRIGHT_SOCKET", socket)
        .env("BOOTWRIGHT_CONFIG", config)
        .output()
        .expect("bash runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let words = text.lines().map(|line| line.trim().to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn a_shell_offers_commands_options_profiles_and_the_names_of_live_machines() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = run(&format!("completions {shell}"));
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains("BOOTWRIGHT_COMPLETE"), "{shell}: {}", said.out);
        fs::write(daemon.directory().join(shell), said.out).expect("a file");
    }
    // Two that the configuration names, once they are armed, and one that asks by itself.
    for host in ["oak-1", "oak-2"] {
        let armed = daemon.api(
            "POST",
            &format!("/api/v1/hosts/{host}/command"),
            r#"{"command":"arm","profiles":["debian"]}"#,
        );
        assert_eq!(armed.status, 200, "{}", armed.text());
    }
    let (script, socket, config) = (daemon.directory().join("bash"), daemon.socket(), daemon.config());
    let offered = |words: &[&str]| offered(&script, &socket, &config, words);
    assert_eq!(offered(&["bootwright", "host", "ar"]), ["arm"]);
    assert_eq!(offered(&["bootwright", "host", "arm", "oak-"]), ["oak-1", "oak-2"]);
    assert_eq!(offered(&["bootwright", "explain", "oak-2"]), ["oak-2"]);
    assert_eq!(offered(&["bootwright", "host", "arm", "oak-1", "d"]), ["debian"]);
    assert_eq!(offered(&["bootwright", "host", "arm", "--allow"]), ["--allow-wipe"]);
    // Where no daemon answers there are no names, and nothing waits or complains.
    let nowhere = Path::new("/nowhere/control.sock");
    assert!(
        self::offered(&script, nowhere, &config, &["bootwright", "host", "show", ""])
            .iter()
            .all(|word| word.starts_with('-'))
    );
}

#[test]
fn every_command_has_a_page_of_the_manual_that_man_can_render() {
    let directory = std::env::temp_dir().join(format!("bootwright-man-{}", std::process::id()));
    let said = finish(bootwright().arg("man").arg(&directory));
    assert_eq!(said.code, 0, "{said:?}");
    let pages: Vec<String> = fs::read_dir(&directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    for page in ["bootwright.1", "bootwright-host-arm.1", "bootwright-restore.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} in {pages:?}");
    }
    let arm = fs::read_to_string(directory.join("bootwright-host-arm.1")).expect("a page");
    for words in [".TH BOOTWRIGHT-HOST-ARM 1", "allow\\-wipe", "overwriting of the disk"] {
        assert!(arm.contains(words), "`{words}` in {arm}");
    }
    for page in &pages {
        let text = fs::read_to_string(directory.join(page)).expect("a page");
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(text.contains(section), "`{section}` in {page}");
        }
    }
    fs::remove_dir_all(&directory).expect("it is ours");
}
