//! Where a mistake stands that shows only for one host.

use bootwright_config::{Loaded, load, render_all};
use bootwright_content::{check_host, made_up};
use bootwright_core::Profile;

use crate::source;

const CONFIG: &str = r#"[profiles.debian]
kernel = "/images/debian/linux"
args = ["quiet", "disk={{ metadata.disk }}"]
done = "manual"
files = { "preseed.cfg" = { file = "preseed.cfg" } }
"#;

fn read() -> Loaded {
    let file = |path: &str| match path {
        "/etc/bootwright/preseed.cfg" => Ok("d-i a\nd-i rack string {{ label.rack }}\n".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    load(&[source("/etc/bootwright/config.toml", CONFIG)], &file)
        .unwrap_or_else(|found| panic!("{}", render_all(&found)))
}

fn places(loaded: &Loaded, profile: &Profile) -> Vec<Option<String>> {
    let problems = check_host(profile, &made_up(profile));
    let found = problems.iter().map(|problem| loaded.places.find(profile, problem));
    found.map(|found| found.map(|found| found.to_string())).collect()
}

#[test]
fn a_mistake_that_shows_only_for_one_host_has_its_place() {
    let loaded = read();
    let profile = &loaded.policy.profiles["debian"];
    let expected = [
        "/etc/bootwright/config.toml:3:27: `profiles.debian.args`: `metadata.disk` is not known for this host; \
         set it, or write `metadata.disk | default(\"…\")`",
        "/etc/bootwright/preseed.cfg:2:20: `profiles.debian.files.\"preseed.cfg\"`: `label.rack` is not known for this \
         host; set it, or write `label.rack | default(\"…\")`",
    ];
    assert_eq!(places(&loaded, profile), expected.map(|text| Some(text.to_owned())));
}

#[test]
fn a_profile_that_reads_otherwise_by_now_has_no_place() {
    let loaded = read();
    let earlier = Profile {
        revision: loaded.policy.profiles["debian"].revision ^ 1,
        ..(*loaded.policy.profiles["debian"]).clone()
    };
    assert_eq!(places(&loaded, &earlier), [None, None]);
}
