//! What a machine's console shows while it waits.

use bootwright_core::{HoldWhy, HostId, LocalMethod, ProfileName};

use crate::http::{Asked, BaseUrl, Poll};

use super::boot::ask_again;
use super::local::start;
use super::text::Script;
use crate::script::say::{sentence, value, wrapped};

/// After so many polls the screen is painted again: iPXE prints a line for every file that it fetches, and scrolls.
const POLLS_PER_PAINT: u32 = 8;

/// A machine that waits for somebody to decide.
#[derive(Clone, Copy, Debug)]
pub struct Hold<'a> {
    /// How the machine reaches us.
    pub base: &'a BaseUrl,
    /// What the machine said of itself.
    pub asked: &'a Asked,
    /// Which host it is; nothing if its identity is in doubt.
    pub host: Option<&'a HostId>,
    /// The code that leads to its page.
    pub code: &'a str,
    /// Why it waits.
    pub why: &'a HoldWhy,
    /// How a person at the console may start its own disk, if they may.
    pub local: Option<LocalMethod>,
    /// Whether they may open a boot menu.
    pub menu: bool,
    /// Whether they may open a shell.
    pub shell: bool,
}

/// A machine whose install a person at its console has to confirm.
#[derive(Clone, Copy, Debug)]
pub struct Confirmation<'a> {
    /// How the machine reaches us.
    pub base: &'a BaseUrl,
    /// What the machine said of itself.
    pub asked: &'a Asked,
    /// Which host it is.
    pub host: &'a HostId,
    /// What is to be installed.
    pub profile: &'a ProfileName,
}

/// Shows who waits and why, and polls. With the question that is answered, be it a poll or one for the decision, the
/// screen is painted only if what it shows has changed or has scrolled away.
#[must_use]
pub fn hold_script(hold: &Hold<'_>, answered: Option<&Poll>) -> String {
    let lines = own_screen(hold);
    let print = digest(&lines);
    let shown = answered.filter(|poll| poll.asked.screen == Some(print) && poll.polls < POLLS_PER_PAINT);
    let mut script = Script::new();
    if shown.is_none() {
        script.line("echo");
        for line in &lines {
            script.line(format!("echo {line}"));
        }
        // If the decision and the poll ever disagreed, the machine would ask without end: once a second is bearable.
        script.line("sleep 1");
    }
    let polls = shown.map_or(1, |poll| poll.polls.saturating_add(1));
    script
        .line(":poll")
        .line(format!(
            "chain --replace --autofree {}/hold?{}&screen={print:08x}&polls={polls} || goto missed",
            hold.base,
            hold.asked.to_query()
        ))
        .line(":missed");
    match hold.local {
        method if hold.menu || hold.shell => keys(&mut script, hold, method),
        Some(method) => script
            .line("prompt --key 0x6c --timeout 5000 l = start the disk of this machine now || goto poll")
            .line(start(method)),
        None => script.line("sleep 5").line("goto poll"),
    };
    script.finish()
}

/// What a person at the console may do, by a key each. Whoever does nothing goes on waiting, and sees the screen again.
///
/// A prompt knows one key and not which other one was pressed, so this is a menu of the boot loader.
fn keys<'s>(script: &'s mut Script, hold: &Hold<'_>, local: Option<LocalMethod>) -> &'s mut Script {
    let mut asked = hold.asked.clone();
    (asked.sighting.chosen, asked.sighting.menu) = (None, false);
    let query = asked.to_query();
    script
        .line("menu Bootwright: a key was pressed, or the server does not answer")
        .line("item --key w wait w = go on waiting");
    if local.is_some() {
        script.line("item --key l disk l = start the disk of this machine now");
    }
    if hold.menu {
        script.line("item --key m menu m = menu");
    }
    if hold.shell {
        script.line("item --key s shell s = shell");
    }
    script
        .line("choose --default wait --timeout 10000 key || goto wait")
        .line("goto ${key} || goto wait");
    if let Some(method) = local {
        script.line(":disk").line(start(method));
    }
    if hold.menu {
        script.line(":menu").line(format!(
            "chain --replace --autofree {}/ipxe?{query}&menu=yes || goto wait",
            hold.base
        ));
    }
    if hold.shell {
        script.line(":shell").line("echo exit leads back").line("shell ||");
    }
    script
        .line(":wait")
        .line(format!("chain --replace --autofree {}/ipxe?{query} ||", hold.base))
        .line("sleep 5")
        .line("goto wait")
}

