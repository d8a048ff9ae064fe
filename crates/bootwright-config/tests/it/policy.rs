//! What configurations mean, value by value.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bootwright_config::{BaseUrl, Listen, Sockets, render_all};
use bootwright_core::lease::{AddressRange, Subnet};
use bootwright_core::{
    Arch, Attribute, Confirm, DhcpMode, DoneTrigger, Initrd, LocalMethod, Pattern, Span, StageLimits, Unknown, Wipe,
};

use crate::good;

const DEBIAN: &str = r#"
[profiles.debian]
kernel = "/images/debian/linux"
initrds = ["/images/debian/initrd.gz", { source = "{{ run.url }}/preseed.cfg", target = "/preseed.cfg" }]
args = ["auto=true", "hostname={{ host.name }} domain={{ metadata.domain }}"]
deadline = "2h30m"
stages = { done = "90m" }
confirm = "none"
done = { config-served = "preseed.cfg" }

[profiles.debian.files]
"preseed.cfg" = "d-i mirror/country string manual\n"
"#;

#[test]
fn a_profile_has_what_was_written_and_defaults_for_the_rest() {
    let loaded = good(DEBIAN);
    let profile = &loaded.policy.profiles["debian"];
    assert_eq!(profile.kernel, "/images/debian/linux");
    let initrd = |source: &str, target: Option<&str>| Initrd {
        source: source.to_owned(),
        target: target.map(str::to_owned),
    };
    assert_eq!(
        profile.initrds,
        [
            initrd("/images/debian/initrd.gz", None),
            initrd("{{ run.url }}/preseed.cfg", Some("/preseed.cfg")),
        ]
    );
    assert_eq!(profile.args.len(), 2);
    assert_eq!(profile.deadline, Span::from_mins(150));
    assert_eq!(
        profile.stages,
        StageLimits {
            done: Span::from_mins(90),
            ..StageLimits::default()
        }
    );
    assert_eq!(profile.confirm, Confirm::None);
    assert_eq!(profile.done, DoneTrigger::ConfigServed("preseed.cfg".to_owned()));
    assert_eq!(
        profile.files["preseed.cfg"].template,
        "d-i mirror/country string manual\n"
    );
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn one_value_may_stand_for_a_list_of_one() {
    let profile = good("[profiles.a]\nkernel = \"/k\"\ninitrds = \"/i\"\nargs = \"a b\"\ndone = \"manual\"\n");
    let profile = &profile.policy.profiles["a"];
    assert_eq!(profile.initrds.len(), 1);
    assert_eq!(profile.args, ["a b"]);
}

#[test]
fn another_text_of_a_profile_is_another_revision_and_the_same_text_is_the_same() {
    let revision = |text: &str| good(text).policy.profiles["debian"].revision;
    let first = revision(DEBIAN);
    assert_eq!(first, revision(&format!("# a comment\n{DEBIAN}")));
    for (before, after) in [
        ("auto=true", "auto=false"),
        ("linux", "vmlinuz"),
        ("2h30m", "2h31m"),
        ("\"90m\"", "\"91m\""),
        ("string manual", "string DE"),
        ("target = \"/preseed.cfg\"", "target = \"/p.cfg\""),
        ("{ config-served = \"preseed.cfg\" }", "\"callback\""),
        ("confirm = \"none\"", ""),
    ] {
        let changed = DEBIAN.replace(before, after);
        assert_ne!(changed, DEBIAN, "{before} stands in the profile");
        assert_ne!(first, revision(&changed), "{before} -> {after}");
    }
}

#[test]
fn a_host_has_its_facts_its_words_and_its_own_ways() {
    let loaded = good(&format!(
        r#"{DEBIAN}
[hosts.oak-1]
mac = ["00:1b:21:00:00:02", "001b.2100.0001"]
uuid = "00112233-4455-6677-8899-AABBCCDDEEFF"
serial = "S4EVNX0M"
profile = "debian"
labels = {{ rack = 7 }}
metadata = {{ domain = "example.net", raid = true, disks = ["a", {{ by = "b" }}], net = {{ vlan = 12 }} }}
firmware = "ipxe-amd64.efi"
local_boot = "uefi-disk"
"#
    ));
    let host = &loaded.policy.hosts["oak-1"];
    let macs: Vec<String> = host.facts.macs.iter().map(ToString::to_string).collect();
    assert_eq!(macs, ["00:1b:21:00:00:01", "00:1b:21:00:00:02"]);
    assert_eq!(
        host.facts.uuid.map(|uuid| uuid.to_string()).as_deref(),
        Some("00112233-4455-6677-8899-aabbccddeeff")
    );
    assert_eq!(host.facts.serial.as_deref(), Some("S4EVNX0M"));
    assert_eq!(host.profile.as_ref().map(|profile| profile.as_str()), Some("debian"));
    assert_eq!(host.labels, BTreeMap::from([("rack".to_owned(), "7".to_owned())]));
    let metadata: Vec<(&str, &str)> = host
        .metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        metadata,
        [
            ("disks.0", "a"),
            ("disks.1.by", "b"),
            ("domain", "example.net"),
            ("net.vlan", "12"),
            ("raid", "true")
        ]
    );
    assert_eq!(host.first_file.as_deref(), Some("ipxe-amd64.efi"));
    assert_eq!(host.local, Some(LocalMethod::UefiDisk));
}

