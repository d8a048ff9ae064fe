//! Reading the configuration, and reading it again: a bad one leaves the last good one running and says so.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bootwright_config::{Compat, Diagnostic, Difference, Loaded, Places, Source, Tables, differences, load_with};
use bootwright_engine::Proposal;

use crate::beside::Beside;
use crate::compat::directory::{Directories, Stamp, stamp};
use crate::core::Core;
use crate::counter::Counters;
use crate::firmware::Catalogue;
use crate::vault::Vault;
use crate::webhook::Webhooks;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looking takes at most one part of so many of the time.
const LOOK_SHARE: u32 = 50;

/// How much of what is wrong goes into the record, in characters.
const WORDS_MAX: usize = 400;

/// How much of what is wrong is told in the log, one thing each. `bootwright check` shows all of it.
const TOLD_MAX: usize = 20;

/// The configuration's files.
#[derive(Clone, Debug)]
pub struct Files {
    main: PathBuf,
    /// The directories of other systems that it leads to.
    foreign: Directories,
    /// Files that are not there yet, or not so yet.
    ahead: BTreeMap<PathBuf, String>,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum Unusable {
    /// A file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The files say something that they should not.
    Wrong(Vec<Diagnostic>),
}

impl Files {
    /// `config.toml` at this path, and `conf.d/*.toml` beside it.
    #[must_use]
    pub fn new(main: PathBuf) -> Self {
        Self {
            main,
            foreign: Directories::default(),
            ahead: BTreeMap::new(),
        }
    }

    /// The same, as if these files were there with these texts: what is to be written is checked before it is.
    #[must_use]
    pub fn ahead(mut self, files: BTreeMap<PathBuf, String>) -> Self {
        self.ahead = files;
        self
    }

    /// The directory with further files.
    #[must_use]
    pub fn further(&self) -> PathBuf {
        self.directory().join("conf.d")
    }

    /// The path of `config.toml`.
    #[must_use]
    pub fn main(&self) -> &Path {
        &self.main
    }

    fn directory(&self) -> &Path {
        self.main.parent().unwrap_or(Path::new("."))
    }

