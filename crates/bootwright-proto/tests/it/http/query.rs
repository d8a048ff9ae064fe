use bootwright_core::Firmware;
use bootwright_proto::http::{Asked, Poll, Query, Trouble};
use proptest::prelude::*;

fn read(query: &str) -> Asked {
    Asked::read(&Query::new(query.as_bytes()))
}

#[test]
fn both_generations_of_ipxe_tell_the_same_facts() {
    let of_2019 = "mac=52-54-00-12-34-56&nic=52-54-00-12-34-56&nic=52-54-00-12-34-57\
                   &uuid=00112233-4455-6677-8899-aabbccddeeff&platform=pcbios&buildarch=i386&ip=10.77.0.50\
                   &version_hex=312e302e30&serial_hex=4126422b432f442045&asset_hex=&product_hex=5175616e74756d";
    let asked = read(of_2019);
    let facts = &asked.sighting.facts;
    let macs: Vec<String> = facts.macs.iter().map(ToString::to_string).collect();
    assert_eq!(macs, ["52:54:00:12:34:56", "52:54:00:12:34:57"]);
    assert_eq!(
        asked.sighting.boot_mac.map(|mac| mac.to_string()).as_deref(),
        Some("52:54:00:12:34:56")
    );
    assert_eq!(facts.serial.as_deref(), Some("A&B+C/D E"));
    assert_eq!(facts.asset, None);
    assert_eq!(facts.product.as_deref(), Some("Quantum"));
    assert_eq!(asked.sighting.firmware, Some(Firmware::Bios));
    assert_eq!(asked.buildarch.as_deref(), Some("i386"));
    assert_eq!(asked.version.as_deref(), Some("1.0.0"));
    assert_eq!(asked.ip.map(|ip| ip.to_string()).as_deref(), Some("10.77.0.50"));
    assert_eq!(
        read(&of_2019.replace("52-54-00", "52%3A54%3a00")).sighting.facts.uuid,
        facts.uuid
    );
}

#[test]
fn addresses_come_in_any_spelling_and_no_card_has_an_impossible_one() {
    for spelling in [
        "mac=52:54:00:ab:cd:ef",
        "mac=52%3A54%3A00%3AAB%3ACD%3AEF",
        "mac=525400abcdef",
        "mac0=52-54-00-AB-CD-EF",
        "net3=5254.00ab.cdef",
        "nic=52-54-00-ab-cd-ef",
    ] {
        let macs: Vec<String> = read(spelling)
            .sighting
            .facts
            .macs
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(macs, ["52:54:00:ab:cd:ef"], "{spelling}");
    }
    let impossible = read("mac=00-00-00-00-00-00&nic=01-00-5e-00-00-01&nic=ff-ff-ff-ff-ff-ff&mac12=52-54-00-ab-cd-ef");
    assert_eq!(impossible, Asked::default());
    let many: Vec<String> = (0..40)
        .map(|number| format!("nic=52-54-00-00-00-{number:02x}"))
        .collect();
    assert_eq!(read(&many.join("&")).sighting.facts.macs.len(), 32);
}

#[test]
fn a_plus_is_no_space_and_a_lone_percent_stands_for_itself() {
    assert_eq!(read("serial=A+B").sighting.facts.serial.as_deref(), Some("A+B"));
    assert_eq!(read("serial=A%20B").sighting.facts.serial.as_deref(), Some("A B"));
    assert_eq!(read("serial=100%").sighting.facts.serial.as_deref(), Some("100%"));
    assert_eq!(read("serial=%zz%41").sighting.facts.serial.as_deref(), Some("%zzA"));
    assert_eq!(
        read("serial=a%0Ab%1b[31m").sighting.facts.serial.as_deref(),
        Some("ab[31m")
    );
    assert_eq!(read("serial_hex=abc").sighting.facts.serial, None);
    assert_eq!(
        read("serial_hex=41:42-43").sighting.facts.serial.as_deref(),
        Some("ABC")
    );
    assert_eq!(
        read("serial_hex=ff41").sighting.facts.serial.as_deref(),
        Some("\u{fffd}A")
    );
    let long = read(&format!("serial_hex={}", "41".repeat(3000)));
    assert_eq!(long.sighting.facts.serial.map(|serial| serial.len()), Some(128));
}

#[test]
fn polls_and_troubles_carry_what_our_scripts_put_there() {
    let poll = Poll::read(&Query::new(b"mac=52-54-00-12-34-56&screen=0badf00d&polls=7"));
    assert_eq!((poll.asked.screen, poll.polls), (Some(0x0bad_f00d), 7));
    let foreign = Poll::read(&Query::new(b"screen=xyz&polls=-1"));
    assert_eq!(foreign, Poll::default());
    let trouble = Trouble::read(&Query::new(b"mac=52-54-00-12-34-56&step=ask&error=0x2d0c613b"));
    assert_eq!(trouble.step.as_deref(), Some("ask"));
    assert_eq!(trouble.error.as_deref(), Some("0x2d0c613b"));
    assert!(read("confirmed=yes").confirmed && !read("confirmed=1").confirmed);
}

proptest! {
    /// What a script of ours repeats to us is what the machine said.
    #[test]
    fn a_query_of_ours_says_the_same_again(query in "(mac|nic|uuid|serial|product|version|ip|platform)=[ -~]{0,40}(&(nic|serial_hex|asset)=[0-9a-f]{0,20}){0,4}") {
        let once = read(&query);
        let again = once.to_query();
        prop_assert!(again.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"&=_-.:".contains(&byte)), "{}", again);
        prop_assert_eq!(read(&again), once);
    }

    #[test]
    fn any_bytes_are_read_as_something_bounded(query: Vec<u8>) {
        let asked = Asked::read(&Query::new(&query));
        prop_assert!(asked.sighting.facts.macs.len() <= 16);
        prop_assert!(asked.to_query().len() < 8000);
    }
}

#[test]
fn an_item_is_found_by_its_name_however_that_is_escaped_and_the_first_that_says_something_counts() {
    let query = Query::new(b"xserial=1&serial=&se%72ial=A%20B&serial=C");
    assert_eq!(query.get("serial").as_deref(), Some("A B"));
    assert_eq!(query.get("erial"), None);
    assert_eq!(query.get("se%72ial"), None);
}
