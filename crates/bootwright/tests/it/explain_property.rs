//! Over random configurations, hosts and machines: what `explain` says is, byte for byte, what a client reads from the
//! daemon's sockets.
//!
//! One daemon, which reads another configuration in each round. `BOOTWRIGHT_EXPLAIN_SEED` repeats a run, and
//! `BOOTWRIGHT_EXPLAIN_ROUNDS` plays more of them than the gate has time for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use bootwright_client::ipxe::Generation;
use bootwright_client::rom::{Firmware, Rom};
use bootwright_core::{Arch, MacAddr, Uuid};
use bootwright_proto::hexdump::Hexdump;
use serde_json::Value;

use crate::cli::{ask, json};
use crate::daemon::{Daemon, PATIENCE, get};
use crate::front;
use crate::netns::Netns;
use crate::process::Random;
use crate::segment::{Client, segment};

const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// How many configurations the gate plays, and for how long at most.
const ROUNDS: u64 = 24;
const WITHIN: Duration = Duration::from_secs(45);
/// How many machines ask in each round.
const MACHINES: usize = 6;
/// Nothing came in this time where silence is what was said. Longer than an answer takes on a machine under load.
const SILENCE: Duration = Duration::from_millis(300);

/// A machine that asks.
#[derive(Clone, Debug)]
struct Asker {
    mac: MacAddr,
    uuid: Option<Uuid>,
    serial: Option<String>,
    arch: &'static str,
}

/// What is in a configuration, as far as commands name it.
#[derive(Default)]
struct Site {
    text: String,
    profiles: Vec<String>,
}

