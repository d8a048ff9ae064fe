//! A reader of iPXE scripts: runs one as iPXE does, without sockets, clock or console.
//!
//! It speaks the subset of the language that boot servers use, in the three generations that are in the field. The
//! caller does what a [`Step`] says and hands in the [`Reply`]. What iPXE would do with a line is done here, down to
//! the order in which words are cut and values expanded, since that is what keeps a script safe or not.
//!
//! Source: ipxe/ipxe, src/core/{exec,settings,uri}.c and src/image/script.c; ipxe.org/cmd and ipxe.org/cfg.

mod command;
mod line;
mod setting;
mod url;

use std::time::Duration;

use bootwright_core::Firmware;

pub use setting::{Kind, Settings};
pub use url::as_sent;

use line::{Segment, Then};

/// The most commands that run between two steps: a script that needs more is in a loop.
const COMMANDS_MAX: u32 = 10_000;

/// The deepest chain of scripts that wait for one another.
const FRAMES_MAX: usize = 32;

/// Error numbers as iPXE prints them; the last digits differ from build to build.
pub mod errno {
    /// A file or setting that is not there (404 among others).
    pub const NOT_FOUND: u32 = 0x2d0c_613b;
    /// The server could not answer (503 among others).
    pub const SERVER: u32 = 0x1d0c_6539;
    /// An unknown command.
    pub const NO_COMMAND: u32 = 0x2e02_2001;
    /// An image of no known kind.
    pub const NOT_EXECUTABLE: u32 = 0x2e85_2001;
    /// A comparison that failed.
    pub const RANGE: u32 = 0x4410_6301;
    /// Arguments that the command does not take.
    pub const INVALID: u32 = 0x1c05_6002;
    /// Stopped by a key.
    pub const CANCELLED: u32 = 0x0b80_6001;
    /// Nothing came in time.
    pub const TIMED_OUT: u32 = 0x4c10_6001;
    /// More memory was wanted than there is.
    pub const NO_MEMORY: u32 = 0x3100_6001;
    /// The build cannot do it.
    pub const UNSUPPORTED: u32 = 0x3c00_6001;
}

/// Which iPXE runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Generation {
    /// The builds of 2019, as Debian 12 has them.
    Of2019,
    /// The builds of 2025, as Debian 13 has them.
    Of2025,
    /// Version 2.0 of 2026.
    Of2026,
}

/// What a script wants of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Show this line. Answered with `Done`.
    Print(String),
    /// Fetch this, as it goes over the wire. Answered with `Body` or `Failed`.
    Fetch(String),
    /// Get an address, and set `netX/ip` and its like. Answered with `Done` or `Failed`.
    Dhcp,
    /// Wait. Answered with `Done`.
    Sleep(Duration),
    /// Show this and wait for a key. Answered with `Key` or `Failed`.
    Prompt {
        /// The key that means yes; any if there is none.
        key: Option<u8>,
        /// How long to wait; for ever if it is not said.
        timeout: Option<Duration>,
        /// The text.
        text: String,
    },
    /// Start a kernel. Answered with `Failed` or `Done` if it ever comes back.
    Boot(Boot),
    /// Start a local disk. Answered with `Failed` if it cannot be started.
    SanBoot {
        /// The number of the drive.
        drive: u8,
        /// The loader's name, if one is given.
        filename: Option<String>,
    },
    /// The machine is restarted. Nothing follows.
    Reboot,
    /// iPXE is left with this code. Nothing follows.
    Exit(u32),
    /// The script runs for ever without wanting anything. Nothing follows.
    Runaway,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is done.
    Done,
    /// What was fetched.
    Body(Vec<u8>),
    /// It failed with this error.
    Failed(u32),
    /// This key was pressed.
    Key(u8),
}

/// What is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// The URL that the kernel came from.
    pub kernel: String,
    /// Its command line.
    pub args: String,
    /// All other files that were fetched, in order: a kernel gets every one of them.
    pub initrds: Vec<File>,
}

/// A file that was fetched and is still there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// The URL that it came from.
    pub url: String,
    /// What stood behind the URL.
    pub args: String,
    /// How many bytes it has.
    pub len: usize,
}

/// iPXE, running a script.
#[derive(Clone, Debug)]
pub struct Interpreter {
    generation: Generation,
    firmware: Firmware,
    settings: Settings,
    files: Vec<File>,
    selected: Option<String>,
    frames: Vec<Frame>,
    pending: Option<Pending>,
    errno: u32,
}

/// A script that runs, or waits for another that it started.
#[derive(Clone, Debug)]
struct Frame {
    lines: Vec<String>,
    next: usize,
    segments: Vec<Segment>,
    then: Then,
    rc: u32,
}

/// What to do with the reply that is waited for.
#[derive(Clone, Debug)]
enum Pending {
    Simple,
    Key(Option<u8>),
    Keep(File, bool),
    Chain { file: File, replace: bool, autofree: bool },
}

/// What a command came to.
enum Done {
    Code(u32),
    Ask(Step, Pending),
    Leave(u32),
    Goto(usize),
}

impl Interpreter {
    /// iPXE with these settings.
    #[must_use]
    pub const fn new(generation: Generation, firmware: Firmware, settings: Settings) -> Self {
        Self {
            generation,
            firmware,
            settings,
            files: Vec::new(),
            selected: None,
            frames: Vec::new(),
            pending: None,
            errno: 0,
        }
    }

    /// The settings, for a caller that got an address or asks what a script has set.
    pub const fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// The files that were fetched and not freed.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Starts a script, as iPXE does with the first that it fetches.
    pub fn start(&mut self, script: &[u8]) -> Step {
        self.frames.clear();
        match Frame::read(script) {
            Some(frame) => {
                self.frames.push(frame);
                self.run()
            }
            None => Step::Exit(errno::NOT_EXECUTABLE),
        }
    }

