use bootwright_client::ipxe::{Generation, Reply, Settings, Step, as_sent, errno};
use bootwright_core::Firmware;
use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{ipxe, run};

/// Runs a script in which every fetch fails but those of `http://h/…` named here.
fn check(bodies: &[(&str, &str)], script: &str, expected: Expect) {
    let script = format!("#!ipxe\n{script}");
    let transcript = run(
        ipxe(Generation::Of2019, Firmware::Bios),
        &script,
        |step, _| match step {
            Step::Fetch(url) => match bodies.iter().find(|(name, _)| url.ends_with(name)) {
                Some((_, body)) => Some(Reply::Body(body.as_bytes().to_vec())),
                None => Some(Reply::Failed(errno::NOT_FOUND)),
            },
            Step::Boot(_) | Step::SanBoot { .. } => Some(Reply::Failed(1)),
            _ => Some(Reply::Done),
        },
    );
    expected.assert_eq(&transcript);
}

#[test]
fn a_failure_ends_the_script_unless_the_line_provides_for_it() {
    check(
        &[],
        "iseq a b ||\necho after\niseq a a && echo equal || echo different\nisset ${nothing}\necho never",
        expect![[r#"
            | after
            | equal
            exit 755786043
        "#]],
    );
}

#[test]
fn loops_count_and_settings_nest() {
    check(
        &[],
        "set i:int32 0\n:next\nisset ${net${i}/mac} || goto done\necho ${i} ${net${i}/mac:hexhyp}\ninc i\n\
         goto next\n:done\ninc i ${i}\necho ${i} ${netX/ip} ${uuid} ${serial:hexraw} [${nothing}]",
        expect![[r#"
            | 0 52-54-00-12-34-56
            | 1 52-54-00-12-34-57
            | 4 10.77.0.50 00112233-4455-6677-8899-aabbccddeeff 4126422b432f442045 []
            exit 0
        "#]],
    );
}

#[test]
fn words_are_cut_before_values_are_put_in() {
    check(
        &[],
        "set y ${manufacturer}\necho ${y}\necho one #two\necho split \\\nline",
        expect![[r#"
            | Acme A&B+C/D E || shell
            | one
            | split line
            exit 0
        "#]],
    );
}

#[test]
fn a_chained_script_returns_unless_it_replaces() {
    let bodies = [("inner", "#!ipxe\necho inner\nexit 3"), ("good", "#!ipxe\necho good")];
    check(
        &bodies,
        "chain http://h/inner || echo failed with ${errno}\nchain http://h/good && echo back\n\
         chain --replace http://h/inner || echo never\necho never",
        expect![[r#"
            fetch http://h/inner
            | inner
            | failed with 0x3
            fetch http://h/good
            | good
            | back
            fetch http://h/inner
            | inner
            exit 3
        "#]],
    );
}

#[test]
fn every_file_that_was_not_freed_goes_with_the_kernel() {
    let bodies = [("linux", "MZ"), ("initrd", "x"), ("report", "ok")];
    check(
        &bodies,
        "imgfetch --name note http://h/report\nkernel http://h/linux quiet  splash\n\
         initrd --name main http://h/initrd /a mode=755\nboot || echo came back\nimgfree note\nboot",
        expect![[r#"
            fetch http://h/report
            fetch http://h/linux
            fetch http://h/initrd
            boot http://h/linux (quiet splash) with note[] main[/a mode=755]
            | came back
            boot http://h/linux (quiet splash) with main[/a mode=755]
            exit 1
        "#]],
    );
}

#[test]
fn what_is_no_script_is_not_run() {
    let bodies = [("page", "<html>"), ("empty", ""), ("kernel", "MZ")];
    check(
        &bodies,
        "chain http://h/page || echo page ${errno}\nchain http://h/empty || echo empty\nchain http://h/kernel",
        expect![[r#"
            fetch http://h/page
            | page 0x2e852001
            fetch http://h/empty
            | empty
            fetch http://h/kernel
            boot http://h/kernel () with
            exit 1
        "#]],
    );
}

#[test]
fn commands_that_a_build_does_not_have_fail() {
    for (generation, command, known) in [
        (Generation::Of2019, "params", false),
        (Generation::Of2019, "console", false),
        (Generation::Of2025, "console", true),
        (Generation::Of2026, "params", true),
        (Generation::Of2026, "imgverify", false),
    ] {
        let script = format!("#!ipxe\n{command} || echo unknown\n");
        let transcript = run(ipxe(generation, Firmware::Uefi), &script, |_, _| Some(Reply::Done));
        assert_eq!(transcript.contains("unknown"), !known, "{command} {generation:?}");
    }
}

#[test]
fn a_script_that_wants_nothing_for_ever_is_stopped() {
    check(
        &[],
        ":loop\ngoto loop",
        expect![[r#"
            runaway
        "#]],
    );
    let mut settings = Settings::new();
    settings.set_text("x", "${x}${x}");
    assert!(settings.expand("${x}").len() < 10_000);
}

#[test]
fn a_setting_that_doubles_itself_runs_out_of_memory_and_takes_none_of_ours() {
    let doubling = "set x ${x}${x} || echo full\n".repeat(40);
    let transcript = run(
        ipxe(Generation::Of2025, Firmware::Uefi),
        &format!("#!ipxe\nset x 0123456789\n{doubling}set y short && echo ${{y}}\n"),
        |_, _| Some(Reply::Done),
    );
    assert!(
        transcript.contains("full") && transcript.contains("short"),
        "{transcript:.300}"
    );
    assert!(transcript.len() < 2000, "{} bytes", transcript.len());
}

#[test]
fn a_url_is_sent_as_its_generation_sends_it() {
    let url = "http://10.77.0.1:8080/ipxe?mac=52:54:00&serial=A%26B+C%2FD%20E";
    assert_eq!(as_sent(url, Generation::Of2025), url);
    assert_eq!(
        as_sent(url, Generation::Of2019),
        "http://10.77.0.1:8080/ipxe?mac=52%3A54%3A00&serial=A&B+C/D%20E"
    );
}

proptest! {
    #[test]
    fn any_script_comes_to_an_end_or_wants_something(script in "([a-z]{2,6} [ -~]{0,30}\n){0,8}", replies: Vec<bool>) {
        let mut replies = replies.into_iter();
        let _ = run(ipxe(Generation::Of2025, Firmware::Uefi), &format!("#!ipxe\n{script}"), |_, _| {
            replies.next().map(|good| if good { Reply::Body(b"#!ipxe\n".to_vec()) } else { Reply::Failed(1) })
        });
    }
}
