//! Random days. `BOOTWRIGHT_SIM_SEEDS=FROM..TO` or a number of seeds asks for other ones.

use bootwright_sim::chaos::{Summary, live};

/// Which seeds, if nothing else is asked for.
const SEEDS: std::ops::Range<u64> = 0..200;

#[allow(clippy::disallowed_methods)] // A person at the keyboard asks for more.
pub(crate) fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("BOOTWRIGHT_SIM_SEEDS") else {
        return SEEDS;
    };
    let number = |text: &str| text.parse::<u64>().expect("a number of seeds, or FROM..TO");
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&text),
    }
}

#[test]
fn whatever_goes_wrong_no_disk_is_written_beyond_what_is_allowed_and_in_the_end_all_machines_are_up() {
    let mut sum = Summary::default();
    for seed in seeds() {
        match live(seed) {
            Ok(day) => {
                sum.entries += day.entries;
                sum.runs += day.runs;
                sum.wipes += day.wipes;
                sum.leases += day.leases;
            }
            Err(what) => panic!(
                "{what}\n\nthis is seed {seed}; to see it again:\n    \
                 BOOTWRIGHT_SIM_SEEDS={seed}..{} cargo test -p bootwright-sim --test it seed\n",
                seed + 1
            ),
        }
    }
    println!("simulated {} days: {sum:?}", seeds().count());
    assert!(sum.wipes > 0 && sum.runs > 0 && sum.leases > 0, "{sum:?}");
}

/// Equal seeds give equal days, or no seed would repeat anything.
#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [3, 77] {
        assert_eq!(
            bootwright_sim::chaos::tell(seed),
            bootwright_sim::chaos::tell(seed),
            "seed {seed}"
        );
    }
}
