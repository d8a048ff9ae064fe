//! Machines that look for something to boot: captured packets of real firmware with other cards, in a closed loop.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bootwright_net::udp::{Batch, Outgoing, Socket};
use bootwright_proto::dhcp::{MessageType, parse, parse_answer};
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::tally::Tally;

/// Firmware waits for seconds; a server that takes longer than this in a closed loop has lost the packet.
const PATIENCE: Duration = Duration::from_secs(1);

/// A server that answers nobody for so long has failed, and the measurement with it.
const SILENCE_MAX: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
pub(crate) struct Dhcp {
    /// The interface to ask on.
    #[arg(long)]
    device: String,
    /// Captured DISCOVER packets, as files of hexadecimal digits; the machines take turns with them.
    #[arg(long = "shape", required = true)]
    shapes: Vec<PathBuf>,
    /// Which machines ask.
    #[arg(long, value_enum)]
    fleet: Fleet,
    /// How many machines there are.
    #[arg(long)]
    machines: u32,
    /// How many packets are answered before it ends.
    #[arg(long)]
    replies: usize,
    /// How many packets wait for their answers at any time.
    #[arg(long)]
    in_flight: u32,
}

/// A captured packet, and where the things lie in it that differ from machine to machine.
struct Shape {
    bytes: Vec<u8>,
    cards: Vec<usize>,
    uuid: Option<usize>,
}

/// One of the packets under way.
struct Slot {
    packet: Vec<u8>,
    /// The remainder by the number of slots is the slot's place, so that an answer finds it.
    xid: u32,
    sent: Instant,
    waits: bool,
}

struct Generator {
    load: Dhcp,
    shapes: Vec<Shape>,
    slots: Vec<Slot>,
    next_machine: u32,
    took: Tally,
    lost: u64,
    others: u64,
}

impl Dhcp {
    pub(crate) async fn run(self) -> Result<Value> {
        ensure!(self.in_flight > 0 && self.machines > 0, "somebody has to ask");
        let shapes = self
            .shapes
            .iter()
            .map(|path| Shape::read(path))
            .collect::<Result<Vec<_>>>()?;
        let socket = Socket::bind(&self.device, 68)?;
        let now = Instant::now();
        let slots = (0..self.in_flight)
            .map(|xid| Slot {
                packet: Vec::new(),
                xid,
                sent: now,
                waits: false,
            })
            .collect();
        let mut generator = Generator {
            load: self,
            shapes,
            slots,
            next_machine: 0,
            took: Tally::default(),
            lost: 0,
            others: 0,
        };
        generator.ask(&socket).await
    }
}

impl Generator {
    async fn ask(&mut self, socket: &Socket) -> Result<Value> {
        let began = Instant::now();
        let (mut answered, mut heard) = (0, began);
        let all: Vec<usize> = (0..self.slots.len()).collect();
        self.send(socket, &all).await?;
        let mut batch = Batch::new(2048);
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while self.took.count() < self.load.replies {
            let free = tokio::select! {
                biased;
                received = socket.receive(&mut batch) => {
                    received?;
                    self.receive(&batch)
                }
                _ = look.tick() => self.give_up(),
            };
            self.send(socket, &free).await?;
            if self.took.count() > answered {
                (answered, heard) = (self.took.count(), Instant::now());
            }
            ensure!(
                heard.elapsed() < SILENCE_MAX,
                "no answer for {} s, after {answered} of {}",
                SILENCE_MAX.as_secs(),
                self.load.replies
            );
        }
        let seconds = began.elapsed().as_secs_f64();
        Ok(json!({
            "replies": self.took.count(),
            "lost": self.lost,
            "others": self.others,
            "seconds": seconds,
            "ms": self.took.milliseconds(),
        }))
    }

    /// Takes the answers, and returns the slots that are free again.
    fn receive(&mut self, batch: &Batch) -> Vec<usize> {
        let mut free = Vec::new();
        for datagram in batch.datagrams() {
            let answer = parse_answer(datagram.payload).ok();
            let offer = answer.filter(|answer| answer.message == Some(MessageType::Offer));
            let slot = offer.and_then(|offer| {
                let place = (offer.xid % self.load.in_flight) as usize;
                let slot = &self.slots[place];
                let ours = slot.xid == offer.xid && slot.packet.get(28..34) == Some(&offer.mac.octets()[..]);
                // A second answer to the same packet is another server's, or a repetition.
                (ours && slot.waits).then_some(place)
            });
            match slot {
                Some(place) => {
                    self.took.add(self.slots[place].sent.elapsed());
                    self.slots[place].waits = false;
                    free.push(place);
                }
                None => self.others += 1,
            }
        }
        free
    }

    fn give_up(&mut self) -> Vec<usize> {
        let late: Vec<usize> = (0..self.slots.len())
            .filter(|place| self.slots[*place].sent.elapsed() > PATIENCE)
            .collect();
        self.lost += late.len() as u64;
        late
    }

    async fn send(&mut self, socket: &Socket, free: &[usize]) -> Result<()> {
        for place in free {
            let machine = self.next_machine % self.load.machines;
            self.next_machine = self.next_machine.wrapping_add(1);
            let shape = &self.shapes[machine as usize % self.shapes.len()];
            let slot = &mut self.slots[*place];
            slot.xid = slot.xid.wrapping_add(self.load.in_flight);
            slot.sent = Instant::now();
            slot.waits = true;
            shape.write(self.load.fleet, machine, slot.xid, &mut slot.packet);
        }
        let outgoing: Vec<Outgoing<'_>> = free
            .iter()
            .map(|place| Outgoing {
                payload: &self.slots[*place].packet,
                to: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
                from: Ipv4Addr::UNSPECIFIED,
            })
            .collect();
        let failed = socket.send_all(&outgoing).await;
        failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error.into()))
    }
}

impl Shape {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let digits: Vec<u8> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(|line| line.bytes().filter(u8::is_ascii_hexdigit))
            .collect();
        let bytes = digits
            .chunks_exact(2)
            .map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
            .collect::<Result<Vec<u8>>>()?;
        let request = parse(&bytes).with_context(|| format!("`{}` is no request", path.display()))?;
        let card = request.mac.octets();
        let cards = places(&bytes, &card);
        let uuid = request
            .machine_id
            .filter(|id| id.len() == 17)
            .and_then(|id| places(&bytes, &id).first().map(|place| place + 1));
        Ok(Self { bytes, cards, uuid })
    }

    fn write(&self, fleet: Fleet, machine: u32, xid: u32, packet: &mut Vec<u8>) {
        packet.clone_from(&self.bytes);
        packet[4..8].copy_from_slice(&xid.to_be_bytes());
        for place in &self.cards {
            packet[*place..place + 6].copy_from_slice(&fleet.card(machine, 0));
        }
        if let Some(place) = self.uuid {
            packet[place..place + 16].copy_from_slice(&fleet.uuid(machine));
        }
    }
}

fn places(bytes: &[u8], wanted: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(wanted.len()).enumerate();
    windows
        .filter(|(_, window)| *window == wanted)
        .map(|(place, _)| place)
        .collect()
}
