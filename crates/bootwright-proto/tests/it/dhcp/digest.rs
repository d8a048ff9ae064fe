//! What we do with any packet, and what must hold of it whatever it is. The fuzz targets include this file.

use std::net::{Ipv4Addr, SocketAddrV4};

use bootwright_proto::dhcp::{
    Arrival, Boot, BootFile, Discard, Lease, Port, Reply, Request, Strategy as Ladder, classify, destination, parse,
    parse_answer, question, render, render_request,
};

use super::SERVERS;

/// Takes a packet through everything that we do with one, and holds what must hold for every packet.
pub(crate) fn digest(bytes: &[u8], port: Port) -> Result<Request, Discard> {
    let request = parse(bytes).inspect_err(|discard| {
        assert!(!discard.name().is_empty() && !discard.to_string().is_empty());
    })?;
    let client = classify(&request);
    let arrival = Arrival { port, ours: &SERVERS };
    let asked = question(&request, &client, arrival);
    if asked.is_ok() {
        let presented = [&b"PXEClient"[..], b"HTTPClient"]
            .iter()
            .any(|class| request.vendor_class.starts_with(class));
        assert!(
            presented,
            "an answer to a client that did not present itself: {request:?}"
        );
        assert!(
            request.server_id.is_none_or(|server| SERVERS.contains(&server)),
            "an answer in another's name"
        );
    }
    Ok(request)
}

/// The same bytes as an answer, and what we would ask if we were the client that they came from.
pub(crate) fn digest_both_ways(bytes: &[u8], port: Port) {
    let mut turned = bytes.to_vec();
    if let Some(op) = turned.first_mut() {
        *op = 2;
    }
    let answer = parse_answer(&turned);
    match digest_and_answer(bytes, port) {
        Ok(request) => {
            assert_eq!(answer.map(|answer| answer.xid), Ok(request.xid));
            let again = render_request(&request);
            assert_eq!(parse(&again).map(|again| again.archs), Ok(request.archs));
        }
        Err(Discard::NotBootRequest { .. }) => {}
        Err(discard) => assert_eq!(answer, Err(discard)),
    }
}

/// The same, with every kind of reply to what is sound.
pub(crate) fn digest_and_answer(bytes: &[u8], port: Port) -> Result<Request, Discard> {
    let request = digest(bytes, port)?;
    for reply in replies() {
        answer(&request, &reply);
    }
    Ok(request)
}

/// Renders a reply and holds what must hold for every reply.
pub(crate) fn answer(request: &Request, reply: &Reply) {
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 99, 0, 50), 68);
    let _ = destination(request, Port::Dhcp, source, reply);
    let Ok(bytes) = render(request, SERVERS[0], reply) else {
        let large = [&request.machine_id, &request.relay_info, &request.boot_item]
            .into_iter()
            .flatten()
            .map(Vec::len)
            .sum::<usize>();
        assert!(
            large > 60,
            "a reply to a request of usual size is rendered: {request:?} {reply:?}"
        );
        return;
    };
    assert!((300..=request.reply_len_max()).contains(&bytes.len()));
    assert_eq!(bytes[4..8], request.xid.to_be_bytes());
    assert!(bytes.contains(&255), "it ends");
    assert_eq!(
        parse(&bytes),
        Err(Discard::NotBootRequest { op: 2 }),
        "we never answer ourselves"
    );
}

pub(crate) fn replies() -> Vec<Reply> {
    let file = BootFile::new("snponly.efi").expect("a name");
    let script = BootFile::new("http://10.99.0.2:8080/boot.ipxe").expect("a name");
    let lease = Lease {
        address: Ipv4Addr::new(10, 99, 0, 50),
        secs: Some(600),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        routers: vec![Ipv4Addr::new(10, 99, 0, 1)],
        dns: vec![],
        host_name: None,
        domain: None,
        search: Vec::new(),
        broadcast: None,
        ntp: vec![],
        mtu: None,
    };
    let mut replies: Vec<Reply> = Ladder::LADDER
        .into_iter()
        .map(|strategy| {
            Reply::ProxyOffer(Boot::Pxe {
                file: file.clone(),
                strategy,
            })
        })
        .collect();
    replies.push(Reply::BootAck(Boot::Ipxe { script }));
    replies.push(Reply::ProxyOffer(Boot::RaspberryPi));
    replies.push(Reply::LeaseOffer(lease.clone(), None));
    replies.push(Reply::LeaseAck(lease, Some(Boot::Http { url: file })));
    replies.push(Reply::Nak);
    replies
}
