//! The scripts as machines get them. That they do what they say is shown where a client runs them.

use bootwright_core::{Choice, HoldWhy, HostId, LocalMethod, LocalWhy, Menu, MenuEntry, RunNumber, Token};
use bootwright_proto::http::{Asked, BaseUrl, Poll, Query};
use bootwright_proto::script::ipxe::{
    Confirmation, Fault, Hold, Image, Initrd, Install, Live, ask_script, autoexec_script, boot_script, check_argument,
    check_url, confirm_script, hold_script, install_script, leave_script, live_script, local_script, menu_script,
    notice_script, unavailable_script,
};
use expect_test::expect_file;
use proptest::prelude::*;

fn base() -> BaseUrl {
    "http://10.77.0.1:8080".parse().expect("a URL")
}

fn asked() -> Asked {
    Asked::read(&Query::new(
        b"mac=52-54-00-12-34-56&nic=52-54-00-12-34-57&uuid=00112233-4455-6677-8899-aabbccddeeff&platform=efi\
          &serial_hex=412642",
    ))
}

/// A poll of a machine whose console shows something.
fn poll(asked: Asked) -> Poll {
    let screen = Some(0x0bad_f00d);
    Poll {
        asked: Asked { screen, ..asked },
        polls: 2,
    }
}

fn host() -> HostId {
    "oak-42".parse().expect("a name")
}

fn hold<'a>(base: &'a BaseUrl, asked: &'a Asked, host: Option<&'a HostId>, why: &'a HoldWhy) -> Hold<'a> {
    Hold {
        base,
        asked,
        host,
        code: "K7M2Q",
        why,
        local: Some(LocalMethod::UefiDisk),
        menu: false,
        shell: false,
    }
}

fn image() -> Image {
    let initrd = |url: &str, target: Option<&str>| Initrd {
        name: None,
        url: url.to_owned(),
        target: target.map(str::to_owned),
    };
    Image {
        kernel: "http://10.77.0.1:8080/images/debian/13/linux".to_owned(),
        initrds: vec![
            initrd("http://10.77.0.1:8080/images/debian/13/initrd.gz", None),
            initrd("http://10.77.0.1:8080/r/00/preseed.cfg", Some("/preseed.cfg")),
            initrd("http://10.77.0.1:8080/images/debian/13/firmware.cpio.gz", None),
        ],
        args: vec!["auto=true".to_owned(), "console=ttyS0".to_owned()],
    }
}

fn installed(image: &Image) -> Result<String, bootwright_proto::script::ipxe::Unscriptable> {
    install_script(&Install {
        base: &base(),
        asked: &asked(),
        host: &host(),
        profile: &"debian".parse().expect("a name"),
        image,
        run: RunNumber::new(3),
        token: Token::new([0xab; 16]),
        attempt: 1,
        max_attempts: 2,
    })
}

/// Checks what every script has to keep, and returns it.
fn sound(script: String) -> String {
    assert!(script.starts_with("#!ipxe\n"), "{script}");
    assert!(script.ends_with('\n'), "{script}");
    assert!(
        script
            .bytes()
            .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)),
        "{script}"
    );
    for line in script.lines() {
        assert!(line.len() <= 2200, "{line}");
        assert!(!line.ends_with('\\'), "{line}");
        if line.starts_with("echo") {
            assert!(line.len() <= 100, "a console breaks this line: {line}");
        }
    }
    let mut labels: Vec<&str> = script.lines().filter(|line| line.starts_with(':')).collect();
    labels.sort_unstable();
    let count = labels.len();
    labels.dedup();
    assert_eq!(labels.len(), count, "iPXE goes to the first of equal labels:\n{script}");
    script
}

