//! The secrets that documents ask for: read when a document is sent, and kept nowhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bootwright_config::SecretSource;
use bootwright_content::{Secret, Secrets, secrets_asked};
use bootwright_core::Profile;
use zeroize::Zeroizing;

/// The largest secret, in bytes: a chain of certificates with its key fits.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Where the secrets are, as the configuration in force says.
pub struct Vault {
    sources: ArcSwap<BTreeMap<String, SecretSource>>,
}

impl Vault {
    /// A vault with these sources.
    #[must_use]
    pub fn new(sources: BTreeMap<String, SecretSource>) -> Self {
        Self {
            sources: ArcSwap::from_pointee(sources),
        }
    }

    /// Takes other sources.
    pub fn replace(&self, sources: BTreeMap<String, SecretSource>) {
        self.sources.store(Arc::new(sources));
    }

    /// The secrets that a template asks for, read at this moment.
    ///
    /// # Errors
    /// Why one of them cannot be had, without any of it: what could not be read never becomes an empty password.
    pub(crate) fn open(&self, template: &str) -> Result<Secrets, String> {
        let asked = secrets_asked(template);
        if asked.is_empty() {
            return Ok(Secrets::Hidden);
        }
        let sources = self.sources.load();
        let mut opened = BTreeMap::new();
        for name in asked.into_iter().filter_map(|asked| asked.name) {
            let source = sources
                .get(&name)
                .ok_or_else(|| format!("`[secrets]` names no `{name}`"))?;
            opened.insert(name.clone(), read(&name, source)?);
        }
        Ok(Secrets::Open(Arc::new(opened)))
    }

    /// Why the documents of a profile would not get their secrets, if so.
    pub(crate) fn trouble(&self, profile: &Profile) -> Option<String> {
        profile
            .files
            .iter()
            .find_map(|(name, document)| Some(format!("{name}: {}", self.open(&document.template).err()?)))
    }
}

/// A secret that something other than a document needs, read at this moment.
///
/// # Errors
/// Why it cannot be had, without any of it.
pub(crate) fn reveal(name: &str, source: &SecretSource) -> Result<String, String> {
    read(name, source)?;
    let text = match source {
        SecretSource::File(path) => read_file(path),
        SecretSource::Environment(variable) => std::env::var(variable)
            .map(Into::into)
            .map_err(|_| "it is not set".to_owned()),
    };
    // As documents get it: without the line break at its end.
    let text = text.map_err(|why| format!("the secret `{name}` cannot be had: {why}"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

fn read(name: &str, source: &SecretSource) -> Result<Secret, String> {
    let (text, place) = match source {
        SecretSource::File(path) => (read_file(path), format!("`{path}`")),
        SecretSource::Environment(variable) => {
            let text = std::env::var(variable).map_err(|error| match error {
                std::env::VarError::NotPresent => "it is not set".to_owned(),
                // The error's own words show the value.
                std::env::VarError::NotUnicode(_) => "it is no text".to_owned(),
            });
            (text.map(Zeroizing::new), format!("the variable `{variable}`"))
        }
    };
    let read = text.and_then(|text| Secret::read(&text).map_err(|error| error.to_string()));
    read.map_err(|why| format!("the secret `{name}` cannot be had from {place}: {why}"))
}

fn read_file(path: &str) -> Result<Zeroizing<String>, String> {
    let words = |error: std::io::Error| error.to_string();
    let file = File::open(path).map_err(words)?;
    let about = file.metadata().map_err(words)?;
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    if about.len() > SECRET_BYTES_MAX {
        return Err(format!("it is larger than {SECRET_BYTES_MAX} bytes"));
    }
    // With room for all of it from the beginning: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(SECRET_BYTES_MAX as usize + 1));
    let reading = file.take(SECRET_BYTES_MAX).read_to_string(&mut text);
    reading.map_err(|_| "it is no text".to_owned())?;
    Ok(text)
}

/// What is wrong with the places of secrets on this box, a line and a hint each.
pub(crate) fn troubles(sources: &BTreeMap<String, SecretSource>) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for (name, source) in sources {
        if let Err(why) = read(name, source) {
            found.push((why, "the daemon reads it when a document asks for it"));
        } else if let SecretSource::File(path) = source
            && Path::new(path).metadata().is_ok_and(|about| about.mode() & 0o007 != 0)
        {
            let words = format!("everybody on this box may read the secret `{name}` in `{path}`");
            found.push((words, "take that away with `chmod o-rwx`"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(path: &Path) -> Vault {
        let source = SecretSource::File(path.display().to_string());
        Vault::new(BTreeMap::from([("luks".to_owned(), source)]))
    }

    #[test]
    fn a_secret_that_cannot_be_read_is_an_error_and_never_an_empty_text() {
        let place = std::env::temp_dir().join(format!("bootwright-vault-{}", std::process::id()));
        let template = "{{ secret('luks') }}";
        let _ = std::fs::remove_file(&place);
        let why = vault(&place).open(template).unwrap_err();
        assert!(why.contains("`luks`") && why.contains("No such file"), "{why}");
        std::fs::write(&place, "\n").unwrap();
        let why = vault(&place).open(template).unwrap_err();
        assert!(why.ends_with("it is empty"), "{why}");
        std::fs::write(&place, [0xff, 0xfe, b'h', b'i']).unwrap();
        let why = vault(&place).open(template).unwrap_err();
        assert!(why.ends_with("it is no text") && !why.contains("hi"), "{why}");
        std::fs::write(&place, "hunter2\n").unwrap();
        assert!(matches!(vault(&place).open(template), Ok(Secrets::Open(_))));
        assert_eq!(vault(&place).open("nothing asked"), Ok(Secrets::Hidden));
        let why = vault(&place).open("{{ secret('other') }}").unwrap_err();
        assert_eq!(why, "`[secrets]` names no `other`");
        std::fs::remove_file(&place).unwrap();
        let directory = std::env::temp_dir();
        assert!(vault(&directory).open(template).unwrap_err().ends_with("it is no file"));
    }
}