/// Asks a person at the console for agreement, and then for the decision again. No run begins before that.
///
/// Once painted, the screen stays: the machine asks again every minute whether it still stands.
#[must_use]
pub fn confirm_script(confirmation: &Confirmation<'_>) -> String {
    let Confirmation {
        base,
        asked,
        host,
        profile,
    } = *confirmation;
    let mut lines = vec![String::new()];
    lines.extend(wrapped(&format!(
        "Bootwright: {host} is to be installed with {profile}, and its disk will be overwritten."
    )));
    lines.extend(wrapped(
        "Nothing has been touched yet. Press y to agree. It waits until somebody does.",
    ));
    let print = digest(&lines);
    let mut script = Script::new();
    if asked.screen != Some(print) {
        for line in &lines {
            script.line(format!("echo {line}").trim_end());
        }
    }
    let query = asked.to_query();
    script
        .line("prompt --key 0x79 --timeout 60000 y = overwrite the disk || goto again")
        .line(format!(
            "chain --replace --autofree {base}/ipxe?{query}&confirmed=yes || goto ask"
        ))
        .line("goto ask")
        .line(":again")
        .line(format!(
            "chain --replace --autofree {base}/ipxe?{query}&screen={print:08x} || goto ask"
        ));
    ask_again(&mut script, base, asked);
    script.finish()
}

fn own_screen(hold: &Hold<'_>) -> Vec<String> {
    let keys = [
        hold.local.map(|_| "l: start its own disk now"),
        hold.menu.then_some("m: menu"),
        hold.shell.then_some("s: shell"),
    ];
    let keys: Vec<&str> = keys.into_iter().flatten().collect();
    let last = match keys.as_slice() {
        [] => "It asks again by itself.".to_owned(),
        keys => format!("It asks again by itself. Ctrl-C and then {}.", keys.join(", ")),
    };
    screen(hold, &last)
}

/// What the console shows, in lines that no console breaks. The last one says what a person may do there.
pub(in crate::script) fn screen(hold: &Hold<'_>, last: &str) -> Vec<String> {
    let facts = &hold.asked.sighting.facts;
    let mut who = vec![hold.host.map_or_else(String::new, |host| format!("name {host}"))];
    let mac = hold.asked.sighting.boot_mac.or_else(|| facts.macs.first().copied());
    who.extend(mac.map(|mac| format!("mac {mac}")));
    who.extend(facts.serial.as_ref().map(|serial| format!("serial {}", value(serial))));
    who.push(format!("code {}", value(hold.code)));
    who.retain(|part| !part.is_empty());
    let mut lines = vec!["This machine is waiting. Nothing on its disks has been touched.".to_owned()];
    lines.extend(wrapped(&who.join(", ")));
    lines.extend(facts.uuid.map(|uuid| format!("uuid {uuid}")));
    lines.extend(wrapped(&format!("It waits because {}.", hold.why)));
    lines.push(format!(
        "To choose what it boots open {}/k/{}",
        hold.base,
        value(hold.code)
    ));
    lines.push(last.to_owned());
    lines.iter().map(|line| sentence(line)).collect()
}

/// FNV-1a, 32 bits: it only has to tell one screen of a machine from the next.
pub(in crate::script) fn digest(lines: &[String]) -> u32 {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