#[test]
fn rules_keep_their_order_and_ask_for_what_they_name() {
    let loaded = good(&format!(
        r#"{DEBIAN}
[[rules]]
name = "zebra"
when = {{ mac = "00-1B-21-*", label = {{ rack = "7" }}, "label.row" = "a?", interface = "eth1" }}
profile = "debian"
auto_arm = true
limit = 20

[[rules]]
name = "all"
profile = "debian"
"#
    ));
    let rules = &loaded.policy.rules;
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["zebra", "all"]);
    assert_eq!(
        rules[0].when,
        BTreeMap::from([
            (Attribute::Mac, Pattern::new("00:1b:21:*")),
            (Attribute::Link, Pattern::new("eth1")),
            (Attribute::Label("rack".to_owned()), Pattern::new("7")),
            (Attribute::Label("row".to_owned()), Pattern::new("a?")),
        ])
    );
    assert_eq!((rules[0].auto_arm, rules[0].limit), (true, Some(20)));
    assert_eq!((rules[1].auto_arm, rules[1].limit), (false, None));
    assert_ne!(rules[0].fingerprint, rules[1].fingerprint);
}

#[test]
fn rules_ask_for_reported_facts_and_give_metadata_with_or_without_a_profile() {
    let loaded = good(&format!(
        r#"{DEBIAN}
[[rules]]
name = "storage"
when = {{ fact = {{ memory_mib = ">=65536", cpu.count = "> 8" }}, "fact.disks.*.model" = "Samsung*", label.slot = "<4" }}
profile = "debian"
metadata = {{ role = "storage", disks = ["sda", {{ name = "sdb" }}], domain = "lab" }}

[[rules]]
name = "vlan"
when = {{ serial = "R1*" }}
metadata.vlan = 7

[hosts.oak]
mac = "52:54:00:00:00:01"
profile = "debian"
"#
    ));
    let policy = &loaded.policy;
    let fact = |name: &str| Attribute::Fact(name.to_owned());
    let storage = BTreeMap::from([
        (fact("memory_mib"), Pattern::new(">=65536")),
        (fact("cpu.count"), Pattern::new("> 8")),
        (fact("disks.*.model"), Pattern::new("Samsung*")),
        (Attribute::Label("slot".to_owned()), Pattern::new("<4")),
    ]);
    assert_eq!(
        policy.rules.iter().map(|rule| &rule.when).collect::<Vec<_>>(),
        [&storage]
    );
    let gifts: Vec<String> = policy
        .gifts
        .iter()
        .map(|gift| format!("{} {:?}", gift.rule, gift.metadata))
        .collect();
    assert_eq!(
        gifts,
        [
            r#"storage {"disks.0": "sda", "disks.1.name": "sdb", "domain": "lab", "role": "storage"}"#,
            r#"vlan {"vlan": "7"}"#
        ]
    );
    // The domain that its profile asks for comes from a rule that may match, so there is nothing to warn of.
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn safety_and_dhcp_are_what_they_say() {
    let loaded = good(
        r#"
[safety]
unknown = "local"
max_attempts = 3
wipe = "always"
arm_ttl = "30m"
protect_after = "off"
pause_after_failures = 9

[dhcp]
mode = "observe"
sockets = "packet"
relays = ["10.1.0.1"]
census = "off"
merged_offer = true

[dhcp.arch]
efi64 = "ipxe-amd64.efi"
bios = ["ipxe.pxe", "undionly.kkpxe", "own.pxe"]
0x29 = "rpi.efi"
loong64 = "off"
"#,
    );
    let safety = &loaded.policy.safety;
    assert_eq!(safety.unknown, Unknown::Local);
    assert_eq!((safety.max_attempts, safety.pause_after_failures), (3, 9));
    assert_eq!(safety.wipe, Wipe::Always);
    assert_eq!((safety.arm_ttl, safety.protect_after), (Span::from_mins(30), None));
    assert_eq!(loaded.policy.dhcp, DhcpMode::Observe);
    assert_eq!(loaded.policy.census, None);
    let file = |arch: Arch| loaded.policy.first_files.get(&arch).map(String::as_str);
    assert_eq!(file(Arch::EFI64), Some("ipxe-amd64.efi"));
    assert_eq!(file(Arch::new(0x29)), Some("rpi.efi"));
    assert_eq!(file(Arch::new(0x27)), None);
    let files = |arch: Arch| loaded.policy.boot_files(arch).collect::<Vec<_>>();
    assert_eq!(files(Arch::BIOS), ["ipxe.pxe", "undionly.kkpxe", "own.pxe"]);
    assert_eq!(files(Arch::EFI64), ["ipxe-amd64.efi"], "whoever names one wants that");
    assert_eq!(files(Arch::EFI64_HTTP), ["snponly.efi", "ipxe-amd64.efi"]);
    assert_eq!(files(Arch::new(0x27)), Vec::<&str>::new());
    assert!(loaded.policy.merged_offer);
    assert_eq!(loaded.daemon.dhcp.sockets, Sockets::Packet);
    assert_eq!(loaded.policy.relays, [Ipv4Addr::new(10, 1, 0, 1)].into());
}

#[test]
fn pools_and_addresses_of_hosts_are_what_they_say() {
    let loaded = good(
        r#"
[dhcp]
mode = "server"
force = true

[[dhcp.pools]]
subnet = "10.0.0.0/24"
range = ["10.0.0.200-220", "10.0.0.100 - 10.0.0.199", "10.0.0.50"]
router = "10.0.0.1"
dns = ["10.0.0.2", "10.0.0.3"]
domain = "example.net."
search = ["example.org", "lab.example.net"]
ntp = "10.0.0.4"
mtu = 9000
lease = "24h"
boot_lease = "5m"
interface = ["eth1", "br*"]
probe = false
keep_for_known = 25

[[dhcp.pools]]
subnet = "10.0.1.0/24"
relay = "10.9.9.9"

[hosts.oak]
mac = "52:54:00:00:00:01"
address = ["10.0.0.20", "10.0.1.20"]
"#,
    );
    assert_eq!(render_all(&loaded.warnings), "");
    let policy = loaded.policy;
    assert_eq!((policy.dhcp, policy.force), (DhcpMode::Server, true));
    let at = |host| Ipv4Addr::new(10, 0, 0, host);
    let range = |first, last| AddressRange {
        first: at(first),
        last: at(last),
    };
    let first = Subnet {
        network: "10.0.0.0/24".parse().expect("a network"),
        ranges: vec![range(50, 50), range(100, 199), range(200, 220)],
        routers: vec![at(1)],
        dns: vec![at(2), at(3)],
        domain: Some("example.net".to_owned()),
        search: vec!["example.org".to_owned(), "lab.example.net".to_owned()],
        ntp: vec![at(4)],
        mtu: Some(9000),
        lease: Span::from_hours(24),
        boot_lease: Span::from_mins(5),
        links: vec![Pattern::new("eth1"), Pattern::new("br*")],
        relays: Vec::new(),
        probe: false,
        known_share: 25,
    };
    let relay = Ipv4Addr::new(10, 9, 9, 9);
    let second = Subnet {
        network: "10.0.1.0/24".parse().expect("a network"),
        ranges: Vec::new(),
        routers: Vec::new(),
        dns: Vec::new(),
        domain: None,
        search: Vec::new(),
        ntp: Vec::new(),
        mtu: None,
        lease: Span::from_hours(12),
        boot_lease: Span::from_mins(10),
        links: Vec::new(),
        relays: vec![relay],
        probe: true,
        known_share: 10,
    };
    assert_eq!(policy.subnets, [Arc::new(first), Arc::new(second)]);
    assert!(policy.relays.contains(&relay), "naming a relay in a pool lists it");
    assert_eq!(policy.hosts["oak"].addresses, [at(20), Ipv4Addr::new(10, 0, 1, 20)]);
}

#[test]
fn firmware_keeps_no_address_for_longer_than_the_installed_system() {
    let pool = "[dhcp]\nmode = \"server\"\n[[dhcp.pools]]\nsubnet = \"10.0.0.0/24\"\n";
    let spans = |lease: &str| {
        let loaded = good(&format!("{pool}{lease}"));
        let subnet = &loaded.policy.subnets[0];
        (subnet.lease, subnet.boot_lease)
    };
    assert_eq!(spans("lease = \"5m\""), (Span::from_mins(5), Span::from_mins(5)));
    assert_eq!(spans("lease = \"1h\""), (Span::from_hours(1), Span::from_mins(10)));
}

#[test]
fn the_daemon_listens_where_it_is_told() {
    let daemon = good(
        r#"
[server]
interfaces = ["eth1", "en*"]
base_url = "http://boot.example.net:8080/"
http = "10.0.0.1:80"
data_dir = "/srv/bootwright"

[control]
listen = "[2001:db8::1]:443"
hosts = ["boot.example.net"]

[tftp]
max_blksize = 512
root = "/srv/tftp"
"#,
    )
    .daemon;
    assert_eq!(daemon.interfaces, ["eth1", "en*"]);
    assert_eq!(
        daemon.base_url,
        BaseUrl::Fixed("http://boot.example.net:8080".to_owned())
    );
    let listen = |address, port| Listen {
        address: Some(address),
        port,
    };
    assert_eq!(daemon.http, listen(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 80));
    let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    assert_eq!(daemon.control.listen, Some(listen(IpAddr::V6(address), 443)));
    assert_eq!(daemon.control.hosts, ["boot.example.net"]);
    assert_eq!(daemon.data_dir.as_deref(), Some("/srv/bootwright"));
    assert_eq!((daemon.tftp.max_blksize, daemon.tftp.max_windowsize), (512, 16));
    assert_eq!(daemon.tftp.root.as_deref(), Some("/srv/tftp"));
}
