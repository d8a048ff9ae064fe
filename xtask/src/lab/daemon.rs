//! Bootwright itself, as an operator runs it: the binary, its configuration, and its command line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::capsule;
use super::journal::{Journal, Source};
use super::kit::Kit;
use super::record::{self, Happened};
use super::segment::Segment;
use crate::firmware::manifest::sha256;
use crate::process;

/// How long a start may take here, with virtual machines beside it, and where it starts a container engine first.
const START: Duration = Duration::from_secs(120);

/// The daemon of one site. It can be killed and started again.
pub(crate) struct Daemon {
    /// Its log lines and events.
    pub(crate) journal: Arc<Journal>,
    binary: PathBuf,
    namespace: String,
    socket: PathBuf,
    serve: Vec<String>,
    /// The directory of further configuration files.
    more_config: PathBuf,
    /// The directory of the site's own boot programs.
    own_firmware: PathBuf,
    log: PathBuf,
    process: Mutex<Option<Child>>,
    /// The command that prints events as they come. It outlives a daemon that is killed, and hears of the next one.
    follower: Mutex<Option<Child>>,
}

impl Daemon {
    /// Makes the daemon's directories, with `config` as its configuration. It is not started.
    pub(super) fn new(kit: &Kit, segment: &Segment, config: &str, home: &Path, journal: Arc<Journal>) -> Result<Self> {
        let namespace = segment.boot_namespace();
        let (config_file, data) = (home.join("config.toml"), home.join("data"));
        std::fs::create_dir_all(&data)?;
        kit.furnish(&data.join("images"))?;
        std::fs::write(&config_file, config)?;
        let socket = Path::new(capsule::SOCKETS).join(format!("{namespace}.sock"));
        let serve = [
            ("--config", &config_file),
            ("--data-dir", &data),
            ("--firmware-dir", &kit.firmware),
        ]
        .into_iter()
        .flat_map(|(option, path)| [option.to_owned(), path.display().to_string()])
        .collect();
        let (binary, log) = (kit.bootwright.clone(), home.join("bootwright.log"));
        Ok(Daemon {
            journal,
            binary,
            namespace,
            socket,
            serve,
            more_config: home.join("conf.d"),
            own_firmware: home.join("data/firmware"),
            log,
            process: Mutex::new(None),
            follower: Mutex::new(None),
        })
    }

