//! The census of other servers on a link, lived through second by second.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use bootwright_core::census::{By, Census, Deed, Due, Happening, Pace, Pool, Sign};
use bootwright_core::{MacAddr, Span, Timestamp};
use expect_test::{Expect, expect};

/// Another server on the link: what it does, and from which second to which.
#[derive(Clone, Copy)]
struct Other {
    last: u8,
    deed: Deed,
    here: (u64, u64),
    /// Whether it answers searches; else it is overheard once in 60 seconds.
    answers: bool,
}

const MAIN: Other = Other {
    last: 254,
    deed: Deed::Leases,
    here: (0, u64::MAX),
    answers: true,
};

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn sign(last: u8, deed: Deed, by: By) -> Sign {
    Sign {
        server: address(last),
        station: Some(MacAddr::new([2, 0, 0, 0, 0, last])),
        process: None,
        deeds: BTreeSet::from([deed]),
        by,
    }
}

/// Lives through so many seconds beside these servers, in steps of half a second, and tells what happened when.
fn story(secs: u64, leasing: bool, others: &[Other]) -> String {
    let mut census = Census::new(Timestamp::from_millis(0));
    let pace = Pace {
        interval: Span::from_mins(5),
        leasing,
    };
    let (mut text, mut pool, mut searches) = (String::new(), None, Vec::new());
    for half in 0..secs * 2 {
        let now = Timestamp::from_millis(half * 500);
        let second = half / 2;
        let mut news = Vec::new();
        while let (at, due) = census.due()
            && at <= now
        {
            if due == Due::Conclude {
                news.extend(census.conclude(now, pace));
                continue;
            }
            census.searched(now);
            searches.push(second);
            let here = others
                .iter()
                .filter(|other| other.answers && (other.here.0..other.here.1).contains(&second));
            news.extend(here.filter_map(|other| census.hear(now, &sign(other.last, other.deed, By::Search))));
        }
        let overheard = others.iter().filter(|other| {
            !other.answers && half % 120 == other.here.0 * 2 % 120 && (other.here.0..other.here.1).contains(&second)
        });
        news.extend(overheard.filter_map(|other| census.hear(now, &sign(other.last, other.deed, By::Chance))));
        for news in news {
            text.push_str(&format!("{second} s: {} {:?}\n", news.server, news.what));
        }
        if pool.replace(census.pool()) != Some(census.pool()) {
            text.push_str(&format!("{second} s: pool {:?}\n", census.pool()));
        }
    }
    text.push_str(&format!("searched at {searches:?}\n"));
    text
}

fn check(secs: u64, leasing: bool, others: &[Other], expected: &Expect) {
    expected.assert_eq(&story(secs, leasing, others));
}

