//! A bad day out of a seed: everything goes wrong for a while, then everything is well, and all machines must come up.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::Chance;
use crate::machine::{Content, Doing};
use crate::operator::Word;
use crate::world::{Faults, Setup, World};

/// How long things go wrong.
const STORM: Duration = Duration::from_secs(30 * 60);

/// How long the machines may take to come up once nothing goes wrong any more.
const CALM: Duration = Duration::from_secs(4 * 3600);

macro_rules! site {
    () => {
        r#"
[safety]
max_concurrent = 2
max_new_per_hour = 40
pause_after_failures = 3

[profiles.debian]
kernel = "/images/debian/linux"
deadline = "20m"

[profiles.wipe]
kernel = "/images/wipe/linux"
deadline = "20m"

[profiles.rescue]
kernel = "/images/rescue/linux"
"#
    };
}

macro_rules! other_site {
    () => {
        r#"
[safety]
max_concurrent = 3
max_new_per_hour = 40
pause_after_failures = 4
max_rule_arms_per_minute = 1

[profiles.debian]
kernel = "/images/debian-13/linux"
deadline = "15m"

[[rules]]
name = "rack"
when = { mac = "52:54:00:77:*" }
profile = "debian"
auto_arm = true
limit = 2
"#
    };
}

/// Few addresses, some of which others use, and leases so short that they are renewed while the day lasts.
macro_rules! lends {
    () => {
        r#"
[dhcp]
mode = "server"
force = true
[[dhcp.pools]]
subnet = "10.77.0.0/16"
range = "10.77.1.1-10.77.1.12"
lease = "10m"
keep_for_known = 0
"#
    };
}

/// The configuration of the site.
pub const CONFIG: &str = site!();

/// The same on a segment where the daemon leases the addresses.
pub const SERVER_CONFIG: &str = concat!(site!(), lends!());

/// Another one: a profile reads otherwise, another is gone, and a rule arms what it sees for the first time.
const OTHER_CONFIG: &str = other_site!();

const OTHER_SERVER_CONFIG: &str = concat!(other_site!(), lends!());

/// What a day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many entries were recorded.
    pub entries: u64,
    /// How many runs there were.
    pub runs: usize,
    /// How often a disk was written.
    pub wipes: u32,
    /// How often a machine was granted an address.
    pub leases: usize,
}

/// Lives through the day of a seed.
///
/// # Errors
/// What was wrong, with all that happened before.
pub fn live(seed: u64) -> Result<Summary, String> {
    let world = day(seed)?;
    Ok(Summary {
        entries: world.checker().last().get(),
        runs: world.checker().runs(),
        wipes: world.checker().wipes(),
        leases: world.leases().acknowledged(),
    })
}

fn day(seed: u64) -> Result<World, String> {
    let mut chance = Chance::new(seed ^ 0x5eed);
    let machines = 2 + chance.place(3);
    let faults = Faults {
        loss: chance.below(25),
        repeat: chance.below(15),
        delay_ms: chance.below(200),
        http: chance.below(10),
        store: chance.below(6),
        answers_early: false,
    };
    let mut world = World::new(&Setup {
        seed,
        machines,
        with_data: chance.place(machines + 1),
        config: configs(seed).0.to_owned(),
        faults,
    })?;
    world.squat([1, 5, 8].map(|host| Ipv4Addr::new(10, 77, 1, host)));
    plan(&mut world, &mut chance, machines, configs(seed));
    let lived = world
        .run_until(STORM, |_| false)
        .and_then(|_| calm(&mut world, machines, configs(seed).0));
    match lived {
        Ok(()) => Ok(world),
        Err(what) => Err(format!("{}\n{what}", world.log().join("\n"))),
    }
}

/// On every other day it is the daemon that leases the addresses: the configuration, and the one that it changes to.
const fn configs(seed: u64) -> (&'static str, &'static str) {
    if seed.is_multiple_of(2) {
        (CONFIG, OTHER_CONFIG)
    } else {
        (SERVER_CONFIG, OTHER_SERVER_CONFIG)
    }
}

