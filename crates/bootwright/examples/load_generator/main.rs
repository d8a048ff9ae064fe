//! The benchmark's machines: many clients in one process, so that what is measured is the server.
//!
//! `cargo xtask bench` runs it in a namespace of its own; it is an example of this crate because an example may use the
//! client and the protocols without adding an arrow between crates, and is never installed. Each command prints one
//! JSON object.

mod dhcp;
mod document;
mod download;
mod fleet;
mod lease;
mod script;
mod tally;
mod tftp;

use anyhow::Result;
use clap::Parser;

#[derive(Parser)]
enum Load {
    /// Machines that ask by DHCP where to boot.
    Dhcp(dhcp::Dhcp),
    /// Machines that have no address.
    Lease(lease::Lease),
    /// Machines that fetch files by TFTP.
    Tftp(tftp::Tftp),
    /// Machines that fetch a large file by HTTP.
    Download(download::Download),
    /// Machines that ask by HTTP what to boot.
    Script(script::Script),
    /// Machines that fetch a document of their runs by HTTP.
    Document(document::Document),
}

fn main() -> Result<()> {
    let load = Load::parse();
    // One thread: the server has the other processor for itself.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = runtime.block_on(async {
        match load {
            Load::Dhcp(load) => load.run().await,
            Load::Lease(load) => load.run().await,
            Load::Tftp(load) => load.run().await,
            Load::Download(load) => load.run().await,
            Load::Script(load) => load.run().await,
            Load::Document(load) => load.run().await,
        }
    })?;
    println!("{told}");
    Ok(())
}
