//! A packet under construction.

use std::net::Ipv4Addr;

use dhcproto::encoder::{Encodable, Encoder};
use dhcproto::v4::{DhcpOption, OptionCode};

use super::render::Unrenderable;

/// Bytes that grow at their end.
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// dhcproto's encoder writes from the start of its buffer, so it gets one of its own.
    scratch: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self::over(Vec::new())
    }

    /// Writes over what is in this buffer.
    pub(super) fn over(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.reserve(576);
        Self {
            bytes,
            scratch: Vec::new(),
        }
    }

    /// Ends the options and hands the packet over.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.bytes.push(255);
        self.bytes
    }

    /// Appends bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a text field of the fixed part, filled with zeros, the last of which every text keeps.
    pub(super) fn field(&mut self, text: &str, len: usize) {
        let end = self.bytes.len().saturating_add(len);
        let text = text.as_bytes();
        self.bytes(text.get(..len.saturating_sub(1)).unwrap_or(text));
        self.bytes.resize(end, 0);
    }

    /// Appends an option that dhcproto encodes.
    pub(super) fn option(&mut self, option: &DhcpOption) -> Result<(), Unrenderable> {
        self.scratch.clear();
        let outcome = option.encode(&mut Encoder::new(&mut self.scratch));
        let len = self.scratch.len().saturating_sub(2);
        // It splits what is longer than one option, which boot ROMs do not put together again.
        if outcome.is_err() || len > usize::from(u8::MAX) {
            let code = u8::from(OptionCode::from(option));
            return Err(Unrenderable::OptionTooLong { code, len });
        }
        self.bytes.extend_from_slice(&self.scratch);
        Ok(())
    }

    /// Appends an option of which we have the bytes, also if there are none.
    pub(super) fn raw(&mut self, code: OptionCode, value: &[u8]) -> Result<(), Unrenderable> {
        let code = u8::from(code);
        let Ok(len) = u8::try_from(value.len()) else {
            return Err(Unrenderable::OptionTooLong { code, len: value.len() });
        };
        self.bytes(&[code, len]);
        self.bytes(value);
        Ok(())
    }

    /// Appends an option of addresses, if there are any.
    pub(super) fn addresses(&mut self, code: OptionCode, addresses: &[Ipv4Addr]) -> Result<(), Unrenderable> {
        let len = addresses.len().saturating_mul(4);
        let code = u8::from(code);
        let Ok(counted) = u8::try_from(len) else {
            return Err(Unrenderable::OptionTooLong { code, len });
        };
        if counted > 0 {
            self.bytes(&[code, counted]);
            addresses.iter().for_each(|address| self.bytes(&address.octets()));
        }
        Ok(())
    }

    /// Appends a text with the NUL that ends it inside the option.
    pub(super) fn text(&mut self, code: OptionCode, text: &str) -> Result<(), Unrenderable> {
        let len = text.len().saturating_add(1);
        let code = u8::from(code);
        let Ok(counted) = u8::try_from(len) else {
            return Err(Unrenderable::OptionTooLong { code, len });
        };
        self.bytes(&[code, counted]);
        self.bytes(text.as_bytes());
        self.bytes(&[0]);
        Ok(())
    }

    /// Appends an option if it is there.
    pub(super) fn raw_if_any(&mut self, code: OptionCode, value: Option<&[u8]>) -> Result<(), Unrenderable> {
        value.map_or(Ok(()), |value| self.raw(code, value))
    }

    /// Appends an option of any length, in as many pieces as it needs (RFC 3396 section 5): the relay's, and a client's.
    pub(super) fn raw_pieces(&mut self, code: OptionCode, value: &[u8]) {
        if value.is_empty() {
            self.bytes(&[u8::from(code), 0]);
        }
        for piece in value.chunks(usize::from(u8::MAX)) {
            let len = u8::try_from(piece.len()).unwrap_or(u8::MAX);
            self.bytes(&[u8::from(code), len]);
            self.bytes(piece);
        }
    }
}
