//! Room on the disks. A gate that finds the disk full in its last tier has wasted everybody's time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::sys::statvfs::statvfs;

use super::tier::Tier;
use crate::tree;

/// What tests, packages and scratch directories take at their worst where temporary files go, in megabytes.
const TEMPORARY_MB: u64 = 500;
/// What a run takes at least where everything was built before: what changed, logs, captures, disks.
const AGAIN_MB: u64 = 500;

/// A directory that something is written to, and how much.
#[derive(Debug)]
struct Need {
    place: PathBuf,
    mb: u64,
}

/// Says what is free and what these tiers take, and fails where that cannot be enough. What they build, their virtual
/// machines' disks and their containers' images all go below cargo's target directory.
pub(super) fn check(tiers: &[&Tier]) -> Result<()> {
    let mut parts: BTreeMap<&str, u64> = BTreeMap::new();
    for (below, mb) in tiers.iter().map(|tier| tier.room) {
        *parts.entry(below).or_default() += mb;
    }
    let target = tree::target();
    let left = |(below, mb): (&&str, &u64)| mb.saturating_sub(megabytes(&target.join(below)));
    let whole: u64 = parts.values().sum();
    let needs = [
        Need {
            mb: parts.iter().map(left).sum::<u64>().max(AGAIN_MB.min(whole)),
            place: target.clone(),
        },
        Need {
            place: std::env::temp_dir(),
            mb: TEMPORARY_MB.min(whole),
        },
    ];
    for disk in by_disk(needs)? {
        let free = free_mb(&disk.place)?;
        println!("{}", words(&disk, free));
        if free < disk.mb {
            bail!(
                "there is too little room: {}\nmake some, or let cargo build elsewhere with CARGO_TARGET_DIR",
                words(&disk, free)
            );
        }
    }
    Ok(())
}

fn words(need: &Need, free: u64) -> String {
    let giga = |mb: u64| format!("{}.{} GB", mb / 1000, mb % 1000 / 100);
    format!(
        "`{}` has {} free, of which these tiers take up to {}",
        need.place.display(),
        giga(free),
        giga(need.mb)
    )
}

/// The needs, those of one file system together.
fn by_disk(needs: impl IntoIterator<Item = Need>) -> Result<Vec<Need>> {
    let mut disks: Vec<(u64, Need)> = Vec::new();
    for need in needs {
        let disk = fs::metadata(existing(&need.place))
            .with_context(|| format!("cannot look at `{}`", need.place.display()))?
            .dev();
        match disks.iter_mut().find(|(other, _)| *other == disk) {
            Some((_, first)) => first.mb += need.mb,
            None => disks.push((disk, need)),
        }
    }
    Ok(disks.into_iter().map(|(_, need)| need).collect())
}

fn free_mb(place: &Path) -> Result<u64> {
    let place = existing(place);
    let state = statvfs(place).with_context(|| format!("cannot ask how much room `{}` has", place.display()))?;
    Ok(state.blocks_available().saturating_mul(state.fragment_size()) / 1_000_000)
}

/// The directory itself, or the nearest one above it that is there already.
fn existing(place: &Path) -> &Path {
    place.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"))
}

/// What a directory takes on its disk, without what cannot be looked at and what lies on others.
fn megabytes(directory: &Path) -> u64 {
    let Ok(disk) = fs::metadata(directory).map(|top| top.dev()) else {
        return 0;
    };
    let mut left = vec![directory.to_owned()];
    let mut blocks = 0;
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(facts) = entry.metadata() else { continue };
            if facts.dev() != disk {
                continue;
            }
            blocks += facts.blocks();
            if facts.is_dir() {
                left.push(entry.path());
            }
        }
    }
    blocks * 512 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn what_is_there_is_counted_by_the_room_it_takes() {
        let place = Scratch::new("room").unwrap();
        fs::create_dir(place.path().join("below")).unwrap();
        fs::write(place.path().join("below/file"), vec![1; 3_000_000]).unwrap();
        let sparse = fs::File::create(place.path().join("disk")).unwrap();
        sparse.set_len(1 << 30).unwrap();
        assert_eq!(megabytes(place.path()), 3);
        assert_eq!(megabytes(&place.path().join("nowhere")), 0);
    }

    #[test]
    fn needs_of_one_disk_are_added_up() {
        let place = Scratch::new("disks").unwrap();
        let need = |name: &str, mb| Need {
            place: place.path().join(name),
            mb,
        };
        let disks = by_disk([need("one/not/there/yet", 2_000), need("two", 345)]).unwrap();
        let [disk] = disks.as_slice() else { panic!("{disks:?}") };
        assert_eq!(disk.mb, 2_345);
        assert!(free_mb(&disk.place).unwrap() > 0);
        let said = words(disk, 12_999);
        assert!(
            said.ends_with("has 12.9 GB free, of which these tiers take up to 2.3 GB"),
            "{said}"
        );
    }

    #[test]
    fn a_gate_that_has_too_little_room_says_so_before_it_begins() {
        let endless = Tier::of_room(u64::MAX / 4);
        let error = check(&[&endless]).unwrap_err().to_string();
        assert!(
            error.contains("there is too little room") && error.contains("CARGO_TARGET_DIR"),
            "{error}"
        );
        check(&[&Tier::of_room(0)]).unwrap();
    }
}
