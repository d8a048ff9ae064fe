//! One measurement: a server starts afresh, clients load it, and what it used is read.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::contender::{Contender, Site};
use super::ground::{End, Ground};
use super::group::Group;
use super::kit::Kit;
use super::table::Table;
use super::usage;
use crate::{process, tree};

/// How long a start or an end may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How long clients may take, in seconds. Those that can, give up by themselves before that and say what they have.
const LOAD_MAX: u32 = 300;

/// Everything that all measurements share, and the report.
pub(super) struct Bench {
    pub(super) kit: Kit,
    pub(super) ground: Ground,
    pub(super) home: PathBuf,
    pub(super) rounds: usize,
    pub(super) quick: bool,
    report: String,
    aims: Table,
    missed: usize,
}

/// A server that runs. It ends with this value.
pub(super) struct Running {
    child: Child,
    group: Group,
    contender: Contender,
}

/// What one measurement gave.
pub(super) struct Measured {
    /// Processor time of the server, in seconds.
    pub(super) cpu_seconds: f64,
    /// What the clients say.
    pub(super) told: Value,
}

impl Bench {
    pub(super) fn new(kit: Kit, home: &Path, rounds: usize, quick: bool) -> Result<Self> {
        Ok(Bench {
            kit,
            ground: Ground::build()?,
            home: home.to_owned(),
            rounds,
            quick,
            report: String::new(),
            aims: Table::new(&["aim", "found", "at most", "verdict"]),
            missed: 0,
        })
    }

    /// Adds to the report, and shows it.
    pub(super) fn say(&mut self, text: &impl Display) {
        let text = text.to_string();
        println!("{text}");
        self.report += &text;
        self.report.push('\n');
    }

    /// Says whether a figure is what it should be.
    pub(super) fn judge(&mut self, aim: &str, found: f64, at_most: f64) {
        let met = found <= at_most;
        let verdict = if met { "met" } else { "MISSED" };
        self.missed += usize::from(!met);
        let cells = [aim, &format!("{found:.2}"), &format!("{at_most:.2}"), verdict];
        self.aims.row(cells.map(str::to_owned).to_vec());
    }

    /// Shows which aims were met, and keeps the report.
    pub(super) fn end(&mut self) -> Result<()> {
        let aims = format!("### Aims\n\n{} of them missed.\n\n{}", self.missed, self.aims);
        self.say(&aims);
        let directory = tree::target().join("bench");
        fs::create_dir_all(&directory)?;
        let file = directory.join("report.md");
        fs::write(&file, &self.report)?;
        println!("the report is in {}", file.display());
        Ok(())
    }

    /// A fresh directory for one server.
    pub(super) fn place(&self, contender: Contender) -> Result<PathBuf> {
        let place = self.home.join(contender.name());
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::create_dir_all(place.join("data"))?;
        Ok(place)
    }

    /// What a server has before it that serves no files from a directory by TFTP.
    pub(super) fn site<'a>(&'a self, home: &'a Path) -> Site<'a> {
        Site {
            kit: &self.kit,
            ground: &self.ground,
            home,
            files: None,
            config: "",
        }
    }

    /// Starts a server and waits until its port is bound: `("udp", 69)`.
    pub(super) fn start(&self, contender: Contender, site: &Site<'_>, port: (&str, u16)) -> Result<Running> {
        // The directory's name has our process in it.
        let run = self.home.file_name().unwrap_or_default().to_string_lossy();
        let group = Group::make(&format!("{run}-{}", contender.name()))?;
        let mut running = Running {
            child: group.spawn(&mut contender.command(site)?)?,
            group,
            contender,
        };
        let until = Instant::now() + PATIENCE;
        // A process is in its namespace once `ip` has become the server.
        while !usage::is_bound(running.pid(), port.0, port.1) {
            if let Some(status) = running.child.try_wait()? {
                let log = fs::read_to_string(site.home.join("log")).unwrap_or_default();
                bail!("{} ended ({status}):\n{log}", contender.name());
            }
            if Instant::now() > until {
                bail!("{} does not open port {}/{}", contender.name(), port.1, port.0);
            }
            thread::sleep(Duration::from_millis(10));
        }
        running.settle()?;
        Ok(running)
    }

