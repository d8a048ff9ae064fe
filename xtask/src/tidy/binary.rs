//! Files that nobody can review.

use anyhow::Result;

use super::{Finding, Sources};

/// Every committed file is text: UTF-8 without NUL. Captured packets are kept as hex.
pub(super) fn check(sources: &Sources) -> Result<Vec<Finding>> {
    let binary = |content: &[u8]| content.contains(&0) || str::from_utf8(content).is_err();
    Ok(sources
        .files
        .iter()
        .filter(|file| binary(&file.content))
        .map(|file| {
            Finding::grave(
                file.path.display(),
                "is not text; what is built or fetched is not committed",
            )
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_and_broken_utf_8_are_found_and_text_in_any_language_is_not() {
        let mut sources = Sources::made_of(&[("a.efi", "MZ\0"), ("b.txt", "Grüße"), ("c.bin", "")]);
        sources.files[2].content = vec![0xff, 0xfe];
        let places: Vec<_> = check(&sources)
            .unwrap()
            .into_iter()
            .map(|finding| finding.place)
            .collect();
        assert_eq!(places, ["a.efi", "c.bin"]);
    }
}
