//! The commands.

use std::time::Duration;

use bootwright_core::Firmware;

use super::setting::number;
use super::url::as_sent;
use super::{Boot, Done, File, Generation, Interpreter, Pending, Step, errno};

/// Commands that change nothing that matters here, by the first generation that has them.
const QUIET: &[(&str, Generation)] = &[
    ("cpuid", Generation::Of2019),
    ("ifopen", Generation::Of2019),
    ("ifclose", Generation::Of2019),
    ("ifstat", Generation::Of2019),
    ("imgstat", Generation::Of2019),
    ("route", Generation::Of2019),
    ("sync", Generation::Of2019),
    ("console", Generation::Of2025),
    ("colour", Generation::Of2025),
    ("cpair", Generation::Of2025),
    ("iflinkwait", Generation::Of2025),
    ("shim", Generation::Of2025),
    ("ntp", Generation::Of2026),
    ("params", Generation::Of2026),
    ("param", Generation::Of2026),
];

/// The options of a command that take a value; all others take none.
const VALUED: &[&str] = &[
    "--name",
    "--timeout",
    "--key",
    "--drive",
    "--filename",
    "--extra",
    "--label",
    "--uuid",
    "-n",
    "-t",
    "-k",
    "-d",
    "-f",
];

/// The options of a command and what stands behind them.
struct Words<'a> {
    options: Vec<(&'a str, &'a str)>,
    rest: &'a [String],
}

impl<'a> Words<'a> {
    /// Options stand before the first word that is none, as in `getopt`.
    fn read(words: &'a [String]) -> Self {
        let mut options = Vec::new();
        let mut rest = words;
        while let [option, tail @ ..] = rest {
            if !option.starts_with('-') || option.len() < 2 {
                break;
            }
            rest = tail;
            if let Some((option, value)) = option.split_once('=') {
                options.push((option, value));
            } else if VALUED.contains(&option.as_str()) {
                let [value, tail @ ..] = rest else { break };
                options.push((option.as_str(), value.as_str()));
                rest = tail;
            } else {
                options.push((option.as_str(), ""));
            }
        }
        Self { options, rest }
    }

    fn has(&self, names: &[&str]) -> bool {
        self.options.iter().any(|(name, _)| names.contains(name))
    }

    fn value(&self, names: &[&str]) -> Option<&'a str> {
        let option = self.options.iter().find(|(name, _)| names.contains(name));
        option.map(|(_, value)| *value)
    }

    fn first(&self) -> &'a str {
        self.rest.first().map_or("", String::as_str)
    }

    fn second(&self) -> &'a str {
        self.rest.get(1).map_or("", String::as_str)
    }
}

fn verdict(yes: bool, otherwise: u32) -> Done {
    Done::Code(if yes { 0 } else { otherwise })
}

fn simple(step: Step) -> Done {
    Done::Ask(step, Pending::Simple)
}

impl Interpreter {
    /// Runs one command, whose words are expanded.
    pub(super) fn execute(&mut self, words: &[String]) -> Done {
        let Some((command, arguments)) = words.split_first() else {
            return Done::Code(0);
        };
        let words = Words::read(arguments);
        match command.as_str() {
            "echo" => simple(Step::Print(words.rest.join(" "))),
            "set" => self.set(&words),
            "clear" => {
                self.settings.set_text(words.first(), "");
                Done::Code(0)
            }
            "inc" => {
                let by = number(words.second()).unwrap_or(1);
                self.settings.increment(words.first(), by);
                Done::Code(0)
            }
            "isset" => verdict(!words.first().is_empty(), errno::NOT_FOUND),
            "iseq" => verdict(words.first() == words.second(), errno::RANGE),
            "goto" => match self.frames.last().and_then(|frame| frame.label(words.first())) {
                Some(line) => Done::Goto(line),
                None => Done::Code(errno::NOT_FOUND),
            },
            "exit" => Done::Leave(number(words.first()).unwrap_or(0)),
            "sleep" => simple(Step::Sleep(Duration::from_secs(
                number(words.first()).unwrap_or(0).into(),
            ))),
            "prompt" => prompt(&words),
            "dhcp" | "ifconf" | "autonet" => simple(Step::Dhcp),
            "chain" | "imgexec" | "boot" if !words.first().is_empty() => self.run_file(&words),
            "boot" | "imgexec" => self.boot(),
            "kernel" | "imgselect" => self.fetch(&words, true),
            "initrd" | "module" | "imgfetch" => self.fetch(&words, false),
            "imgfree" => self.free(words.first()),
            "imgargs" => self.set_arguments(&words),
            "sanboot" => self.sanboot(&words),
            "reboot" => simple(Step::Reboot),
            other => match QUIET.iter().find(|(name, _)| *name == other) {
                Some((_, since)) => verdict(self.generation >= *since, errno::NO_COMMAND),
                None => Done::Code(errno::NO_COMMAND),
            },
        }
    }