    /// Starts it, and waits until it answers its command line.
    pub(crate) fn start(&self) -> Result<()> {
        let mark = self.journal.mark();
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.namespace])
            .arg(&self.binary)
            .arg("--socket")
            .arg(&self.socket)
            .arg("serve")
            .args(&self.serve)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("`bootwright serve` does not start")?;
        let said = child.stderr.take().context("a pipe was asked for")?;
        let log = File::options().create(true).append(true).open(&self.log)?;
        let journal = Arc::clone(&self.journal);
        thread::spawn(move || keep_log(said, log, &journal));
        *self.process.lock().expect("no panic while locked") = Some(child);

        let deadline = Instant::now() + START;
        while let Err(error) = self.cli(&["host", "list", "--json"]) {
            let ended = self
                .process
                .lock()
                .expect("no panic while locked")
                .as_mut()
                .map(Child::try_wait);
            if let Some(Ok(Some(status))) = ended {
                let said = self.journal.since(mark, |_| true);
                let said: String = said.iter().map(|entry| format!("    {}\n", entry.text)).collect();
                bail!("`bootwright serve` ended at its start ({status}):\n{said}");
            }
            if Instant::now() > deadline {
                return Err(error.context("`bootwright serve` does not answer its command line"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.follow_events()?;
        self.journal.tell(Source::Bootwright, "up");
        Ok(())
    }

    /// Kills it as a power cut would: no handler of its own runs.
    pub(crate) fn kill(&self) -> Result<()> {
        let child = self.process.lock().expect("no panic while locked").take();
        // `ip netns exec` has become the daemon: its process is the daemon's.
        let mut child = child.context("the daemon is not running")?;
        child.kill()?;
        child.wait()?;
        self.journal.tell(Source::Bootwright, "killed (SIGKILL)");
        Ok(())
    }

    /// Adds a file to the configuration and lets the daemon read it.
    pub(crate) fn configure(&self, name: &str, text: &str) -> Result<()> {
        self.add_config(name, text)?;
        self.operate(&["reload"]).map(drop)
    }

    /// Adds a file to the configuration, for the next start.
    pub(crate) fn add_config(&self, name: &str, text: &str) -> Result<()> {
        std::fs::create_dir_all(&self.more_config)?;
        Ok(std::fs::write(self.more_config.join(format!("{name}.toml")), text)?)
    }

    /// Writes a profile of the catalogue into the configuration, under its own name.
    pub(crate) fn new_profile(&self, os: &str) -> Result<()> {
        let config = self.serve.get(1).context("it is started with a configuration")?;
        self.operate(&["profile", "new", "--os", os, "--config", config])
            .map(drop)
    }

    /// Adds a boot program of the site's own. The daemon reads them when it starts.
    pub(crate) fn add_firmware(&self, name: &str, content: &[u8]) -> Result<()> {
        std::fs::create_dir_all(&self.own_firmware)?;
        std::fs::write(self.own_firmware.join(name), content)?;
        self.kill()?;
        self.start()
    }

    /// Adds a boot program that the site has signed, and lists it in the site's manifest in place of another.
    pub(crate) fn add_signed(&self, name: &str, content: &[u8], replaces: &str) -> Result<()> {
        std::fs::create_dir_all(&self.own_firmware)?;
        let sum = sha256(content);
        let list = format!("[[file]]\nname = \"{name}\"\nsha256 = \"{sum}\"\nreplaces = [\"{replaces}\"]\n");
        std::fs::write(self.own_firmware.join("manifest.toml"), list)?;
        self.add_firmware(name, content)
    }

    /// Runs a command of the daemon's command line.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Result<String> {
        process::output(
            Command::new(&self.binary)
                .arg("--socket")
                .arg(&self.socket)
                .args(arguments),
        )
    }

    /// Runs a command as an operator's act, which the timeline shows.
    pub(crate) fn operate(&self, arguments: &[&str]) -> Result<String> {
        let output = self.cli(arguments);
        self.journal
            .tell(Source::Operator, format!("bootwright {}", arguments.join(" ")));
        output
    }

    /// Runs a command that answers in JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.cli(arguments)?;
        serde_json::from_str(&output)
            .with_context(|| format!("`bootwright {}` wrote no JSON:\n{output}", arguments.join(" ")))
    }

    /// Every event that the daemon remembers, oldest first.
    pub(crate) fn events(&self) -> Result<Vec<Happened>> {
        Ok(self
            .cli(&["events", "--json"])?
            .lines()
            .filter_map(record::happened)
            .collect())
    }

    /// What to type to run its command line.
    pub(crate) fn command_line(&self) -> String {
        format!("{} --socket {}", self.binary.display(), self.socket.display())
    }

    /// Writes events into the journal as they come, until the daemon ends.
    fn follow_events(&self) -> Result<()> {
        let mut follower = Command::new(&self.binary)
            .arg("--socket")
            .arg(&self.socket)
            .args(["events", "--json", "--follow"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(follower.stdout.take().context("a pipe was asked for")?);
        let journal = Arc::clone(&self.journal);
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                match record::happened(&line) {
                    Some(Happened { host, verb, note }) => {
                        journal.show(Source::Bootwright, &format!("{host}: {verb} ({note})"));
                        journal.keep(Source::Bootwright, line);
                    }
                    None => journal.tell(Source::Bootwright, line),
                }
            }
        });
        end(&self.follower)?;
        *self.follower.lock().expect("no panic while locked") = Some(follower);
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Whatever is left ends with the lab.
        let _ = end(&self.follower).and_then(|()| end(&self.process));
    }
}

fn end(process: &Mutex<Option<Child>>) -> std::io::Result<()> {
    if let Some(mut child) = process.lock().expect("no panic while locked").take() {
        child.kill()?;
        child.wait()?;
    }
    Ok(())
}

fn keep_log(said: impl std::io::Read, mut log: File, journal: &Journal) {
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        // The journal has the line even where the disk is full.
        let _ = writeln!(log, "{line}");
        journal.keep(Source::Bootwright, line);
    }
}
