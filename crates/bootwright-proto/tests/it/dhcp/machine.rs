//! The client's side: requests that we write, answers that we read.

use std::collections::BTreeSet;

use bootwright_core::Arch;
use bootwright_proto::dhcp::{
    Answer, Boot, BootFile, Discard, Feature, Ipxe, Reply, Request, parse, parse_answer, render, render_request,
};
use dhcproto::v4::{DhcpOption, Message, OptionCode};
use expect_test::{Expect, expect};

use super::answer::lease;
use super::golden::{Golden, SERVERS, unhex};
use super::packet::Packet;
use super::reading::decode;

macro_rules! answers {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../test_data/dhcp/answer/", $name, ".hex")))),*]
    };
}

/// What dnsmasq answered in the captures, as a proxy and as the plain DHCP server.
pub(crate) fn answers() -> Vec<(&'static str, Vec<u8>)> {
    answers![
        "dnsmasq-4011-ack"
        "dnsmasq-boot-server-ack"
        "dnsmasq-proxy-offer-to-http-boot"
        "dnsmasq-proxy-offer-to-uefi"
        "dnsmasq-proxy-offer-with-menu"
        "plain-dhcp-offer"
        "plain-dhcp-offer-through-a-relay"
    ]
    .into_iter()
    .map(|(name, text)| {
        (
            name,
            text.lines()
                .filter(|line| !line.starts_with('#'))
                .flat_map(unhex)
                .collect(),
        )
    })
    .collect()
}

#[test]
fn what_we_write_for_a_machine_has_the_same_options_as_the_machines_own_packet() {
    for golden in Golden::all() {
        let written = render_request(&parse(&golden.bytes).expect(golden.name));
        let (mut real, mut ours) = (decode(&golden.bytes), decode(&written));
        assert_eq!(features(&mut ours), features(&mut real), "{}", golden.name);
        assert_eq!(ours.opts(), real.opts(), "{}", golden.name);
        assert_eq!(written[..240], golden.bytes[..240], "{}", golden.name);
    }
}

/// Takes option 175 out and lists the numbers in it: builds differ in their order and in the values.
fn features(message: &mut Message) -> Option<BTreeSet<u8>> {
    let DhcpOption::Unknown(option) = message.opts_mut().remove(OptionCode::Unknown(175))? else {
        panic!("dhcproto has learned what option 175 is")
    };
    let (mut numbers, mut rest) = (BTreeSet::new(), option.data());
    while let [number, len, tail @ ..] = rest {
        numbers.insert(*number);
        rest = &tail[usize::from(*len)..];
    }
    Some(numbers)
}

#[test]
fn every_request_that_we_write_is_read_as_it_was_meant() {
    let read = |packet: Packet| parse(&packet.end()).expect("sound");
    let plain = read(Packet::uefi());
    let ipxe = Ipxe::default().with(Feature::Http).with(Feature::Efi);
    let meant = Request {
        hops: 3,
        secs: 12,
        broadcast: true,
        giaddr: [10, 1, 2, 1].into(),
        host_name: Some("node1".to_owned()),
        requested: Some([10, 77, 0, 9].into()),
        server_id: Some([10, 77, 0, 1].into()),
        parameters: (0..=254).chain(0..=100).collect(),
        max_message: Some(1472),
        client_id: Some(vec![]),
        user_class: vec![b"lab".to_vec(), b"iPXE".to_vec()],
        archs: vec![Arch::EFI64, Arch::EBC],
        interface: Some([1, 3, 0]),
        machine_id: Some(vec![]),
        boot_item: Some(vec![0x80, 0, 0, 0]),
        ipxe: Some(ipxe),
        relay_info: Some(vec![5, 4, 10, 1, 2, 0]),
        link_selection: Some([10, 1, 2, 0].into()),
        subnet_selection: Some([10, 9, 0, 0].into()),
        ..plain
    };
    assert_eq!(parse(&render_request(&meant)), Ok(meant.clone()));
    let list_like = Request {
        user_class: vec![b"\x03lab".to_vec()],
        ..meant
    };
    assert_eq!(parse(&render_request(&list_like)), Ok(list_like));
}

/// The facts of an answer that decide what its reader does next.
fn line(name: &str, answer: &Answer) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let mut line = format!(
        "{name}: {:?} from {:?}",
        answer.message.expect("DHCP"),
        answer.server_id.expect("a server")
    );
    line += &format!(
        " yiaddr {} siaddr {} giaddr {}",
        answer.yiaddr, answer.siaddr, answer.giaddr
    );
    line += &format!(" file `{}` name `{}`", text(&answer.file), text(&answer.server_name));
    if let Some(file) = &answer.boot_file {
        line += &format!(" 67 `{}`", text(file));
    }
    line += &format!(
        " class `{}` control {:?}",
        text(&answer.vendor_class),
        answer.discovery_control()
    );
    line + &format!(
        " lease {:?} mask {:?} routers {:?}\n",
        answer.lease_secs, answer.mask, answer.routers
    )
}

