//! The wire: two namespaces with a cable between them, and no way to anywhere else.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{package, process};

/// What both ends call their interface.
pub(super) const DEVICE: &str = "eth0";
/// The server's address.
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
/// The first of the clients' addresses; the others follow it.
pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 88, 1, 1);
/// How many addresses the clients have.
pub(super) const CLIENTS: u32 = 250;

/// An end of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Server,
    Client,
}

/// The wire, up and running.
pub(super) struct Ground {
    ip: PathBuf,
    nft: PathBuf,
}

/// A wire that loses packets, until this is dropped.
pub(super) struct Loss<'a>(&'a Ground);

impl End {
    fn namespace(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl Ground {
    pub(super) fn build() -> Result<Self> {
        let find = |tool: &str| package::find(tool).with_context(|| format!("`{tool}` is missing"));
        let ground = Ground {
            ip: find("ip")?,
            nft: find("nft")?,
        };
        ground.ip("netns add server")?;
        ground.ip("netns add client")?;
        ground.ip("link add eth0 netns server type veth peer name eth0 netns client")?;
        for end in ["server", "client"] {
            ground.ip(&format!("-n {end} link set {DEVICE} addrgenmode none"))?;
            ground.ip(&format!("-n {end} link set lo up"))?;
            ground.ip(&format!("-n {end} link set {DEVICE} up"))?;
        }
        ground.ip(&format!("-n server address add {SERVER}/16 dev {DEVICE}"))?;
        for number in 0..CLIENTS {
            let address = Ipv4Addr::from(u32::from(CLIENT) + number);
            ground.ip(&format!("-n client address add {address}/16 dev {DEVICE}"))?;
        }
        Ok(ground)
    }

    /// A program at one end of the wire. The process that starts becomes the program itself.
    pub(super) fn command(&self, end: End, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", end.namespace()]).arg(program);
        command
    }

    /// Loses so many of ten thousand UDP packets at each end.
    pub(super) fn lose(&self, of_ten_thousand: u32) -> Result<Loss<'_>> {
        for end in [End::Server, End::Client] {
            let rules = format!(
                "add table netdev loss; \
                 add chain netdev loss arriving {{ type filter hook ingress device {DEVICE} priority 0; }}; \
                 add rule netdev loss arriving meta l4proto udp numgen random mod 10000 < {of_ten_thousand} drop"
            );
            process::output(self.command(end, &self.nft).arg(rules))?;
        }
        Ok(Loss(self))
    }

    fn ip(&self, arguments: &str) -> Result<()> {
        process::output(Command::new(&self.ip).args(arguments.split_whitespace())).map(drop)
    }
}

impl Drop for Loss<'_> {
    fn drop(&mut self) {
        for end in [End::Server, End::Client] {
            let healed = process::output(self.0.command(end, &self.0.nft).arg("delete table netdev loss"));
            if let Err(error) = healed {
                eprintln!("warning: the wire keeps losing packets: {error:#}");
            }
        }
    }
}
