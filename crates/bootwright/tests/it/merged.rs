//! Offers that are merged with the DHCP server's, on real sockets beside a real server.

use std::net::Ipv4Addr;
use std::time::Duration;

use bootwright_proto::dhcp::MessageType;

use crate::census::{Lan, RANGE, status};
use crate::daemon::{Daemon, PATIENCE, wait_until};
use crate::dnsmasq::Dnsmasq;
use crate::segment::{Client, Heard, captured, with_card};

const CARD: [u8; 6] = [0x52, 0x54, 0, 0, 0x4d, 1];
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
const OURS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Longer than any answer takes on a machine under load, and still bearable for a test that waits for nothing.
const SILENCE: Duration = Duration::from_millis(700);

fn config(allowed: bool) -> String {
    format!(
        "[server]\ninterfaces = [\"lab0\"]\n[dhcp]\ncensus = \"10s\"\nmerged_offer = {allowed}\n\
         [hosts.stubborn]\nmac = \"52:54:00:00:4d:01\"\noffer = \"merged\"\n"
    )
}

/// All that is answered to one DISCOVER until nothing more comes, with at least so many replies.
fn offers(lan: &Lan, packet: &[u8], least: usize) -> Vec<Heard> {
    lan.machine.run(|| {
        let client = Client::on("eth0", 68);
        client.broadcast(packet, 67);
        let mut heard = Vec::new();
        while let Some(next) = client.reply_to(packet, if heard.len() < least { PATIENCE } else { SILENCE }) {
            heard.push(next);
        }
        heard
    })
}

/// The packet with another value in an option of four bytes.
fn with_option(mut packet: Vec<u8>, code: u8, value: Ipv4Addr) -> Vec<u8> {
    let options = 240;
    let at = packet[options..].windows(2).position(|pair| pair == [code, 4]);
    let at = options + at.expect("the option is there") + 2;
    packet[at..at + 4].copy_from_slice(&value.octets());
    packet
}

#[test]
fn a_merged_offer_bears_the_servers_name_and_address_and_our_boot_file_and_the_server_grants_it() {
    let lan = Lan::new();
    let leases = std::env::temp_dir().join(format!("bootwright-merged-{}", std::process::id()));
    let _dnsmasq = Dnsmasq::start(&lan.other, "eth0", &leases.display().to_string(), &[RANGE]);
    let daemon = Daemon::start(&lan.daemon, &config(true));
    wait_until("what servers say is heard", || {
        status(&daemon).links.iter().any(|link| link.searched)
    });
    let packet = with_card(captured("uefi-firmware-discover"), CARD);
    let heard = offers(&lan, &packet, 2);
    assert_eq!(heard.len(), 2, "{heard:?}");
    let (merged, plain): (Vec<_>, Vec<_>) = heard.iter().partition(|heard| !heard.answer.file.is_empty());
    let ([merged], [plain]) = (merged.as_slice(), plain.as_slice()) else {
        panic!("one offer with a file and one without: {heard:?}");
    };
    assert_eq!(plain.answer.server_id, Some(SERVER));
    assert_eq!(merged.answer.message, Some(MessageType::Offer));
    assert_eq!(
        (merged.answer.yiaddr, merged.answer.server_id),
        (plain.answer.yiaddr, Some(SERVER))
    );
    assert_eq!(
        (merged.answer.siaddr, merged.answer.file.as_slice()),
        (OURS, &b"snponly.efi"[..])
    );
    assert_eq!(merged.answer.vendor_class, b"PXEClient");
    // Where the server's offer is heard before the request it is an answer like others.
    let sent = || {
        let counters = status(&daemon).counters;
        let count = |name: &str| counters.get(name).copied().unwrap_or_default();
        (count("dhcp.merged") + count("dhcp.answered"), count("dhcp.send-failed"))
    };
    wait_until("one reply is counted", || sent() == (1, 0));

    // The firmware takes it up with the server, which knows nothing of the file.
    let address = merged.answer.yiaddr;
    let request = with_card(captured("uefi-firmware-request"), CARD);
    let request = with_option(with_option(request, 50, address), 54, SERVER);
    let granted = offers(&lan, &request, 1);
    let [granted] = granted.as_slice() else {
        panic!("one acknowledgement: {granted:?}");
    };
    assert_eq!(
        (granted.answer.message, granted.answer.yiaddr, granted.answer.server_id),
        (Some(MessageType::Ack), address, Some(SERVER))
    );
    let lent = std::fs::read_to_string(&leases).expect("the leases of dnsmasq");
    assert!(lent.contains(&address.to_string()), "{lent}");
    std::fs::remove_file(&leases).expect("the leases can go");
}

#[test]
fn without_a_servers_offer_there_is_no_merged_one_and_the_reason_is_told() {
    let lan = Lan::new();
    let daemon = Daemon::start(&lan.daemon, &config(true));
    wait_until("what servers say is heard", || {
        status(&daemon).links.iter().any(|link| link.searched)
    });
    let packet = with_card(captured("uefi-firmware-discover"), CARD);
    let heard = offers(&lan, &packet, 0);
    assert!(heard.is_empty(), "{heard:?}");
    daemon.wait_for_log("its offer waits for that of the DHCP server");
}

#[test]
fn where_the_configuration_does_not_allow_it_the_offer_is_plain() {
    let lan = Lan::new();
    let _daemon = Daemon::start(&lan.daemon, &config(false));
    let packet = with_card(captured("uefi-firmware-discover"), CARD);
    let heard = offers(&lan, &packet, 1);
    let [plain] = heard.as_slice() else {
        panic!("one offer: {heard:?}");
    };
    assert_eq!(
        (plain.answer.yiaddr, plain.answer.server_id),
        (Ipv4Addr::UNSPECIFIED, Some(OURS))
    );
}
