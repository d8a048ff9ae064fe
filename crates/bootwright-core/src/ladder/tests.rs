use super::*;
use crate::{Arch, MacAddr};

/// A machine, and what it does at which second.
struct Story {
    start: Start,
    climb: Option<Climb>,
}

impl Story {
    fn new() -> Self {
        let make = Make::new(
            b"PXEClient:Arch:00007:UNDI:003016",
            MacAddr::new([0x52, 0x54, 0, 1, 2, 3]),
        );
        Self {
            start: Start {
                make,
                arch: Arch::EFI64,
                strategy: Strategy::Direct,
                pinned: false,
                merged: false,
                file: 0,
                files: 2,
            },
            climb: None,
        }
    }

    fn search(&mut self, secs: u64) -> String {
        let now = Timestamp::from_millis(secs * 1000);
        let climb = Climb::search(self.climb.as_ref(), &self.start, now);
        self.climb = Some(climb);
        format!("{} {}", climb.strategy, climb.file)
    }

    fn searches(&mut self, seconds: &[u64]) -> Vec<String> {
        seconds.iter().map(|secs| self.search(*secs)).collect()
    }

    fn climb(&mut self) -> &mut Climb {
        self.climb.as_mut().expect("it has searched")
    }
}

#[test]
fn firmware_that_asks_again_and_fetches_nothing_goes_down_the_ladder_and_around() {
    let mut story = Story::new();
    // As EDK2 asks: four times within a minute.
    let told = story.searches(&[0, 4, 12, 28, 70, 74, 82, 98, 140]);
    assert_eq!(
        told,
        [
            "direct 0",
            "direct 0",
            "direct-with-menu 0",
            "direct-with-menu 0",
            "no-vendor-options 0",
            "no-vendor-options 0",
            "one-entry-menu 0",
            "one-entry-menu 0",
            "direct 0"
        ]
    );
    let mut story = Story::new();
    story.start.merged = true;
    story.start.strategy = Strategy::OneEntryMenu;
    assert_eq!(
        story.searches(&[0, 60, 120, 180, 240]),
        [
            "one-entry-menu 0",
            "one-entry-menu 0",
            "merged 0",
            "merged 0",
            "direct 0"
        ]
    );
}

#[test]
fn two_quick_questions_are_no_failure_and_an_echo_is_no_question() {
    let mut story = Story::new();
    // A packet that was lost, and one that came on two links.
    assert_eq!(story.searches(&[0, 1, 2, 3]), ["direct 0"; 4]);
    let mut story = Story::new();
    story.search(0);
    for ms in [1, 400, 999] {
        let climb = Climb::search(story.climb.as_ref(), &story.start, Timestamp::from_millis(ms));
        assert_eq!(climb.offers, 1);
    }
}

#[test]
fn firmware_that_fetches_its_file_keeps_its_offer() {
    let mut story = Story::new();
    for boot in 0..20 {
        assert_eq!(story.search(boot * 60), "direct 0");
        story.climb().fetching();
    }
}

#[test]
fn firmware_that_asks_port_4011_and_then_nothing_gets_another_offer_in_the_end() {
    let mut story = Story::new();
    let mut told = Vec::new();
    for boot in 0..4 {
        told.push(story.search(boot * 60));
        story
            .climb()
            .asked_boot_server(Timestamp::from_millis(boot * 60_000 + 5_000));
    }
    assert_eq!(
        told,
        ["direct 0", "direct 0", "direct-with-menu 0", "direct-with-menu 0"]
    );
    // One that asks again at once while its request is under way is left alone.
    let mut story = Story::new();
    story.searches(&[0, 8]);
    story.climb().asked_boot_server(Timestamp::from_millis(11_000));
    assert_eq!(story.search(16), "direct 0");
}

#[test]
fn a_program_that_is_fetched_twice_and_never_calls_gives_way_to_the_next() {
    let mut story = Story::new();
    let mut told = Vec::new();
    for boot in 0..6 {
        told.push(story.search(boot * 60));
        story.climb().fetched();
    }
    assert_eq!(
        told,
        ["direct 0", "direct 0", "direct 1", "direct 1", "direct 0", "direct 0"]
    );
    // One call in between, and somebody at the power button does no harm.
    let mut story = Story::new();
    for boot in 0..6 {
        assert_eq!(story.search(boot * 60), "direct 0");
        story.climb().fetched();
        if boot % 2 == 1 {
            assert!(story.climb().called());
            assert!(!story.climb().called(), "only once a boot");
        }
    }
}

#[test]
fn where_there_is_one_program_no_other_is_tried() {
    let mut story = Story::new();
    story.start.files = 1;
    for boot in 0..6 {
        assert_eq!(story.search(boot * 60), "direct 0");
        story.climb().fetched();
    }
}

#[test]
fn firmware_that_tries_http_in_between_goes_on_where_it_was() {
    let mut story = Story::new();
    let mut told = Vec::new();
    for boot in 0..5 {
        told.push(story.search(boot * 120));
        story.start.arch = Arch::EFI64_HTTP;
        story.search(boot * 120 + 60);
        story.start.arch = Arch::EFI64;
    }
    assert_eq!(
        told,
        [
            "direct 0",
            "direct 0",
            "direct-with-menu 0",
            "direct-with-menu 0",
            "no-vendor-options 0"
        ]
    );
}

#[test]
fn what_the_configuration_says_stays() {
    let mut story = Story::new();
    story.start.strategy = Strategy::OneEntryMenu;
    story.start.pinned = true;
    assert_eq!(story.searches(&[0, 60, 120, 180, 240]), ["one-entry-menu 0"; 5]);
}

#[test]
fn a_wording_that_is_no_longer_allowed_is_left_at_once() {
    let mut story = Story::new();
    story.start.merged = true;
    story.start.strategy = Strategy::Merged;
    assert_eq!(story.search(0), "merged 0");
    story.start.merged = false;
    story.start.strategy = Strategy::Direct;
    assert_eq!(story.search(4), "direct 0");
}

#[test]
fn after_an_hour_of_silence_it_begins_with_what_is_remembered() {
    let mut story = Story::new();
    assert_eq!(story.searches(&[0, 20, 40, 60])[3], "direct-with-menu 0");
    story.start.strategy = Strategy::NoVendorOptions;
    story.start.file = 1;
    assert_eq!(story.search(60 + 3600), "no-vendor-options 1");
}
