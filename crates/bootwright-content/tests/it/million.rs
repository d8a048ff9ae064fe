//! A million texts that hostile firmware could send, put into every format and read back as the format's reader would.

use bootwright_content::{Context, Template};

use crate::context;

/// Texts in one document.
const TEXTS: usize = 100;
/// Documents of each format.
const DOCUMENTS: usize = 1000;

/// Pieces that end words, lines, quotations, elements and commands.
const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "'",
    "\"",
    "\\",
    "\\\n",
    "||",
    "&& shell",
    "${netX/mac}",
    "$(reboot)",
    "`reboot`",
    "; rm -rf / #",
    " #",
    "#!",
    "\nkernel http://evil/",
    "{{ run.token }}",
    "{% raw %}",
    ": - ",
    "- ",
    "\u{2028}",
    "\u{85}",
    "\u{1f4a9}",
    "\u{fffe}",
    "\u{feff}",
    "\0",
    "\t",
    "\u{7f}",
    "--force",
    "</a>",
    "<b>",
    "]]>",
    "<!--",
    "&amp;",
    "&#10;",
    "%end",
    "%pre",
    "d-i a/b string x",
    "initrd=x",
    "=",
    "init=/bin/sh",
    ",",
    "/",
    "@",
    "trailing\\",
    "..",
    "é",
    "трактор",
    "\u{202e}",
    "'\\''",
    "\"\"",
];

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below")
    }

    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(9) {
            match self.below(4) {
                0 => text.extend(char::from_u32(u32::try_from(self.below(0x11_0000)).expect("a code"))),
                1 => text.push(char::from(u8::try_from(32 + self.below(95)).expect("ASCII"))),
                _ => text.push_str(PIECES[self.below(PIECES.len())]),
            }
        }
        text
    }
}

/// A format: what a template writes for one text, and what is read back from all of it.
struct Format {
    name: &'static str,
    /// Around `FACT`, which is the text below `raw`, or `PLAIN`, the same under its plain name.
    line: &'static str,
    /// The texts that a reader of the format finds; nothing if it stumbles.
    read: fn(&str) -> Option<Vec<String>>,
    /// What it should find for a text on one line.
    expected: Expected,
}

enum Expected {
    /// This text.
    Text(fn(&str) -> String),
    /// A word, whatever it is.
    Word(fn(char) -> bool),
}

const FORMATS: &[Format] = &[
    Format {
        name: "json",
        line: "{\"a\": FACT, \"b\": 1}\n",
        read: |text| {
            each_line(text, |line| {
                let value: serde_json::Value = serde_json::from_str(line).ok()?;
                let object = value
                    .as_object()
                    .filter(|object| object.len() == 2 && object["b"] == 1)?;
                Some(object.get("a")?.as_str()?.to_owned())
            })
        },
        expected: Expected::Text(str::to_owned),
    },
    Format {
        name: "yaml",
        line: "- FACT\n",
        read: |text| each_line(text, |line| crate::injection::read_yaml(line.strip_prefix("- ")?)),
        expected: Expected::Text(str::to_owned),
    },
    Format {
        name: "shell",
        line: "report reason=FACT end\n",
        read: |text| commands(text, "report", "reason="),
        expected: Expected::Text(|text| text.replace('\0', "")),
    },
    Format {
        name: "kickstart",
        line: "user --gecos=FACT end\n",
        read: |text| commands(text, "user", "--gecos="),
        expected: Expected::Text(|text| text.replace('\0', "")),
    },
    Format {
        name: "preseed",
        line: "d-i netcfg/hostname string FACT\n",
        read: preseed,
        expected: Expected::Text(|text| text.replace('\\', "/").trim().to_owned()),
    },
    Format {
        name: "xml",
        line: "<a b=\"FACT\">FACT</a>\n",
        read: xml,
        expected: Expected::Text(|text| text.replace(['\u{fffe}', '\u{ffff}'], "")),
    },
    Format {
        name: "plain",
        line: "FACT\n",
        read: |text| {
            each_line(text, |line| {
                (!line.chars().any(char::is_control)).then(|| line.to_owned())
            })
        },
        expected: Expected::Text(str::to_owned),
    },
    Format {
        name: "kernel",
        line: "a=FACT quiet\n",
        read: |text| {
            each_line(text, |line| {
                let mut words = line.split_ascii_whitespace();
                let value = words.next()?.strip_prefix("a=")?;
                (words.next() == Some("quiet") && words.next().is_none()).then(|| value.to_owned())
            })
        },
        expected: Expected::Word(|c| c.is_ascii_alphanumeric() || "._:-/@+,".contains(c)),
    },
    Format {
        name: "ipxe",
        line: "set serial FACT || goto failed\n",
        read: |text| {
            each_line(text, |line| {
                let value = line.strip_prefix("set serial ")?.strip_suffix(" || goto failed")?;
                Some(value.to_owned())
            })
        },
        expected: Expected::Word(|c| c.is_ascii_alphanumeric() || "._:-".contains(c)),
    },
    Format {
        name: "word",
        line: "PLAIN\n",
        read: |text| each_line(text, |line| Some(line.to_owned())),
        expected: Expected::Word(|c| c.is_ascii_alphanumeric() || "._:-/@=+,_".contains(c)),
    },
];

