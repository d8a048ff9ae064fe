//! How long a start takes and how much memory it needs: makes a store with many hosts, then loads it in a fresh process.
//!
//!     cargo run --release -p bootwright-store --example load -- 100000
//!
//! `load make FILE HOSTS` only makes one, for others to load, `load make FILE HOSTS new` with hosts that were seen and no more;
//! `load read FILE` only loads one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use bootwright_core::{
    Cause, Change, Entry, Facts, Grant, Grantor, HostState, MacAddr, Phase, Run, RunNumber, Timestamp, Token, Uuid,
    Verb,
};
use nix::time::{ClockId, clock_gettime};

use bootwright_store::{ClockMark, ClockReading, Limits, SqliteStore, Store};

const START_MS: u64 = 1_760_000_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["read", path] => read(Path::new(path)),
        ["make", path, hosts] => make(Path::new(path), hosts.parse()?, history),
        ["make", path, hosts, "new"] => make(Path::new(path), hosts.parse()?, seen),
        [hosts] => make_and_read(hosts.parse()?),
        _ => Err("usage: load HOSTS | load make FILE HOSTS [new] | load read FILE".into()),
    }
}

fn make_and_read(hosts: u64) -> Result<(), Box<dyn std::error::Error>> {
    let directory = PathBuf::from(format!("target/load-{}", std::process::id()));
    let path = directory.join("bootwright.db");
    let made = make(&path, hosts, history);
    let shown = made.and_then(|()| {
        println!("file: {} MB", fs::metadata(&path)?.len() / 1_000_000);
        for _ in 0..3 {
            Command::new(std::env::current_exe()?).arg("read").arg(&path).status()?;
        }
        Ok(())
    });
    fs::remove_dir_all(&directory)?;
    shown
}

/// Hosts with this history.
fn make(path: &Path, hosts: u64, history: fn(u64) -> Vec<Entry>) -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let mut entries = 0;
    let mut store = SqliteStore::open(path, Limits::default())?;
    store.load()?;
    let clock = ClockMark {
        reading: ClockReading::now(ClockReading::boot_id()?),
        // The installs are over for hours, and what is armed is so still.
        site_ms: START_MS + 12 * 3_600_000,
    };
    for first in (0..hosts).step_by(64) {
        let batch: Vec<Entry> = (first..hosts.min(first + 64)).flat_map(history).collect();
        entries += batch.len();
        store.append(&batch, START_MS, &clock)?;
        store.maintain()?;
    }
    let rate = entries as f64 / start.elapsed().as_secs_f64();
    println!("made: {hosts} hosts, {entries} events, {rate:.0} events/s in groups of 64 hosts");
    Ok(())
}

/// A host that was seen, and about which nobody has decided.
fn seen(number: u64) -> Vec<Entry> {
    history(number).into_iter().take(1).collect()
}

/// A host as it is after a year: found, installed once, most of them up, some under way.
fn history(number: u64) -> Vec<Entry> {
    let id: bootwright_core::HostId = format!("node-{number:06}").parse().expect("a name");
    let profile: bootwright_core::ProfileName = "debian-13".parse().expect("a name");
    let at = |minutes: u64| Timestamp::from_millis(START_MS + minutes * 60_000);
    let mac = |card: u8| {
        let [.., a, b, c] = number.to_be_bytes();
        MacAddr::new([0x3c, 0xec, card, a, b, c])
    };
    let facts = Facts {
        macs: [mac(0), mac(1)].into(),
        uuid: Some(Uuid::from_text_order(
            (u128::from(number) << 64 | 0x1234_5678).to_be_bytes(),
        )),
        serial: Some(format!("S4EV{number:08}")),
        asset: None,
        manufacturer: Some("Supermicro".to_owned()),
        product: Some("SYS-1029P-WTRT".to_owned()),
    };
    let grant = Grant {
        by: Grantor::Operator("anna".to_owned()),
        at: at(1),
        expires: at(1441),
        machine: facts.clone(),
        wipe: [].into(),
    };
    let run = Run {
        number: RunNumber::new(1),
        profile: profile.clone(),
        revision: 0x1234_5678_9abc_def0,
        token: Token::new(u128::from(number).to_be_bytes()),
        started: at(2),
        deadline: at(362),
        attempts: 1,
        stalled: false,
        to: None,
    };
    let state = |phase| HostState {
        phase,
        locked: false,
        runs: 1,
    };
    let installed = Phase::Installed {
        run: RunNumber::new(1),
        profile: profile.clone(),
        done: at(20),
        up: Some(at(22)),
    };
    let entry = |verb, change| Entry {
        at: at(1),
        by: Cause::Machine,
        verb,
        note: "as it went".to_owned(),
        change,
    };
    let set = |phase| Change::StateSet {
        host: id.clone(),
        state: state(phase),
    };
    let armed = Phase::Armed {
        grant: Box::new(grant.clone()),
        queue: vec![profile],
    };
    let running = Phase::Installing {
        run,
        grant: Box::new(grant),
        rest: vec![],
    };
    let added = Change::HostAdded {
        host: id.clone(),
        facts,
    };
    let last = if number.is_multiple_of(100) {
        armed.clone()
    } else {
        installed
    };
    vec![
        entry(Verb::New, added),
        entry(Verb::Armed, set(armed)),
        entry(Verb::Boot, set(running)),
        entry(Verb::Done, set(last)),
    ]
}

fn read(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let before = resident_kb()?;
    let start = Instant::now();
    let mut store = SqliteStore::open(path, Limits::default())?;
    let loaded = store.load()?;
    let took = start.elapsed();
    let cpu = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
    let after = resident_kb()?;
    println!(
        "loaded: {} hosts in {} ms ({} ms of CPU), {} MB resident ({} MB before)",
        loaded.world.hosts.len(),
        took.as_millis(),
        cpu.tv_sec() * 1000 + cpu.tv_nsec() / 1_000_000,
        after / 1000,
        before / 1000
    );
    Ok(())
}

fn resident_kb() -> Result<u64, Box<dyn std::error::Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}
