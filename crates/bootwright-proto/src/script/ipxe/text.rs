//! Words that may stand in a script.

use std::fmt;

use bootwright_core::FrontEnd;

use crate::script::say::wrapped;

/// The first line of every script, and how its lines are gathered.
pub(super) struct Script(String);

/// Something that an operator wrote and that no script can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscriptable {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub fault: Fault,
    /// In whose language it cannot be said.
    pub front: FrontEnd,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is empty.
    Empty,
    /// It holds a character other than printable ASCII.
    Character(char),
    /// It holds `${`, which iPXE expands, even where a value put it there.
    Expansion,
    /// A word of it is `||`, `&&` or `;`, or begins with `#`.
    Operator,
    /// It ends in a backslash, which joins it with the next line.
    Backslash,
    /// It is no absolute URL of a protocol that iPXE knows.
    NotUrl,
    /// It is no name of an image: a word of letters, digits and `._-` that begins with none of these signs.
    NotName,
    /// All arguments of the kernel together are longer than its command line (x86: 2047 bytes).
    TooLong {
        /// How many bytes they have.
        len: usize,
    },
    /// It holds a quotation mark or a backslash, before which GRUB would write another backslash.
    Quotation,
    /// It holds a comma, which separates the names of initial ramdisks.
    Comma,
    /// It is a URL of a protocol that the boot loader does not speak.
    Protocol,
    /// It holds one of `$`, `'` and a backslash, in whose place U-Boot puts something else.
    Macro,
    /// There are several initial ramdisks, and this boot loader loads one.
    OneRamdisk,
    /// It is on another server, and the boot loader knows only this one.
    Elsewhere,
    /// It is to be put into an initial ramdisk, which this boot loader cannot do outside of a run.
    Target,
}

impl Script {
    pub(super) fn new() -> Self {
        Self("#!ipxe\n".to_owned())
    }

    /// Adds a line, all of whose words are safe.
    pub(super) fn line(&mut self, line: impl AsRef<str>) -> &mut Self {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
        self
    }

    /// Adds an empty line on the console and a paragraph below it.
    pub(super) fn say(&mut self, text: &str) -> &mut Self {
        for line in wrapped(text) {
            self.line(format!("echo {line}"));
        }
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Whether an argument of a kernel can stand in a script as it is. Spaces in it separate words, as the kernel's own
/// command line takes them.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check_argument(text: &str) -> Result<(), Unscriptable> {
    let refuse = |fault| {
        let text = text.to_owned();
        let front = FrontEnd::Ipxe;
        Err(Unscriptable { text, fault, front })
    };
    if text.trim().is_empty() {
        return refuse(Fault::Empty);
    }
    if let Some(c) = text.chars().find(|c| *c != ' ' && !c.is_ascii_graphic()) {
        return refuse(Fault::Character(c));
    }
    if text.contains("${") {
        return refuse(Fault::Expansion);
    }
    if text.ends_with('\\') {
        return refuse(Fault::Backslash);
    }
    let operator = |word: &str| matches!(word, "||" | "&&" | ";") || word.starts_with('#');
    if text.split(' ').any(operator) {
        return refuse(Fault::Operator);
    }
    Ok(())
}

/// Whether a URL can stand in a script as it is, and iPXE can fetch it.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check_url(text: &str) -> Result<(), Unscriptable> {
    check_argument(text)?;
    let known = ["http://", "https://", "tftp://", "ftp://", "nfs://"];
    let rest = known.into_iter().find_map(|scheme| text.strip_prefix(scheme));
    if rest.is_none_or(str::is_empty) || text.contains(' ') {
        let text = text.to_owned();
        return Err(Unscriptable {
            text,
            fault: Fault::NotUrl,
            front: FrontEnd::Ipxe,
        });
    }
    Ok(())
}

/// Whether a name of an image can stand in a script, and in a URL that reports on it.
pub(super) fn check_name(text: &str) -> Result<(), Unscriptable> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(fits) {
        return Ok(());
    }
    let text = text.to_owned();
    Err(Unscriptable {
        text,
        fault: Fault::NotName,
        front: FrontEnd::Ipxe,
    })
}

impl fmt::Display for Unscriptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, fault, front } = self;
        let kind = match front {
            FrontEnd::Ipxe => "an iPXE script",
            FrontEnd::Pxelinux => "a configuration of PXELINUX",
            FrontEnd::Grub => "a script of GRUB",
            FrontEnd::UBoot => "a configuration of U-Boot",
            FrontEnd::RaspberryPi => "what a Raspberry Pi reads",
            FrontEnd::Pixiecore => "an answer to Pixiecore",
        };
        write!(f, "`{}` cannot stand in {kind}: ", text.escape_debug())?;
        match fault {
            Fault::Empty => f.write_str("it is empty"),
            Fault::Character(c) => write!(f, "it holds {c:?}, which is no printable ASCII"),
            Fault::Expansion => f.write_str("iPXE would expand its `${`; write the value itself"),
            Fault::Operator => f.write_str("`||`, `&&`, `;` and a leading `#` mean something to iPXE"),
            Fault::Backslash => f.write_str("a backslash at its end joins it with the next line"),
            Fault::NotUrl => f.write_str("expected a URL that begins with http, https, tftp, ftp or nfs"),
            Fault::NotName => f.write_str("expected letters, digits and `._-`, the first a letter or a digit"),
            Fault::TooLong { len } => {
                write!(f, "the arguments have {len} bytes together, and kernels take 2047")
            }
            Fault::Quotation => f.write_str("GRUB puts a backslash before quotation marks and backslashes"),
            Fault::Comma => f.write_str("a comma separates the names of initial ramdisks"),
            Fault::Protocol => f.write_str("this boot loader does not speak the protocol of the URL"),
            Fault::Macro => f.write_str("U-Boot puts something else in place of `$`, `'` and a backslash"),
            Fault::OneRamdisk => f.write_str("it loads one; only those of a run are joined for it"),
            Fault::Elsewhere => f.write_str("it fetches everything from this server; put the file into an image"),
            Fault::Target => f.write_str("only iPXE, GRUB and a run put a plain file into an initial ramdisk"),
        }
    }
}

impl std::error::Error for Unscriptable {}
