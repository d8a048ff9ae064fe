//! Configurations for U-Boot, which asks for the files of PXELINUX and reads some of their words (`boot/pxe_utils.c`).
//!
//! It starts what `DEFAULT` names and, should that fail, every other label in turn: so there is one label and no more. It
//! does not ask again, and whoever is to wait gets no label at all: then it goes on to its next boot target. Device trees
//! are looked for in `dtbs/` beside the kernel; where there is none, it uses its own.

use bootwright_core::{FrontEnd, LocalMethod};

use super::ipxe::{Fault, Unscriptable};
use super::lines::{COMMENT, Lines};
use super::told::{Load, Source, Told};

/// Why it is shown no menu: each of its labels is a kernel, and none leads to another question.
pub const NO_MENU: &str = "U-Boot cannot ask again with what was chosen from a menu; give the host the profile itself";

/// What U-Boot is told, as a configuration.
///
/// # Errors
/// The first text that no configuration can say.
pub fn render(told: &Told) -> Result<String, Unscriptable> {
    let mut config = Lines::default();
    match told {
        Told::Start(load) => start(&mut config, load)?,
        Told::Local { lines, method } => {
            config.say(COMMENT, lines);
            config.line("DEFAULT local").line("LABEL local");
            // A number below 0 leaves it; else it runs what its `localcmd` says.
            match method {
                LocalMethod::BiosDisk | LocalMethod::UefiDisk => config.line("LOCALBOOT 0"),
                LocalMethod::Exit | LocalMethod::NoFile | LocalMethod::NoOffer => config.line("LOCALBOOT -1"),
            };
        }
        Told::Wait(wait) => config.say(COMMENT, &wait.lines),
        Told::Menu(menu) => config.say(COMMENT, &[format!("It cannot show the menu {}.", menu.title)]),
    }
    Ok(config.into_text())
}

fn start(config: &mut Lines, load: &Load) -> Result<(), Unscriptable> {
    let kernel = path(&load.kernel)?;
    config.say(COMMENT, &load.lines);
    config.line("DEFAULT start").line("LABEL start");
    config.line(format!("LINUX {kernel}"));
    if let Some(part) = load.parts.first() {
        config.line(format!("INITRD {}", path(&part.source)?));
    }
    let directory = kernel.rsplit_once('/').map_or("", |(directory, _)| directory);
    config.line(format!("FDTDIR {directory}/dtbs"));
    let line = load.args.join(" ");
    if let Some(arg) = load.args.iter().find(|arg| arg.contains(['$', '\'', '\\'])) {
        return Err(unscriptable(arg, Fault::Macro));
    }
    if !line.is_empty() {
        config.line(format!("APPEND {line}"));
    }
    if !load.args.iter().any(|arg| arg.starts_with("BOOTIF=")) {
        config.line("IPAPPEND 2");
    }
    Ok(())
}

/// Relative to the directory of its own boot file, as for PXELINUX. Behind a `#` stands which part of an image is meant.
fn path(source: &Source) -> Result<&str, Unscriptable> {
    match source {
        Source::Ours(path) if path.contains('#') => Err(unscriptable(path, Fault::Operator)),
        Source::Ours(path) => Ok(path),
        Source::Elsewhere(url) => Err(unscriptable(url, Fault::Elsewhere)),
    }
}

fn unscriptable(text: &str, fault: Fault) -> Unscriptable {
    Unscriptable {
        text: text.to_owned(),
        fault,
        front: FrontEnd::UBoot,
    }
}
