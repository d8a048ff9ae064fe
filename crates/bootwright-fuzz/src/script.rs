//! An iPXE script in our reader of such, and what comes back of everything that it wants.

use bootwright_client::ipxe::{Generation, Interpreter, Kind, Reply, Settings, Step};
use bootwright_core::Firmware;

/// How many steps a script may take; one that wants more would go on wanting.
const STEPS_MAX: usize = 64;

/// The first byte says which iPXE runs; the script follows, and behind a NUL each what its fetches bring.
pub fn digest(bytes: &[u8]) {
    let [which, bytes @ ..] = bytes else { return };
    let generation = [Generation::Of2019, Generation::Of2025, Generation::Of2026][usize::from(which % 3)];
    let firmware = if which & 0x40 == 0 {
        Firmware::Bios
    } else {
        Firmware::Uefi
    };
    let mut pieces = bytes.split(|byte| *byte == 0);
    let script = pieces.next().unwrap_or_default();
    let mut settings = Settings::new();
    settings.set_text("hostname", "oak");
    settings.set("net0/mac", Kind::Mac, vec![0x52, 0x54, 0, 0, 0, 1]);
    settings.set_text(
        "serial",
        &String::from_utf8_lossy(pieces.clone().next_back().unwrap_or_default()),
    );
    let mut ipxe = Interpreter::new(generation, firmware, settings);
    let mut step = ipxe.start(script);
    for number in 0..STEPS_MAX {
        let reply = match &step {
            Step::Exit(_) | Step::Reboot | Step::Runaway => return,
            Step::Fetch(url) => {
                assert!(!url.contains(['\n', '\r']), "a line end in a URL: {url:?}");
                pieces
                    .next()
                    .map_or(Reply::Failed(0x2d0c_613b), |body| Reply::Body(body.to_vec()))
            }
            Step::Prompt { key, .. } => match (number % 2, key) {
                (0, Some(key)) => Reply::Key(*key),
                _ => Reply::Failed(0x0b80_6001),
            },
            Step::Boot(_) | Step::SanBoot { .. } => Reply::Failed(0x2e85_2001),
            Step::Print(_) | Step::Dhcp | Step::Sleep(_) => Reply::Done,
        };
        step = ipxe.resume(reply);
    }
}

/// The scripts that we write.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let ours = [
        include_str!("../../bootwright-proto/test_data/script/autoexec.ipxe"),
        include_str!("../../bootwright-proto/test_data/script/boot.ipxe"),
        include_str!("../../bootwright-proto/test_data/script/confirm.ipxe"),
        include_str!("../../bootwright-proto/test_data/script/hold.ipxe"),
        include_str!("../../bootwright-proto/test_data/script/install.ipxe"),
        include_str!("../../bootwright-proto/test_data/script/live.ipxe"),
        include_str!("../../bootwright-proto/test_data/script/local-bios-disk.ipxe"),
        include_str!("../../bootwright-proto/test_data/script/local-uefi-disk.ipxe"),
    ];
    let forms = "#!ipxe\n:a\nset x:int8 ${x} && iseq ${net0/mac:hexhyp} 52 || goto b\ninc n && goto a\n:b\nisset ${serial} || exit 1\nchain --autofree --replace http://h/${serial:uristring}?a=b#c || shell\nimgargs x ${} $ {y} \"a b\" 'c' \\\n d\nparam --params p a b\nprompt --key 0x197 --timeout 5s q\n";
    let scripts = ours.iter().copied().chain([forms]);
    let seed = |(number, script): (usize, &str)| {
        let which = u8::try_from(number).unwrap_or_default() | if number % 2 == 0 { 0x40 } else { 0 };
        [&[which], script.as_bytes(), b"\0#!ipxe\nexit 3\n\0bytes\0VM 01"].concat()
    };
    scripts.enumerate().map(seed).collect()
}
