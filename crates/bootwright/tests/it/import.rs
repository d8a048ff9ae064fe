//! `bootwright import` on installations as people have them, and on what nobody should have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cli::{Said, bootwright, finish};
use crate::daemon::Daemon;
use crate::install::segment;
use crate::python::get;

/// Installations written for these tests.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import_data");

/// A directory of this test's own with one installation, and room for what comes out.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-import-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("out")).expect("a directory");
        Self(path.canonicalize().expect("a directory"))
    }

    /// One with a copy of an installation, in which `@DIR@` stands for the directory itself.
    pub(crate) fn with(name: &str, corpus: &str) -> Self {
        let place = Self::new(name);
        copy(
            &Path::new(CORPUS).join(corpus),
            &place.0.join("old"),
            &place.0.join("old"),
        );
        place
    }

    pub(crate) fn old(&self, path: &str) -> String {
        self.0.join("old").join(path).display().to_string()
    }

    pub(crate) fn out(&self, path: &str) -> PathBuf {
        self.0.join("out").join(path)
    }

    pub(crate) fn import(&self, arguments: &[&str]) -> Said {
        let mut command = bootwright();
        command
            .arg("--config")
            .arg(self.out("config.toml"))
            .arg("--data-dir")
            .arg(self.out("data"));
        finish(
            command
                .arg("--socket")
                .arg(self.out("socket"))
                .arg("import")
                .args(arguments),
        )
    }

    pub(crate) fn document(&self, arguments: &[&str]) -> Value {
        let said = self.import(&[&["--json"], arguments].concat());
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path, top: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if path.is_dir() {
            copy(&path, &to.join(name), top);
        } else {
            let text = fs::read_to_string(&path).expect("a text");
            fs::write(to.join(name), text.replace("@DIR@", &top.display().to_string())).expect("a file");
        }
    }
}

/// What was left, as `file:line`, the file by its last part.
pub(crate) fn left(report: &Value) -> Vec<String> {
    let place = |one: &Value| {
        let file = one["file"]
            .as_str()
            .expect("a file")
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        format!("{file}:{} {}", one["line"], one["message"].as_str().expect("words"))
    };
    report["left"].as_array().expect("a list").iter().map(place).collect()
}

