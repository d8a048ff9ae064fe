//! The packets, borrowed from the buffer they arrived in and rendered into a buffer of the caller's.

use std::fmt::{self, Write as _};

use super::option::{Asked, Terms};

/// The longest request that is read. RFC 2347 says 512 bytes; some firmware sends its whole buffer, one Ethernet frame.
pub const REQUEST_BYTES_MAX: usize = 1500;
/// Opcode and block number before the payload of a DATA packet.
pub const DATA_HEADER_BYTES: usize = 4;
/// Room enough for any option acknowledgement that [`render_oack`] writes.
pub const OACK_BYTES_MAX: usize = 80;
/// Room enough for any error packet that [`render_error`] writes.
pub const ERROR_BYTES_MAX: usize = 128;

/// A read request that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The file name as it was sent, to be read by [`super::Name::normalise`].
    pub name: &'a [u8],
    /// How the file shall be sent.
    pub mode: Mode,
    /// The options asked for.
    pub asked: Asked,
}

/// The transfer modes that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bytes as they are.
    Octet,
    /// Text with line ends as CR LF. No firmware boots with it, but it is the default of some shells' clients.
    Netascii,
}

/// What becomes of a packet on the request port that cannot be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Say nothing.
    Silence(Silence),
    /// Say this error.
    Answer(ErrorCode, &'static str),
}

/// Why a packet on the request port is met with silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Silence {
    /// Shorter than an opcode.
    TooShort,
    /// Longer than [`REQUEST_BYTES_MAX`].
    TooLong,
    /// An ERROR. An answer to it could make two servers talk to each other for ever.
    Error,
    /// No request: another opcode, or nothing where a request has its file name and mode. An error would be several
    /// times as long, and whatever speaks text at everybody would go on talking with us for ever.
    NotRequest,
}

/// The error codes of RFC 1350 and RFC 2347.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// 0, see the text.
    Other,
    /// 1, file not found. The only code that shim and most probing loaders take as "go on without it".
    NotFound,
    /// 2, access violation.
    Access,
    /// 3, disk full.
    Full,
    /// 4, illegal operation.
    Illegal,
    /// 5, unknown transfer: the packet came from a port that has none here.
    UnknownTransfer,
    /// 6, file exists.
    Exists,
    /// 7, no such user.
    NoUser,
    /// 8, the options are refused.
    Options,
}

/// A packet of the data phase, as either side receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// One block of the file.
    Data {
        /// Its number modulo 65,536.
        block: u16,
        /// Its bytes.
        payload: &'a [u8],
    },
    /// Everything up to this block has arrived.
    Ack {
        /// Its number modulo 65,536; 0 acknowledges options.
        block: u16,
    },
    /// The other side has ended the transfer.
    Error {
        /// The code as sent; [`ErrorCode::from_wire`] names it.
        code: u16,
        /// The text without its NUL, possibly empty.
        text: &'a [u8],
    },
    /// The options granted: names and values, to be read by [`Asked::read`].
    OptionAck {
        /// The bytes after the opcode.
        options: &'a [u8],
    },
}

/// Reads a packet that arrived on the request port.
///
/// Accepts what firmware sends: a missing last NUL, zeros behind the end, an option name without a value, repeated
/// options (the first counts), names and modes in any case.
///
/// An error answers only what has a name and a mode, and is at most three times as long, for the sender may be forged.
///
/// # Errors
/// [`Reject`], saying whether and how to answer.
pub fn parse_request(bytes: &[u8]) -> Result<Request<'_>, Reject> {
    if bytes.len() > REQUEST_BYTES_MAX {
        return Err(Reject::Silence(Silence::TooLong));
    }
    let Some((opcode, body)) = bytes.split_first_chunk::<2>() else {
        return Err(Reject::Silence(Silence::TooShort));
    };
    let opcode = u16::from_be_bytes(*opcode);
    match opcode {
        1 | 2 => {}
        5 => return Err(Reject::Silence(Silence::Error)),
        _ => return Err(Reject::Silence(Silence::NotRequest)),
    }
    let (name, rest) = field(body);
    let (mode, options) = field(rest.unwrap_or_default());
    if name.is_empty() || mode.is_empty() {
        return Err(Reject::Silence(Silence::NotRequest));
    }
    if opcode == 2 {
        return Err(Reject::Answer(ErrorCode::Access, "read only"));
    }
    let mode = if mode.eq_ignore_ascii_case(b"octet") {
        Mode::Octet
    } else if mode.eq_ignore_ascii_case(b"netascii") {
        Mode::Netascii
    } else {
        return Err(Reject::Answer(ErrorCode::Illegal, "bad mode"));
    };
    Ok(Request {
        name,
        mode,
        asked: Asked::read(options.unwrap_or_default()),
    })
}

