//! The first sector of the lab's disk image: real-mode code that proves a BIOS started this very disk.
//!
//! It prints a banner on the first serial port, reads one sector through the BIOS and prints that sector's first line,
//! which the install of this run wrote. Then it waits for ever, so that a test can look and reset the machine; or it resets
//! the machine itself, as a disk does whose system breaks down at once.

use std::collections::BTreeMap;

/// Bytes of code that fit in front of the partition table.
const CODE_MAX: usize = 440;
/// Where a BIOS loads the sector.
const ORIGIN: u16 = 0x7c00;
/// Where the sector with the text is read to.
const BUFFER: u16 = 0x8000;

/// How the code ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Wait,
    /// It waits where there is so much memory below 640 KiB, and else resets before it says anything.
    WaitAbove {
        kib: u16,
    },
    Reset,
}

/// The sector without a partition table: code, then zeros, then the boot signature.
///
/// `banner` comes before the text's first line; `text_lba` is the sector that holds the text.
pub(super) fn assemble(banner: &str, text_lba: u32, end: End) -> [u8; 512] {
    let mut code = Code::default();
    start(&mut code, end);
    print_line(&mut code);
    data(&mut code, banner, text_lba);

    let code = code.link();
    assert!(
        code.len() <= CODE_MAX,
        "the boot code has {} bytes, {CODE_MAX} fit",
        code.len()
    );
    let mut sector = [0; 512];
    sector[..code.len()].copy_from_slice(&code);
    sector[510] = 0x55;
    sector[511] = 0xaa;
    sector
}

fn start(code: &mut Code, end: End) {
    code.emit(&[0xfa]); //                          cli
    code.emit(&[0x31, 0xc0]); //                    xor  ax, ax
    code.emit(&[0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0]); // mov ds, ax; mov es, ax; mov ss, ax
    code.emit(&[0xbc]).word(ORIGIN); //             mov  sp, ORIGIN
    code.emit(&[0xfb, 0xfc]); //                    sti; cld
    if let End::WaitAbove { kib } = end {
        code.emit(&[0x81, 0x3e, 0x13, 0x04]).word(kib); // cmp word [0413h], kib
        code.jump(0x73, "room"); //                 jae  room
        reset(code);
        code.label("room");
    }
    // INT 13h, function 42h: extended read, described by the packet at ds:si. The BIOS passed its number for this disk
    // in dl.
    code.emit(&[0xbe]).address("packet"); //        mov  si, packet
    code.emit(&[0xb4, 0x42, 0xcd, 0x13]); //        mov  ah, 42h; int 13h
    code.emit(&[0xbf]).address("unreadable"); //    mov  di, unreadable
    code.jump(0x72, "read"); //                     jc   read
    code.emit(&[0xbf]).word(BUFFER); //             mov  di, BUFFER
    code.label("read");
    // A BIOS that shows its screen on the serial port sends what is left of it in its timer interrupt, 18 times a
    // second. Wait for that to end, then let no interrupt get between our words.
    code.emit(&[0xb9]).word(18); //                 mov  cx, 18
    code.label("tick");
    code.emit(&[0xf4]); //                          hlt
    code.jump(0xe2, "tick"); //                     loop tick
    code.emit(&[0xfa]); //                          cli
    // 115200 baud, 8 data bits, no parity: divisor 1.
    code.emit(&[0xba, 0xfb, 0x03, 0xb0, 0x80, 0xee]); // mov dx, 3fbh; mov al, 80h; out dx, al
    code.emit(&[0xba, 0xf8, 0x03, 0xb0, 0x01, 0xee]); // mov dx, 3f8h; mov al, 1;   out dx, al
    code.emit(&[0x42, 0x30, 0xc0, 0xee]); //             inc dx;       xor al, al;  out dx, al
    code.emit(&[0xba, 0xfb, 0x03, 0xb0, 0x03, 0xee]); // mov dx, 3fbh; mov al, 3;   out dx, al
    code.emit(&[0xbe]).address("banner"); //        mov  si, banner
    code.call("print_line");
    code.emit(&[0x89, 0xfe]); //                    mov  si, di
    code.call("print_line");
    if end == End::Reset {
        reset(code);
    }
    code.label("wait");
    code.emit(&[0xf4]); //                          hlt
    code.jump(0xeb, "wait"); //                     jmp  wait
}

