//! What is said of mistakes: each with its file, line, column, the place itself and what to do.

mod host;
mod image;
mod ipv6;
mod lent;
mod naming;
mod pool;
mod profile;
mod rule;
mod safety;
mod secret;
mod server;
mod shape;
mod template;