fn number(name: &str, usual: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(usual, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

fn machine(random: &mut Random) -> Asker {
    let tail = random.bytes(2);
    let uuid = format!("4c4c4544-0042-3510-8056-{:012x}", random.next() & 0xffff_ffff_ffff);
    Asker {
        mac: MacAddr::new([0x52, 0x54, 0, 0, tail[0], tail[1]]),
        uuid: (random.below(3) > 0).then(|| uuid.parse().expect("a UUID")),
        serial: (random.below(2) > 0).then(|| format!("R{}-{}", random.below(3), random.below(1000))),
        arch: random.of(&["bios", "efi64", "arm64", "efi64-http", "efi32"]),
    }
}

/// A configuration that names some of the machines.
fn site(random: &mut Random, machines: &[Asker]) -> Site {
    let mut site = Site::default();
    let text = &mut site.text;
    let unknown = random.of(&["hold", "hold", "local", "ignore"]);
    let mode = random.of(&["proxy", "proxy", "proxy", "proxy", "observe", "off"]);
    let _ = writeln!(text, "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\nmode = \"{mode}\"");
    if random.below(2) == 0 {
        let _ = writeln!(text, "[dhcp.arch]\nefi32 = \"snponly.efi\"");
    }
    let attempts = 1 + random.below(4);
    let _ = writeln!(
        text,
        "[safety]\nunknown = \"{unknown}\"\nmax_attempts = {attempts}\nmax_concurrent = {}",
        1 + random.below(40)
    );
    let _ = writeln!(
        text,
        "max_new_per_hour = 1000\npause_after_failures = 1000\ndocument_binding = \"address\""
    );
    for number in 0..1 + random.below(4) {
        let name = format!("p{number}");
        let args = [
            "quiet",
            "console=ttyS0",
            "host={{ host.name }}",
            "url={{ run.url }}/a.cfg",
            "serial={{ host.serial | default('none') }}",
        ];
        let given: Vec<String> = args
            .iter()
            .filter(|_| random.below(2) == 0)
            .map(|arg| format!("\"{arg}\""))
            .collect();
        let confirm = random.of(&["dashboard", "dashboard", "none", "console"]);
        let _ = writeln!(
            text,
            "[profiles.{name}]\nkernel = \"/images/{name}/linux\"\nconfirm = \"{confirm}\""
        );
        let _ = writeln!(text, "args = [{}]\ndone = \"manual\"", given.join(", "));
        let initrds: Vec<String> = (0..random.below(3))
            .map(|file| format!("\"/images/{name}/initrd{file}\""))
            .collect();
        let _ = writeln!(text, "initrds = [{}]", initrds.join(", "));
        let _ = writeln!(
            text,
            "[profiles.{name}.files]\n\"a.cfg\" = {{ text = \"{{{{ host.name }}}} {{{{ host.mac | default('-') }}}} {}\" }}",
            random.next()
        );
        site.profiles.push(name);
    }
    let _ = writeln!(
        text,
        "[profiles.rescue]\nkernel = \"/images/rescue/linux\"\ndone = \"manual\""
    );
    let _ = writeln!(
        text,
        "[profiles.menu]\nkind = \"menu\"\ntitle = \"Rack {}\"\nentries = [",
        random.below(9)
    );
    let _ = writeln!(
        text,
        "{{ title = \"disk\", local = true }},\n{{ title = \"rescue\", live = \"rescue\" }},"
    );
    let _ = writeln!(text, "{{ title = \"first\", install = \"p0\" }},\n]");
    for (place, machine) in machines
        .iter()
        .enumerate()
        .filter(|_| random.below(2) == 0)
        .collect::<Vec<_>>()
    {
        let _ = writeln!(
            text,
            "[hosts.named-{place}]\nmac = \"{}\"\nprofile = \"p0\"",
            machine.mac
        );
        match random.below(4) {
            0 => text.push_str("local_boot = \"exit\"\n"),
            1 => text.push_str("firmware = \"snponly.efi\"\n"),
            2 => text.push_str("offer = \"direct\"\n"),
            _ => {}
        }
        let _ = writeln!(text, "labels = {{ rack = \"r{}\" }}", random.below(3));
    }
    rules(random, &mut site);
    site
}

/// Up to three rules, some of which arm by themselves.
fn rules(random: &mut Random, site: &mut Site) {
    let text = &mut site.text;
    for rule in 0..random.below(4) {
        let wanted = random.of(&[
            "serial = \"R1*\"",
            "firmware = \"uefi\"",
            "\"label.rack\" = \"r1\"",
            "mac = \"52:54:*\"",
            "interface = \"lab0\"",
        ]);
        let profile = &site.profiles[random.below(site.profiles.len())];
        let _ = writeln!(
            text,
            "[[rules]]\nname = \"rule-{rule}\"\nwhen = {{ {wanted} }}\nprofile = \"{profile}\""
        );
        if random.below(3) == 0 {
            text.push_str("auto_arm = true\nlimit = 50\n");
        }
    }
}

fn firmware(arch: &str) -> Firmware {
    let of = |name: &str| Arch::from_name(name).expect("an architecture");
    match arch {
        "bios" => Firmware::Bios,
        "efi64-http" => Firmware::UefiHttp,
        name => Firmware::Uefi { arch: of(name) },
    }
}

/// The DISCOVER of a machine's firmware, or of the iPXE that it was led to.
fn discover(machine: &Asker, ipxe: bool, seed: u32) -> Vec<u8> {
    let firmware = match (ipxe, firmware(machine.arch)) {
        (false, firmware) => firmware,
        (true, _) => Firmware::Ipxe {
            generation: Generation::Of2025,
            arch: Arch::from_name(machine.arch.trim_end_matches("-http")).expect("an architecture"),
            chained: false,
        },
    };
    let (_, first) = Rom::begin(firmware, machine.mac, machine.uuid, seed, Duration::ZERO);
    first.expect("it begins by asking").bytes
}

fn asked(machine: &Asker) -> String {
    let platform = if machine.arch == "bios" { "pcbios" } else { "efi" };
    let mut query = format!("/ipxe?mac={}&platform={platform}", machine.mac.hyphens());
    if let Some(uuid) = machine.uuid {
        let _ = write!(query, "&uuid={uuid}");
    }
    if let Some(serial) = &machine.serial {
        let digits: String = serial.bytes().map(|byte| format!("{byte:02x}")).collect();
        let _ = write!(query, "&serial_hex={digits}");
    }
    query
}

fn said<'a>(explanation: &'a Value, channel: &str) -> Option<&'a Value> {
    let answers = explanation["answers"].as_array().expect("answers");
    answers.iter().find(|answer| answer["channel"] == channel)
}

/// The text with the token of its run put out.
fn without_token(text: &str) -> String {
    match text.split_once("/r/") {
        Some((_, rest)) if rest.len() >= 32 => text.replace(&rest[..32], &"0".repeat(32)),
        _ => text.to_owned(),
    }
}