    /// All files that there are, in the order in which they count.
    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let mut paths: Vec<PathBuf> = if self.main.exists() {
            vec![self.main.clone()]
        } else {
            Vec::new()
        };
        let mut more = Vec::new();
        let further = self.further();
        let counts = |path: &Path| path.extension().is_some_and(|extension| extension == "toml");
        let ahead = self.ahead.keys().filter(|path| path.parent() == Some(&further));
        more.extend(ahead.filter(|path| counts(path)).cloned());
        match fs::read_dir(further) {
            Ok(entries) => {
                for entry in entries {
                    let path = entry?.path();
                    if counts(&path) {
                        more.push(path);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        more.sort();
        more.dedup();
        paths.extend(more);
        Ok(paths)
    }

    /// All files that there are; none if the directory of further ones cannot be read.
    #[must_use]
    pub fn all(&self) -> Vec<PathBuf> {
        self.paths().unwrap_or_default()
    }

    /// Reads and checks everything. Without any file, every key has its default.
    ///
    /// # Errors
    /// All that is wrong, in one go.
    pub fn load(&self) -> Result<Loaded, Unusable> {
        self.read().map(|(_, loaded)| loaded)
    }

    /// The same, with the texts that it was read from.
    fn read(&self) -> Result<(Vec<Source>, Loaded), Unusable> {
        let sources = self.sources()?;
        let beside = Beside(|path: &Path| self.text(path));
        self.foreign.forget();
        let walk = |compat: &Compat| self.foreign.walk(compat);
        let loaded = load_with(&sources, &beside, &walk).map_err(Unusable::Wrong)?;
        Ok((sources, loaded))
    }

    /// The texts of all files that there are, in the order in which they count.
    fn sources(&self) -> Result<Vec<Source>, Unusable> {
        let unreadable = |path: &Path, why| Unusable::Unreadable {
            path: path.to_owned(),
            why,
        };
        let paths = self.paths().map_err(|why| unreadable(&self.further(), why))?;
        let mut sources = Vec::new();
        for path in paths {
            let text = self.text(&path).map_err(|why| unreadable(&path, why))?;
            sources.push(Source {
                path: path.display().to_string(),
                text,
            });
        }
        Ok(sources)
    }

    fn text(&self, path: &Path) -> io::Result<String> {
        match self.ahead.get(path) {
            Some(text) => Ok(text.clone()),
            None => fs::read_to_string(path),
        }
    }

    /// What changes whenever a file does: renamed over, written, removed, or behind another link.
    fn stamp(&self) -> Vec<Stamp> {
        let paths = self.paths().unwrap_or_default();
        let own = paths.into_iter().filter_map(|path| stamp(&path));
        let mut stamps: Vec<Stamp> = own.collect();
        if !stamps.is_empty() {
            stamps.extend(self.foreign.stamps());
        }
        stamps
    }
}

impl Unusable {
    /// The words for the operator, one block for each thing that is wrong.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Unreadable { path, why } => vec![format!("cannot read `{}`: {why}", path.display())],
            Self::Wrong(diagnostics) => diagnostics.iter().map(Diagnostic::render).collect(),
        }
    }
}

/// The first thing that is wrong, and how many more are.
fn in_a_line(errors: &[String]) -> String {
    let first = errors.first().map(String::as_str).unwrap_or_default();
    let parts: Vec<&str> = first.lines().take(2).map(str::trim).collect();
    let words: String = parts.join(" ").chars().take(WORDS_MAX).collect();
    match errors.len().saturating_sub(1) {
        0 => words,
        more => format!("{words} (and {more} more)"),
    }
}

/// What a reload did.
#[derive(Debug)]
pub struct Reloaded {
    /// What is odd about the configuration.
    pub warnings: Vec<Diagnostic>,
    /// The hosts that `apply` would arm.
    pub proposals: Vec<Proposal>,
    /// Settings that changed and count only after a restart.
    pub restart: bool,
}

/// Reads the configuration again on demand and whenever its files change.
pub struct Reloader {
    files: Files,
    core: Arc<Core>,
    counters: Arc<Counters>,
    catalogue: Arc<Catalogue>,
    running: bootwright_config::Daemon,
    places: Arc<ArcSwap<Places>>,
    secrets: Arc<Vault>,
    tables: Arc<ArcSwap<Tables>>,
    webhooks: Arc<Webhooks>,
    /// Held while a configuration is taken into force or refused: whether the last one was refused.
    refused: Mutex<bool>,
    /// The texts of the configuration with which the daemon was started, and of the one in force.
    texts: Mutex<(Vec<Source>, Vec<Source>)>,
}

impl Reloader {
    /// A reloader for a daemon that runs with these settings.
    #[must_use]
    pub fn new(
        files: Files,
        core: Arc<Core>,
        counters: Arc<Counters>,
        catalogue: Arc<Catalogue>,
        running: bootwright_config::Daemon,
        (places, secrets, tables): (Arc<ArcSwap<Places>>, Arc<Vault>, Arc<ArcSwap<Tables>>),
        webhooks: Arc<Webhooks>,
    ) -> Self {
        // What is wrong with it has been said by then.
        let texts = files.read().map(|(texts, _)| texts).unwrap_or_default();
        Self {
            files,
            core,
            counters,
            catalogue,
            running,
            places,
            secrets,
            tables,
            webhooks,
            refused: Mutex::default(),
            texts: Mutex::new((texts.clone(), texts)),
        }
    }

    /// Reads the configuration again. `by` is who asked for it.
    ///
    /// # Errors
    /// What is wrong with it; the last good one stays in force.
    pub fn reload(&self, by: Option<&str>) -> Result<Reloaded, Unusable> {
        let result = self.load();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = result.is_err();
        match result {
            Ok((texts, loaded)) => {
                self.texts.lock().unwrap_or_else(PoisonError::into_inner).1 = texts;
                let restart = loaded.daemon != self.running;
                if restart {
                    tracing::warn!(
                        code = "W204",
                        "settings of sockets or directories changed; they count after a restart"
                    );
                }
                for warning in &loaded.warnings {
                    tracing::warn!(code = "W202", "{}", warning.render());
                }
                self.places.store(Arc::new(loaded.places));
                self.secrets.replace(loaded.secrets);
                self.tables.store(Arc::new(loaded.tables));
                self.webhooks.replace(&loaded.webhooks);
                let reply = self.core.reload(by, Arc::new(loaded.policy)).now();
                for Proposal { host, rule, profile } in reply.proposals.iter().take(20) {
                    tracing::warn!(%host, code = "W206", "rule {rule} would arm it with {profile}; `bootwright apply` accepts that");
                }
                Ok(Reloaded {
                    warnings: loaded.warnings,
                    proposals: reply.proposals,
                    restart,
                })
            }
            Err(unusable) => {
                let errors = unusable.words();
                for words in errors.iter().take(TOLD_MAX) {
                    tracing::error!(code = "E201", "the configuration stays as it was: {words}");
                }
                if let Some(more) = errors.len().checked_sub(TOLD_MAX).filter(|more| *more > 0) {
                    tracing::error!("{more} more mistakes are not told here; `bootwright check` shows all");
                }
                self.counters.count("config", "refused");
                self.core.reload_refused(by, &in_a_line(&errors));
                Err(unusable)
            }
        }
    }

