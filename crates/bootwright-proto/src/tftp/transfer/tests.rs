use expect_test::{Expect, expect};

use super::super::option::{Asked, Caps, Way};
use super::super::packet::{Mode, ack};
use super::*;

mod bounds;

fn terms(options: &str, size: u64) -> Terms {
    let asked = Asked::read(options.replace(' ', "\0").as_bytes());
    let caps = Caps {
        blksize: 65464,
        windowsize: 64,
    };
    Terms::negotiate(&asked, Mode::Octet, size, Way { mtu: 1500, ipv6: false }, caps)
}

fn error(code: u8) -> [u8; 5] {
    [0, 5, 0, code, 0]
}

fn say(action: Action) -> String {
    match action {
        Action::SendOack => "send oack".into(),
        Action::Send(Blocks { first, count: 1 }) => format!("send {first}"),
        Action::Send(Blocks { first, count }) => format!("send {first}..{}", first + u64::from(count) - 1),
        Action::Ignore(stray) => format!("nothing: {stray:?}"),
        Action::Wait => "nothing yet".into(),
        Action::Finish(outcome) => format!("{outcome:?}"),
    }
}

/// Plays a story against one transfer. `wait` lets the timer end, a number lets that many milliseconds pass.
fn play(options: &str, size: u64, story: &str) -> String {
    let mut now = Duration::from_secs(1000);
    let start = now;
    let (mut transfer, first) = Transfer::begin(terms(options, size), size, now);
    let mut lines = vec![format!("{:>6} begin: {}", 0, say(first))];
    for step in story.split(';').map(str::trim).filter(|step| !step.is_empty()) {
        let mut words = step.split(' ');
        let (verb, number) = (
            words.next().unwrap(),
            words.next().map(|word| word.parse::<u16>().unwrap()),
        );
        let action = match (verb, number) {
            ("ack", Some(block)) => transfer.on_packet(now, &ack(block)),
            ("error", Some(code)) => transfer.on_packet(now, &error(code.try_into().unwrap())),
            ("data", Some(_)) => transfer.on_packet(now, b"\0\x03\0\x01x"),
            ("noise", None) => transfer.on_packet(now, b"\0"),
            ("repeat", None) => transfer.on_repeat(now),
            ("refused", None) => transfer.on_unreachable(),
            ("wait", None) => {
                now = transfer.deadline();
                transfer.on_timer(now)
            }
            (millis, None) => {
                now += Duration::from_millis(millis.parse().unwrap());
                continue;
            }
            _ => panic!("`{step}` is no step"),
        };
        lines.push(format!("{:>6} {step}: {}", (now - start).as_millis(), say(action)));
    }
    lines.push(format!(
        "acknowledged {} of {size}, {} sent again",
        transfer.acked_bytes(),
        transfer.packets_resent()
    ));
    lines.join("\n") + "\n"
}

#[expect(clippy::needless_pass_by_value, reason = "`expect!` makes values")]
fn check(options: &str, size: u64, story: &str, transcript: Expect) {
    transcript.assert_eq(&play(options, size, story));
}

