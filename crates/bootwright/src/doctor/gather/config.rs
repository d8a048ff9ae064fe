//! What the configuration says, what is wrong with it, and who may read it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use bootwright_config::{Loaded, SecretSource, Severity};

use super::super::facts::Config;
use crate::reload::{Files, Unusable};
use crate::vault;

/// The configuration that nobody has to name, and that need not be there.
const USUAL: &str = "/etc/bootwright/config.toml";

pub(super) fn gather(files: &Files, read: &Result<Loaded, Unusable>) -> Config {
    let mut config = Config::default();
    for path in files.all() {
        if mode(&path) & 0o002 != 0 {
            config.modes.push((path, "o-w"));
        }
    }
    let main = files.main();
    if !main.exists() && main != Path::new(USUAL) {
        config.dangling.push(format!("there is no file `{}`", main.display()));
    }
    match read {
        Err(Unusable::Unreadable { path, why }) => {
            config.mistakes.push(format!("cannot read `{}`: {why}", path.display()));
        }
        Err(Unusable::Wrong(diagnostics)) => {
            for diagnostic in diagnostics.iter().filter(|one| one.severity == Severity::Error) {
                let place = format!("{}:{}:{}", diagnostic.file, diagnostic.line, diagnostic.column);
                let words = format!("{place}: {}", diagnostic.message);
                let refers = [
                    "there is no profile",
                    "there is no secret",
                    "there is no image",
                    "cannot read",
                ];
                if refers.iter().any(|begin| diagnostic.message.contains(begin)) {
                    config.dangling.push(words);
                } else {
                    config.mistakes.push(words);
                }
            }
        }
        Ok(loaded) => of_loaded(&mut config, loaded),
    }
    config
}

fn of_loaded(config: &mut Config, loaded: &Loaded) {
    let policy = &loaded.policy;
    config.good = Some(format!(
        "{} profiles, {} hosts, {} rules",
        policy.profiles.len(),
        policy.hosts.len(),
        policy.rules.len()
    ));
    config.rules = policy.rules.clone();
    let tftp = &loaded.daemon.tftp;
    let directories = [("tftp.root", &tftp.root), ("tftp.raspberry_pi", &tftp.raspberry_pi)];
    for (key, directory) in directories {
        if let Some(path) = directory.as_ref().filter(|path| !Path::new(path).is_dir()) {
            config
                .dangling
                .push(format!("`{key}` names `{path}`, and there is no such directory"));
        }
    }
    for compat in &loaded.daemon.compat {
        if let Some(path) = compat.data_dir.as_ref().filter(|path| !Path::new(path).is_dir()) {
            let name = compat.dialect.name();
            config.dangling.push(format!(
                "`compat.{name}.data_dir` names `{path}`, and there is no such directory"
            ));
        }
    }
    for (name, image) in &loaded.images {
        let local = |place: &&String| !place.contains("://") && !Path::new(place).exists();
        let missing = image.keys.iter().filter(local);
        config
            .dangling
            .extend(missing.map(|path| format!("`images.{name}.keys` names `{path}`, and there is no such file")));
    }
    for source in loaded.secrets.values() {
        if let SecretSource::File(path) = source
            && mode(Path::new(path)) & 0o007 != 0
        {
            config.modes.push((PathBuf::from(path), "o-rwx"));
        }
    }
    let troubles = vault::troubles(&loaded.secrets);
    let missing = troubles.into_iter().map(|(words, _)| words);
    config
        .secrets
        .extend(missing.filter(|words| words.contains("cannot be had")));
}

fn mode(path: &Path) -> u32 {
    path.metadata().map_or(0, |about| about.mode())
}
