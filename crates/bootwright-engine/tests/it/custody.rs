//! The documents of a run: for its own machine, while an installer would ask, and for nobody else.

use std::sync::Arc;

use bootwright_core::{Document, Policy, Span, Token};
use bootwright_engine::{DocumentAsk, DocumentReply, Report, Requester};
use expect_test::expect;

use crate::site::{Site, address, mac, policy, profile};

/// A site whose profile has a document with a secret and one without.
fn armed() -> (Site, Token) {
    let mut policy: Policy = policy();
    let mut debian = (*profile("debian")).clone();
    for name in ["preseed.cfg", "secret.key"] {
        let document = Document {
            template: String::new(),
            origin: "config.toml".to_owned(),
            add: bootwright_core::Additions::default(),
        };
        debian.files.insert(name.to_owned(), document);
    }
    policy.profiles.insert(debian.name.clone(), Arc::new(debian));
    let mut site = Site::new(policy);
    site.ask_mac(1);
    site.arm("52:54:00:00:00:01", &["debian"]);
    site.ask_mac(1);
    let token = site.token();
    let _ = site.story();
    (site, token)
}

/// What a machine with this card asks for, from its own address.
fn ask(token: Token, name: &'static str, number: u8) -> DocumentAsk<'static> {
    DocumentAsk {
        token,
        name,
        requester: Requester {
            address: address(mac(number)),
            station: Some(mac(number)),
        },
        is_secret: name.starts_with("secret"),
    }
}

#[test]
fn threat_01_a_million_guesses_of_a_token_open_nothing_and_change_nothing() {
    let (mut site, token) = armed();
    let before = site.engine.world().clone();
    let mut guess = u128::from_be_bytes(token.octets());
    for number in 0..1_000_000_u32 {
        // Near misses at first, then anything.
        guess = match number {
            0..128 => u128::from_be_bytes(token.octets()) ^ (1 << number),
            _ => guess
                .wrapping_mul(0xda94_2042_e4dd_58b5)
                .wrapping_add(0x1405_7b7e_f767_814f),
        };
        let wrong = Token::new(guess.to_be_bytes());
        let outcome = site.engine.document(site.now, &ask(wrong, "secret.key", 1));
        assert!(matches!(outcome.reply, DocumentReply::NoSuchDocument), "guess {number}");
        assert!(outcome.entries.is_empty(), "guess {number}");
    }
    assert_eq!(site.engine.world(), &before);
    assert!(matches!(
        site.engine.document(site.now, &ask(token, "secret.key", 1)).reply,
        DocumentReply::Render(_)
    ));
}

#[test]
fn threat_02_a_token_that_leaked_opens_nothing_to_another_machine_and_the_operator_is_told() {
    let (mut site, token) = armed();
    site.fetch(&ask(token, "preseed.cfg", 2));
    // The machine's address, taken by another card.
    let mut spoofed = ask(token, "preseed.cfg", 1);
    spoofed.requester.station = Some(mac(2));
    site.fetch(&spoofed);
    site.wait(Span::from_mins(2));
    site.fetch(&spoofed);
    site.fetch(&ask(token, "preseed.cfg", 1));
    expect![[r#"
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.2: 52:54:00:00:00:02 is not a card of this machine
        document preseed.cfg -> no such document
        wait 2 min
            Stall quince-61: run 1 is stalled: the kernel was not fetched
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.1: 52:54:00:00:00:02 is not a card of this machine
        document preseed.cfg -> run 1 of quince-61
        document preseed.cfg was sent
            Stall quince-61: run 1, heard of again
            Fetch quince-61: run 1, fetched preseed.cfg
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn threat_02_a_claimed_card_is_no_card() {
    let (mut site, token) = armed();
    // Somebody says that he is the machine, and that his own card is one of its.
    let mut facts = bootwright_core::Facts::of_mac(mac(1));
    facts.macs.insert(mac(2));
    site.ask(&facts);
    site.fetch(&ask(token, "preseed.cfg", 2));
    expect![[r#"
        52:54:00:00:00:01+52:54:00:00:00:02 asks -> install debian run 1 attempt 2, once recorded
            Set quince-61: 52:54:00:00:00:01, 52:54:00:00:00:02
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.2: 52:54:00:00:00:02 is not a card of this machine
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn threat_02_a_secret_is_handed_out_three_times_within_a_minute_and_then_trips_a_wire() {
    let (mut site, token) = armed();
    let secret = ask(token, "secret.key", 1);
    site.fetch(&secret);
    site.fetch(&secret);
    site.fetch(&secret);
    site.fetch(&secret);
    site.fetch(&ask(token, "preseed.cfg", 1));
    // A new attempt is a new installer.
    site.ask_mac(1);
    site.fetch(&secret);
    site.wait(Span::from_mins(2));
    site.fetch(&secret);
    expect![[r#"
        document secret.key -> run 1 of quince-61
        document secret.key was sent
            Fetch quince-61: run 1, fetched secret.key
        document secret.key -> run 1 of quince-61
        document secret.key was sent
            Fetch quince-61: run 1, fetched secret.key
        document secret.key -> run 1 of quince-61
        document secret.key was sent
            Fetch quince-61: run 1, fetched secret.key
        document secret.key -> no such document
            Warn quince-61: run 1, secret.key was refused to 10.0.0.1: it holds a secret and was handed out already
        document preseed.cfg -> run 1 of quince-61
        document preseed.cfg was sent
            Fetch quince-61: run 1, fetched preseed.cfg
        52:54:00:00:00:01 asks -> install debian run 1 attempt 2, once recorded
            Boot quince-61: run 1, install script of debian served (attempt 2 of 2)
        document secret.key -> run 1 of quince-61
        document secret.key was sent
            Fetch quince-61: run 1, fetched secret.key
        wait 2 min
        document secret.key -> no such document
            Warn quince-61: run 1, secret.key was refused to 10.0.0.1: it holds a secret and was handed out already
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn threat_02_documents_are_for_an_installer_that_comes_in_time() {
    let (mut site, token) = armed();
    site.wait(Span::from_mins(16));
    site.fetch(&ask(token, "preseed.cfg", 1));
    site.fetch(&ask(token, "secret.key", 1));
    expect![[r#"
        wait 16 min
            Stall quince-61: run 1 is stalled: the kernel was not fetched
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.1: its installer did not come within 15 min
        document secret.key -> no such document
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn threat_02_documents_die_with_their_run_and_a_later_use_is_told() {
    for end in [
        Report::Done,
        Report::Fail {
            reason: "no disk".to_owned(),
        },
    ] {
        let (mut site, token) = armed();
        site.report(token, &end);
        let _ = site.story();
        site.fetch(&ask(token, "secret.key", 1));
        let story = site.story();
        assert!(
            story.starts_with("document secret.key -> no such document\n"),
            "{story}"
        );
        assert!(
            story.contains("secret.key was refused to") && story.contains("the run is over"),
            "{story}"
        );
    }
    let (mut site, token) = armed();
    site.wait(Span::from_mins(6 * 60 + 1));
    site.fetch(&ask(token, "secret.key", 1));
    assert!(site.story().ends_with("document secret.key -> no such document\n"));
}

#[test]
fn behind_a_relay_the_address_stands_for_the_machine() {
    let (mut site, token) = armed();
    let mut far = ask(token, "preseed.cfg", 1);
    far.requester.station = None;
    site.fetch(&far);
    let mut policy = (**site.engine.policy()).clone();
    policy.relays.insert([10, 9, 0, 1].into());
    site.reload(policy);
    site.wait(Span::from_mins(2));
    let _ = site.story();
    site.fetch(&far);
    let mut elsewhere = ask(token, "preseed.cfg", 2);
    elsewhere.requester.station = None;
    site.fetch(&elsewhere);
    expect![[r#"
        document preseed.cfg -> run 1 of quince-61
        document preseed.cfg was sent
            Stall quince-61: run 1, heard of again
            Fetch quince-61: run 1, fetched preseed.cfg
        document preseed.cfg -> no such document
            Warn quince-61: run 1, preseed.cfg was refused to 10.0.0.2: it was handed to another address
    "#]]
    .assert_eq(&site.story());
}

#[test]
fn threat_08_a_forged_end_of_a_run_takes_its_token_and_one_that_comes_too_early_is_told() {
    let (mut site, token) = armed();
    site.report(Token::new([0x99; 16]), &Report::Done);
    site.report(
        Token::new([0x99; 16]),
        &Report::Fail {
            reason: "forged".to_owned(),
        },
    );
    // The real token, before anything was seen of an installer.
    site.report(token, &Report::Done);
    expect![[r#"
        Done -> NoSuchRun
        Fail { reason: "forged" } -> NoSuchRun
        Done -> Noted
            Warn quince-61: run 1 is reported to be done before it has fetched anything: look at the machine
            Done quince-61: run 1, installer finished in 0 ms; next boots: local disk
            (all who wait ask again)
    "#]]
    .assert_eq(&site.story());
}
