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

/// The most bytes that leave by one call, and in one frame of a body: enough to make calls cheap, and little enough for
/// the connections of a thread to take turns.
const CHUNK: usize = 1 << 20;
