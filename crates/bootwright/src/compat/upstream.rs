//! A server that speaks Pixiecore's API, asked on behalf of a machine: what it says defines the profile that the machine was
//! granted. Whether the machine boots it is the engine's business, as ever.
//!
//! Nothing waits for such a server but the machine that it is asked about: there is a limit to the time, to what is read and to
//! the questions that are under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bootwright_config::{Compat, Dialect, pixiecore as data};
use bootwright_core::{Host, HostId, MacAddr, Profile};
use bootwright_images::{NotFetched, Remote};
use bootwright_proto::compat::pixiecore::{ANSWER_BYTES_MAX, Boot, Function, expand, resolve};
use bootwright_proto::http::RelativePath;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::Desk;

/// How long the whole of an answer may take: Pixiecore's own patience.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// How long an answer is new: within it the question is asked once for what one boot asks us in a row.
const NEW_FOR: Duration = Duration::from_secs(3);

/// The most questions that are under way.
const QUESTIONS_MAX: usize = 16;

/// The most machines whose last answer is kept.
const KEPT_MAX: usize = 20_000;

/// A server that speaks the API.
pub(crate) struct Upstream {
    url: String,
    remote: Remote,
    questions: Semaphore,
    kept: Mutex<BTreeMap<HostId, Kept>>,
    /// Why there was nothing the last time, for those who ask what a machine would be told.
    failed: Mutex<BTreeMap<HostId, String>>,
    /// What the names of files are made with, so that nobody can guess them.
    key: [u8; 16],
    /// The directory whose files it may name, if there is one.
    files_dir: Option<String>,
    /// The port of the door where files are handed out, if it is one of its own.
    port: Option<u16>,
}

/// What was said of a machine.
struct Kept {
    boot: data::Boot,
    at: Instant,
    files: BTreeMap<String, Source>,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// On another server.
    Url(String),
    /// Below the directory of such files.
    File(RelativePath),
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kernel,
    Initrd,
    /// Named by the command line.
    Named,
}

/// Why there is nothing to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undefined {
    /// The server says so.
    Refused(String),
    /// Nobody can tell.
    Unknown(String),
}

impl Undefined {
    /// The words of it.
    pub(crate) fn words(&self) -> &str {
        match self {
            Self::Refused(words) | Self::Unknown(words) => words,
        }
    }
}

impl Upstream {
    /// The server that a dialect names, if it does.
    pub(super) fn of(compat: &Compat) -> Option<Self> {
        let mut key = [0; 16];
        // Without randomness there are no tokens either: the daemon does not come this far.
        getrandom::fill(&mut key).ok()?;
        Some(Self {
            url: compat.upstream.clone()?,
            remote: Remote::new(),
            questions: Semaphore::new(QUESTIONS_MAX),
            kept: Mutex::default(),
            failed: Mutex::default(),
            key,
            files_dir: compat.files_dir.clone(),
            port: compat.listen.map(|listen| listen.port),
        })
    }

    pub(super) const fn remote(&self) -> &Remote {
        &self.remote
    }

    /// What the machine boots. Where a run is under way and the server does not answer, what it said for that run still
    /// holds; a run that is to begin, and what is booted every time, needs a present answer.
    async fn boot(&self, host: &HostId, mac: MacAddr, goes_on: bool) -> Result<data::Boot, Undefined> {
        if let Some(boot) = self.recall(host, |kept| kept.at.elapsed() < NEW_FOR) {
            return Ok(boot);
        }
        let said = self.ask(host, mac).await;
        self.note(host, said.as_ref().err());
        match said {
            Ok(boot) => Ok(boot),
            Err(Undefined::Unknown(why)) if goes_on => match self.recall(host, |_| true) {
                Some(boot) => {
                    tracing::warn!(%host, %why, "what Pixiecore's API said before holds for this run");
                    Ok(boot)
                }
                None => Err(Undefined::Unknown(why)),
            },
            Err(why) => Err(why),
        }
    }

