//! `bootwright explain`: what it says is what machines read from the daemon's sockets.

use std::net::Ipv4Addr;

use expect_test::expect;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cli::{SITE, ask, json, transcript};
use crate::daemon::{Daemon, PATIENCE, get};
use crate::front;
use crate::netns::Netns;
use crate::segment::{captured, discover, segment};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// What is said to be answered on a channel.
fn said<'a>(explanation: &'a Value, channel: &str) -> &'a Value {
    let answers = explanation["answers"].as_array().expect("answers");
    let answer = answers.iter().find(|answer| answer["channel"] == channel);
    answer.unwrap_or_else(|| panic!("nothing is said of `{channel}`: {explanation}"))
}

/// The text with the token of its run put out.
fn without_token(text: &str) -> String {
    let Some((_, rest)) = text.split_once("/r/") else {
        return text.to_owned();
    };
    text.replace(&rest[..32], &"0".repeat(32))
}

#[test]
fn the_script_that_is_explained_is_the_script_that_is_served() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, SITE);
    let query = "mac=52-54-00-00-00-01&nic=52-54-00-00-00-0a&platform=efi&uuid=4c4c4544-0042-3510-8056-b4c04f4d3132\
                 &serial_hex=532d3137&buildarch=x86_64&version_hex=312e32312e31&ip=10.77.0.50";
    let serve = || {
        let answer = get(&machine, OURS, &format!("/ipxe?{query}"));
        assert_eq!(answer.status, 200);
        without_token(answer.text())
    };
    serve();
    let stories: [(&[&str], &str); 8] = [
        (&[], "hold"),
        (&["host arm oak-1"], "install"),
        (&[], "install"),
        (&[], "give-up"),
        (&[], "local"),
        (&["host live oak-1 rescue"], "live"),
        (&["host local oak-1"], "local"),
        (&["host ignore oak-1"], "silence"),
    ];
    for (number, (commands, verdict)) in stories.into_iter().enumerate() {
        for command in commands {
            assert_eq!(ask(&daemon.socket(), command).code, 0, "{command}");
        }
        let explanation = json(&daemon.socket(), "explain oak-1");
        let answer = said(&explanation, "ipxe");
        assert_eq!(answer["verdict"], verdict, "story {number}: {explanation}");
        let text = answer["text"].as_str().expect("a text");
        assert_eq!(text, serve(), "story {number}, {verdict}");
    }
}

#[test]
fn the_boot_file_that_is_explained_is_the_boot_file_that_is_offered() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, SITE);
    for (packet, channel) in [
        ("uefi-firmware-discover", "dhcp efi64"),
        ("bios-firmware-discover", "dhcp bios"),
        ("bios-ipxe-discover", "dhcp ipxe"),
    ] {
        let packet = captured(packet);
        let mac = packet[28..34]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(":");
        let heard = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
        let explanation = json(&daemon.socket(), &format!("explain {mac}"));
        let text = said(&explanation, channel)["text"]
            .as_str()
            .expect("a boot file")
            .to_owned();
        assert_eq!(text.as_bytes(), heard.answer.file, "{channel}");
    }
}

/// The size and the sum that `explain` names are those of the bytes that a machine fetches.
#[test]
fn the_file_that_is_explained_is_the_file_that_is_fetched_by_tftp_and_by_uefi_http_boot() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, SITE);
    for (packet, offer, channel) in [
        ("bios-firmware-discover", "dhcp bios", "tftp"),
        ("uefi-firmware-discover", "dhcp efi64", "tftp"),
        ("http-firmware-discover", "dhcp efi64-http", "http"),
    ] {
        let packet = captured(packet);
        let card = packet[28..34].iter().map(|byte| format!("{byte:02x}"));
        let mac = card.collect::<Vec<_>>().join(":");
        let heard = discover(&machine, "eth0", &packet, PATIENCE).expect("an offer");
        let explanation = json(&daemon.socket(), &format!("explain {mac}"));
        let text = said(&explanation, offer)["text"].as_str().expect("a boot file");
        assert_eq!(text.as_bytes(), heard.answer.file, "{offer}");
        let fetched = match text.strip_prefix("http://10.77.0.1:8080") {
            Some(path) => get(&machine, OURS, path).body,
            None => front::fetch(&machine, text).expect("the file is there"),
        };
        let (_, name) = text.rsplit_once('/').unwrap_or(("", text));
        let sum: String = Sha256::digest(&fetched)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let words = format!("`{name}` has {} bytes, SHA-256 {sum}", fetched.len());
        assert_eq!(said(&explanation, channel)["words"], words.as_str(), "{offer}");
    }
}

