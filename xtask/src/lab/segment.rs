//! The private network: a bridge in the lab's own network namespace, a plain DHCP server and Bootwright beside it, each
//! in a namespace of its own. There is no route to anywhere else.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result};

use crate::{package, process};

/// What a station calls its interface.
pub(crate) const INTERFACE: &str = "eth0";

/// The segment, up and running.
pub(crate) struct Segment {
    number: u8,
    ports: Mutex<u32>,
    dhcp: Mutex<Option<Child>>,
}

impl Segment {
    /// Builds segment `number` (10.77.`number`.0/24) in the network namespace that the process is in, and starts the
    /// DHCP server. The bridge itself has an address too: an operator's computer, which can ask what a machine could.
    pub(crate) fn build(number: u8, logs: &Path) -> Result<Self> {
        let segment = Segment {
            number,
            ports: Mutex::new(0),
            dhcp: Mutex::new(None),
        };
        let bridge = segment.bridge();
        ip("link set lo up")?;
        ip(&format!(
            "link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        ))?;
        quiet(&bridge)?;
        ip(&format!("link set {bridge} up"))?;
        ip(&format!("address add {}/24 dev {bridge}", segment.address(2)))?;
        segment.station(&segment.boot_namespace(), segment.boot_address())?;
        segment.station(&segment.dhcp_namespace(), segment.address(254))?;
        segment.start_dhcp(logs)?;
        Ok(segment)
    }

    /// The namespace that Bootwright runs in.
    pub(crate) fn boot_namespace(&self) -> String {
        format!("boot{}", self.number)
    }

    /// Bootwright's address.
    pub(crate) fn boot_address(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// Adds a port to the bridge and gives the name of the loose end of its cable.
    pub(crate) fn add_port(&self) -> Result<String> {
        let mut ports = self.ports.lock().expect("no panic while locked");
        *ports += 1;
        let (port, wire) = (
            format!("port{}-{ports}", self.number),
            format!("wire{}-{ports}", self.number),
        );
        self.cable(&port, &wire)?;
        ip(&format!("link set {wire} up"))?;
        Ok(wire)
    }

    fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number, host)
    }

    fn dhcp_namespace(&self) -> String {
        format!("dhcp{}", self.number)
    }

    fn bridge(&self) -> String {
        format!("segment{}", self.number)
    }

    /// dnsmasq as a home router has it: addresses, and not a word about booting.
    fn start_dhcp(&self, logs: &Path) -> Result<()> {
        let dnsmasq = package::find("dnsmasq").context("`dnsmasq` is missing")?;
        let (first, last) = (self.address(100), self.address(199));
        let log = File::create(logs.join("dnsmasq.log"))?;
        let child = Command::new("ip")
            .args(["netns", "exec", &self.dhcp_namespace()])
            .arg(dnsmasq)
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--port=0",
                "--bind-interfaces",
                "--user=root",
            ])
            .args([
                "--dhcp-authoritative",
                "--no-ping",
                "--log-dhcp",
                "--log-facility=-",
                "--pid-file",
            ])
            .args([
                format!("--interface={INTERFACE}"),
                format!("--dhcp-range={first},{last},255.255.255.0,1h"),
            ])
            .arg("--dhcp-option=option:router")
            .arg(format!("--dhcp-leasefile={}", logs.join("dnsmasq.leases").display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("`dnsmasq` does not start")?;
        *self.dhcp.lock().expect("no panic while locked") = Some(child);
        Ok(())
    }

    /// A namespace with one interface on the segment.
    fn station(&self, namespace: &str, address: Ipv4Addr) -> Result<()> {
        let (port, far) = (format!("{namespace}-port"), format!("{namespace}-far"));
        ip(&format!("netns add {namespace}"))?;
        self.cable(&port, &far)?;
        ip(&format!("link set {far} netns {namespace} name {INTERFACE}"))?;
        ip(&format!("-n {namespace} link set {INTERFACE} addrgenmode none"))?;
        ip(&format!("-n {namespace} link set lo up"))?;
        ip(&format!(
            "-n {namespace} address add {address}/24 broadcast + dev {INTERFACE}"
        ))?;
        ip(&format!("-n {namespace} link set {INTERFACE} up"))
    }

    /// A virtual Ethernet pair with one end in the bridge.
    fn cable(&self, port: &str, far: &str) -> Result<()> {
        let ethtool = package::find("ethtool").context("`ethtool` is missing")?;
        ip(&format!("link add {port} type veth peer name {far}"))?;
        for end in [port, far] {
            quiet(end)?;
            // Virtual machines get what a wire carries: whole checksums, and no frames larger than it takes.
            let offloads = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"];
            process::output(Command::new(&ethtool).args(["-K", end]).args(offloads))?;
        }
        ip(&format!("link set {port} master {}", self.bridge()))?;
        ip(&format!("link set {port} up"))
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if let Ok(mut dhcp) = self.dhcp.lock()
            && let Some(mut dhcp) = dhcp.take()
        {
            // It may have ended by itself, which is just as well here.
            let _ = dhcp.kill().and_then(|()| dhcp.wait().map(drop));
        }
    }
}

/// No link-local address and none of the kernel's own packets: a capture shows machines and servers only.
fn quiet(interface: &str) -> Result<()> {
    ip(&format!("link set {interface} addrgenmode none"))
}

fn ip(arguments: &str) -> Result<()> {
    let ip = package::find("ip").context("`ip` is missing")?;
    process::output(Command::new(ip).args(arguments.split_whitespace())).map(drop)
}
