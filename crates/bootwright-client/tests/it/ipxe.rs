//! The reader of iPXE scripts: the language, and the scripts of Bootwright run by it.

mod language;
mod ours;

use bootwright_client::ipxe::{Generation, Interpreter, Kind, Reply, Settings, Step};
use bootwright_core::Firmware;

/// The settings of a machine with two cards, the second of which has no address.
fn machine(platform: Firmware) -> Settings {
    let mut settings = Settings::new();
    for (card, last) in [("netX", 0x56), ("net0", 0x56), ("net1", 0x57)] {
        let mac = vec![0x52, 0x54, 0, 0x12, 0x34, last];
        settings.set(&format!("{card}/mac"), Kind::Mac, mac);
    }
    settings.set("netX/ip", Kind::Ipv4, vec![10, 77, 0, 50]);
    let uuid = (0..16_u8).map(|byte| byte * 0x11).collect();
    settings.set("uuid", Kind::Uuid, uuid);
    settings.set_text("serial", "A&B+C/D E");
    settings.set_text("manufacturer", "Acme ${serial} || shell");
    settings.set_text("version", "1.0.0+git");
    settings.set_text("buildarch", "x86_64");
    let name = match platform {
        Firmware::Bios => "pcbios",
        Firmware::Uefi => "efi",
    };
    settings.set_text("platform", name);
    settings
}

/// Runs a script and writes down what it wants, one line each. `world` says what comes of a fetch, a boot, a disk or a
/// question for a key; all else succeeds. Ends with the script or after 60 steps.
fn run(mut ipxe: Interpreter, script: &str, mut world: impl FnMut(&Step, &mut Interpreter) -> Option<Reply>) -> String {
    let mut lines = String::new();
    let mut step = ipxe.start(script.as_bytes());
    for _ in 0..60 {
        let words = match &step {
            Step::Print(text) => format!("| {text}"),
            Step::Fetch(url) => format!("fetch {url}"),
            Step::Dhcp => "dhcp".to_owned(),
            Step::Sleep(time) => format!("sleep {} s", time.as_secs()),
            Step::Prompt { key, timeout, text } => {
                let key = key.map(char::from);
                format!("prompt {key:?} for {:?}: {text}", timeout.unwrap_or_default())
            }
            Step::Boot(boot) => {
                let others: Vec<String> = boot
                    .initrds
                    .iter()
                    .map(|file| format!("{}[{}]", file.name, file.args))
                    .collect();
                format!("boot {} ({}) with {}", boot.kernel, boot.args, others.join(" "))
            }
            Step::SanBoot { drive, filename } => format!("sanboot {drive:#x} {}", filename.as_deref().unwrap_or("")),
            Step::Reboot => "reboot".to_owned(),
            Step::Exit(code) => format!("exit {code}"),
            Step::Runaway => "runaway".to_owned(),
        };
        lines.push_str(words.trim_end());
        lines.push('\n');
        if matches!(step, Step::Exit(_) | Step::Reboot | Step::Runaway) {
            return lines;
        }
        let Some(reply) = world(&step, &mut ipxe) else {
            return lines;
        };
        step = ipxe.resume(reply);
    }
    lines.push_str("and so on\n");
    lines
}

fn ipxe(generation: Generation, firmware: Firmware) -> Interpreter {
    Interpreter::new(generation, firmware, machine(firmware))
}
