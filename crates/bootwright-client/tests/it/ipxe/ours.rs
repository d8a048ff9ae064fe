use std::collections::BTreeMap;

use bootwright_client::ipxe::{Generation, Interpreter, Kind, Reply, Step, errno};
use bootwright_core::{Firmware, HoldWhy, HostId, LocalMethod, LocalWhy, RunNumber, Token};
use bootwright_proto::http::target::parse;
use bootwright_proto::http::{Asked, BaseUrl, Poll, Query, Route, Trouble};
use bootwright_proto::script::ipxe::{
    Confirmation, Hold, Image, Initrd, Install, ask_script, autoexec_script, boot_script, confirm_script, hold_script,
    install_script, local_script, unavailable_script,
};
use expect_test::expect;

use super::{ipxe, machine, run};

const GENERATIONS: [Generation; 3] = [Generation::Of2019, Generation::Of2025, Generation::Of2026];

fn base() -> BaseUrl {
    "http://10.77.0.1:8080".parse().expect("a URL")
}

fn asked() -> Asked {
    Asked::read(&Query::new(b"mac=52-54-00-12-34-56&platform=pcbios"))
}

fn host() -> HostId {
    "oak-42".parse().expect("a name")
}

/// The route and query of a URL of ours.
fn routed(url: &str) -> (Route, Query) {
    let request = parse("GET", url.as_bytes()).unwrap_or_else(|refusal| panic!("{url}: {refusal}"));
    (request.route, request.query)
}

fn body(text: &str) -> Option<Reply> {
    Some(Reply::Body(text.as_bytes().to_vec()))
}

#[test]
fn every_build_tells_the_same_facts_and_a_serial_number_arrives_whole() {
    for generation in GENERATIONS {
        for firmware in [Firmware::Bios, Firmware::Uefi] {
            let mut told = None;
            run(
                ipxe(generation, firmware),
                &boot_script(&base()),
                |step, _| match step {
                    Step::Fetch(url) => {
                        let (route, query) = routed(url);
                        assert_eq!(route, Route::Decision);
                        told = Some(Asked::read(&query));
                        body("#!ipxe\nexit 0\n")
                    }
                    other => panic!("{other:?}"),
                },
            );
            let told = told.expect("it asked");
            let facts = &told.sighting.facts;
            let macs: Vec<String> = facts.macs.iter().map(ToString::to_string).collect();
            assert_eq!(macs, ["52:54:00:12:34:56", "52:54:00:12:34:57"]);
            assert_eq!(told.sighting.boot_mac, facts.macs.first().copied());
            assert_eq!(facts.serial.as_deref(), Some("A&B+C/D E"));
            assert_eq!(facts.manufacturer.as_deref(), Some("Acme ${serial} || shell"));
            assert_eq!(facts.product, None);
            let uuid = facts.uuid.map(|uuid| uuid.to_string());
            assert_eq!(uuid.as_deref(), Some("00112233-4455-6677-8899-aabbccddeeff"));
            assert_eq!(told.sighting.firmware, Some(firmware));
            assert_eq!(told.version.as_deref(), Some("1.0.0+git"));
            assert_eq!(told.ip.map(|ip| ip.to_string()).as_deref(), Some("10.77.0.50"));
        }
    }
}

#[test]
fn all_cards_of_a_machine_are_told_also_behind_a_number_that_there_is_no_card_of() {
    for generation in GENERATIONS {
        let mut settings = machine(Firmware::Uefi);
        let numbers = (0..20).filter(|number| *number != 11);
        for number in numbers.clone() {
            let mac = vec![0x52, 0x54, 0, 0x12, 0x34, 0x56 + number];
            settings.set(&format!("net{number}/mac"), Kind::Mac, mac);
        }
        let mut told = None;
        run(
            Interpreter::new(generation, Firmware::Uefi, settings),
            &boot_script(&base()),
            |step, _| match step {
                Step::Fetch(url) => {
                    told = Some(Asked::read(&routed(url).1));
                    body("#!ipxe\nexit 0\n")
                }
                other => panic!("{other:?}"),
            },
        );
        let told = told.expect("it asked");
        let macs = told.sighting.facts.macs.iter().map(|mac| mac.octets()[5] - 0x56);
        assert_eq!(macs.collect::<Vec<u8>>(), numbers.collect::<Vec<u8>>());
    }
}

