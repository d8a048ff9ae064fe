//! The box is lost in the middle of installs, and another goes on from a backup.

use std::time::Duration;

use bootwright_core::Phase;
use bootwright_sim::{Chance, Content, Doing, Faults, Setup, Word, World};

const MACHINES: usize = 4;

const STORM: Duration = Duration::from_secs(20 * 60);

const CONFIG: &str = "
    [safety]
    pause_after_failures = 1000
    [profiles.debian]
    kernel = '/images/debian/linux'
    deadline = '20m'
    [profiles.wipe]
    kernel = '/images/wipe/linux'
    deadline = '20m'
";

fn arm(machine: usize) -> Word {
    Word::Arm {
        machine,
        profiles: vec!["wipe", "debian"],
        wipe: true,
    }
}

fn is_up(world: &World, machine: usize) -> bool {
    matches!(world.doing(machine), Some(Doing::System)) && matches!(world.content(machine), Some(Content::System(_)))
}

fn told(world: &World, what: &str, seed: u64) -> String {
    format!("{}\n{what} (seed {seed})", world.log().join("\n"))
}

fn run(world: &mut World, span: Duration, seed: u64) {
    if let Err(what) = world.run_until(span, |_| false) {
        panic!("{}", told(world, &what, seed));
    }
}

/// Lives through a day, and returns how many hosts the backup held as armed and as installing.
fn live(seed: u64) -> (usize, usize) {
    let mut chance = Chance::new(seed ^ 0xbac0);
    let faults = Faults {
        loss: chance.below(15),
        repeat: chance.below(10),
        delay_ms: chance.below(100),
        store: chance.below(5),
        ..Faults::default()
    };
    let setup = Setup {
        seed,
        machines: MACHINES,
        with_data: 2,
        config: CONFIG.to_owned(),
        faults,
    };
    let mut world = World::new(&setup).expect("the configuration is right");
    let moment = |chance: &mut Chance| Duration::from_secs(chance.below(STORM.as_secs()));
    for machine in 0..MACHINES {
        world.reset_after(Duration::from_secs(chance.below(60)), machine);
        for _ in 0..3 {
            world.say_after(moment(&mut chance), arm(machine));
            world.reset_after(moment(&mut chance), machine);
            world.late_report_after(moment(&mut chance), machine);
        }
    }
    run(&mut world, moment(&mut chance), seed);
    world.back_up_after(Duration::ZERO);
    run(&mut world, Duration::from_millis(1), seed);
    let mut held = (0, 0);
    for host in world.checker().world().hosts.values() {
        held.0 += usize::from(matches!(host.state.phase, Phase::Armed { .. }));
        held.1 += usize::from(matches!(host.state.phase, Phase::Installing { .. }));
    }
    // What the operator planned goes on in between, and is forgotten.
    run(&mut world, STORM, seed);
    let runs = world.checker().runs();
    world.restore_after(Duration::ZERO);
    world.set_faults(Faults::default());
    // The operator does not look at all, and lets installs go on at once: still nothing is armed.
    for minute in [2, 4] {
        world.say_after(Duration::from_secs(60 * minute), Word::Resume);
        for machine in 0..MACHINES {
            world.reset_after(Duration::from_secs(60 * minute + 1), machine);
            world.late_report_after(Duration::from_secs(60 * minute + 30), machine);
        }
    }
    run(&mut world, Duration::from_secs(15 * 60), seed);
    assert_eq!(
        world.checker().runs(),
        runs,
        "{}",
        told(&world, "a run began that nobody granted", seed)
    );
    for host in world.checker().world().hosts.values() {
        let granted = matches!(host.state.phase, Phase::Armed { .. } | Phase::Installing { .. });
        assert!(
            !granted,
            "{}",
            told(&world, "the restored record grants something", seed)
        );
    }
    // Then each is armed again, and is installed.
    for machine in 0..MACHINES {
        world.say_after(Duration::from_secs(1), Word::Unlock(machine));
        world.say_after(Duration::from_secs(2), arm(machine));
        world.reset_after(Duration::from_secs(3), machine);
    }
    run(&mut world, Duration::from_secs(10), seed);
    let all_up = |world: &World| (0..MACHINES).all(|machine| is_up(world, machine));
    match world.run_until(Duration::from_secs(3 * 3600), all_up) {
        Ok(true) => held,
        Ok(false) => panic!("{}", told(&world, "not all are up", seed)),
        Err(what) => panic!("{}", told(&world, &what, seed)),
    }
}

#[test]
fn fault_45_a_box_that_goes_on_from_a_backup_installs_nothing_before_it_is_armed_again() {
    let mut held = (0, 0);
    for seed in 0..40 {
        let (armed, installing) = live(seed);
        held = (held.0 + armed, held.1 + installing);
    }
    // Else the days would show nothing.
    assert!(held.0 > 5 && held.1 > 5, "{held:?}");
}
