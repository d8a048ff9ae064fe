//! Format 4: the profiles that runs were started with. Its golden file is never edited.

use std::collections::BTreeMap;

use bootwright_core::{Confirm, Dialect, Document, DoneTrigger, Initrd, Profile, Span, StageLimits};

use super::super::profile::{profile_body, profile_from};
use super::super::site::SiteRow;
use super::check_lines;
use super::value::name;
use crate::sample::Sample;

const PROFILES: &str = include_str!("../../../test_data/v4/profiles.jsonl");

fn plain(done: DoneTrigger, confirm: Confirm) -> Profile {
    Profile {
        name: name("debian"),
        kernel: "/images/debian/linux".to_owned(),
        initrds: Vec::new(),
        args: Vec::new(),
        files: BTreeMap::new(),
        done,
        confirm,
        deadline: Span::from_hours(6),
        stages: StageLimits::default(),
        menu: None,
        source: None,
        revision: 0x0123_4567_89ab_cdef,
    }
}

fn profiles() -> Vec<Profile> {
    let initrd = |source: &str, target: Option<&str>| Initrd {
        source: source.to_owned(),
        target: target.map(str::to_owned),
    };
    let document = Document {
        template: "d-i preseed/late_command string wget {{ run.url }}/done\n".to_owned(),
        origin: "/etc/bootwright/preseed.cfg".to_owned(),
        add: bootwright_core::Additions::default(),
    };
    let whole = Profile {
        initrds: vec![
            initrd("/images/debian/initrd.gz", None),
            initrd("{{ run.url }}/preseed.cfg", Some("/preseed.cfg")),
        ],
        args: vec!["auto=true".to_owned(), "\"quoted\" ☃".to_owned()],
        files: [("preseed.cfg".to_owned(), document)].into(),
        ..plain(DoneTrigger::Callback, Confirm::Dashboard)
    };
    vec![
        whole,
        plain(DoneTrigger::Manual, Confirm::Console),
        plain(DoneTrigger::ConfigServed("user-data".to_owned()), Confirm::None),
        plain(
            DoneTrigger::LastArtifact("/images/memtest".to_owned()),
            Confirm::Dashboard,
        ),
    ]
}

#[test]
fn profiles_are_written_as_format_4_says_and_read_back() {
    check_lines(
        PROFILES,
        profiles().iter().map(|profile| profile_body(profile).unwrap()),
    );
    for (line, profile) in PROFILES.lines().zip(profiles()) {
        let read = profile_from("debian", "0123456789abcdef", line).unwrap();
        assert_eq!(read, profile, "{line}");
    }
}

/// As bytes of the format that came to it before any version of it was handed out.
#[test]
fn a_profile_made_from_the_data_of_another_system_says_from_which() {
    let made = Profile {
        source: Some(Dialect::Kiwispray),
        ..plain(DoneTrigger::Callback, Confirm::Dashboard)
    };
    let own = profile_body(&plain(DoneTrigger::Callback, Confirm::Dashboard)).unwrap();
    let body = profile_body(&made).unwrap();
    let with_source = format!("{},\"source\":\"kiwispray\"}}", own.strip_suffix('}').unwrap());
    assert_eq!(body, with_source);
    assert_eq!(profile_from("debian", "0123456789abcdef", &body).unwrap(), made);
    let unknown = body.replace("kiwispray", "nobody");
    assert!(profile_from("debian", "0123456789abcdef", &unknown).is_err());
}

#[test]
fn a_site_of_an_earlier_format_has_no_profiles_of_runs() {
    let row = SiteRow::from_body("{}").unwrap();
    assert_eq!((row.revisions, row.body().unwrap().as_str()), (0, "{}"));
    let row = SiteRow {
        revisions: -7,
        ..SiteRow::default()
    };
    assert_eq!(row.body().unwrap(), "{\"revisions\":-7}");
}

#[test]
fn any_profile_is_read_back_as_it_was_written() {
    let mut sample = Sample::new(4);
    for _ in 0..500 {
        let profile = sample.revision(name("leap"), 7);
        let body = profile_body(&profile).unwrap();
        assert_eq!(
            profile_from("leap", "0000000000000007", &body).unwrap(),
            profile,
            "{body}"
        );
    }
    for (key, body) in [
        (("Leap!", "0000000000000007"), "{}"),
        (("leap", "7"), "{}"),
        (("leap", "0000000000000007"), "{}"),
    ] {
        assert!(profile_from(key.0, key.1, body).is_err(), "{key:?}");
    }
}
