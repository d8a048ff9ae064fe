//! Who holds a port: for an error that names the culprit, and to see a DHCP server on this box before it hurts.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

/// What a port is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP, of which only those count that listen.
    Tcp,
}

impl Protocol {
    const fn tables(self) -> [&'static str; 2] {
        match self {
            Self::Udp => ["udp", "udp6"],
            Self::Tcp => ["tcp", "tcp6"],
        }
    }
}

/// The state of a TCP socket that listens, as the kernel prints it (`TCP_LISTEN` of `tcp_states.h`).
const LISTENS: &str = "0A";

/// A socket bound to a port in the current network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The address it is bound to; unspecified for all of them.
    pub address: IpAddr,
    /// The process that holds it; none if it cannot be seen from here (another user's, or in another container).
    pub process: Option<Process>,
}

/// A running process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name, as `ps` shows it.
    pub name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some(process) => write!(f, "`{}` (pid {})", process.name, process.pid),
            None => f.write_str("a process that cannot be seen from here"),
        }
    }
}

/// The sockets of other processes that are bound to `port`, IPv6 ones included: most of those take IPv4 packets too.
///
/// An empty list may also mean that the kernel's table cannot be read. Walks all of `/proc`: not for a hot path.
#[must_use]
pub fn owners(port: u16) -> Vec<Owner> {
    holders(Protocol::Udp, port)
}

/// The same of a port of either protocol.
#[must_use]
pub fn holders(protocol: Protocol, port: u16) -> Vec<Owner> {
    let owner = |(address, socket): (IpAddr, String)| Owner {
        address,
        process: holder(&socket),
    };
    foreign_sockets(protocol, port).into_iter().map(owner).collect()
}

/// Whether [`owners`] would name anybody. Whose the sockets are is not looked for, which on a busy box takes a while.
#[must_use]
pub fn is_held_by_others(port: u16) -> bool {
    !foreign_sockets(Protocol::Udp, port).is_empty()
}

/// The sockets bound to a port that are not ours: their addresses, and the names that the kernel gives them.
fn foreign_sockets(protocol: Protocol, port: u16) -> Vec<(IpAddr, String)> {
    let mut sockets = Vec::new();
    for table in protocol.tables() {
        // Not `/proc/net`, which shows the namespace of the process' first thread.
        let text = fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        let counts = |line: &&str| protocol == Protocol::Udp || line.split_whitespace().nth(3) == Some(LISTENS);
        let lines = text.lines().skip(1).filter(counts);
        let bound = lines.filter_map(|line| bound(line, port));
        sockets.extend(bound.map(|(address, inode)| (address, format!("socket:[{inode}]"))));
    }
    // Most often all are ours, and found among the first that we opened.
    let mut ours = open_files("self");
    while !sockets.is_empty()
        && let Some(file) = ours.next()
    {
        sockets.retain(|(_, socket)| file.as_os_str() != socket.as_str());
    }
    sockets
}

/// The systemd unit that a process belongs to, by the text of its `/proc/PID/cgroup`: a service, and no session of a person.
#[must_use]
pub fn unit(cgroup: &str) -> Option<String> {
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let mut units = paths.filter_map(|path| path.rsplit('/').find(|part| part.ends_with(".service")));
    units.next().map(str::to_owned)
}

/// The address and inode of a line of the kernel's table, if it is bound to the port.
fn bound(line: &str, port: u16) -> Option<(IpAddr, u64)> {
    let mut fields = line.split_whitespace();
    let (address, at) = fields.nth(1)?.split_once(':')?;
    if u16::from_str_radix(at, 16).ok()? != port {
        return None;
    }
    let inode = fields.nth(7)?.parse().ok()?;
    Some((read_address(address)?, inode))
}

/// The kernel prints addresses as native 32-bit words in hexadecimal.
fn read_address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        u32::from_str_radix(text.get(at..at + 8)?, 16)
            .ok()
            .map(u32::to_ne_bytes)
    };
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

/// The files that a process has open, by the names that the kernel gives them.
fn open_files(process: &str) -> impl Iterator<Item = PathBuf> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    descriptors.filter_map(|entry| fs::read_link(entry.path()).ok())
}

fn holder(socket: &str) -> Option<Process> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |pid: &u32| open_files(&pid.to_string()).any(|file| file.as_os_str() == socket);
    let pid = pids.into_iter().find(holds)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(Process {
        pid,
        name: name.trim_end().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_of_a_process_is_its_nearest_service() {
        let of = |text| unit(text);
        assert_eq!(
            of("0::/system.slice/dnsmasq.service\n").as_deref(),
            Some("dnsmasq.service")
        );
        assert_eq!(of("0::/system.slice/a.service/payload\n").as_deref(), Some("a.service"));
        assert_eq!(
            of("2:cpu:/x\n1:name=systemd:/system.slice/b.service\n").as_deref(),
            Some("b.service")
        );
        assert_eq!(of("0::/user.slice/user-0.slice/session-1.scope\n"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn the_kernels_table_is_read() {
        let line = "  512: 0100007F:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0";
        let expected = cfg!(target_endian = "little").then_some(([127, 0, 0, 1].into(), 4711));
        assert_eq!(bound(line, 67), expected.or(Some(([1, 0, 0, 127].into(), 4711))));
        assert_eq!(bound(line, 69), None);
        assert_eq!(bound("garbage", 67), None);
        assert_eq!(bound("  1: 00:0043 x", 67), None);
    }
}
