//! HTTP: a large file beside nginx with sendfile, and decisions with many hosts in the store.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::contender::Contender;
use super::ground::{CLIENT, CLIENTS, SERVER};
use super::measure::{Bench, link, make_file, words};
use super::table::{Spread, Table};

const CONTENDERS: [Contender; 2] = [Contender::Bootwright, Contender::Nginx];

/// How many hosts the store has when machines ask what to boot.
pub(super) const HOSTS: u32 = 100_000;

/// How many connections ask for scripts.
const CONNECTIONS: u32 = 32;

#[derive(Default)]
struct Figures {
    cpu: Spread,
    rate: Spread,
    p50: Spread,
    p99: Spread,
}

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    files(bench)?;
    scripts(bench)
}

fn files(bench: &mut Bench) -> Result<()> {
    let file = bench.home.join("large.img");
    make_file(&file, if bench.quick { 64 << 20 } else { 1 << 30 })?;
    let mut found: BTreeMap<(u32, Contender), Figures> = BTreeMap::new();
    for round in 1..=bench.rounds {
        for clients in [1, 64] {
            for contender in CONTENDERS {
                bench.progress(&format!("http, round {round}, {clients} clients: {}", contender.name()));
                let figures = found.entry((clients, contender)).or_default();
                download(bench, contender, clients, &file, figures)?;
            }
        }
    }
    std::fs::remove_file(&file)?;
    let mut table = Table::new(&["clients", "server", "CPU s a GB", "GB/s"]);
    for ((clients, contender), figures) in &found {
        table.row(vec![
            clients.to_string(),
            contender.name().to_owned(),
            figures.cpu.to_string(),
            figures.rate.to_string(),
        ]);
    }
    bench.say(
        &"### HTTP: a file of 1 GiB\n\nFrom the page cache, over the wire between the namespaces. The clients count the bytes \
          and leave them in the kernel; before each measurement one reads the file and compares all of it.\n",
    );
    bench.say(&table);
    for clients in [1, 64] {
        let cpu = |contender| {
            found
                .get(&(clients, contender))
                .and_then(|figures: &Figures| figures.cpu.median())
        };
        if let (Some(ours), Some(theirs)) = (cpu(Contender::Bootwright), cpu(Contender::Nginx)) {
            bench.judge(
                &format!("HTTP, 1 GiB to {clients} clients: CPU as a share of nginx's"),
                ours / theirs,
                1.1,
            );
        }
    }
    bench.say(&"");
    Ok(())
}

fn download(bench: &Bench, contender: Contender, clients: u32, file: &Path, figures: &mut Figures) -> Result<()> {
    let home = bench.place(contender)?;
    link(file, &home.join("data/images/large.img"))?;
    let site = bench.site(&home);
    let server = bench.start(contender, &site, ("tcp", 8080))?;
    let download = format!(
        "download --server {SERVER}:8080 --from {CLIENT} --sources {CLIENTS} --target /images/large.img --content {}",
        file.display()
    );
    bench.load(&server, &words(&format!("{download} --compare")))?;
    // One transfer is too short to be measured by the tick; several in a row are one client all the same.
    let times = if clients == 1 { 8 } else { 1 };
    let measured = bench.load(
        &server,
        &words(&format!("{download} --clients {clients} --times {times}")),
    )?;
    let gigabytes = measured.number("bytes")? / 1e9;
    figures.cpu.add(measured.cpu_seconds / gigabytes);
    figures.rate.add(gigabytes / measured.number("seconds")?);
    Ok(())
}

fn scripts(bench: &mut Bench) -> Result<()> {
    let store = bench.make_store(HOSTS)?;
    let mut found: BTreeMap<Contender, Figures> = BTreeMap::new();
    for round in 1..=bench.rounds {
        for contender in CONTENDERS {
            bench.progress(&format!("scripts, round {round}: {}", contender.name()));
            ask(bench, contender, &store, found.entry(contender).or_default())?;
        }
    }
    bench.remove_store()?;
    let mut table = Table::new(&["server", "µs of CPU an answer", "answers/s", "p50 ms", "p99 ms"]);
    for (contender, figures) in &found {
        table.row(vec![
            contender.name().to_owned(),
            figures.cpu.to_string(),
            figures.rate.to_string(),
            figures.p50.to_string(),
            figures.p99.to_string(),
        ]);
    }
    bench.say(&format!(
        "### HTTP: decisions\n\n{HOSTS} hosts in the store, asking in turn over {CONNECTIONS} connections what to boot, each \
         with all that `/boot.ipxe` tells. nginx answers every question with the same two words: the floor.\n"
    ));
    bench.say(&table);
    bench.say(&"");
    Ok(())
}

fn ask(bench: &Bench, contender: Contender, store: &Path, figures: &mut Figures) -> Result<()> {
    let home = bench.place(contender)?;
    if contender == Contender::Bootwright {
        std::fs::copy(store, home.join("data/bootwright.db"))?;
    }
    let site = bench.site(&home);
    let server = bench.start(contender, &site, ("tcp", 8080))?;
    let questions = if bench.quick { 20_000 } else { 200_000 };
    let measured = bench.load(
        &server,
        &words(&format!(
            "script --server {SERVER}:8080 --from {CLIENT} --sources {CLIENTS} --connections {CONNECTIONS} \
             --machines {HOSTS} --questions {questions}"
        )),
    )?;
    let answers = measured.number("answers")?;
    figures.cpu.add(measured.cpu_seconds * 1e6 / answers);
    figures.rate.add(answers / measured.number("seconds")?);
    figures.p50.add(measured.number("ms.p50")?);
    figures.p99.add(measured.number("ms.p99")?);
    Ok(())
}
