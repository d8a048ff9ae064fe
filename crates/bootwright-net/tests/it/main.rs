//! The network for real, in namespaces that the tests make.

mod beneath;
mod gso;
mod link;
mod neighbour;
mod netns;
mod probe;
mod runtime;
mod segment;
mod sendfile;
mod snoop;
mod surroundings;
mod udp;
mod watch;
