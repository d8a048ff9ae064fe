//! Boot firmware: fetched from Debian packages that are pinned by hash, or taken from files, and verified.

pub(crate) mod manifest;

use std::collections::BTreeMap;
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
        Some(from) if from.is_dir() => install(&target, &from_directory(&manifest, from)?)?,
        Some(from) => install(&target, &from_package(&manifest, from)?)?,
        None if args.version.is_none() && problems(&manifest, &target, None)?.is_empty() => {}
        None => {
            for package in manifest.chosen(args.version.as_deref())? {
                install(&target, &fetch(package)?)?;
            }
        }
    }
    check(&manifest, &target)
}

/// Makes sure that the firmware is there: fetches it only if something is missing or not as listed.
pub(crate) fn ensure_present() -> Result<()> {
    let home = tree::root().join("firmware");
    let manifest = Manifest::load(&home.join("manifest.toml"))?;
    if problems(&manifest, &home, None)?.is_empty() {
        Ok(())
    } else {
        run(&Args::default())
    }
}

/// What is wrong in a directory of installed firmware: files that are not as listed, and, of the packages chosen,
/// files that are missing.
pub(crate) fn problems(manifest: &Manifest, directory: &Path, version: Option<&str>) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in manifest.chosen(version)? {
        for file in &package.files {
            let path = directory.join(&file.name);
            if !path.exists() {
                problems.push(format!("`{}` is missing", file.name));
                continue;
            }
            let content = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            if manifest.recognise(&file.name, &content).is_none() {
                problems.push(format!("`{}` is none of the listed files of that name", file.name));
            }
        }
    }
    Ok(problems)
}

fn check(manifest: &Manifest, directory: &Path) -> Result<()> {
    let problems = problems(manifest, directory, None)?;
    if !problems.is_empty() {
        bail!(
            "in `{}`:\n  {}\nrun `cargo xtask firmware` to fetch it",
            directory.display(),
            problems.join("\n  ")
        );
    }
    for package in manifest.chosen(None)? {
        println!(
            "{}: {} files of {} verified",
            directory.display(),
            package.files.len(),
            package.name
        );
    }
    Ok(())
}

fn fetch(package: &Package) -> Result<Contents<'_>> {
    package::need(&[("apt-get", "apt"), ("dpkg-deb", "dpkg")])?;
    println!(
        "fetching {} {} of Debian's suite {}",
        package.name, package.version, package.suite
    );
    let place = Scratch::new("firmware")?;
    let deb = Suite::open(&package.suite)?
        .download(&package.name, Some(&package.version), place.path())
        .context("without a network, `cargo xtask firmware --from FILE|DIR` takes the package or its files")?;
    unpack(package, &deb)
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

/// The files of one listed version that lie loose in a directory, under the name they are served under or the name
/// they have in the package. All of them must be there and of the same version.
fn from_directory<'a>(manifest: &'a Manifest, directory: &Path) -> Result<Contents<'a>> {
    let mut reasons = Vec::new();
    for package in &manifest.packages {
        match loose_files(package, directory) {
            Ok(contents) => return Ok(contents),
            Err(error) => reasons.push(format!("not {} {}: {error:#}", package.name, package.version)),
        }
    }
    bail!(
        "`{}` holds no listed version whole\n  {}",
        directory.display(),
        reasons.join("\n  ")
    )
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
        assert_eq!(
            problems(&manifest, target.path(), None).unwrap(),
            ["`served.efi` is missing"]
        );
        install(&home, &from_directory(&manifest, source.path()).unwrap()).unwrap();
        assert_eq!(std::fs::read(home.join("served.efi")).unwrap(), b"abc");
        assert_eq!(
            std::fs::read_dir(&home).unwrap().count(),
            1,
            "temporary files are left behind"
        );
        assert!(problems(&manifest, &home, None).unwrap().is_empty());
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
            problems(&manifest, source.path(), None).unwrap(),
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
        let names: Vec<_> = manifest.packages[0]
            .files
            .iter()
            .map(|file| file.name.as_str())
            .collect();
        for name in [
            "undionly.kpxe",
            "snponly.efi",
            "ipxe-amd64.efi",
            "ipxe.efi",
            "ipxe-arm64.efi",
        ] {
            assert!(names.contains(&name), "{name} is missing in {names:?}");
        }
    }
}