    fn note(&self, host: &HostId, why: Option<&Undefined>) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) if failed.len() < KEPT_MAX => failed.insert(host.clone(), why.words().to_owned()),
            Some(_) | None => failed.remove(host),
        };
    }

    fn recall(&self, host: &HostId, holds: impl FnOnce(&Kept) -> bool) -> Option<data::Boot> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(host).filter(|kept| holds(kept)).map(|kept| kept.boot.clone())
    }

    async fn ask(&self, host: &HostId, mac: MacAddr) -> Result<data::Boot, Undefined> {
        let url = data::question(&self.url, &mac.to_string());
        let asking = async {
            let _permit = self.questions.acquire().await;
            self.remote.short(&url, ANSWER_BYTES_MAX).await
        };
        let answered = tokio::time::timeout(ANSWERED_WITHIN, asking).await;
        let unknown = |why: String| Undefined::Unknown(format!("Pixiecore's API cannot be asked: {why}"));
        let json = match answered {
            Err(_) => {
                let seconds = ANSWERED_WITHIN.as_secs();
                return Err(unknown(format!("`{url}` is not answered within {seconds} s")));
            }
            Ok(Err(NotFetched::Passing(why))) => return Err(unknown(why)),
            Ok(Err(NotFetched::Lasting(why))) => {
                return Err(Undefined::Refused(format!(
                    "Pixiecore's API boots nothing there: {why}"
                )));
            }
            Ok(Ok(json)) => json,
        };
        let wrong = |why: String| Undefined::Unknown(format!("what `{url}` answers cannot be used: {why}"));
        let boot = Boot::read(&json).map_err(wrong)?;
        if let Some(message) = &boot.message {
            let shown = crate::telemetry::sanitise(message);
            tracing::info!(%host, "Pixiecore's API says: {shown}");
        }
        let mut files = BTreeMap::new();
        let boot = self.worded(&boot, mac, &mut files).map_err(wrong)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(host) {
            let oldest = kept
                .iter()
                .min_by_key(|(_, kept)| kept.at)
                .map(|(host, _)| host.clone());
            oldest.and_then(|host| kept.remove(&host));
        }
        let (now, said) = (Instant::now(), boot.clone());
        kept.insert(host.clone(), Kept { boot, at: now, files });
        Ok(said)
    }

    /// The same with every file handed out by us.
    fn worded(&self, boot: &Boot, mac: MacAddr, files: &mut BTreeMap<String, Source>) -> Result<data::Boot, String> {
        let mut url = |kind: Kind, url: &str| -> Result<(String, String), String> {
            let source = self.source(&resolve(&self.url, url))?;
            let name = self.name_of(mac, url);
            files.insert(name.clone(), source);
            let kind = match kind {
                Kind::Kernel => "&type=kernel",
                Kind::Initrd => "&type=initrd",
                Kind::Named => "",
            };
            let mac = mac.to_string().replace(':', "%3A");
            let path = format!("/_/file?name={name}{kind}&mac={mac}");
            let base = match self.port {
                Some(port) => format!("http://{{{{ server.address }}}}:{port}"),
                None => "{{ server.url }}".to_owned(),
            };
            Ok((format!("{base}{path}"), name))
        };
        let kernel = url(Kind::Kernel, &boot.kernel)?.0;
        let initrds = boot.initrds.iter().map(|initrd| Ok(url(Kind::Initrd, initrd)?.0));
        let initrds = initrds.collect::<Result<Vec<String>, String>>()?;
        let cmdline = expand(&boot.cmdline, data::literal, |function, named| {
            let (full, name) = url(Kind::Named, named)?;
            Ok(match function {
                Function::Url => full,
                Function::Id => name,
            })
        })?;
        Ok(data::Boot {
            kernel,
            initrds,
            cmdline,
        })
    }

    /// Where a URL leads. Of this machine's own files only those of the directory that the operator names.
    fn source(&self, url: &str) -> Result<Source, String> {
        if url.starts_with("http://") || url.starts_with("https://") {
            return match url.chars().all(|c| c.is_ascii_graphic()) {
                true => Ok(Source::Url(url.to_owned())),
                false => Err(format!("`{}` is no URL", url.escape_debug())),
            };
        }
        let Some(path) = url.strip_prefix("file://") else {
            return Err(format!(
                "`{}` begins with none of `http`, `https` and `file`",
                url.escape_debug()
            ));
        };
        let below = self.files_dir.as_deref().and_then(|directory| {
            let name = path.strip_prefix(directory.trim_end_matches('/'))?;
            name.starts_with('/').then(|| RelativePath::read(name)).flatten()
        });
        let hint = "set `files_dir` in `[compat.pixiecore]` to the directory that holds it";
        let told = || format!("`{}` is not below the directory of files: {hint}", url.escape_debug());
        below.map(Source::File).ok_or_else(told)
    }

    fn name_of(&self, mac: MacAddr, url: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update(mac.to_string())
            .chain_update(url);
        digest
            .finalize()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// The file of this name that was said of a host.
    pub(super) fn file(&self, host: &HostId, name: &str) -> Option<Source> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(host)?.files.get(name).cloned()
    }
}

