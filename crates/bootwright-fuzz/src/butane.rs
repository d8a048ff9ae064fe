//! Butane and Ignition: YAML, JSON, and what becomes of either.

use bootwright_content::butane::{NoFiles, split, transpile};
use bootwright_content::ignition::{Additions, add, check, rewrite_version_1};
use bootwright_content::{Fault, position};

/// Reads the text as Butane, with the files that may follow it, and as Ignition of each version.
pub fn digest(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (config, files) = split(&text);
    match transpile(config, &files) {
        Ok(made) => {
            let wrong: Vec<Fault> = check(&made.json).into_iter().filter(|fault| !fault.warning).collect();
            assert!(wrong.is_empty(), "{wrong:?} in {}", made.json);
            placed(config, &made.warnings);
            extended(&made.json, true);
        }
        Err(faults) => {
            assert!(faults.iter().any(|fault| !fault.warning), "{faults:?}");
            placed(config, &faults);
        }
    }
    // Where files follow, what stands before them is no other text without them.
    if config.len() == text.len() {
        assert_eq!(transpile(config, &NoFiles).is_ok(), transpile(config, &files).is_ok());
    }
    let faults = check(&text);
    placed(&text, &faults);
    extended(&text, !faults.iter().any(|fault| !fault.warning));
    if let Ok(written) = rewrite_version_1(&text) {
        assert_eq!(
            rewrite_version_1(&written).as_ref(),
            Ok(&written),
            "writing it anew changes it"
        );
    }
}

/// What is added for a host leaves a configuration that is right.
fn extended(config: &str, right: bool) {
    let additions = Additions {
        hostname: Some("node-1".to_owned()),
        up: Some("http://192.0.2.1:8080/r/5a/up".to_owned()),
        done: None,
    };
    if let Ok(merged) = add(config, &additions) {
        let found = check(&merged);
        let wrong: Vec<&Fault> = found.iter().filter(|fault| !fault.warning).collect();
        // A link that leads to `/etc` makes the file of the name one that it cannot be, which the merge does not see.
        let through_a_link = |fault: &&Fault| fault.message.starts_with("the path leads through");
        assert!(!right || wrong.iter().all(through_a_link), "{wrong:?} in {merged}");
    }
}

fn placed(text: &str, faults: &[Fault]) {
    for fault in faults {
        assert!(!fault.message.is_empty());
        assert!(text.get(fault.span.clone()).is_some(), "{fault:?} in {text:?}");
        assert!(position(text, fault.span.start).0 >= 1);
    }
}

/// Configurations with everything that they may hold.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "variant: fcos\nversion: 1.5.0\nignition:\n  config:\n    merge:\n      - inline: '{\"ignition\":{\"version\":\"3.4.0\"}}'\n\
         storage:\n  files:\n    - path: /etc/a\n      mode: 0644\n      contents: {inline: \"aé\\n\", compression: ''}\n  \
         filesystems:\n    - {device: /dev/a, path: /srv, format: xfs, with_mount_unit: true}\n",
        "variant: fcos\nversion: 1.3.0\nboot_device:\n  layout: aarch64\n  mirror:\n    devices: [/dev/a, /dev/b]\n  luks:\n    \
         tpm2: yes\n    tang: [{url: 'http://t', thumbprint: x}]\nstorage:\n  disks:\n    - device: /dev/a\n      partitions:\n        \
         - {label: root-1, size_mib: 0x400}\n",
        "variant: flatcar\nversion: 1.0.0\npasswd: &p\n  users: &u\n    - name: core\n      ssh_authorized_keys: [a, b]\n\
         systemd:\n  units:\n    - name: a.service\n      enabled: on\n      contents: |\n        [Unit]\n        Description=a\n",
        "variant: fcos\nversion: 1.1.0\nstorage:\n  files:\n    - path: /a\n      contents:\n        local: motd\n\n---\n\
         # the files that this configuration names, in Base64\n\"motd\": |\n  aGVsbG8K\n",
        "{\"ignition\":{\"version\":\"3.3.0\"},\"storage\":{\"files\":[{\"path\":\"/etc/hostname\",\"mode\":420,\"contents\":\
         {\"source\":\"data:;base64,aGk=\",\"verification\":{\"hash\":\"sha256-00\"}}}],\"links\":[{\"path\":\"/l\",\"target\":\"\\u00e9\"}]}}",
        "{\"ignition\":{\"version\":\"2.4.0\"},\"storage\":{\"files\":[{\"filesystem\":\"root\",\"path\":\"/a\"}]}}",
        "{\"ignitionVersion\":1,\"storage\":{\"disks\":[{\"device\":\"/dev/a\",\"partitions\":[{\"label\":\"R\"}]}]},\
         \"passwd\":{\"users\":[{\"name\":\"a\",\"create\":{\"uid\":0}}]}}",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