#[test]
fn a_menu_asks_again_with_what_was_chosen() {
    let entry = |title: &str, choice| MenuEntry {
        title: title.to_owned(),
        choice,
    };
    let menu = Menu {
        title: "Rack ${1} || reboot".to_owned(),
        entries: vec![
            entry("Own disk", Choice::Local),
            entry("Wait; && shell", Choice::Hold),
            entry("Debian", Choice::Install("debian".parse().expect("a name"))),
        ],
        default: Some(0),
        timeout: Some(bootwright_core::Span::from_secs(30)),
    };
    let mut asked = asked();
    asked.sighting.chosen = Some(99);
    let script = sound(menu_script(&base(), &asked, &menu, true));
    assert!(
        !script.contains("chosen=99") && !script.contains("|| reboot"),
        "{script}"
    );
    expect_file!["../../test_data/script/menu.ipxe"].assert_eq(&script);
    // What it says then is read, and said again by whatever it is answered.
    let chosen = Asked::read(&Query::new(b"mac=52-54-00-12-34-56&chosen=2"));
    assert_eq!(chosen.sighting.chosen, Some(2));
    assert!(chosen.to_query().contains("chosen=2"), "{}", chosen.to_query());
}

#[test]
fn the_first_script_gathers_facts_and_asks() {
    expect_file!["../../test_data/script/boot.ipxe"].assert_eq(&sound(boot_script(&base())));
    expect_file!["../../test_data/script/autoexec.ipxe"].assert_eq(&sound(autoexec_script(&base())));
}

#[test]
fn a_held_machine_says_who_it_is_and_polls() {
    let (base, asked, host) = (base(), asked(), host());
    let known = hold_script(&hold(&base, &asked, Some(&host), &HoldWhy::Undecided), None);
    expect_file!["../../test_data/script/hold.ipxe"].assert_eq(&sound(known));
    let why = HoldWhy::Contradiction("its serial number is `A&B`, not `${net0/mac} || reboot`".to_owned());
    let doubtful = Hold {
        local: None,
        ..hold(&base, &asked, None, &why)
    };
    expect_file!["../../test_data/script/hold-doubtful.ipxe"].assert_eq(&sound(hold_script(&doubtful, None)));
}

#[test]
fn keys_of_a_held_machine_lead_to_its_disk_a_menu_and_a_shell() {
    let (base, mut asked, host) = (base(), asked(), host());
    asked.sighting.chosen = Some(3);
    let hold = Hold {
        menu: true,
        shell: true,
        ..hold(&base, &asked, Some(&host), &HoldWhy::Undecided)
    };
    let script = sound(hold_script(&hold, None));
    expect_file!["../../test_data/script/hold-keys.ipxe"].assert_eq(&script);
    let (_, keys) = script.split_once(":missed").expect("what follows a poll that ended");
    assert!(
        !keys.contains("chosen=3"),
        "what was chosen before opens nothing: {keys}"
    );
    // The menu that is opened there leads back to the screen, and installs nothing.
    let mut asked = Asked::read(&Query::new(b"mac=52-54-00-12-34-56&menu=yes"));
    assert!(asked.sighting.menu && asked.to_query().contains("menu=yes"));
    asked.sighting.chosen = Some(1);
    let entry = |title: &str, choice| MenuEntry {
        title: title.to_owned(),
        choice,
    };
    let menu = Menu {
        title: "Rack 1".to_owned(),
        entries: vec![
            entry("Debian", Choice::Install("debian".parse().expect("a name"))),
            entry("Rescue", Choice::Live("rescue".parse().expect("a name"))),
        ],
        default: None,
        timeout: None,
    };
    let script = sound(menu_script(&base, &asked, &menu, false));
    assert!(
        !script.contains("Debian") && script.contains("item 1 Rescue"),
        "{script}"
    );
    let lines: Vec<&str> = script.lines().filter(|line| line.starts_with("chain")).collect();
    assert!(
        lines[0].contains("menu=yes&chosen=${chosen}") && !lines[1].contains("menu=yes"),
        "{script}"
    );
}