fn plan(world: &mut World, chance: &mut Chance, machines: usize, (this, other): (&'static str, &'static str)) {
    let moment =
        |chance: &mut Chance| Duration::from_millis(chance.below(u64::try_from(STORM.as_millis()).unwrap_or(1)));
    for machine in 0..machines {
        world.reset_after(Duration::from_millis(chance.below(30_000)), machine);
        for _ in 0..chance.below(5) {
            world.reset_after(moment(chance), machine);
        }
        for _ in 0..chance.below(4) {
            world.late_report_after(moment(chance), machine);
        }
        for _ in 0..2 + chance.below(4) {
            let word = arm(chance, machine);
            world.say_after(moment(chance), word);
        }
        for _ in 0..chance.below(3) {
            let word = match chance.below(16) {
                0..3 => Word::Hold(machine),
                3..6 => Word::Local(machine),
                6..8 => Word::Lock(machine),
                8..11 => Word::Unlock(machine),
                11..13 => Word::Live(machine),
                13 => Word::Ignore(machine),
                _ => Word::Forget(machine),
            };
            world.say_after(moment(chance), word);
        }
        for _ in 0..chance.below(2) {
            world.another_after(moment(chance), machine);
        }
    }
    for _ in 0..chance.below(3) {
        world.say_after(moment(chance), Word::Pause);
        world.say_after(moment(chance), Word::Resume);
    }
    for _ in 0..chance.below(3) {
        let config = if chance.percent(50) { this } else { other };
        world.say_after(moment(chance), Word::Reload(config));
        world.say_after(moment(chance), Word::Apply);
    }
    for _ in 0..chance.below(12) {
        world.crash_after(moment(chance));
    }
    for _ in 0..chance.below(3) {
        let ten_years_ms = 10 * 365 * 86_400_000;
        let wall_ms = 1_700_000_000_000 - ten_years_ms + chance.below(2 * ten_years_ms);
        world.set_wall_after(moment(chance), wall_ms);
    }
}

fn arm(chance: &mut Chance, machine: usize) -> Word {
    let profiles = if chance.percent(25) {
        vec!["wipe", "debian"]
    } else {
        vec!["debian"]
    };
    let wipe = chance.percent(50);
    Word::Arm {
        machine,
        profiles,
        wipe,
    }
}

/// Nothing goes wrong any more: the operator arms every machine, and again what does not come up, until all are.
fn calm(world: &mut World, machines: usize, config: &'static str) -> Result<(), String> {
    world.set_faults(Faults::default());
    let second = Duration::from_secs(1);
    let is_up = |world: &World, machine: usize| {
        matches!(world.doing(machine), Some(Doing::System))
            && matches!(world.content(machine), Some(Content::System(_)))
    };
    let begin = world.now();
    let mut first = true;
    while world.now() < begin + CALM {
        if first {
            world.say_after(second, Word::Reload(config));
        }
        world.say_after(second, Word::Resume);
        // At first all of them are installed once more, so that the day ends with as many runs as machines.
        let down: Vec<usize> = (0..machines)
            .filter(|machine| first || !is_up(world, *machine))
            .collect();
        first = false;
        for machine in down {
            // Only a person can say which of two machines with one card is meant.
            if world.is_taken_for_another(machine) {
                world.say_after(second, Word::Forget(machine));
            }
            world.say_after(second * 2, Word::Unlock(machine));
            world.say_after(second * 3, Word::Hold(machine));
            let profiles = vec!["debian"];
            let wipe = true;
            world.say_after(
                second * 4,
                Word::Arm {
                    machine,
                    profiles,
                    wipe,
                },
            );
            world.reset_after(second * 5, machine);
        }
        let all_up = |world: &World| (0..machines).all(|machine| is_up(world, machine));
        world.run_until(Duration::from_secs(30), |_| false)?;
        if world.run_until(Duration::from_secs(20 * 60), all_up)? {
            return Ok(());
        }
    }
    let stuck: Vec<String> = (0..machines)
        .filter(|machine| !is_up(world, *machine))
        .map(|machine| format!("machine {machine}: {:?}", world.content(machine)))
        .collect();
    Err(format!("not all machines came up: {stuck:?}"))
}

/// All that happened on the day of a seed.
///
/// # Errors
/// As `live`.
pub fn tell(seed: u64) -> Result<Vec<String>, String> {
    day(seed).map(|world| world.log().to_vec())
}
