//! Configurations for PXELINUX. U-Boot asks for the same files: [`super::uboot`].
//!
//! A line is one directive, and what stands behind it is taken as it is: there is nothing to escape, and nothing that
//! holds no line end can change another line. PXELINUX does not hold a connection open, so that whoever waits asks again
//! by loading another configuration. That never gives back all of its memory: after an hour the machine starts anew.

use bootwright_core::{FrontEnd, LocalMethod};

use super::ipxe::{Fault, Unscriptable};
use super::lines::Lines;
use super::name::{Act, Asking};
use super::say::sentence;
use super::told::{Load, Menu, Part, RETRY_SECS, Source, Told, WAIT_SECS, Wait};

/// How often a machine asks again before it starts anew. Each time takes some kilobytes of PXELINUX's memory: it was seen
/// to go on for longer than 120 rounds.
const ROUNDS_MAX: u16 = 60;

/// How long a half-typed word at the console may keep the machine from asking again, in tenths of a second.
const TYPING_TENTHS: u16 = 1200;

/// What the boot loader is told, as a configuration.
///
/// # Errors
/// The first text that no configuration can say.
pub fn render(told: &Told, asking: &Asking) -> Result<String, Unscriptable> {
    let mut config = Lines::default();
    match told {
        Told::Start(load) => start(&mut config, load, asking)?,
        Told::Local { lines, method } => {
            config.say(SAY, lines);
            config.line("PROMPT 0").line("TIMEOUT 50").line("DEFAULT local");
            // Where the module is missing, the BIOS may know a next device itself.
            config.line("ONTIMEOUT leave");
            local(&mut config, *method);
            config.line("LABEL leave").line("  LOCALBOOT 0");
        }
        Told::Wait(wait) => self::wait(&mut config, wait, asking),
        Told::Menu(menu) => self::menu(&mut config, menu, asking),
    }
    Ok(config.into_text())
}

/// Words for the console.
const SAY: &str = "SAY";

/// A label under which the machine asks at another point.
fn ask(config: &mut Lines, label: &str, asking: &Asking, act: Act) {
    config.line(format!("LABEL {label}"));
    config.line(format!("  CONFIG {}", asking.link(act)));
}

fn start(config: &mut Lines, load: &Load, asking: &Asking) -> Result<(), Unscriptable> {
    let Load {
        lines,
        kernel,
        parts,
        args,
    } = load;
    config.say(SAY, lines);
    config
        .line("PROMPT 0")
        .line("ALLOWOPTIONS 0")
        .line(format!("TIMEOUT {}", RETRY_SECS.saturating_mul(10)))
        .line(format!("TOTALTIMEOUT {TYPING_TENTHS}"))
        .line("ONTIMEOUT again")
        .line("DEFAULT start")
        .line("LABEL start")
        .line(format!("  LINUX {}", path(kernel)));
    let mut initrds = Vec::new();
    for Part { source, .. } in parts {
        let path = path(source);
        if path.contains(',') {
            return Err(unscriptable(path, Fault::Comma));
        }
        initrds.push(path);
    }
    if !initrds.is_empty() {
        config.line(format!("  INITRD {}", initrds.join(",")));
    }
    let line = args.join(" ");
    if line == "-" {
        return Err(unscriptable(&line, Fault::Operator));
    }
    if !line.is_empty() {
        config.line(format!("  APPEND {line}"));
    }
    if !args.iter().any(|arg| arg.starts_with("BOOTIF=")) {
        // `BOOTIF=` with the card that it booted from, which it knows where we may not.
        config.line("  IPAPPEND 2");
    }
    // The kernel did not come, or it returned.
    ask(config, "again", asking, asking.act.again(0));
    Ok(())
}

fn unscriptable(text: &str, fault: Fault) -> Unscriptable {
    Unscriptable {
        text: text.to_owned(),
        fault,
        front: FrontEnd::Pxelinux,
    }
}

/// Our paths are relative to the directory that PXELINUX itself came from.
fn path(source: &Source) -> &str {
    match source {
        Source::Ours(path) => path,
        Source::Elsewhere(url) => url,
    }
}

/// How the machine's own disk is started, under the label `local`.
///
/// A UEFI machine that boots a PXELINUX for UEFI can only be left.
fn local(config: &mut Lines, method: LocalMethod) {
    config.line("LABEL local");
    match method {
        LocalMethod::BiosDisk => config.line("  COM32 chain.c32").line("  APPEND hd0"),
        LocalMethod::UefiDisk => config.line("  LOCALBOOT 0"),
        LocalMethod::Exit | LocalMethod::NoFile | LocalMethod::NoOffer => config.line("  LOCALBOOT -1"),
    };
}

fn wait(config: &mut Lines, wait: &Wait, asking: &Asking) {
    let print = wait.print();
    let (round, shown) = match asking.act {
        Act::Again { round, screen, .. } => (round, screen),
        Act::First | Act::Consider | Act::Agreed | Act::Chose(_) => (0, 0),
    };
    if shown != print {
        config.say(SAY, &wait.lines);
    }
    config
        .line("PROMPT 1")
        .line("ALLOWOPTIONS 0")
        .line("IMPLICIT 0")
        .line(format!("TIMEOUT {}", WAIT_SECS.saturating_mul(10)))
        .line(format!("TOTALTIMEOUT {TYPING_TENTHS}"))
        .line("ONTIMEOUT again")
        .line("DEFAULT again");
    if round >= ROUNDS_MAX {
        config.line("LABEL again").line("  COM32 reboot.c32");
    } else {
        ask(config, "again", asking, asking.act.again(print));
    }
    if wait.agree {
        ask(config, "yes", asking, Act::Agreed);
    }
    if let Some(method) = wait.local {
        local(config, method);
    }
}

fn menu(config: &mut Lines, menu: &Menu, asking: &Asking) {
    config
        .line("UI menu.c32")
        .line("PROMPT 0")
        .line("NOESCAPE 1")
        .line("ALLOWOPTIONS 0")
        .line("MENU NOTABMSG")
        .line(format!("MENU TITLE {}", sentence(&menu.title)));
    if let Some(secs) = menu.timeout_secs {
        config.line(format!("TIMEOUT {}", secs.saturating_mul(10)));
    }
    for (place, (title, act)) in (0_u16..).zip(&menu.entries) {
        config
            .line(format!("LABEL entry-{place}"))
            .line(format!("  MENU LABEL {}", sentence(title)));
        if menu.default == Some(place) {
            config.line("  MENU DEFAULT");
        }
        config.line(format!("  CONFIG {}", asking.link(*act)));
    }
}
