//! Boot firmware: fetched from Debian packages that are pinned by hash, or taken from files, and verified.

pub(crate) mod manifest;
pub(crate) mod offline;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use self::manifest::{Manifest, Package, sha256};
use crate::debian::Suite;
use crate::scratch::Scratch;
use crate::{package, process, tree};

/// Options of `cargo xtask firmware`.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Verify what is there; fetch and change nothing.
    #[arg(long, conflicts_with_all = ["from", "version"])]
    check: bool,
    /// Take the files from this Debian package, or from this directory of files, instead of the network.
    #[arg(long, value_name = "FILE|DIR")]
    from: Option<PathBuf>,
    /// Install this version of the manifest's packages instead of the preferred one.
    #[arg(long, conflicts_with = "from")]
    version: Option<String>,
    /// Where to install, instead of `firmware/` in the source tree.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// What a verified set of files is: by name, the bytes.
type Contents<'a> = BTreeMap<&'a str, Vec<u8>>;

/// Does what the options say.
pub(crate) fn run(args: &Args) -> Result<()> {
    let home = tree::root().join("firmware");
    let manifest = Manifest::load(&home.join("manifest.toml"))?;
    let target = args.into.clone().unwrap_or(home);
    if args.check {
        return check(&manifest, &target);
    }
    match &args.from {
        Some(from) if from.is_dir() => {
            for contents in from_directory(&manifest, from)? {
                install(&target, &contents)?;
            }
        }
        Some(from) => install(&target, &from_package(&manifest, from)?)?,
        None => fetch_missing(&manifest, &target, args.version.as_deref())?,
    }
    check(&manifest, &target)
}

/// Fetches each package of which something is missing or not as listed; all of them if a version is asked for.
fn fetch_missing(manifest: &Manifest, target: &Path, version: Option<&str>) -> Result<()> {
    let mut archive = Archive::default();
    for package in manifest.chosen(version)? {
        if version.is_none() && faults(manifest, package, target)?.is_empty() {
            continue;
        }
        match archive.fetch(package) {
            Ok(contents) => install(target, &contents)?,
            // An update of the suite takes the place of what is pinned; most sites do without.
            Err(error) if package.optional => {
                eprintln!("warning: no `{}`, which only some sites need: {error:#}", package.name);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes sure that the firmware is there: fetches it only if something is missing or not as listed.
pub(crate) fn ensure_present() -> Result<()> {
    let home = tree::root().join("firmware");
    let manifest = Manifest::load(&home.join("manifest.toml"))?;
    for package in manifest.chosen(None)? {
        if !faults(&manifest, package, &home)?.is_empty() {
            return run(&Args::default());
        }
    }
    Ok(())
}

/// What is wrong in a directory of installed firmware: files that are not as listed, and, of the packages that every site
/// needs, files that are missing.
pub(crate) fn problems(manifest: &Manifest, directory: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in manifest.chosen(None)? {
        let is_grave = |fault: &Fault| !package.optional || matches!(fault, Fault::Foreign(_));
        let faults = faults(manifest, package, directory)?;
        problems.extend(faults.iter().filter(|fault| is_grave(fault)).map(ToString::to_string));
    }
    Ok(problems)
}

/// What is wrong with an installed file.
enum Fault {
    Missing(String),
    Foreign(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "`{name}` is missing"),
            Self::Foreign(name) => write!(f, "`{name}` is none of the listed files of that name"),
        }
    }
}

fn faults(manifest: &Manifest, package: &Package, directory: &Path) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    for file in &package.files {
        let path = directory.join(&file.name);
        if !path.exists() {
            faults.push(Fault::Missing(file.name.clone()));
            continue;
        }
        let content = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        if manifest.recognise(&file.name, &content).is_none() {
            faults.push(Fault::Foreign(file.name.clone()));
        }
    }
    Ok(faults)
}

fn check(manifest: &Manifest, directory: &Path) -> Result<()> {
    let problems = problems(manifest, directory)?;
    if !problems.is_empty() {
        bail!(
            "in `{}`:\n  {}\nrun `cargo xtask firmware` to fetch it",
            directory.display(),
            problems.join("\n  ")
        );
    }
    for package in manifest.chosen(None)? {
        let files = package.files.len();
        let missing = faults(manifest, package, directory)?.len();
        let what = match missing {
            0 => format!("{files} files of {} verified", package.name),
            _ => format!(
                "{missing} of {files} files of {} are missing, which only some sites need",
                package.name
            ),
        };
        println!("{}: {what}", directory.display());
    }
    Ok(())
}

/// The suites that packages were fetched from, with their lists.
#[derive(Default)]
struct Archive(BTreeMap<(String, String), Suite>);

impl Archive {
    fn fetch<'a>(&mut self, package: &'a Package) -> Result<Contents<'a>> {
        package::need(&[("apt-get", "apt"), ("dpkg-deb", "dpkg")])?;
        println!(
            "fetching {} {} of Debian's suite {}",
            package.name, package.version, package.suite
        );
        let key = (package.suite.clone(), package.architecture.clone());
        let suite = match self.0.entry(key) {
            Entry::Occupied(suite) => suite.into_mut(),
            Entry::Vacant(place) => {
                let suite = match package.architecture.as_str() {
                    "all" => Suite::open(&package.suite),
                    architecture => Suite::open_for(&package.suite, architecture),
                };
                place.insert(suite?)
            }
        };
        let place = Scratch::new("firmware")?;
        let deb = suite
            .download(&package.name, Some(&package.version), place.path())
            .context("without a network, `cargo xtask firmware --from FILE|DIR` takes the package or its files")?;
        unpack(package, &deb)
    }
}

