//! matchbox as it is today: `docs/dialects.md`, section 3.

use std::collections::BTreeMap;

use bootwright_core::MacAddr;
use serde::Deserialize;

use super::{file, printable, split};
use crate::http::{Query, RelativePath};

/// `/`.
pub const NAME: &str = "matchbox\n";

/// `/boot.ipxe`: gathers what the machine is and asks for its script, relative to where it came from.
pub const BOOT_SCRIPT: &str = "#!ipxe\nchain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain}&hostname=${hostname}\
                               &serial=${serial}&arch=${buildarch:uristring}\n";

/// What scripts of ours and of matchbox say of the machine itself; all else are words by which documents are told apart.
const OF_MACHINE: &[&str] = &[
    "mac",
    "uuid",
    "serial",
    "hostname",
    "asset",
    "manufacturer",
    "product",
    "domain",
    "arch",
    "ip",
];

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For what.
    pub route: Route,
    /// Who asks, in the words of [`Asked`](crate::http::Asked).
    pub query: Query,
    /// Whether the signature of the answer is asked for, and not the answer.
    pub signature: Option<Signature>,
}

/// How a detached signature (OpenPGP) is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// `.sig`: its bytes.
    Binary,
    /// `.asc`: text.
    Armoured,
}

impl Signature {
    /// The name of a route without the ending that asks for its signature.
    fn of(name: &str) -> (&str, Option<Self>) {
        if let Some(name) = name.strip_suffix(".sig") {
            (name, Some(Self::Binary))
        } else if let Some(name) = name.strip_suffix(".asc") {
            (name, Some(Self::Armoured))
        } else {
            (name, None)
        }
    }
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/`.
    Name,
    /// `/boot.ipxe`.
    Boot,
    /// `/boot.ipxe.0`, the same.
    BootZero,
    /// `/ipxe`.
    Script,
    /// `/grub`.
    Grub,
    /// `/ignition`.
    Ignition,
    /// `/cloud`.
    Cloud,
    /// `/generic`.
    Generic,
    /// `/metadata`.
    Metadata,
    /// `/assets/…`.
    File(RelativePath),
}

impl Route {
    /// The name of the route, which holds nothing that a machine sent.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Name => "/",
            Self::Boot => "/boot.ipxe",
            Self::BootZero => "/boot.ipxe.0",
            Self::Script => "/ipxe",
            Self::Grub => "/grub",
            Self::Ignition => "/ignition",
            Self::Cloud => "/cloud",
            Self::Generic => "/generic",
            Self::Metadata => "/metadata",
            Self::File(_) => "/assets",
        }
    }
}

/// Reads a target; nothing if it is none of matchbox's.
#[must_use]
pub fn parse(target: &[u8]) -> Option<Request> {
    let (segments, query) = match target.strip_prefix(b"/") {
        Some(rest) if rest.is_empty() || rest.starts_with(b"?") => (Vec::new(), Query::default()),
        _ => split(target)?,
    };
    let mut words: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut signature = None;
    // Files have signatures of their own beside them.
    if let [only] = words.as_mut_slice() {
        (*only, signature) = Signature::of(only);
    }
    let route = match words.as_slice() {
        [] => Route::Name,
        ["boot.ipxe"] => Route::Boot,
        ["boot.ipxe.0"] => Route::BootZero,
        ["ipxe"] => Route::Script,
        ["grub"] => Route::Grub,
        ["ignition"] => Route::Ignition,
        ["cloud"] => Route::Cloud,
        ["generic"] => Route::Generic,
        ["metadata"] => Route::Metadata,
        ["assets", ..] => Route::File(file(segments.get(1..)?)?),
        _ => return None,
    };
    Some(Request {
        route,
        query,
        signature,
    })
}

/// What a machine boots, as matchbox's files say it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Boot {
    /// The kernel.
    pub kernel: String,
    /// What goes with it, each as iPXE's command takes it.
    #[serde(default)]
    pub initrd: Vec<String>,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
}

impl Boot {
    /// Reads matchbox's JSON.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The script for iPXE, byte for byte.
    ///
    /// # Errors
    /// The first word that no script can hold.
    pub fn script(&self) -> Result<String, String> {
        let mut script = format!("#!ipxe\nkernel {}", printable(&self.kernel)?);
        for arg in &self.args {
            script.push(' ');
            script.push_str(printable(arg)?);
        }
        for initrd in &self.initrd {
            script.push_str("\ninitrd ");
            script.push_str(printable(initrd)?);
        }
        script.push_str("\nboot\n");
        Ok(script)
    }

    /// The configuration for GRUB, byte for byte.
    ///
    /// # Errors
    /// The first word that no script can hold.
    pub fn grub(&self) -> Result<String, String> {
        let quoted = |word: &str| match printable(word)? {
            word if word.contains(['"', '\\']) => Err(format!("`{word}` cannot stand in quotation marks for GRUB")),
            word => Ok(format!(" \"{word}\"")),
        };
        let kernel = quoted(&self.kernel)?;
        let mut args = String::new();
        for arg in &self.args {
            args.push(' ');
            args.push_str(printable(arg)?);
        }
        let mut initrds = String::from(" ");
        for initrd in &self.initrd {
            initrds.push_str(&quoted(initrd)?);
        }
        let entry = |name: &str, linux: &str, initrd: &str| {
            format!(
                "menuentry \"CoreOS ({name})\" {{\necho \"Loading kernel\"\n{linux}{kernel}{args}\n\
                 echo \"Loading initrd\"\n{initrd}{initrds}\n}}\n"
            )
        };
        let (efi, bios) = (entry("EFI", "linuxefi", "initrdefi"), entry("BIOS", "linux", "initrd"));
        Ok(format!("default=0\nfallback=1\ntimeout=1\n{efi}{bios}"))
    }
}

/// What a request says, as matchbox takes it: the first of each name, and the card in its own form.
fn labels(query: &Query) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in query.items() {
        let (key, value) = match key.eq_ignore_ascii_case("mac") {
            true => match value.parse::<MacAddr>() {
                Ok(mac) => ("mac".to_owned(), mac.to_string()),
                Err(_) => continue,
            },
            false => (key, value),
        };
        labels.entry(key).or_insert(value);
    }
    labels
}

/// Which of the documents of these names a request asks for: of those whose words it says, that with the most.
#[must_use]
pub fn chosen<'a>(name: &'a str, documents: impl Iterator<Item = &'a str>, query: &Query) -> &'a str {
    let labels = labels(query);
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    let asked = |document: &&'a str| {
        let words = document.strip_prefix(stem)?.strip_prefix('@')?;
        let words = words.strip_suffix(ending)?;
        let words = if ending.is_empty() {
            words
        } else {
            words.strip_suffix('.')?
        };
        let mut count = 0_usize;
        for word in words.split(',') {
            let (key, value) = word.split_once('=')?;
            if OF_MACHINE.contains(&key) || labels.get(key).map(String::as_str) != Some(value) {
                return None;
            }
            count = count.saturating_add(1);
        }
        Some((count, words))
    };
    let fitting = documents.filter_map(|document| Some((asked(&document)?, document)));
    fitting.max().map_or(name, |(_, document)| document)
}

/// The lines that `/metadata` adds of the request itself. What is no text of one line is left out.
#[must_use]
pub fn request_lines(query: &Query) -> String {
    let mut lines = String::new();
    let mut add = |name: &str, value: &str| {
        if !name.contains('=') && !name.chars().chain(value.chars()).any(char::is_control) {
            lines.push_str(&format!("{name}={value}\n"));
        }
    };
    for (key, value) in labels(query) {
        add(&format!("REQUEST_QUERY_{}", key.to_uppercase()), &value);
    }
    add("REQUEST_RAW_QUERY", &String::from_utf8_lossy(query.encoded()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot() -> Boot {
        let json =
            r#"{"kernel": "/image/kernel", "initrd": ["/image/initrd_a", "/image/initrd_b"], "args": ["a=b", "c"]}"#;
        Boot::read(json).expect("a profile")
    }

    #[test]
    fn scripts_are_matchboxs_byte_for_byte() {
        let golden = include_str!("../../test_data/compat/matchbox/3.4-script.ipxe");
        assert_eq!(boot().script().as_deref(), Ok(golden));
        let golden = include_str!("../../test_data/compat/matchbox/3.4-script.grub");
        assert_eq!(boot().grub().as_deref(), Ok(golden));
        assert_eq!(
            BOOT_SCRIPT,
            include_str!("../../test_data/compat/matchbox/3.3-boot.ipxe")
        );
    }

    #[test]
    fn a_line_break_is_no_word_of_a_script() {
        for (kernel, arg) in [("/k\nshell", "a"), ("/k", "a\nshell")] {
            let boot = Boot {
                kernel: kernel.to_owned(),
                args: vec![arg.to_owned()],
                initrd: Vec::new(),
            };
            assert!(boot.script().is_err() && boot.grub().is_err());
        }
        let boot = Boot {
            kernel: "/k\"; reboot".to_owned(),
            ..boot()
        };
        assert!(boot.grub().is_err());
    }

    #[test]
    fn the_request_is_told_in_metadata_as_matchbox_tells_it() {
        let query = Query::new(b"mac=52-54-00-a1-9c-ae&foo=bar&count=3&gate=true");
        let golden = include_str!("../../test_data/compat/matchbox/3.7-metadata.env");
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let wanted: Vec<String> = sorted(golden)
            .into_iter()
            .filter(|line| line.starts_with("REQUEST_"))
            .collect();
        assert_eq!(sorted(&request_lines(&query)), wanted);
        let query = Query::new(b"mac=nobody&a=x%0ADISK=/dev/sda&a=2&b=1&b=2");
        assert!(!request_lines(&query).contains("\nDISK"));
        assert!(!request_lines(&query).contains("QUERY_MAC"));
        assert!(request_lines(&query).contains("REQUEST_QUERY_B=1\n"));
    }

    #[test]
    fn the_document_with_the_most_words_that_were_said_is_chosen() {
        let names = [
            "ignition.ign",
            "ignition@os=installed.ign",
            "ignition@a=1,os=installed.ign",
            "metadata@os=x",
        ];
        let choose = |name, query: &str| chosen(name, names.into_iter(), &Query::new(query.as_bytes()));
        assert_eq!(choose("ignition.ign", "uuid=1"), "ignition.ign");
        assert_eq!(
            choose("ignition.ign", "uuid=1&os=installed"),
            "ignition@os=installed.ign"
        );
        assert_eq!(
            choose("ignition.ign", "os=installed&a=1"),
            "ignition@a=1,os=installed.ign"
        );
        assert_eq!(choose("ignition.ign", "os=other&os=installed"), "ignition.ign");
        assert_eq!(choose("metadata", "os=x"), "metadata@os=x");
    }

    #[test]
    fn targets_are_read_as_matchbox_reads_them() {
        let route = |target: &str| parse(target.as_bytes()).map(|request| request.route.name());
        for (target, name) in [
            ("/", "/"),
            ("/boot.ipxe", "/boot.ipxe"),
            ("/boot.ipxe.0", "/boot.ipxe.0"),
            ("/ipxe?uuid=x", "/ipxe"),
            ("/grub", "/grub"),
            ("/ignition?os=installed", "/ignition"),
            ("/cloud", "/cloud"),
            ("/generic", "/generic"),
            ("/metadata?x", "/metadata"),
            ("/assets/a/b", "/assets"),
        ] {
            assert_eq!(route(target), Some(name), "{target}");
        }
        for none in [
            "/assets",
            "/assets/../x",
            "/ipxe/x",
            "/images/x",
            "ipxe",
            "",
            "/assets/%2e%2e/secret",
        ] {
            assert_eq!(route(none), None, "{none}");
        }
    }
}
