//! DHCP packets captured from the wire, for a box where another DHCP server has the port.
//!
//! A UDP socket of ours beside another server's would take its unicasts away. Captured packets are copies: both see them.
//! The capture is pnet_datalink's, over a socket that we make and filter, so that the kernel copies nothing but DHCP and
//! the card stays out of promiscuous mode. Keep the UDP sockets on 67 and 4011 bound all the same where that is possible:
//! without any, the kernel answers clients with an ICMP error.

mod filter;
mod frame;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsFd, IntoRawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bootwright_core::MacAddr;
use pnet_datalink::{Channel, Config, DataLinkReceiver, NetworkInterface};
use socket2::{Domain, Socket, Type};
use tokio::sync::Notify;

use crate::link::Link;
use crate::sys::packet::ignore_outgoing;
use crate::udp::Datagram;

/// How many packets wait for us at most. When more come, the oldest go: their senders have asked again by then.
const QUEUE_MAX: usize = 1024;
/// How soon the capturing thread sees that it is no longer wanted.
const READ_TIMEOUT: Duration = Duration::from_millis(500);
/// The longest frame that is taken whole: a jumbo one with two tags.
const FRAME_MAX: usize = 9018 + 8;
/// What we ask the kernel to keep while the thread is busy, in bytes.
const RECEIVE_BUFFER: usize = 4 << 20;

/// The DHCP packets that arrive on one link, for us or for anybody.
///
/// Those of a VLAN are not among them: they belong to the VLAN's own link.
#[derive(Debug)]
pub struct Snoop {
    shared: Arc<Shared>,
    socket: Socket,
}

/// Which packets are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those to servers: UDP to port 67 or 4011. What this box sends is not among them.
    Requests,
    /// Those to clients: UDP to port 68. Of what this box sends only what answers the link's own card.
    Answers,
}

/// One captured packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The bytes above UDP.
    pub payload: Vec<u8>,
    /// Who sent it.
    pub source: SocketAddrV4,
    /// Where it was sent to.
    pub destination: SocketAddrV4,
    /// The station it came from.
    pub source_mac: MacAddr,
    /// The VLAN whose tag it still carried, if any but 0.
    pub vlan: Option<u16>,
    /// The number of the link it came in on.
    pub index: u32,
}

