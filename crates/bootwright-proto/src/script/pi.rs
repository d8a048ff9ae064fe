//! The configuration of a Raspberry Pi.
//!
//! `config.txt` is read from top to bottom, later lines win, and a line longer than 78 characters may be cut. So ours come
//! behind the operator's, in a section for every model, and name files by short names of our own, which the Pi asks for
//! below the directory where it asks for everything.

use bootwright_core::FrontEnd;

use super::ipxe::{Fault, Unscriptable};
use super::lines::{COMMENT, Lines};
use super::name::PI_DIRECTORY;
use super::told::{Load, Source, Told};

/// What stands behind the operator's own lines.
///
/// A Pi that is to start nothing gets no file at all: what it would be told is a comment then, for people.
///
/// # Errors
/// The first text that a Pi cannot be told.
pub fn render(told: &Told) -> Result<String, Unscriptable> {
    let mut config = Lines::default();
    match told {
        Told::Start(load) => {
            check(load)?;
            config.line("[all]");
            config.say(COMMENT, &load.lines);
            // Names of ours are whole, whatever the operator's lines put in front of others.
            config.line("os_prefix=").line("auto_initramfs=0");
            config.line(format!("kernel={PI_DIRECTORY}/kernel"));
            config.line(format!("cmdline={PI_DIRECTORY}/cmdline.txt"));
            if !load.parts.is_empty() {
                config.line(format!("initramfs {PI_DIRECTORY}/ramdisk followkernel"));
            }
        }
        Told::Local { lines, .. } => {
            config.line("# No file is sent, so that it goes on to its next way to boot.");
            config.say(COMMENT, lines);
        }
        Told::Wait(wait) => {
            config.line("# No file is sent: it can only ask again when it starts anew.");
            config.say(COMMENT, &wait.lines);
        }
        Told::Menu(menu) => config.say(COMMENT, &[format!("It cannot show the menu {}.", menu.title)]),
    }
    Ok(config.into_text())
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
