//! Who is asking: changed papers, doubtful cards, names from the configuration.

use std::collections::BTreeMap;

use bootwright_core::{Facts, HostDefinition, MacAddr, Policy};
use expect_test::expect;

use crate::site::{Site, mac, machine, policy};

fn definition(facts: Facts) -> HostDefinition {
    HostDefinition {
        name: None,
        facts,
        profile: Some("debian".parse().expect("a name")),
        labels: BTreeMap::new(),
        metadata: BTreeMap::new(),
        first_file: None,
        directory: None,
        offer: None,
        local: None,
        addresses: Vec::new(),
    }
}

fn defined(name: &str, facts: Facts) -> Policy {
    let mut policy = policy();
    policy.hosts.insert(name.parse().expect("a name"), definition(facts));
    policy
}

fn made_up() -> MacAddr {
    MacAddr::new([0x02, 0, 0, 0, 0, 1])
}

#[test]
fn another_board_behind_an_armed_card_drops_the_host_to_hold() {
    let mut site = Site::new(policy());
    site.ask_machine(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    let mut other = machine(1);
    other.serial = Some("SN9999".to_owned());
    site.ask(&other);
    site.ask_machine(1);
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-61: 52:54:00:00:00:01, serial SN0001
            Hold quince-61: waiting: nobody has armed it
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:01 asks -> hold (its identity is in doubt: its serial number is `SN9999`, not `SN0001`), once recorded
            Warn quince-61: held, its identity is in doubt: its serial number is `SN9999`, not `SN0001` (52:54:00:00:00:01, serial SN9999)
        52:54:00:00:00:01 asks -> hold (it is held until it is armed)
            Hold quince-61: waiting: it is held until it is armed
        explain quince-61: new; 0 of 32 installing; paused: no
            would be told: wait, it is held until it is armed
    "#]].assert_eq(&site.story());
}

#[test]
fn other_cards_in_an_armed_board_drop_the_host_to_hold_and_are_then_part_of_it() {
    let mut site = Site::new(policy());
    site.ask_machine(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    let rebuilt = Facts {
        macs: [mac(77)].into(),
        ..machine(1)
    };
    site.ask(&rebuilt);
    site.ask(&rebuilt);
    site.arm("52:54:00:00:00:4d", &["debian"]);
    site.ask(&rebuilt);
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-61: 52:54:00:00:00:01, serial SN0001
            Hold quince-61: waiting: nobody has armed it
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:4d asks -> hold (it is held until it is armed), once recorded
            Warn quince-61: held, it is not the machine that was armed: it has none of the cards that are known
            Hold quince-61: waiting: it is held until it is armed
        52:54:00:00:00:4d asks -> hold (it is held until it is armed)
            Set quince-61: 52:54:00:00:00:01, 52:54:00:00:00:4d, serial SN0001
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:4d -> quince-61: armed with debian by alice for 1 d
            Armed quince-61: armed with debian by alice for 1 d
        52:54:00:00:00:4d asks -> install debian run 1 attempt 1, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_contradiction_does_not_stop_a_run_that_is_under_way() {
    let mut site = Site::new(policy());
    site.ask_machine(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_machine(1);
    let mut other = machine(1);
    other.serial = Some("SN9999".to_owned());
    let _ = site.story();
    site.ask(&other);
    site.explain("52:54:00:00:00:01");
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (its identity is in doubt: its serial number is `SN9999`, not `SN0001`)
            Warn quince-61: held, its identity is in doubt: its serial number is `SN9999`, not `SN0001` (52:54:00:00:00:01, serial SN9999)
        explain quince-61: installing, attempt 1; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
    "#]].assert_eq(&site.story());
}

#[test]
fn a_card_address_that_drivers_make_up_gives_nobody_anothers_grant() {
    let mut site = Site::new(policy());
    let with_gadget = |number: u8| {
        let mut facts = Facts::of_mac(mac(number));
        facts.macs.insert(made_up());
        facts
    };
    site.ask(&with_gadget(1));
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask(&with_gadget(2));
    site.ask(&Facts::of_mac(made_up()));
    site.arm("02:00:00:00:00:01", &["debian"]);
    site.ask(&with_gadget(1));
    expect![[r#"
        02:00:00:00:00:01+52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-4: 02:00:00:00:00:01, 52:54:00:00:00:01
            Hold quince-4: waiting: nobody has armed it
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:01 -> quince-4: armed with debian by alice for 1 d
            Armed quince-4: armed with debian by alice for 1 d
        02:00:00:00:00:01+52:54:00:00:00:02 asks -> hold (nobody has armed it)
            New sage-48: 02:00:00:00:00:01, 52:54:00:00:00:02
            Hold sage-48: waiting: nobody has armed it
        02:00:00:00:00:01 asks -> hold (it shows neither a proper hardware address nor a UUID nor a serial number)
        Arm { profiles: [debian], wipe: {} } for 02:00:00:00:00:01 -> refused: this address may belong to many machines; name the host in the configuration, under `[hosts.<name>]`
        02:00:00:00:00:01+52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot quince-4: run 1, install script of debian served (attempt 1 of 2)
    "#]].assert_eq(&site.story());
}

#[test]
fn an_address_that_the_configuration_names_is_believed_until_it_no_longer_does() {
    let mut site = Site::new(defined("lab-vm", Facts::of_mac(made_up())));
    site.ask(&Facts::of_mac(made_up()));
    site.arm("lab-vm", &[]);
    site.restart();
    site.ask(&Facts::of_mac(made_up()));
    site.reload(policy());
    site.ask(&Facts::of_mac(made_up()));
    expect![[r#"
        02:00:00:00:00:01 asks -> hold (nobody has armed it)
            New lab-vm: 02:00:00:00:00:01
            Hold lab-vm: waiting: nobody has armed it
        Arm { profiles: [], wipe: {} } for lab-vm -> lab-vm: armed with debian by alice for 1 d
            Armed lab-vm: armed with debian by alice for 1 d
        restart
        02:00:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Boot lab-vm: run 1, install script of debian served (attempt 1 of 2)
        reload -> would arm []
            Reload configuration in force: 3 profiles, 0 hosts, 0 rules
            (all who wait ask again)
        02:00:00:00:00:01 asks -> hold (it shows neither a proper hardware address nor a UUID nor a serial number)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_host_that_the_configuration_names_can_be_armed_before_it_was_ever_seen() {
    let mut site = Site::new(defined("web-1", Facts::of_mac(mac(1))));
    site.arm("web-1", &[]);
    site.offer(1);
    site.ask_machine(1);
    site.explain("web-1");
    expect![[r#"
        Arm { profiles: [], wipe: {} } for web-1 -> web-1: armed with debian by alice for 1 d
            New web-1: 52:54:00:00:00:01
            Armed web-1: armed with debian by alice for 1 d
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            Seen web-1: firmware asks where to boot, x86 BIOS
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Set web-1: 52:54:00:00:00:01, serial SN0001
            Boot web-1: run 1, install script of debian served (attempt 1 of 2)
        explain web-1: installing, attempt 1; 1 of 32 installing; paused: no
            would be told: install debian, attempt 2
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn what_was_refused_leaves_no_host_behind() {
    let mut site = Site::new(defined("web-1", Facts::of_mac(mac(1))));
    site.arm("web-1", &["no-such-profile"]);
    site.arm("52:54:00:00:00:07", &["no-such-profile"]);
    site.arm("nobody", &["debian"]);
    expect![[r#"
        Arm { profiles: [no-such-profile], wipe: {} } for web-1 -> refused: no profile is called `no-such-profile`; there are: debian, flatcar, wipe
        Arm { profiles: [no-such-profile], wipe: {} } for 52:54:00:00:00:07 -> refused: no profile is called `no-such-profile`; there are: debian, flatcar, wipe
        Arm { profiles: [debian], wipe: {} } for nobody -> refused: no host is called `nobody`; `bootwright host list` shows all
    "#]].assert_eq(&site.story());
    assert!(site.engine.world().hosts.is_empty());
}

#[test]
fn a_definition_that_several_machines_fit_arms_none_of_them_by_its_name() {
    let uuid: Facts = Facts {
        uuid: machine(1).uuid,
        ..Facts::default()
    };
    let clone = |number: u8| Facts {
        uuid: machine(1).uuid,
        ..Facts::of_mac(mac(number))
    };
    let mut site = Site::new(policy());
    site.ask(&clone(1));
    site.ask(&clone(2));
    site.reload(defined("web-1", uuid));
    let names: Vec<String> = site
        .engine
        .world()
        .hosts
        .keys()
        .map(|host| site.engine.display_name(host).to_string())
        .collect();
    site.say(&format!("they are called {names:?}"));
    site.arm("web-1", &["debian"]);
    site.arm("52:54:00:00:00:02", &["debian"]);
    site.ask(&clone(2));
    site.ask(&clone(1));
    expect![[r#"
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
            New quince-61: 52:54:00:00:00:01
            Hold quince-61: waiting: nobody has armed it
        52:54:00:00:00:02 asks -> hold (nobody has armed it)
            New quartz-93: 52:54:00:00:00:02
            Hold quartz-93: waiting: nobody has armed it
        reload -> would arm []
            Reload configuration in force: 3 profiles, 1 host, 0 rules
            (all who wait ask again)
        they are called ["web-1", "web-1"]
        Arm { profiles: [debian], wipe: {} } for web-1 -> refused: several hosts fit this definition; name the one that is meant by its hardware address
        Arm { profiles: [debian], wipe: {} } for 52:54:00:00:00:02 -> web-1: armed with debian by alice for 1 d
            Armed quartz-93: armed with debian by alice for 1 d
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:01 asks -> hold (nobody has armed it)
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn a_definition_by_one_paper_is_met_by_a_machine_with_cards_of_its_own() {
    let by_serial = Facts {
        serial: machine(1).serial,
        ..Facts::default()
    };
    let mut policy = defined("by-serial", by_serial);
    let by_uuid = Facts {
        uuid: machine(2).uuid.map(bootwright_core::Uuid::swapped),
        ..Facts::default()
    };
    let both = Facts {
        serial: machine(3).serial,
        ..Facts::of_mac(mac(33))
    };
    for (name, facts) in [("by-uuid", by_uuid), ("card-and-serial", both)] {
        policy.hosts.insert(name.parse().expect("a name"), definition(facts));
    }
    let mut site = Site::new(policy);
    site.arm("by-serial", &[]);
    for number in 1..=3 {
        site.offer(number);
        site.ask_machine(number);
    }
    site.arm("by-uuid", &[]);
    site.ask_machine(2);
    expect![[r#"
        Arm { profiles: [], wipe: {} } for by-serial -> by-serial: armed with debian by alice for 1 d
            New by-serial: serial SN0001
            Armed by-serial: armed with debian by alice for 1 d
        52:54:00:00:00:01 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            New quince-61: 52:54:00:00:00:01
            Seen quince-61: firmware asks where to boot, x86 BIOS
        52:54:00:00:00:01 asks -> install debian run 1 attempt 1, once recorded
            Set quince-61: it is by-serial, by its serial number
            Set by-serial: 52:54:00:00:00:01, serial SN0001
            Boot by-serial: run 1, install script of debian served (attempt 1 of 2)
        52:54:00:00:00:02 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            New quartz-93: 52:54:00:00:00:02
            Seen quartz-93: firmware asks where to boot, x86 BIOS
        52:54:00:00:00:02 asks -> hold (nobody has armed it)
            Set quartz-93: 52:54:00:00:00:02, serial SN0002
            Hold quartz-93: waiting: nobody has armed it
        52:54:00:00:00:03 wants to boot -> FirstFile { file: "undionly.kpxe", transport: Tftp, strategy: Direct }
            New fox-54: 52:54:00:00:00:03
            Seen fox-54: firmware asks where to boot, x86 BIOS
        52:54:00:00:00:03 asks -> hold (nobody has armed it)
            Set fox-54: 52:54:00:00:00:03, serial SN0003
            Hold fox-54: waiting: nobody has armed it
        Arm { profiles: [], wipe: {} } for by-uuid -> by-uuid: armed with debian by alice for 1 d
            Armed quartz-93: armed with debian by alice for 1 d
        52:54:00:00:00:02 asks -> install debian run 1 attempt 1, once recorded
            Boot quartz-93: run 1, install script of debian served (attempt 1 of 2)
    "#]]
    .assert_eq(&site.story());
}
