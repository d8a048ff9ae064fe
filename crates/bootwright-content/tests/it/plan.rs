//! What a boot loader is told to load.

use bootwright_content::{
    ARGS_BYTES_MAX, BootInitrd, can_report, check_profile, fits_live, render_boot, render_document,
};
use bootwright_core::{DoneTrigger, Profile};

use crate::{context, initrd, profile, with_args, with_file};

#[test]
fn paths_are_on_this_server_and_initrds_are_named_in_order() {
    let profile = Profile {
        initrds: vec![
            initrd("/images/debian/initrd.gz", None),
            initrd("{{ run.url }}/preseed.cfg", Some("/preseed.cfg")),
            initrd("http://mirror.example.net/firmware.cpio.gz", None),
        ],
        args: vec!["auto=true  priority=critical".to_owned(), "--- quiet".to_owned()],
        ..profile()
    };
    let plan = render_boot(&profile, &context()).expect("it renders");
    assert_eq!(plan.kernel, "http://192.0.2.1:8080/images/debian/linux");
    let run = "http://192.0.2.1:8080/r/5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
    let image = |name: Option<&str>, url: &str, target: Option<&str>| BootInitrd {
        name: name.map(str::to_owned),
        url: url.to_owned(),
        target: target.map(str::to_owned),
    };
    assert_eq!(
        plan.initrds,
        [
            image(Some("main"), "http://192.0.2.1:8080/images/debian/initrd.gz", None),
            image(None, &format!("{run}/preseed.cfg"), Some("/preseed.cfg")),
            image(Some("initrd2"), "http://mirror.example.net/firmware.cpio.gz", None),
        ]
    );
    assert_eq!(
        plan.args,
        "initrd=main initrd=initrd2 BOOTIF=01-52-54-00-ab-cd-ef auto=true priority=critical --- quiet"
    );
}

#[test]
fn a_profile_may_say_itself_by_which_card_it_boots() {
    let plan = render_boot(&with_args(&["BOOTIF={{ host.mac }}"]), &context()).expect("it renders");
    assert_eq!(plan.args, "BOOTIF=52:54:00:ab:cd:ef");
}

#[test]
fn an_argument_that_renders_to_nothing_is_left_out() {
    let profile = with_args(&[
        "quiet",
        "{% if host.firmware == 'bios' %}vga=normal{% endif %}",
        "splash",
    ]);
    let plan = render_boot(&profile, &context()).expect("it renders");
    assert_eq!(plan.args, "BOOTIF=01-52-54-00-ab-cd-ef quiet splash");
}

#[test]
fn a_line_of_2047_bytes_is_the_longest() {
    let prefix = "BOOTIF=x a=";
    let fill = |len: usize| format!("{prefix}{}", "x".repeat(len - prefix.len()));
    let longest = fill(ARGS_BYTES_MAX);
    let plan = render_boot(&with_args(&[&longest]), &context()).expect("it fits");
    assert_eq!(plan.args.len(), 2047);
    let error = render_boot(&with_args(&[&fill(ARGS_BYTES_MAX + 1)]), &context()).expect_err("it is too long");
    assert!(error.to_string().contains("2048 bytes"), "{error}");
}

#[test]
fn a_live_boot_has_no_run() {
    let mut context = context();
    context.run = None;
    let with_run = with_args(&["url={{ run.url }}"]);
    assert!(!fits_live(&with_run));
    let error = render_boot(&with_run, &context).expect_err("there is no run");
    assert!(error.to_string().contains("only while a host is installed"), "{error}");
    let with_snippet = with_file("x.sh", "{% include 'bootwright/guard.sh' %}");
    let error = render_document(&with_snippet, "x.sh", &context).expect_err("there is no run");
    assert_eq!((error.error.line, error.error.column), (1, 4));
    assert!(error.to_string().contains("only while a host is installed"), "{error}");
    assert!(fits_live(&profile()));
    assert!(render_boot(&profile(), &context).is_ok());
}

#[test]
fn a_snippet_speaks_of_the_run_too() {
    let profile = with_file("x.sh", "{% include 'bootwright/guard.sh' %}");
    assert!(can_report(&Profile {
        done: DoneTrigger::Callback,
        ..profile
    }));
    assert!(!can_report(&Profile {
        done: DoneTrigger::Callback,
        ..with_args(&["quiet"])
    }));
}

#[test]
fn a_document_that_is_not_there_is_named() {
    let error = render_document(&profile(), "preseed.cfg", &context()).expect_err("there is none");
    assert!(
        error.to_string().contains("profile `debian` has no file `preseed.cfg`"),
        "{error}"
    );
}

#[test]
fn every_part_of_a_profile_is_checked_at_once() {
    let profile = Profile {
        kernel: "{{ host.x }}".to_owned(),
        initrds: vec![initrd("/images/{{ y }}", None)],
        args: vec!["{{ metadata.a | nofilter }}".to_owned()],
        ..with_file("z", "{% if %}")
    };
    let parts: Vec<String> = check_profile(&profile)
        .iter()
        .map(|problem| problem.part.to_string())
        .collect();
    assert_eq!(parts, ["kernel", "initrds[0]", "args[0]", "files.z"]);
}

#[test]
fn what_hosts_differ_in_is_no_problem_of_the_profile() {
    let profile = with_args(&[
        "a={{ metadata.count | int + 1 }}",
        "{% for key in metadata.keys %}{{ key }}{% endfor %}",
    ]);
    assert_eq!(check_profile(&profile), []);
}
