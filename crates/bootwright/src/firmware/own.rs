//! What the manifest beside a site's own boot programs says of them, such as a set that the site has signed for Secure Boot.

use std::collections::BTreeSet;
use std::ops::Range;

use bootwright_core::Arch;
use serde::Deserialize;
use toml::Spanned;

/// The manifest's name. No machine is ever given it.
pub(super) const MANIFEST: &str = "manifest.toml";

/// The longest name that a reply of DHCP can carry, in bytes.
const NAME_BYTES_MAX: usize = 127;

/// One file of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Where the manifest speaks of it, from 1.
    pub(super) line: usize,
    /// Its name in the directory, under which it is served.
    pub(super) name: String,
    /// The SHA-256 of its content, in lower-case hexadecimal digits.
    pub(super) sha256: String,
    /// Whose first boot file it is, unless the configuration names another one. Empty: it goes along.
    pub(super) archs: Vec<Arch>,
    /// Other names under which it is served, in place of the files that are shipped under them.
    pub(super) replaces: Vec<String>,
}

impl Listed {
    /// Every name under which it is served.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.name).chain(&self.replaces)
    }
}

/// What is wrong with a manifest, and on which line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) line: usize,
    pub(super) words: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(default, rename = "file")]
    files: Vec<Spanned<File>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    sha256: Spanned<String>,
    #[serde(default)]
    arch: Vec<Spanned<String>>,
    #[serde(default)]
    replaces: Vec<Spanned<String>>,
}

/// Reads a manifest. A list with one mistake in it is no list: a set of programs that trust each other is served as the site
/// means it, or not at all.
pub(super) fn parse(text: &str) -> Result<Vec<Listed>, Vec<Mistake>> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        vec![Mistake {
            line: line_of(text, &span),
            words: error.message().to_owned(),
        }]
    })?;
    let mut reader = Reader {
        text,
        names: BTreeSet::new(),
        archs: BTreeSet::new(),
        mistakes: Vec::new(),
    };
    let files: Vec<Listed> = manifest.files.into_iter().map(|file| reader.file(file)).collect();
    if files.is_empty() {
        reader.note(
            &(0..0),
            "it lists no file; each one is a `[[file]]` with `name` and `sha256`".to_owned(),
        );
    }
    if reader.mistakes.is_empty() {
        Ok(files)
    } else {
        Err(reader.mistakes)
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.bytes().take(span.start);
    before.filter(|byte| *byte == b'\n').count() + 1
}

struct Reader<'a> {
    text: &'a str,
    names: BTreeSet<String>,
    archs: BTreeSet<Arch>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn file(&mut self, file: Spanned<File>) -> Listed {
        let line = line_of(self.text, &file.span());
        let file = file.into_inner();
        let name = self.name(file.name);
        let replaces = file.replaces.into_iter().map(|name| self.name(name)).collect();
        Listed {
            line,
            name,
            sha256: self.sha256(file.sha256),
            archs: file.arch.into_iter().filter_map(|arch| self.arch(&arch)).collect(),
            replaces,
        }
    }

    fn name(&mut self, name: Spanned<String>) -> String {
        let span = name.span();
        let name = name.into_inner();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.starts_with('.') || !name.bytes().all(is_plain) {
            let words = "is no name of a boot file: letters, digits, `.`, `_` and `-`, no dot in front";
            self.note(&span, format!("`{name}` {words}"));
        } else if name == MANIFEST {
            self.note(&span, format!("`{MANIFEST}` is this list, which no machine is given"));
        } else if !self.names.insert(name.clone()) {
            self.note(&span, format!("`{name}` is there twice"));
        }
        name
    }

    fn sha256(&mut self, sum: Spanned<String>) -> String {
        let span = sum.span();
        let sum = sum.into_inner().to_ascii_lowercase();
        if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.note(
                &span,
                "a SHA-256 has 64 hexadecimal digits, as `sha256sum` prints them".to_owned(),
            );
        }
        sum
    }

    fn arch(&mut self, arch: &Spanned<String>) -> Option<Arch> {
        let name = arch.get_ref();
        let found = Arch::from_name(name);
        match found {
            None => self.note(
                &arch.span(),
                format!("there is no architecture `{name}`, in the words of `[dhcp.arch]`"),
            ),
            Some(found) if !self.archs.insert(found) => {
                self.note(
                    &arch.span(),
                    format!("another file is the first one of `{name}` already"),
                );
            }
            Some(_) => {}
        }
        found
    }

    fn note(&mut self, span: &Range<usize>, words: String) {
        self.mistakes.push(Mistake {
            line: line_of(self.text, span),
            words,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn mistakes(text: &str) -> Vec<(usize, String)> {
        let found = parse(text).expect_err("a mistake");
        found.into_iter().map(|found| (found.line, found.words)).collect()
    }

    #[test]
    fn a_set_is_read_with_what_each_file_is_for() {
        let text = format!(
            "# ours\n[[file]]\nname = \"shim.efi\"\nsha256 = \"{}\"\narch = [\"efi64\"]\n\n\
             [[file]]\nname = \"ours.efi\"\nsha256 = \"{SUM}\"\nreplaces = [\"snponly.efi\", \"ipxe.efi\"]\n",
            SUM.to_uppercase()
        );
        let [shim, ours] = parse(&text).expect("a list").try_into().expect("two files");
        assert_eq!((shim.line, shim.archs.as_slice()), (2, &[Arch::EFI64][..]));
        assert_eq!(shim.sha256, SUM);
        assert_eq!(
            ours.names().collect::<Vec<_>>(),
            ["ours.efi", "snponly.efi", "ipxe.efi"]
        );
        assert_eq!(ours.archs, []);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = format!(
            "[[file]]\nname = \"../shim.efi\"\nsha256 = \"12\"\n\
             [[file]]\nname = \"manifest.toml\"\nsha256 = \"{SUM}\"\narch = [\"vax\", \"efi64\"]\n\
             [[file]]\nname = \"a.efi\"\nsha256 = \"{SUM}\"\narch = [\"efi64\"]\nreplaces = [\n \"a.efi\",\n]\n"
        );
        let found = mistakes(&text);
        let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 3, 5, 7, 13, 11], "{found:?}");
        assert!(found[3].1.contains("no architecture `vax`"), "{found:?}");
        assert!(found[4].1.contains("`a.efi` is there twice"), "{found:?}");
        assert!(found[5].1.contains("first one of `efi64` already"), "{found:?}");
    }

    #[test]
    fn what_is_no_manifest_is_told_with_its_line() {
        assert_eq!(mistakes("[[file]]\nname = \"a\"\n")[0].0, 1, "no `sha256`");
        assert_eq!(
            mistakes(&format!("[[file]]\nname = \"a\"\nsha256 = \"{SUM}\"\nfile = 1\n"))[0].0,
            4
        );
        assert_eq!(mistakes("\n\n[[file\n")[0].0, 3);
        let nothing = mistakes("# later\n");
        assert!(nothing[0].1.contains("lists no file"), "{nothing:?}");
    }
}
