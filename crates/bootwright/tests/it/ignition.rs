//! What Debian's `ignition-validate` says of Ignition: it is who is right for versions 3.0 to 3.3.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bootwright::reload::{Files, Unusable};
use bootwright_config::{Source, load, render_all};
use bootwright_content::ignition::{Additions, add};
use bootwright_content::{made_up, render_document};

/// Whether it takes a configuration, and its words.
pub(crate) fn validate(text: &str) -> (bool, String) {
    let mut program = Command::new("ignition-validate")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ignition-validate, of Debian's package `ignition`");
    let mut input = program.stdin.take().expect("its input");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    let output = program.wait_with_output().expect("it ends");
    let words = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&words).into_owned())
}

fn files(directory: &str) -> Vec<(PathBuf, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../bootwright-content/tests")
        .join(directory);
    let entries = std::fs::read_dir(top).expect("the corpus");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let ignition = paths.filter(|path| path.extension().is_some_and(|extension| extension == "ign"));
    ignition
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("text")))
        .collect()
}

#[test]
fn ignition_itself_sorts_the_corpus_as_we_do() {
    for (directory, right) in [("ignition/right", true), ("ignition/wrong", false)] {
        let files = files(directory);
        assert!(files.len() > 90, "{directory}: {}", files.len());
        for (path, text) in files {
            let (taken, words) = validate(&text);
            assert_eq!(taken, right, "{}: {words}", path.display());
        }
    }
}

#[test]
fn ignition_takes_what_butane_becomes() {
    let known: Vec<_> = files("butane/right")
        .into_iter()
        .filter(|(_, text)| !text.contains(r#""version":"3.4.0""#))
        .collect();
    assert_eq!(known.len(), 6);
    for (path, text) in known {
        assert_eq!(validate(&text), (true, String::new()), "{}", path.display());
    }
}

#[test]
fn ignition_takes_what_is_added_for_a_host_to_all_that_it_takes() {
    let additions = Additions {
        hostname: Some("node-1".to_owned()),
        up: Some("http://192.0.2.1:8080/r/5a/up?x=%20$".to_owned()),
        done: Some("http://192.0.2.1:8080/r/5a/done".to_owned()),
    };
    let mut tried = 0;
    for (path, text) in files("ignition/right") {
        let Ok(made) = add(&text, &additions) else { continue };
        if made.contains(r#""version":"3.4.0""#) {
            continue;
        }
        let (taken, words) = validate(&made);
        assert!(taken, "{}: {words}\n{made}", path.display());
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn ignition_takes_every_example() {
    let mut documents = 0;
    for example in ["fedora-coreos", "flatcar"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../config/examples")
            .join(example)
            .join("config.toml")
            .display()
            .to_string();
        let read = |path: &str| std::fs::read_to_string(path).map_err(|error| error.to_string());
        let text = read(&path).expect("an example");
        let loaded = load(&[Source { path, text }], &read).unwrap_or_else(|errors| panic!("{}", render_all(&errors)));
        for profile in loaded.policy.profiles.values() {
            for name in profile.files.keys().filter(|name| name.ends_with(".ign")) {
                let made = render_document(profile, name, &made_up(profile)).expect("it renders");
                let (taken, words) = validate(&made);
                assert!(taken, "{example} {name}: {words}\n{made}");
                let named = made.contains("/etc/hostname") && made.contains("data:,some-host") && made.contains("/up");
                assert_eq!(named, name == "target.ign", "{example} {name}: {made}");
                documents += 1;
            }
        }
    }
    assert_eq!(documents, 4);
}

#[test]
fn a_tree_of_a_profile_is_what_lies_below_its_directory_and_nothing_else() {
    let top = std::env::temp_dir().join(format!("bootwright-trees-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&top);
    let (site, outside) = (top.join("site"), top.join("outside"));
    for directory in [&site.join("root/usr/bin"), &site.join("root/etc"), &outside] {
        std::fs::create_dir_all(directory).expect("a directory");
    }
    let write = |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).expect("a file");
    write(&outside.join("secret"), b"of another");
    write(&site.join("root/etc/motd"), b"hello\n");
    write(&site.join("root/usr/bin/tool"), &[0x7f, b'E', b'L', b'F', 0xff]);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(site.join("root/usr/bin/tool"), executable).expect("its permissions");
    let link = |target: &str, path: &str| std::os::unix::fs::symlink(target, site.join(path)).expect("a link");
    link("/etc/shadow", "root/etc/link");
    link("../outside", "out");
    link("root", "inside");
    let butane = |local: &str| {
        format!("variant: fcos\nversion: 1.4.0\nstorage:\n  trees:\n    - path: /opt\n      local: {local}\n")
    };
    let main = site.join("config.toml");
    write(
        &main,
        b"[profiles.p]\nkernel = \"/images/k\"\ndone = \"manual\"\nargs = \"{{ run.url }}\"\n\
          [profiles.p.files]\n\"config.ign\" = { file = \"config.bu\" }\n",
    );
    for local in ["root", "./root/", "inside"] {
        write(&site.join("config.bu"), butane(local).as_bytes());
        let loaded = Files::new(main.clone())
            .load()
            .unwrap_or_else(|why| panic!("{local}: {:?}", why.words()));
        let profile = &loaded.policy.profiles["p"];
        let made = render_document(profile, "config.ign", &made_up(profile)).expect("it renders");
        assert_eq!(validate(&made), (true, String::new()), "{made}");
        for part in [
            r#"{"path":"/opt/etc/motd","contents":{"compression":"","source":"data:,hello%0A"},"mode":420}"#,
            r#"{"path":"/opt/usr/bin/tool","contents":{"compression":"","source":"data:,%7FELF%FF"},"mode":493}"#,
            r#"{"path":"/opt/etc/link","target":"/etc/shadow"}"#,
        ] {
            assert!(made.contains(part), "{local}: {part} in {made}");
        }
    }
    for local in [
        "out",
        "../outside",
        "root/../../outside",
        "/etc",
        "gone",
        "root/etc/motd",
    ] {
        write(&site.join("config.bu"), butane(local).as_bytes());
        let Err(Unusable::Wrong(found)) = Files::new(main.clone()).load() else {
            panic!("{local} was taken");
        };
        let words = render_all(&found);
        assert!(words.contains("config.bu:6:14"), "{local}: {words}");
        assert!(!words.contains("of another"), "{local}: {words}");
    }
    std::fs::remove_dir_all(&top).expect("it is gone");
}