#[test]
fn a_poll_repaints_the_screen_only_if_it_changed_or_scrolled_away() {
    let (base, asked, host) = (base(), asked(), host());
    let undecided = hold(&base, &asked, Some(&host), &HoldWhy::Undecided);
    let painted = hold_script(&undecided, None);
    let (_, screen) = painted.split_once("&screen=").expect("the poll says what is shown");
    let screen = u32::from_str_radix(&screen[..8], 16).expect("a number");
    let answered = |polls| Poll {
        asked: Asked {
            screen: Some(screen),
            ..Asked::default()
        },
        polls,
    };
    let again = sound(hold_script(&undecided, Some(&answered(1))));
    expect_file!["../../test_data/script/hold-again.ipxe"].assert_eq(&again);
    assert!(!again.contains("echo"), "{again}");
    assert!(hold_script(&undecided, Some(&answered(8))).contains("echo This machine is waiting."));
    let paused = HoldWhy::Paused("the rack moves".to_owned());
    let changed = hold(&base, &asked, Some(&host), &paused);
    assert!(hold_script(&changed, Some(&answered(1))).contains("the rack moves"));
}

#[test]
fn an_install_fetches_starts_and_reports() {
    expect_file!["../../test_data/script/install.ipxe"].assert_eq(&sound(installed(&image()).expect("a script")));
    let live = live_script(&Live {
        base: &base(),
        asked: &asked(),
        host: &host(),
        profile: &"rescue".parse().expect("a name"),
        image: &image(),
    });
    expect_file!["../../test_data/script/live.ipxe"].assert_eq(&sound(live.expect("a script")));
    let confirm = confirm_script(&Confirmation {
        base: &base(),
        asked: &asked(),
        host: &host(),
        profile: &"debian".parse().expect("a name"),
    });
    expect_file!["../../test_data/script/confirm.ipxe"].assert_eq(&sound(confirm));
}

#[test]
fn each_way_to_the_own_disk_has_its_script() {
    for method in LocalMethod::ALL {
        let script = sound(local_script(Some(&host()), &LocalWhy::Installed, method));
        expect_file![format!("../../test_data/script/local-{method}.ipxe")].assert_eq(&script);
    }
    let failed = sound(local_script(None, &LocalWhy::Failed, LocalMethod::Exit));
    assert!(failed.ends_with("\nexit 1\n"), "{failed}");
}

#[test]
fn what_a_person_must_know_is_said_in_words() {
    let unavailable = unavailable_script(&base(), &asked(), "the store cannot be written");
    expect_file!["../../test_data/script/unavailable.ipxe"].assert_eq(&sound(unavailable));
    let notice = notice_script(&base(), "there is nothing at `/menu.ipxe`");
    expect_file!["../../test_data/script/notice.ipxe"].assert_eq(&sound(notice));
    expect_file!["../../test_data/script/ask.ipxe"].assert_eq(&sound(ask_script(&base(), &poll(asked()))));
    let leave = sound(leave_script("the host is ignored"));
    assert_eq!(
        leave,
        "#!ipxe\necho Bootwright has nothing for this machine: the host is ignored.\nexit 1\n"
    );
}

#[test]
fn words_that_mean_something_to_ipxe_are_refused_in_arguments() {
    for (text, fault) in [
        ("", Fault::Empty),
        ("  ", Fault::Empty),
        ("quiet\nshell", Fault::Character('\n')),
        ("name=m\u{fc}ller", Fault::Character('\u{fc}')),
        ("BOOTIF=01-${netX/mac:hexhyp}", Fault::Expansion),
        ("quiet || shell", Fault::Operator),
        ("&&", Fault::Operator),
        ("a ; b", Fault::Operator),
        ("#quiet", Fault::Operator),
        ("quiet #now", Fault::Operator),
        ("path=C:\\", Fault::Backslash),
    ] {
        assert_eq!(
            check_argument(text).map_err(|refused| refused.fault),
            Err(fault),
            "{text:?}"
        );
        let mut image = image();
        image.args.push(text.to_owned());
        assert_eq!(
            installed(&image).map_err(|refused| refused.fault),
            Err(fault),
            "{text:?}"
        );
    }
    assert_eq!(check_argument("a||b console=ttyS0,115200n8 x=#1 dollar=$1"), Ok(()));
    for url in ["/images/linux", "http://", "file:///etc/passwd", "http://a b", "--name"] {
        assert!(check_url(url).is_err(), "{url}");
    }
    assert_eq!(check_url("http://10.77.0.1:8080/images/debian/linux"), Ok(()));
}

