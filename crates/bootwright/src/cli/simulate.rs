//! `bootwright simulate`: a made-up machine boots against the running daemon, with real packets.
//!
//! The machine is the boot client that the simulator's days and the load generator use; here its datagrams leave by sockets
//! and its requests by HTTP. Where firmware waits and nothing more can come, the machine's clock is put forward.

mod install;
mod report;
mod wire;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bootwright_client::ipxe::Generation;
use bootwright_client::machine::{Fate, Gone, Machine, Output, Spec, Start};
use bootwright_client::rom::{Datagram, Fault, Quirk};
use bootwright_client::tftp::End;
use bootwright_proto::http::api::Explanation;

use super::Exit;
use super::argument::{Goal, Played, SimulateOptions};
use super::client::{Client, escape};
use super::failure::Failure;
use super::print::Printer;
use report::{Report, Reporter};
use wire::{Heard, Wire};

/// How long offers and other answers of a firmware's search are waited for. The firmware itself waits longer, in case the other end
/// is slow; what is not there by then is told as silence.
const SEARCH_WITHIN: Duration = Duration::from_secs(2);

/// How long a script sleeps for us, and a person is waited for.
const SLEEP_AT_MOST: Duration = Duration::from_millis(200);

/// The longest boot, in packets and requests: a script that asks again and again is left.
const TURNS_MAX: usize = 200_000;

/// How many decisions are asked for before a machine that is sent in circles is left.
const DECISIONS_MAX: u32 = 8;

pub(super) async fn run(client: &Client, printer: Printer, options: &SimulateOptions) -> Result<Exit, Failure> {
    let wire = Wire::open(options.link.as_deref(), options.mac)?;
    let mut reporter = Reporter::new(printer.is_json());
    reporter.note(
        "machine",
        format!(
            "{}, {}, asks from {} with the address {}",
            options.mac,
            name(options.arch),
            wire.link(),
            wire.address()
        ),
    );
    let mut player = Player {
        client,
        options,
        wire,
        reporter,
        began: Instant::now(),
        skipped: Duration::ZERO,
        file: None,
        decisions: 0,
    };
    let end = player.play().await?;
    let reached = end.reached >= Some(options.to);
    let mut silences = Vec::new();
    if !reached && let Some(explanation) = player.explanation().await {
        silences = report::reasons(&explanation, end.reached);
        for reason in &silences {
            player.reporter.note("reason", reason.clone());
        }
    }
    let report = Report {
        mac: options.mac.to_string(),
        firmware: name(options.arch).to_owned(),
        goal: goal(options.to).to_owned(),
        reached,
        stage: end.reached.map_or("silent", goal).to_owned(),
        why: end.why,
        reasons: silences,
        steps: player.reporter.into_steps(),
    };
    printer.document(&report, |report| {
        let verdict = if report.reached { "reached" } else { "not reached" };
        format!("\n{}: {verdict}: {}\n", report.goal, report.why)
    })?;
    Ok(if reached { Exit::Good } else { Exit::Failed })
}

/// How far it came, and what it ended with.
struct Ended {
    reached: Option<Goal>,
    why: String,
}

/// A machine that is played.
struct Player<'a> {
    client: &'a Client,
    options: &'a SimulateOptions,
    wire: Wire,
    reporter: Reporter,
    began: Instant,
    /// By how much the machine's clock is ahead of ours.
    skipped: Duration,
    /// What it was offered.
    file: Option<String>,
    /// How often it was told what to do.
    decisions: u32,
}

/// What becomes of the machine after an output.
enum Turn {
    /// It goes on with these.
    On(Vec<Output>),
    /// It is left here.
    Leave(Ended),
}