#[test]
fn a_client_without_options_gets_512_bytes_at_a_time() {
    check(
        "",
        1100,
        "1; ack 1; 1; ack 2; 1; ack 3; ack 3",
        expect![[r#"
             0 begin: send 1
             1 ack 1: send 2
             2 ack 2: send 3
             3 ack 3: Delivered
             3 ack 3: nothing: Late
        acknowledged 1100 of 1100, 0 sent again
    "#]],
    );
}

#[test]
fn a_file_of_whole_blocks_ends_with_an_empty_one() {
    check(
        "",
        1024,
        "ack 1; ack 2; ack 3",
        expect![[r#"
             0 begin: send 1
             0 ack 1: send 2
             0 ack 2: send 3
             0 ack 3: Delivered
        acknowledged 1024 of 1024, 0 sent again
    "#]],
    );
}

#[test]
fn an_empty_file_is_one_empty_block() {
    check(
        "blksize 1468 tsize 0 ",
        0,
        "ack 0; ack 1",
        expect![[r#"
             0 begin: send oack
             0 ack 0: send 1
             0 ack 1: Delivered
        acknowledged 0 of 0, 0 sent again
    "#]],
    );
}

#[test]
fn windows_follow_each_other_and_a_gap_is_filled_from_where_it_begins() {
    check(
        "windowsize 4 ",
        5000,
        "1; ack 0; 1; ack 4; 1; ack 6; 1; ack 10",
        expect![[r#"
             0 begin: send oack
             1 ack 0: send 1..4
             2 ack 4: send 5..8
             3 ack 6: send 7..10
             4 ack 10: Delivered
        acknowledged 5000 of 5000, 2 sent again
    "#]],
    );
}

#[test]
fn a_lost_first_block_of_a_window_is_sent_again_once_and_its_echoes_are_ignored() {
    check(
        "windowsize 4 ",
        5000,
        "1; ack 0; 1; ack 4; 1; ack 4; 1; ack 4; ack 4; 60; ack 4; ack 8",
        expect![[r#"
             0 begin: send oack
             1 ack 0: send 1..4
             2 ack 4: send 5..8
             3 ack 4: send 5..8
             4 ack 4: nothing: Duplicate
             4 ack 4: nothing: Duplicate
            64 ack 4: send 5..8
            64 ack 8: send 9..10
        acknowledged 4096 of 5000, 8 sent again
    "#]],
    );
}

#[test]
fn echoes_of_a_gap_do_not_send_the_next_window_twice() {
    check(
        "windowsize 8 ",
        9000,
        "1; ack 0; 1; ack 3; ack 3; ack 3; ack 3; 1; ack 11",
        expect![[r#"
             0 begin: send oack
             1 ack 0: send 1..8
             2 ack 3: send 4..11
             2 ack 3: nothing: Duplicate
             2 ack 3: nothing: Duplicate
             2 ack 3: nothing: Duplicate
             3 ack 11: send 12..18
        acknowledged 5632 of 9000, 5 sent again
    "#]],
    );
}

#[test]
fn a_client_that_only_repeats_itself_is_given_up() {
    let story = "ack 0; ack 4; 100; ack 4; 101; wait; 60; ack 4; wait; wait; wait; 100; ack 4; wait; wait";
    check(
        "windowsize 4 ",
        5000,
        story,
        expect![[r#"
             0 begin: send oack
             0 ack 0: send 1..4
             0 ack 4: send 5..8
           100 ack 4: send 5..8
           200 wait: send 5..8
           260 ack 4: send 5..8
           600 wait: send 5..8
          1400 wait: send 5..8
          3000 wait: send 5..8
          3100 ack 4: send 5..8
          6200 wait: send 5..8
         12600 wait: TimedOut
        acknowledged 2048 of 5000, 32 sent again
    "#]],
    );
}

#[test]
fn the_sorcerers_apprentice_finds_no_broom() {
    check(
        "",
        2000,
        "1; ack 1; 1; ack 1; ack 1; ack 0; 1; ack 2; ack 2; ack 1",
        expect![[r#"
             0 begin: send 1
             1 ack 1: send 2
             2 ack 1: nothing: Duplicate
             2 ack 1: nothing: Duplicate
             2 ack 0: nothing: Outside
             3 ack 2: send 3
             3 ack 2: nothing: Duplicate
             3 ack 1: nothing: Outside
        acknowledged 1024 of 2000, 0 sent again
    "#]],
    );
}

#[test]
fn a_size_probe_ends_in_silence() {
    check(
        "tsize 0 blksize 1468 windowsize 4 ",
        74_000,
        "1; error 8; ack 0; wait; repeat; error 8",
        expect![[r#"
             0 begin: send oack
             1 error 8: SizeProbe
             1 ack 0: nothing: Late
          1000 wait: nothing yet
          1000 repeat: nothing: Late
          1000 error 8: nothing: Late
        acknowledged 0 of 74000, 0 sent again
    "#]],
    );
    check(
        "tsize 0 ",
        74_000,
        "error 0",
        expect![[r#"
             0 begin: send oack
             0 error 0: SizeProbe
        acknowledged 0 of 74000, 0 sent again
    "#]],
    );
}

#[test]
fn an_error_that_is_no_size_probe_is_an_abort() {
    check(
        "tsize 0 blksize 1468 ",
        74_000,
        "1; ack 0; 1; ack 1; error 0; error 0",
        expect![[r#"
             0 begin: send oack
             1 ack 0: send 1
             2 ack 1: send 2
             2 error 0: Aborted { code: 0 }
             2 error 0: nothing: Late
        acknowledged 1468 of 74000, 0 sent again
    "#]],
    );
    check(
        "tsize 0 blksize 1468 ",
        74_000,
        "error 4",
        expect![[r#"
             0 begin: send oack
             0 error 4: Aborted { code: 4 }
        acknowledged 0 of 74000, 0 sent again
    "#]],
    );
    check(
        "blksize 1468 ",
        74_000,
        "error 8",
        expect![[r#"
             0 begin: send oack
             0 error 8: Aborted { code: 8 }
        acknowledged 0 of 74000, 0 sent again
    "#]],
    );
}

#[test]
fn an_unheard_client_gets_three_option_acknowledgements_or_two_blocks_and_no_more() {
    check(
        "",
        74_000,
        "wait; wait; wait; wait",
        expect![[r#"
             0 begin: send 1
          1000 wait: send 1
          3000 wait: nothing yet
          7000 wait: TimedOut
          7000 wait: nothing yet
        acknowledged 0 of 74000, 1 sent again
    "#]],
    );
    check(
        "tsize 0 ",
        74_000,
        "wait; wait; wait; wait; wait",
        expect![[r#"
                 0 begin: send oack
              1000 wait: send oack
              3000 wait: send oack
              7000 wait: TimedOut
              7000 wait: nothing yet
              7000 wait: nothing yet
            acknowledged 0 of 74000, 2 sent again
        "#]],
    );
}

#[test]
fn a_heard_client_is_given_up_after_six_losses_in_a_row() {
    check(
        "",
        74_000,
        "1; ack 1; wait; wait; wait; wait; wait; wait",
        expect![[r#"
             0 begin: send 1
             1 ack 1: send 2
           201 wait: send 2
           601 wait: send 2
          1401 wait: send 2
          3001 wait: send 2
          6201 wait: send 2
         12601 wait: TimedOut
        acknowledged 512 of 74000, 5 sent again
    "#]],
    );
}

#[test]
fn progress_forgives_losses_and_a_clean_round_trip_ends_the_back_off() {
    check(
        "",
        74_000,
        "1; ack 1; wait; wait; 1; ack 2; wait; 1; ack 3; 1; ack 4; wait",
        expect![[r#"
             0 begin: send 1
             1 ack 1: send 2
           201 wait: send 2
           601 wait: send 2
           602 ack 2: send 3
          1402 wait: send 3
          1403 ack 3: send 4
          1404 ack 4: send 5
          1604 wait: send 5
        acknowledged 2048 of 74000, 4 sent again
    "#]],
    );
}

#[test]
fn a_slow_client_is_waited_for_as_long_as_it_takes() {
    check(
        "",
        74_000,
        "900; ack 1; 900; ack 2; 900; ack 3; wait",
        expect![[r#"
             0 begin: send 1
           900 ack 1: send 2
          1800 ack 2: send 3
          2700 ack 3: send 4
          4612 wait: send 4
        acknowledged 1536 of 74000, 1 sent again
    "#]],
    );
}

#[test]
fn a_client_that_starts_the_file_without_a_last_word_was_served() {
    check(
        "",
        600,
        "ack 1; wait; wait; wait; wait; wait; wait",
        expect![[r#"
             0 begin: send 1
             0 ack 1: send 2
           200 wait: send 2
           600 wait: send 2
          1400 wait: send 2
          3000 wait: send 2
          6200 wait: send 2
         12600 wait: SentUnacknowledged
        acknowledged 512 of 600, 5 sent again
    "#]],
    );
    check(
        "",
        600,
        "ack 1; refused",
        expect![[r#"
             0 begin: send 1
             0 ack 1: send 2
             0 refused: SentUnacknowledged
        acknowledged 512 of 600, 0 sent again
    "#]],
    );
}

#[test]
fn a_client_that_vanishes_before_the_end_was_not_served() {
    check(
        "",
        6000,
        "ack 1; refused; ack 2",
        expect![[r#"
             0 begin: send 1
             0 ack 1: send 2
             0 refused: Unreachable
             0 ack 2: nothing: Late
        acknowledged 512 of 6000, 0 sent again
    "#]],
    );
    check(
        "",
        100,
        "wait; wait; wait; wait",
        expect![[r#"
                 0 begin: send 1
              1000 wait: send 1
              3000 wait: nothing yet
              7000 wait: TimedOut
              7000 wait: nothing yet
            acknowledged 0 of 100, 1 sent again
        "#]],
    );
}

#[test]
fn a_repeated_request_repeats_the_first_packet_until_the_client_is_heard() {
    check(
        "blksize 1000 ",
        6000,
        "300; repeat; repeat; 300; repeat; ack 0; repeat",
        expect![[r#"
             0 begin: send oack
           300 repeat: send oack
           300 repeat: nothing: Duplicate
           600 repeat: send oack
           600 ack 0: send 1
           600 repeat: nothing: Late
        acknowledged 0 of 6000, 2 sent again
    "#]],
    );
    check(
        "",
        6000,
        "300; repeat; ack 1; repeat",
        expect![[r#"
             0 begin: send 1
           300 repeat: send 1
           300 ack 1: send 2
           300 repeat: nothing: Late
        acknowledged 512 of 6000, 1 sent again
    "#]],
    );
}

#[test]
fn noise_changes_nothing() {
    check(
        "",
        6000,
        "noise; data 1; ack 2; ack 65535; 10; ack 1",
        expect![[r#"
             0 begin: send 1
             0 noise: nothing: Malformed
             0 data 1: nothing: Unexpected
             0 ack 2: nothing: Outside
             0 ack 65535: nothing: Outside
            10 ack 1: send 2
        acknowledged 512 of 6000, 0 sent again
    "#]],
    );
}