/// Reads a packet of the data phase; nothing if it is none.
#[must_use]
pub fn parse(bytes: &[u8]) -> Option<Packet<'_>> {
    let (opcode, body) = bytes.split_first_chunk::<2>()?;
    match u16::from_be_bytes(*opcode) {
        3 => body.split_first_chunk::<2>().map(|(n, payload)| Packet::Data {
            block: u16::from_be_bytes(*n),
            payload,
        }),
        4 => body.first_chunk::<2>().map(|n| Packet::Ack {
            block: u16::from_be_bytes(*n),
        }),
        5 => {
            let (code, text) = body
                .split_first_chunk::<2>()
                .map_or((0, &[][..]), |(c, t)| (u16::from_be_bytes(*c), t));
            Some(Packet::Error {
                code,
                text: field(text).0,
            })
        }
        6 => Some(Packet::OptionAck { options: body }),
        _ => None,
    }
}

/// The bytes before the next NUL, and those behind it if there is one.
pub(super) fn field(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    (parts.next().unwrap_or_default(), parts.next())
}

/// Opcode and number of a DATA packet, to be sent in front of the payload.
#[must_use]
pub fn data_header(block: u16) -> [u8; DATA_HEADER_BYTES] {
    let [high, low] = block.to_be_bytes();
    [0, 3, high, low]
}

/// An acknowledgement.
#[must_use]
pub fn ack(block: u16) -> [u8; 4] {
    let [high, low] = block.to_be_bytes();
    [0, 4, high, low]
}

/// Writes the option acknowledgement for the terms: its length, or nothing if they need none or `out` is too small.
pub fn render_oack(terms: &Terms, out: &mut [u8]) -> Option<usize> {
    let mut writer = Writer::new(out);
    writer.put(&[0, 6])?;
    let mut granted = terms.granted().peekable();
    granted.peek()?;
    for (kind, value) in granted {
        writer.option(kind.name(), value)?;
    }
    Some(writer.at)
}

/// Writes an error packet: its length, or nothing if `out` is too small.
pub fn render_error(code: ErrorCode, text: &str, out: &mut [u8]) -> Option<usize> {
    let mut writer = Writer::new(out);
    writer.put(&[0, 5])?;
    writer.put(&code.to_wire().to_be_bytes())?;
    writer.put(text.as_bytes())?;
    writer.put(&[0])?;
    Some(writer.at)
}

/// Writes a read request with options in the order given: its length, or nothing if `out` is too small.
pub fn render_request(name: &[u8], mode: &str, options: &[(&str, u64)], out: &mut [u8]) -> Option<usize> {
    let mut writer = Writer::new(out);
    writer.put(&[0, 1])?;
    for field in [name, mode.as_bytes()] {
        writer.put(field)?;
        writer.put(&[0])?;
    }
    for (option, value) in options {
        writer.option(option, *value)?;
    }
    Some(writer.at)
}

/// Fills a caller's buffer from the front.
struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.at.checked_add(bytes.len())?;
        self.out.get_mut(self.at..end)?.copy_from_slice(bytes);
        self.at = end;
        Some(())
    }

    fn option(&mut self, name: &str, value: u64) -> Option<()> {
        write!(self, "{name}\0{value}\0").ok()
    }
}

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes()).ok_or(fmt::Error)
    }
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn to_wire(self) -> u16 {
        match self {
            Self::Other => 0,
            Self::NotFound => 1,
            Self::Access => 2,
            Self::Full => 3,
            Self::Illegal => 4,
            Self::UnknownTransfer => 5,
            Self::Exists => 6,
            Self::NoUser => 7,
            Self::Options => 8,
        }
    }

    /// The code with this number; an unknown number says no more than [`ErrorCode::Other`].
    #[must_use]
    pub const fn from_wire(code: u16) -> Self {
        match code {
            1 => Self::NotFound,
            2 => Self::Access,
            3 => Self::Full,
            4 => Self::Illegal,
            5 => Self::UnknownTransfer,
            6 => Self::Exists,
            7 => Self::NoUser,
            8 => Self::Options,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests;
