//! Boot loaders other than iPXE: who they are, and how often what they are told counts.

use bootwright_core::{Choice, Confirm, Facts, HostDefinition, Menu, MenuEntry, Policy, Span};
use bootwright_engine::{Decision, FetchKind, Report};
use expect_test::expect;

use crate::site::{Site, mac, policy};

const CARD: &str = "pxelinux.cfg/01-52-54-00-00-00-01";

fn armed() -> Site {
    let mut site = Site::new(policy());
    site.arm("52:54:00:00:00:01", &["debian"]);
    let _ = site.story();
    site
}

#[test]
fn a_machine_installs_once_by_pxelinux_and_then_starts_its_disk() {
    let mut site = armed();
    site.offer(1);
    site.fetched(1, "pxelinux.0", FetchKind::Firmware, None);
    site.fetched(1, "ldlinux.c32", FetchKind::Firmware, None);
    site.ask_file(1, Some(mac(1)), CARD);
    site.fetched(1, "/images/linux", FetchKind::Image, None);
    let token = site.token();
    site.report(token, &Report::Done);
    site.wait(Span::from_secs(60));
    site.offer(1);
    site.fetched(1, "pxelinux.0", FetchKind::Firmware, None);
    site.ask_file(1, Some(mac(1)), CARD);
    expect![[r#"
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
        pxelinux.0 was sent to 52:54:00:00:00:01
        ldlinux.c32 was sent to 52:54:00:00:00:01
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        /images/linux was sent to 52:54:00:00:00:01
            Fetch quince-61: run 1, fetched /images/linux, 4 MB in 2 s
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        wait 1 min
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
        pxelinux.0 was sent to 52:54:00:00:00:01
            Fetch quince-61: fetched pxelinux.0, 4 MB in 2 s
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> local bios-disk (it is installed)
            Set quince-61: boots by undionly.kpxe, with the offer direct
            Local quince-61: local-boot script served (bios-disk)
    "#]]
    .assert_eq(&site.story());
}

/// GRUB looks whether a file is there and then reads it; a lost packet makes any of them ask again.
#[test]
fn whoever_fetches_the_script_once_more_is_at_the_same_attempt() {
    let mut site = armed();
    for _ in 0..3 {
        site.ask_file(1, None, "grub.cfg-01-52-54-00-00-00-01");
        site.wait(Span::from_secs(1));
    }
    // It could not load the kernel, and says so by asking at another point.
    site.wait(Span::from_secs(20));
    site.ask_file(1, None, "bootwright/grub/again-1-00000000/01-52-54-00-00-00-01");
    // Modules are fetched again for every configuration; that is no new start.
    site.fetched(1, "ldlinux.c32", FetchKind::Firmware, None);
    site.ask_file(1, None, "bootwright/grub/again-2-00000000/01-52-54-00-00-00-01");
    expect![[r#"
        grub.cfg-01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        wait 1 s
        grub.cfg-01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
        wait 1 s
        grub.cfg-01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
        wait 1 s
        wait 20 s
        bootwright/grub/again-1-00000000/01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
        ldlinux.c32 was sent to 52:54:00:00:00:01
            Fetch quince-61: run 1, fetched ldlinux.c32, 4 MB in 2 s
        bootwright/grub/again-2-00000000/01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_new_start_is_a_new_attempt_whatever_shows_it() {
    type Sign = (&'static str, fn(&mut Site));
    let signs: [Sign; 5] = [
        ("a boot program is fetched", |site| {
            site.fetched(1, "pxelinux.0", FetchKind::Firmware, None);
        }),
        ("firmware asks where to boot", |site| site.offer(1)),
        ("what was started has fetched its kernel", |site| {
            site.fetched(1, "/images/linux", FetchKind::Image, None);
        }),
        ("nothing shows it, but too much time has gone by", |site| {
            site.wait(Span::from_secs(30));
        }),
        ("the daemon was started again, and does not know", Site::restart),
    ];
    for (sign, happens) in signs {
        let mut site = armed();
        site.ask_file(1, None, CARD);
        happens(&mut site);
        site.ask_file(1, None, CARD);
        assert!(site.story().contains("install debian run 1 attempt 2"), "{sign}");
    }
    let mut site = armed();
    site.ask_file(1, None, CARD);
    site.ask_file(1, None, "grub.cfg-01-52-54-00-00-00-01");
    assert!(
        site.story().contains("attempt 2"),
        "another boot loader is another start"
    );
}

#[test]
fn one_attempt_is_not_told_without_end() {
    let mut site = armed();
    for _ in 0..40 {
        site.ask_file(1, None, CARD);
        site.wait(Span::from_secs(1));
    }
    let story = site.story();
    let told = story.lines().filter(|line| line.contains("-> install")).count();
    assert_eq!(told, 16, "two attempts, each told eight times:\n{story}");
    assert!(story.contains("all attempts used"), "{story}");
}

#[test]
fn whoever_fetches_once_more_that_it_shall_start_its_disk_has_not_come_back_from_it() {
    let mut site = Site::new(policy());
    site.decide("52:54:00:00:00:01", Decision::Local);
    site.ask_file(1, None, CARD);
    site.ask_file(1, None, CARD);
    site.wait(Span::from_secs(20));
    site.offer(1);
    site.ask_file(1, None, CARD);
    expect![[r#"
        Local for 52:54:00:00:00:01 -> quince-61: next boots: local disk
            New quince-61: 52:54:00:00:00:01
            Local quince-61: next boots: local disk
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> local bios-disk (an operator chose its own disk)
            Local quince-61: local-boot script served (bios-disk)
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> local bios-disk (an operator chose its own disk)
        wait 20 s
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> local exit (an operator chose its own disk)
            Loop quince-61: came back from its disk too early, once; local-boot script served (exit)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_machine_is_known_by_its_card_or_by_its_address() {
    let mut site = armed();
    // A name that holds a card speaks for itself.
    site.ask_file(9, None, "grub.cfg-01-52-54-00-00-00-09");
    // The neighbour table knows the card.
    site.ask_file(1, Some(mac(1)), "pxelinux.cfg/default");
    // And then we know the address ourselves; a name that claims another address changes nothing.
    site.ask_file(1, None, "pxelinux.cfg/0A000009");
    // Nobody knows this one.
    site.ask_file(77, None, "pxelinux.cfg/default");
    expect![[r#"
        grub.cfg-01-52-54-00-00-00-09 asks -> hold (nobody has armed it)
            New plum-79: 52:54:00:00:00:09
            Hold plum-79: waiting: nobody has armed it
        pxelinux.cfg/default asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        pxelinux.cfg/0A000009 asks -> install debian run 1 attempt 1, once recorded
        pxelinux.cfg/default asks -> hold (it shows neither a proper hardware address nor a UUID nor a serial number)
    "#]]
    .assert_eq(&site.story());
}

fn by_uuid(macs: &[u8]) -> Policy {
    let mut policy = policy();
    let facts = Facts {
        uuid: "00112233-4455-6677-8899-aabbccddee01".parse().ok(),
        macs: macs.iter().map(|number| mac(*number)).collect(),
        ..Facts::default()
    };
    let definition = HostDefinition {
        name: None,
        facts,
        profile: None,
        labels: std::collections::BTreeMap::new(),
        metadata: std::collections::BTreeMap::new(),
        first_file: None,
        directory: None,
        offer: None,
        addresses: Vec::new(),
        local: None,
    };
    policy.hosts.insert("oak".parse().expect("a name"), definition);
    policy
}

/// Boards share UUIDs, and the same boot loader asks by its card next.
#[test]
fn a_uuid_speaks_only_for_a_host_of_which_no_card_is_known() {
    let mut site = Site::new(by_uuid(&[]));
    site.arm("oak", &["debian"]);
    site.ask_file(1, None, "pxelinux.cfg/00112233-4455-6677-8899-aabbccddee02");
    // In the byte order of the wire, too.
    site.ask_file(1, None, "grub.cfg-33221100-5544-7766-8899-aabbccddee01");
    site.say("---");
    let story = site.story();
    let mut site = Site::new(by_uuid(&[1]));
    site.say(story.trim_end());
    site.arm("oak", &["debian"]);
    site.ask_file(1, None, "pxelinux.cfg/00112233-4455-6677-8899-aabbccddee01");
    site.ask_file(1, None, CARD);
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for oak -> oak: armed with debian by alice for 1 d
            New oak: 
            Armed oak: armed with debian by alice for 1 d
        pxelinux.cfg/00112233-4455-6677-8899-aabbccddee02 asks -> silence (the name of the file does not say who asks; the next one does)
        grub.cfg-33221100-5544-7766-8899-aabbccddee01 asks -> install debian run 1 attempt 1, once recorded
            Boot oak: run 1, install script of debian served (attempt 1 of 2)
        ---
        Arm { profiles: [debian], wipe: {} } for oak -> oak: armed with debian by alice for 1 d
            New oak: 52:54:00:00:00:01
            Armed oak: armed with debian by alice for 1 d
        pxelinux.cfg/00112233-4455-6677-8899-aabbccddee01 asks -> silence (the name of the file does not say who asks; the next one does)
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
            Boot oak: run 1, install script of debian served (attempt 1 of 2)
    "#]].assert_eq(&site.story());
}

/// A machine that was armed with a profile that somebody at its console has to agree to.
fn armed_and_to_be_confirmed() -> Site {
    let mut policy = policy();
    let mut profile = (*policy.profiles["debian"]).clone();
    profile.confirm = Confirm::Console;
    policy.profiles.insert(profile.name.clone(), profile.into());
    let mut site = Site::new(policy);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site
}

#[test]
fn a_person_at_the_console_agrees_by_asking_at_another_point() {
    let mut site = armed_and_to_be_confirmed();
    site.ask_file(1, None, CARD);
    site.ask_file(1, None, "bootwright/pxelinux/agreed/01-52-54-00-00-00-01");
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> confirm debian
            Hold quince-61: asks at its console whether debian may be installed
        bootwright/pxelinux/agreed/01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn news_of_one_kind_hold_up_none_of_another() {
    let mut site = armed_and_to_be_confirmed();
    for _ in 0..2 {
        site.ask_file(1, None, CARD);
        site.trouble_at(1, "its kernel is gone");
    }
    site.wait(Span::from_secs(61));
    site.trouble_at(1, "its kernel is gone");
    expect![[r#"
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            New quince-61: 52:54:00:00:00:01
            Armed quince-61: armed with debian by alice for 1 d
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> confirm debian
            Hold quince-61: asks at its console whether debian may be installed
        52:54:00:00:00:01 cannot go on
            Warn quince-61: its kernel is gone
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> confirm debian
        52:54:00:00:00:01 cannot go on
        wait 1 min 1 s
        52:54:00:00:00:01 cannot go on
            Warn quince-61: its kernel is gone
    "#]]
    .assert_eq(&site.story());
}

/// Whoever chose to install goes on asking for that, so that an arming with the menu begins it; and a menu that nobody armed
/// leads to no install, whatever is chosen.
#[test]
fn a_menu_leads_to_an_install_where_an_operator_granted_one_and_a_person_chose_it() {
    let mut policy = policy();
    let mut debian = (*policy.profiles["debian"]).clone();
    debian.confirm = Confirm::Console;
    let mut menu = (*policy.profiles["wipe"]).clone();
    menu.name = "rack".parse().expect("a name");
    let entry = |title: &str, choice| MenuEntry {
        title: title.to_owned(),
        choice,
    };
    menu.menu = Some(Menu {
        title: "Rack".to_owned(),
        entries: vec![
            entry("disk", Choice::Local),
            entry("debian", Choice::Install(debian.name.clone())),
        ],
        default: Some(0),
        timeout: None,
    });
    policy.profiles.insert(debian.name.clone(), debian.into());
    policy.profiles.insert(menu.name.clone(), menu.into());
    let mut site = Site::new(policy);
    let live = "rack".parse().expect("a name");
    site.decide("52:54:00:00:00:01", Decision::Live { profile: live });
    site.ask_file(1, None, CARD);
    site.ask_file(1, None, "bootwright/pxelinux/chose-1/01-52-54-00-00-00-01");
    site.wait(Span::from_secs(10));
    site.arm("52:54:00:00:00:01", &["rack"]);
    site.ask_file(1, None, "bootwright/pxelinux/again-1-00000000-1/01-52-54-00-00-00-01");
    let token = site.token();
    site.report(token, &Report::Done);
    site.offer(1);
    site.ask_file(1, None, CARD);
    expect![[r#"
        Live { profile: rack } for 52:54:00:00:00:01 -> quince-61: boots rack every time
            New quince-61: 52:54:00:00:00:01
            Live quince-61: boots rack every time
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> menu rack
            Hold quince-61: the menu rack is shown at its console
        bootwright/pxelinux/chose-1/01-52-54-00-00-00-01 asks -> hold (nobody has armed it)
            Hold quince-61: waiting: nobody has armed it
        wait 10 s
        Arm { profiles: [rack], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with rack by alice for 1 d
            Armed quince-61: armed with rack by alice for 1 d
        bootwright/pxelinux/again-1-00000000-1/01-52-54-00-00-00-01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
        Done -> Noted
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen quince-61: firmware asks where to boot, x86 BIOS
        pxelinux.cfg/01-52-54-00-00-00-01 asks -> local bios-disk (it is installed)
            Local quince-61: local-boot script served (bios-disk)
    "#]].assert_eq(&site.story());
}

#[test]
fn nobody_is_granted_an_install_by_any_name() {
    let mut site = Site::new(policy());
    for act in ["first", "agreed", "consider", "chose-0", "again-1-00000000"] {
        for front in ["pxelinux", "grub"] {
            site.ask_file(1, None, &format!("bootwright/{front}/{act}/01-52-54-00-00-00-01"));
            site.ask_file(1, Some(mac(1)), &format!("bootwright/{front}/{act}/anyone"));
        }
    }
    let story = site.story();
    assert!(!story.contains("install"), "{story}");
}