    /// Loads a server with clients, and reads what both sides say.
    pub(super) fn load(&self, server: &Running, arguments: &[String]) -> Result<Measured> {
        let mut generator = self.ground.command(End::Client, "timeout");
        generator.args(["--signal=KILL", &LOAD_MAX.to_string()]);
        generator.arg(&self.kit.generator).args(arguments);
        let (cpu_seconds, told) = self.used(server, || {
            process::output(&mut generator)
                .with_context(|| format!("the clients of {}, which have {LOAD_MAX} s", server.contender.name()))
        })?;
        Ok(Measured {
            cpu_seconds,
            told: serde_json::from_str(&told).with_context(|| format!("the clients say `{told}`"))?,
        })
    }

    /// The processor time that a server uses for some work, in seconds, and what came of the work.
    pub(super) fn used<T>(&self, server: &Running, work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
        let before = server.group.cpu_seconds()?;
        let done = work()?;
        server.settle()?;
        Ok((server.group.cpu_seconds()? - before, done))
    }

    /// Makes a store with so many hosts, below the benchmark's directory.
    pub(super) fn make_store(&self, hosts: u32) -> Result<PathBuf> {
        let store = self.home.join("store").join("bootwright.db");
        let mut maker = Command::new(&self.kit.store_maker);
        process::output(maker.arg("make").arg(&store).arg(hosts.to_string()))?;
        Ok(store)
    }

    /// The same with hosts that were seen, and about which nobody has decided.
    pub(super) fn make_store_of_new(&self, hosts: u32) -> Result<PathBuf> {
        let store = self.home.join("store").join("bootwright.db");
        let mut maker = Command::new(&self.kit.store_maker);
        process::output(maker.arg("make").arg(&store).arg(hosts.to_string()).arg("new"))?;
        Ok(store)
    }

    /// Removes the store again, with what SQLite left beside it.
    pub(super) fn remove_store(&self) -> Result<()> {
        fs::remove_dir_all(self.home.join("store")).map_err(Into::into)
    }

    /// Shows on the terminal what is being measured, which is not part of the report.
    pub(super) fn progress(&self, words: &str) {
        eprintln!("  {words}");
    }
}

impl Running {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the server uses no more time: what it does later belongs to what was asked before.
    fn settle(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut last = self.group.cpu_seconds()?;
        let mut quiet = 0;
        while quiet < 3 && Instant::now() < until {
            thread::sleep(Duration::from_millis(50));
            let now = self.group.cpu_seconds()?;
            quiet = if now - last < 0.002 { quiet + 1 } else { 0 };
            last = now;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; otherwise it ends its children too.
        let _ = process::output(Command::new("kill").args(["-TERM", &self.pid().to_string()]));
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Measured {
    /// A number that the clients tell; the word names it, with dots between levels.
    pub(super) fn number(&self, path: &str) -> Result<f64> {
        let pointer = format!("/{}", path.replace('.', "/"));
        let value = self.told.pointer(&pointer).and_then(Value::as_f64);
        value.with_context(|| format!("the clients say nothing of `{path}`"))
    }
}

/// Words as arguments.
pub(super) fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Makes a file of bytes that repeat nowhere near.
pub(super) fn make_file(path: &Path, bytes: u64) -> Result<()> {
    use std::io::Write as _;

    let mut file = std::io::BufWriter::with_capacity(1 << 20, fs::File::create(path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes;
    let mut left = usize::try_from(bytes)?;
    while left > 0 {
        // Xorshift64: quick, and no two megabytes are alike.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let part = state.to_le_bytes();
        let take = left.min(part.len());
        file.write_all(&part[..take])?;
        left -= take;
    }
    file.flush().map_err(Into::into)
}

/// The same file under a second name.
pub(super) fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(directory) = to.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))?;
    Ok(())
}
