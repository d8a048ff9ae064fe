//! What goes into option 43 for PXE (PXE 2.1, table 2-1).

use std::borrow::Cow;
use std::net::Ipv4Addr;

use bootwright_core::Strategy;

/// Whether the offer itself carries the boot file; else the ROM is to ask for it on port 4011.
pub(super) const fn names_file_in_offer(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::Direct | Strategy::DirectWithMenu | Strategy::Merged)
}

/// The value of option 43 in the offer of this server.
pub(super) fn vendor_options(strategy: Strategy, server: Ipv4Addr) -> Option<Cow<'static, [u8]>> {
    match strategy {
        Strategy::Direct | Strategy::Merged => Some(Cow::Borrowed(DIRECT)),
        Strategy::DirectWithMenu => Some(Cow::Borrowed(DIRECT_WITH_MENU)),
        Strategy::NoVendorOptions => None,
        Strategy::OneEntryMenu => Some(Cow::Owned(one_entry_menu(server))),
    }
}

/// The boot server type of our one menu entry; the range from 0x8000 on is the vendors' own.
pub(super) const BOOT_SERVER_TYPE: [u8; 2] = [0x80, 0x00];

/// Discovery control (6) with bit 3: no discovery at all.
const DIRECT: &[u8] = b"\x06\x01\x08\xff";

/// The same and a prompt (10) with a timeout of zero. (tianocore/edk2 issue 8149)
const DIRECT_WITH_MENU: &[u8] = b"\x06\x01\x08\x0a\x04\x00PXE\xff";

/// What the Raspberry Pi boot ROM looks for: a menu whose item 0 has this very text (raspberrypi/firmware issue 871).
pub(super) const RASPBERRY_PI: &[u8] = b"\x06\x01\x03\x0a\x04\x00PXE\x09\x14\x00\x00\x11Raspberry Pi Boot\xff";

/// Only the servers listed (6, value 7), which is one (8), one menu item (9), a prompt that takes it at once (10).
fn one_entry_menu(server: Ipv4Addr) -> Vec<u8> {
    let [t0, t1] = BOOT_SERVER_TYPE;
    let [a, b, c, d] = server.octets();
    let mut value = vec![0x06, 1, 0x07];
    value.extend([0x08, 7, t0, t1, 1, a, b, c, d]);
    value.extend([0x09, 15, t0, t1, 12]);
    value.extend(b"Network boot");
    value.extend(b"\x0a\x04\x00PXE\xff");
    value
}

/// The boot item (71) that the client asked for, repeated: strict ROMs compare it.
pub(super) fn boot_item_echo(item: &[u8]) -> Option<Vec<u8>> {
    let len = u8::try_from(item.len()).ok()?;
    let mut value = vec![71, len];
    value.extend(item);
    value.push(0xff);
    Some(value)
}
