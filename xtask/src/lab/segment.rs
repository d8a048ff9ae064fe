//! The private network: a bridge in the lab's own network namespace, a plain DHCP server and Bootwright beside it, each
//! in a namespace of its own. There is no route to anywhere else, except to a second segment where a scenario builds one.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::{package, process};

/// What a station calls its interface.
pub(crate) const INTERFACE: &str = "eth0";
/// The relay's interface on the far segment.
const FAR_INTERFACE: &str = "eth1";
/// How long a server may take to listen, with virtual machines beside it.
const START: Duration = Duration::from_secs(20);
/// The relay's host numbers on the two segments.
const RELAY: u8 = 9;
const RELAY_FAR: u8 = 1;

/// A segment, up and running.
pub(crate) struct Segment {
    number: u8,
    side: Side,
    ports: Mutex<u32>,
    /// The DHCP server, or the relay.
    server: Mutex<Option<Child>>,
    /// What announces IPv6.
    router: Mutex<Option<Child>>,
}

/// Which of a site's segments it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Where Bootwright and the DHCP server are: 10.77.`number`.0/24.
    Near,
    /// Behind a relay: 10.78.`number`.0/24.
    Far,
}

/// How a relay speaks of the segment that it stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RelayManner {
    /// By its own address there, to the DHCP server and to Bootwright.
    Plain,
    /// By the address that it has on the servers' side, and the other one as link selection (RFC 3527); to Bootwright alone.
    LinkSelection,
}

/// What a router says that stations get by DHCP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ByDhcp {
    /// Their addresses, and all else.
    Addresses,
    /// All but their addresses, which they make of its network themselves.
    AllElse,
}

impl Segment {
    /// Builds segment `number` (10.77.`number`.0/24) in the network namespace that the process is in, and starts the
    /// DHCP server. The bridge itself has an address too: an operator's computer, which can ask what a machine could.
    pub(crate) fn build(number: u8, logs: &Path) -> Result<Self> {
        let segment = Segment::new(number, Side::Near);
        ip("link set lo up")?;
        segment.build_bridge()?;
        ip(&format!(
            "address add {}/24 dev {}",
            segment.address(2),
            segment.bridge()
        ))?;
        segment.station(&segment.boot_namespace(), segment.boot_address())?;
        segment.station(&segment.dhcp_namespace(), segment.address(254))?;
        segment.start_dhcp(&segment.dhcp_namespace(), logs, &[])?;
        Ok(segment)
    }

    /// Ends the DHCP server: nobody lends addresses here until somebody else does.
    pub(crate) fn end_dhcp(&self) -> Result<()> {
        if let Some(mut server) = self.server.lock().expect("no panic while locked").take() {
            server.kill()?;
            server.wait()?;
        }
        Ok(())
    }

