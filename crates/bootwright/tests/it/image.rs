//! `bootwright image` and `bootwright bundle` as an operator types them, without a daemon: full disks and sudden deaths too.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use serde_json::Value;

use crate::cli::{Said, bootwright, finish};

/// A directory of this test's own, removed at its end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-image-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("data")).expect("a directory");
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, content).expect("a file");
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = bootwright();
        command
            .current_dir(&self.0)
            .args(["--data-dir", "data"])
            .args(arguments.split_whitespace());
        command
    }

    fn run(&self, arguments: &str) -> Said {
        finish(&mut self.command(arguments))
    }

    fn images(&self) -> PathBuf {
        self.0.join("data/images")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn images_are_added_listed_verified_bundled_and_removed() {
    let place = Place::new("life");
    place.write("tree/linux", "kernel");
    place.write("tree/a/initrd.gz", "initrd");
    assert_eq!(
        place.run("image list").out,
        "no image is there; `bootwright image add` adds one\n"
    );
    let said = place.run("image add debian-13 tree");
    let expected = "image `debian-13` is in place: 2 files, 12 B; proof: a directory of this machine\n";
    assert_eq!((said.code, said.out.as_str()), (0, expected), "{}", said.err);
    place.write("data/images/own/vmlinuz", "by hand");
    let listed = place.run("image list").out;
    assert!(listed.contains("debian-13  -        2      12 B  tree"), "{listed}");
    assert!(listed.contains("put there by hand"), "{listed}");
    let document: Value = serde_json::from_str(&place.run("--json image list").out).expect("a document");
    assert_eq!(document[0]["bytes"], 12);
    assert_eq!(place.run("image verify").out, "image `debian-13` is as it was added\n");

    place.write("etc/config.toml", "");
    let said = place.run("--config etc/config.toml bundle write all.tar --firmware-dir nowhere");
    let expected = "`all.tar` holds images debian-13; 0 files of firmware, 1 of the configuration\n";
    assert_eq!((said.code, said.out.as_str()), (0, expected), "{}", said.err);
    let said = place.run("--data-dir other --config other/etc/config.toml bundle read all.tar");
    assert_eq!(said.code, 2, "an option is given once: {}", said.out);
    let there = finish(bootwright().current_dir(&place.0).args([
        "--data-dir",
        "other",
        "--config",
        "other-etc/config.toml",
        "bundle",
        "read",
        "all.tar",
    ]));
    assert_eq!(there.code, 0, "{}", there.err);
    assert_eq!(
        fs::read(place.0.join("other/images/debian-13/linux")).expect("it came"),
        b"kernel"
    );
    assert!(place.0.join("other-etc/config.toml").exists());

    let linux = place.images().join("debian-13/linux");
    fs::remove_file(&linux).expect("root may");
    fs::write(&linux, "other").expect("root may");
    let said = place.run("image verify debian-13");
    assert_eq!(
        (said.code, said.out.contains("`linux` was changed")),
        (1, true),
        "{}",
        said.out
    );
    let said = place.run("image remove debian-13");
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "image `debian-13` is removed\n"),
        "{}",
        said.err
    );
    let said = place.run("image remove own");
    assert_eq!(
        (said.code, said.err.contains("put there by hand")),
        (1, true),
        "{}",
        said.err
    );
    for (words, code, why) in [
        ("image add UP tree", 2, "is no name of an image"),
        ("image add x", 2, "where is the image to come from?"),
        ("image add x fcos:../..", 1, "is no source"),
        ("image add x snap:stable", 1, "no kind of source"),
        ("image add x nowhere", 1, "cannot read `nowhere`"),
        ("image add x tree --sha256 12", 2, "is no such hash"),
        ("image verify nothing", 1, "there is no image `nothing`"),
    ] {
        let said = place.run(words);
        assert_eq!(
            (said.code, said.err.contains(why)),
            (code, true),
            "{words}: {}",
            said.err
        );
    }
}

