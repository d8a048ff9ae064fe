//! What installers send as their logs, kept in files beside the store and bounded for each run.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bootwright_core::{HostId, RunNumber};

/// The most that is kept of one run, in bytes.
const RUN_BYTES_MAX: u64 = 16 << 20;

/// Of how many runs of a host the logs are kept.
const RUNS_MAX: usize = 32;

/// The directory of logs.
#[derive(Clone, Debug)]
pub struct Journal {
    directory: PathBuf,
}

impl Journal {
    /// Logs are kept below this directory, in `<host>/<run>.log`.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Keeps a piece of a run's log; what exceeds the bound is dropped. With the first piece of a run, logs of runs that are
    /// long past make room.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn append(&self, host: &HostId, run: RunNumber, text: String) -> io::Result<()> {
        let directory = self.directory.join(host.as_str());
        let path = directory.join(format!("{run}.log"));
        let writing = tokio::task::spawn_blocking(move || {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
            if !path.exists() {
                forget_oldest(&directory, RUNS_MAX - 1)?;
            }
            let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
            let room = RUN_BYTES_MAX.saturating_sub(file.metadata()?.len());
            let end = usize::try_from(room).unwrap_or(usize::MAX).min(text.len());
            file.write_all(text.as_bytes().get(..end).unwrap_or_default())
        });
        writing.await.map_err(io::Error::other)?
    }
}

/// A piece of a run's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The runs of the host that have a log, in their order.
    pub runs: Vec<u32>,
    /// The run that it is of.
    pub run: u32,
    /// How many bytes the log has.
    pub bytes: u64,
    /// Its last lines.
    pub text: String,
}

impl Journal {
    /// The end of a run's log, of the last one that has any where none is named; nothing where there is none. At most so many
    /// bytes of it, whole lines. Blocks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, host: &HostId, run: Option<u32>, bytes_max: u64) -> io::Result<Option<Kept>> {
        let directory = self.directory.join(host.as_str());
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut runs: Vec<u32> = names
            .filter_map(|name| name.to_str()?.strip_suffix(".log")?.parse().ok())
            .collect();
        runs.sort_unstable();
        let Some(run) = run.or(runs.last().copied()).filter(|run| runs.contains(run)) else {
            return Ok(None);
        };
        let mut file = fs::File::open(directory.join(format!("{run}.log")))?;
        let bytes = file.metadata()?.len();
        let skipped = bytes.saturating_sub(bytes_max);
        file.seek(SeekFrom::Start(skipped))?;
        let mut read = Vec::new();
        file.take(bytes_max).read_to_end(&mut read)?;
        let text = String::from_utf8_lossy(&read);
        let whole = match text.split_once('\n') {
            Some((_, rest)) if skipped > 0 => rest,
            _ => &text,
        };
        let lines: Vec<String> = whole.lines().map(bootwright_proto::syslog::plain).collect();
        let mut text = lines.join("\n");
        text.extend((!text.is_empty()).then_some('\n'));
        Ok(Some(Kept { runs, run, bytes, text }))
    }
}

/// Removes logs until no more than so many are left: those that were written last. (A host that was forgotten and is seen again
/// counts its runs anew.)
fn forget_oldest(directory: &Path, kept: usize) -> io::Result<()> {
    let mut logs: Vec<_> = fs::read_dir(directory)?
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let run: u32 = path.file_name()?.to_str()?.strip_suffix(".log")?.parse().ok()?;
            Some((entry.metadata().and_then(|about| about.modified()).ok()?, run, path))
        })
        .collect();
    logs.sort_unstable();
    let past = logs.len().saturating_sub(kept);
    logs.iter()
        .take(past)
        .try_for_each(|(_, _, path)| fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_that_is_installed_again_and_again_keeps_the_logs_of_its_last_runs() {
        let home = std::env::temp_dir().join(format!("bootwright-journal-{}", std::process::id()));
        let journal = Journal::new(home.clone());
        let host: HostId = "oak-1".parse().unwrap();
        let last = u32::try_from(RUNS_MAX).unwrap() + 9;
        for run in 1..=last {
            for _ in 0..2 {
                journal
                    .append(&host, RunNumber::new(run), "a line\n".to_owned())
                    .await
                    .unwrap();
            }
        }
        let path = |run: u32| home.join(format!("oak-1/{run}.log"));
        assert_eq!(fs::read_dir(home.join("oak-1")).unwrap().count(), RUNS_MAX);
        assert_eq!(fs::read_to_string(path(last)).unwrap(), "a line\na line\n");
        assert!(path(10).exists() && !path(9).exists());
        fs::remove_dir_all(&home).unwrap();
    }
}
