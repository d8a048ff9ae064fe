//! The receiving side of TFTP, as boot ROMs do it.
//!
//! A state machine without sockets: the caller sends what a [`Step`] says and hands in what comes back, with the port it
//! came from. Time is a [`Duration`] since any fixed point of the caller's monotonic clock.

use std::time::Duration;

use bootwright_proto::tftp::option::Kind;
use bootwright_proto::tftp::packet::{self, Packet, parse};
use bootwright_proto::tftp::{Asked, ErrorCode};

/// What the client wants and how it behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The file name, sent as it is.
    pub name: Vec<u8>,
    /// The block length to ask for; `None` leaves 512.
    pub blksize: Option<u16>,
    /// The blocks per acknowledgement to ask for; `None` leaves 1.
    pub windowsize: Option<u16>,
    /// What to ask and expect about the size.
    pub size: Size,
    /// What to do with blocks that do not fit.
    pub strays: Strays,
    /// How long to wait before saying the last thing again.
    pub patience: Duration,
    /// How often it is said in all before giving up.
    pub tries: u8,
}

/// Whether the client asks for the file's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// It does not.
    Unasked,
    /// It does, and fetches the file.
    Asked,
    /// It does, and leaves with an error 8 once it knows, as UEFI and Intel ROMs do before they fetch.
    Probed,
}

/// How blocks out of order are met when the window is greater than 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strays {
    /// One acknowledgement for each gap (RFC 7440).
    AckOnce,
    /// One acknowledgement for each stray block, as EDK2 does.
    AckEach,
}

/// One fetch.
#[derive(Clone, Debug)]
pub struct Receiver {
    wish: Wish,
    server_port: Option<u16>,
    blksize: u16,
    windowsize: u16,
    /// The block expected next, counted from 1 without wrapping.
    next: u64,
    /// The last block acknowledged.
    acked: u64,
    /// Whether the present gap was answered.
    gap_told: bool,
    size: Option<u64>,
    received: u64,
    deadline: Duration,
    tries_left: u8,
    end: Option<End>,
}

/// What the caller does with one event: first keep the payload, then send the reply, then look whether it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step<'a> {
    /// Bytes of the file that follow those of all steps before.
    pub payload: &'a [u8],
    /// What to send.
    pub reply: Option<Reply>,
    /// How it ended, with the step that ended it and all after.
    pub end: Option<End>,
}

/// A packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The request, to the server's port 69.
    Request,
    /// An acknowledgement, to the port the server answered from.
    Ack(u16),
    /// An error, to the port the last packet came from.
    Error(ErrorCode, &'static str),
}

/// How a fetch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The whole file has arrived.
    Complete,
    /// The probe learned this size.
    Sized(u64),
    /// The probe got an answer without a size; EDK2 then says PXE-E53.
    Unsized,
    /// The server sent an error.
    Refused {
        /// Its code.
        code: u16,
        /// Its text.
        text: String,
    },
    /// The server granted an option that was not asked for, or more than was asked for.
    BadOptions,
    /// Nothing came any more.
    Silence,
}

impl Wish {
    /// The two fetches of EDK2 since 2018 for one file: the size first, then the content.
    #[must_use]
    pub fn edk2(name: &[u8]) -> [Self; 2] {
        let fetch = Self {
            name: name.to_vec(),
            blksize: Some(1468),
            windowsize: Some(4),
            size: Size::Unasked,
            strays: Strays::AckEach,
            patience: Duration::from_secs(4),
            tries: 6,
        };
        [
            Self {
                size: Size::Probed,
                ..fetch.clone()
            },
            fetch,
        ]
    }

    /// The fetch of iPXE, which names its options in another order and is served without them too.
    #[must_use]
    pub fn ipxe(name: &[u8]) -> Self {
        Self {
            name: name.to_vec(),
            blksize: Some(1432),
            windowsize: None,
            size: Size::Asked,
            strays: Strays::AckOnce,
            patience: Duration::from_secs(1),
            tries: 8,
        }
    }
}