impl Captured {
    /// The packet as a UDP socket would have received it. Whether its destination is one of our addresses is not known
    /// here, therefore `local` is none.
    #[must_use]
    pub fn datagram(&self) -> Datagram<'_> {
        Datagram {
            payload: &self.payload,
            source: self.source,
            destination: *self.destination.ip(),
            local: None,
            port: self.destination.port(),
            index: self.index,
            truncated: false,
            source_mac: Some(self.source_mac),
            vlan: self.vlan,
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Notify,
    unwanted: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    packets: VecDeque<Captured>,
    dropped: u64,
    ended: Option<io::Error>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snoop {
    /// Starts capturing on a link, in a thread of its own that ends with this value. Takes the capability NET_RAW.
    ///
    /// A link that goes down and comes up again is captured on; one that is deleted and made again needs a new snoop.
    ///
    /// # Errors
    /// When the kernel or the link refuses.
    pub fn open(link: &Link, wanted: Wanted) -> io::Result<Self> {
        let program = match wanted {
            Wanted::Requests => filter::requests(),
            Wanted::Answers => filter::answers(link.mac.unwrap_or(MacAddr::new([0; 6]))),
        };
        // Protocol 0 receives nothing: not a packet comes in before the filter is in place and pnet binds the socket.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.attach_filter(&program)?;
        // Refusal is no error: the kernel's default then holds.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        let ours = socket.try_clone()?;
        let watched = socket.try_clone()?;
        let config = Config {
            read_buffer_size: FRAME_MAX,
            // We never send here, but pnet wants a buffer.
            write_buffer_size: 64,
            read_timeout: Some(READ_TIMEOUT),
            promiscuous: false,
            socket_fd: Some(socket.into_raw_fd()),
            ..Config::default()
        };
        let Channel::Ethernet(_, receiver) = pnet_datalink::channel(&interface(link), config)? else {
            return Err(io::Error::other("the capture is not an Ethernet one"));
        };
        let shared = Arc::new(Shared::default());
        let capture = Capture {
            receiver,
            watched,
            shared: Arc::clone(&shared),
            index: link.index,
            unwanted_sender: link.mac.filter(|_| wanted == Wanted::Requests),
        };
        thread::Builder::new()
            .name(format!("snoop {}", link.name))
            .spawn(|| capture.run())?;
        let snoop = Self { shared, socket: ours };
        if wanted == Wanted::Requests {
            snoop.hear_this_box(false);
        }
        Ok(snoop)
    }

    /// Whether to capture of what this box sends what is wanted of it. Without, it costs the kernel nothing; at first
    /// answers of this box are captured. Where the kernel knows no such choice (before Linux 4.20), they always are.
    pub fn hear_this_box(&self, hear: bool) {
        let chosen = ignore_outgoing(self.socket.as_fd(), !hear);
        if let Err(error) = chosen {
            tracing::debug!(why = %error, "cannot choose whether to capture what this box sends");
        }
    }

    /// Waits for the next packet.
    ///
    /// # Errors
    /// The one that ended the capture, once; after that it says that it has ended.
    pub async fn receive(&self) -> io::Result<Captured> {
        loop {
            let arrived = self.shared.arrived.notified();
            {
                let mut queue = self.shared.queue();
                if let Some(packet) = queue.packets.pop_front() {
                    return Ok(packet);
                }
                if let Some(error) = &mut queue.ended {
                    return Err(std::mem::replace(error, io::Error::other("the capture has ended")));
                }
            }
            arrived.await;
        }
    }

    /// How many packets were dropped because nobody came for them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.queue().dropped
    }
}

impl Drop for Snoop {
    fn drop(&mut self) {
        self.shared.unwanted.store(true, Ordering::Relaxed);
    }
}

/// What pnet wants to know of a link, of which it uses the index and the hardware address.
fn interface(link: &Link) -> NetworkInterface {
    NetworkInterface {
        name: link.name.clone(),
        description: String::new(),
        index: link.index,
        mac: link.mac.map(|mac| mac.octets().into()),
        ips: Vec::new(),
        flags: 0,
    }
}

/// The thread's part.
struct Capture {
    receiver: Box<dyn DataLinkReceiver>,
    /// The same socket, to see and clear its error.
    watched: Socket,
    shared: Arc<Shared>,
    index: u32,
    unwanted_sender: Option<MacAddr>,
}

impl Capture {
    fn run(mut self) {
        while !self.shared.unwanted.load(Ordering::Relaxed) {
            let trouble = match self.receiver.next() {
                Ok(bytes) => {
                    let packet = frame::parse(bytes, self.index);
                    if let Some(packet) = packet.filter(|packet| Some(packet.source_mac) != self.unwanted_sender) {
                        self.push(packet);
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => continue,
                Err(error) => error,
            };
            // pnet sees that the socket has an error, and only asking for it clears it. A link that went down is one,
            // and may come up again.
            match self.watched.take_error() {
                Ok(None) if passes(&trouble) => {}
                Ok(Some(error)) if passes(&error) => {}
                Ok(Some(error)) | Err(error) => return self.end(error),
                Ok(None) => return self.end(trouble),
            }
        }
    }

    fn push(&self, packet: Captured) {
        let mut queue = self.shared.queue();
        if queue.packets.len() == QUEUE_MAX {
            queue.packets.pop_front();
            queue.dropped += 1;
        }
        queue.packets.push_back(packet);
        drop(queue);
        self.shared.arrived.notify_one();
    }

    fn end(&self, error: io::Error) {
        self.shared.queue().ended = Some(error);
        self.shared.arrived.notify_one();
    }
}

/// Whether trouble passes by itself.
fn passes(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENETDOWN | libc::EINTR | libc::ENOBUFS | libc::EAGAIN)
    )
}
