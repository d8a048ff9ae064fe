//! Stories of `identify`: which host is it? Known hosts in, a sighting in, a name or a doubt out.

use bootwright_core::identify::grant_difference;
use bootwright_core::{Facts, HostId, HostIndex, Identity, MacAddr, Uuid, identify};
use expect_test::{Expect, expect};
use std::collections::BTreeMap;

const BOARD: &str = "00112233-4455-6677-8899-aabbccddeeff";
const BOARD_SWAPPED: &str = "33221100-5544-7766-8899-aabbccddeeff";
const OTHER: &str = "11112222-3333-4444-5555-666677778888";
const JUNK: &str = "03000200-0400-0500-0006-000700080009";

/// Facts in words: `card 1`, `made-up 1` (an address that a driver made up), `uuid …`, `serial …`.
fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    let mut words = text.split_whitespace();
    while let (Some(kind), Some(value)) = (words.next(), words.next()) {
        let number = || value.parse::<u16>().expect("a number").to_be_bytes();
        match kind {
            "card" => {
                let [a, b] = number();
                facts.macs.insert(MacAddr::new([0x52, 0x54, 0, 0, a, b]));
            }
            "made-up" => {
                let [a, b] = number();
                facts.macs.insert(MacAddr::new([0x02, 0, 0, 0, a, b]));
            }
            "uuid" => facts.uuid = value.parse().ok(),
            "serial" => facts.serial = Some(value.replace('_', " ")),
            other => panic!("no fact is called `{other}`"),
        }
    }
    facts
}

struct Site {
    index: HostIndex,
    hosts: BTreeMap<HostId, Facts>,
}

/// Hosts in lines: `name: facts`; an asterisk before the name says that the configuration names its cards.
fn site(lines: &str) -> Site {
    let (mut index, mut hosts) = (HostIndex::new(), BTreeMap::new());
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, text) = line.split_once(':').expect("name: facts");
        let id: HostId = name.trim_start_matches('*').parse().expect("a name");
        let facts = facts(text);
        index.insert(&id, &facts);
        if name.starts_with('*') {
            facts.macs.iter().for_each(|mac| index.assign(&id, *mac));
        }
        hosts.insert(id, facts);
    }
    Site { index, hosts }
}

impl Site {
    fn ask(&self, seen: &Facts) -> String {
        match identify(&self.index, |id| self.hosts.get(id), seen) {
            Identity::Known(host) => host.to_string(),
            Identity::Unknown => "new".to_owned(),
            Identity::Nobody => "nobody".to_owned(),
            Identity::Contradiction { candidates, why } => format!("doubt about {candidates:?}: {why}"),
        }
    }
}