impl Player<'_> {
    fn now(&self) -> Duration {
        self.began.elapsed().saturating_add(self.skipped)
    }

    async fn play(&mut self) -> Result<Ended, Failure> {
        let first = self.boot(1).await?;
        let Some(boot) = first.kernel else {
            return Ok(first.ended);
        };
        if self.options.to < Goal::Installed {
            return Ok(first.ended);
        }
        if let Err(why) = install::play(&mut self.wire, &mut self.reporter, &boot).await {
            let reached = Some(Goal::Scripted);
            return Ok(Ended { reached, why });
        }
        self.reporter.note("machine", "it is restarted".to_owned());
        let second = self.boot(2).await?;
        Ok(match second.own_disk {
            true => Ended {
                reached: Some(Goal::Installed),
                why: "its install is done, and its next start led to its own disk".to_owned(),
            },
            false => Ended {
                reached: Some(Goal::Scripted),
                why: format!("it reported done, and yet: {}", second.ended.why),
            },
        })
    }

    /// One start of the machine.
    async fn boot(&mut self, seed: u32) -> Result<Boot, Failure> {
        self.file = None;
        let (mut machine, first) = Machine::power_on(spec(self.options, seed), self.now());
        let mut outputs = first;
        for _ in 0..TURNS_MAX {
            let mut next = Vec::new();
            for output in std::mem::take(&mut outputs) {
                match self.follow(&mut machine, output).await? {
                    Turn::On(more) => next.extend(more),
                    Turn::Leave(ended) => return Ok(Boot::at(ended)),
                }
            }
            outputs = next;
            if let Some(fate) = machine.fate().cloned() {
                return Ok(self.fate(fate));
            }
            if outputs.is_empty() {
                outputs = self.wait(&mut machine).await?;
            }
        }
        Ok(Boot::at(self.ended("it goes round in circles".to_owned())))
    }

    /// Does what the machine wants.
    async fn follow(&mut self, machine: &mut Machine, output: Output) -> Result<Turn, Failure> {
        match output {
            Output::Print(line) => {
                self.reporter.note("console", line);
                Ok(Turn::On(Vec::new()))
            }
            Output::Send(datagram) => self.send(machine, datagram).await,
            Output::Fetch { id, url } => self.fetch(machine, id, &url).await,
        }
    }

    async fn send(&mut self, machine: &mut Machine, datagram: Datagram) -> Result<Turn, Failure> {
        let port = datagram.destination.port();
        if !matches!(port, 67 | 4011) && self.file.is_none() {
            let file = wire::asked_file(&datagram.bytes);
            let at = datagram.destination.ip();
            if let Some(ended) = self.offered(format!("`{file}` by TFTP from {at}")) {
                return Ok(Turn::Leave(ended));
            }
            if self.wire.is_own(*at) {
                let why = format!(
                    "{at} is this box itself, whose TFTP is bound to the wire: play it from another machine of the segment, or with \
                     `--arch ipxe` or `--arch uefi64-http`, which need none"
                );
                return Ok(Turn::Leave(self.ended(why)));
            }
        }
        self.reporter.sent(&datagram);
        let mut outputs = Vec::new();
        for heard in self.wire.send(&datagram).await? {
            outputs.extend(self.hear(machine, &heard));
        }
        Ok(Turn::On(outputs))
    }

    fn hear(&mut self, machine: &mut Machine, heard: &Heard) -> Vec<Output> {
        self.reporter.received(heard);
        machine.on_packet(self.now(), heard.source, heard.port, &heard.bytes)
    }

    async fn fetch(&mut self, machine: &mut Machine, id: u32, url: &str) -> Result<Turn, Failure> {
        let path = wire::path(url);
        if self.file.is_none()
            && let Some(ended) = self.offered(format!("`{url}` by HTTP"))
        {
            return Ok(Turn::Leave(ended));
        }
        let decides = path.starts_with("/ipxe?");
        if decides {
            if let Some(why) = self.forbidden().await {
                return Ok(Turn::Leave(self.ended(why)));
            }
            self.decisions = self.decisions.saturating_add(1);
            if self.decisions > DECISIONS_MAX {
                return Ok(Turn::Leave(self.ended("it is sent in circles".to_owned())));
            }
        }
        if path.starts_with("/hold?") {
            let why = "it is told to wait".to_owned();
            return Ok(Turn::Leave(Ended {
                reached: Some(Goal::Scripted),
                why,
            }));
        }
        self.reporter.asked(url);
        let answer = self.wire.get(url).await;
        self.reporter.answered(&answer, decides);
        let (status, body) = answer.unwrap_or((0, Vec::new()));
        let good = status == 200;
        let outputs = machine.on_response(self.now(), id, status, body);
        if decides && good && self.options.to == Goal::Scripted {
            let why = "it was told what to do".to_owned();
            return Ok(Turn::Leave(Ended {
                reached: Some(Goal::Scripted),
                why,
            }));
        }
        Ok(Turn::On(outputs))
    }

    /// Notes what the machine was offered first. Says the end, if it was to go no further.
    fn offered(&mut self, what: String) -> Option<Ended> {
        self.reporter.note("offered", what.clone());
        self.file = Some(what.clone());
        (self.options.to == Goal::Offered).then(|| Ended {
            reached: Some(Goal::Offered),
            why: format!("it was offered {what}"),
        })
    }

    /// Why the script may not be asked for: the answer would begin an install that nobody means here.
    async fn forbidden(&self) -> Option<String> {
        if self.options.yes {
            return None;
        }
        let Some(explanation) = self.explanation().await else {
            return Some(
                "no daemon answers on the control socket, so that nobody knows whether its answer begins an install: \
                 `--yes` asks all the same"
                    .to_owned(),
            );
        };
        let granted = matches!(explanation.state.as_str(), "armed" | "installing");
        let installs = explanation.answers.iter().any(|answer| answer.verdict == "install");
        match (installs, granted, self.options.to) {
            (false, _, _) | (true, true, Goal::Installed) => None,
            (true, true, _) => Some(
                "it is armed, and the script would use up an attempt of its install: `--yes` asks for it, `--to installed` goes through \
                 with it"
                    .to_owned(),
            ),
            (true, false, _) => Some("a rule would grant it an install: `--yes` lets that begin".to_owned()),
        }
    }

    async fn explanation(&self) -> Option<Explanation> {
        let mac = escape(&self.options.mac.to_string());
        let reply = self.client.get::<Explanation>(&format!("hosts/{mac}/explain")).await;
        reply.ok().map(|reply| reply.document)
    }

    /// Waits for the next packet, or for the time at which the machine goes on by itself.
    async fn wait(&mut self, machine: &mut Machine) -> Result<Vec<Output>, Failure> {
        let Some(deadline) = machine.deadline() else {
            return Ok(Vec::new());
        };
        let left = deadline.saturating_sub(self.now());
        let patience = match (&self.file, self.wire.is_searching()) {
            (_, true) => SEARCH_WITHIN,
            (Some(_), false) if self.wire.is_fetching() => left,
            _ => SLEEP_AT_MOST,
        };
        if let Some(heard) = self.wire.receive(left.min(patience)).await? {
            return Ok(self.hear(machine, &heard));
        }
        // Nothing more comes: the machine need not wait any longer than we have.
        self.skipped = self.skipped.saturating_add(deadline.saturating_sub(self.now()));
        Ok(machine.on_timer(self.now()))
    }

    fn ended(&self, why: String) -> Ended {
        let reached = match (&self.file, self.decisions) {
            (None, _) => None,
            (Some(_), 0) => Some(Goal::Offered),
            (Some(_), _) => Some(Goal::Scripted),
        };
        Ended { reached, why }
    }

    /// What it came to.
    fn fate(&mut self, fate: Fate) -> Boot {
        let words = words(&fate);
        self.reporter.note("machine", words.clone());
        let own_disk = matches!(fate, Fate::Disk { .. } | Fate::NextEntry(Gone::Left(_)) | Fate::Reboot);
        let ended = self.ended(words);
        let kernel = match fate {
            Fate::Kernel(boot) => Some(boot),
            _ => None,
        };
        Boot {
            ended,
            kernel,
            own_disk,
        }
    }
}

