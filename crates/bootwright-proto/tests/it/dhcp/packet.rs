//! Requests made to order.

/// A request under construction: a sound header, then whatever options are added.
#[derive(Clone)]
pub(crate) struct Packet {
    bytes: Vec<u8>,
}

impl Packet {
    /// A header from 52:54:00:12:34:56 with nothing else in it, and the cookie.
    pub(crate) fn bare() -> Self {
        let mut bytes = vec![0; 240];
        bytes[..8].copy_from_slice(&[1, 1, 6, 0, 0xca, 0xfe, 0, 1]);
        bytes[28..34].copy_from_slice(&[0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        bytes[236..].copy_from_slice(&[99, 130, 83, 99]);
        Self { bytes }
    }

    /// A DISCOVER of an x64 UEFI machine that boots by PXE.
    pub(crate) fn uefi() -> Self {
        Self::bare()
            .option(53, &[1])
            .option(93, &[0, 7])
            .option(60, b"PXEClient:Arch:00007:UNDI:003000")
    }

    /// The same with another message type, told first.
    pub(crate) fn message(kind: u8) -> Self {
        Self::bare()
            .option(53, &[kind])
            .option(93, &[0, 7])
            .option(60, b"PXEClient:Arch:00007:UNDI:003000")
    }

    /// Puts bytes into the fixed part.
    pub(crate) fn at(mut self, offset: usize, bytes: &[u8]) -> Self {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Appends an option.
    pub(crate) fn option(mut self, code: u8, value: &[u8]) -> Self {
        let len = u8::try_from(value.len()).expect("one option carries 255 bytes");
        self.bytes.extend([code, len]);
        self.bytes.extend(value);
        self
    }

    /// Appends bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    /// The packet with the end option.
    pub(crate) fn end(self) -> Vec<u8> {
        self.raw(&[255]).bytes
    }

    /// The packet without it.
    pub(crate) fn open(self) -> Vec<u8> {
        self.bytes
    }
}