#[allow(clippy::needless_pass_by_value)]
fn check(known: &str, seen: &[&str], expected: Expect) {
    let site = site(known);
    let lines: Vec<String> = seen
        .iter()
        .map(|text| format!("{text} -> {}\n", site.ask(&facts(text))))
        .collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn a_card_says_who_it_is_unless_the_papers_say_otherwise() {
    check(
        &format!("oak: card 1 uuid {BOARD} serial A100"),
        &[
            "card 1",
            "card 1 card 2",
            &format!("card 1 uuid {BOARD} serial A100"),
            "card 1 serial Default_string",
            &format!("card 1 uuid {JUNK}"),
            "card 1 serial B200",
            &format!("card 1 uuid {OTHER}"),
            "card 2",
        ],
        expect![[r#"
            card 1 -> oak
            card 1 card 2 -> oak
            card 1 uuid 00112233-4455-6677-8899-aabbccddeeff serial A100 -> oak
            card 1 serial Default_string -> oak
            card 1 uuid 03000200-0400-0500-0006-000700080009 -> oak
            card 1 serial B200 -> doubt about [oak]: its serial number is `B200`, not `A100`
            card 1 uuid 11112222-3333-4444-5555-666677778888 -> doubt about [oak]: its UUID is 11112222-3333-4444-5555-666677778888, not 00112233-4455-6677-8899-aabbccddeeff
            card 2 -> new
        "#]],
    );
}

#[test]
fn both_byte_orders_of_a_uuid_are_the_same_board() {
    check(
        &format!("oak: card 1 uuid {BOARD}"),
        &[
            &format!("card 1 uuid {BOARD_SWAPPED}"),
            &format!("uuid {BOARD_SWAPPED}"),
        ],
        expect![[r#"
            card 1 uuid 33221100-5544-7766-8899-aabbccddeeff -> oak
            uuid 33221100-5544-7766-8899-aabbccddeeff -> oak
        "#]],
    );
    let uuid: Uuid = BOARD.parse().expect("a UUID");
    assert_eq!(Uuid::from_wire(uuid.text_order()).to_string(), BOARD_SWAPPED);
}

#[test]
fn a_board_with_another_card_is_known_by_both_its_papers() {
    check(
        &format!("oak: card 1 uuid {BOARD} serial A100"),
        &[
            &format!("card 2 uuid {BOARD} serial A100"),
            &format!("card 2 uuid {BOARD}"),
            "card 2 serial A100",
        ],
        expect![[r#"
            card 2 uuid 00112233-4455-6677-8899-aabbccddeeff serial A100 -> oak
            card 2 uuid 00112233-4455-6677-8899-aabbccddeeff -> new
            card 2 serial A100 -> new
        "#]],
    );
}

#[test]
fn a_machine_that_shows_no_card_needs_one_good_paper() {
    check(
        &format!("oak: card 1 uuid {BOARD} serial A100"),
        &[
            &format!("uuid {BOARD}"),
            "serial A100",
            &format!("uuid {BOARD} serial B200"),
            &format!("uuid {OTHER}"),
            &format!("uuid {JUNK}"),
            "serial None",
            &format!("uuid {JUNK} serial To_be_filled_by_O.E.M."),
            "",
        ],
        expect![[r#"
            uuid 00112233-4455-6677-8899-aabbccddeeff -> oak
            serial A100 -> oak
            uuid 00112233-4455-6677-8899-aabbccddeeff serial B200 -> doubt about [oak]: its serial number is `B200`, not `A100`
            uuid 11112222-3333-4444-5555-666677778888 -> new
            uuid 03000200-0400-0500-0006-000700080009 -> nobody
            serial None -> nobody
            uuid 03000200-0400-0500-0006-000700080009 serial To_be_filled_by_O.E.M. -> nobody
             -> nobody
        "#]],
    );
}

#[test]
fn a_host_of_which_only_papers_are_known_is_met_by_one_of_them() {
    check(
        &format!(
            "oak:
             elm: serial A100
             ash: uuid {BOARD}"
        ),
        &[
            "card 1 serial A100",
            &format!("card 1 uuid {BOARD_SWAPPED} serial Default_string"),
            &format!("card 1 uuid {BOARD} serial A100"),
            &format!("card 1 uuid {OTHER}"),
        ],
        expect![[r#"
            card 1 serial A100 -> elm
            card 1 uuid 33221100-5544-7766-8899-aabbccddeeff serial Default_string -> ash
            card 1 uuid 00112233-4455-6677-8899-aabbccddeeff serial A100 -> new
            card 1 uuid 11112222-3333-4444-5555-666677778888 -> new
        "#]],
    );
}

#[test]
fn cards_of_two_hosts_in_one_machine_are_a_doubt() {
    check(
        "oak: card 1
         elm: card 2",
        &["card 1 card 2", "card 1 card 3"],
        expect![[r#"
            card 1 card 2 -> doubt about [elm, oak]: its cards belong to different hosts
            card 1 card 3 -> oak
        "#]],
    );
}

#[test]
fn a_card_that_moved_into_a_known_board_is_a_doubt() {
    check(
        &format!(
            "oak: card 1
             elm: card 2 uuid {BOARD} serial A100"
        ),
        &[
            &format!("card 1 uuid {BOARD} serial A100"),
            &format!("card 1 uuid {BOARD}"),
        ],
        expect![[r#"
            card 1 uuid 00112233-4455-6677-8899-aabbccddeeff serial A100 -> doubt about [oak, elm]: its card belongs to one host, its UUID and its serial number to another
            card 1 uuid 00112233-4455-6677-8899-aabbccddeeff -> oak
        "#]],
    );
}

#[test]
fn papers_of_two_hosts_in_one_machine_are_a_doubt() {
    check(
        &format!(
            "oak: card 1 uuid {BOARD}
             elm: card 2 serial B200"
        ),
        &[
            &format!("uuid {BOARD} serial B200"),
            &format!("card 3 uuid {BOARD} serial B200"),
        ],
        expect![[r#"
            uuid 00112233-4455-6677-8899-aabbccddeeff serial B200 -> doubt about [oak, elm]: its UUID and its serial number belong to different hosts
            card 3 uuid 00112233-4455-6677-8899-aabbccddeeff serial B200 -> new
        "#]],
    );
}

#[test]
fn an_address_that_drivers_make_up_ties_no_machines_together() {
    check(
        "oak: card 1 made-up 1",
        &["card 2 made-up 1", "made-up 1", "card 1 made-up 9"],
        expect![[r#"
            card 2 made-up 1 -> new
            made-up 1 -> nobody
            card 1 made-up 9 -> oak
        "#]],
    );
}

#[test]
fn an_address_that_the_configuration_names_is_believed() {
    check(
        "*oak: made-up 1",
        &["made-up 1", "card 2 made-up 1"],
        expect![[r#"
        made-up 1 -> oak
        card 2 made-up 1 -> oak
    "#]],
    );
}

#[test]
fn a_dongle_that_goes_round_is_a_doubt_and_never_the_machine_before() {
    check(
        "first: card 1 serial LAP1000",
        &[
            "card 1 serial LAP1000",
            "card 1 serial LAP2000",
            "card 1 serial LAP3000",
        ],
        expect![[r#"
            card 1 serial LAP1000 -> first
            card 1 serial LAP2000 -> doubt about [first]: its serial number is `LAP2000`, not `LAP1000`
            card 1 serial LAP3000 -> doubt about [first]: its serial number is `LAP3000`, not `LAP1000`
        "#]],
    );
}

#[test]
fn a_hundred_machines_with_one_uuid_are_a_hundred_hosts() {
    let (mut index, mut hosts) = (HostIndex::new(), BTreeMap::new());
    for number in 0..100_u16 {
        let seen = facts(&format!("card {number} uuid {BOARD}"));
        let identity = identify(&index, |id| hosts.get(id), &seen);
        assert_eq!(identity, Identity::Unknown, "machine {number}");
        let id: HostId = format!("host-{number}").parse().expect("a name");
        index.insert(&id, &seen);
        hosts.insert(id, seen);
    }
    for (id, facts) in &hosts {
        assert_eq!(identify(&index, |id| hosts.get(id), facts), Identity::Known(id.clone()));
    }
    let shared = facts(&format!("uuid {BOARD}"));
    assert_eq!(identify(&index, |id| hosts.get(id), &shared), Identity::Nobody);
}

#[test]
fn a_host_that_is_taken_out_leaves_nothing_behind() {
    let mut site = site(&format!(
        "oak: card 1 uuid {BOARD} serial A100
         elm: card 2 uuid {BOARD}"
    ));
    let oak: HostId = "oak".parse().expect("a name");
    let known = site.hosts.remove(&oak).expect("oak");
    site.index.remove(&oak, &known);
    let told = [
        site.ask(&known),
        site.ask(&facts("card 1")),
        site.ask(&facts("serial A100")),
        site.ask(&facts(&format!("uuid {BOARD}"))),
    ];
    expect![[r#"
        new
        new
        new
        elm"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_grant_is_for_one_machine() {
    let lines: Vec<String> = [
        ("card 1", "card 1"),
        ("card 1", "card 1 card 2 serial A100"),
        ("card 1", "card 2"),
        ("card 1 serial A100", "card 1 serial B200"),
        ("card 1 serial A100", "card 1 serial Default_string"),
        ("card 1 serial A100", "card 2 serial A100"),
        ("card 1 serial A100", "serial A100"),
        ("card 1 made-up 5", "card 2 made-up 5"),
        ("made-up 5", "made-up 5"),
        ("made-up 5", "card 2 made-up 5"),
        ("serial A100", "card 7"),
    ]
    .into_iter()
    .map(|(granted, seen)| {
        let told = grant_difference(&facts(granted), &facts(seen));
        let told = told.map_or_else(|| "may use it".to_owned(), |difference| difference.to_string());
        format!("for {granted}, {seen} comes: {told}\n")
    })
    .collect();
    expect![[r#"
        for card 1, card 1 comes: may use it
        for card 1, card 1 card 2 serial A100 comes: may use it
        for card 1, card 2 comes: it has none of the cards that are known
        for card 1 serial A100, card 1 serial B200 comes: its serial number is `B200`, not `A100`
        for card 1 serial A100, card 1 serial Default_string comes: may use it
        for card 1 serial A100, card 2 serial A100 comes: it has none of the cards that are known
        for card 1 serial A100, serial A100 comes: may use it
        for card 1 made-up 5, card 2 made-up 5 comes: it has none of the cards that are known
        for made-up 5, made-up 5 comes: may use it
        for made-up 5, card 2 made-up 5 comes: may use it
        for serial A100, card 7 comes: may use it
    "#]]
    .assert_eq(&lines.concat());
}

#[test]
fn what_is_learned_of_a_machine_never_replaces_good_by_worthless() {
    let lines: Vec<String> = [
        ("card 1", "card 2 serial A100"),
        ("serial A100", "serial Default_string"),
        ("serial Default_string", "serial A100"),
        ("serial A100", "card 1"),
    ]
    .into_iter()
    .map(|(known, newer)| {
        let joined = facts(known).joined(&facts(newer));
        format!(
            "{known} and {newer}: {} cards, {:?}\n",
            joined.macs.len(),
            joined.serial
        )
    })
    .collect();
    expect![[r#"
        card 1 and card 2 serial A100: 2 cards, Some("A100")
        serial A100 and serial Default_string: 0 cards, Some("A100")
        serial Default_string and serial A100: 0 cards, Some("A100")
        serial A100 and card 1: 1 cards, Some("A100")
    "#]]
    .assert_eq(&lines.concat());
    let uuid = |text: &str| facts(&format!("uuid {text}"));
    assert_eq!(uuid(JUNK).joined(&uuid(BOARD)), uuid(BOARD));
    assert_eq!(uuid(BOARD).joined(&uuid(JUNK)), uuid(BOARD));
    let many: Vec<String> = (0..40).map(|number| format!("card {number}")).collect();
    assert_eq!(facts("card 99").joined(&facts(&many.join(" "))).macs.len(), 32);
}

#[test]
fn papers_that_two_hosts_shared_tell_the_one_that_is_left() {
    let papers = facts(&format!("uuid {BOARD} serial S-1234"));
    let mut site = site(&format!(
        "oak: card 1 uuid {BOARD} serial S-1234\nash: card 2 uuid {BOARD} serial S-1234"
    ));
    assert_eq!(
        identify(&site.index, |id| site.hosts.get(id), &papers),
        Identity::Nobody
    );
    let [oak, ash]: [HostId; 2] = ["oak", "ash"].map(|name| name.parse().expect("a name"));
    let shown = site.hosts.remove(&oak).expect("it is there");
    site.index.remove(&oak, &shown);
    let left = identify(&site.index, |id| site.hosts.get(id), &papers);
    assert_eq!(left, Identity::Known(ash.clone()));
    // Who is entered twice is still one, and who never had a fact cannot take it from its owner.
    site.index.insert(&ash, &shown);
    site.index.remove(&oak, &shown);
    let left = identify(&site.index, |id| site.hosts.get(id), &papers);
    assert_eq!(left, Identity::Known(ash));
}
