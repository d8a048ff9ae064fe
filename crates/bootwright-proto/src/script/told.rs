//! What a boot loader other than iPXE is told, before it is written down in its language.

use bootwright_core::{FrontEnd, HostId, LocalMethod, LocalWhy, ProfileName, Token};

use super::ipxe::{COMMAND_LINE_BYTES_MAX, Fault, Hold, Image, Install, Live, Unscriptable, digest, screen};
use super::name::{Act, Asking, part_link, parts_link};
use super::say::wrapped;
use crate::http::BaseUrl;

/// How long a machine that has to wait does so before it asks again.
pub const WAIT_SECS: u16 = 10;

/// How long a machine that could not load its kernel waits.
pub const RETRY_SECS: u16 = 20;

/// What a boot loader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Load a kernel and start it.
    Start(Load),
    /// Start the machine's own disk.
    Local {
        /// What the console says.
        lines: Vec<String>,
        /// How.
        method: LocalMethod,
    },
    /// Wait and ask again.
    Wait(Wait),
    /// Show a menu, and ask for what was chosen.
    Menu(Menu),
}

/// A kernel, what goes with it, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// What the console says.
    pub lines: Vec<String>,
    /// The kernel.
    pub kernel: Source,
    /// What goes with it, in order.
    pub parts: Vec<Part>,
    /// The words of its command line.
    pub args: Vec<String>,
}

/// Where something is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From us: a path without a slash in front, the same by TFTP and by HTTP.
    Ours(String),
    /// From elsewhere: a URL.
    Elsewhere(String),
}

/// What goes with a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it is.
    pub source: Source,
    /// Where in the initial ramdisk it belongs, if it is a plain file that the boot loader has to put there.
    pub target: Option<String>,
}

/// A machine that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What the console says.
    pub lines: Vec<String>,
    /// How a person at the console may start its own disk, if they may.
    pub local: Option<LocalMethod>,
    /// Whether a person at the console may agree to an install.
    pub agree: bool,
}

/// A menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// What stands above it.
    pub title: String,
    /// What can be chosen, and at which point the machine asks then.
    pub entries: Vec<(String, Act)>,
    /// Which entry is chosen when nobody does; the first is 0.
    pub default: Option<u16>,
    /// After how many seconds; nothing to wait for a person.
    pub timeout_secs: Option<u16>,
}

impl Told {
    /// One attempt of a run.
    ///
    /// # Errors
    /// The first text of the profile that cannot be said.
    pub fn install(front: FrontEnd, install: &Install<'_>) -> Result<Self, Unscriptable> {
        let Install {
            base,
            host,
            profile,
            image,
            run,
            token,
            attempt,
            max_attempts,
            ..
        } = *install;
        let words =
            format!("Bootwright: installing {profile} on {host}: run {run}, attempt {attempt} of {max_attempts}.");
        Load::of(front, base, image, Some(token), wrapped(&words)).map(Self::Start)
    }

    /// A system that a host boots every time.
    ///
    /// # Errors
    /// The first text of the profile that cannot be said.
    pub fn live(front: FrontEnd, live: &Live<'_>) -> Result<Self, Unscriptable> {
        let Live {
            base,
            host,
            profile,
            image,
            ..
        } = *live;
        let words = format!("Bootwright: {host} boots {profile}, as every time.");
        Load::of(front, base, image, None, wrapped(&words)).map(Self::Start)
    }

    /// The machine's own disk.
    #[must_use]
    pub fn local(host: &HostId, why: &LocalWhy, method: LocalMethod) -> Self {
        let words = format!("Bootwright: {host} starts its own disk ({method}): {why}.");
        Self::Local {
            lines: wrapped(&words),
            method,
        }
    }

    /// A machine that waits for somebody to decide.
    #[must_use]
    pub fn hold(front: FrontEnd, hold: &Hold<'_>) -> Self {
        let key = match front {
            FrontEnd::Ipxe | FrontEnd::Pxelinux => "To start its own disk now, type local and press Enter.",
            FrontEnd::Grub => "To start its own disk now, press Escape.",
            FrontEnd::UBoot | FrontEnd::RaspberryPi | FrontEnd::Pixiecore => "It goes on to its next way to boot.",
        };
        let again = match front {
            FrontEnd::Ipxe | FrontEnd::Pxelinux | FrontEnd::Grub => format!("It asks again every {WAIT_SECS} s."),
            FrontEnd::UBoot | FrontEnd::RaspberryPi | FrontEnd::Pixiecore => {
                "It asks again when it starts anew.".to_owned()
            }
        };
        let last = match hold.local {
            Some(_) => format!("{again} {key}"),
            None => again,
        };
        Self::Wait(Wait {
            lines: screen(hold, &last),
            local: hold.local,
            agree: false,
        })
    }

