//! The configuration of a Raspberry Pi.
//!
//! `config.txt` is read from top to bottom, later lines win, and a line longer than 78 characters may be cut. So ours come
//! behind the operator's, in a section for every model, and name files by short names of our own, which the Pi asks for
//! below the directory where it asks for everything.

use bootwright_core::FrontEnd;

use super::ipxe::{Fault, Unscriptable};
use super::name::PI_DIRECTORY;
use super::say::sentence;
use super::told::{Load, Source, Told};

/// What stands behind the operator's own lines.
///
/// A Pi that is to start nothing gets no file at all: what it would be told is a comment then, for people.
///
/// # Errors
/// The first text that a Pi cannot be told.
pub fn render(told: &Told) -> Result<String, Unscriptable> {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words);
        text.push('\n');
    };
    match told {
        Told::Start(load) => {
            check(load)?;
            line("[all]");
            for words in &load.lines {
                line(&format!("# {}", sentence(words)));
            }
            // Names of ours are whole, whatever the operator's lines put in front of others.
            line("os_prefix=");
            line("auto_initramfs=0");
            line(&format!("kernel={PI_DIRECTORY}/kernel"));
            line(&format!("cmdline={PI_DIRECTORY}/cmdline.txt"));
            if !load.parts.is_empty() {
                line(&format!("initramfs {PI_DIRECTORY}/ramdisk followkernel"));
            }
        }
        Told::Local { lines, .. } => {
            line("# No file is sent, so that it goes on to its next way to boot.");
            lines.iter().for_each(|words| line(&format!("# {}", sentence(words))));
        }
        Told::Wait(wait) => {
            line("# No file is sent: it can only ask again when it starts anew.");
            wait.lines
                .iter()
                .for_each(|words| line(&format!("# {}", sentence(words))));
        }
        Told::Menu(menu) => line(&format!("# It cannot show the menu {}.", sentence(&menu.title))),
    }
    Ok(text)
}

/// The arguments of the kernel: one line.
#[must_use]
pub fn arguments(load: &Load) -> String {
    format!("{}\n", load.args.join(" "))
}

/// Everything comes from this server, since a Pi knows no other.
fn check(load: &Load) -> Result<(), Unscriptable> {
    let sources = std::iter::once(&load.kernel).chain(load.parts.iter().map(|part| &part.source));
    for source in sources {
        if let Source::Elsewhere(url) = source {
            return Err(Unscriptable {
                text: url.clone(),
                fault: Fault::Elsewhere,
                front: FrontEnd::RaspberryPi,
            });
        }
    }
    Ok(())
}
