//! A wire in user space between our server's side and our client's: seeded loss, duplicates and reordering, virtual time.

use std::collections::BTreeMap;

use bootwright_proto::tftp::option::{Caps, Way};
use bootwright_proto::tftp::packet::{parse_request, render_oack};
use bootwright_proto::tftp::{Action, Outcome, Terms, Transfer};

use super::*;

const SERVER_PORT: u16 = 40_000;

/// The headers of IP and UDP.
const HEADER_BYTES: usize = 28;

/// How bad the wire is, in thousandths of the packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub(super) seed: u64,
    pub(super) loss: u64,
    pub(super) duplicates: u64,
    pub(super) reordered: u64,
    /// The longest IP packet that gets through. What is longer would travel in fragments, of which this wire carries none.
    pub(super) mtu: usize,
}

impl Wire {
    pub(super) fn perfect() -> Self {
        Self {
            seed: 1,
            loss: 0,
            duplicates: 0,
            reordered: 0,
            mtu: 1500,
        }
    }
}

pub(super) struct Fetched {
    pub(super) bytes: Vec<u8>,
    /// The agreed length of a block.
    pub(super) blksize: u16,
    pub(super) end: End,
    pub(super) sent_again: u64,
    pub(super) outcome: Option<Outcome>,
}

#[derive(Clone, Copy)]
enum To {
    Client,
    Server,
}

struct Lan<'a> {
    wire: Wire,
    random: u64,
    now: Duration,
    /// Packets under way by arrival time and a number that keeps their order.
    under_way: BTreeMap<(Duration, u64), (To, Vec<u8>)>,
    sent: u64,
    file: &'a [u8],
    transfer: Option<Transfer>,
    outcome: Option<Outcome>,
}

impl Lan<'_> {
    /// xorshift64*: any seed repeats exactly.
    fn chance(&mut self, thousandths: u64) -> bool {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % 1000 < thousandths
    }

    fn send(&mut self, to: To, packet: &[u8]) {
        let fits = packet.len() + HEADER_BYTES <= self.wire.mtu;
        let mut copies = u64::from(!self.chance(self.wire.loss) && fits);
        copies *= 1 + u64::from(self.chance(self.wire.duplicates));
        let late = self.chance(self.wire.reordered);
        for _ in 0..copies {
            let delay = if late { 3000 } else { 200 };
            self.sent += 1;
            let key = (self.now + Duration::from_micros(delay), self.sent);
            self.under_way.insert(key, (to, packet.to_vec()));
        }
    }

    fn serve(&mut self, packet: &[u8]) {
        // Whoever asks again after we gave up begins anew.
        if self.outcome.is_some() && self.transfer.as_ref().is_some_and(|transfer| !transfer.heard()) {
            (self.transfer, self.outcome) = (None, None);
        }
        let action = match (&mut self.transfer, parse_request(packet)) {
            (Some(transfer), Ok(_)) => transfer.on_repeat(self.now),
            (Some(transfer), Err(_)) => transfer.on_packet(self.now, packet),
            (None, Ok(request)) => {
                let size = self.file.len() as u64;
                let caps = Caps {
                    blksize: 65_464,
                    windowsize: 64,
                };
                let mtu = self.wire.mtu as u32;
                let way = Way { mtu, ipv6: false };
                let terms = Terms::negotiate(&request.asked, request.mode, size, way, caps);
                let (transfer, action) = Transfer::begin(terms, size, self.now);
                self.transfer = Some(transfer);
                action
            }
            (None, Err(_)) => return,
        };
        self.act(action);
    }

    fn act(&mut self, action: Action) {
        let Some(transfer) = self.transfer.clone() else { return };
        match action {
            Action::SendOack => {
                let mut out = [0; packet::OACK_BYTES_MAX];
                let len = render_oack(transfer.terms(), &mut out).unwrap();
                self.send(To::Client, &out[..len]);
            }
            Action::Send(blocks) => {
                for block in blocks.first..blocks.first + u64::from(blocks.count) {
                    let (offset, len) = transfer.span(block);
                    let payload = &self.file[offset as usize..offset as usize + usize::from(len)];
                    let header = packet::data_header(Transfer::wire(block));
                    self.send(To::Client, &[&header, payload].concat());
                }
            }
            Action::Finish(outcome) => self.outcome = Some(outcome),
            Action::Ignore(_) | Action::Wait => {}
        }
    }
}

/// Fetches `file` over the wire and returns what the client got.
pub(super) fn fetch(wish: Wish, file: &[u8], wire: Wire) -> Fetched {
    let random = wire.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut lan = Lan {
        wire,
        random,
        now: Duration::ZERO,
        under_way: BTreeMap::new(),
        sent: 0,
        file,
        transfer: None,
        outcome: None,
    };
    let (mut receiver, first) = Receiver::begin(wish, lan.now);
    let mut out = [0; 600];
    let mut bytes = Vec::new();
    let mut end = None;
    let len = receiver.render(first.reply.unwrap(), &mut out).unwrap();
    lan.send(To::Server, &out[..len]);
    // The next thing that happens: a packet arrives or a timer ends, until both sides are done.
    while end.is_none() || !(lan.under_way.is_empty() && (lan.outcome.is_some() || lan.transfer.is_none())) {
        let server_timer = lan
            .transfer
            .as_ref()
            .filter(|_| lan.outcome.is_none())
            .map(Transfer::deadline);
        let client_timer = end.is_none().then(|| receiver.deadline());
        let timer = server_timer.into_iter().chain(client_timer).min();
        let arrival = lan.under_way.keys().next().copied();
        let step = match (arrival, timer) {
            (Some(key), timer) if timer.is_none_or(|timer| key.0 <= timer) => {
                lan.now = key.0;
                match lan.under_way.remove(&key).unwrap() {
                    (To::Server, packet) => {
                        lan.serve(&packet);
                        continue;
                    }
                    (To::Client, packet) => {
                        let step = receiver.on_packet(lan.now, SERVER_PORT, &packet);
                        bytes.extend_from_slice(step.payload);
                        Step { payload: &[], ..step }
                    }
                }
            }
            (_, Some(timer)) => {
                lan.now = timer;
                if server_timer == Some(timer) {
                    let action = lan.transfer.as_mut().unwrap().on_timer(timer);
                    lan.act(action);
                }
                receiver.on_timer(timer)
            }
            (_, None) => break,
        };
        if let Some(reply) = step.reply {
            let len = receiver.render(reply, &mut out).unwrap();
            lan.send(To::Server, &out[..len]);
        }
        end = step.end.or(end);
        assert!(
            lan.now < Duration::from_secs(3600),
            "an hour of virtual time is enough for any file here"
        );
    }
    let sent_again = lan.transfer.as_ref().map_or(0, Transfer::packets_resent);
    Fetched {
        bytes,
        blksize: receiver.agreed().0,
        end: end.unwrap_or(End::Silence),
        sent_again,
        outcome: lan.outcome,
    }
}
