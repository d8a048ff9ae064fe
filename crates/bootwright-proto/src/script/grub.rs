//! Scripts for GRUB as it comes from the network.
//!
//! Every word that is not ours stands in single quotation marks, in which nothing means anything. Files are named
//! `$bw_from/PATH`: by HTTP where GRUB speaks it, else by TFTP. A machine that waits fetches a small script again and
//! again and runs it in place, which takes no more of GRUB's memory each time.

use std::net::IpAddr;

use bootwright_core::{FrontEnd, LocalMethod};

use super::ipxe::{Fault, Unscriptable};
use super::name::{Act, Asking};
use super::say::sentence;
use super::told::{Load, Menu, Part, Source, Told, WAIT_SECS, Wait};
use crate::http::BaseUrl;

/// How GRUB reaches us.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// By HTTP.
    pub base: &'a BaseUrl,
    /// By TFTP: the address that it asked.
    pub address: IpAddr,
}

/// Loaders of installed systems, below `EFI/` of a disk, and last the one that any system may have.
const LOADERS: &str = "debian/shim$bw_cpu.efi ubuntu/shim$bw_cpu.efi fedora/shim$bw_cpu.efi redhat/shim$bw_cpu.efi \
                       centos/shim$bw_cpu.efi rocky/shim$bw_cpu.efi almalinux/shim$bw_cpu.efi opensuse/shim.efi \
                       sles/shim.efi debian/grub$bw_cpu.efi ubuntu/grub$bw_cpu.efi opensuse/grub$bw_cpu.efi \
                       systemd/systemd-boot$bw_cpu.efi Microsoft/Boot/bootmgfw.efi BOOT/BOOT$bw_cpu.EFI \
                       BOOT/BOOT$bw_caps.EFI";

/// `grub.cfg`: finds out who the machine is and asks for more.
#[must_use]
pub fn first_script(around: Around<'_>) -> String {
    let mut script = Script::new(around);
    script
        .line("if smbios --type 1 --get-uuid 8 --set bw_uuid; then true; else set bw_uuid=; fi")
        // What it is told may be a menu, which shows when this script has ended.
        .line("if source \"$bw_from/bootwright/grub/ask/$net_default_mac/$bw_uuid\"; then")
        .line("  true")
        .line("else")
        .line("  echo 'Bootwright: there was no answer. Asking again in 10 s.'")
        .line("  sleep 10")
        .line("  configfile \"$bw_from/grub.cfg\"")
        .line("fi");
    script.0
}

/// What only a GRUB that speaks HTTP gets to read: that it shall fetch everything so.
#[must_use]
pub fn http_script(base: &BaseUrl) -> String {
    match device(base.as_str()) {
        Some((device, path)) => format!("set bw_from={}\n", quoted(&format!("{device}{path}"))),
        None => String::new(),
    }
}

/// Starts the machine's own disk, as a person at the console wishes.
#[must_use]
pub fn disk_script() -> String {
    let mut script = Script(String::new());
    local(&mut script, LocalMethod::UefiDisk);
    script.0
}

/// What the boot loader is told, as a script.
///
/// # Errors
/// The first text that no script can say.
pub fn render(told: &Told, asking: &Asking, around: Around<'_>) -> Result<String, Unscriptable> {
    // A poll is run within the loop of a script of ours, which goes on when it ends.
    let polled = matches!(asking.act, Act::Again { .. });
    let mut script = if polled {
        Script(String::new())
    } else {
        Script::new(around)
    };
    match told {
        Told::Start(load) => {
            start(&mut script, load)?;
            script.say("Bootwright: it did not start. Asking again.");
            set_poll(&mut script, asking, 0);
            if !polled {
                poll(&mut script);
            }
        }
        Told::Local { lines, method } => {
            script.say_all(lines);
            local(&mut script, *method);
        }
        Told::Wait(wait) => self::wait(&mut script, wait, asking, polled),
        // A menu shows when the script that holds it has ended: a loop never ends, and an entry of a menu adds to that menu.
        Told::Menu(_) if !matches!(asking.act, Act::First | Act::Consider) => {
            script.line(format!("configfile \"$bw_from/{}\"", asking.link(Act::First)));
        }
        Told::Menu(menu) => self::menu(&mut script, menu, asking),
    }
    Ok(script.0)
}