pub(crate) fn table(report: &Value) -> toml::Table {
    let text = report["config"].as_str().expect("a text");
    text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn accepted(report: &Value) {
    assert_eq!(report["check"]["accepted"], true, "{:#}", report["check"]);
}

#[test]
fn dnsmasq_in_proxy_mode_becomes_the_same_beside_another_server() {
    let place = Place::with("proxy", "dnsmasq/proxy");
    let right = Command::new("dnsmasq")
        .arg("--test")
        .arg(format!("--conf-file={}", place.old("dnsmasq.conf")))
        .output();
    assert!(
        right.expect("dnsmasq runs").status.success(),
        "dnsmasq itself takes the file"
    );
    let report = place.document(&["dnsmasq", &place.old("dnsmasq.conf")]);
    accepted(&report);
    assert_eq!(left(&report), Vec::<String>::new());
    let config = table(&report);
    assert_eq!(config["server"]["interfaces"][0].as_str(), Some("eth1"));
    assert_eq!(config["dhcp"]["mode"].as_str(), Some("proxy"));
    assert_eq!(config["dhcp"]["arch"]["efi64"].as_str(), Some("grubx64.efi"));
    assert_eq!(
        config["dhcp"]["arch"].as_table().map(toml::Table::len),
        Some(2),
        "undionly.kpxe is built in"
    );
    assert_eq!(config["tftp"]["root"].as_str(), Some("/srv/tftp"));
    assert_eq!(config["hosts"]["node2"]["labels"]["storage"].as_str(), Some("yes"));
    assert_eq!(report["machines"][0]["becomes"], "installed");
    assert!(
        report["config"]
            .as_str()
            .is_some_and(|text| text.contains("dnsmasq.conf:19\n[hosts.node1]"))
    );
}

#[test]
fn dnsmasq_that_lends_addresses_becomes_pools_and_what_has_no_counterpart_is_named() {
    let place = Place::with("full", "dnsmasq/full");
    let right = Command::new("dnsmasq")
        .arg("--test")
        .arg(format!("--conf-file={}", place.old("dnsmasq.conf")))
        .output();
    let right = right.expect("dnsmasq runs");
    assert!(right.status.success(), "dnsmasq itself takes the file: {right:?}");
    let report = place.document(&[
        "dnsmasq",
        &place.old("dnsmasq.conf"),
        &place.old("rack.d"),
        &place.old("hosts.d"),
    ]);
    accepted(&report);
    let config = table(&report);
    let pool = &config["dhcp"]["pools"][0];
    assert_eq!(config["dhcp"]["mode"].as_str(), Some("server"));
    assert_eq!(pool["subnet"].as_str(), Some("10.20.0.0/24"));
    assert_eq!(pool["range"][1].as_str(), Some("10.20.0.220-10.20.0.239"));
    assert_eq!(
        (pool["lease"].as_str(), pool["mtu"].as_integer()),
        (Some("12h"), Some(9000))
    );
    assert_eq!(config["dhcp"]["pools"][1]["subnet"].as_str(), Some("10.30.0.0/16"));
    assert_eq!(config["safety"]["unknown"].as_str(), Some("ignore"));
    assert_eq!(config["hosts"]["db-2"]["mac"][1].as_str(), Some("52:54:00:00:10:03"));
    assert_eq!(config["hosts"]["web-1"]["address"].as_str(), Some("10.20.0.21"));
    assert_eq!(
        config["hosts"]["host-525400001004"]["firmware"].as_str(),
        Some("boards/u-boot.bin")
    );
    let left = left(&report);
    for wanted in [
        "dnsmasq.conf:2 `domain-needed` is about DNS",
        "dnsmasq.conf:5 interfaces can only be named, not left out",
        "dnsmasq.conf:10 leases that never end became leases of 12 hours",
        "dnsmasq.conf:10 no `router` is said for 10.30.0.0/16",
        "dnsmasq.conf:11 a range over IPv6 is not carried over",
        "dnsmasq.conf:17 option `tftp-server` for `tag:rack` only is not carried over",
        "dnsmasq.conf:18 option `252` is not carried over",
        "dnsmasq.conf:19 its own lease time is not carried over",
        "dnsmasq.conf:20 `DB_2.rack.example.com` is called `db-2` here",
        "dnsmasq.conf:23 52:54:00:00:10:01 belongs to a machine that was named before",
        "dnsmasq.conf:24 `id:01:02:03` is not carried over",
        "dnsmasq.conf:25 no card is named, so that the machine cannot be recognised",
        "dnsmasq.conf:29 that the file lies on `tftp` is not carried over",
        "dnsmasq.conf:30 the firmware's prompt is not carried over",
        "dnsmasq.conf:31 the entry of the firmware's menu is not carried over",
        "dnsmasq.conf:32 `dhcp-script` is not carried over",
        "hosts:3 its own lease time is not carried over",
    ] {
        assert!(
            left.iter().any(|found| found == wanted),
            "{wanted} is not among {left:#?}"
        );
    }
    assert!(!left.iter().any(|found| found.contains("was not read")), "{left:#?}");
    let alone = place.document(&["dnsmasq", &place.old("dnsmasq.conf")]);
    assert!(
        self::left(&alone).iter().any(|found| found.contains("was not read")),
        "what it leads to is asked for"
    );
}

#[test]
fn nothing_is_written_without_a_word_and_nothing_written_over() {
    let place = Place::with("write", "dnsmasq/proxy");
    let file = place.old("dnsmasq.conf");
    let said = place.import(&["dnsmasq", &file]);
    assert!(
        said.out.ends_with("nothing was changed: `--write` does it\n"),
        "{said:?}"
    );
    assert_eq!(
        fs::read_dir(place.out("")).expect("a directory").count(),
        0,
        "not even a directory"
    );
    let said = place.import(&["dnsmasq", &file, "--write"]);
    assert!(
        said.out.contains("passes `bootwright check`") && said.out.ends_with("no machine was armed\n"),
        "{said:?}"
    );
    let written = place.out("conf.d/dnsmasq.toml");
    let text = fs::read_to_string(&written).expect("the file");
    assert!(said.out.contains(&format!("wrote `{}`", written.display())), "{said:?}");
    fs::write(&written, format!("{text}# mine\n")).expect("a file");
    let again = place.import(&["dnsmasq", &file, "--write"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(
        again.err.contains("is there already") && again.err.contains("--force"),
        "{again:?}"
    );
    assert!(fs::read_to_string(&written).expect("the file").ends_with("# mine\n"));
    let forced = place.document(&["dnsmasq", &file, "--write", "--force"]);
    assert_eq!(forced["written"], true);
    assert_eq!(forced["machines"][0]["told"], false, "what is decided stays");
    assert_eq!(fs::read_to_string(&written).expect("the file"), text);
    let other = place.document(&["dnsmasq", &file, "--write", "--name", "again"]);
    assert_eq!(
        (&other["written"], &other["check"]["accepted"]),
        (&Value::Bool(false), &Value::Bool(false)),
        "names are given twice"
    );
    let names: Vec<_> = fs::read_dir(place.out("conf.d"))
        .expect("a directory")
        .map(|entry| entry.expect("one").file_name())
        .collect();
    assert_eq!(names, ["dnsmasq.toml"], "nothing half written is left");
}

#[test]
fn hostile_files_are_told_and_lead_nowhere() {
    let place = Place::new("hostile");
    let old = place.0.join("old");
    fs::create_dir_all(&old).expect("a directory");
    fs::write(place.0.join("secret"), "dhcp-host=52:54:00:66:66:66,stolen\n").expect("a file");
    std::os::unix::fs::symlink(place.0.join("secret"), old.join("10-link.conf")).expect("a link");
    std::os::unix::fs::symlink("../secret", old.join("11-link.conf")).expect("a link");
    fs::write(old.join("20-binary.conf"), b"dhcp-range=\xff\xfe\x00").expect("a file");
    fs::write(old.join("30-huge.conf"), vec![b'x'; (16 << 20) + 1]).expect("a file");
    fs::write(old.join("40-junk.conf"), "nonsense\n".repeat(100_000)).expect("a file");
    let odd = "dhcp-boot=../../../etc/shadow\ndhcp-host=52:54:00:00:00:01,\"\n[safety]\",\u{1}\n\
               dhcp-range=10.0.0.9,10.0.0.1,255.0.255.0\ndhcp-range=10.1.0.9,10.1.0.1,255.255.255.0\n\
               dhcp-host=ff:ff:ff:ff:ff:ff,all\ntftp-root=relative\ndhcp-host=52:54:00:00:00:02,a'b\"c;{{ run.url }}\n";
    fs::write(old.join("50-odd.conf"), odd).expect("a file");
    let report = place.document(&["dnsmasq", &place.old("")]);
    accepted(&report);
    let all = report.to_string();
    assert!(
        !all.contains("66:66:66") && !all.contains("etc/shadow\" ="),
        "{all:.2000}"
    );
    let left = left(&report);
    for wanted in [
        "10-link.conf:1 cannot be read: it is no file, or leads out of the directory",
        "11-link.conf:1 cannot be read: it is no file, or leads out of the directory",
        "20-binary.conf:1 cannot be read: it is no UTF-8 text",
        "30-huge.conf:1 cannot be read: it is larger than 16 MiB",
        "40-junk.conf:1 `nonsense` is not carried over",
    ] {
        assert!(
            left.iter().any(|found| found == wanted),
            "{wanted} is not among {left:#.2000?}"
        );
    }
    assert!(
        report["more_left"].as_u64().is_some_and(|more| more > 90_000),
        "the rest is counted"
    );
    let hosts = table(&report)
        .get("hosts")
        .map_or(0, |hosts| hosts.as_table().map_or(0, toml::Table::len));
    assert_eq!(hosts, 2, "a name that is none of ours is none");
    assert_eq!(place.import(&["dnsmasq", &place.old("nowhere")]).code, 1);
    assert_eq!(place.import(&["dnsmasq", "/dev/zero"]).code, 1);
    assert_eq!(place.import(&["windows", &place.old("")]).code, 2);
}

#[test]
fn a_machine_that_another_system_installed_boots_its_disk_here_whatever_the_rules_say() {
    let (inside, machine) = segment();
    let place = Place::with("disk", "dnsmasq/proxy");
    // A site that installs whatever it has not seen, the worst that an imported machine can come to.
    let site = "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n\
                [safety]\nunknown = { install = \"wipe\" }\ni_understand_this_wipes = true\n\
                [profiles.wipe]\nkernel = \"/images/wipe/linux\"\ndone = \"manual\"\n\
                [[rules]]\nname = \"all\"\nprofile = \"wipe\"\nauto_arm = true\nlimit = 10\n";
    let mut daemon = Daemon::prepare(&inside, "");
    daemon.write_config(site);
    let import = |daemon: &Daemon, file: &str| {
        let mut command = bootwright();
        command
            .arg("--config")
            .arg(daemon.config())
            .arg("--data-dir")
            .arg(daemon.data_dir());
        let socket = daemon.socket();
        finish(
            command
                .arg("--socket")
                .arg(socket)
                .args(["--json", "import", "dnsmasq", "--write", "--name", "old", file]),
        )
    };
    let conf = place.0.join("hosts");
    fs::write(&conf, "dhcp-host=52:54:00:a1:9c:01,node1\n").expect("a file");
    let said = import(&daemon, &conf.display().to_string());
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    assert_eq!(report["machines"][0]["told"], true, "{said:?}");
    daemon.run();
    daemon.wait_for_log("ready ");
    let script = |mac: &str| {
        get(
            &machine,
            &format!("http://10.77.0.1:8080/ipxe?mac={mac}&platform=pcbios"),
        )
        .text()
        .to_owned()
    };
    assert!(
        script("52:54:00:a1:9c:01").contains("sanboot"),
        "{}",
        script("52:54:00:a1:9c:01")
    );
    // The same of a daemon that runs, before its rules have met the machine.
    fs::write(
        &conf,
        "dhcp-host=52:54:00:a1:9c:01,node1\ndhcp-host=52:54:00:a1:9c:02,node2\n",
    )
    .expect("a file");
    let mut command = bootwright();
    command
        .arg("--config")
        .arg(daemon.config())
        .arg("--socket")
        .arg(daemon.socket())
        .args(["--json", "import", "dnsmasq"]);
    let said = finish(command.args(["--write", "--force", "--name", "old"]).arg(&conf));
    let report: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    assert_eq!(
        (&report["machines"][0]["told"], &report["machines"][1]["told"]),
        (&Value::Bool(false), &Value::Bool(true)),
        "{said:?}"
    );
    assert!(
        script("52:54:00:a1:9c:02").contains("sanboot"),
        "{}",
        script("52:54:00:a1:9c:02")
    );
    // One that was not imported meets the rule, so that the answers above are the import's work.
    assert!(
        script("52:54:00:a1:9c:03").contains("/images/wipe/linux"),
        "{}",
        script("52:54:00:a1:9c:03")
    );
    let listed = daemon.api("GET", "/api/v1/hosts", "");
    let listed: Value = serde_json::from_str(listed.text()).expect("a document");
    let node = listed["hosts"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|host| host["host"] == "node2")
        .expect("it has its name");
    assert_eq!(node["locked"], true, "{node}");
}

#[test]
fn kiwispray_is_read_where_it_stands_and_its_hosts_stand_where_they_stood() {
    let place = Place::with("kiwispray", "kiwispray");
    let report = place.document(&["kiwispray", &place.old(""), "--write"]);
    accepted(&report);
    let config = table(&report);
    assert_eq!(
        config["compat"]["kiwispray"]["data_dir"].as_str(),
        Some(place.old("").trim_end_matches('/'))
    );
    let host = &config["hosts"]["db-1"];
    assert_eq!(host["mac"][1].as_str(), Some("52:54:00:89:d8:11"));
    assert_eq!(host["serial"].as_str(), Some("ABC1234"));
    assert_eq!(host["metadata"]["disks"]["count"].as_integer(), Some(2));
    assert_eq!(
        config["hosts"]["host-52540089d820"]["profile"].as_str(),
        Some("kiwispray-wipe")
    );
    let becomes: Vec<&str> = report["machines"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["becomes"].as_str())
        .collect();
    assert_eq!(becomes, ["installed", "waiting", "waiting", "waiting"]);
    let left = left(&report);
    for wanted in [
        "known_hosts.json:7 metadata `no-good` is not carried over",
        "known_hosts.json:12 state `wipe,leap`: nothing is armed by an import, and the machine waits",
        "known_hosts.json:22 `what` is no hardware address",
        "known_hosts.json:22 serial number `None` does not tell it from other machines",
        "known_hosts.json:32 there is no image `tumbleweed`, which its state names",
        "post_install.tmpl:1 `@nothing@` stays as it is",
    ] {
        assert!(
            left.iter().any(|found| found == wanted),
            "{wanted} is not among {left:#?}"
        );
    }
    let store = Command::new("sqlite3")
        .arg(place.out("data/bootwright.db"))
        .arg("select count(*) from hosts")
        .output();
    if let Ok(store) = store
        .as_ref()
        .map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
    {
        assert_eq!(store, "4", "all of them are in the store");
    }
    let checked = finish(
        bootwright()
            .arg("--data-dir")
            .arg(place.out("data"))
            .arg("--config")
            .arg(place.out("config.toml"))
            .args(["check", "--store"]),
    );
    assert_eq!(checked.code, 0, "{checked:?}");
}

#[test]
fn dynamic_ignition_becomes_pools_a_profile_and_machines_that_are_installed() {
    let place = Place::with("dynamic", "dynamic-ignition");
    let report = place.document(&["dynamic-ignition", &place.old(""), "--write"]);
    accepted(&report);
    let config = table(&report);
    let pool = &config["dhcp"]["pools"][0];
    assert_eq!(pool["subnet"].as_str(), Some("172.16.10.0/24"));
    assert_eq!(
        (pool["lease"].as_str(), pool["domain"].as_str()),
        (Some("10m"), Some("example.com"))
    );
    assert_eq!(config["dhcp"]["arch"]["bios"].as_str(), Some("pxelinux.0"));
    assert_eq!(
        config["hosts"]["node-0a1b2c3d"]["address"].as_str(),
        Some("172.16.10.11")
    );
    let args = config["profiles"]["dynamic-ignition"]["args"].to_string();
    assert!(
        args.contains("coreos.inst.ignition_url={{ run.url }}/config.ign"),
        "{args}"
    );
    let becomes = |name: &str| {
        let all = report["machines"].as_array().expect("a list");
        all.iter()
            .find(|one| one["host"] == name)
            .map(|one| one["becomes"].as_str().unwrap_or_default().to_owned())
    };
    for name in ["node-0a1b2c3d", "node-4e5f6a7b", "printer", "host-525400112207"] {
        assert_eq!(becomes(name).as_deref(), Some("installed"), "{name}");
    }
    let document =
        fs::read_to_string(place.out("conf.d/dynamic-ignition/dynamic-ignition/config.ign")).expect("its document");
    assert!(
        document.contains("data:,{{ host.name }}") && document.contains("not ours"),
        "{document}"
    );
    let left = left(&report);
    for wanted in [
        "nodes.json:3 function `storage` is not carried over",
        "nodes.json:4 `nonsense` is no hardware address",
        "dhcpd.conf:11 option `time-offset` is not carried over",
        "dhcpd.conf:12 `next-server` 172.16.10.1 is not carried over",
        "dhcpd.conf:17 `class uefi` is not carried over",
        "default:3 nothing in it reports that an install is done",
    ] {
        assert!(
            left.iter().any(|found| found == wanted),
            "{wanted} is not among {left:#?}"
        );
    }
}

#[test]
fn flatcars_nodes_become_profiles_whose_files_are_checked_as_make_validate_did() {
    let place = Place::with("flatcar", "flatcar");
    let report = place.document(&["flatcar", &place.old("")]);
    accepted(&report);
    let config = table(&report);
    assert_eq!(
        config["profiles"]["flatcar-node1"]["files"]["target.ign"]["file"].as_str(),
        Some("flatcar/node1/target.bu")
    );
    let left = left(&report);
    for wanted in [
        "node2-ignite-boot.yml:1 it is no Butane",
        "Dockerfile:1 the container is not carried over",
        "node1-ignite-boot.yml:1 the file names no card",
    ] {
        assert!(
            left.iter().any(|found| found.starts_with(wanted)),
            "{wanted} is not among {left:#?}"
        );
    }
    let typo = "variant: flatcar\nversion: 1.0.0\nstorage:\n  fils: []\n";
    fs::write(place.old("node-configs/node3-ignite-boot.yml"), typo).expect("a file");
    let said = place.import(&["flatcar", &place.old(""), "--write"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.out.contains("fils") && said.out.contains("does not pass `bootwright check`"),
        "{said:?}"
    );
    assert!(!place.out("conf.d").exists(), "nothing was written");
}