#[test]
fn alone_on_a_link_the_pool_opens_after_one_round_and_the_searches_become_rare() {
    check(
        800,
        true,
        &[],
        &expect![[r#"
            0 s: pool Searching
            5 s: pool Open
            searched at [0, 1, 3, 10, 11, 13, 30, 31, 33, 60, 61, 63, 110, 111, 113, 415, 416, 418, 720, 721, 723]
        "#]],
    );
}

#[test]
fn beside_another_server_the_pool_stays_closed_until_that_has_missed_two_rounds() {
    let main = Other { here: (0, 100), ..MAIN };
    check(
        200,
        true,
        &[main],
        &expect![[r#"
            0 s: 10.0.0.254 Appeared
            0 s: pool Closed(10.0.0.254)
            150 s: 10.0.0.254 Vanished
            150 s: pool Open
            searched at [0, 1, 3, 10, 11, 13, 30, 31, 33, 60, 61, 63, 95, 96, 98, 130, 131, 133, 145, 146, 148]
        "#]],
    );
}

#[test]
fn a_proxy_does_not_hurry_since_another_server_is_what_it_needs() {
    check(
        500,
        false,
        &[MAIN],
        &expect![[r#"
        0 s: 10.0.0.254 Appeared
        0 s: pool Closed(10.0.0.254)
        searched at [0, 1, 3, 10, 11, 13, 30, 31, 33, 60, 61, 63, 110, 111, 113, 415, 416, 418]
    "#]],
    );
}

#[test]
fn a_server_that_shows_itself_while_the_pool_is_young_closes_it_and_later_it_only_warns() {
    // As behind a switch that carries nothing for the first 45 seconds.
    let late = Other {
        here: (45, u64::MAX),
        ..MAIN
    };
    let rogue = Other {
        last: 66,
        here: (400, 500),
        ..MAIN
    };
    check(
        70,
        true,
        &[late],
        &expect![[r#"
            0 s: pool Searching
            5 s: pool Open
            60 s: 10.0.0.254 Appeared
            60 s: pool Closed(10.0.0.254)
            searched at [0, 1, 3, 10, 11, 13, 30, 31, 33, 60, 61, 63]
        "#]],
    );
    check(
        800,
        true,
        &[rogue],
        &expect![[r#"
            0 s: pool Searching
            5 s: pool Open
            415 s: 10.0.0.66 Appeared
            740 s: 10.0.0.66 Vanished
            searched at [0, 1, 3, 10, 11, 13, 30, 31, 33, 60, 61, 63, 110, 111, 113, 415, 416, 418, 720, 721, 723, 735, 736, 738]
        "#]],
    );
}

#[test]
fn one_that_is_only_overheard_is_searched_for_soon_and_forgotten_after_ten_quiet_minutes() {
    let shy = Other {
        last: 7,
        here: (200, 330),
        answers: false,
        ..MAIN
    };
    check(
        1200,
        false,
        &[shy],
        &expect![[r#"
            0 s: pool Searching
            5 s: pool Open
            200 s: 10.0.0.7 Appeared
            1120 s: 10.0.0.7 Vanished
            searched at [0, 1, 3, 10, 11, 13, 30, 31, 33, 60, 61, 63, 110, 111, 113, 200, 201, 203, 505, 506, 508, 810, 811, 813, 1115, 1116, 1118]
        "#]],
    );
}

#[test]
fn what_a_server_does_more_and_another_station_in_its_name_are_news() {
    let now = Timestamp::from_millis(1);
    let mut census = Census::new(now);
    let told = |census: &mut Census, sign: &Sign| census.hear(now, sign).map(|news| news.what);
    let plain = sign(254, Deed::Leases, By::Search);
    assert_eq!(told(&mut census, &plain), Some(Happening::Appeared));
    assert_eq!(told(&mut census, &plain), None);
    let claims = sign(254, Deed::ClaimsPxe, By::Search);
    assert_eq!(told(&mut census, &claims), Some(Happening::DoesMore));
    assert_eq!(told(&mut census, &plain), None);
    // What it no longer does is forgotten with the next round that it answers.
    let pace = Pace {
        interval: Span::from_mins(5),
        leasing: false,
    };
    for _ in 0..2 {
        census.searched(now);
        census.hear(now, &plain);
        census.conclude(now, pace);
    }
    assert_eq!(census.servers()[&address(254)].deeds, BTreeSet::from([Deed::Leases]));
    assert_eq!(told(&mut census, &claims), Some(Happening::DoesMore));
    let other = Sign {
        station: Some(MacAddr::new([2, 0, 0, 0, 0, 0x66])),
        ..plain
    };
    assert_eq!(told(&mut census, &other), Some(Happening::Moved));
    let shown = census.servers()[&address(254)].to_string();
    assert_eq!(
        shown,
        "(02:00:00:00:00:66) leases addresses, says `PXEClient`, so that UEFI machines ask it for the boot file"
    );
}

#[test]
fn any_number_of_made_up_servers_takes_a_bounded_space_and_drives_out_none_that_answered() {
    let mut census = Census::new(Timestamp::from_millis(0));
    census.hear(Timestamp::from_millis(0), &sign(254, Deed::Leases, By::Search));
    for number in 0..10_000_u32 {
        let [_, b, c, d] = number.to_be_bytes();
        let made_up = Sign {
            server: Ipv4Addr::new(172, b, c, d),
            ..sign(1, Deed::Boots, By::Chance)
        };
        census.hear(Timestamp::from_millis(u64::from(number)), &made_up);
    }
    assert!(census.servers().len() <= 32);
    assert!(census.servers().contains_key(&address(254)));
    assert_eq!(census.pool(), Pool::Closed(address(254)));
}

#[test]
fn when_the_link_comes_up_again_the_pool_waits_for_another_round() {
    let mut census = Census::<Ipv4Addr>::new(Timestamp::from_millis(0));
    let pace = Pace {
        interval: Span::from_mins(5),
        leasing: true,
    };
    census.searched(Timestamp::from_millis(0));
    census.conclude(Timestamp::from_millis(5000), pace);
    assert_eq!(census.pool(), Pool::Open);
    census.begin_anew(Timestamp::from_millis(900_000));
    assert_eq!(census.pool(), Pool::Searching);
    assert_eq!(census.due(), (Timestamp::from_millis(900_000), Due::Search));
}