/// What came over the segment, and how often which channel was compared.
struct Compared<'a> {
    daemon: &'a Daemon<'a>,
    wire: &'a Netns,
    channels: BTreeSet<String>,
    count: u32,
}

impl Compared<'_> {
    fn explain(&self, machine: &Asker, more: &str) -> Value {
        json(
            &self.daemon.socket(),
            &format!("explain {} --bytes {more}", machine.mac),
        )
    }

    fn note(&mut self, channel: &str, verdict: &str) {
        self.channels.insert(format!("{channel} {verdict}"));
        self.count += 1;
    }

    /// The packets of ports 67 and 4011, and the file that they name.
    fn offer(&mut self, machine: &Asker, ipxe: bool, seed: u32, whence: &str) {
        let channel = if ipxe {
            "dhcp ipxe".to_owned()
        } else {
            format!("dhcp {}", machine.arch)
        };
        let packet = discover(machine, ipxe, seed);
        let ask = |port, packet: &[u8], patience| {
            self.wire.run(|| {
                let client = Client::on("eth0", 68);
                let to = if port == 67 { Ipv4Addr::BROADCAST } else { OURS };
                client.send(packet, SocketAddrV4::new(to, port));
                client.reply_to(packet, patience)
            })
        };
        // It may never have been seen, and the packet shows what is supposed here.
        let explained = |compared: &Self| {
            let uuid = machine.uuid.map(|uuid| format!(" --as-if uuid={uuid}"));
            let mut more = format!(
                "--as-if arch={}",
                machine.arch.trim_end_matches(if ipxe { "-http" } else { "\0" })
            );
            more.push_str(uuid.as_deref().unwrap_or_default());
            let explanation = compared.explain(machine, &more);
            said(&explanation, &channel)
                .cloned()
                .unwrap_or_else(|| panic!("{whence}: nothing of {channel}: {explanation}"))
        };
        let before = explained(self);
        let silent = before["verdict"] == "silence";
        let heard = ask(67, &packet, if silent { SILENCE } else { PATIENCE });
        let verdict = before["verdict"].as_str().expect("a verdict").to_owned();
        match (&heard, silent) {
            (None, true) => return self.note(&channel, &verdict),
            (None, false) => panic!("{whence}: {channel}: {verdict} was said, and nothing came: {before}"),
            (Some(heard), true) => panic!("{whence}: {channel}: silence was said, and this came: {heard:?} {before}"),
            (Some(_), false) => {}
        }
        let heard = heard.expect("it came");
        let mut came = heard.bytes.clone();
        came[4..8].fill(0);
        assert_eq!(
            before["packet"].as_str(),
            Some(Hexdump(&came).to_string().as_str()),
            "{whence}: {channel}"
        );
        self.note(&channel, &verdict);
        if ipxe || machine.arch.ends_with("-http") {
            return;
        }
        self.file(machine, &before, whence);
    }

    /// The first file, by TFTP: its size is what was said.
    fn file(&mut self, machine: &Asker, offered: &Value, whence: &str) {
        let name = offered["text"].as_str().expect("a file");
        let explanation = self.explain(machine, &format!("--as-if arch={} --at tftp", machine.arch));
        let answer = said(&explanation, "tftp").unwrap_or_else(|| panic!("{whence}: nothing of tftp: {explanation}"));
        match (front::fetch(self.wire, name), answer["verdict"] == "first-file") {
            (Ok(content), true) => {
                assert_eq!(answer["bytes"].as_u64(), Some(content.len() as u64), "{whence}: {name}");
                self.note("tftp", "first-file");
            }
            (Err(_), false) => self.note("tftp", "silence"),
            (fetched, said) => panic!(
                "{whence}: {name}: said {said}, fetched {:?}",
                fetched.map(|content| content.len())
            ),
        }
    }

    /// The script, in each boot loader's language.
    fn script(&mut self, machine: &Asker, front: &str, whence: &str) {
        let hyphens = machine.mac.hyphens();
        let read = || match front {
            "ipxe" => get(self.wire, OURS, &asked(machine)).text().to_owned(),
            "grub" => get(self.wire, OURS, &format!("/bootwright/grub/ask/{}/", machine.mac))
                .text()
                .to_owned(),
            _ => {
                let content = front::fetch(self.wire, &format!("pxelinux.cfg/01-{hyphens}"));
                String::from_utf8(content.unwrap_or_default()).expect("text")
            }
        };
        // The first question tells all that the machine shows, and by which boot loader it asks.
        read();
        let explanation = self.explain(machine, "");
        let Some(answer) = said(&explanation, front) else {
            panic!("{whence}: nothing of {front}: {explanation}");
        };
        let verdict = answer["verdict"].as_str().expect("a verdict").to_owned();
        let explained = answer["text"].as_str().unwrap_or_default().to_owned();
        let came = read();
        if front != "ipxe" && verdict == "silence" {
            return self.note(front, "silence");
        }
        assert_eq!(explained, without_token(&came), "{whence}: {front}, {verdict}");
        self.note(front, &verdict);
        if verdict == "install" {
            self.document(machine, &came, whence);
        }
    }

    /// The document of the run that a script names.
    fn document(&mut self, machine: &Asker, script: &str, whence: &str) {
        let Some((_, rest)) = script.split_once("/r/") else {
            return;
        };
        let answer = get(self.wire, OURS, &format!("/r/{}/a.cfg", &rest[..32]));
        let explanation = self.explain(machine, "--at config");
        let Some(document) = said(&explanation, "config a.cfg") else {
            return;
        };
        assert_eq!(
            (answer.status, document["text"].as_str()),
            (200, Some(answer.text())),
            "{whence}: a.cfg"
        );
        self.note("config", "document");
    }
}