/// A server that sends the first part of a file, says so, and then nothing more until it is asked again.
fn half_server(body: Vec<u8>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/rootfs.img", listener.local_addr().expect("an address"));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // Connections stay open, so that the client waits.
        let mut open = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            let head: Vec<String> = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let from: usize = head
                .iter()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("range: bytes=")?
                        .strip_suffix('-')?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            let last = body.len() - 1;
            let (status, range) = match from {
                0 => ("200 OK", String::new()),
                _ => (
                    "206 Partial Content",
                    format!("Content-Range: bytes {from}-{last}/{}\r\n", body.len()),
                ),
            };
            let length = body.len() - from;
            let text = format!("HTTP/1.1 {status}\r\nETag: \"1\"\r\n{range}Content-Length: {length}\r\n\r\n");
            let end = if from == 0 { body.len() / 2 } else { body.len() };
            // The client may have been killed meanwhile.
            let _ = stream
                .write_all(text.as_bytes())
                .and_then(|()| stream.write_all(&body[from..end]));
            let _ = sender.send(format!("{from}"));
            open.push(stream);
        }
    });
    (url, receiver)
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed() < crate::daemon::PATIENCE, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_command_that_is_killed_in_the_middle_leaves_the_old_image_and_the_next_one_goes_on() {
    let place = Place::new("killed");
    place.write("rootfs.img", "the old image");
    assert_eq!(place.run("image add x rootfs.img").code, 0);
    let body: Vec<u8> = (0..4_000_000_u32).map(|number| (number % 251) as u8).collect();
    let (url, asked) = half_server(body.clone());
    let mut child = place
        .command(&format!("image add x {url} --unverified"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    assert_eq!(asked.recv_timeout(crate::daemon::PATIENCE).expect("it asks"), "0");
    let partial = place.images().join(".partial");
    let arrived = || {
        let sizes = names(&partial)
            .into_iter()
            .map(|name| fs::metadata(partial.join(name)).map_or(0, |about| about.len()));
        sizes.max().unwrap_or(0)
    };
    wait_until("half of it is there", || arrived() == 2_000_000);
    child.kill().expect("it can be killed");
    assert_eq!(child.wait().expect("it is gone").signal(), Some(9));
    assert_eq!(
        fs::read(place.images().join("x/rootfs.img")).expect("it is there"),
        b"the old image"
    );
    assert_eq!(place.run("image verify x").code, 0);
    let said = place.run(&format!("image add x {url} --unverified"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        asked.recv_timeout(crate::daemon::PATIENCE).expect("it asks"),
        "2000000",
        "the first half is not fetched again"
    );
    assert!(fs::read(place.images().join("x/rootfs.img")).expect("it is there") == body);
    assert_eq!(names(&place.images().join(".staging")), [""; 0]);
}

#[test]
fn a_command_that_is_killed_while_it_unpacks_leaves_nothing_half_in_place() {
    let place = Place::new("unpacking");
    for number in 0..3000 {
        place.write(&format!("tree/{}/{number}", number % 7), format!("file {number}"));
    }
    let staging = place.images().join(".staging");
    let mut killed = 0;
    for wanted in [1, 200, 1500, 2900] {
        let mut child = place
            .command("image add x tree")
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let count = || -> usize {
            let stages = fs::read_dir(&staging).into_iter().flatten().flatten();
            let trees = stages.flat_map(|stage| (0..7).map(move |number| stage.path().join(format!("tree/{number}"))));
            trees.map(|tree| fs::read_dir(tree).map_or(0, Iterator::count)).sum()
        };
        wait_until("it unpacks", || count() >= wanted || place.images().join("x").exists());
        child.kill().expect("it can be killed");
        killed += u32::from(child.wait().expect("it is gone").signal() == Some(9));
        if place.images().join("x").exists() {
            assert_eq!(place.run("image verify x").code, 0, "what is in place is whole");
            assert_eq!(place.run("image remove x").code, 0);
        }
    }
    assert!(killed > 0, "no one was killed in time");
    assert_eq!(place.run("image add x tree").code, 0);
    assert_eq!(names(&staging), [""; 0], "what the killed ones left is swept");
}

#[test]
fn a_full_disk_leaves_the_old_image_and_room_for_others() {
    let place = Place::new("full");
    place.write("small", "the old image");
    place.write("large.img", vec![7; 3 << 20]);
    let (url, _asked) = half_server(vec![9; 8 << 20]);
    // A file system of two megabytes that only this shell and its children see.
    let binary = env!("CARGO_BIN_EXE_bootwright");
    let script = format!(
        "mount -t tmpfs -o size=2m tmpfs data && b='{binary} --data-dir data' && $b image add x small || exit 9\n\
         $b image add x large.img; echo \"status $?\"\n\
         $b image add x {url} --unverified; echo \"status $?\"\n\
         $b image verify x && cat data/images/x/small && ls -A data/images/.staging && df --output=avail -k data | tail -1"
    );
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .current_dir(&place.0)
        .output()
        .expect("a mount namespace");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let lines: Vec<&str> = out.lines().skip(1).collect();
    let [first, second, verified, rest] = lines[..] else {
        panic!("{out}\n{err}")
    };
    assert_eq!(
        (first, second, verified),
        ("status 1", "status 1", "image `x` is as it was added"),
        "{err}"
    );
    let free: u64 = rest
        .strip_prefix("the old image")
        .and_then(|rest| rest.trim().parse().ok())
        .expect("kilobytes");
    assert!(free > 1900, "{free} KB are free\n{err}");
    assert_eq!(err.matches("no space left on device").count(), 2, "{err}");
    assert_eq!(err.matches("hint: free some space").count(), 2, "{err}");
}

#[test]
fn a_profile_whose_image_is_missing_or_changed_cannot_be_armed_until_it_is_right_again() {
    let inside = crate::netns::Netns::new("daemon");
    let place = Place::new("armed");
    let config = "[server]\ninterfaces = [\"lab0\"]\n[profiles.os]\nkernel = '/images/os/linux'\ndone = \"manual\"\n\
                  [hosts.oak-1]\nmac = \"52:54:00:00:00:01\"\nprofile = \"os\"\n";
    let daemon = crate::daemon::Daemon::start(&inside, config);
    let arm = || crate::cli::ask(&daemon.socket(), "host arm oak-1");
    let said = arm();
    let expected = "error: oak-1: profile os cannot be installed: image `os` is missing: `/images/os/linux` is not there\n \
                    hint: `bootwright image add` puts it in place, `bootwright image verify` shows what is wrong\n";
    assert_eq!((said.code, said.err.as_str()), (1, expected));
    place.write("tree/linux", "the kernel");
    let add = || {
        let mut add = bootwright();
        add.current_dir(&place.0)
            .arg("--data-dir")
            .arg(daemon.data_dir())
            .args(["image", "add", "os", "tree"]);
        assert_eq!(finish(&mut add).code, 0);
    };
    add();
    // The daemon was not told, and knows.
    let said = arm();
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(crate::cli::ask(&daemon.socket(), "host hold oak-1").code, 0);
    // Bytes of the same number, as when a disk forgets: found without anybody asking.
    let linux = daemon.data_dir().join("images/os/linux");
    fs::remove_file(&linux).expect("root may");
    fs::write(&linux, "the kernal").expect("root may");
    daemon.wait_for_log("image `os` was changed");
    let said = arm();
    assert_eq!(
        (said.code, said.err.contains("`linux` is not the file that was added")),
        (1, true),
        "{}",
        said.err
    );
    let checked = finish(
        bootwright()
            .arg("--data-dir")
            .arg(daemon.data_dir())
            .arg("--config")
            .arg(daemon.config())
            .args(["image", "verify"]),
    );
    assert_eq!(checked.code, 1, "{}", checked.out);
    add();
    let said = arm();
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn an_image_that_the_configuration_names_is_added_by_its_name_alone() {
    let place = Place::new("declared");
    place.write("etc/tree/linux", "kernel");
    place.write(
        "etc/config.toml",
        "[images.os]\nsource = \"tree\"\n[images.firm]\nsource = \"tree/linux\"\nsha256 = \"HASH\"\n\
         [profiles.os]\nkernel = \"/images/os/linux\"\ndone = \"manual\"\n"
            .replace("HASH", &"0".repeat(64)),
    );
    let run = |words: &str| place.run(&format!("--config etc/config.toml {words}"));
    let listed = run("image list").out;
    assert!(listed.contains("not there: `bootwright image add os`"), "{listed}");
    let checked = run("check");
    assert_eq!(checked.code, 1, "{}", checked.err);
    assert!(
        checked.out.contains("`bootwright image add os` fetches it"),
        "{}",
        checked.out
    );
    let said = run("image add os");
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        fs::read(place.images().join("os/linux")).expect("it is there"),
        b"kernel"
    );
    assert!(!run("check").out.contains("images/os"));
    let said = run("image add firm");
    assert_eq!(said.code, 1);
    assert!(said.err.contains("has not the SHA-256 0000"), "{}", said.err);
    let said = run("image add other");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("where is the image to come from?"), "{}", said.err);
}

#[test]
fn threat_29_a_flipped_bit_in_a_kernel_or_in_what_its_arguments_name_is_never_installed() {
    let inside = crate::netns::Netns::new("daemon");
    let place = Place::new("flipped");
    place.write("tree/linux", "the kernel");
    place.write("tree/root.img", vec![7; 100_000]);
    let config = "[server]\ninterfaces = [\"lab0\"]\n[profiles.os]\nkernel = '/images/os/linux'\n\
                  args = ['root=live:{{ server.url }}/images/os/root.img']\ndone = \"manual\"\n\
                  [hosts.oak-1]\nmac = \"52:54:00:00:00:01\"\nprofile = \"os\"\n";
    let daemon = crate::daemon::Daemon::start(&inside, config);
    let add = || {
        let mut add = bootwright();
        add.current_dir(&place.0)
            .arg("--data-dir")
            .arg(daemon.data_dir())
            .args(["image", "add", "os", "tree"]);
        assert_eq!(finish(&mut add).code, 0);
    };
    let arm = || crate::cli::ask(&daemon.socket(), "host arm oak-1");
    // What the daemon of these tests made up stands in the way of what is added.
    fs::remove_dir_all(daemon.data_dir().join("images/os")).expect("it was made up");
    for (flips, file) in ["root.img", "linux"].into_iter().enumerate() {
        add();
        let said = arm();
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(crate::cli::ask(&daemon.socket(), "host hold oak-1").code, 0);
        let path = daemon.data_dir().join("images/os").join(file);
        let mut bytes = fs::read(&path).expect("it is there");
        bytes[3] ^= 1;
        fs::remove_file(&path).expect("root may");
        fs::write(&path, bytes).expect("root may");
        crate::daemon::wait_until("the change is found", || {
            daemon.log().matches("image `os` was changed").count() > flips
        });
        let said = arm();
        let words = format!("`{file}` is not the file that was added");
        assert_eq!((said.code, said.err.contains(&words)), (1, true), "{}", said.err);
    }
    add();
    fs::remove_file(daemon.data_dir().join("images/os/root.img")).expect("root may");
    let said = arm();
    assert!(said.err.contains("image `os` has no file `root.img`"), "{}", said.err);
}