/// What one start of the machine came to.
struct Boot {
    ended: Ended,
    kernel: Option<bootwright_client::ipxe::Boot>,
    own_disk: bool,
}

impl Boot {
    const fn at(ended: Ended) -> Self {
        Self {
            ended,
            kernel: None,
            own_disk: false,
        }
    }
}

fn words(fate: &Fate) -> String {
    match fate {
        Fate::Kernel(boot) => format!("it starts the kernel {} with `{}`", boot.kernel, boot.args),
        Fate::Disk { drive } => format!("it starts its own disk ({drive:#x})"),
        Fate::Reboot => "the script restarts it".to_owned(),
        Fate::Hung => "its boot program hangs".to_owned(),
        Fate::NextEntry(gone) => match gone {
            Gone::Fault(Fault::NoAddress) => "nobody offered it anything that it could use (PXE-E51)".to_owned(),
            Gone::Fault(Fault::NoBootFile) => "it has an address, and was offered nothing to boot (PXE-E53)".to_owned(),
            Gone::Fault(Fault::NoBootServer) => "port 4011 of the boot server does not answer (PXE-E55)".to_owned(),
            Gone::Fault(Fault::Cancelled) => "it was shown a menu that offers no choice (PXE-E21)".to_owned(),
            Gone::Fault(Fault::Refused) => "the server took its offer back".to_owned(),
            Gone::Tftp(End::Silence) => "TFTP does not answer (PXE-E32)".to_owned(),
            Gone::Tftp(End::Refused { code, text }) => format!("TFTP refuses the file: {text} ({code})"),
            Gone::Tftp(_) => "the file did not come whole by TFTP".to_owned(),
            Gone::Http => "the file did not come by HTTP".to_owned(),
            Gone::Left(code) => format!("the script leaves iPXE with {code}, and its firmware goes on to its disk"),
            Gone::Runaway => "its script runs for ever".to_owned(),
        },
    }
}

fn spec(options: &SimulateOptions, seed: u32) -> Spec {
    Spec {
        start: match options.arch {
            Played::Bios => Start::BiosPxe,
            Played::Uefi64 => Start::UefiPxe,
            Played::Arm64 => Start::Arm64Pxe,
            Played::Uefi64Http => Start::UefiHttp,
            Played::Ipxe => Start::IpxeRom,
        },
        generation: Generation::Of2025,
        mac: options.mac,
        others: BTreeSet::new(),
        uuid: options.uuid,
        serial: options.serial.clone(),
        asset: None,
        manufacturer: None,
        product: None,
        quirk: Quirk::None,
        dead_program: None,
        seed: seed.wrapping_add(std::process::id().rotate_left(8)),
    }
}

const fn name(played: Played) -> &'static str {
    match played {
        Played::Bios => "a BIOS with a PXE ROM",
        Played::Uefi64 => "x64 UEFI by PXE",
        Played::Arm64 => "arm64 UEFI by PXE",
        Played::Uefi64Http => "x64 UEFI by HTTP boot",
        Played::Ipxe => "iPXE in the card's ROM",
    }
}

const fn goal(goal: Goal) -> &'static str {
    match goal {
        Goal::Offered => "offered",
        Goal::Scripted => "scripted",
        Goal::Installed => "installed",
    }
}
