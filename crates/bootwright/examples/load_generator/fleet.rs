//! The machines of `bootwright-store`'s example `load`, as that program numbers them.

use std::fmt::Write as _;

/// The maker's part of the hardware addresses: of machines in the store, and of machines that nobody has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Fleet {
    Known,
    Strangers,
}

impl Fleet {
    /// The hardware address of one card of a machine.
    pub(crate) fn card(self, number: u32, card: u8) -> [u8; 6] {
        let [_, a, b, c] = number.to_be_bytes();
        let [first, second] = match self {
            Self::Known => [0x3c, 0xec],
            // Intel's, so that it could be anybody's.
            Self::Strangers => [0x00, 0x1b],
        };
        [first, second, card, a, b, c]
    }

    /// The UUID in text order.
    pub(crate) fn uuid(self, number: u32) -> [u8; 16] {
        let last = match self {
            Self::Known => 0x1234_5678,
            Self::Strangers => 0x8765_4321,
        };
        (u128::from(number) << 64 | last).to_be_bytes()
    }
}

/// What a machine's iPXE asks, in the words of our own `/boot.ipxe`.
pub(crate) fn question(number: u32, address: &str) -> String {
    let mac = |card| joined(&Fleet::Known.card(number, card), "-");
    let uuid = joined(&Fleet::Known.uuid(number), "");
    let uuid = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)].map(|(from, to)| &uuid[from..to]);
    let mut target = format!("/ipxe?mac={0}&nic={0}&nic={1}&uuid={2}", mac(0), mac(1), uuid.join("-"));
    let _ = write!(target, "&platform=efi&buildarch=x86_64&ip={address}");
    let texts = [
        ("version", "1.21.1+git-20250501"),
        ("serial", &format!("S4EV{number:08}")),
        ("asset", ""),
        ("manufacturer", "Supermicro"),
        ("product", "SYS-1029P-WTRT"),
    ];
    for (name, text) in texts {
        let _ = write!(target, "&{name}_hex={}", joined(text.as_bytes(), ""));
    }
    target
}

fn joined(bytes: &[u8], separator: &str) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(separator)
}
