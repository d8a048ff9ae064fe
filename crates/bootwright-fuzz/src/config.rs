//! Configuration files, several of them with a NUL between.

use bootwright_config::{Source, load};
use bootwright_core::Unknown;

/// Reads the files as one configuration.
pub fn digest(bytes: &[u8]) {
    let texts = bytes.splitn(3, |byte| *byte == 0);
    let sources: Vec<Source> = texts
        .enumerate()
        .map(|(number, text)| Source {
            path: format!("conf.d/{number}.toml"),
            text: String::from_utf8_lossy(text).into_owned(),
        })
        .collect();
    let no_file = |path: &str| match path.len() % 2 {
        0 => Ok("{{ host.serial }}".to_owned()),
        _ => Err("there is no such file".to_owned()),
    };
    let written = |word: &str| sources.iter().any(|source| source.text.contains(word));
    match load(&sources, &no_file) {
        Ok(loaded) => {
            let policy = loaded.policy;
            let installs = matches!(policy.safety.unknown, Unknown::Install(_));
            assert!(!installs || written("i_understand_this_wipes"), "nobody asked for that");
            for rule in policy.rules.iter().filter(|rule| rule.auto_arm) {
                assert!(
                    rule.limit.is_some_and(|limit| limit > 0),
                    "{} arms without end",
                    rule.name
                );
                assert!(written("auto_arm"), "{} arms by itself", rule.name);
            }
            for warning in &loaded.warnings {
                assert!(!warning.render().is_empty());
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in &errors {
                assert!(error.line >= 1, "{error}");
                let in_some = |source: &Source| source.text.get(error.span.clone()).is_some();
                assert!(sources.iter().any(in_some), "{error}");
                assert!(!error.render().is_empty());
            }
        }
    }
}

/// The commented configuration and the examples, which together name every key.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        include_str!("../../../config/config.toml"),
        "[server]\ninterfaces = [\"eth1\"]\nbase_url = \"http://10.0.0.1:8080\"\nhttp = \":80\"\n[dhcp]\nmode = \"observe\"\nrelays = [\"10.1.0.1\"]\narch = { efi64 = \"snponly.efi\", 0x29 = \"off\" }\n[tftp]\nstrict = true\nmax_blksize = 1024\n",
        "[safety]\nunknown = { install = \"debian\" }\ni_understand_this_wipes = true\narm_ttl = \"36h\"\nmax_attempts = 3\n[profiles.debian]\nkernel = \"/images/linux\"\ninitrds = [\"/images/i\", { source = \"{{ run.url }}/p\", target = \"/p\" }]\nargs = [\"a={{ host.serial }}\"]\ndeadline = \"2h\"\ndone = \"manual\"\n[profiles.debian.files]\np = \"{% if metadata.x is defined %}y{% endif %}\"\nq = { file = \"q.j2\" }\n",
        "[hosts.oak-1]\nmac = \"00:1b:21:00:00:01\"\nuuid = \"00112233-4455-6677-8899-aabbccddeeff\"\nprofile = \"a\"\nlabels = { rack = \"r1\" }\nmetadata = { x = [1, { y = 2.5 }] }\n\0[[rules]]\nname = \"rack\"\nwhen = { serial = \"R1*\", mac = [\"00:1b:21:*\"] }\nprofile = \"a\"\nauto_arm = true\nlimit = 2\n[profiles.a]\nkernel = \"/k\"\n",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
