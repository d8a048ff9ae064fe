//! An archive with one file, as Linux unpacks it into its initial root file system: cpio in the format `newc`
//! (`Documentation/driver-api/early-userspace/buffer-format.rst`).
//!
//! Boot loaders put what they are told to load one behind the other, and the kernel unpacks each part. So a plain file
//! reaches the installer although the boot loader knows nothing of archives.

/// Permissions of the directories above the file.
const DIRECTORY_MODE: u32 = 0o040_755;
/// What makes a mode that of a plain file.
const FILE_TYPE: u32 = 0o100_000;
/// Permissions of a file unless others are asked for.
const FILE_PERMISSIONS: u32 = 0o644;
const TRAILER: &str = "TRAILER!!!";

/// Why a file cannot be archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotArchivable {
    /// Its place is no path of plain segments.
    BadTarget(String),
    /// It has more bytes than the format can say.
    TooLong {
        /// How many.
        len: usize,
    },
}

/// The archive of a file that belongs at `target`: an absolute path, perhaps with `mode=755` behind it.
///
/// # Errors
/// When the path climbs, is empty or holds what no path may hold, or when the file is too long.
pub fn archive(target: &str, content: &[u8]) -> Result<Vec<u8>, NotArchivable> {
    let bad = || NotArchivable::BadTarget(target.to_owned());
    let mut words = target.split(' ').filter(|word| !word.is_empty());
    let path = words.next().ok_or_else(bad)?;
    let mut permissions = FILE_PERMISSIONS;
    for word in words {
        let digits = word.strip_prefix("mode=").ok_or_else(bad)?;
        permissions = u32::from_str_radix(digits, 8)
            .ok()
            .filter(|mode| *mode <= 0o7777)
            .ok_or_else(bad)?;
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let plain =
        |segment: &&str| *segment != "." && *segment != ".." && segment.bytes().all(|byte| byte.is_ascii_graphic());
    if segments.is_empty() || !segments.iter().all(plain) {
        return Err(bad());
    }
    let length = u32::try_from(content.len()).map_err(|_| NotArchivable::TooLong { len: content.len() })?;
    let mut archive = Vec::with_capacity(content.len().saturating_add(512));
    let mut inode = 1_u32;
    for depth in 1..segments.len() {
        let name = segments.get(..depth).unwrap_or_default().join("/");
        entry(&mut archive, inode, DIRECTORY_MODE, 2, &name, 0);
        inode = inode.saturating_add(1);
    }
    entry(
        &mut archive,
        inode,
        FILE_TYPE | permissions,
        1,
        &segments.join("/"),
        length,
    );
    archive.extend_from_slice(content);
    pad(&mut archive);
    entry(&mut archive, 0, 0, 1, TRAILER, 0);
    Ok(archive)
}

/// A header of thirteen numbers in eight digits each, and the name with its closing zero, padded to four bytes.
fn entry(archive: &mut Vec<u8>, inode: u32, mode: u32, links: u32, name: &str, length: u32) {
    let name_bytes = u32::try_from(name.len()).unwrap_or(u32::MAX).saturating_add(1);
    // Owner, group and time are the system's own; devices and the checksum do not apply.
    let fields = [inode, mode, 0, 0, links, 0, length, 0, 0, 0, 0, name_bytes, 0];
    archive.extend_from_slice(b"070701");
    for field in fields {
        archive.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    archive.extend_from_slice(name.as_bytes());
    archive.push(0);
    pad(archive);
}

fn pad(archive: &mut Vec<u8>) {
    let length = archive.len().next_multiple_of(4);
    archive.resize(length, 0);
}

impl std::fmt::Display for NotArchivable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BadTarget(target) => write!(f, "`{}` is no place in an initial ramdisk", target.escape_debug()),
            Self::TooLong { len } => write!(f, "a file of {len} bytes does not fit in an archive"),
        }
    }
}

impl std::error::Error for NotArchivable {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names, modes and contents, read by the format's rules.
    fn read(mut archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut found = Vec::new();
        loop {
            let (header, rest) = archive.split_at(110);
            assert!(header.starts_with(b"070701"));
            let field = |place: usize| {
                let digits = std::str::from_utf8(&header[6 + place * 8..14 + place * 8]).unwrap();
                u32::from_str_radix(digits, 16).unwrap()
            };
            let (mode, length, name_bytes) = (field(1), field(6) as usize, field(11) as usize);
            let name = String::from_utf8(rest[..name_bytes - 1].to_vec()).unwrap();
            let content_at = (110 + name_bytes).next_multiple_of(4);
            if name == TRAILER {
                assert_eq!(archive.len(), content_at, "nothing stands behind the trailer");
                return found;
            }
            let content = archive[content_at..content_at + length].to_vec();
            archive = &archive[(content_at + length).next_multiple_of(4)..];
            found.push((name, mode, content));
        }
    }

    #[test]
    fn a_file_is_archived_with_the_directories_above_it() {
        let archive = archive("/etc/keys/root mode=600", b"secret").unwrap();
        assert_eq!(archive.len() % 4, 0);
        assert_eq!(
            read(&archive),
            [
                ("etc".to_owned(), 0o040_755, Vec::new()),
                ("etc/keys".to_owned(), 0o040_755, Vec::new()),
                ("etc/keys/root".to_owned(), 0o100_600, b"secret".to_vec()),
            ]
        );
    }

    #[test]
    fn cpio_itself_would_read_it() {
        // As `cpio -o -H newc` writes an empty file called `a`, but for inode, owner, time and devices.
        let text = String::from_utf8(archive("/a", b"").unwrap()).unwrap();
        assert!(text.starts_with("07070100000001000081A4"), "{text}");
        assert!(text.ends_with("0000000B00000000TRAILER!!!\0\0\0\0"), "{text:?}");
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        for bad in [
            "",
            "/",
            " ",
            "/..",
            "/a/../b",
            "/a mode=8",
            "/a mode=10000",
            "/a own",
            "/a\tb",
            "/\u{e9}",
        ] {
            assert!(archive(bad, b"x").is_err(), "{bad:?}");
        }
    }
}
