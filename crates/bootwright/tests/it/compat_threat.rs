//! Names that try to reach files which are not ours to give, at the doors of all dialects (`threat_10`).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::daemon::Daemon;
use crate::install::segment;
use crate::process::Random;
use crate::threat_file::{GIVEN, SECRET, get_all_at, name};

const NAMES: usize = 50_000;

/// The doors, and where names at each begin that it would take for its own.
const DOORS: &[(u16, &[&str])] = &[
    (5001, &["/get_ignition?mac=", "/pxelinux.cfg/", "/"]),
    (
        8083,
        &[
            "/_/file?mac=52:54:00:00:00:01&name=",
            "/_/",
            "/v1/boot/",
            "/pixiecore/v1/boot/",
            "/",
        ],
    ),
    (
        5000,
        &["/images/", "/images/in/", "/state?id=", "/post-install?id=", "/"],
    ),
    (
        8081,
        &[
            "/images/",
            "/assets/",
            "/machine/",
            "/spec/",
            "/cloud?mac=",
            "/ignition?uuid=",
            "/pixiecore/v1/boot/",
        ],
    ),
    (
        8082,
        &[
            "/assets/",
            "/assets/in/",
            "/generic?mac=",
            "/ignition?os=",
            "/metadata?",
            "/",
        ],
    ),
];

#[test]
fn threat_10_of_fifty_thousand_names_at_the_doors_of_dialects_none_leads_out_of_their_directories() {
    let (inside, machine) = segment();
    let mut daemon = Daemon::prepare(&inside, "");
    let top = daemon.directory().to_owned();
    let (data, images) = (top.join("bootcfg/data"), top.join("bootcfg/images"));
    for directory in [
        data.join("machines/default"),
        data.join("specs"),
        data.join("cloud"),
        images.join("in"),
    ] {
        fs::create_dir_all(directory).expect("a directory");
    }
    fs::write(top.join("secret"), SECRET).expect("a secret");
    let boot = String::from_utf8_lossy(SECRET);
    let secret_spec = format!("{{\"boot\": {{\"kernel\": \"{boot}\"}}, \"cloud_id\": \"../../../secret\"}}");
    fs::write(top.join("secret.json"), secret_spec).expect("a secret");
    // Links that lead out, to files and to whole directories; one that stays within may be followed.
    fs::write(images.join("given"), GIVEN).expect("a file");
    symlink("../given", images.join("in/other")).expect("a link");
    symlink(top.join("secret"), images.join("out")).expect("a link");
    symlink("../..", images.join("out-there")).expect("a link");
    symlink("/etc", images.join("etc")).expect("a link");
    fs::create_dir_all(data.join("specs/stolen")).expect("a directory");
    symlink(top.join("secret.json"), data.join("specs/stolen/spec.json")).expect("a link");
    symlink(top.join("secret"), data.join("cloud/stolen")).expect("a link");
    symlink(&top, data.join("machines/up")).expect("a link");
    fs::write(
        data.join("machines/default/machine.json"),
        r#"{"spec": {"boot": {"kernel": "/images/given"}, "cloud_id": "../../../secret"}}"#,
    )
    .expect("a file");
    let matchbox = matchbox_links(&top);
    let dynamic = links_to(&top, &boot);
    daemon.write_config(&format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"off\"\n[compat.bootcfg]\nenabled = true\n\
         listen = \":8081\"\nconfigs = \"anybody\"\ndata_dir = \"{}\"\n[compat.kiwispray]\nenabled = true\n\
         listen = \":5000\"\nconfigs = \"anybody\"\ndata_dir = \"{}\"\n[compat.matchbox]\nenabled = true\n\
         listen = \":8082\"\nconfigs = \"anybody\"\ndata_dir = \"{}\"\nassets_dir = \"{}\"\n\
         [compat.dynamic-ignition]\nenabled = true\nlisten = \":5001\"\nconfigs = \"anybody\"\ndata_dir = \"{}\"\n\
         [compat.flatcar]\nenabled = true\ndata_dir = \"{}\"\n\
         [compat.pixiecore]\nenabled = true\nlisten = \":8083\"\nupstream = \"http://10.77.0.1:9\"\nfiles_dir = \"{}\"\n",
        data.display(),
        top.join("bootcfg").display(),
        matchbox.display(),
        images.display(),
        dynamic.display(),
        dynamic.display(),
        images.display()
    ));
    daemon.log_level = "warn,bootwright=info";
    daemon.run();
    daemon.wait_for_log("ready ");

    let mut random = Random(12);
    machine.run(|| {
        for (port, fronts) in DOORS {
            let directory = if *port == 8082 { "/assets" } else { "/images" };
            let there = ["given", "in/other"].map(|name| format!("{directory}/{name}").into_bytes());
            let given = get_all_at(*port, &there).given;
            // Some serve no files at all.
            let serves = !matches!(port, 5001 | 8083);
            assert_eq!(
                given,
                if serves { 2 } else { 0 },
                "what may be had can be had, or the rest would prove nothing"
            );
            let whole = |random: &mut Random| {
                let front = random.of(fronts).as_bytes().to_vec();
                [front, name(random)].concat()
            };
            let names: Vec<Vec<u8>> = (0..NAMES / DOORS.len()).map(|_| whole(&mut random)).collect();
            let told = get_all_at(*port, &names);
            assert_eq!(told.answered, names.len(), "{told:?}");
        }
        // What such links name is no part of the data either.
        let plain = [
            "/spec/stolen",
            "/cloud?mac=52:54:00:00:00:01",
            "/machine/up",
            "/images/etc/passwd",
        ];
        let plain = plain.map(|name| name.as_bytes().to_vec());
        assert_eq!(get_all_at(8081, &plain).given, 0);
        let plain = [
            "/generic?mac=52:54:00:00:00:01",
            "/ignition?mac=52:54:00:00:00:01",
            "/assets/etc/passwd",
        ];
        let plain = plain.map(|name| name.as_bytes().to_vec());
        assert_eq!(get_all_at(8082, &plain).given, 0);
        let config = get_all_at(5001, &[b"/get_ignition".to_vec()]);
        assert_eq!((config.answered, config.given), (1, 0));
    });
}