struct Script(String);

impl Script {
    /// Finds out how files are fetched, unless that is known.
    fn new(around: Around<'_>) -> Self {
        let mut script = Self(String::new());
        let tftp = match around.address {
            IpAddr::V4(address) => format!("(tftp,{address})"),
            IpAddr::V6(address) => format!("(tftp,[{address}])"),
        };
        script.line("if [ -z \"$bw_from\" ]; then");
        script.line(format!("  set bw_from={}", quoted(&tftp)));
        if let Some((device, path)) = device(around.base.as_str()) {
            let probe = format!("{device}{path}/bootwright/grub/http");
            script.line(format!("  source {}", quoted(&probe)));
        }
        script.line("  export bw_from").line("fi");
        script
    }

    fn line(&mut self, line: impl AsRef<str>) -> &mut Self {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
        self
    }

    fn say(&mut self, text: &str) {
        self.line(format!("echo {}", quoted(&sentence(text))));
    }

    fn say_all(&mut self, lines: &[String]) {
        for line in lines {
            self.say(line);
        }
    }
}

/// A word of its own, whatever it holds but a line end.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The device that GRUB reads a URL from, and the path on it, which may be empty.
fn device(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme != "http" && scheme != "tftp" {
        return None;
    }
    let slash = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(slash)?;
    let sound = |c: char| c.is_ascii_alphanumeric() || ".:-_[]".contains(c);
    (!host.is_empty() && host.chars().all(sound)).then(|| (format!("({scheme},{host})"), path))
}

/// A file as an argument of a command.
fn file(source: &Source) -> Result<String, Unscriptable> {
    match source {
        Source::Ours(path) => Ok(format!("\"$bw_from\"{}", quoted(&format!("/{path}")))),
        Source::Elsewhere(url) => match device(url) {
            Some((device, path)) => Ok(quoted(&format!("{device}{path}"))),
            None => Err(unscriptable(url, Fault::Protocol)),
        },
    }
}

fn unscriptable(text: &str, fault: Fault) -> Unscriptable {
    Unscriptable {
        text: text.to_owned(),
        fault,
        front: FrontEnd::Grub,
    }
}

fn start(script: &mut Script, load: &Load) -> Result<(), Unscriptable> {
    let Load {
        lines,
        kernel,
        parts,
        args,
    } = load;
    script.say_all(lines);
    let mut words = vec![command(kernel, parts).to_owned(), file(kernel)?];
    for arg in args {
        // GRUB hands on what it has read with a backslash before each of these.
        if arg.contains(['"', '\'', '\\']) {
            return Err(unscriptable(arg, Fault::Quotation));
        }
        words.push(quoted(arg));
    }
    script.line(format!("if {}; then", words.join(" ")));
    if parts.is_empty() {
        script.line("  boot");
    } else {
        let mut words = vec!["initrd".to_owned()];
        for part in parts {
            words.push(initrd(part)?);
        }
        script.line(format!("  if {}; then boot; fi", words.join(" ")));
    }
    script.line("fi");
    Ok(())
}

/// Linux is loaded as such; what is named as a program of UEFI and goes alone is started as one.
fn command(kernel: &Source, parts: &[Part]) -> &'static str {
    let (Source::Ours(path) | Source::Elsewhere(path)) = kernel;
    if path.to_ascii_lowercase().ends_with(".efi") && parts.is_empty() {
        "chainloader"
    } else {
        "linux"
    }
}

