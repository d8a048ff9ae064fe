//! Machines behind a relay that have no address yet: DISCOVER, OFFER, REQUEST, ACK, in a closed loop, each machine once.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bootwright_net::udp::{Batch, Outgoing, Socket};
use bootwright_proto::dhcp::{Answer, MessageType, parse_answer};
use serde_json::{Value, json};

use crate::tally::Tally;

/// An exchange that takes longer than this has lost a packet, and its machine is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// A server that grants nothing for so long has failed, and the measurement with it.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// The port of servers and relays.
const PORT: u16 = 67;

/// Where the options begin, behind the fixed part and the cookie.
const OPTIONS: usize = 240;

/// What a client asks for beside its address: the mask, routers, name servers, its name and domain, the broadcast address.
const WANTED: [u8; 8] = [55, 6, 1, 3, 6, 12, 15, 28];

#[derive(clap::Args)]
pub(crate) struct Lease {
    /// The interface to ask on.
    #[arg(long)]
    device: String,
    /// The server.
    #[arg(long)]
    server: Ipv4Addr,
    /// The relay: our address.
    #[arg(long)]
    relay: Ipv4Addr,
    /// How many machines get an address before it ends.
    #[arg(long)]
    leases: usize,
    /// How many machines are between their DISCOVER and their ACK at any time.
    #[arg(long)]
    in_flight: u32,
}

/// One of the exchanges under way.
struct Slot {
    packet: Vec<u8>,
    /// The machine's number and the transaction's, of which the remainder by the number of slots is the slot's place.
    number: u32,
    began: Instant,
    asked: Instant,
    awaits: MessageType,
}

struct Generator {
    load: Lease,
    slots: Vec<Slot>,
    to_offer: Tally,
    to_ack: Tally,
    lost: u64,
    refused: u64,
}

impl Lease {
    pub(crate) async fn run(self) -> Result<Value> {
        ensure!(self.in_flight > 0, "somebody has to ask");
        let socket = Socket::bind(&self.device, PORT)?;
        let now = Instant::now();
        let slots = (0..self.in_flight)
            .map(|number| Slot {
                packet: Vec::new(),
                number,
                began: now,
                asked: now,
                awaits: MessageType::Offer,
            })
            .collect();
        let mut generator = Generator {
            load: self,
            slots,
            to_offer: Tally::default(),
            to_ack: Tally::default(),
            lost: 0,
            refused: 0,
        };
        generator.ask(&socket).await
    }
}

impl Generator {
    async fn ask(&mut self, socket: &Socket) -> Result<Value> {
        let began = Instant::now();
        let (mut granted, mut heard) = (0, began);
        let all: Vec<usize> = (0..self.slots.len()).collect();
        for place in &all {
            self.slots[*place].discover(self.load.relay);
        }
        self.send(socket, &all).await?;
        let mut batch = Batch::new(2048);
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while self.to_ack.count() < self.load.leases {
            let ready = tokio::select! {
                biased;
                received = socket.receive(&mut batch) => {
                    received?;
                    batch.datagrams().filter_map(|datagram| self.receive(datagram.payload)).collect()
                }
                _ = look.tick() => self.give_up(),
            };
            self.send(socket, &ready).await?;
            if self.to_ack.count() > granted {
                (granted, heard) = (self.to_ack.count(), Instant::now());
            }
            ensure!(
                heard.elapsed() < SILENCE_MAX,
                "no lease for {} s, after {granted} of {}",
                SILENCE_MAX.as_secs(),
                self.load.leases
            );
        }
        let seconds = began.elapsed().as_secs_f64();
        Ok(json!({
            "leases": self.to_ack.count(),
            "lost": self.lost,
            "refused": self.refused,
            "seconds": seconds,
            "offer_ms": self.to_offer.milliseconds(),
            "ack_ms": self.to_ack.milliseconds(),
        }))
    }

    /// Takes an answer, and returns the place of the slot that has something to say now.
    fn receive(&mut self, payload: &[u8]) -> Option<usize> {
        let answer = parse_answer(payload).ok()?;
        let place = (answer.xid % self.load.in_flight) as usize;
        let (step, relay) = (self.load.in_flight, self.load.relay);
        let slot = &mut self.slots[place];
        let ours = slot.number == answer.xid && answer.mac.octets() == card(slot.number);
        if !ours {
            return None;
        }
        match answer.message? {
            MessageType::Offer if slot.awaits == MessageType::Offer => {
                self.to_offer.add(slot.asked.elapsed());
                slot.request(relay, &answer);
            }
            MessageType::Ack if slot.awaits == MessageType::Ack => {
                self.to_ack.add(slot.asked.elapsed());
                slot.next(step, relay);
            }
            MessageType::Nak => {
                self.refused += 1;
                slot.next(step, relay);
            }
            _ => return None,
        }
        Some(place)
    }

    fn give_up(&mut self) -> Vec<usize> {
        let late: Vec<usize> = (0..self.slots.len())
            .filter(|place| self.slots[*place].began.elapsed() > PATIENCE)
            .collect();
        self.lost += late.len() as u64;
        for place in &late {
            self.slots[*place].next(self.load.in_flight, self.load.relay);
        }
        late
    }

    async fn send(&self, socket: &Socket, ready: &[usize]) -> Result<()> {
        let outgoing: Vec<Outgoing<'_>> = ready
            .iter()
            .map(|place| Outgoing {
                payload: &self.slots[*place].packet,
                to: SocketAddrV4::new(self.load.server, PORT),
                from: self.load.relay,
            })
            .collect();
        let failed = socket.send_all(&outgoing).await;
        failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error.into()))
    }
}

impl Slot {
    /// The next machine begins.
    fn next(&mut self, step: u32, relay: Ipv4Addr) {
        self.number = self.number.wrapping_add(step);
        self.discover(relay);
    }

    fn discover(&mut self, relay: Ipv4Addr) {
        self.began = Instant::now();
        self.write(MessageType::Discover, relay, &[]);
        self.awaits = MessageType::Offer;
    }

    fn request(&mut self, relay: Ipv4Addr, offer: &Answer) {
        let server = offer.server_id.unwrap_or(offer.siaddr);
        let mut chosen = [50, 4, 0, 0, 0, 0, 54, 4, 0, 0, 0, 0];
        chosen[2..6].copy_from_slice(&offer.yiaddr.octets());
        chosen[8..].copy_from_slice(&server.octets());
        self.write(MessageType::Request, relay, &chosen);
        self.awaits = MessageType::Ack;
    }

    fn write(&mut self, message: MessageType, relay: Ipv4Addr, options: &[u8]) {
        self.asked = Instant::now();
        let packet = &mut self.packet;
        packet.clear();
        packet.resize(OPTIONS, 0);
        // A request over Ethernet that one relay has passed on (RFC 2131 section 2).
        packet[..4].copy_from_slice(&[1, 1, 6, 1]);
        packet[4..8].copy_from_slice(&self.number.to_be_bytes());
        packet[24..28].copy_from_slice(&relay.octets());
        packet[28..34].copy_from_slice(&card(self.number));
        packet[236..].copy_from_slice(&[99, 130, 83, 99]);
        packet.extend_from_slice(&[53, 1, message.code()]);
        packet.extend_from_slice(options);
        packet.extend_from_slice(&WANTED);
        packet.push(255);
    }
}

/// The card of a machine: one after the other, as they come out of a factory.
fn card(number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_be_bytes();
    [2, 0, a, b, c, d]
}
