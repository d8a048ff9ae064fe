//! DHCP: machines that ask where to boot, beside dnsmasq as a proxy.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::contender::Contender;
use super::ground::DEVICE;
use super::measure::{Bench, link, words};
use super::table::{Spread, Table};
use crate::tree;

/// Captured packets of the firmware that is met most: BIOS, UEFI, and iPXE that either of them has started.
const SHAPES: [&str; 4] = [
    "bios-firmware-discover",
    "uefi-firmware-discover",
    "bios-ipxe-discover",
    "uefi-ipxe-discover",
];

/// How many machines ask, each several times: as many as a site with a power cut has, so that a rate limit for each
/// machine does not decide the figure.
const MACHINES: u32 = 20_000;

/// How many packets wait for answers at any time.
const IN_FLIGHT: u32 = 64;

#[derive(Default)]
struct Figures {
    cpu_micros: Spread,
    rate: Spread,
    p50: Spread,
    p99: Spread,
    lost: Spread,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let replies = if bench.quick { 20_000 } else { 200_000 };
    let store = bench.make_store(MACHINES)?;
    let mut found: BTreeMap<(&str, Contender), Figures> = BTreeMap::new();
    for round in 1..=bench.rounds {
        for fleet in ["known", "strangers"] {
            for contender in [Contender::Bootwright, Contender::Dnsmasq, Contender::DnsmasqQuiet] {
                bench.progress(&format!("dhcp, round {round}, {fleet}: {}", contender.name()));
                let figures = found.entry((fleet, contender)).or_default();
                measure(bench, contender, fleet, replies, &store, figures)?;
            }
        }
    }
    let mut table = Table::new(&[
        "machines",
        "server",
        "µs of CPU a reply",
        "replies/s",
        "p50 ms",
        "p99 ms",
        "lost",
    ]);
    for ((fleet, contender), figures) in &found {
        table.row(vec![
            (*fleet).to_owned(),
            contender.name().to_owned(),
            figures.cpu_micros.to_string(),
            figures.rate.to_string(),
            figures.p50.to_string(),
            figures.p99.to_string(),
            figures.lost.to_string(),
        ]);
    }
    bench.say(&format!(
        "### DHCP\n\n{replies} replies to DISCOVER packets of real firmware (BIOS, UEFI, and iPXE on both) from {MACHINES} \
         cards, {IN_FLIGHT} under way at any time. The store knows the machines of the first fleet and none of the second. \
         dnsmasq logs its answers into a file, as it does unless it is told otherwise, and Bootwright records and logs \
         every boot; the quiet dnsmasq logs nothing.\n"
    ));
    bench.say(&table);
    for fleet in ["known", "strangers"] {
        let of = |contender| found.get(&(fleet, contender));
        let ratio = |ours: &Spread, theirs: &Spread| ours.median().unwrap_or(0.0) / theirs.median().unwrap_or(1.0);
        if let (Some(ours), Some(theirs)) = (of(Contender::Bootwright), of(Contender::Dnsmasq)) {
            let cpu = ratio(&ours.cpu_micros, &theirs.cpu_micros);
            bench.judge(&format!("{fleet}, CPU a reply as a share of dnsmasq's"), cpu, 1.0 / 3.0);
            let rate = ratio(&theirs.rate, &ours.rate);
            bench.judge(&format!("{fleet}, dnsmasq's rate as a share of ours"), rate, 0.5);
        }
        if let (Some(ours), Some(theirs)) = (of(Contender::Bootwright), of(Contender::DnsmasqQuiet)) {
            bench.say(&format!(
                "- beside a dnsmasq that logs nothing: {fleet}, CPU a reply {:.2} of its, its rate {:.2} of ours",
                ratio(&ours.cpu_micros, &theirs.cpu_micros),
                ratio(&theirs.rate, &ours.rate)
            ));
        }
    }
    bench.say(&"");
    bench.remove_store()?;
    Ok(())
}

fn measure(
    bench: &Bench,
    contender: Contender,
    fleet: &str,
    replies: u32,
    store: &Path,
    figures: &mut Figures,
) -> Result<()> {
    let home = bench.place(contender)?;
    if fleet == "known" && contender == Contender::Bootwright {
        std::fs::copy(store, home.join("data/bootwright.db"))?;
    }
    for name in ["undionly.kpxe", "snponly.efi"] {
        let file = home.join("file");
        std::fs::write(&file, name)?;
        link(&file, &home.join("data/firmware").join(name))?;
    }
    let site = bench.site(&home);
    let server = bench.start(contender, &site, ("udp", 67))?;
    let mut arguments = words(&format!(
        "dhcp --device {DEVICE} --fleet {fleet} --machines {MACHINES} --replies {replies} --in-flight {IN_FLIGHT}"
    ));
    for shape in SHAPES {
        let file = tree::root().join(format!("crates/bootwright-proto/test_data/dhcp/{shape}.hex"));
        arguments.extend(["--shape".to_owned(), file.display().to_string()]);
    }
    let measured = bench.load(&server, &arguments)?;
    let count = measured.number("replies")?;
    figures.cpu_micros.add(measured.cpu_seconds * 1e6 / count);
    figures.rate.add(count / measured.number("seconds")?);
    figures.p50.add(measured.number("ms.p50")?);
    figures.p99.add(measured.number("ms.p99")?);
    figures.lost.add(measured.number("lost")?);
    Ok(())
}
