//! From a source to an image in its place.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::digest::{Expected, hash_reader};
use crate::error::{Error, Result};
use crate::fetch::{Fetched, Fetcher};
use crate::lock::Lock;
use crate::name::ImageName;
use crate::openpgp::{self, Keyring, Rewind, Signer};
use crate::path::EntryPath;
use crate::shelf::Shelf;
use crate::source;
use crate::stage::{Limits, Stage};
use crate::tarball::{self, Kind};
use crate::verify::walk;
use crate::{Progress, Teller, iso};

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Files of this machine: a directory, an archive, a disc, or one file.
    Path(PathBuf),
    /// URLs: archives and discs are unpacked, other files are taken as they are.
    Urls(Vec<String>),
    /// A stream of Fedora CoreOS, such as `stable`.
    Fcos(String),
    /// A channel of Flatcar, such as `stable`, or one of its versions.
    Flatcar(String),
    /// The installer of a suite of Debian, such as `trixie`.
    Debian(String),
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Urls(text.split_whitespace().map(str::to_owned).collect()));
        }
        let Some((kind, word)) = text.split_once(':').filter(|(kind, _)| !kind.contains('/')) else {
            return Ok(Self::Path(text.into()));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if word.is_empty() || !word.chars().all(plain) || word.starts_with('.') {
            return Err(Error::new(format!("`{text}` is no source")).hint(SOURCES));
        }
        let word = word.to_owned();
        match kind {
            "fcos" => Ok(Self::Fcos(word)),
            "flatcar" => Ok(Self::Flatcar(word)),
            "debian" => Ok(Self::Debian(word)),
            _ => Err(Error::new(format!("`{kind}:` is no kind of source")).hint(SOURCES)),
        }
    }
}

const SOURCES: &str = "write a path, a URL, `fcos:STREAM`, `flatcar:CHANNEL` or `debian:SUITE`";

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Urls(urls) => f.write_str(&urls.join(" ")),
            Self::Fcos(stream) => write!(f, "fcos:{stream}"),
            Self::Flatcar(channel) => write!(f, "flatcar:{channel}"),
            Self::Debian(suite) => write!(f, "debian:{suite}"),
        }
    }
}

/// What is to be added, and how it is known to be the right thing.
#[derive(Clone, Debug)]
pub struct Request {
    /// The image's name.
    pub name: ImageName,
    /// Where it comes from.
    pub source: Source,
    /// Other places with the same files: tried after a URL, and in place of a vendor's own.
    pub mirrors: Vec<String>,
    /// Files with public keys: what is fetched must be signed by one of them.
    pub keys: Vec<PathBuf>,
    /// Where the signature lies, if not beside the file under its name and `.sig`, `.asc` or `.gpg`.
    pub signature: Option<String>,
    /// Where a list of hashes lies, such as `SHA256SUMS`; then that list is what is signed.
    pub sums: Option<String>,
    /// The hash of the one file that is fetched.
    pub expected: Option<Expected>,
    /// The architecture, as the vendor calls it; nothing for `x86_64`.
    pub arch: Option<String>,
    /// Keep an archive or a disc beside what was unpacked from it.
    pub keep: bool,
    /// Take what nothing proves.
    pub unverified: bool,
    /// How large it may become.
    pub limits: Limits,
}

impl Request {
    /// One without any proof or wish.
    #[must_use]
    pub fn new(name: ImageName, source: Source) -> Self {
        Self {
            name,
            source,
            mirrors: Vec::new(),
            keys: Vec::new(),
            signature: None,
            sums: None,
            expected: None,
            arch: None,
            keep: false,
            unverified: false,
            limits: Limits::default(),
        }
    }
}

/// Fetches, verifies and unpacks an image and puts it in its place, whole or not at all: whatever goes wrong, and whenever
/// the process ends, the image that was there before is as it was.
///
/// # Errors
/// The first thing that went wrong, with the place.
pub fn add(shelf: &Shelf, request: &Request, tell: Teller<'_>) -> Result<Lock> {
    shelf.demand_free(&request.name)?;
    let mut work = Work::new(shelf, request, tell)?;
    match &request.source {
        Source::Path(path) => source::local::add(&mut work, path)?,
        Source::Urls(urls) => source::url::add(&mut work, urls)?,
        Source::Fcos(stream) => source::fcos::add(&mut work, stream)?,
        Source::Flatcar(channel) => source::flatcar::add(&mut work, channel)?,
        Source::Debian(suite) => source::debian::add(&mut work, suite)?,
    }
    source::kiwi::complete(&mut work.stage)?;
    let proof = work.proof.ok_or_else(|| Error::new("nothing was fetched"))?;
    tell(Progress::Step("putting it in place".to_owned()));
    work.stage
        .commit(&request.name, request.source.to_string(), work.version, proof)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs())
}