/// A base configuration and a node's that are links to the secret.
fn links_to(top: &Path, secret: &str) -> PathBuf {
    let dynamic = top.join("dynamic");
    let nodes = dynamic.join("node-configs");
    fs::create_dir_all(dynamic.join("pxelinux.cfg")).expect("a directory");
    fs::create_dir_all(&nodes).expect("a directory");
    let own = format!(
        "{{\"ignition\": {{\"version\": \"3.0.0\"}}, \"storage\": {{\"files\": [{{\"path\": \"/{secret}\"}}]}}}}"
    );
    fs::write(top.join("secret.ign"), own).expect("a secret");
    symlink(top.join("secret.ign"), dynamic.join("config.ign")).expect("a link");
    fs::write(dynamic.join("pxelinux.cfg/default"), "LABEL x\nKERNEL k\n").expect("a file");
    symlink(top.join("secret.ign"), nodes.join("stolen-ignite-boot.yml")).expect("a link");
    dynamic
}

/// matchbox's data: a document that is not its own, by name and by links.
fn matchbox_links(top: &Path) -> PathBuf {
    let matchbox = top.join("matchbox");
    for directory in ["groups", "profiles", "generic", "ignition"] {
        fs::create_dir_all(matchbox.join(directory)).expect("a directory");
    }
    fs::write(matchbox.join("groups/all.json"), r#"{"profile": "all"}"#).expect("a file");
    fs::write(
        matchbox.join("profiles/all.json"),
        r#"{"boot": {"kernel": "/assets/given"}, "generic_id": "stolen", "ignition_id": "../../../secret"}"#,
    )
    .expect("a file");
    symlink(top.join("secret"), matchbox.join("generic/stolen")).expect("a link");
    symlink(top.join("secret.json"), matchbox.join("groups/up.json")).expect("a link");
    matchbox
}
