//! DHCP over IPv6: datagrams of the group in, the engine's answers out. Nothing here decides.

mod answer;
mod ignored;
mod listen;
mod search;

pub use answer::Desk;
pub use ignored::Ignored;
pub use listen::listen;
pub use search::Searcher;