fn from_package<'a>(manifest: &'a Manifest, deb: &Path) -> Result<Contents<'a>> {
    package::need(&[("dpkg-deb", "dpkg")])?;
    let hash = sha256(&std::fs::read(deb).with_context(|| format!("cannot read `{}`", deb.display()))?);
    let package = manifest
        .packages
        .iter()
        .find(|package| package.sha256 == hash)
        .with_context(|| {
            format!(
                "`{}` (SHA-256 {hash}) is none of the packages in `firmware/manifest.toml`",
                deb.display()
            )
        })?;
    unpack(package, deb)
}

/// The files that lie loose in a directory, under the name they are served under or the name they have in the package: of
/// each package, the first listed version that is there whole.
fn from_directory<'a>(manifest: &'a Manifest, directory: &Path) -> Result<Vec<Contents<'a>>> {
    let (mut found, mut reasons) = (BTreeMap::new(), Vec::new());
    for package in &manifest.packages {
        match loose_files(package, directory) {
            Ok(contents) => drop(found.entry(package.name.as_str()).or_insert(contents)),
            Err(error) => reasons.push(format!("not {} {}: {error:#}", package.name, package.version)),
        }
    }
    ensure!(
        !found.is_empty(),
        "`{}` holds no listed version whole\n  {}",
        directory.display(),
        reasons.join("\n  ")
    );
    Ok(found.into_values().collect())
}

fn loose_files<'a>(package: &'a Package, directory: &Path) -> Result<Contents<'a>> {
    collect(package, |file| {
        let packaged = Path::new(&file.path).file_name().map(|name| directory.join(name));
        let served = directory.join(&file.name);
        if served.exists() {
            served
        } else {
            packaged.unwrap_or(served)
        }
    })
}

fn unpack<'a>(package: &'a Package, deb: &Path) -> Result<Contents<'a>> {
    let found = sha256(&std::fs::read(deb).with_context(|| format!("cannot read `{}`", deb.display()))?);
    ensure!(
        found == package.sha256,
        "`{}` is not the package that the manifest pins\n  expected {}\n  found    {found}",
        deb.display(),
        package.sha256
    );
    let place = Scratch::new("unpack")?;
    process::output(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(place.path()))?;
    collect(package, |file| place.path().join(&file.path))
}

/// Reads and verifies all files of a package; where each lies is the caller's to say.
fn collect(package: &Package, place: impl Fn(&manifest::File) -> PathBuf) -> Result<Contents<'_>> {
    let mut contents = Contents::new();
    for file in &package.files {
        let path = place(file);
        let content = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let found = sha256(&content);
        ensure!(
            found == file.sha256 && content.len() as u64 == file.bytes,
            "`{}` is not as the manifest says\n  expected {} ({} bytes)\n  found    {found} ({} bytes)",
            path.display(),
            file.sha256,
            file.bytes,
            content.len()
        );
        contents.insert(&file.name, content);
    }
    Ok(contents)
}

