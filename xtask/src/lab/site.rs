//! Where one scenario plays: a segment, a DHCP server, Bootwright, and machines.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::capsule;
use super::daemon::Daemon;
use super::journal::{Journal, Timeline};
use super::machine::{Build, Machine};
use super::scenario::Role;
use super::segment::{ByDhcp, INTERFACE, RelayManner, Segment};
use super::stage::Stage;

const CONFIG: &str = include_str!("../../lab/config.toml");
const POST_INSTALL: &str = include_str!("../../lab/post-install.sh");

/// The port of the machine plane.
const HTTP_PORT: u16 = 8080;
/// The port of another system whose clients are answered.
const DIALECT_PORT: u16 = 8081;
/// How long an answer to the lab's own questions may take.
const ANSWER: Duration = Duration::from_secs(20);

/// A scenario's own network with a daemon on it.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    segment: Segment,
    machines: Mutex<Vec<Arc<Machine>>>,
    timeline: Arc<Timeline>,
    logs: PathBuf,
    firmware: PathBuf,
    signed_ipxe: PathBuf,
    nonce_sector: u32,
    /// What is written to a disk before the story begins: what starts where it has room, and what resets the machine.
    pub(crate) roomy_image: PathBuf,
    pub(crate) restless_image: PathBuf,
}

impl Site {
    /// Builds the network and starts Bootwright on it, with the hosts of `cast` that the story says are known.
    pub(super) fn build(stage: &Stage<'_>, cast: &[Role]) -> Result<Self> {
        let logs = stage.logs.clone();
        let segment = Segment::build(stage.number, &logs)?;
        let journal = Journal::new(&segment.boot_namespace(), &stage.timeline);
        let post_install = POST_INSTALL.replace("NONCE_SECTOR", &stage.kit.nonce_sector.to_string());
        let hosts: String = cast
            .iter()
            .filter(|role| role.known)
            .map(|role| known_host(&role.build))
            .collect();
        // One file, with the document in it: that is all that a container is given.
        let config = CONFIG
            .replace("INTERFACE", INTERFACE)
            .replace("POST_INSTALL", &post_install)
            + &hosts;
        let daemon = Daemon::new(stage.kit, &segment, &config, &logs, journal)?;
        let timeline = Arc::clone(&stage.timeline);
        let site = Site {
            daemon,
            segment,
            machines: Mutex::default(),
            timeline,
            logs,
            firmware: stage.kit.firmware.clone(),
            signed_ipxe: stage.kit.signed_ipxe.clone(),
            nonce_sector: stage.kit.nonce_sector,
            roomy_image: stage.kit.roomy_image(),
            restless_image: stage.kit.restless_image(),
        };
        site.daemon.start()?;
        Ok(site)
    }

    /// A boot program as the firmware manifest pins it.
    pub(crate) fn firmware(&self, name: &str) -> PathBuf {
        self.firmware.join(name)
    }

    /// iPXE, signed with the site's own key.
    pub(crate) fn signed_ipxe(&self) -> &Path {
        &self.signed_ipxe
    }

    /// Adds a machine, which is off.
    pub(crate) fn machine(&self, build: Build) -> Result<Arc<Machine>> {
        self.machine_on(&self.segment, build)
    }

    /// Adds a machine to a segment; it is off.
    pub(crate) fn machine_on(&self, segment: &Segment, build: Build) -> Result<Arc<Machine>> {
        let sockets = Path::new(capsule::SOCKETS);
        let machine = Arc::new(Machine::new(build, segment, &self.timeline, &self.logs, sockets)?);
        self.machines
            .lock()
            .expect("no panic while locked")
            .push(Arc::clone(&machine));
        Ok(machine)
    }

    /// Builds a second segment behind a relay, and gives it with the addresses of the relay.
    pub(crate) fn far_segment(&self, manner: RelayManner) -> Result<(Segment, [Ipv4Addr; 2])> {
        let far = self.segment.build_far(manner, &self.logs)?;
        Ok((far, self.segment.relay_addresses()))
    }

    /// Makes Bootwright the only DHCP server of the segment, from its start on. Gives its address.
    pub(crate) fn lend_addresses(&self) -> Result<Ipv4Addr> {
        self.daemon.kill()?;
        self.segment.end_dhcp()?;
        let own = self.segment.boot_address();
        let [a, b, c, _] = own.octets();
        let pool = format!(
            "[dhcp]\nmode = \"server\"\n[[dhcp.pools]]\nsubnet = \"{a}.{b}.{c}.0/24\"\n\
             range = \"{a}.{b}.{c}.100-{a}.{b}.{c}.199\"\n"
        );
        self.daemon.add_config("server", &pool)?;
        self.daemon.start()?;
        Ok(own)
    }

    /// Puts the plain DHCP server onto Bootwright's own box, where it was first. Gives the address of that box.
    pub(crate) fn share_box(&self) -> Result<Ipv4Addr> {
        self.daemon.kill()?;
        self.segment.move_dhcp(&self.logs)?;
        self.daemon.start()?;
        Ok(self.segment.boot_address())
    }

