//! A thousand machines that are switched on at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use bootwright_sim::chaos::SERVER_CONFIG;
use bootwright_sim::{Content, Doing, Faults, Setup, Word, World};

const MACHINES: usize = 1_000;

/// The machines from here on are armed by nobody.
const ARMED: usize = 640;

/// The machines from here on are known to the operator, who wants them to start from their disks.
const LOCAL: usize = 900;

const CONFIG: &str = r#"
[safety]
max_concurrent = 200
max_new_per_hour = 5000
max_rule_arms_per_minute = 5000
pause_after_failures = 100

[profiles.debian]
kernel = "/images/debian/linux"
deadline = "2h"

# The first 256 are armed by what the operator wrote down, the others by a word of the operator.
[[rules]]
name = "rack"
when = { mac = "52:54:00:77:00:*" }
profile = "debian"
auto_arm = true
limit = 256
"#;

const SERVER: &str = r#"
[dhcp]
mode = "server"
force = true
[[dhcp.pools]]
subnet = "10.77.0.0/16"
range = "10.77.1.1-10.77.8.254"
lease = "1h"
"#;

fn storm(config: &str) -> World {
    let setup = Setup {
        seed: 1_000,
        machines: MACHINES,
        with_data: 0,
        config: config.to_owned(),
        faults: Faults {
            loss: 5,
            repeat: 2,
            delay_ms: 20,
            ..Faults::default()
        },
    };
    let mut world = World::new(&setup).expect("the configuration is right");
    // They are switched on within three seconds, and armed while they come up.
    for machine in 0..MACHINES {
        let at = u64::try_from(machine).expect("a number") * 3;
        world.reset_after(Duration::from_millis(at), machine);
    }
    for machine in 256..ARMED {
        let profiles = vec!["debian"];
        let wipe = false;
        world.say_after(
            Duration::from_secs(20),
            Word::Arm {
                machine,
                profiles,
                wipe,
            },
        );
    }
    for machine in LOCAL..MACHINES {
        world.say_after(Duration::from_secs(1), Word::Local(machine));
    }
    world
}

/// Lets the world go on until all is as configured, or for at most two hours.
fn until_all_is_well(world: &mut World) {
    for _ in 0..240 {
        world
            .run_until(Duration::from_secs(30), |_| false)
            .unwrap_or_else(|what| panic!("{}\n{what}", last(world)));
        if (0..ARMED).all(|machine| is_installed(world, machine))
            && (ARMED..LOCAL).all(|machine| is_held(world, machine))
        {
            return;
        }
        // Who is not armed yet was named while nobody was there to hear it.
        for machine in unarmed(world) {
            let profiles = vec!["debian"];
            let wipe = false;
            let arm = Word::Arm {
                machine,
                profiles,
                wipe,
            };
            world.say_after(Duration::from_secs(1), arm);
        }
        // Firmware that gave up in this weather is switched on again, as a person would.
        for machine in 0..LOCAL {
            if matches!(world.doing(machine), Some(Doing::Stuck)) {
                world.reset_after(Duration::from_secs(1), machine);
            }
        }
    }
    let left: Vec<usize> = (0..ARMED).filter(|machine| !is_installed(world, *machine)).collect();
    panic!("{}\nnot installed: {left:?}", last(world));
}

/// The machines that the operator wants to be armed, and that are not.
fn unarmed(world: &World) -> Vec<usize> {
    let hosts = world.checker().world().hosts.values();
    let new = hosts.filter(|host| host.state.phase.name() == "new");
    let numbers = new.filter_map(|host| host.facts.macs.first()).map(|mac| {
        let [.., high, low] = mac.octets();
        usize::from(u16::from_be_bytes([high, low]))
    });
    numbers.filter(|machine| (256..ARMED).contains(machine)).collect()
}

fn is_installed(world: &World, machine: usize) -> bool {
    matches!(world.doing(machine), Some(Doing::System)) && matches!(world.content(machine), Some(Content::System(_)))
}

/// It waits in front of the hold script, with its disk as it was.
fn is_held(world: &World, machine: usize) -> bool {
    matches!(world.doing(machine), Some(Doing::Firmware(_))) && world.content(machine) == Some(&Content::Empty)
}

fn last(world: &World) -> String {
    let log = world.log();
    log[log.len().saturating_sub(200)..].join("\n")
}

fn all_is_as_configured(world: &World) {
    let mut phases: BTreeMap<&str, usize> = BTreeMap::new();
    for host in world.checker().world().hosts.values() {
        *phases.entry(host.state.phase.name()).or_default() += 1;
    }
    let expected = [("installed", ARMED), ("new", MACHINES - ARMED)];
    assert_eq!(phases, BTreeMap::from(expected), "{}", last(world));
    // One run each, and each disk written once: nobody was installed twice, and nobody who was not armed.
    assert_eq!(world.checker().runs(), ARMED);
    assert_eq!(world.checker().wipes(), u32::try_from(ARMED).expect("a number"));
    for machine in ARMED..MACHINES {
        assert_eq!(world.content(machine), Some(&Content::Empty), "machine {machine}");
    }
}

#[test]
fn a_thousand_machines_of_mixed_firmware_storm_a_lossy_segment_and_each_ends_as_configured_and_once() {
    let mut world = storm(CONFIG);
    until_all_is_well(&mut world);
    all_is_as_configured(&world);
}

#[test]
fn a_thousand_machines_storm_us_for_their_addresses_too_while_we_are_killed_and_no_address_has_two_holders() {
    let mut world = storm(&format!("{CONFIG}{SERVER}"));
    world.squat((1..=20).map(|host| Ipv4Addr::new(10, 77, 3, host)));
    for after in [1, 2, 4, 9, 40, 90] {
        world.crash_after(Duration::from_secs(after));
    }
    until_all_is_well(&mut world);
    all_is_as_configured(&world);
    // Firmware, iPXE and, on those that were installed, the firmware of the second start and the system.
    assert!(
        world.leases().acknowledged() > 3 * MACHINES,
        "{}",
        world.leases().acknowledged()
    );
    let addresses: BTreeSet<_> = (0..ARMED).filter_map(|machine| world.address(machine)).collect();
    assert!(addresses.len() > ARMED * 9 / 10, "{}", addresses.len());
}

#[test]
fn a_daemon_that_grants_addresses_before_it_has_recorded_them_is_found_out() {
    let found = (0..10).filter_map(|seed| {
        let setup = Setup {
            seed,
            machines: 3,
            with_data: 0,
            config: SERVER_CONFIG.to_owned(),
            faults: Faults {
                answers_early: true,
                ..Faults::default()
            },
        };
        let mut world = World::new(&setup).expect("the configuration is right");
        for machine in 0..3 {
            world.reset_after(Duration::from_secs(1), machine);
        }
        world.run_until(Duration::from_secs(60), |_| false).err()
    });
    let found: Vec<String> = found.collect();
    assert_eq!(found.len(), 10);
    assert!(
        found.iter().all(|what| what.ends_with("and that is not recorded")),
        "{found:?}"
    );
}
