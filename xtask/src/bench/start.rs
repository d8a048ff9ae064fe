//! From start to ready, with many hosts in the store.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::contender::Contender;
use super::http::HOSTS;
use super::measure::{Bench, PATIENCE};
use super::table::{Spread, Table};
use super::usage;

pub(super) fn run(bench: &mut Bench) -> Result<()> {
    let store = bench.make_store(HOSTS)?;
    let mut table = Table::new(&["hosts", "ms to ready", "ms of CPU", "MB resident"]);
    let mut found = (None, None);
    for (hosts, store) in [(0, None), (HOSTS, Some(store.as_path()))] {
        let (mut wall, mut cpu, mut memory) = (Spread::default(), Spread::default(), Spread::default());
        for round in 1..=bench.rounds {
            bench.progress(&format!("start, round {round}, {hosts} hosts"));
            let home = bench.place(Contender::Bootwright)?;
            if let Some(store) = store {
                std::fs::copy(store, home.join("data/bootwright.db"))?;
            }
            let site = bench.site(&home);
            let mut command = Contender::Bootwright.command(&site)?;
            let begun = Instant::now();
            let mut started = Started(command.stderr(Stdio::piped()).spawn()?);
            started.wait_until_ready()?;
            wall.add(begun.elapsed().as_secs_f64() * 1000.0);
            cpu.add(usage::cpu_seconds(started.0.id())? * 1000.0);
            // What falls due at once is done within the first second.
            std::thread::sleep(Duration::from_secs(2));
            memory.add(usage::resident_megabytes(started.0.id())?);
        }
        table.row(vec![
            hosts.to_string(),
            wall.to_string(),
            cpu.to_string(),
            memory.to_string(),
        ]);
        // The last row is the one with all hosts.
        found = (wall.median(), memory.median());
    }
    bench.remove_store()?;
    bench.say(&"### Start\n\nFrom the start of the process to the line that says that machines are served.\n");
    bench.say(&table);
    bench.judge("seconds to ready", found.0.unwrap_or(f64::INFINITY) / 1000.0, 1.0);
    bench.judge("megabytes resident", found.1.unwrap_or(f64::INFINITY), 150.0);
    bench.say(&"");
    Ok(())
}

struct Started(Child);

impl Started {
    /// Waits for the line that says that machines are served, but not for longer than a start may take.
    fn wait_until_ready(&mut self) -> Result<()> {
        let log = self.0.stderr.take().context("its log is read")?;
        let (tell, told) = mpsc::channel();
        // It reads to the end, as somebody has to read what the server says later; it ends with the server.
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                // Nobody listens once the server is ready.
                let _ = tell.send(line);
            }
        });
        let until = Instant::now() + PATIENCE;
        let mut said = String::new();
        loop {
            match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(" ready ") => return Ok(()),
                Ok(line) => {
                    said += &line;
                    said.push('\n');
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("it is not ready after {} s:\n{said}", PATIENCE.as_secs())
                }
                Err(RecvTimeoutError::Disconnected) => bail!("it ended:\n{said}"),
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}