    /// Starts a router: it announces the segment's network of IPv6, and what comes by DHCP there. Gives Bootwright its address.
    pub(crate) fn speak_ipv6(&self, by_dhcp: ByDhcp, logs: &Path) -> Result<()> {
        let (router, boot) = (self.dhcp_namespace(), self.boot_namespace());
        let network = self.ipv6_network();
        for (namespace, addresses) in [
            (&boot, [format!("{network}1/64"), "fe80::1/64".to_owned()]),
            (&router, [format!("{network}ff/64"), "fe80::ff/64".to_owned()]),
        ] {
            for address in addresses {
                ip(&format!("-n {namespace} address add {address} dev {INTERFACE} nodad"))?;
            }
        }
        let config = logs.join("radvd.conf");
        let flag = match by_dhcp {
            ByDhcp::Addresses => "AdvManagedFlag",
            ByDhcp::AllElse => "AdvOtherConfigFlag",
        };
        // Both ways to an address: firmware takes the one of DHCP, and the installer the router's.
        let text = format!(
            "interface {INTERFACE} {{\n AdvSendAdvert on;\n {flag} on;\n MinRtrAdvInterval 3;\n MaxRtrAdvInterval 4;\n \
             prefix {network}/64 {{ AdvOnLink on; AdvAutonomous on; }};\n}};\n"
        );
        std::fs::write(&config, text)?;
        let log = File::create(logs.join("radvd.log"))?;
        let child = Command::new("ip")
            .args(["netns", "exec", &router])
            .arg(package::find("radvd").context("`radvd` is missing")?)
            .args(["--nodaemon", "--logmethod", "stderr", "--debug", "1", "--config"])
            .arg(&config)
            .arg("--pidfile")
            .arg(logs.join("radvd.pid"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("`radvd` does not start")?;
        *self.router.lock().expect("no panic while locked") = Some(child);
        Ok(())
    }

    /// Has the DHCP server send firmware that boots by HTTP over IPv4 to where nobody is, so that it tries IPv6 at once: where it
    /// is told nothing, OVMF takes two minutes and more. It lends addresses of IPv6 too, if asked for, as a router for both does.
    pub(crate) fn spoil_http_over_ipv4(&self, lends_ipv6: bool, logs: &Path) -> Result<()> {
        self.end_dhcp()?;
        let mut more = vec![
            "--dhcp-vendorclass=set:http,HTTPClient".to_owned(),
            "--dhcp-option-force=tag:http,60,HTTPClient".to_owned(),
            format!("--dhcp-boot=tag:http,http://{}:9/none.efi", self.address(2)),
        ];
        if lends_ipv6 {
            let network = self.ipv6_network();
            more.push(format!("--dhcp-range={network}100,{network}1ff,64,1h"));
        }
        self.start_dhcp(&self.dhcp_namespace(), logs, &more)
    }

    /// The segment's network of IPv6, up to the number of a station.
    pub(crate) fn ipv6_network(&self) -> String {
        format!("fd00:77:{:x}::", self.number)
    }

    /// Builds a second segment, which a relay joins to this one: a router that also passes DHCP on.
    pub(crate) fn build_far(&self, manner: RelayManner, logs: &Path) -> Result<Self> {
        let far = Segment::new(self.number, Side::Far);
        far.build_bridge()?;
        let relay = format!("relay{}", self.number);
        self.station(&relay, self.address(RELAY))?;
        far.plug(&relay, FAR_INTERFACE, far.address(RELAY_FAR))?;
        for namespace in [self.boot_namespace(), self.dhcp_namespace()] {
            let (network, relay) = (far.address(0), self.address(RELAY));
            ip(&format!("-n {namespace} route add {network}/24 via {relay}"))?;
        }
        inside(&relay, "sysctl", &["-qw", "net.ipv4.ip_forward=1"])?;
        let log = File::create(logs.join("dhcrelay.log"))?;
        let program = package::find("dhcrelay").context("`dhcrelay` is missing")?;
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &relay]).arg(program);
        command.args(["-4", "-d", "--no-pid", "-a", "-id", FAR_INTERFACE, "-iu", INTERFACE]);
        match manner {
            RelayManner::Plain => command.arg(self.address(254).to_string()),
            RelayManner::LinkSelection => command.args(["-U", INTERFACE]),
        };
        let child = command
            .arg(self.boot_address().to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("`dhcrelay` does not start")?;
        *far.server.lock().expect("no panic while locked") = Some(child);
        Ok(far)
    }

    /// The addresses of the relay: on the servers' side, and on the machines'.
    pub(crate) fn relay_addresses(&self) -> [Ipv4Addr; 2] {
        let far = Segment::new(self.number, Side::Far);
        [self.address(RELAY), far.address(RELAY_FAR)]
    }

    fn new(number: u8, side: Side) -> Self {
        Segment {
            number,
            side,
            ports: Mutex::new(0),
            server: Mutex::new(None),
            router: Mutex::new(None),
        }
    }

    fn build_bridge(&self) -> Result<()> {
        let bridge = self.bridge();
        ip(&format!(
            "link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        ))?;
        quiet(&bridge)?;
        ip(&format!("link set {bridge} up"))
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
            format!("port{}-{ports}", self.label()),
            format!("wire{}-{ports}", self.label()),
        );
        self.cable(&port, &wire)?;
        ip(&format!("link set {wire} up"))?;
        Ok(wire)
    }

    fn address(&self, host: u8) -> Ipv4Addr {
        let network = match self.side {
            Side::Near => 77,
            Side::Far => 78,
        };
        Ipv4Addr::new(10, network, self.number, host)
    }

    /// What tells its devices from those of other segments.
    fn label(&self) -> String {
        match self.side {
            Side::Near => self.number.to_string(),
            Side::Far => format!("{}far", self.number),
        }
    }

    fn dhcp_namespace(&self) -> String {
        format!("dhcp{}", self.number)
    }

    fn bridge(&self) -> String {
        format!("segment{}", self.label())
    }

    /// Moves the DHCP server to Bootwright's own box, where it holds port 67 first.
    pub(crate) fn move_dhcp(&self, logs: &Path) -> Result<()> {
        self.end_dhcp()?;
        self.start_dhcp(&self.boot_namespace(), logs, &[])?;
        let deadline = Instant::now() + START;
        // The kernel writes ports in hexadecimal digits.
        while !inside(&self.boot_namespace(), "cat", &["/proc/net/udp"])?.contains(":0043 ") {
            ensure!(Instant::now() < deadline, "`dnsmasq` does not listen on port 67");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Puts a dnsmasq in the place of the plain DHCP server that hands out iPXE by TFTP and sends it to a URL.
    pub(crate) fn boot_by_dnsmasq(&self, firmware: &Path, url: &str, logs: &Path) -> Result<()> {
        self.end_dhcp()?;
        let more = [
            "--enable-tftp".to_owned(),
            format!("--tftp-root={}", firmware.display()),
            "--dhcp-userclass=set:ipxe,iPXE".to_owned(),
            "--dhcp-boot=tag:!ipxe,undionly.kpxe".to_owned(),
            format!("--dhcp-boot=tag:ipxe,{url}"),
        ];
        self.start_dhcp(&self.dhcp_namespace(), logs, &more)
    }

    /// dnsmasq as a home router has it: addresses, and not a word about booting but `more`.
    fn start_dhcp(&self, namespace: &str, logs: &Path, more: &[String]) -> Result<()> {
        let dnsmasq = package::find("dnsmasq").context("`dnsmasq` is missing")?;
        let range = |segment: &Segment| format!("{},{},255.255.255.0,1h", segment.address(100), segment.address(199));
        let far = Segment::new(self.number, Side::Far);
        let log = File::create(logs.join("dnsmasq.log"))?;
        let child = Command::new("ip")
            .args(["netns", "exec", namespace])
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
                format!("--dhcp-range={}", range(self)),
                format!("--dhcp-range=set:far,{}", range(&far)),
            ])
            .args([
                format!("--dhcp-option=tag:far,option:router,{}", far.address(RELAY_FAR)),
                "--dhcp-option=tag:!far,option:router".to_owned(),
            ])
            .args(more)
            .arg(format!("--dhcp-leasefile={}", logs.join("dnsmasq.leases").display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("`dnsmasq` does not start")?;
        *self.server.lock().expect("no panic while locked") = Some(child);
        Ok(())
    }

    /// A namespace with one interface on the segment.
    fn station(&self, namespace: &str, address: Ipv4Addr) -> Result<()> {
        ip(&format!("netns add {namespace}"))?;
        ip(&format!("-n {namespace} link set lo up"))?;
        self.plug(namespace, INTERFACE, address)
    }

    /// An interface of a namespace on the segment.
    fn plug(&self, namespace: &str, interface: &str, address: Ipv4Addr) -> Result<()> {
        let (port, loose) = (format!("{namespace}-{interface}p"), format!("{namespace}-{interface}"));
        self.cable(&port, &loose)?;
        ip(&format!("link set {loose} netns {namespace} name {interface}"))?;
        ip(&format!("-n {namespace} link set {interface} addrgenmode none"))?;
        ip(&format!(
            "-n {namespace} address add {address}/24 broadcast + dev {interface}"
        ))?;
        ip(&format!("-n {namespace} link set {interface} up"))
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
        for program in [&self.server, &self.router] {
            if let Ok(mut program) = program.lock()
                && let Some(mut program) = program.take()
            {
                // It may have ended by itself, which is just as well here.
                let _ = program.kill().and_then(|()| program.wait().map(drop));
            }
        }
    }
}

/// No link-local address and none of the kernel's own packets: a capture shows machines and servers only.
fn quiet(interface: &str) -> Result<()> {
    ip(&format!("link set {interface} addrgenmode none"))
}

/// Runs a program in a namespace, and gives what it prints.
fn inside(namespace: &str, program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace, program]).args(arguments);
    process::output(&mut command)
}

fn ip(arguments: &str) -> Result<()> {
    let ip = package::find("ip").context("`ip` is missing")?;
    process::output(Command::new(ip).args(arguments.split_whitespace())).map(drop)
}
