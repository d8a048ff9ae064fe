//! Machines whose disks start by some ways only: whole days of them.

use std::time::Duration;

use bootwright_client::machine::Start;
use bootwright_client::rom::Quirk;
use bootwright_core::LocalMethod;
use bootwright_engine::Whence;
use bootwright_sim::{Doing, Faults, Oddity, Setup, Starts, Word, World};

const HOUR: Duration = Duration::from_secs(3600);

/// Two machines that hold a system, and are to start it.
fn site(start: Start, starts: Starts) -> World {
    let setup = Setup {
        seed: 3,
        machines: 2,
        with_data: 0,
        config: String::new(),
        faults: Faults::default(),
    };
    let mut world = World::new(&setup).expect("the configuration is right");
    for machine in 0..2 {
        let oddity = Oddity {
            start,
            quirk: Quirk::None,
            dead_program: None,
            starts,
        };
        world.make_odd(machine, &oddity);
        world.put_system(machine);
        world.say_after(Duration::from_millis(500), Word::Local(machine));
    }
    world
}

/// Switches a machine on and says how often it started until its system did.
fn starts_to_system(world: &mut World, machine: usize) -> u32 {
    let before = world.starts_of(machine);
    world.reset_after(Duration::from_secs(1), machine);
    world
        .run_until(Duration::from_secs(2), |_| false)
        .expect("nothing is wrong");
    let up = world.run_until(HOUR, |world| matches!(world.doing(machine), Some(Doing::System)));
    assert_eq!(up, Ok(true), "{}", world.log().join("\n"));
    // What the system says of itself arrives.
    world
        .run_until(Duration::from_secs(2), |_| false)
        .expect("nothing is wrong");
    world.starts_of(machine) - before
}

fn known(world: &World, machine: usize) -> Option<(LocalMethod, Whence)> {
    world.explain(machine).and_then(|explained| explained.view.local)
}

#[test]
fn the_way_that_starts_a_disk_is_found_remembered_and_tried_first_with_others_of_its_product() {
    use LocalMethod::{BiosDisk, Exit, NoFile, NoOffer, UefiDisk};
    for (start, starts, tries, method) in [
        (Start::BiosPxe, Starts::Anyhow, 1, BiosDisk),
        (Start::BiosPxe, Starts::ByFirmware, 2, Exit),
        (Start::BiosPxe, Starts::Untouched, 4, NoOffer),
        (Start::UefiPxe, Starts::Anyhow, 1, UefiDisk),
        (Start::UefiPxe, Starts::ByFirmware, 2, Exit),
        (Start::UefiPxe, Starts::Untouched, 4, NoFile),
        (Start::IpxeRom, Starts::ByFirmware, 2, Exit),
    ] {
        let mut world = site(start, starts);
        let told = format!("{start:?} {starts:?}");
        assert_eq!(starts_to_system(&mut world, 0), tries, "{told}");
        assert_eq!(known(&world, 0), Some((method, Whence::Host)), "{told}");
        world.crash_after(Duration::from_secs(1));
        world.run_until(HOUR, |_| false).expect("nothing is wrong");
        // Restarted within a minute, as sound machines are now and then.
        for _ in 0..5 {
            assert_eq!(
                starts_to_system(&mut world, 0),
                1,
                "{told}:\n{}",
                world.log().join("\n")
            );
        }
        // One of its product has to come to us once before it can be kept from it.
        let like = starts_to_system(&mut world, 1);
        let round = u32::from(matches!(method, NoFile | NoOffer));
        assert_eq!(like, 1 + round, "{told}:\n{}", world.log().join("\n"));
    }
}

#[test]
fn fault_36_a_machine_whose_disk_never_starts_runs_three_rounds_and_then_waits() {
    for start in [Start::BiosPxe, Start::UefiPxe, Start::IpxeRom, Start::UefiHttp] {
        let mut world = site(start, Starts::Never);
        world.reset_after(Duration::from_secs(1), 0);
        world.run_until(HOUR, |_| false).expect("nothing is wrong");
        let view = world.explain(0).expect("the host is known").view;
        let log = world.log().join("\n");
        assert!(view.host.local.is_parked(), "{start:?}:\n{log}");
        assert!(
            matches!(world.doing(0), Some(Doing::Firmware(_))),
            "{start:?}: it waits"
        );
        // Firmware that nobody answers may go round in less than the minute for which that has to be borne.
        let rounds = world.starts_of(0);
        assert!(rounds <= 8, "{start:?}: {rounds} starts:\n{log}");
        let before = world.starts_of(0);
        world.run_until(HOUR * 24, |_| false).expect("nothing is wrong");
        assert_eq!(world.starts_of(0), before, "{start:?}: it goes on");
        // An operator lets it try again.
        world.say_after(Duration::from_secs(1), Word::Local(0));
        world
            .run_until(Duration::from_secs(60), |_| false)
            .expect("nothing is wrong");
        assert!(world.starts_of(0) > before, "{start:?}");
    }
}