fn check(answers: impl IntoIterator<Item = (&'static str, Vec<u8>)>, expected: Expect) {
    let line = |(name, bytes): (&str, Vec<u8>)| line(name, &parse_answer(&bytes).expect(name));
    expected.assert_eq(&answers.into_iter().map(line).collect::<String>());
}

#[test]
fn answers_of_other_servers_are_read() {
    check(
        answers(),
        expect![[r#"
        dnsmasq-4011-ack: Ack from 10.99.0.2 yiaddr 0.0.0.0 siaddr 10.99.0.2 giaddr 0.0.0.0 file `snponly.efi` name `10.99.0.2` class `PXEClient` control None lease None mask None routers []
        dnsmasq-boot-server-ack: Ack from 10.99.0.2 yiaddr 10.99.0.165 siaddr 10.99.0.2 giaddr 0.0.0.0 file `undionly.kpxe` name `` class `PXEClient` control None lease None mask None routers []
        dnsmasq-proxy-offer-to-http-boot: Offer from 10.99.0.2 yiaddr 0.0.0.0 siaddr 0.0.0.0 giaddr 0.0.0.0 file `` name `` 67 `http://10.99.0.2:8080/tftp/snponly.efi` class `HTTPClient` control None lease None mask None routers []
        dnsmasq-proxy-offer-to-uefi: Offer from 10.99.0.2 yiaddr 0.0.0.0 siaddr 10.99.0.2 giaddr 0.0.0.0 file `` name `` class `PXEClient` control None lease None mask None routers []
        dnsmasq-proxy-offer-with-menu: Offer from 10.99.0.2 yiaddr 0.0.0.0 siaddr 0.0.0.0 giaddr 0.0.0.0 file `` name `` class `PXEClient` control Some(3) lease None mask None routers []
        plain-dhcp-offer: Offer from 10.99.0.1 yiaddr 10.99.0.165 siaddr 10.99.0.1 giaddr 0.0.0.0 file `` name `` class `` control None lease Some(600) mask Some(255.255.255.0) routers [10.99.0.1]
        plain-dhcp-offer-through-a-relay: Offer from 10.99.0.2 yiaddr 10.99.1.191 siaddr 10.99.0.2 giaddr 10.99.1.1 file `` name `` 67 `http://10.99.0.2:8080/boot.ipxe\x00` class `` control None lease Some(600) mask Some(255.255.255.0) routers [10.99.1.1]
    "#]],
    );
}

#[test]
fn our_own_answers_are_read() {
    let request = parse(&Golden::named("rom-ipxe-discover").bytes).expect("sound");
    let script = BootFile::new("http://10.99.0.2:8080/boot.ipxe").expect("a name");
    let boot = Boot::Ipxe { script };
    let written = |reply: &Reply| render(&request, SERVERS[0], reply).expect("a reply");
    let offer = written(&Reply::ProxyOffer(boot.clone()));
    let leased = written(&Reply::LeaseOffer(lease(), Some(boot)));
    let priority = |bytes: &[u8]| parse_answer(bytes).expect("sound").ipxe_option(1).map(<[u8]>::to_vec);
    assert_eq!((priority(&offer), priority(&leased)), (Some(vec![127]), None));
    check(
        [("proxy", offer), ("server", leased), ("refusal", written(&Reply::Nak))],
        expect![[r#"
            proxy: Offer from 10.99.0.2 yiaddr 0.0.0.0 siaddr 10.99.0.2 giaddr 0.0.0.0 file `http://10.99.0.2:8080/boot.ipxe` name `10.99.0.2` 67 `http://10.99.0.2:8080/boot.ipxe\x00` class `PXEClient` control None lease None mask None routers []
            server: Offer from 10.99.0.2 yiaddr 10.77.0.50 siaddr 10.99.0.2 giaddr 0.0.0.0 file `http://10.99.0.2:8080/boot.ipxe` name `10.99.0.2` 67 `http://10.99.0.2:8080/boot.ipxe\x00` class `PXEClient` control None lease Some(600) mask Some(255.255.255.0) routers [10.77.0.254]
            refusal: Nak from 10.99.0.2 yiaddr 0.0.0.0 siaddr 0.0.0.0 giaddr 0.0.0.0 file `` name `` class `` control None lease None mask None routers []
        "#]],
    );
}

#[test]
fn every_truncation_of_an_answer_is_read_or_refused() {
    for (name, bytes) in answers() {
        for len in 0..bytes.len() {
            match parse_answer(&bytes[..len]) {
                Ok(_) => assert!(len >= 240, "{name}"),
                Err(Discard::TooShort { .. }) => assert!(len < 240, "{name}"),
                Err(Discard::TruncatedOption { .. }) => assert!(len > 240, "{name}"),
                Err(other) => panic!("{name}: {len} bytes: {other}"),
            }
        }
    }
}

#[test]
fn a_request_is_no_answer_and_a_field_that_holds_options_no_text() {
    let request = Packet::uefi().end();
    assert_eq!(parse_answer(&request), Err(Discard::NotBootReply { op: 1 }));
    let overloaded = Packet::uefi()
        .at(0, &[2])
        .at(108, b"\x43\x03a.b\x34\x01\x01\xff")
        .option(52, &[1])
        .end();
    let answer = parse_answer(&overloaded).expect("sound");
    assert_eq!((answer.file, answer.boot_file), (vec![], Some(b"a.b".to_vec())));
}