/// An addition under way.
pub(crate) struct Work<'a> {
    pub(crate) request: &'a Request,
    pub(crate) fetcher: Fetcher<'a>,
    pub(crate) stage: Stage,
    pub(crate) version: Option<String>,
    /// What proved the files, in words.
    pub(crate) proof: Option<String>,
    keyring: Option<Keyring>,
    tell: Teller<'a>,
}

impl<'a> Work<'a> {
    fn new(shelf: &Shelf, request: &'a Request, tell: Teller<'a>) -> Result<Self> {
        let mut files = Vec::new();
        for path in &request.keys {
            let bytes = std::fs::read(path).map_err(|error| Error::io("cannot read", path, &error))?;
            files.push((path.display().to_string(), bytes));
        }
        let keyring = if files.is_empty() {
            None
        } else {
            Some(Keyring::read(&files)?)
        };
        let mut fetcher = Fetcher::new(shelf.partial(), request.limits.bytes_max, tell)?;
        fetcher.proven = keyring.is_some() || request.expected.is_some();
        Ok(Self {
            request,
            fetcher,
            stage: shelf.stage(request.limits)?,
            version: None,
            proof: None,
            keyring,
            tell,
        })
    }

    pub(crate) fn step(&self, words: impl Into<String>) {
        (self.tell)(Progress::Step(words.into()));
    }

    pub(crate) fn has_keys(&self) -> bool {
        self.keyring.is_some()
    }

    /// What the request's own hash, or nothing, proves.
    pub(crate) fn proved(&mut self, words: String) {
        if self.proof.is_none() {
            self.proof = Some(words);
        }
    }

    /// Without a key or a hash the way must be proof, or the operator says that he wants it so.
    pub(crate) fn demand_some_proof(&mut self, urls: &[String]) -> Result<()> {
        if self.has_keys() {
            return Ok(());
        }
        if urls.iter().all(|url| url.starts_with("https://")) {
            self.proved("the server's TLS certificate, at the time it was added".to_owned());
            return Ok(());
        }
        if self.request.unverified {
            self.proved("nothing: added with `--unverified`".to_owned());
            return Ok(());
        }
        Err(Error::new("nothing would prove that what is fetched is the right thing").hint(
            "name the vendor's public keys with `--key FILE`, or a hash with `--sha256`; `--unverified` takes anything",
        ))
    }

    /// Checks the signature of a file that is here.
    pub(crate) fn verify_file(&mut self, file: &Path, name: &str, signature: &[u8]) -> Result<()> {
        let mut source = File::open(file).map_err(|error| Error::io("cannot read", file, &error))?;
        self.verify(&mut source, name, signature)
    }

    /// Checks the signature of a document in memory.
    pub(crate) fn verify_bytes(&mut self, bytes: &[u8], name: &str, signature: &[u8]) -> Result<()> {
        self.verify(&mut std::io::Cursor::new(bytes), name, signature)
    }

    fn verify(&mut self, document: &mut dyn Rewind, name: &str, signature: &[u8]) -> Result<()> {
        let Some(keyring) = &self.keyring else { return Ok(()) };
        let signer = keyring
            .verify(document, signature, now())
            .map_err(|error| error.about(format!("`{name}`")))?;
        self.signed_by(name, &signer);
        Ok(())
    }

    fn signed_by(&mut self, name: &str, signer: &Signer) {
        self.step(format!(
            "`{name}` is signed by {} ({})",
            signer.fingerprint, signer.user
        ));
        self.proved(format!("OpenPGP signature by {}", signer.fingerprint));
    }

    /// The signature of something at these URLs: where the request says, else beside it.
    pub(crate) fn signature_of(&self, urls: &[String]) -> Result<Vec<u8>> {
        if let Some(place) = &self.request.signature {
            return self.document(place);
        }
        for suffix in [".sig", ".asc", ".gpg"] {
            let beside: Vec<String> = urls.iter().map(|url| format!("{url}{suffix}")).collect();
            if let Ok(found) = self.fetcher.document(&beside) {
                return Ok(found);
            }
        }
        let first = urls.first().map_or("", String::as_str);
        Err(Error::new(format!("there is no signature beside `{first}`"))
            .hint("name its place with `--signature`, or give a hash with `--sha256` instead of keys"))
    }

    /// A small document at a URL or in a file.
    pub(crate) fn document(&self, place: &str) -> Result<Vec<u8>> {
        if place.contains("://") {
            return self.fetcher.document(&[place.to_owned()]);
        }
        std::fs::read(place).map_err(|error| Error::io("cannot read", Path::new(place), &error))
    }

