//! TFTP, beside the servers that people use for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::contender::{Contender, Site};
use super::ground::{CLIENT, CLIENTS, SERVER};
use super::measure::{Bench, link, make_file, words};
use super::table::{Spread, Table};

const CONTENDERS: [Contender; 4] = [
    Contender::Bootwright,
    Contender::Dnsmasq,
    Contender::TftpdHpa,
    Contender::Atftpd,
];

/// The sizes of the two files that nearly every machine fetches, in bytes: `firmware/manifest.toml`.
const FIRMWARE: [(&str, u64); 2] = [("undionly.kpxe", 108_847), ("snponly.efi", 284_672)];
const LARGE: (&str, u64) = ("initrd.img", 64 << 20);

/// What is fetched, by how many, in which manner.
struct Case {
    name: &'static str,
    large: bool,
    clients: u32,
    /// Files that each client fetches, one after the other.
    fetches: u32,
    windowsize: Option<u16>,
    /// Packets lost at each end, of ten thousand.
    loss: u32,
    /// How often it is measured at most: what waits for timers takes long, and processor time is not its point.
    rounds_max: usize,
    /// The aim for our processor time, as a share of the best peer's.
    share_max: Option<f64>,
}

impl Case {
    const fn firmware(name: &'static str, clients: u32, fetches: u32) -> Self {
        Self {
            name,
            large: false,
            clients,
            fetches,
            windowsize: None,
            loss: 0,
            rounds_max: usize::MAX,
            share_max: None,
        }
    }

    const fn large(name: &'static str, clients: u32) -> Self {
        Self {
            large: true,
            ..Self::firmware(name, clients, 1)
        }
    }

    const fn windows(self) -> Self {
        Self {
            windowsize: Some(16),
            ..self
        }
    }

    const fn lossy(self) -> Self {
        Self {
            loss: 100,
            rounds_max: 1,
            ..self
        }
    }

    const fn share(self, at_most: f64) -> Self {
        Self {
            share_max: Some(at_most),
            ..self
        }
    }
}

const CASES: [Case; 13] = [
    Case::firmware("firmware, 1 client", 1, 512),
    Case::firmware("firmware, 16 clients", 16, 32),
    Case::firmware("firmware, 128 clients", 128, 4).share(0.75),
    Case::firmware("firmware, 1,000 clients", 1000, 1),
    Case::firmware("firmware, 1 client, window 16", 1, 512).windows(),
    Case::firmware("firmware, 128 clients, window 16", 128, 4)
        .windows()
        .share(0.75),
    Case::firmware("firmware, 1,000 clients, window 16", 1000, 1).windows(),
    Case::large("64 MB, 1 client", 1).share(1.0),
    Case::large("64 MB, 16 clients", 16),
    Case::large("64 MB, 1 client, window 16", 1).windows().share(0.75),
    Case::large("64 MB, 16 clients, window 16", 16).windows(),
    Case::firmware("firmware, 64 clients, 1 % loss", 64, 1).lossy(),
    Case::firmware("firmware, 64 clients, window 16, 1 % loss", 64, 1)
        .windows()
        .lossy(),
];

#[derive(Default)]
struct Figures {
    cpu_ms_per_mb: Spread,
    rate: Spread,
    p50: Spread,
    p99: Spread,
    failed: Spread,
}

type Found = BTreeMap<(usize, Contender), Figures>;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let files = bench.home.join("tftp");
    std::fs::create_dir_all(&files)?;
    for (name, bytes) in FIRMWARE.into_iter().chain([LARGE]) {
        make_file(&files.join(name), bytes)?;
    }
    let mut found = Found::new();
    for round in 1..=bench.rounds {
        for (number, case) in CASES.iter().enumerate().filter(|(_, case)| round <= case.rounds_max) {
            for contender in CONTENDERS {
                bench.progress(&format!("tftp, round {round}, {}: {}", case.name, contender.name()));
                let figures = found.entry((number, contender)).or_default();
                measure(bench, contender, case, &files, figures)?;
            }
        }
    }
    std::fs::remove_dir_all(&files)?;
    show(bench, &found);
    judge(bench, &found);
    bench.say(&"");
    Ok(())
}

