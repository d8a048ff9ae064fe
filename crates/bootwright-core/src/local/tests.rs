use super::*;

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

const fn known(firmware: Firmware, rounds: bool) -> Known {
    Known {
        footing: Footing { firmware, rounds },
        pinned: None,
        like: None,
    }
}

/// What a host is told that asks at these seconds.
fn told(known: &Known, seconds: &[u64]) -> Vec<String> {
    let mut memory = LocalBoot::default();
    let mut told = Vec::new();
    for secs in seconds {
        memory = choose(known, &memory, at(*secs));
        told.push(match memory.method {
            _ if memory.is_parked() => "parked".to_owned(),
            Some(method) => format!("{method} {}", memory.returns),
            None => "nothing".to_owned(),
        });
    }
    told
}

#[test]
fn a_host_that_comes_back_at_once_gets_the_next_method_and_keeps_it() {
    let uefi = known(Firmware::Uefi, true);
    assert_eq!(told(&uefi, &[1000, 1030, 90_000]), ["uefi-disk 0", "exit 1", "exit 0"]);
}

#[test]
fn after_three_tries_it_is_parked_whatever_its_list() {
    let bios = known(Firmware::Bios, true);
    assert_eq!(
        told(&bios, &[0, 50, 100, 150]),
        ["bios-disk 0", "exit 1", "no-offer 2", "parked"]
    );
    let uefi = known(Firmware::Uefi, true);
    assert_eq!(
        told(&uefi, &[0, 50, 100, 150]),
        ["uefi-disk 0", "exit 1", "no-file 2", "parked"]
    );
    // Whose firmware is iPXE is not sent round: the first method is tried once more instead.
    let rom = known(Firmware::Bios, false);
    assert_eq!(
        told(&rom, &[0, 50, 100, 150]),
        ["bios-disk 0", "exit 1", "bios-disk 2", "parked"]
    );
    let pinned = Known {
        pinned: Some(LocalMethod::Exit),
        ..bios
    };
    assert_eq!(
        told(&pinned, &[0, 50, 100, 150]),
        ["exit 0", "exit 1", "exit 2", "parked"]
    );
}

#[test]
fn what_works_for_its_like_comes_first_and_the_others_after_it() {
    let like = Known {
        like: Some(LocalMethod::Exit),
        ..known(Firmware::Bios, true)
    };
    assert_eq!(
        told(&like, &[0, 50, 100, 150]),
        ["exit 0", "no-offer 1", "bios-disk 2", "parked"]
    );
    let foreign = Known {
        like: Some(LocalMethod::UefiDisk),
        ..known(Firmware::Bios, true)
    };
    assert_eq!(told(&foreign, &[0]), ["bios-disk 0"]);
    // Its own memory counts more.
    let own = LocalBoot {
        method: Some(LocalMethod::NoOffer),
        ..LocalBoot::default()
    };
    assert_eq!(like.present(&own), LocalMethod::NoOffer);
}

#[test]
fn a_system_that_was_seen_to_start_ends_the_count_and_proves_the_method() {
    let bios = known(Firmware::Bios, true);
    let mut memory = LocalBoot::default();
    // Somebody restarts a sound machine every 40 s.
    for boot in 0..20 {
        memory = choose(&bios, &memory, at(boot * 40));
        assert_eq!((memory.method, memory.returns), (Some(LocalMethod::BiosDisk), 0));
        assert_eq!(memory.proven(), None);
        memory = memory.started();
        assert_eq!(memory.proven(), Some(LocalMethod::BiosDisk));
    }
    let mut parked = LocalBoot::default();
    for boot in 0..4 {
        parked = choose(&bios, &parked, at(boot * 40));
    }
    assert!(parked.is_parked());
    assert_eq!(parked.started(), LocalBoot::default());
}

#[test]
fn firmware_that_is_offered_nothing_is_back_when_it_asks_for_longer_than_it_would() {
    let mut round = None;
    let mut search = |secs| {
        let (next, search) = Round::search(round, LocalMethod::NoOffer, Arch::BIOS, at(secs));
        round = Some(next);
        search
    };
    // As PXE 2.1 wants it asked, and then from the start.
    for secs in [4, 12, 28, 60] {
        assert_eq!(search(secs), if secs == 4 { Search::Fresh } else { Search::Same });
    }
    assert_eq!(search(84), Search::Back);
    assert_eq!(search(90), Search::Same);
    // A day later it is started again.
    assert_eq!(search(86_400), Search::Fresh);
}

#[test]
fn firmware_that_tries_another_way_to_the_network_is_not_back() {
    let (round, _) = Round::search(None, LocalMethod::NoFile, Arch::EFI64, at(0));
    // As OVMF goes from PXE to HTTP boot, and from there to its disk, with IPv6 after each.
    let (round, http) = Round::search(Some(round), LocalMethod::NoFile, Arch::EFI64_HTTP, at(181));
    assert_eq!(http, Search::Same);
    let (_, again) = Round::search(Some(round), LocalMethod::NoFile, Arch::EFI64, at(385));
    assert_eq!(again, Search::Back);
}
