//! Addresses: DISCOVER, OFFER, REQUEST, ACK for machines that have none, beside Kea with its leases in a file.

pub(super) mod perfdhcp;

use std::collections::BTreeMap;

use anyhow::Result;

use super::contender::Contender;
use super::ground::{CLIENT, DEVICE, SERVER};
use super::measure::{Bench, words};
use super::table::{Spread, Table};

/// Our leases are on the disk before their ACK leaves; Kea's are handed to the kernel.
const CONTENDERS: [Contender; 2] = [Contender::BootwrightLeases, Contender::Kea];

/// How many machines are between their DISCOVER and their ACK at any time: a few, as many as Kea's queue of packets holds, a
/// rack, and several racks that are switched on together.
const IN_FLIGHT: [u32; 4] = [16, 64, 256, 512];

#[derive(Default)]
struct Figures {
    rate: Spread,
    cpu_micros: Spread,
    offer_ms: Spread,
    ack_ms: Spread,
    lost: Spread,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let leases = if bench.quick { 20_000 } else { 100_000 };
    let mut found: BTreeMap<(u32, Contender), Figures> = BTreeMap::new();
    for round in 1..=bench.rounds {
        for in_flight in IN_FLIGHT {
            for contender in CONTENDERS {
                bench.progress(&format!(
                    "leases, round {round}, {in_flight} at a time: {}",
                    contender.name()
                ));
                let figures = found.entry((in_flight, contender)).or_default();
                measure(bench, contender, in_flight, leases, figures)?;
            }
        }
    }
    let mut table = Table::new(&[
        "at a time",
        "server",
        "leases/s",
        "µs of CPU a lease",
        "p50 ms to the offer",
        "p50 ms to the ACK",
        "lost",
    ]);
    for ((in_flight, contender), figures) in &found {
        table.row(vec![
            in_flight.to_string(),
            contender.name().to_owned(),
            figures.rate.to_string(),
            figures.cpu_micros.to_string(),
            figures.offer_ms.to_string(),
            figures.ack_ms.to_string(),
            figures.lost.to_string(),
        ]);
    }
    bench.say(&format!(
        "### Leases\n\n{leases} machines behind a relay, each a new one, get an address from a server with an empty store, so \
         many at a time. Lost: exchanges that took longer than a second. Bootwright's leases are synced to the disk before \
         their ACK leaves; Kea (memfile, `persist`) hands its own to the kernel. Neither probes an address.\n"
    ));
    bench.say(&table);
    let best = |contender| {
        let rates = found.iter().filter(|((_, who), _)| *who == contender);
        rates.filter_map(|(_, figures)| figures.rate.median()).reduce(f64::max)
    };
    if let (Some(ours), Some(theirs)) = (best(Contender::BootwrightLeases), best(Contender::Kea)) {
        bench.judge(
            "Kea's leases a second as a share of ours, the best of each",
            theirs / ours,
            1.0 / 3.0,
        );
    }
    bench.say(&"");
    Ok(())
}

fn measure(bench: &Bench, contender: Contender, in_flight: u32, leases: u32, figures: &mut Figures) -> Result<()> {
    let home = bench.place(contender)?;
    let site = bench.site(&home);
    let server = bench.start(contender, &site, ("udp", 67))?;
    let measured = bench.load(
        &server,
        &words(&format!(
            "lease --device {DEVICE} --server {SERVER} --relay {CLIENT} --leases {leases} --in-flight {in_flight}"
        )),
    )?;
    let count = measured.number("leases")?;
    figures.rate.add(count / measured.number("seconds")?);
    figures.cpu_micros.add(measured.cpu_seconds * 1e6 / count);
    figures.offer_ms.add(measured.number("offer_ms.p50")?);
    figures.ack_ms.add(measured.number("ack_ms.p50")?);
    figures.lost.add(measured.number("lost")?);
    Ok(())
}