fn each_line(text: &str, read: impl Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    text.strip_suffix('\n')?.split('\n').map(read).collect()
}

/// Reads commands as a POSIX shell does, and Python's `shlex` for kickstart files: words of quoted and bare pieces, comments, line
/// breaks. What would be an operator or an expansion outside of quotation marks is none of ours.
fn commands(text: &str, command: &str, option: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next().filter(|c| *c != '\n')?),
            ' ' => words.extend(word.take()),
            '\n' => {
                words.extend(word.take());
                match words.as_slice() {
                    [first, value, last] if first == command && last == "end" => {
                        found.push(value.strip_prefix(option)?.to_owned());
                    }
                    _ => return None,
                }
                words.clear();
            }
            'a'..='z' | '-' | '=' => word.get_or_insert_default().push(c),
            _ => return None,
        }
    }
    (words.is_empty() && word.is_none()).then_some(found)
}

/// Reads lines as debconf-set-selections does: a backslash at the end joins the next line, `#` begins a comment, three words
/// and the rest.
fn preseed(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for line in text.strip_suffix('\n')?.split('\n') {
        if line.ends_with('\\') || line.trim_start().starts_with('#') {
            return None;
        }
        found.push(line.strip_prefix("d-i netcfg/hostname string ")?.trim().to_owned());
    }
    Some(found)
}

/// Reads `<a b="…">…</a>` elements, one a line, with nothing but the five entities.
fn xml(text: &str) -> Option<Vec<String>> {
    each_line(text, |line| {
        let (attribute, rest) = line.strip_prefix("<a b=\"")?.split_once('"')?;
        let content = rest.strip_prefix('>')?.strip_suffix("</a>")?;
        let (attribute, content) = (characters(attribute)?, characters(content)?);
        (attribute == content).then_some(content)
    })
}

fn characters(text: &str) -> Option<String> {
    let mut read = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '\'']) {
        read.push_str(&rest[..at]);
        let (entity, after) = rest[at..].strip_prefix('&')?.split_once(';')?;
        read.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        rest = after;
    }
    read.push_str(rest);
    Some(read)
}

/// The text on one line, as the documentation promises it.
fn on_one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => ' ',
            c => c,
        })
        .collect()
}

fn with(texts: &[String]) -> Context {
    let mut context = context();
    let named = texts
        .iter()
        .enumerate()
        .map(|(number, text)| (format!("facts.{number}"), text.clone()));
    context.metadata.stored.extend(named);
    context
}

#[test]
fn threat_25_a_million_random_facts_change_the_structure_of_no_format() {
    let templates: Vec<String> = FORMATS
        .iter()
        .map(|format| {
            let fact = format!("{{{{ fact | {} }}}}", format.name);
            let (list, line) = match format.line.contains("PLAIN") {
                true => ("metadata", format.line.replace("PLAIN", "{{ fact }}")),
                false => ("raw.metadata", format.line.replace("FACT", &fact)),
            };
            // A line break behind a block is not written.
            format!("{{% for fact in {list}.facts %}}\n{line}{{% endfor %}}\n")
        })
        .collect();
    let mut chance = Chance(25);
    for document in 0..DOCUMENTS {
        let texts: Vec<String> = (0..TEXTS).map(|_| chance.text()).collect();
        let context = with(&texts);
        for (format, template) in FORMATS.iter().zip(&templates) {
            let name = format.name;
            let rendered = Template::compile(name, template)
                .and_then(|template| template.render(&context))
                .unwrap_or_else(|error| panic!("{name}, document {document}: {error}"));
            let read = (format.read)(&rendered).unwrap_or_else(|| panic!("{name}, document {document}:\n{rendered}"));
            assert_eq!(read.len(), TEXTS, "{name}, document {document}");
            for (text, read) in texts.iter().zip(read) {
                match format.expected {
                    Expected::Text(expected) => assert_eq!(read, expected(&on_one_line(text)), "{name} of {text:?}"),
                    Expected::Word(fits) => {
                        let starts = |c: char| c.is_ascii_alphanumeric() || c == '/';
                        let good = read.chars().all(fits) && read.chars().next().is_none_or(starts);
                        assert!(good && read.is_empty() == text.is_empty(), "{name} of {text:?}: {read}");
                    }
                }
            }
        }
    }
}