#[test]
fn what_is_explained_is_what_any_machine_reads_whatever_the_configuration_says() {
    let seed = number("BOOTWRIGHT_EXPLAIN_SEED", 0x0b00_7a11);
    let rounds = number("BOOTWRIGHT_EXPLAIN_ROUNDS", ROUNDS);
    let began = Instant::now();
    let (inside, wire) = segment();
    let mut random = Random(seed);
    let daemon = Daemon::start(&inside, "[server]\ninterfaces = [\"lab0\"]\n");
    let mut compared = Compared {
        daemon: &daemon,
        wire: &wire,
        channels: BTreeSet::new(),
        count: 0,
    };
    for round in 0..rounds {
        if rounds == ROUNDS && began.elapsed() > WITHIN {
            println!("{round} of {rounds} configurations in the time of the gate");
            break;
        }
        let whence = format!("round {round} of seed {seed} (BOOTWRIGHT_EXPLAIN_SEED={seed} repeats it)");
        let machines: Vec<Asker> = (0..MACHINES).map(|_| machine(&mut random)).collect();
        let site = site(&mut random, &machines);
        daemon.write_config(&site.text);
        let reloaded = ask(&daemon.socket(), "reload");
        assert_eq!(reloaded.code, 0, "{whence}: {reloaded:?}\n{}", site.text);
        for machine in &machines {
            let front = if machine.arch == "bios" {
                random.of(&["ipxe", "ipxe", "pxelinux"])
            } else {
                random.of(&["ipxe", "ipxe", "grub"])
            };
            compared.offer(machine, false, round as u32 + 1, &whence);
            compared.offer(machine, true, round as u32 + 2, &whence);
            compared.script(machine, front, &whence);
            let profile = &site.profiles[random.below(site.profiles.len())];
            let told = random.of(&["arm", "arm", "live", "menu", "local", "hold", "ignore", "lock"]);
            let words = match told {
                "arm" => format!("host arm {} {profile}", machine.mac),
                "live" => format!("host live {} rescue", machine.mac),
                "menu" => format!("host live {} menu", machine.mac),
                other => format!("host {other} {}", machine.mac),
            };
            let command = ask(&daemon.socket(), &words);
            // A host that nobody has met cannot be told everything; then it stays what it is.
            if command.code == 0 {
                compared.offer(machine, false, round as u32 + 3, &whence);
                compared.script(machine, front, &whence);
            }
        }
    }
    println!(
        "seed {seed}: {} answers compared: {:?}",
        compared.count, compared.channels
    );
    let seen = |wanted: &str| compared.channels.iter().any(|channel| channel == wanted);
    for wanted in [
        "dhcp bios first-file",
        "dhcp ipxe script",
        "tftp first-file",
        "ipxe hold",
        "ipxe install",
        "config document",
    ] {
        assert!(seen(wanted), "never compared: {wanted}, but {:?}", compared.channels);
    }
}