    /// Reads the configuration without taking it into force.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<Loaded, Unusable> {
        self.load().map(|(_, loaded)| loaded)
    }

    /// The configuration, without boot programs that are not there.
    fn load(&self) -> Result<(Vec<Source>, Loaded), Unusable> {
        let (texts, mut loaded) = self.files.read()?;
        self.catalogue
            .fit(self.running.tftp.root.as_deref(), &mut loaded.policy);
        // The directory is opened at start.
        loaded.policy.raspberry_pi = self.running.tftp.raspberry_pi.is_some();
        Ok((texts, loaded))
    }

    /// What differs between the configuration that is in force and the one on disk, and what is odd about the latter. What
    /// counts only after a restart is compared with the configuration that the daemon was started with.
    ///
    /// # Errors
    /// What is wrong with the one on disk.
    pub fn diff(&self) -> Result<(Vec<Difference>, Vec<Diagnostic>), Unusable> {
        let (texts, loaded) = self.load()?;
        let (started, in_force) = self.texts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut found: Vec<Difference> = differences(&started, &texts)
            .into_iter()
            .filter(|one| one.restart)
            .collect();
        found.extend(differences(&in_force, &texts).into_iter().filter(|one| !one.restart));
        // A document beside the configuration has other words, and no key of it.
        let before = self.core.policy();
        for (name, profile) in &loaded.policy.profiles {
            let old = before.profiles.get(name).map(|old| old.revision);
            let key = format!("profiles.{name}");
            if old.is_some_and(|old| old != profile.revision) && !found.iter().any(|one| one.key.starts_with(&key)) {
                found.push(Difference {
                    key: format!("{key}.files"),
                    before: None,
                    after: None,
                    restart: false,
                });
            }
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok((found, loaded.warnings))
    }

    /// The path of `config.toml`.
    #[must_use]
    pub fn main(&self) -> &Path {
        self.files.main()
    }

    /// The texts of the configuration's files as they are on the disk. Blocks.
    ///
    /// # Errors
    /// Why one of them cannot be read.
    pub fn sources(&self) -> Result<Vec<Source>, String> {
        self.files.sources().map_err(|unusable| in_a_line(&unusable.words()))
    }

    /// Whether the configuration on disk was refused when it was last read, so that an older one is in force.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reloads whenever the files have changed and then stayed as they are for a moment. Runs for ever.
    pub async fn follow_files(self: Arc<Self>) {
        let mut known = self.files.stamp();
        let mut changed = None;
        let mut pause = LOOK_EVERY;
        loop {
            tokio::time::sleep(pause).await;
            let began = Instant::now();
            // The files may lie on a disk that does not answer, which must hold up nobody else.
            let files = self.files.clone();
            let Ok(now) = tokio::task::spawn_blocking(move || files.stamp()).await else {
                continue;
            };
            // A directory with ten thousand machines is not looked at all day.
            pause = LOOK_EVERY.max(began.elapsed() * LOOK_SHARE);
            if now != known && !now.is_empty() {
                if changed.as_ref() == Some(&now) {
                    known = now;
                    changed = None;
                    let reloader = Arc::clone(&self);
                    // What is wrong was said by then.
                    let _ = tokio::task::spawn_blocking(move || reloader.reload(None)).await;
                } else {
                    changed = Some(now);
                }
            } else if now.is_empty() && !known.is_empty() && changed.as_ref() != Some(&now) {
                changed = Some(now);
                tracing::warn!(
                    code = "W205",
                    "the configuration's files are gone; the last good configuration stays in force"
                );
            }
        }
    }
}
