//! Lists of hashes as vendors publish them: `SHA256SUMS` as coreutils writes it, the BSD form, and the sections of Flatcar's
//! `DIGESTS`; and the list in a Debian `Release` file, whose lines hold a size too.

use crate::digest::Expected;
use crate::error::{Error, Result};

/// The hash of a file in a list. SHA-512 goes before SHA-256; other kinds are passed over.
pub(crate) fn find(list: &str, name: &str) -> Result<Expected> {
    let mut found: Vec<Expected> = list
        .lines()
        .filter_map(line)
        .filter(|(_, path)| is_same(path, name))
        .map(|(expected, _)| expected)
        .collect();
    found.sort_by_key(|expected| match expected {
        Expected::Sha512(_) => 0,
        Expected::Sha256(_) => 1,
    });
    found.dedup();
    let first = found
        .first()
        .cloned()
        .ok_or_else(|| Error::new(format!("the list of hashes does not name `{name}`")))?;
    if found.iter().skip(1).any(|other| same_kind(other, &first)) {
        return Err(Error::new(format!("the list of hashes names `{name}` twice")));
    }
    Ok(first)
}

fn same_kind(one: &Expected, other: &Expected) -> bool {
    matches!(
        (one, other),
        (Expected::Sha256(_), Expected::Sha256(_)) | (Expected::Sha512(_), Expected::Sha512(_))
    )
}

/// The hash and the path of a line.
fn line(line: &str) -> Option<(Expected, &str)> {
    let line = line.trim();
    if let Some((left, digits)) = line.split_once(") = ") {
        // SHA256 (name) = digits
        let (_, path) = left.split_once(" (")?;
        return Some((digits.trim().parse().ok()?, path));
    }
    let (digits, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    // Debian's Release has a size between them.
    let path = match rest.split_once(char::is_whitespace) {
        Some((size, path)) if !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()) => path.trim_start(),
        _ => rest,
    };
    Some((digits.parse().ok()?, path.strip_prefix('*').unwrap_or(path)))
}

fn is_same(path: &str, name: &str) -> bool {
    let path = path.strip_prefix("./").unwrap_or(path);
    path == name || (!name.contains('/') && path.rsplit('/').next() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendors_list_is_read() {
        let (a, b) = ("a".repeat(64), "b".repeat(128));
        for list in [
            format!("{a}  linux\n"),
            format!("{a} *linux\n"),
            format!("{a}  ./netboot/linux\n"),
            format!("SHA256 (linux) = {a}\n"),
            format!("SHA256:\n d41d8cd98f00b204e9800998ecf8427e 0 linux\n {a} 123 linux\n"),
        ] {
            assert_eq!(find(&list, "linux").unwrap(), Expected::Sha256(a.clone()), "{list}");
        }
        let digests = format!("# MD5 HASH\n0123  linux\n# SHA512 HASH\n{b}  linux\n# SHA256 HASH\n{a}  linux\n");
        assert_eq!(find(&digests, "linux").unwrap(), Expected::Sha512(b));
    }

    #[test]
    fn a_name_that_is_missing_or_there_twice_is_an_error() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        assert!(find(&format!("{a}  other\n"), "linux").is_err());
        assert!(find(&format!("{a}  x/linux\n{b}  y/linux\n"), "linux").is_err());
        assert_eq!(
            find(&format!("{a}  x/linux\n{b}  y/linux\n"), "y/linux").unwrap(),
            Expected::Sha256(b)
        );
    }
}