    /// Goes on with the reply to the last step.
    pub fn resume(&mut self, reply: Reply) -> Step {
        match self.pending.take() {
            Some(pending) => {
                let done = self.receive(pending, reply);
                self.settle(done).unwrap_or_else(|| self.run())
            }
            None => Step::Exit(self.errno),
        }
    }

    /// Runs until something is wanted of the world.
    fn run(&mut self) -> Step {
        for _ in 0..COMMANDS_MAX {
            let Some(frame) = self.frames.last_mut() else {
                return Step::Exit(self.errno);
            };
            let Some(words) = frame.next_command() else {
                let rc = frame.rc;
                self.frames.pop();
                self.leave(rc);
                continue;
            };
            let words: Vec<String> = words.iter().map(|word| self.settings.expand(word)).collect();
            let done = if words.iter().map(String::len).sum::<usize>() > setting::WORD_BYTES_MAX {
                Done::Code(errno::NO_MEMORY)
            } else {
                self.execute(&words)
            };
            if let Some(step) = self.settle(done) {
                return step;
            }
        }
        Step::Runaway
    }

    /// Takes what a command came to; a step if the world is wanted.
    fn settle(&mut self, done: Done) -> Option<Step> {
        match done {
            Done::Ask(step, pending) => {
                self.pending = Some(pending);
                return Some(step);
            }
            Done::Code(rc) => self.finish_command(rc),
            Done::Leave(rc) => {
                self.frames.pop();
                self.leave(rc);
            }
            Done::Goto(line) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.segments.clear();
                    frame.next = line;
                    frame.rc = 0;
                }
            }
        }
        None
    }

    fn finish_command(&mut self, rc: u32) {
        if rc != 0 {
            self.errno = rc;
            self.settings.set("errno", Kind::Text, format!("{rc:#x}").into_bytes());
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.rc = rc;
        }
    }

    /// A script ended: with the last one iPXE is left, else the command that started it came to this.
    fn leave(&mut self, rc: u32) {
        self.errno = rc;
        if !self.frames.is_empty() {
            self.finish_command(rc);
        }
    }

    fn receive(&mut self, pending: Pending, reply: Reply) -> Done {
        match (pending, reply) {
            (_, Reply::Failed(rc)) => Done::Code(rc.max(1)),
            (Pending::Key(Some(wanted)), Reply::Key(key)) if key != wanted => Done::Code(errno::CANCELLED),
            (Pending::Keep(file, select), Reply::Body(body)) => {
                self.keep(file, &body, select);
                Done::Code(0)
            }
            (
                Pending::Chain {
                    file,
                    replace,
                    autofree,
                },
                Reply::Body(body),
            ) => self.chain(file, &body, replace, autofree),
            (Pending::Simple | Pending::Key(_), _) => Done::Code(0),
            (Pending::Keep(..) | Pending::Chain { .. }, Reply::Done | Reply::Key(_)) => Done::Code(errno::NOT_FOUND),
        }
    }

    fn keep(&mut self, file: File, body: &[u8], select: bool) {
        if select {
            self.selected = Some(file.name.clone());
        }
        self.files.push(File {
            len: body.len(),
            ..file
        });
    }

    /// Runs what was fetched: a script here, anything else as a kernel.
    fn chain(&mut self, file: File, body: &[u8], replace: bool, autofree: bool) -> Done {
        if let Some(frame) = Frame::read(body) {
            if !autofree {
                self.keep(file, body, false);
            }
            if replace {
                self.frames.pop();
            }
            if self.frames.len() >= FRAMES_MAX {
                return Done::Leave(errno::INVALID);
            }
            self.frames.push(frame);
            return Done::Code(0);
        }
        if body.is_empty() || body.trim_ascii_start().starts_with(b"<") {
            return Done::Code(errno::NOT_EXECUTABLE);
        }
        let boot = Boot {
            kernel: file.url,
            args: file.args,
            initrds: self.files.clone(),
        };
        Done::Ask(Step::Boot(boot), Pending::Simple)
    }
}

impl Frame {
    /// A script is what begins with `#!ipxe` and the end of that line.
    fn read(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(body);
        let rest = text.strip_prefix("#!ipxe")?;
        if !rest.starts_with(['\n', '\r', ' ']) {
            return None;
        }
        Some(Self {
            lines: line::joined(&text),
            next: 1,
            segments: Vec::new(),
            then: Then::Always,
            rc: 0,
        })
    }

    /// The words of the next command that is to run, before expansion; nothing at the end, or after a failure that the
    /// line did not provide for.
    fn next_command(&mut self) -> Option<Vec<String>> {
        loop {
            while let Some(segment) = self.segments.pop() {
                let runs = match self.then {
                    Then::Always => true,
                    Then::OnSuccess => self.rc == 0,
                    Then::OnFailure => self.rc != 0,
                };
                self.then = segment.then;
                if !runs {
                    continue;
                }
                if segment.words.is_empty() {
                    // A trailing `||` runs the empty command, which succeeds.
                    self.rc = 0;
                    continue;
                }
                return Some(segment.words);
            }
            if self.rc != 0 {
                return None;
            }
            let line = self.lines.get(self.next)?;
            self.next += 1;
            self.segments = line::segments(line);
            self.segments.reverse();
            self.then = Then::Always;
        }
    }

    /// The number of the line behind a label.
    fn label(&self, label: &str) -> Option<usize> {
        let found = |line: &String| line.trim_start().strip_prefix(':').map(str::trim_end) == Some(label);
        self.lines.iter().position(found).map(|at| at + 1)
    }
}
