//! What is told of cloud-init's documents before any machine reads them.

use std::path::Path;

use bootwright_content::{Problem, check_profile, render_document};
use expect_test::{Expect, expect};

use crate::{context, with_file};

fn refused(name: &str, text: &str, expected: Expect) {
    let problems = check_profile(&with_file(name, text));
    let shown: String = problems
        .iter()
        .map(|Problem { error, .. }| format!("{error}\n  {}\n", error.hint.as_deref().unwrap_or("-")))
        .collect();
    expected.assert_eq(&shown);
}

/// The shell tier has cloud-init itself judge the same files, but for those with keys at the top that it does not know, CoreOS's
/// own among them: the cloud-init of Debian 12 passes over them, that of Debian 13 refuses them.
#[test]
#[expect(clippy::disallowed_methods, reason = "the corpus is files, which others read too")]
fn the_corpus_is_judged_as_its_directories_say() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("test_data/cloud-config");
    let mut seen = 0;
    for (directory, is_good) in [("good", true), ("unknown-keys", true), ("bad", false)] {
        for entry in std::fs::read_dir(top.join(directory)).expect("the corpus is there") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("a text");
            let problems = check_profile(&with_file("user-data", &text));
            assert_eq!(problems.is_empty(), is_good, "{}: {problems:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn mistakes_are_shown_at_their_line_with_what_was_meant() {
    refused(
        "user-data",
        "#cloud-config\nusers:\n  - name: admin\n    shel: /bin/bash\n",
        expect![[r#"
            line 4, column 5: `users[0]` has no key `shel`
              did you mean `shell`?
        "#]],
    );
    refused(
        "user-data",
        "#cloud-config\nwrite_files:\n  - path: /etc/motd\n    permissions: 0644\n",
        expect![[r#"
            line 4, column 5: `write_files[0].permissions` must be text, not a whole number
              put it into quotation marks if it is meant as text
        "#]],
    );
    refused(
        "user-data",
        "#cloud-config\npower_state: {mode: restart}\n",
        expect![[r#"
            line 2, column 1: `power_state.mode` cannot be `restart`: it is one of poweroff, reboot, halt
              the line is `power_state: {mode: restart}`
        "#]],
    );
    refused(
        "user-data",
        "hostname: node-1\n",
        expect![[r#"
        line 1, column 1: cloud-init would pass this over
          the first line says what it is: `#cloud-config`, `#!/bin/sh`, `#include`, …
    "#]],
    );
    refused(
        "network-config",
        "version: 2\n\tethernets: {}\n",
        expect![[r#"
        line 1, column 1: the text is no YAML: while scanning a plain scalar, found a tab
          the line is `version: 2`
    "#]],
    );
    refused(
        "vendor-data",
        "#cloud-config\nruncmd:\n  - {{ host.serial | json }}\n  - 10\n",
        expect![[r#"
            line 4, column 3: `runcmd[1]` must be a list or text or nothing, not a whole number
              put it into quotation marks if it is meant as text
        "#]],
    );
}

#[test]
fn what_is_no_cloud_config_is_left_alone() {
    for text in [
        "",
        "#!/bin/sh\necho {\n",
        "#include\nhttp://192.0.2.1/x\n",
        "## template: jinja\n#cloud-config\n{",
        "Content-Type: multipart/mixed\n",
    ] {
        assert_eq!(check_profile(&with_file("user-data", text)), [], "{text}");
    }
}

#[test]
fn a_seed_that_has_one_part_has_all_and_names_the_host() {
    let profile = with_file("user-data", "#cloud-config\nhostname: {{ host.name }}\n");
    let part = |name: &str| render_document(&profile, name, &context());
    assert_eq!(
        part("meta-data").as_deref(),
        Ok("instance-id: some-host-1\nlocal-hostname: some-host\n")
    );
    assert_eq!(part("vendor-data").as_deref(), Ok(""));
    assert_eq!(part("network-config").as_deref(), Ok(""));
    assert!(part("user-dat").is_err());
    assert!(render_document(&with_file("preseed.cfg", ""), "meta-data", &context()).is_err());
}