    fn set(&mut self, words: &Words<'_>) -> Done {
        let (name, kind) = words.first().split_once(':').unwrap_or((words.first(), ""));
        let value = words.rest.get(1..).unwrap_or_default().join(" ");
        verdict(self.settings.set_written(name, kind, &value).is_some(), errno::INVALID)
    }

    /// `chain`, or `boot` with a URL or the name of a file that is there.
    fn run_file(&mut self, words: &Words<'_>) -> Done {
        let Some(file) = self.file(words) else {
            return match self.files.iter().find(|file| file.name == words.first()) {
                Some(file) => {
                    self.selected = Some(file.name.clone());
                    self.boot()
                }
                None => Done::Code(errno::NOT_FOUND),
            };
        };
        let pending = Pending::Chain {
            replace: words.has(&["--replace", "-r"]),
            autofree: words.has(&["--autofree", "-a"]),
            file: file.clone(),
        };
        Done::Ask(Step::Fetch(file.url), pending)
    }

    fn fetch(&mut self, words: &Words<'_>, select: bool) -> Done {
        match self.file(words) {
            Some(file) => Done::Ask(Step::Fetch(file.url.clone()), Pending::Keep(file, select)),
            None => verdict(
                self.files.iter().any(|file| file.name == words.first()),
                errno::NOT_FOUND,
            ),
        }
    }

    /// The file that a command names by a URL. Its name is the URL's last segment if none is given.
    fn file(&self, words: &Words<'_>) -> Option<File> {
        let url = words.first();
        let (_, path) = url.split_once("://")?;
        let path = path.split('?').next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        Some(File {
            name: words.value(&["--name", "-n"]).unwrap_or(last).to_owned(),
            url: as_sent(url, self.generation),
            args: words.rest.get(1..).unwrap_or_default().join(" "),
            len: 0,
        })
    }

    /// Starts the selected kernel with every other file that is there.
    fn boot(&self) -> Done {
        let kernel = self
            .files
            .iter()
            .find(|file| Some(&file.name) == self.selected.as_ref());
        let Some(kernel) = kernel else {
            return Done::Code(errno::NOT_FOUND);
        };
        let others = self.files.iter().filter(|file| *file != kernel);
        simple(Step::Boot(Boot {
            kernel: kernel.url.clone(),
            args: kernel.args.clone(),
            initrds: others.cloned().collect(),
        }))
    }

    fn free(&mut self, name: &str) -> Done {
        if name.is_empty() {
            self.files.clear();
            return Done::Code(0);
        }
        let before = self.files.len();
        self.files.retain(|file| file.name != name);
        verdict(self.files.len() < before, errno::NOT_FOUND)
    }

    fn set_arguments(&mut self, words: &Words<'_>) -> Done {
        let args = words.rest.get(1..).unwrap_or_default().join(" ");
        match self.files.iter_mut().find(|file| file.name == words.first()) {
            Some(file) => {
                file.args = args;
                Done::Code(0)
            }
            None => Done::Code(errno::NOT_FOUND),
        }
    }

    /// Builds of 2019 start no local disk on UEFI.
    fn sanboot(&self, words: &Words<'_>) -> Done {
        if self.firmware == Firmware::Uefi && self.generation == Generation::Of2019 {
            return Done::Code(errno::UNSUPPORTED);
        }
        let drive = words.value(&["--drive", "-d"]).and_then(number).unwrap_or(0);
        simple(Step::SanBoot {
            drive: u8::try_from(drive).unwrap_or(u8::MAX),
            filename: words.value(&["--filename", "-f"]).map(str::to_owned),
        })
    }
}

fn prompt(words: &Words<'_>) -> Done {
    let key = words.value(&["--key", "-k"]).and_then(|key| match key.as_bytes() {
        [single] => Some(*single),
        _ => number(key).and_then(|key| u8::try_from(key).ok()),
    });
    let timeout = words.value(&["--timeout", "-t"]).and_then(number);
    let step = Step::Prompt {
        key,
        timeout: timeout
            .filter(|timeout| *timeout > 0)
            .map(|millis| Duration::from_millis(millis.into())),
        text: words.rest.join(" "),
    };
    Done::Ask(step, Pending::Key(key))
}
