//! What we do with any DHCPv6 packet, and what must hold of it whatever it is. The fuzz targets include this file.

use std::net::Ipv6Addr;

use bootwright_core::MacAddr;
use bootwright_proto::dhcp6::{
    Answer, Boot, Discard, Duid, Ends, Held, Reply, Request, SERVERS, Status, classify, parse, question, render, unwrap,
};

const SENDER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe1a, 0xb032);

/// Takes a packet through everything that we do with one, and holds what must hold for every packet.
pub(crate) fn digest(bytes: &[u8]) -> Result<Request, Discard> {
    let relayed = unwrap(bytes).inspect_err(|discard| {
        assert!(!discard.name().is_empty() && !discard.to_string().is_empty());
    })?;
    if let Some(relayed) = relayed {
        // What leads back is bounded by what came, and is no message to us.
        let back = relayed.wrap(vec![7, 1, 2, 3]);
        assert!(back.len() <= bytes.len() + 4, "{} of {}", back.len(), bytes.len());
        assert_eq!(back[0], 13);
        assert!(unwrap(&back).is_ok_and(|relayed| relayed.is_none()) && parse(&back).is_err());
        return digest(relayed.message);
    }
    let request = parse(bytes).inspect_err(|discard| {
        assert!(!discard.name().is_empty() && !discard.to_string().is_empty());
    })?;
    assert!(request.associations.len() <= 4, "bounded");
    assert!(
        request.associations.iter().all(|one| one.addresses.len() <= 4),
        "bounded"
    );
    let _ = classify(&request);
    let ours = Duid::of_card(MacAddr::new([2, 0, 0, 0, 0, 1]));
    match question(
        &request,
        &ours,
        Some(Ends {
            sender: SENDER,
            destination: SERVERS,
        }),
    ) {
        Ok(_) => assert!(
            request.server_id.as_ref().is_none_or(|server| *server == ours),
            "an answer in another's name"
        ),
        Err(silence) => assert!(!silence.name().is_empty() && !silence.to_string().is_empty()),
    }
    for reply in [Reply::Advertise, Reply::Reply] {
        answer(&request, reply, &ours);
    }
    Ok(request)
}

fn answer(request: &Request, reply: Reply, ours: &Duid) {
    let held = |(association, address): (u32, Option<Ipv6Addr>)| Held {
        association,
        address,
        secs: 3600,
        withdrawn: vec![SENDER],
    };
    let of = request
        .associations
        .iter()
        .zip([Some(SENDER), None].into_iter().cycle());
    let answer = Answer {
        reply,
        server: ours.clone(),
        held: of.map(|(one, address)| held((one.id, address))).collect(),
        status: Some(Status::Success),
        boot: Some(Boot::Http("http://[fd00:77::1]:8080/firmware/snponly.efi".to_owned())),
        dns: vec![SENDER],
    };
    let bytes = render(request, &answer).expect("what is bounded fits a frame");
    assert!(bytes.len() <= 1452);
    assert_eq!(bytes[1..4], request.transaction);
    let kind = bytes[0];
    assert_eq!(
        parse(&bytes),
        Err(Discard::NotFromClient { kind }),
        "we never answer ourselves"
    );
}
