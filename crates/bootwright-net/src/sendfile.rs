//! Files that leave through hyper without passing through this process.
//!
//! hyper sends a body by handing buffers to its connection. Here the buffers are slices of a mapped file whose bytes
//! nobody ever reads ([`FileMap`], [`FileBody`]), and the connection ([`SendfileIo`]) recognises them by their address
//! and tells the kernel to send that part of the file: `sendfile(2)`. Everything else is written as usual. It costs
//! what nginx with `sendfile on` costs, and since no page of the mapping is touched, a file that is cut short while it
//! is served ends its connections and not the process.

mod body;
mod io;
mod map;

pub use body::FileBody;
pub use io::SendfileIo;
pub use map::FileMap;

/// The most bytes that leave by one call: enough to make calls cheap.
const CHUNK: usize = 2 << 20;

/// The most bytes in one frame of a body, of which none are in memory. Until the end of a frame only full segments leave;
/// between frames the connections of a thread take turns, if the network has not made them wait before.
const FRAME: u64 = 8 << 20;