    /// Takes the place of another system that these files are the data of, behind a dnsmasq that sends iPXE there. `SERVER` and
    /// `NONCE_SECTOR` in them are filled in. Files for machines are in the directory that this key names.
    pub(crate) fn take_place_of(&self, dialect: &str, files_key: &str, files: &[(&str, &str)]) -> Result<()> {
        let server = format!("{}:{DIALECT_PORT}", self.segment.boot_address());
        let data = self.logs.join(dialect);
        for (path, text) in files {
            let path = data.join(path);
            std::fs::create_dir_all(path.parent().context("a file in a directory")?)?;
            let text = text.replace("SERVER", &server);
            std::fs::write(path, text.replace("NONCE_SECTOR", &self.nonce_sector.to_string()))?;
        }
        self.daemon.kill()?;
        let url = format!("http://{server}/boot.ipxe");
        self.segment.boot_by_dnsmasq(&self.firmware, &url, &self.logs)?;
        let config = format!(
            "[dhcp]\nmode = \"off\"\n[compat.{dialect}]\nenabled = true\nlisten = \":{DIALECT_PORT}\"\n\
             data_dir = \"{}\"\n{files_key} = \"{}\"\n",
            data.display(),
            self.logs.join("data/images").display()
        );
        self.daemon.add_config(dialect, &config)?;
        self.daemon.start()
    }

    /// Takes the place of a dynamic-ignition-coreos that these files are the data of. `SERVER` and `NONCE_SECTOR` in them
    /// are filled in.
    pub(crate) fn take_dynamic_ignitions_place(&self, files: &[(&str, &str)]) -> Result<()> {
        let server = format!("{}:{DIALECT_PORT}", self.segment.boot_address());
        let data = self.logs.join("dynamic-ignition");
        for (path, text) in files {
            let path = data.join(path);
            std::fs::create_dir_all(path.parent().context("a file in a directory")?)?;
            let text = text.replace("SERVER", &server);
            std::fs::write(path, text.replace("NONCE_SECTOR", &self.nonce_sector.to_string()))?;
        }
        let config = format!(
            "[compat.dynamic-ignition]\nenabled = true\nlisten = \":{DIALECT_PORT}\"\ndata_dir = \"{}\"\n",
            data.display()
        );
        self.daemon.kill()?;
        self.daemon.add_config("compat", &config)?;
        self.daemon.start()
    }

    /// Bootwright's address.
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.segment.boot_address()
    }

    /// Ends the plain DHCP server: what nobody answers after that is DHCP over IPv4.
    pub(crate) fn end_ipv4(&self) -> Result<()> {
        self.segment.end_dhcp()
    }

    /// Leaves firmware that boots by HTTP nothing over IPv4.
    pub(crate) fn spoil_http_over_ipv4(&self) -> Result<()> {
        self.segment.spoil_http_over_ipv4(false, &self.logs)
    }

    /// Gives the segment a router of IPv6, and makes Bootwright its DHCPv6 server that leaves IPv4 alone. Gives what the
    /// addresses of its network begin with.
    pub(crate) fn speak_ipv6(&self, by_dhcp: ByDhcp) -> Result<String> {
        self.daemon.kill()?;
        self.segment.speak_ipv6(by_dhcp, &self.logs)?;
        let network = self.segment.ipv6_network();
        let config = format!("[dhcp]\nmode = \"off\"\n[ipv6]\nmode = \"server\"\nprefixes = [\"{network}/64\"]\n");
        self.daemon.add_config("ipv6", &config)?;
        self.daemon.start()?;
        Ok(network)
    }

    /// Gives the segment a router of IPv6 and a DHCPv6 server of other hands, beside which Bootwright says what to boot. Gives
    /// what the addresses of its network begin with.
    pub(crate) fn speak_ipv6_beside_another(&self) -> Result<String> {
        self.daemon.kill()?;
        self.segment.speak_ipv6(ByDhcp::AllElse, &self.logs)?;
        self.segment.spoil_http_over_ipv4(true, &self.logs)?;
        self.daemon
            .add_config("ipv6", "[dhcp]\nmode = \"off\"\n[ipv6]\nmode = \"proxy\"\n")?;
        self.daemon.start()?;
        Ok(self.segment.ipv6_network())
    }

    /// Asks the machine plane as a computer on the segment would, and gives the status.
    pub(crate) fn ask(&self, path: &str) -> Result<u16> {
        let server = SocketAddr::from((self.segment.boot_address(), HTTP_PORT));
        let mut stream = TcpStream::connect_timeout(&server, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut status = String::new();
        BufReader::new(stream).read_line(&mut status)?;
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        code.with_context(|| format!("no status line: {status}"))
    }

    /// Asks for an address as the operating system of a machine does, in its name.
    pub(crate) fn system_asks(&self, machine: &Build) -> Result<()> {
        let mut packet = vec![0; 240];
        packet[..4].copy_from_slice(&[1, 1, 6, 0]);
        for (byte, hex) in packet[28..34].iter_mut().zip(machine.mac().split(':')) {
            *byte = u8::from_str_radix(hex, 16)?;
        }
        packet[236..240].copy_from_slice(&[99, 130, 83, 99]);
        // Option 53: DISCOVER; 12: the host's name.
        packet.extend([53, 1, 1, 12, 4]);
        packet.extend(b"lab1");
        packet.push(255);
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.send_to(&packet, (self.segment.boot_address(), 67))?;
        Ok(())
    }

    /// Ends the machines; the daemon stays.
    pub(super) fn switch_off(&self) {
        for machine in self.machines.lock().expect("no panic while locked").drain(..) {
            // It may have switched itself off.
            let _ = machine.power_off();
        }
    }

    /// What to type inside to run the daemon's command line.
    pub(super) fn command_line(&self) -> String {
        self.daemon.command_line()
    }

    /// The network namespace that Bootwright runs in.
    pub(super) fn namespace(&self) -> String {
        self.segment.boot_namespace()
    }
}

fn known_host(build: &Build) -> String {
    format!(
        "\n[hosts.{}]\nmac = \"{}\"\nprofile = \"lab\"\n",
        build.name,
        build.mac()
    )
}