impl Receiver {
    /// A fetch, and its first step: the request.
    pub fn begin(wish: Wish, now: Duration) -> (Self, Step<'static>) {
        let mut receiver = Self {
            server_port: None,
            blksize: 512,
            windowsize: 1,
            next: 1,
            acked: 0,
            gap_told: false,
            size: None,
            received: 0,
            deadline: now,
            tries_left: wish.tries.max(1),
            end: None,
            wish,
        };
        let step = receiver.on_timer(now);
        (receiver, step)
    }

    /// Writes the packet of a reply: its length, or nothing if `out` is too small.
    pub fn render(&self, reply: Reply, out: &mut [u8]) -> Option<usize> {
        match reply {
            Reply::Request => self.render_request(out),
            Reply::Ack(block) => {
                out.get_mut(..4)?.copy_from_slice(&packet::ack(block));
                Some(4)
            }
            Reply::Error(code, text) => packet::render_error(code, text, out),
        }
    }

    fn render_request(&self, out: &mut [u8]) -> Option<usize> {
        let blksize = self.wish.blksize.map(|n| (Kind::Blksize, u64::from(n)));
        let windowsize = self.wish.windowsize.map(|n| (Kind::Windowsize, u64::from(n)));
        let tsize = (self.wish.size != Size::Unasked).then_some((Kind::Tsize, 0));
        // EDK2 asks for the size first, iPXE last; servers must not care.
        let options = match self.wish.size {
            Size::Probed => [tsize, blksize, windowsize],
            Size::Asked | Size::Unasked => [blksize, tsize, windowsize],
        };
        let options: Vec<_> = options
            .into_iter()
            .flatten()
            .map(|(kind, value)| (kind.name(), value))
            .collect();
        packet::render_request(&self.wish.name, "octet", &options, out)
    }

