//! Debian's own cloud-init, unpacked and not installed, in a root directory and a namespace of its own: what it reads from the
//! daemon, and what it says of cloud-configs.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::catalogue::documents;
use crate::daemon::{Daemon, get};
use crate::install::{OURS, arm, question, run_url, segment};

const CARD: &str = "52-54-00-00-00-01";
const HOST: &str = "52:54:00:00:00:01";

const CONFIG: &str = r##"
[server]
interfaces = ["lab0"]

[secrets]
note = { file = "note" }

[profiles.lab]
kernel = "/images/lab/vmlinuz"
args = ["ds=nocloud-net;s={{ run.url }}/", "bootwright.url={{ run.url }}"]

[profiles.lab.files]
"user-data" = '''
#cloud-config
write_files:
  - path: /etc/bootwright-test
    content: {{ secret("note") | yaml }}
    permissions: "0600"
'''

[hosts.rack1-node3]
mac = "52:54:00:00:00:01"
"##;

/// Where `cargo xtask cloud-init` has unpacked it.
fn unpacked() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_bootwright"));
    let target = binary.parent().and_then(Path::parent).expect("a target directory");
    let root = target.join("cloud-init");
    assert!(
        root.join("usr/lib/python3/dist-packages/cloudinit").is_dir(),
        "cloud-init is not unpacked: run `cargo xtask cloud-init`"
    );
    root
}

/// Runs cloud-init's network stage in a root of its own, which sees the programs of this machine and none of its settings, and
/// prints what it has made.
const STAGE: &str = r#"
set -e
root=$1 cloud=$2
mount --make-rprivate /
mount -t tmpfs none "$root"
cd "$root"
mkdir -p usr proc dev sys etc/cloud/templates etc/ssl var/lib/cloud var/log run tmp root home cloud
for link in bin sbin lib lib64; do
    [ ! -L "/$link" ] || ln -s "usr/$link" "$link"
done
mount --bind -o ro /usr usr
mount --bind "$cloud" cloud
mount --bind /proc proc
mount --bind /dev dev
# Python's HTTP library of Debian 13 reads the trusted certificates when it is loaded.
[ ! -d /etc/ssl ] || mount --bind -o ro /etc/ssl etc/ssl
printf 'root:x:0:0:root:/root:/bin/sh\n' >etc/passwd
printf 'root:x:0:\n' >etc/group
printf '127.0.0.1 localhost\n' >etc/hosts
cp /etc/os-release etc/os-release
cat >etc/cloud/cloud.cfg <<END
datasource_list: [NoCloud]
system_info: {distro: debian, paths: {cloud_dir: /var/lib/cloud, run_dir: /run/cloud-init, templates_dir: /etc/cloud/templates}}
network: {config: disabled}
cloud_init_modules: [write-files, set_hostname]
cloud_config_modules: []
cloud_final_modules: []
END
export PYTHONPATH=/cloud/usr/lib/python3/dist-packages LC_ALL=C.UTF-8
chroot . /usr/bin/python3 -m cloudinit.cmd.main init >tmp/said 2>&1 || { cat tmp/said var/log/*; exit 1; }
echo "datasource: $(cat var/lib/cloud/instances/*/datasource)"
echo "instance: $(cat var/lib/cloud/data/instance-id)"
echo "hostname: $(hostname)"
echo "file: $(cat etc/bootwright-test)"
echo "mode: $(stat -c %a etc/bootwright-test)"
"#;

