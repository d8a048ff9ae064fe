//! Firmware that does not understand every offer, and boot programs that hang: whole installs of such machines.

use std::time::Duration;

use bootwright_client::machine::Start;
use bootwright_client::rom::Quirk;
use bootwright_engine::{Answer, Explanation, OfferReply, Whence};
use bootwright_sim::{Content, Doing, Faults, Oddity, Setup, Starts, Word, World};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Two machines of one make. What else stands in the configuration comes last.
fn site(oddity: &Oddity, further: &str) -> World {
    let config = format!("[profiles.debian]\nkernel = '/images/debian/linux'\n{further}");
    let setup = Setup {
        seed: 11,
        machines: 2,
        with_data: 0,
        config,
        faults: Faults::default(),
    };
    let mut world = World::new(&setup).expect("the configuration is right");
    for machine in 0..2 {
        world.make_odd(machine, oddity);
    }
    world
}

fn firmware(start: Start, quirk: Quirk) -> Oddity {
    Oddity {
        start,
        quirk,
        dead_program: None,
        starts: Starts::Anyhow,
    }
}

fn switch_on(world: &mut World, machine: usize) {
    let profiles = vec!["debian"];
    let arm = Word::Arm {
        machine,
        profiles,
        wipe: true,
    };
    world.say_after(Duration::from_millis(500), arm);
    world.reset_after(Duration::from_secs(1), machine);
}

fn is_up(world: &World, machine: usize) -> bool {
    matches!(world.doing(machine), Some(Doing::System)) && matches!(world.content(machine), Some(Content::System(_)))
}

/// Lets a machine install and start its system. Says how long it took from being switched on to its installer, and how
/// often it started until then.
fn way_to_installer(world: &mut World, machine: usize) -> (Duration, u32) {
    let (began, starts, runs) = (world.now(), world.starts_of(machine), world.checker().runs());
    switch_on(world, machine);
    let begins = world.run_until(HOUR * 2, |world| world.checker().runs() > runs);
    assert_eq!(begins, Ok(true), "{}", world.log().join("\n"));
    let way = (world.now() - began, world.starts_of(machine) - starts);
    world
        .run_until(Duration::from_secs(2), |_| false)
        .expect("nothing is wrong");
    let up = world.run_until(HOUR, |world| is_up(world, machine));
    assert_eq!(up, Ok(true), "{}", world.log().join("\n"));
    way
}

/// Firmware gathers offers for four seconds, and fetches.
const AT_ONCE: Duration = Duration::from_secs(10);

/// How the firmware of a machine is answered now, and whence that is known.
fn offered(explained: &Explanation) -> Option<(String, String, Whence)> {
    explained.answers.iter().find_map(|answer| match answer {
        Answer::Dhcp {
            reply: OfferReply::FirstFile { file, strategy, .. },
            whence: Some(whence),
            ..
        } => Some((strategy.name().to_owned(), file.clone(), *whence)),
        _ => None,
    })
}

/// The quirk, the configuration that its answer needs, and the wording that is the first to work.
const QUIRKS: [(Quirk, &str, &str); 4] = [
    (Quirk::WantsPrompt, "", "direct-with-menu"),
    (Quirk::ForgetsOffer, "", "no-vendor-options"),
    (Quirk::WantsMenu, "", "one-entry-menu"),
    (Quirk::NeverMerges, "[dhcp]\nmerged_offer = true\n", "merged"),
];

#[test]
fn firmware_that_does_not_understand_the_first_offer_never_boots_by_it() {
    for (quirk, config, _) in QUIRKS {
        for start in [Start::BiosPxe, Start::UefiPxe] {
            let pinned = "[hosts.odd]\nmac = '52:54:00:77:00:00'\noffer = 'direct'\n";
            let mut world = site(&firmware(start, quirk), &format!("{config}{pinned}"));
            switch_on(&mut world, 0);
            world.run_until(HOUR * 3, |_| false).expect("nothing is wrong");
            assert!(world.starts_of(0) > 50, "it did not try");
            assert_eq!(world.checker().runs(), 0, "{quirk:?} {start:?}");
        }
    }
}

#[test]
fn firmware_that_does_not_understand_the_first_offer_boots_by_the_ladder_and_at_once_from_then_on() {
    for (quirk, config, wording) in QUIRKS {
        for start in [Start::BiosPxe, Start::UefiPxe] {
            let mut world = site(&firmware(start, quirk), config);
            let (first, starts) = way_to_installer(&mut world, 0);
            assert!(
                first > AT_ONCE && starts <= 8,
                "{quirk:?} {start:?}: {first:?}, {starts} starts"
            );
            // It is sent to its disk by the same way, and so it is after the daemon was started anew.
            world.crash_after(MINUTE);
            world.run_until(MINUTE * 2, |_| false).expect("nothing is wrong");
            let (again, starts) = way_to_installer(&mut world, 0);
            assert!(
                again < AT_ONCE && starts == 1,
                "{quirk:?} {start:?}: {again:?}, {starts} starts"
            );
            let explained = world.explain(0).expect("the host is known");
            let offered = offered(&explained).map(|(strategy, _, whence)| (strategy, whence));
            assert_eq!(offered, Some((wording.to_owned(), Whence::Host)), "{quirk:?} {start:?}");
            // Another one of its make needs no tries.
            let (like, starts) = way_to_installer(&mut world, 1);
            assert!(
                like < AT_ONCE && starts == 1,
                "{quirk:?} {start:?}: {like:?}, {starts} starts"
            );
        }
    }
}

#[test]
fn without_leave_of_the_configuration_no_offer_is_merged() {
    let mut world = site(&firmware(Start::UefiPxe, Quirk::NeverMerges), "");
    switch_on(&mut world, 0);
    world.run_until(HOUR * 3, |_| false).expect("nothing is wrong");
    assert_eq!(world.checker().runs(), 0);
}

#[test]
fn a_boot_program_that_hangs_gives_way_to_the_next_which_is_remembered() {
    for (start, dead, alive) in [
        (Start::UefiPxe, "snponly.efi", "ipxe-amd64.efi"),
        (Start::UefiHttp, "snponly.efi", "ipxe-amd64.efi"),
        (Start::BiosPxe, "undionly.kpxe", "ipxe.pxe"),
    ] {
        let oddity = Oddity {
            dead_program: Some(dead),
            ..firmware(start, Quirk::None)
        };
        let mut world = site(&oddity, "");
        let (_, starts) = way_to_installer(&mut world, 0);
        assert_eq!(starts, 3, "{start:?}:\n{}", world.log().join("\n"));
        world.crash_after(MINUTE);
        world.run_until(MINUTE * 2, |_| false).expect("nothing is wrong");
        assert_eq!(way_to_installer(&mut world, 0).1, 1, "{start:?}");
        let explained = world.explain(0).expect("the host is known");
        let file = offered(&explained).map(|(_, file, _)| file);
        assert_eq!(file.as_deref(), Some(alive), "{start:?}");
        assert_eq!(way_to_installer(&mut world, 1).1, 1, "{start:?}");
    }
}