    /// A packet that arrived from `port` of the server's address.
    pub fn on_packet<'a>(&mut self, now: Duration, port: u16, bytes: &'a [u8]) -> Step<'a> {
        let Some(packet) = parse(bytes) else {
            return self.step(None);
        };
        match self.server_port {
            Some(known) if known != port => {
                // An ERROR is never answered, or two lost souls would talk for ever.
                let stranger = Reply::Error(ErrorCode::UnknownTransfer, "unknown transfer");
                let reply = (!matches!(packet, Packet::Error { .. })).then_some(stranger);
                return Step {
                    payload: &[],
                    reply,
                    end: None,
                };
            }
            Some(_) | None => self.server_port = Some(port),
        }
        match packet {
            Packet::Data { block, payload } => self.on_data(now, block, payload),
            Packet::OptionAck { options } => self.on_options(now, options),
            Packet::Error { code, text } => {
                let text = String::from_utf8_lossy(text).into_owned();
                self.over(None, End::Refused { code, text })
            }
            Packet::Ack { .. } => self.step(None),
        }
    }

    /// The time has come that [`Receiver::deadline`] named.
    pub fn on_timer(&mut self, now: Duration) -> Step<'static> {
        if self.end.is_some() || now < self.deadline {
            return self.step(None);
        }
        let Some(left) = self.tries_left.checked_sub(1) else {
            return self.over(None, End::Silence);
        };
        self.tries_left = left;
        self.deadline = now.saturating_add(self.wish.patience);
        let reply = if self.server_port.is_none() {
            Reply::Request
        } else {
            self.ack()
        };
        self.step(Some(reply))
    }

    /// When to call [`Receiver::on_timer`]. Packets move it.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Bytes received in order so far.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// The file's size, if the server told it.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// The block length and the window agreed on.
    #[must_use]
    pub const fn agreed(&self) -> (u16, u16) {
        (self.blksize, self.windowsize)
    }

    /// The port the server answered from, once it has.
    #[must_use]
    pub const fn server_port(&self) -> Option<u16> {
        self.server_port
    }

    fn on_options<'a>(&mut self, now: Duration, options: &[u8]) -> Step<'a> {
        if self.end.is_some() || self.next > 1 {
            return self.step(None);
        }
        let granted = Asked::read(options);
        for (kind, value) in granted.iter() {
            let asked = match kind {
                Kind::Blksize => self.wish.blksize.map(u64::from),
                Kind::Windowsize => self.wish.windowsize.map(u64::from),
                Kind::Tsize => (self.wish.size != Size::Unasked).then_some(u64::MAX),
                Kind::Timeout => None,
            };
            if value.is_none() || asked < value {
                let refusal = Reply::Error(ErrorCode::Options, "malformed option acknowledgement");
                return self.over(Some(refusal), End::BadOptions);
            }
        }
        let small = |kind| granted.get(kind).and_then(|value| u16::try_from(value).ok());
        self.blksize = small(Kind::Blksize).unwrap_or(512);
        self.windowsize = small(Kind::Windowsize).unwrap_or(1).max(1);
        self.size = granted.get(Kind::Tsize);
        if self.wish.size == Size::Probed {
            return self.leave(self.size.map_or(End::Unsized, End::Sized));
        }
        self.alive(now);
        self.step(Some(Reply::Ack(0)))
    }

    fn on_data<'a>(&mut self, now: Duration, wire: u16, payload: &'a [u8]) -> Step<'a> {
        if self.wish.size == Size::Probed && self.end.is_none() {
            return self.leave(End::Unsized);
        }
        let ahead = wire.wrapping_sub(low_bits(self.next));
        if ahead != 0 {
            return self.on_stray(wire, ahead);
        }
        if self.end.is_some() || payload.len() > usize::from(self.blksize) {
            return self.step(None);
        }
        self.alive(now);
        self.gap_told = false;
        self.next = self.next.saturating_add(1);
        self.received = self
            .received
            .saturating_add(u64::try_from(payload.len()).unwrap_or(u64::MAX));
        if payload.len() < usize::from(self.blksize) {
            self.end = Some(End::Complete);
        }
        let in_window = self.next.saturating_sub(1).saturating_sub(self.acked);
        let due = self.end.is_some() || in_window >= u64::from(self.windowsize);
        let reply = due.then(|| self.ack());
        Step {
            payload,
            reply,
            end: self.end.clone(),
        }
    }

    /// A block that is not the next one. Our acknowledgement may have been lost, or a block before it.
    fn on_stray<'a>(&mut self, wire: u16, ahead: u16) -> Step<'a> {
        if self.next == 1 && ahead > self.windowsize {
            return self.step(None);
        }
        let last = low_bits(self.next.saturating_sub(1));
        let reply = match self.wish.strays {
            Strays::AckEach => true,
            // The end of what we have came again: the server did not hear us. Anything earlier is its echo.
            Strays::AckOnce if wire == last => true,
            Strays::AckOnce => ahead < self.windowsize && !std::mem::replace(&mut self.gap_told, true),
        };
        let reply = reply.then(|| self.ack());
        self.step(reply)
    }

    fn ack(&mut self) -> Reply {
        self.acked = self.next.saturating_sub(1);
        Reply::Ack(low_bits(self.acked))
    }

    fn alive(&mut self, now: Duration) {
        self.deadline = now.saturating_add(self.wish.patience);
        self.tries_left = self.wish.tries;
    }

    fn leave<'a>(&mut self, end: End) -> Step<'a> {
        self.over(Some(Reply::Error(ErrorCode::Options, "User aborted the transfer")), end)
    }

    fn over<'a>(&mut self, reply: Option<Reply>, end: End) -> Step<'a> {
        let reply = if self.end.is_some() { None } else { reply };
        self.end.get_or_insert(end);
        self.step(reply)
    }

    fn step<'a>(&self, reply: Option<Reply>) -> Step<'a> {
        Step {
            payload: &[],
            reply,
            end: self.end.clone(),
        }
    }
}

/// A block's number on the wire.
fn low_bits(block: u64) -> u16 {
    let [.., high, low] = block.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests;