/// Puts each file in its place in one step, so that a running daemon sees the old bytes or the new ones.
fn install(directory: &Path, contents: &Contents<'_>) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make `{}`", directory.display()))?;
    for (name, content) in contents {
        let temporary = directory.join(format!(".{name}.{}.part", std::process::id()));
        let written = std::fs::File::create(&temporary)
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&temporary, directory.join(name)));
        if let Err(error) = written {
            let _ = std::fs::remove_file(&temporary);
            return Err(error).with_context(|| format!("cannot write `{name}` in `{}`", directory.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let hash = sha256(b"abc");
        Manifest::parse(&format!(
            "[[package]]\nname = \"ipxe\"\nversion = \"1\"\nsuite = \"trixie\"\narchitecture = \"all\"\n\
             sha256 = \"{hash}\"\nlicence = \"GPL-2.0-only\"\nsource = \"upstream\"\n\
             [[package.file]]\nname = \"served.efi\"\npath = \"usr/lib/packaged.efi\"\nbytes = 3\n\
             sha256 = \"{hash}\"\narch = [\"efi64\"]\n"
        ))
        .unwrap()
    }

    #[test]
    fn files_from_a_directory_are_verified_and_put_under_their_names() {
        let manifest = manifest();
        let (source, target) = (Scratch::new("test").unwrap(), Scratch::new("test").unwrap());
        assert!(from_directory(&manifest, source.path()).is_err());
        std::fs::write(source.path().join("packaged.efi"), "abc").unwrap();
        let home = target.path().join("new");
        assert_eq!(problems(&manifest, target.path()).unwrap(), ["`served.efi` is missing"]);
        for contents in from_directory(&manifest, source.path()).unwrap() {
            install(&home, &contents).unwrap();
        }
        assert_eq!(std::fs::read(home.join("served.efi")).unwrap(), b"abc");
        assert_eq!(
            std::fs::read_dir(&home).unwrap().count(),
            1,
            "temporary files are left behind"
        );
        assert!(problems(&manifest, &home).unwrap().is_empty());
    }

    #[test]
    fn what_only_some_sites_need_may_be_missing_but_not_be_something_else() {
        let mut manifest = manifest();
        manifest.packages[0].optional = true;
        let place = Scratch::new("test").unwrap();
        assert!(problems(&manifest, place.path()).unwrap().is_empty());
        std::fs::write(place.path().join("served.efi"), "abd").unwrap();
        assert_eq!(
            problems(&manifest, place.path()).unwrap(),
            ["`served.efi` is none of the listed files of that name"]
        );
    }

    #[test]
    fn one_changed_byte_is_refused_and_names_both_hashes() {
        let manifest = manifest();
        let source = Scratch::new("test").unwrap();
        std::fs::write(source.path().join("served.efi"), "abd").unwrap();
        let error = format!("{:#}", from_directory(&manifest, source.path()).unwrap_err());
        assert!(
            error.contains(&sha256(b"abc")) && error.contains(&sha256(b"abd")),
            "{error}"
        );
        assert_eq!(
            problems(&manifest, source.path()).unwrap(),
            ["`served.efi` is none of the listed files of that name"]
        );
    }

    #[test]
    fn a_package_that_is_not_listed_is_refused_before_it_is_unpacked() {
        let place = Scratch::new("test").unwrap();
        let deb = place.path().join("ipxe.deb");
        std::fs::write(&deb, "another package").unwrap();
        let error = from_package(&manifest(), &deb).unwrap_err().to_string();
        assert!(error.contains("is none of the packages"), "{error}");
        let error = unpack(&manifest().packages[0], &deb).unwrap_err().to_string();
        assert!(error.contains("is not the package that the manifest pins"), "{error}");
    }

    #[test]
    fn the_manifest_of_the_source_tree_is_right_and_holds_what_the_product_relies_on() {
        let manifest = Manifest::load(&tree::root().join("firmware/manifest.toml")).unwrap();
        let names = |optional: bool| {
            let packages = manifest.packages.iter().filter(|package| package.optional == optional);
            let files = packages.flat_map(|package| &package.files);
            files.map(|file| file.name.as_str()).collect::<Vec<_>>()
        };
        let (needed, optional) = (names(false), names(true));
        for name in [
            "undionly.kpxe",
            "snponly.efi",
            "ipxe-amd64.efi",
            "ipxe.efi",
            "ipxe-arm64.efi",
        ] {
            assert!(needed.contains(&name), "{name} is missing in {needed:?}");
        }
        // What our configurations for PXELINUX name, and what its modules need, is there with it.
        for name in [
            "pxelinux.0",
            "ldlinux.c32",
            "menu.c32",
            "libutil.c32",
            "chain.c32",
            "libcom32.c32",
            "reboot.c32",
            "shimx64.efi",
            "grubx64.efi",
        ] {
            assert!(optional.contains(&name), "{name} is missing in {optional:?}");
        }
    }
}