fn initrd(part: &Part) -> Result<String, Unscriptable> {
    let file = file(&part.source)?;
    match &part.target {
        None => Ok(file),
        Some(target) => {
            // Behind a space stands the file's mode, which GRUB cannot set.
            let path = target.split(' ').next().unwrap_or_default().trim_start_matches('/');
            if path.is_empty() || path.contains(':') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(unscriptable(target, Fault::Target));
            }
            Ok(format!("{}{file}", quoted(&format!("newc:{path}:"))))
        }
    }
}

/// Starts the machine's own disk, and leaves GRUB if that fails.
fn local(script: &mut Script, method: LocalMethod) {
    if matches!(method, LocalMethod::BiosDisk | LocalMethod::UefiDisk) {
        script
            .line("if [ \"$grub_platform\" = efi ]; then")
            .line("  if [ \"$grub_cpu\" = x86_64 ]; then set bw_cpu=x64; set bw_caps=X64; fi")
            .line("  if [ \"$grub_cpu\" = i386 ]; then set bw_cpu=ia32; set bw_caps=IA32; fi")
            .line("  if [ \"$grub_cpu\" = arm64 ]; then set bw_cpu=aa64; set bw_caps=AA64; fi")
            .line("  if [ \"$grub_cpu\" = riscv64 ]; then set bw_cpu=riscv64; set bw_caps=RISCV64; fi")
            .line("  for bw_disk in (hd*); do")
            .line(format!("    for bw_loader in {LOADERS}; do"))
            .line("      if [ -f \"$bw_disk/EFI/$bw_loader\" ]; then")
            // What is started is told that it came from there, and looks there for the rest.
            .line("        set root=$bw_disk")
            .line("        if chainloader \"$bw_disk/EFI/$bw_loader\"; then boot; fi")
            .line("      fi")
            .line("    done")
            .line("  done")
            .line("else")
            .line("  set root=hd0")
            .line("  if chainloader (hd0)+1; then boot; fi")
            .line("fi");
    }
    // Success would stop UEFI in its setup.
    script.line("exit 1");
}

fn wait(script: &mut Script, wait: &Wait, asking: &Asking, polled: bool) {
    let print = wait.print();
    let shown = matches!(asking.act, Act::Again { screen, .. } if screen == print);
    if !shown {
        script.say_all(&wait.lines);
    }
    set_poll(script, asking, print);
    if wait.agree {
        script.line(format!("set bw_escape={}", quoted(&asking.link(Act::Consider))));
    } else if wait.local.is_some() {
        script.line("set bw_escape=bootwright/grub/disk");
    } else {
        script.line("set bw_escape=");
    }
    if !polled {
        poll(script);
    }
}

/// Where the next poll goes.
fn set_poll(script: &mut Script, asking: &Asking, screen: u32) {
    let link = asking.link(asking.act.again(screen));
    script.line(format!("set bw_poll={}", quoted(&link)));
}

/// Asks again and again. What a poll says to do is done within it; what Escape does is set by the last answer.
fn poll(script: &mut Script) {
    script
        .line("while true; do")
        .line(format!("  if sleep --interruptible {WAIT_SECS}; then"))
        .line("    source \"$bw_from/$bw_poll\"")
        .line("  elif [ -n \"$bw_escape\" ]; then")
        .line("    configfile \"$bw_from/$bw_escape\"")
        .line("  fi")
        .line("done");
}

fn menu(script: &mut Script, menu: &Menu, asking: &Asking) {
    script.say(&menu.title);
    script.line(format!("set default={}", menu.default.unwrap_or(0)));
    match menu.timeout_secs {
        Some(secs) => script.line(format!("set timeout={secs}")),
        None => script.line("set timeout=-1"),
    };
    for (title, act) in &menu.entries {
        script
            .line(format!("menuentry {} {{", quoted(&sentence(title))))
            .line(format!("  source \"$bw_from/{}\"", asking.link(*act)))
            .line("}");
    }
}