    /// A list of hashes, verified where there are keys: by the signature around it, as Fedora's and its kin's are, or by one
    /// beside it.
    pub(crate) fn sums(&mut self, place: &str) -> Result<String> {
        let list = self.document(place)?;
        let text = std::str::from_utf8(&list).map_err(|_| Error::new(format!("`{place}` is no list of hashes")))?;
        if !self.has_keys() {
            self.demand_some_proof(&[place.to_owned()])?;
            return openpgp::inside(text).unwrap_or_else(|| Ok(text.to_owned()));
        }
        if let (Some(keyring), true) = (&self.keyring, openpgp::is_cleartext(text)) {
            let (text, signer) = keyring
                .verify_cleartext(text, now())
                .map_err(|error| error.about(format!("`{place}`")))?;
            self.signed_by(place, &signer);
            return Ok(text);
        }
        let signature = if place.contains("://") {
            self.signature_of(&[place.to_owned()])?
        } else {
            self.signature_beside(Path::new(place))?
        };
        self.verify_bytes(&list, place, &signature)?;
        Ok(text.to_owned())
    }

    /// The signature of a file of this machine.
    pub(crate) fn signature_beside(&self, path: &Path) -> Result<Vec<u8>> {
        if let Some(place) = &self.request.signature {
            return self.document(place);
        }
        for suffix in [".sig", ".asc", ".gpg"] {
            if let Ok(found) = std::fs::read(crate::shelf::with_suffix(path, suffix)) {
                return Ok(found);
            }
        }
        Err(Error::new(format!("there is no signature beside `{}`", path.display()))
            .hint("name its place with `--signature`, or give a hash with `--sha256` instead of keys"))
    }

    /// Fetches a file that must have this hash, and adds it under this path.
    pub(crate) fn take(&mut self, urls: &[String], expected: &Expected, path: &str) -> Result<()> {
        let fetched = self.fetcher.file(urls, Some(expected))?;
        self.stage.adopt(&EntryPath::file(path)?, &fetched.path)
    }

    /// Adds what was fetched: unpacked if it is an archive, else as it is.
    pub(crate) fn unpack_fetched(&mut self, fetched: &Fetched, name: &str) -> Result<()> {
        self.unpack_or_keep(&fetched.path, name)
    }

    pub(crate) fn unpack_or_keep(&mut self, file: &Path, name: &str) -> Result<()> {
        let kind = tarball::kind(file)?;
        match kind {
            Kind::Tar => {
                self.step(format!("unpacking `{name}`"));
                tarball::unpack(file, &mut self.stage).map_err(|error| error.about(format!("`{name}`")))?;
            }
            Kind::Iso => {
                self.step(format!("unpacking `{name}`"));
                iso::unpack(file, &mut self.stage).map_err(|error| error.about(format!("`{name}`")))?;
            }
            Kind::Other => {}
        }
        if kind == Kind::Other || self.request.keep {
            let path = EntryPath::file(name)?;
            self.stage.adopt(&path, file)?;
        }
        Ok(())
    }

    /// Compares a file of this machine with the hash that it must have.
    pub(crate) fn compare(&self, file: &Path, expected: &Expected) -> Result<()> {
        let hashes = File::open(file)
            .and_then(|mut file| hash_reader(&mut file, Some(expected)))
            .map_err(|error| Error::io("cannot read", file, &error))?;
        expected.compare(&hashes).map_err(|found| {
            Error::new(format!(
                "`{}` has not the {} but {found}",
                file.display(),
                expected.words()
            ))
        })
    }
}

/// The files below a directory, by their paths; a link out of it is an error, one inside is the file that it leads to.
pub(crate) fn copy_tree(stage: &mut Stage, directory: &Path) -> Result<()> {
    let mut found = Vec::new();
    walk(directory, "", &mut found)?;
    found.sort();
    for path in found {
        let from = directory.join(&path);
        let place = EntryPath::file(&path)?;
        let about = from
            .symlink_metadata()
            .map_err(|error| Error::io("cannot read", &from, &error))?;
        if about.is_symlink() {
            let target = std::fs::read_link(&from).map_err(|error| Error::io("cannot read", &from, &error))?;
            stage.link(&place, target.to_string_lossy().into_owned())?;
        } else if about.is_file() {
            let mut file = File::open(&from).map_err(|error| Error::io("cannot read", &from, &error))?;
            stage.add(&place, &mut file)?;
        } else {
            return Err(Error::new(format!(
                "`{}` is no file but a device or a pipe",
                from.display()
            )));
        }
    }
    Ok(())
}