/// By the chipset's reset register: a full reset.
fn reset(code: &mut Code) {
    code.emit(&[0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee]); // mov dx, 0cf9h; mov al, 6; out dx, al
    code.emit(&[0xf4]); //                          hlt
}

/// Prints from ds:si up to a zero byte, or through a line feed.
fn print_line(code: &mut Code) {
    code.label("print_line");
    code.emit(&[0xac, 0x84, 0xc0]); //              lodsb; test al, al
    code.jump(0x74, "printed"); //                  jz   printed
    code.emit(&[0x88, 0xc3]); //                    mov  bl, al
    code.emit(&[0xba, 0xfd, 0x03]); //              mov  dx, 3fdh
    code.label("busy");
    code.emit(&[0xec, 0xa8, 0x20]); //              in   al, dx; test al, 20h   is the transmitter empty?
    code.jump(0x74, "busy"); //                     jz   busy
    code.emit(&[0xba, 0xf8, 0x03]); //              mov  dx, 3f8h
    code.emit(&[0x88, 0xd8, 0xee]); //              mov  al, bl; out dx, al
    code.emit(&[0x3c, 0x0a]); //                    cmp  al, 10
    code.jump(0x75, "print_line"); //               jne  print_line
    code.label("printed");
    code.emit(&[0xc3]); //                          ret
}

fn data(code: &mut Code, banner: &str, text_lba: u32) {
    code.label("banner");
    code.emit(b"\r").emit(banner.as_bytes()).emit(&[0]);
    code.label("unreadable");
    code.emit(b"(the sector cannot be read)\n");
    code.label("packet");
    code.emit(&[16, 0]).word(1).word(BUFFER).word(0); // size, sectors, offset, segment
    code.emit(&u64::from(text_lba).to_le_bytes());
}

/// Machine code with labels that are filled in at the end.
#[derive(Default)]
struct Code {
    bytes: Vec<u8>,
    labels: BTreeMap<&'static str, usize>,
    patches: Vec<(usize, Patch, &'static str)>,
}

enum Patch {
    /// One signed byte, counted from the byte after it.
    Near8,
    /// Two bytes, counted from the byte after them.
    Near16,
    /// Two bytes, the address in memory.
    Absolute16,
}

impl Code {
    fn emit(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn word(&mut self, word: u16) -> &mut Self {
        self.emit(&word.to_le_bytes())
    }

    fn label(&mut self, name: &'static str) {
        self.labels.insert(name, self.bytes.len());
    }

    fn address(&mut self, label: &'static str) {
        self.patches.push((self.bytes.len(), Patch::Absolute16, label));
        self.word(0);
    }

    fn call(&mut self, label: &'static str) {
        self.emit(&[0xe8]);
        self.patches.push((self.bytes.len(), Patch::Near16, label));
        self.word(0);
    }

    /// A jump of two bytes: conditional or not, by its opcode.
    fn jump(&mut self, opcode: u8, label: &'static str) {
        self.emit(&[opcode]);
        self.patches.push((self.bytes.len(), Patch::Near8, label));
        self.emit(&[0]);
    }

    fn link(mut self) -> Vec<u8> {
        for (at, patch, label) in self.patches {
            let target = self.labels[label] as i64;
            match patch {
                Patch::Near8 => {
                    let distance = i8::try_from(target - (at as i64 + 1)).expect("a near jump");
                    self.bytes[at] = distance.to_le_bytes()[0];
                }
                Patch::Near16 => {
                    let distance = i16::try_from(target - (at as i64 + 2)).expect("a near call");
                    self.bytes[at..at + 2].copy_from_slice(&distance.to_le_bytes());
                }
                Patch::Absolute16 => {
                    let address = u16::try_from(i64::from(ORIGIN) + target).expect("an address in the sector");
                    self.bytes[at..at + 2].copy_from_slice(&address.to_le_bytes());
                }
            }
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{End, assemble};

    #[test]
    fn the_code_leaves_the_partition_table_alone_and_names_its_sector() {
        let sector = assemble("somebody's disk: ", 0x0001_2345, End::Reset);
        assert_eq!(sector[440..510], [0; 70]);
        assert_eq!(sector[510..], [0x55, 0xaa]);
        let packet = [16, 0, 1, 0, 0, 0x80, 0, 0, 0x45, 0x23, 1, 0, 0, 0, 0, 0];
        assert!(
            sector.windows(packet.len()).any(|window| window == packet),
            "no packet for the extended read"
        );
    }
}