/// What a profile is for one host: itself, or what the API says that it is. `goes_on` if the host was told before.
///
/// # Errors
/// Why there is nothing to boot.
pub(crate) async fn defined(
    desk: Option<&Desk>,
    profile: &Arc<Profile>,
    host: &Host,
    (mac, has_run, goes_on): (Option<MacAddr>, bool, bool),
) -> Result<Arc<Profile>, Undefined> {
    if profile.source != Some(Dialect::Pixiecore) {
        return Ok(Arc::clone(profile));
    }
    let Some(upstream) = desk.and_then(|desk| desk.upstream.as_ref()) else {
        let why = "`[compat.pixiecore]` has no `upstream` any more: nobody can tell what it boots";
        return Err(Undefined::Unknown(why.to_owned()));
    };
    let Some(mac) = mac.or_else(|| host.facts.macs.first().copied()) else {
        let why = "Pixiecore's API knows machines by their cards, and this one has shown none";
        return Err(Undefined::Unknown(why.to_owned()));
    };
    let boot = upstream.boot(&host.id, mac, goes_on).await?;
    Ok(Arc::new(data::define(profile, &boot, has_run)))
}

/// The same as far as it is known without asking anybody: what was last said of the host.
///
/// # Errors
/// Why there was nothing the last time.
pub(crate) fn known(
    desk: Option<&Desk>,
    profile: &Arc<Profile>,
    host: &HostId,
    has_run: bool,
) -> Result<Arc<Profile>, String> {
    let upstream = desk.and_then(|desk| desk.upstream.as_ref());
    let Some(upstream) = upstream.filter(|_| profile.source == Some(Dialect::Pixiecore)) else {
        return Ok(Arc::clone(profile));
    };
    let failed = upstream.failed.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(why) = failed.get(host) {
        return Err(why.clone());
    }
    let said = upstream.recall(host, |_| true);
    Ok(said.map_or_else(
        || Arc::clone(profile),
        |boot| Arc::new(data::define(profile, &boot, has_run)),
    ))
}

/// Boot loaders other than iPXE cannot be told what the API says: its URLs are none of files that they may have.
///
/// # Errors
/// The words of it.
pub(crate) fn only_ipxe(profile: &Profile) -> Result<(), String> {
    match profile.source {
        Some(Dialect::Pixiecore) => Err("what Pixiecore's API says is told to iPXE alone".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_this_machine_are_those_of_one_directory() {
        let compat = Compat {
            upstream: Some("http://api/x".to_owned()),
            files_dir: Some("/srv/boot/".to_owned()),
            ..Compat::plain(Dialect::Pixiecore)
        };
        let upstream = Upstream::of(&compat).expect("an upstream");
        let path = RelativePath::read("/a/b").expect("a path");
        assert_eq!(upstream.source("file:///srv/boot/a/b"), Ok(Source::File(path)));
        for bad in [
            "file:///etc/shadow",
            "file:///srv/boot/../../etc/shadow",
            "file:///srv/boot",
            "file:///srv/boot/%2e%2e/x",
            "file:///srv/bootx/a",
            "file://srv/boot/a",
            "ftp://h/x",
            "http://h/a b",
        ] {
            assert!(upstream.source(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_of_a_file_is_of_one_machine_and_one_process() {
        let compat = Compat {
            upstream: Some("http://api".to_owned()),
            ..Compat::plain(Dialect::Pixiecore)
        };
        let (one, other) = (
            Upstream::of(&compat).expect("one"),
            Upstream::of(&compat).expect("other"),
        );
        let mac = |last| MacAddr::new([2, 0, 0, 0, 0, last]);
        assert_eq!(one.name_of(mac(1), "http://x"), one.name_of(mac(1), "http://x"));
        assert_ne!(one.name_of(mac(1), "http://x"), one.name_of(mac(2), "http://x"));
        assert_ne!(one.name_of(mac(1), "http://x"), other.name_of(mac(1), "http://x"));
    }
}