/// What GRUB and PXELINUX are told by HTTP and TFTP, in each state.
#[test]
fn the_configuration_that_is_explained_is_the_one_that_grub_and_pxelinux_read() {
    let grub = |machine: &Netns| {
        let asked = "/bootwright/grub/ask/52:54:00:00:00:01/";
        get(machine, OURS, asked).text().to_owned()
    };
    let grub_by_tftp = |machine: &Netns| {
        let content = front::fetch(machine, "bootwright/grub/ask/52:54:00:00:00:01/");
        String::from_utf8(content.expect("a configuration")).expect("text")
    };
    let pxelinux = |machine: &Netns| {
        let content = front::fetch(machine, front::PXELINUX).expect("a configuration");
        String::from_utf8(content).expect("text")
    };
    let read_by: [&dyn Fn(&Netns) -> String; 3] = [&grub, &grub_by_tftp, &pxelinux];
    for (channel, read) in ["grub", "grub", "pxelinux"].into_iter().zip(read_by) {
        let (inside, machine) = segment();
        let daemon = Daemon::start(&inside, front::CONFIG);
        let host = "52:54:00:00:00:01";
        read(&machine);
        let compared = |verdict: &str| {
            let explanation = json(&daemon.socket(), &format!("explain {host}"));
            let answer = said(&explanation, channel);
            assert_eq!(answer["verdict"], verdict, "{channel}: {explanation}");
            let explained = answer["text"].as_str().expect("a text").to_owned();
            let read = read(&machine);
            assert_eq!(explained, without_token(&read), "{channel}, {verdict}");
            read
        };
        let tell = |words: &str| assert_eq!(ask(&daemon.socket(), &format!("host {words}")).code, 0, "{words}");
        compared("hold");
        tell(&format!("arm {host} lab"));
        let run = front::run(&compared("install"));
        assert_eq!(get(&machine, OURS, &format!("{run}/done")).status, 200);
        compared("local");
        tell(&format!("live {host} memtest"));
        compared("live");
        tell(&format!("hold {host}"));
        compared("hold");
    }
}

#[test]
fn a_request_that_was_not_answered_is_explained() {
    let (inside, machine) = segment();
    let daemon = Daemon::start(&inside, SITE);
    let boots = captured("bios-firmware-discover");
    discover(&machine, "eth0", &boots, PATIENCE).expect("an offer");
    let mac = boots[28..34]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":");
    assert_eq!(ask(&daemon.socket(), &format!("host ignore {mac}")).code, 0);
    daemon.clear_log();
    let silence = std::time::Duration::from_millis(500);
    assert!(discover(&machine, "eth0", &boots, silence).is_none());
    daemon.wait_for_log("the host is ignored");
    let explanation = json(&daemon.socket(), &format!("explain {mac}"));
    assert_eq!(said(&explanation, "dhcp bios")["verdict"], "silence");
    let why = explanation["silences"][0]["words"].as_str().expect("a reason");
    assert!(why.contains("the host is ignored"), "{why}");
}

/// The words alone: what is sent is compared with what machines read.
fn without_texts(transcript: &str) -> String {
    let words = transcript.lines().filter(|line| !line.starts_with("  | "));
    words.map(|line| format!("{line}\n")).collect()
}

