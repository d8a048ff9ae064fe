//! A process that writes to a store and can be killed. It is this very test binary, started again with a role to play.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;

use bootwright_store::{ClockReading, Limits, Seq, SqliteStore, Store, Writer, Writing, resume};

use crate::scratch::{self, SMALL, commit, entries_at, entry_at, lease_at, mark, revisions_of};

const ROLE: &str = "BOOTWRIGHT_TEST_STORE_ROLE";
const STORE: &str = "BOOTWRIGHT_TEST_STORE_PATH";

/// What a child does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// Appends batch after batch until it is killed, checkpoints and drops history often.
    Append,
    /// Submits to a writer, some at a time, until it is killed.
    Submit,
    /// Appends two hundred batches; after a failure tries once more, opens the store again and goes on.
    Persist,
    /// Opens the store and waits to be killed.
    Hold,
}

/// A child at work, and what it says line by line.
pub(crate) struct Worker {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Role {
    /// The command that plays this role on the store.
    pub(crate) fn command(self, wrapper: &[&str], store: &Path) -> Command {
        let program = std::env::current_exe().unwrap();
        let mut words = wrapper.iter().map(PathBuf::from).chain([program]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .args([
                "--exact",
                "child::plays_its_role_if_it_has_one",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ROLE, format!("{self:?}"))
            .env(STORE, store)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(self, store: &Path) -> Worker {
        let mut child = self.command(&[], store).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Worker { child, lines }
    }
}

impl Worker {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next number after this word; nothing when the child has ended.
    pub(crate) fn next(&mut self, word: &str) -> Option<u64> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(number) = number_after(word, &line) {
                return Some(number);
            }
        }
    }

    /// Kills the child with SIGKILL and returns all that it had still said.
    pub(crate) fn kill(mut self) -> Vec<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.next("ack")).collect()
    }
}

/// The number in a line such as `ack 7`. A line that was cut off says nothing.
pub(crate) fn number_after(word: &str, line: &str) -> Option<u64> {
    line.strip_suffix('\n')?
        .strip_prefix(word)?
        .strip_prefix(' ')?
        .parse()
        .ok()
}

fn say(word: &str, what: impl std::fmt::Display) {
    // In one write, so that a kill cuts no line in two.
    // The line break before it ends what the test harness may have begun to say.
    let line = format!("\n{word} {what}\n");
    let mut out = std::io::stdout();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
}

#[test]
fn plays_its_role_if_it_has_one() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = PathBuf::from(std::env::var_os(STORE).unwrap());
    match role.as_str() {
        "Append" => append(&path),
        "Submit" => submit(&path),
        "Persist" => persist(&path),
        "Hold" => {
            let store = SqliteStore::open(&path, SMALL).unwrap();
            say("held", 1);
            loop {
                std::thread::park();
                assert!(store.reader().is_ok());
            }
        }
        other => panic!("no role `{other}`"),
    }
}

fn append(path: &Path) {
    let limits = Limits {
        events_max: 300,
        ..SMALL
    };
    let mut store = SqliteStore::open(path, limits).unwrap();
    let mut last = store.load().unwrap().seq.get();
    loop {
        last = commit(&mut store, last + 1..=last + 1 + last % 5).unwrap().get();
        say("ack", last);
        store.maintain().unwrap();
    }
}

fn submit(path: &Path) {
    let mut store = SqliteStore::open(path, SMALL).unwrap();
    let mut last = store.load().unwrap().seq.get();
    let clock = resume(None, mark().reading);
    let read = Box::new(|| -> ClockReading { mark().reading });
    let writer = Writer::start(Box::new(store), Seq::new(last), clock, read, Box::new(|_| ())).unwrap();
    let (told, done) = channel();
    loop {
        for _ in 0..20 {
            last += 1;
            let told = told.clone();
            let done = Box::new(move |result: Result<Seq, _>| {
                say("ack", result.unwrap());
                told.send(()).unwrap();
            });
            let writing = Writing {
                entries: vec![entry_at(last)],
                leases: vec![lease_at(last)],
                revisions: revisions_of(&entry_at(last)),
            };
            writer.submit(writing, Some(done)).unwrap();
        }
        for _ in 0..20 {
            done.recv().unwrap();
        }
    }
}

fn persist(path: &Path) {
    let mut store = match SqliteStore::open(path, SMALL) {
        Ok(store) => store,
        Err(error) => return say("failed", error),
    };
    let mut last = match store.load() {
        Ok(loaded) => loaded.seq.get(),
        Err(error) => return say("failed", error),
    };
    let mut reopened = false;
    for _ in 0..200 {
        let appended = scratch::append(&mut store, &entries_at(last + 1..=last + 3));
        let worked = appended.and_then(|seq| {
            last = seq.get();
            say("ack", last);
            store.maintain()
        });
        if let Err(error) = worked {
            say("failed", error);
            scratch::append(&mut store, &[entry_at(last + 1)]).expect_err("refused until it is opened again");
            match store.load() {
                Ok(loaded) if !reopened => {
                    last = loaded.seq.get();
                    say("reopened", last);
                    reopened = true;
                }
                Ok(_) | Err(_) => return say("over", last),
            }
        }
    }
    say("over", last);
}
