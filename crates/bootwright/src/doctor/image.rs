//! Boot programs and images: I01 to I05.

use super::disk::options;
use super::facts::{Facts, Versioned};
use super::report::Judged;

/// How many days before its end a key is worth a word.
const ENDS_WITHIN_DAYS: u64 = 30;

const DAY_SECS: u64 = 86_400;

pub(super) fn firmware(facts: &Facts) -> Judged {
    let image = &facts.image;
    match image.firmware.split_first() {
        None => Judged::ok(format!(
            "{} boot programs are there, as their list says",
            image.programs
        )),
        Some(((words, hint), rest)) => {
            let more = if rest.is_empty() {
                String::new()
            } else {
                format!(" (and {} more)", rest.len())
            };
            let judged = Judged::error(format!("{words}{more}")).advice(hint.clone());
            judged.repair_if((!image.packaged.is_empty()).then(|| image.packaged.join(" && ")))
        }
    }
}

pub(super) fn files(facts: &Facts) -> Judged {
    let image = &facts.image;
    if facts.config.good.is_none() {
        return Judged::skipped("the configuration cannot be used (C01)");
    }
    let Some((words, _)) = image.files.first() else {
        return Judged::ok(format!("the {} profiles have their files", image.profiles));
    };
    let more = image.files.len() - 1;
    let more = if more > 0 {
        format!(" (and {more} more)")
    } else {
        String::new()
    };
    let mut commands: Vec<String> = image
        .files
        .iter()
        .filter_map(|(_, image)| image.as_ref())
        .map(|image| format!("bootwright{} image add {image}", options(facts)))
        .collect();
    commands.dedup();
    let judged = Judged::warning(format!("{words}{more}"));
    if commands.is_empty() {
        judged.advice(
            "put the file there, or have `bootwright image add` do it; no host can be armed with the profile before",
        )
    } else {
        judged.repair(commands.join(" && "))
    }
}

pub(super) fn pairs(facts: &Facts) -> Judged {
    let odd = facts
        .image
        .pairs
        .iter()
        .find(|(_, kernel, initrd)| differ(kernel, initrd));
    match odd {
        Some((profile, kernel, initrd)) => Judged::warning(format!(
            "profile `{profile}` boots kernel {} with the ramdisk of {}: `{}` and `{}`",
            kernel.version.as_deref().unwrap_or("?"),
            initrd.version.as_deref().unwrap_or("?"),
            kernel.path,
            initrd.path
        ))
        .advice("name both of one version in the profile: a kernel finds no drivers in another one's ramdisk"),
        None => Judged::ok(format!(
            "{} kernels and ramdisks name no versions that differ",
            facts.image.pairs.len()
        )),
    }
}

fn differ(kernel: &Versioned, initrd: &Versioned) -> bool {
    match (&kernel.version, &initrd.version) {
        (Some(kernel), Some(initrd)) => kernel != initrd,
        _ => false,
    }
}

/// The version that a file's name holds: from its first number of two parts or more to the end, without what ends names of
/// files. `vmlinuz-6.1.0-18-amd64` gives `6.1.0-18-amd64`.
pub(super) fn version(path: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = [".img", ".gz", ".xz", ".zst", ".cpio", ".efi", ".lz4"]
        .iter()
        .fold(name, |name, ending| name.strip_suffix(ending).unwrap_or(name));
    let starts = name.char_indices().filter(|(at, c)| {
        let before = name.get(..*at).and_then(|before| before.chars().last());
        c.is_ascii_digit() && before.is_none_or(|before| matches!(before, '-' | '_' | '.'))
    });
    for (at, _) in starts {
        let rest = name.get(at..)?;
        let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        if number.trim_end_matches('.').contains('.') {
            // What says which of the two files it is, and not which version.
            let words: Vec<&str> = rest
                .split('-')
                .take_while(|word| {
                    !["live", "kernel", "initr", "rootfs"]
                        .iter()
                        .any(|sort| word.starts_with(sort))
                })
                .collect();
            return Some(words.join("-"));
        }
    }
    None
}

pub(super) fn https(facts: &Facts) -> Judged {
    let image = &facts.image;
    let Some((profile, url)) = image.https.first() else {
        return Judged::ok("no profile leads iPXE to an `https:` URL");
    };
    let Some(program) = &image.bios else {
        return Judged::ok("`https:` URLs are in use, and machines with a BIOS are not served");
    };
    Judged::warning(format!(
        "profile `{profile}` leads to `{url}`, and `{program}`, which machines with a BIOS fetch, speaks no HTTPS"
    ))
    .advice("bring the files here with `bootwright image add NAME URL`, and name them as `/images/NAME/…`")
}

pub(super) fn keys(facts: &Facts) -> Judged {
    let image = &facts.image;
    if facts.config.good.is_none() {
        return Judged::skipped("the configuration cannot be used (C01)");
    }
    let mut soon = None;
    for (name, file, read) in &image.keys {
        let ends = match read {
            Ok(ends) => ends,
            Err(why) => {
                return Judged::warning(format!("the key `{file}` of image `{name}` cannot be read: {why}"))
                    .advice("get it from its vendor again, and write it as `gpg --export` does");
            }
        };
        // One owner whose key is good is enough.
        let best = ends
            .iter()
            .map(|(_, end)| end.unwrap_or(u64::MAX))
            .max()
            .unwrap_or_default();
        let owner = ends.first().map(|(owner, _)| owner.as_str()).unwrap_or_default();
        if best <= image.now {
            return Judged::error(format!(
                "the key `{file}` of image `{name}` ({owner}) has ended: nothing new that it signed is taken"
            ))
            .advice("get the vendor's present key, and put it in its place");
        }
        if best < image.now.saturating_add(ENDS_WITHIN_DAYS * DAY_SECS) {
            let days = (best - image.now) / DAY_SECS;
            soon.get_or_insert(format!(
                "the key `{file}` of image `{name}` ({owner}) ends in {days} days"
            ));
        }
    }
    match soon {
        Some(words) => Judged::warning(words).advice("get the vendor's next key in time, and name it beside this one"),
        None => Judged::ok(format!(
            "{} keys of images are good for another month",
            image.keys.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_tells_its_version() {
        for (name, expected) in [
            ("/images/d/vmlinuz-6.1.0-18-amd64", Some("6.1.0-18-amd64")),
            ("/images/d/initrd.img-6.1.0-18-amd64", Some("6.1.0-18-amd64")),
            (
                "/images/f/fedora-coreos-41.20250105.3.0-live-kernel.x86_64",
                Some("41.20250105.3.0"),
            ),
            ("/images/d/linux", None),
            ("/images/d/initrd.gz", None),
            ("/images/live-kernel.x86_64", None),
            ("/images/d/initramfs-5.14.0-503.el9.img", Some("5.14.0-503.el9")),
        ] {
            assert_eq!(version(name).as_deref(), expected, "{name}");
        }
    }
}