#[test]
fn rules_safety_and_answers_are_told_in_words() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let commands = [
        "host arm oak-1 debian --allow-wipe S4EVNX0M",
        "host lock oak-2",
        "pause cooling is off",
        "explain oak-1",
        "explain oak-2 --as-if label.rack=b",
        "explain 52:54:00:00:00:09 --as-if arch=efi64-http",
        "explain 00:00:00:00:00:00",
        "explain oak-3",
        "explain oak-1 --as-if colour=red",
        "explain oak-1 --as-if profile=debain",
    ];
    expect![[r#"
        $ bootwright host arm oak-1 debian --allow-wipe S4EVNX0M
        oak-1: armed with debian by root for 1 d, overwriting of S4EVNX0M allowed
        the install begins when it next boots from the network
        $ bootwright host lock oak-2
        oak-2: locked
        $ bootwright pause cooling is off
        installs are paused: cooling is off; `bootwright resume` lets them go on
        $ bootwright explain oak-1
        oak-1: armed
        it waits: installs are paused: cooling is off

        identity
          known as oak-1: mac 52:54:00:00:00:01

        meant for
          debian  hosts.oak-1.profile  DIRECTORY/config.toml:18

        rules
          rack-b  rescue  no  label.rack is `a`, and `b` is asked for  DIRECTORY/config.toml:25

        safety
          pause                 installs are paused: cooling is off; `bootwright resume` lets them go on
          arm_ttl               its arming by root lapses, unless its install begins, in 1 d
          identity              it was armed as the machine with these facts; one that shows others is held
          documents_over_http   the file of its profile can be read on the segment while its run lasts
          max_concurrent        0 of 32 installs are under way
          max_new_per_hour      0 of 200 installs began within the last hour
          pause_after_failures  0 runs failed in a row; 3 would pause all installs

        disk guard
          empty-only  an empty disk may be written; S4EVNX0M may be overwritten

        answers
          dhcp bios  first-file  it fetches `undionly.kpxe` by TFTP from 127.0.0.1; the offer is worded `direct`
          tftp       first-file  `undionly.kpxe` has 70000 bytes, SHA-256 8df00fd03a0aa5f135ee7a04a56549b4115396997ab384b7d03868064fdd07d8
          dhcp ipxe  script      it fetches the script that asks what to do: http://127.0.0.1:8080/boot.ipxe
          ipxe       hold        it waits: installs are paused: cooling is off

        ipxe

        why not?
          bootwright explain oak-1 --as-if label.rack=b
          bootwright explain oak-1 --as-if paused=no
        $ bootwright explain oak-2 --as-if label.rack=b
        oak-2: new
        it waits: nobody has armed it

        identity
          known as oak-2: mac 52:54:00:00:00:02

        rules
          rack-b  rescue  decides  all that it asks is there; it arms nothing by itself  DIRECTORY/config.toml:25

        safety
          pause                 installs are paused: cooling is off; `bootwright resume` lets them go on
          lock                  it is locked; `bootwright host unlock oak-2` takes the lock away
          unknown               hosts that nobody has decided about are held
          max_concurrent        0 of 32 installs are under way
          max_new_per_hour      0 of 200 installs began within the last hour
          pause_after_failures  0 runs failed in a row; 3 would pause all installs

        disk guard
          empty-only  an empty disk may be written

        answers
          dhcp bios  first-file  it fetches `undionly.kpxe` by TFTP from 127.0.0.1; the offer is worded `direct`
          tftp       first-file  `undionly.kpxe` has 70000 bytes, SHA-256 8df00fd03a0aa5f135ee7a04a56549b4115396997ab384b7d03868064fdd07d8
          dhcp ipxe  script      it fetches the script that asks what to do: http://127.0.0.1:8080/boot.ipxe
          ipxe       hold        it waits: nobody has armed it

        ipxe

        why not?
          bootwright explain oak-2 --as-if profile=debian
          bootwright explain oak-2 --as-if paused=no
        $ bootwright explain 52:54:00:00:00:09 --as-if arch=efi64-http
        plum-79: new
        it waits: nobody has armed it

        identity
          not known yet; it would be remembered as a new host

        rules
          rack-b  rescue  no  label.rack is not known, and `b` is asked for  DIRECTORY/config.toml:25

        safety
          pause                 installs are paused: cooling is off; `bootwright resume` lets them go on
          unknown               hosts that nobody has decided about are held
          max_concurrent        0 of 32 installs are under way
          max_new_per_hour      0 of 200 installs began within the last hour
          pause_after_failures  0 runs failed in a row; 3 would pause all installs

        disk guard
          empty-only  an empty disk may be written

        answers
          dhcp efi64-http  first-file  it fetches `snponly.efi` by HTTP: http://127.0.0.1:8080/firmware/snponly.efi
          http             first-file  `snponly.efi` has 70000 bytes, SHA-256 3efe64216472c4bbc774b7d94d51204d7fb95dae94c3dbcc5c8ae7da51bffff8
          dhcp ipxe        script      it fetches the script that asks what to do: http://127.0.0.1:8080/boot.ipxe
          ipxe             hold        it waits: nobody has armed it

        ipxe

        why not?
          bootwright explain 52:54:00:00:00:09 --as-if profile=debian
          bootwright explain 52:54:00:00:00:09 --as-if label.rack=b
          bootwright explain 52:54:00:00:00:09 --as-if paused=no
        $ bootwright explain 00:00:00:00:00:00
        00:00:00:00:00:00: unknown
        it waits: it shows neither a proper hardware address nor a UUID nor a serial number

        identity
          nothing tells it from other machines

        answers
          ipxe  hold  it waits: it shows neither a proper hardware address nor a UUID nor a serial number

        ipxe
        $ bootwright explain oak-3
        error: no host is called `oak-3`
         hint: did you mean `oak-1`? `bootwright host list` shows all hosts
        [exit 1]
        $ bootwright explain oak-1 --as-if colour=red
        error: `colour` cannot be supposed; keys are: profile, live, state, locked, arch, firmware, front, interface, address, mac, uuid, serial, asset, manufacturer, product, label.KEY, metadata.KEY, confirmed, chosen, mode, unknown, wipe, paused, max_attempts, max_concurrent, max_new_per_hour
        [exit 1]
        $ bootwright explain oak-1 --as-if profile=debain
        error: --as-if: no profile is called `debain`
         hint: did you mean `debian`?
        [exit 1]
    "#]]
    .assert_eq(&without_texts(&transcript(&daemon, &commands)).replace(&daemon.directory().display().to_string(), "DIRECTORY"));
}

/// The documents of a run as they are explained, the facts that a machine reported, and where in the configuration all that is said.
#[test]
fn documents_facts_and_places_are_told_and_secrets_are_not() {
    let inside = Netns::new("daemon");
    let secret = std::env::temp_dir().join(format!("bootwright-explain-{}", std::process::id()));
    std::fs::write(&secret, "hunter2\n").expect("a secret");
    let site = format!("{SITE}\n[secrets]\nluks = {{ file = \"{}\" }}\n", secret.display());
    let site = site.replace("{{ run.url }}/done\" }", "{{ run.url }}/done {{ secret('luks') }}\" }");
    let daemon = Daemon::start(&inside, &site);
    let explanation = json(&daemon.socket(), "explain oak-1 --as-if profile=debian --at config");
    let document = said(&explanation, "config preseed.cfg");
    let text = document["text"].as_str().expect("a document");
    assert!(
        text.ends_with(&format!("/r/{}/done ‹secret:luks›", "0".repeat(32))),
        "{text}"
    );
    let words = format!("`preseed.cfg` has {} bytes, 1 secret left out", text.len());
    assert_eq!(document["words"], words.as_str());
    assert_eq!(
        explanation["answers"].as_array().map(Vec::len),
        Some(1),
        "one channel alone"
    );
    let line = |wanted: &str| {
        site.lines()
            .position(|line| line.contains(wanted))
            .expect("it is there")
            + 1
    };
    let place = explanation["meant"]["place"].as_str().expect("a place");
    assert!(
        place.ends_with(&format!("config.toml:{}", line("profile = \"debian\""))),
        "{place}"
    );
    let place = explanation["rules"][0]["place"].as_str().expect("a place");
    assert!(
        place.ends_with(&format!("config.toml:{}", line("name = \"rack-b\""))),
        "{place}"
    );
    let whole = ask(&daemon.socket(), "explain oak-1 --as-if profile=debian --bytes");
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(
        whole.out.contains("‹secret:luks›") && !whole.out.contains("hunter2"),
        "{}",
        whole.out
    );
    assert!(
        whole.out.contains("pxe bios, ") && whole.out.contains("undionly.kpxe"),
        "{}",
        whole.out
    );
    std::fs::remove_file(&secret).expect("it is there");
}

/// What the site, the host and its machine are supposed to be leads to what is said then, and to nothing else.
#[test]
fn everything_that_decides_can_be_supposed() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let verdict = |host: &str, suppositions: &str, channel: &str| {
        let items: Vec<String> = suppositions
            .split_whitespace()
            .map(|item| format!("--as-if {item}"))
            .collect();
        let explanation = json(&daemon.socket(), &format!("explain {host} {}", items.join(" ")));
        let answer = said(&explanation, channel);
        let words = answer["words"].as_str().expect("words").to_owned();
        format!("{}: {words}", answer["verdict"].as_str().expect("a verdict"))
    };
    let mut told = String::new();
    for (suppositions, channel) in [
        ("", "ipxe"),
        ("state=hold", "ipxe"),
        ("state=local", "ipxe"),
        ("state=installed firmware=uefi", "ipxe"),
        ("state=failed", "ipxe"),
        ("state=ignored", "dhcp bios"),
        ("live=rescue", "ipxe"),
        ("live=rescue front=grub", "grub"),
        ("profile=debian", "ipxe"),
        ("profile=debian locked=yes", "ipxe"),
        ("profile=debian paused=yes", "ipxe"),
        ("profile=debian max_concurrent=0", "ipxe"),
        ("profile=debian max_new_per_hour=0", "ipxe"),
        ("profile=debian max_attempts=0", "ipxe"),
        ("unknown=local", "ipxe"),
        ("unknown=ignore", "dhcp bios"),
        ("mode=observe", "dhcp bios"),
        ("mode=off", "dhcp bios"),
        ("arch=arm64", "dhcp arm64"),
    ] {
        told.push_str(&format!(
            "{suppositions:<36} {}\n",
            verdict("oak-2", suppositions, channel)
        ));
    }
    expect![[r#"
                                             hold: it waits: nobody has armed it
        state=hold                           hold: it waits: it is held until it is armed
        state=local                          local: it starts its own disk: an operator chose its own disk; by the boot sector of its first disk
        state=installed firmware=uefi        local: it starts its own disk: it is installed; by the boot loader of a disk
        state=failed                         local: it starts its own disk: its last run failed; arm it again to install it; by the boot sector of its first disk
        state=ignored                        silence: nothing is answered: the host is ignored
        live=rescue                          live: it boots rescue, as every time
        live=rescue front=grub               live: it boots rescue, as every time
        profile=debian                       install: it installs debian, attempt 1 of 2
        profile=debian locked=yes            hold: it waits: it is locked
        profile=debian paused=yes            hold: it waits: installs are paused: as is supposed
        profile=debian max_concurrent=0      hold: it waits: 0 installs are under way, as many as `max_concurrent` allows
        profile=debian max_new_per_hour=0    hold: it waits: 0 installs began within the last hour, as many as `max_new_per_hour` allows
        profile=debian max_attempts=0        hold: it waits: installs are paused: `max_attempts` is 0
        unknown=local                        local: it starts its own disk: the policy for unknown hosts is `local`; by the boot sector of its first disk
        unknown=ignore                       silence: nothing is answered: the policy for unknown hosts is `ignore`
        mode=observe                         silence: nothing is answered: the mode is `observe`; else it would fetch `undionly.kpxe`
        mode=off                             silence: nothing is answered: the mode is `off`
        arch=arm64                           first-file: it fetches `ipxe-arm64.efi` by TFTP from 127.0.0.1; the offer is worded `direct`
    "#]].assert_eq(&told);
    assert_eq!(
        json(&daemon.socket(), "host list")["hosts"],
        serde_json::json!([]),
        "nothing came of it"
    );
    for (item, words) in [
        ("state=armed", "`profile=NAME` arms"),
        ("paused=perhaps", "`yes` or `no`"),
        ("mode=loud", "`observe`"),
        ("front=lilo", "pxelinux"),
        ("mac=xyz", "hardware address"),
    ] {
        let refused = ask(&daemon.socket(), &format!("explain oak-2 --as-if {item}"));
        assert!(refused.code == 1 && refused.err.contains(words), "{item}: {refused:?}");
    }
}

#[test]
fn supposing_an_arming_shows_the_install_and_arms_nobody() {
    let inside = Netns::new("daemon");
    let daemon = Daemon::start(&inside, SITE);
    let explanation = json(&daemon.socket(), "explain oak-2 --as-if profile=debian");
    assert_eq!(said(&explanation, "ipxe")["verdict"], "install");
    assert_eq!(json(&daemon.socket(), "explain oak-2")["state"], "new");
    assert_eq!(
        said(&json(&daemon.socket(), "explain oak-2"), "ipxe")["verdict"],
        "hold"
    );
    assert_eq!(
        json(&daemon.socket(), "host list")["hosts"],
        serde_json::json!([]),
        "explaining changes nothing"
    );
}
