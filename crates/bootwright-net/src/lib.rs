//! The network as this box has it: links, sockets, captured packets, raw frames and files that leave without a copy.
//!
//! Everything here does I/O and nothing here decides. The only unsafe code of the workspace is in the module `sys`.
