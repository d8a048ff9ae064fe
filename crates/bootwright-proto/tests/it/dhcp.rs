//! DHCP: golden packets, stories of single traps, and everything that could go wrong.

mod answer;
mod arch;
mod census;
mod destination;
mod digest;
mod golden;
mod hostile;
mod lease;
mod machine;
mod merge;
mod packet;
mod question;
mod reading;
mod reply;
mod server;
mod transcript;
mod trap;

use golden::SERVERS;