fn show(bench: &mut Bench, found: &Found) {
    let mut table = Table::new(&[
        "what",
        "server",
        "ms of CPU a MB",
        "MB/s",
        "p50 ms a file",
        "p99 ms a file",
        "failed",
    ]);
    for ((number, contender), figures) in found {
        table.row(vec![
            CASES[*number].name.to_owned(),
            contender.name().to_owned(),
            figures.cpu_ms_per_mb.to_string(),
            figures.rate.to_string(),
            figures.p50.to_string(),
            figures.p99.to_string(),
            figures.failed.to_string(),
        ]);
    }
    bench.say(&format!(
        "### TFTP\n\nBlocks of 1468 bytes from {CLIENTS} addresses; every file is compared byte for byte. Firmware: files of \
         {} and {} bytes in turn. Loss: at each end of the wire. dnsmasq and tftpd-hpa know no windows, and send block by \
         block there too. One client process plays all clients on the second processor, and with windows it is the \
         slower side.\n",
        FIRMWARE[0].1, FIRMWARE[1].1
    ));
    bench.say(&table);
}

fn judge(bench: &mut Bench, found: &Found) {
    for (number, case) in CASES.iter().enumerate() {
        let of = |contender| found.get(&(number, contender));
        let cpu = |contender| of(contender).and_then(|figures| figures.cpu_ms_per_mb.median());
        let Some(ours) = of(Contender::Bootwright) else {
            continue;
        };
        if let Some(at_most) = case.share_max {
            let peers = CONTENDERS.into_iter().skip(1).filter_map(cpu);
            let best = peers.fold(f64::INFINITY, f64::min);
            let share = cpu(Contender::Bootwright).unwrap_or(f64::INFINITY) / best;
            bench.judge(
                &format!("TFTP, {}: CPU as a share of the best peer's", case.name),
                share,
                at_most,
            );
        }
        let failed = ours.failed.greatest().unwrap_or(f64::INFINITY);
        bench.judge(&format!("TFTP, {}: files not delivered whole", case.name), failed, 0.0);
    }
}

fn measure(bench: &Bench, contender: Contender, case: &Case, files: &Path, figures: &mut Figures) -> Result<()> {
    let home = bench.place(contender)?;
    let served: Vec<(&str, PathBuf)> = if case.large {
        vec![(LARGE.0, files.join(LARGE.0))]
    } else {
        FIRMWARE.iter().map(|(name, _)| (*name, files.join(name))).collect()
    };
    // Ours has its firmware in the catalogue, and a large file in the directory below that.
    let root = home.join("root");
    std::fs::create_dir_all(&root)?;
    for (name, file) in &served {
        let catalogue = contender == Contender::Bootwright && !case.large;
        let directory = if catalogue {
            home.join("data/firmware")
        } else {
            root.clone()
        };
        link(file, &directory.join(name))?;
    }
    let site = Site {
        files: Some(&root),
        ..bench.site(&home)
    };
    let fetches = if bench.quick {
        case.fetches.div_ceil(16)
    } else {
        case.fetches
    };
    let mut arguments = words(&format!(
        "tftp --server {SERVER}:69 --from {CLIENT} --sources {CLIENTS} --clients {} --fetches {fetches}",
        case.clients
    ));
    if let Some(windowsize) = case.windowsize {
        arguments.extend(words(&format!("--windowsize {windowsize}")));
    }
    for (name, file) in &served {
        arguments.extend(["--file".to_owned(), format!("{name}={}", file.display())]);
    }
    let server = bench.start(contender, &site, ("udp", 69))?;
    let loss = (case.loss > 0).then(|| bench.ground.lose(case.loss)).transpose()?;
    let measured = bench.load(&server, &arguments)?;
    drop(loss);
    let megabytes = measured.number("bytes")? / 1e6;
    figures.cpu_ms_per_mb.add(measured.cpu_seconds * 1000.0 / megabytes);
    figures.rate.add(megabytes / measured.number("seconds")?);
    figures.p50.add(measured.number("ms.p50")?);
    figures.p99.add(measured.number("ms.p99")?);
    figures.failed.add(measured.number("failed")?);
    if measured.number("failed")? > 0.0 {
        bench.progress(&format!("{}: {}", contender.name(), measured.told));
    }
    Ok(())
}
