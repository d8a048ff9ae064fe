//! Days with a name.

use std::time::Duration;

use bootwright_sim::{Content, Doing, Faults, Setup, Word, World};

const MINUTE: Duration = Duration::from_secs(60);

fn site(machines: usize, faults: Faults) -> World {
    let config = "
        [profiles.debian]
        kernel = '/images/debian/linux'
        [profiles.wipe]
        kernel = '/images/wipe/linux'
    ";
    let setup = Setup {
        seed: 7,
        machines,
        with_data: 0,
        config: config.to_owned(),
        faults,
    };
    World::new(&setup).expect("the configuration is right")
}

fn arm(machine: usize) -> Word {
    Word::Arm {
        machine,
        profiles: vec!["debian"],
        wipe: false,
    }
}

fn is_up(world: &World, machine: usize) -> bool {
    matches!(world.doing(machine), Some(Doing::System)) && matches!(world.content(machine), Some(Content::System(_)))
}

/// Lets the world go on until all machines run their systems, or tells all that happened.
fn until_all_are_up(world: &mut World, machines: usize, limit: Duration) {
    let up = world.run_until(limit, |world| (0..machines).all(|machine| is_up(world, machine)));
    match up {
        Ok(true) => {}
        Ok(false) => panic!("{}\nnot all are up", world.log().join("\n")),
        Err(what) => panic!("{}\n{what}", world.log().join("\n")),
    }
}

#[test]
fn twenty_machines_that_are_switched_on_at_once_are_all_installed_over_a_lossy_wire() {
    let faults = Faults {
        loss: 10,
        repeat: 10,
        delay_ms: 50,
        ..Faults::default()
    };
    let mut world = site(20, faults);
    for machine in 0..20 {
        world.say_after(Duration::from_secs(1), arm(machine));
        world.reset_after(Duration::from_secs(5), machine);
    }
    // Whoever's firmware gives up in this weather is switched on again, as a person would.
    for round in 1..20 {
        world
            .run_until(MINUTE * 3 * round, |_| false)
            .expect("nothing is wrong");
        for machine in (0..20).collect::<Vec<_>>() {
            if matches!(world.doing(machine), Some(Doing::Stuck)) {
                world.reset_after(Duration::from_secs(1), machine);
            }
        }
        if (0..20).all(|machine| is_up(&world, machine)) {
            break;
        }
    }
    until_all_are_up(&mut world, 20, MINUTE * 30);
    assert_eq!(world.checker().runs(), 20);
}

#[test]
fn the_daemon_is_killed_every_ten_seconds_and_every_install_ends_well() {
    let mut world = site(5, Faults::default());
    for machine in 0..5 {
        world.say_after(Duration::from_millis(500), arm(machine));
        world.reset_after(Duration::from_secs(1), machine);
    }
    for round in 1..30 {
        world.crash_after(Duration::from_secs(10 * round));
    }
    until_all_are_up(&mut world, 5, MINUTE * 30);
    assert_eq!(world.checker().runs(), 5);
}

#[test]
fn a_held_machine_that_is_armed_begins_within_two_seconds_with_nobody_at_the_keyboard() {
    for machine in 0..4 {
        let mut world = site(4, Faults::default());
        world.reset_after(Duration::ZERO, machine);
        world.run_until(MINUTE * 10, |_| false).expect("nothing is wrong");
        assert_eq!(world.checker().runs(), 0);
        world.say_after(Duration::ZERO, arm(machine));
        let began = world
            .run_until(Duration::from_secs(2), |world| world.checker().runs() == 1)
            .expect("nothing is wrong");
        assert!(began, "machine {machine}:\n{}", world.log().join("\n"));
    }
}

#[test]
fn a_machine_that_is_reset_in_the_middle_of_its_install_gets_one_more_attempt_and_then_its_disk() {
    let mut world = site(1, Faults::default());
    world.say_after(Duration::ZERO, arm(0));
    for _ in 0..4 {
        world.reset_after(Duration::from_secs(1), 0);
        let wipes = world.checker().wipes();
        let writes = |world: &World| world.checker().wipes() > wipes;
        world.run_until(MINUTE * 3, writes).expect("nothing is wrong");
    }
    let counted = (world.checker().runs(), world.checker().wipes());
    assert_eq!(counted, (1, 2), "{}", world.log().join("\n"));
    let host = world.checker().world().hosts.values().next().expect("the host");
    assert_eq!(host.state.phase.name(), "failed");
}

#[test]
fn done_may_be_lost_late_and_repeated_and_the_machine_is_installed_once() {
    let mut world = site(1, Faults::default());
    world.say_after(Duration::ZERO, arm(0));
    world.reset_after(Duration::from_secs(1), 0);
    until_all_are_up(&mut world, 1, MINUTE * 20);
    for minute in 1..20 {
        world.late_report_after(MINUTE * minute, 0);
    }
    world.say_after(MINUTE * 5, arm(0));
    world.run_until(MINUTE * 30, |_| false).expect("nothing is wrong");
    let host = world.checker().world().hosts.values().next().expect("the host");
    assert_eq!((host.state.phase.name(), world.checker().wipes()), ("armed", 1));
    assert_eq!(host.runs.len(), 1);
}

#[test]
fn fault_25_a_wall_clock_that_jumps_by_years_ends_no_arming_and_revives_none() {
    let ten_years_ms = 10 * 365 * 86_400_000;
    for wall_ms in [1_700_000_000_000 + ten_years_ms, 1_700_000_000_000 - ten_years_ms, 0] {
        let mut world = site(1, Faults::default());
        world.say_after(Duration::ZERO, arm(0));
        world.set_wall_after(MINUTE, wall_ms);
        world.crash_after(MINUTE * 2);
        let state = |world: &World| {
            let host = world.checker().world().hosts.values().next();
            host.map(|host| host.state.phase.name()).unwrap_or_default()
        };
        world.run_until(MINUTE * 60 * 23, |_| false).expect("nothing is wrong");
        // A box that was started anew believes its wall clock for a month at most, so that an arming may end early.
        assert!(["armed", "new"].contains(&state(&world)), "{}", state(&world));
        world.run_until(MINUTE * 60 * 2, |_| false).expect("nothing is wrong");
        assert_eq!(state(&world), "new", "{wall_ms}");
        world.reset_after(Duration::ZERO, 0);
        world.run_until(MINUTE * 10, |_| false).expect("nothing is wrong");
        assert_eq!(world.checker().runs(), 0);
    }
}

#[test]
fn a_store_that_fails_now_and_then_delays_installs_and_loses_none() {
    let faults = Faults {
        store: 20,
        ..Faults::default()
    };
    let mut world = site(4, faults);
    for machine in 0..4 {
        for again in 0..6 {
            world.say_after(Duration::from_secs(1 + 5 * again), arm(machine));
        }
        world.reset_after(Duration::from_secs(40), machine);
    }
    world.run_until(MINUTE * 60, |_| false).expect("nothing is wrong");
    assert!(world.checker().runs() >= 4, "{}", world.log().join("\n"));
    world.set_faults(Faults::default());
    for machine in 0..4 {
        if !is_up(&world, machine) {
            let profiles = vec!["debian"];
            let wipe = true;
            world.say_after(Duration::from_secs(1), Word::Hold(machine));
            world.say_after(Duration::from_secs(1), Word::Resume);
            world.say_after(
                Duration::from_secs(2),
                Word::Arm {
                    machine,
                    profiles,
                    wipe,
                },
            );
            world.reset_after(Duration::from_secs(3), machine);
        }
    }
    until_all_are_up(&mut world, 4, MINUTE * 60);
}