    /// A machine whose install a person at its console has to confirm.
    #[must_use]
    pub fn confirm(asking: &Asking, host: &HostId, profile: &ProfileName) -> Self {
        let title = format!("Bootwright: {host} is to be installed with {profile}, and its disk will be overwritten.");
        if asking.act == Act::Consider {
            return Self::Menu(Menu {
                title,
                entries: vec![
                    ("No, leave the disk as it is and wait".to_owned(), Act::First),
                    (format!("Yes, overwrite the disk with {profile}"), Act::Agreed),
                ],
                default: Some(0),
                timeout_secs: Some(60),
            });
        }
        let key = match asking.front {
            FrontEnd::Ipxe | FrontEnd::Pxelinux => "Type yes and press Enter to agree.",
            FrontEnd::Grub => "Press Escape to be asked.",
            FrontEnd::UBoot | FrontEnd::RaspberryPi | FrontEnd::Pixiecore => "Nobody can agree at its console.",
        };
        let mut lines = wrapped(&title);
        lines.extend(wrapped(&format!(
            "Nothing has been touched yet. {key} It waits until somebody does."
        )));
        Self::Wait(Wait {
            lines,
            local: None,
            agree: true,
        })
    }

    /// A boot menu.
    #[must_use]
    pub fn menu(menu: &bootwright_core::Menu) -> Self {
        let entries = menu.entries.iter().zip(0_u16..);
        Self::Menu(Menu {
            title: menu.title.clone(),
            entries: entries
                .map(|(entry, place)| (entry.title.clone(), Act::Chose(place)))
                .collect(),
            default: menu.default,
            timeout_secs: menu
                .timeout
                .map(|timeout| u16::try_from(timeout.as_millis() / 1000).unwrap_or(u16::MAX).max(1)),
        })
    }

    /// Something that a person at the console must know, where there is nothing to boot.
    #[must_use]
    pub fn notice(words: &str) -> Self {
        let mut lines = wrapped(&format!("Bootwright: {words}."));
        lines.extend(wrapped(
            "Nothing on the disks has been touched. It asks again by itself.",
        ));
        Self::Wait(Wait {
            lines,
            local: None,
            agree: false,
        })
    }
}

impl Wait {
    /// What the console says, as a number that later questions carry; never 0, which means nothing of ours.
    #[must_use]
    pub fn print(&self) -> u32 {
        digest(&self.lines).max(1)
    }
}

impl Load {
    fn of(
        front: FrontEnd,
        base: &BaseUrl,
        image: &Image,
        run: Option<Token>,
        lines: Vec<String>,
    ) -> Result<Self, Unscriptable> {
        let refuse = |text: &str, fault| {
            let text = text.to_owned();
            Err(Unscriptable { text, fault, front })
        };
        // iPXE is told by `initrd=` what belongs together. Others would take these words for files.
        let words = image.args.iter().flat_map(|arg| arg.split(' '));
        let args: Vec<String> = words
            .filter(|word| !word.is_empty() && !word.starts_with("initrd="))
            .map(str::to_owned)
            .collect();
        if let Some(word) = args
            .iter()
            .find(|word| !word.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            let strange = word.chars().find(|c| !c.is_ascii_graphic()).unwrap_or_default();
            return refuse(word, Fault::Character(strange));
        }
        let line = args.join(" ");
        if line.len() > COMMAND_LINE_BYTES_MAX {
            return refuse(&line, Fault::TooLong { len: line.len() });
        }
        let mut parts = Vec::new();
        for (place, initrd) in image.initrds.iter().enumerate() {
            let source = Source::of(front, base, &initrd.url)?;
            // What is a document of the run, and what belongs into an archive, is made ready for the boot loader.
            let of_run = matches!(&source, Source::Ours(path) if path.starts_with("r/"));
            parts.push(match (run, &initrd.target) {
                (Some(token), target) if of_run || target.is_some() => Part {
                    source: Source::Ours(part_link(token, place)),
                    target: None,
                },
                (None, Some(target)) if front != FrontEnd::Grub => return refuse(target, Fault::Target),
                (_, target) => Part {
                    source,
                    target: target.clone(),
                },
            });
        }
        // U-Boot loads one file, and no name in it may hold a comma for several.
        if let (FrontEnd::UBoot, true) = (front, parts.len() > 1) {
            let Some(token) = run else {
                return refuse("initrds", Fault::OneRamdisk);
            };
            parts = vec![Part {
                source: Source::Ours(parts_link(token)),
                target: None,
            }];
        }
        Ok(Self {
            lines,
            kernel: Source::of(front, base, &image.kernel)?,
            parts,
            args,
        })
    }
}

impl Source {
    fn of(front: FrontEnd, base: &BaseUrl, url: &str) -> Result<Self, Unscriptable> {
        let refuse = |fault| {
            let text = url.to_owned();
            Err(Unscriptable { text, fault, front })
        };
        if let Some(strange) = url.chars().find(|c| !c.is_ascii_graphic()) {
            return refuse(Fault::Character(strange));
        }
        let ours = url.strip_prefix(base.as_str()).and_then(|rest| rest.strip_prefix('/'));
        if let Some(path) = ours
            .map(|path| path.trim_start_matches('/'))
            .filter(|path| !path.is_empty())
        {
            return Ok(Self::Ours(path.to_owned()));
        }
        let spoken = ["http://", "tftp://"].iter().any(|scheme| url.starts_with(scheme));
        if spoken {
            Ok(Self::Elsewhere(url.to_owned()))
        } else {
            refuse(Fault::Protocol)
        }
    }
}