#[test]
fn a_server_that_does_not_answer_is_asked_again_with_growing_waits_and_told_of_it() {
    let mut asks = 0;
    let mut troubles = Vec::new();
    let transcript = run(
        ipxe(Generation::Of2019, Firmware::Bios),
        &boot_script(&base()),
        |step, _| match step {
            Step::Fetch(url) => match routed(url) {
                (Route::Decision, _) => {
                    asks += 1;
                    if asks < 4 {
                        Some(Reply::Failed(errno::TIMED_OUT))
                    } else {
                        body("#!ipxe\necho decided\n")
                    }
                }
                (Route::Failed, query) => {
                    let trouble = Trouble::read(&query);
                    troubles.push((trouble.step, trouble.error, trouble.asked.sighting.boot_mac.is_some()));
                    if asks == 1 {
                        Some(Reply::Failed(errno::TIMED_OUT))
                    } else {
                        body("ok\n")
                    }
                }
                other => panic!("{other:?}"),
            },
            _ => Some(Reply::Done),
        },
    );
    let shown: Vec<&str> = transcript.lines().filter(|line| !line.starts_with("fetch")).collect();
    expect![[r#"
        |
        | Bootwright: step ask failed with error 0x4c106001. Trying again in 1 s.
        | Nothing on the disks has been touched.
        sleep 1 s
        |
        | Bootwright: step ask failed with error 0x4c106001. Trying again in 2 s.
        | Nothing on the disks has been touched.
        sleep 2 s
        |
        | Bootwright: step ask failed with error 0x4c106001. Trying again in 4 s.
        | Nothing on the disks has been touched.
        sleep 4 s
        | decided
        exit 0"#]]
    .assert_eq(&shown.join("\n"));
    let told = (Some("ask".to_owned()), Some("0x4c106001".to_owned()), true);
    assert_eq!(troubles, [told.clone(), told.clone(), told]);
}

#[test]
fn a_machine_without_an_address_gets_one_first_and_waits_no_longer_than_half_a_minute_at_a_time() {
    let mut tries = 0;
    let transcript = run(
        {
            let mut ipxe = ipxe(Generation::Of2025, Firmware::Uefi);
            ipxe.settings_mut().set_text("netX/ip", "");
            ipxe
        },
        &boot_script(&base()),
        |step, ipxe| match step {
            Step::Dhcp => {
                tries += 1;
                if tries < 9 {
                    return Some(Reply::Failed(errno::TIMED_OUT));
                }
                ipxe.settings_mut().set_text("netX/ip", "10.77.0.50");
                Some(Reply::Done)
            }
            Step::Fetch(url) => {
                assert_eq!(routed(url).0, Route::Decision);
                None
            }
            _ => Some(Reply::Done),
        },
    );
    let waits: Vec<&str> = transcript.lines().filter(|line| line.starts_with("sleep")).collect();
    assert_eq!(
        waits,
        [
            "sleep 1 s",
            "sleep 2 s",
            "sleep 4 s",
            "sleep 8 s",
            "sleep 16 s",
            "sleep 32 s",
            "sleep 32 s",
            "sleep 32 s"
        ]
    );
}

#[test]
fn autoexec_gets_an_address_and_gives_up_after_some_tries() {
    let start = || {
        let mut ipxe = ipxe(Generation::Of2025, Firmware::Uefi);
        ipxe.settings_mut().set_text("netX/ip", "");
        ipxe
    };
    let transcript = run(start(), &autoexec_script(&base()), |step, _| match step {
        Step::Dhcp => Some(Reply::Failed(errno::TIMED_OUT)),
        _ => Some(Reply::Done),
    });
    assert!(transcript.ends_with("sleep 16 s\ndhcp\nexit 1\n"), "{transcript}");
    let good = run(start(), &autoexec_script(&base()), |step, _| match step {
        Step::Fetch(_) => body("#!ipxe\necho on\n"),
        _ => Some(Reply::Done),
    });
    expect![[r#"
        dhcp
        fetch http://10.77.0.1:8080/boot.ipxe
        | on
        exit 0
    "#]]
    .assert_eq(&good);
}

/// Holds a machine over some polls, as the server would, until somebody arms it.
#[test]
fn a_held_machine_polls_without_painting_and_asks_as_soon_as_it_may() {
    let (base, host) = (base(), host());
    let screen = |asked: &Asked, answered: Option<&Poll>| {
        let hold = Hold {
            base: &base,
            asked,
            host: Some(&host),
            code: "K7M2Q",
            why: &HoldWhy::Undecided,
            local: None,
            menu: false,
            shell: false,
        };
        hold_script(&hold, answered)
    };
    let mut polls = 0;
    let transcript = run(
        ipxe(Generation::Of2019, Firmware::Bios),
        &boot_script(&base),
        |step, _| match step {
            Step::Fetch(url) => match routed(url) {
                (Route::Decision, _) if polls > 0 => body("#!ipxe\necho armed\n"),
                (Route::Decision, query) => body(&screen(&Asked::read(&query), None)),
                (Route::Hold, query) => {
                    polls += 1;
                    let poll = Poll::read(&query);
                    assert_eq!(
                        poll.asked.sighting.facts.serial.as_deref(),
                        Some("A&B+C/D E"),
                        "all facts again"
                    );
                    match polls {
                        2 => Some(Reply::Failed(errno::TIMED_OUT)),
                        ..12 => body(&screen(&poll.asked, Some(&poll))),
                        _ => body(&ask_script(&base, &poll)),
                    }
                }
                other => panic!("{other:?}"),
            },
            _ => Some(Reply::Done),
        },
    );
    let shown: Vec<String> = transcript
        .lines()
        .map(|line| line.split_once('?').map_or(line, |(path, _)| path).to_owned())
        .collect();
    let paintings = shown
        .iter()
        .filter(|line| line.starts_with("| This machine is waiting."))
        .count();
    assert_eq!(
        paintings, 2,
        "once at first, once when it must have scrolled away:\n{transcript}"
    );
    assert_eq!(
        shown.iter().filter(|line| line.starts_with("sleep 5")).count(),
        1,
        "after the lost poll"
    );
    assert_eq!(
        &shown[shown.len() - 3..],
        ["fetch http://10.77.0.1:8080/ipxe", "| armed", "exit 0"]
    );
}

#[test]
fn a_person_at_the_console_of_a_held_machine_starts_its_own_disk() {
    let (base, asked, host) = (base(), asked(), host());
    let hold = Hold {
        base: &base,
        asked: &asked,
        host: Some(&host),
        code: "K7M2Q",
        why: &HoldWhy::Locked,
        local: Some(LocalMethod::BiosDisk),
        menu: false,
        shell: false,
    };
    let mut prompts = 0;
    let transcript = run(
        ipxe(Generation::Of2019, Firmware::Bios),
        &hold_script(&hold, None),
        |step, _| match step {
            Step::Fetch(_) => Some(Reply::Failed(errno::CANCELLED)),
            Step::Prompt { .. } => {
                prompts += 1;
                Some(Reply::Key(if prompts == 1 { b'x' } else { b'l' }))
            }
            Step::SanBoot { .. } => None,
            _ => Some(Reply::Done),
        },
    );
    assert!(transcript.ends_with("sanboot 0x80\n"), "{transcript}");
    assert_eq!(prompts, 2, "another key asks again");
}

fn install() -> String {
    let url = |name: &str| format!("http://10.77.0.1:8080/images/debian/{name}");
    let image = Image {
        kernel: url("linux"),
        initrds: vec![
            Initrd {
                name: None,
                url: url("initrd.gz"),
                target: None,
            },
            Initrd {
                name: None,
                url: url("hook.sh"),
                target: Some("/hook.sh mode=755".to_owned()),
            },
        ],
        args: vec!["auto=true".to_owned()],
    };
    install_script(&Install {
        base: &base(),
        asked: &asked(),
        host: &host(),
        profile: &"debian".parse().expect("a name"),
        image: &image,
        run: RunNumber::new(1),
        token: Token::new([0xab; 16]),
        attempt: 1,
        max_attempts: 2,
    })
    .expect("a script")
}

#[test]
fn an_install_starts_its_kernel_with_its_own_files_and_nothing_else() {
    let transcript = run(
        ipxe(Generation::Of2019, Firmware::Uefi),
        &install(),
        |step, _| match step {
            Step::Fetch(_) => body("MZ"),
            Step::Boot(_) => None,
            _ => Some(Reply::Done),
        },
    );
    expect![[r#"
        |
        | Bootwright: installing debian on oak-42: run 1, attempt 1 of 2.
        fetch http://10.77.0.1:8080/images/debian/linux
        fetch http://10.77.0.1:8080/images/debian/initrd.gz
        fetch http://10.77.0.1:8080/images/debian/hook.sh
        boot http://10.77.0.1:8080/images/debian/linux (initrd=main auto=true BOOTIF=01-52-54-00-12-34-56) with main[] initrd1[/hook.sh mode=755]
    "#]]
    .assert_eq(&transcript);
}

#[test]
fn a_fetch_that_fails_is_tried_again_without_a_new_attempt_while_the_run_is_live() {
    let mut fetches: BTreeMap<String, u32> = BTreeMap::new();
    let transcript = run(
        ipxe(Generation::Of2025, Firmware::Bios),
        &install(),
        |step, _| match step {
            Step::Fetch(url) => {
                let path = url.split('?').next().unwrap_or_default().to_owned();
                let count = fetches.entry(path).or_insert(0);
                *count += 1;
                match routed(url).0 {
                    Route::Image(name) if name.as_str().ends_with("initrd.gz") && *count < 3 => {
                        Some(Reply::Failed(errno::NOT_FOUND))
                    }
                    Route::Decision => panic!("a decision is an attempt"),
                    _ => body("ok\n"),
                }
            }
            Step::Boot(boot) => {
                let names: Vec<&str> = boot.initrds.iter().map(|file| file.name.as_str()).collect();
                assert_eq!(
                    names,
                    ["main", "initrd1"],
                    "what was fetched to report must not go with the kernel"
                );
                None
            }
            _ => Some(Reply::Done),
        },
    );
    let report = format!("http://10.77.0.1:8080/r/{}/progress", "ab".repeat(16));
    assert_eq!(fetches.get(&report), Some(&2));
    assert!(
        transcript.contains("step main failed with error 0x2d0c613b. Trying again in 4 s."),
        "{transcript}"
    );
    assert!(transcript.contains("sleep 8 s"), "{transcript}");
}

#[test]
fn once_the_run_is_over_a_script_that_cannot_fetch_asks_what_to_do() {
    let transcript = run(
        ipxe(Generation::Of2025, Firmware::Bios),
        &install(),
        |step, _| match step {
            Step::Fetch(url) => match routed(url).0 {
                Route::Decision => body("#!ipxe\necho decided\n"),
                _ => Some(Reply::Failed(errno::NOT_FOUND)),
            },
            _ => Some(Reply::Done),
        },
    );
    assert!(transcript.ends_with("| decided\nexit 0\n"), "{transcript}");
}

#[test]
fn an_installer_that_came_back_is_never_started_again_without_a_decision() {
    let mut boots = 0;
    let transcript = run(
        ipxe(Generation::Of2025, Firmware::Bios),
        &install(),
        |step, _| match step {
            Step::Fetch(url) => match routed(url).0 {
                Route::Decision => body("#!ipxe\necho decided\n"),
                _ => body("ok\n"),
            },
            Step::Boot(_) => {
                boots += 1;
                Some(Reply::Failed(errno::UNSUPPORTED))
            }
            _ => Some(Reply::Done),
        },
    );
    assert_eq!(boots, 1);
    assert!(transcript.ends_with("| decided\nexit 0\n"), "{transcript}");
}

#[test]
fn the_own_disk_starts_or_the_firmware_goes_on() {
    let mut outcomes = Vec::new();
    for (generation, firmware, method) in [
        (Generation::Of2019, Firmware::Bios, LocalMethod::BiosDisk),
        (Generation::Of2025, Firmware::Uefi, LocalMethod::UefiDisk),
        (Generation::Of2019, Firmware::Uefi, LocalMethod::UefiDisk),
        (Generation::Of2025, Firmware::Uefi, LocalMethod::Exit),
    ] {
        let script = local_script(Some(&host()), &LocalWhy::Installed, method);
        let transcript = run(ipxe(generation, firmware), &script, |step, _| match step {
            Step::SanBoot { .. } => Some(Reply::Failed(errno::NOT_FOUND)),
            _ => Some(Reply::Done),
        });
        let rest: Vec<&str> = transcript.lines().filter(|line| !line.starts_with('|')).collect();
        outcomes.push(format!("{generation:?} {firmware:?} {method}: {}", rest.join(", ")));
    }
    expect![[r#"
        Of2019 Bios bios-disk: sanboot 0x80, exit 1
        Of2025 Uefi uefi-disk: sanboot 0x0, exit 1
        Of2019 Uefi uefi-disk: exit 1
        Of2025 Uefi exit: exit 1"#]]
    .assert_eq(&outcomes.join("\n"));
}

#[test]
fn a_confirmation_waits_for_its_key_and_asks_every_minute_whether_it_still_stands() {
    let (base, host, profile) = (base(), host(), "debian".parse().expect("a name"));
    let question = |asked: &Asked| {
        confirm_script(&Confirmation {
            base: &base,
            asked,
            host: &host,
            profile: &profile,
        })
    };
    let mut prompts = 0;
    let mut confirmed = false;
    let transcript = run(
        ipxe(Generation::Of2019, Firmware::Bios),
        &question(&asked()),
        |step, _| match step {
            Step::Prompt { .. } => {
                prompts += 1;
                Some(if prompts < 3 {
                    Reply::Failed(errno::TIMED_OUT)
                } else {
                    Reply::Key(b'y')
                })
            }
            Step::Fetch(url) => {
                let asked = Asked::read(&routed(url).1);
                confirmed = asked.confirmed;
                if confirmed { None } else { body(&question(&asked)) }
            }
            _ => Some(Reply::Done),
        },
    );
    assert!(confirmed);
    assert_eq!(prompts, 3);
    assert_eq!(
        transcript.matches("| Bootwright:").count(),
        1,
        "painted once:\n{transcript}"
    );
}

#[test]
fn a_machine_that_cannot_be_answered_asks_again_for_ever() {
    let script = unavailable_script(&base(), &asked(), "the store cannot be written");
    let transcript = run(
        ipxe(Generation::Of2019, Firmware::Bios),
        &script,
        |step, _| match step {
            Step::Fetch(_) => Some(Reply::Failed(errno::TIMED_OUT)),
            _ => Some(Reply::Done),
        },
    );
    assert!(transcript.ends_with("and so on\n"), "{transcript}");
    assert!(transcript.matches("sleep 5 s").count() > 20, "{transcript}");
}