#[test]
fn cloud_init_takes_its_seed_from_the_run_and_the_hosts_name_with_it() {
    let cloud = unpacked();
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, CONFIG);
    std::fs::write(daemon.directory().join("note"), "said: \"hello\" #1\n").expect("a secret");
    daemon.run();
    daemon.wait_for_log("ready ");
    get(&machine, OURS, &question(CARD));
    arm(&daemon, HOST, "lab");
    let run = run_url(get(&machine, OURS, &question(CARD)).text()).expect("a run");
    for part in ["vendor-data", "network-config"] {
        let answer = get(&machine, OURS, &format!("{run}/{part}"));
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{part}");
    }
    assert_eq!(get(&machine, OURS, &format!("{run}/no-such-data")).status, 404);
    let root = daemon.directory().join("root");
    std::fs::create_dir(&root).expect("a directory");
    let output = machine
        .command("unshare")
        .args(["--mount", "--uts", "--", "sh", "-c", STAGE, "stage"])
        .arg(&root)
        .arg(&cloud)
        .env(
            "DEBUG_PROC_CMDLINE",
            format!("ds=nocloud-net;s=http://{OURS}:8080{run}/"),
        )
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("datasource: DataSourceNoCloudNet"), "{said}");
    assert!(said.contains("instance: rack1-node3-1\n"), "{said}");
    assert!(said.contains("hostname: rack1-node3\n"), "{said}");
    assert!(said.contains("file: said: \"hello\" #1\nmode: 600\n"), "{said}");
    let events = daemon.api("GET", "/api/v1/events", "");
    for part in ["user-data", "meta-data"] {
        assert!(
            events.text().contains(&format!("run 1, fetched {part}")),
            "{}",
            events.text()
        );
    }
}

/// Says `good` or `bad` of each file, with the function behind `cloud-init schema`.
const JUDGE: &str = r#"
import sys
sys.path.insert(0, sys.argv[1] + "/usr/lib/python3/dist-packages")
from cloudinit.config.schema import SchemaValidationError, get_schema, validate_cloudconfig_file
schema = get_schema()
for path in sys.argv[2:]:
    try:
        validate_cloudconfig_file(path, schema)
        verdict = "good"
    except (SchemaValidationError, RuntimeError):
        verdict = "bad"
    print("verdict", verdict, path)
"#;

fn judge(files: &[PathBuf]) -> String {
    let output = Command::new("/usr/bin/python3")
        .args(["-c", JUDGE])
        .arg(unpacked())
        .args(files)
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    said
}

/// Writes what the installer of a user data file hands on to the installed system into a file of its own.
const HANDED_ON: &str = r##"
import sys, yaml
inner = yaml.safe_load(open(sys.argv[1]))["autoinstall"]["user-data"]
open(sys.argv[2], "w").write("#cloud-config\n" + yaml.safe_dump(inner))
"##;

#[test]
fn cloud_init_takes_the_user_data_of_every_example_and_what_its_installer_hands_on() {
    let directory = std::env::temp_dir().join(format!("bootwright-user-data-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let mut files = Vec::new();
    for (os, _, text) in documents().into_iter().filter(|(_, name, _)| name == "user-data") {
        let (own, handed_on) = (directory.join(os), directory.join(format!("{os}-installed")));
        std::fs::write(&own, text).expect("a file");
        let status = Command::new("/usr/bin/python3")
            .args(["-c", HANDED_ON])
            .args([&own, &handed_on])
            .status();
        assert!(status.expect("Python runs").success(), "{os}");
        files.extend([own, handed_on]);
    }
    // What is surely wrong is found by the same judge.
    let wrong = directory.join("wrong");
    std::fs::write(&wrong, "#cloud-config\nruncmd: 5\n").expect("a file");
    files.push(wrong);
    let said = judge(&files);
    let _ = std::fs::remove_dir_all(&directory);
    assert_eq!(
        (
            said.matches("verdict good").count(),
            said.matches("verdict bad").count()
        ),
        (2, 1),
        "{said}"
    );
}

/// The content crate's test holds our verdict to the same directories.
#[test]
fn cloud_init_judges_the_corpus_of_cloud_configs_as_we_do() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bootwright-content/test_data/cloud-config");
    let mut files = Vec::new();
    for directory in ["good", "bad"] {
        let entries = std::fs::read_dir(corpus.join(directory)).expect("the corpus is there");
        files.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    let said = judge(&files);
    let (mut judged, mut otherwise) = (0, Vec::new());
    for line in said.lines().filter_map(|line| line.strip_prefix("verdict ")) {
        let (verdict, path) = line.split_once(' ').expect("a verdict and a file");
        if !path.contains(&format!("/{verdict}/")) {
            otherwise.push(format!("cloud-init says it is {verdict}: {path}"));
        }
        judged += 1;
    }
    assert_eq!(otherwise, Vec::<String>::new());
    assert_eq!(judged, files.len());
}
