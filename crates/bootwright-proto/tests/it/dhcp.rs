//! DHCP: golden packets, stories of single traps, and everything that could go wrong.

mod answer;
mod census;
mod destination;
mod digest;
mod golden;
mod hostile;
mod machine;
mod packet;
mod question;
mod reading;
mod reply;
mod transcript;
mod trap;

use golden::SERVERS;