#[test]
fn a_command_line_that_kernels_would_cut_is_refused() {
    let mut image = image();
    image.args = vec!["x".repeat(1980)];
    let fits = installed(&image).expect("a script");
    assert!(fits.contains("BOOTIF=01-52-54-00-12-34-56"));
    image.args = vec!["x".repeat(2040)];
    let refused = installed(&image).map_err(|refused| refused.fault);
    assert!(
        matches!(refused, Err(Fault::TooLong { len }) if len > 2047),
        "{refused:?}"
    );
}

#[test]
fn images_have_names_that_mean_nothing_to_ipxe() {
    let mut image = image();
    image.initrds[0].name = Some("debian-13".to_owned());
    let script = installed(&image).expect("a script");
    assert!(
        script.contains("/linux initrd=debian-13 initrd=initrd2 auto=true"),
        "{script}"
    );
    assert!(script.contains("initrd --name debian-13 http"), "{script}");
    for name in ["", "--timeout", "a b", "a&b", "${x}", "a\nb", "#a"] {
        image.initrds[0].name = Some(name.to_owned());
        assert_eq!(
            installed(&image).map_err(|refused| refused.fault),
            Err(Fault::NotName),
            "{name}"
        );
    }
}

#[test]
fn words_that_the_profile_gives_itself_are_not_added_again() {
    let mut image = image();
    image.args = vec!["initrd=mine BOOTIF=01-aa".to_owned()];
    let script = installed(&image).expect("a script");
    assert!(script.contains("kernel http://10.77.0.1:8080/images/debian/13/linux initrd=mine BOOTIF=01-aa || goto"));
}

proptest! {
    /// The lines of a script do not depend on what a machine says of itself: nothing that it says adds a command.
    #[test]
    fn no_fact_of_a_machine_changes_the_structure_of_a_script(
        serial in ".{0,80}",
        product in ".{0,80}",
        version in ".{0,40}",
        why in ".{0,80}",
    ) {
        let structure = |script: &str| -> Vec<String> {
            let commands = script.lines().filter(|line| !line.starts_with("echo"));
            commands.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
        };
        let mut strange = asked();
        strange.sighting.facts.serial = Some(serial);
        strange.sighting.facts.product = Some(product);
        strange.version = Some(version);
        let (base, plain) = (base(), asked());
        let strange_why = HoldWhy::Contradiction(why.clone());
        let plain_why = HoldWhy::Contradiction("plain".to_owned());
        for (odd, even) in [
            (
                hold_script(&hold(&base, &strange, None, &strange_why), None),
                hold_script(&hold(&base, &plain, None, &plain_why), None),
            ),
            (unavailable_script(&base, &strange, &why), unavailable_script(&base, &plain, "plain")),
            (notice_script(&base, &why), notice_script(&base, "plain")),
            (ask_script(&base, &poll(strange.clone())), ask_script(&base, &poll(plain.clone()))),
            (leave_script(&why), leave_script("plain")),
        ] {
            let odd = sound(odd);
            prop_assert_eq!(structure(&odd), structure(&even));
            for line in odd.lines().filter(|line| line.starts_with("echo")) {
                prop_assert!(!line.contains(['$', '&', '|', '#', '\\']), "{}", line);
                prop_assert!(!line.split(' ').any(|word| word == ";"), "{}", line);
            }
        }
    }
}
