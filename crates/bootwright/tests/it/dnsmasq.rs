//! dnsmasq, as the other server of a segment or as its relay.

use std::process::{Child, Stdio};

use crate::daemon::wait_until;
use crate::netns::Netns;

/// A dnsmasq, ended with the test.
pub(crate) struct Dnsmasq(Child);

impl Dnsmasq {
    /// A DHCP server on one device.
    pub(crate) fn start(inside: &Netns, device: &str, leases: &str, more: &[&str]) -> Self {
        let (device, leases) = (format!("--interface={device}"), format!("--dhcp-leasefile={leases}"));
        let server = ["--bind-interfaces", "--no-ping", &device, &leases];
        Self::listening(inside, 67, &[&server, more].concat())
    }

    /// One that has these options, once it listens on a UDP port. It answers no DNS.
    pub(crate) fn listening(inside: &Netns, port: u16, options: &[&str]) -> Self {
        let child = inside
            .command("dnsmasq")
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--port=0",
                "--pid-file=",
            ])
            .args(options)
            .stdin(Stdio::null())
            .spawn()
            .expect("dnsmasq runs; install it with `apt-get install dnsmasq-base`");
        // Ended also if it never listens.
        let dnsmasq = Self(child);
        wait_until("dnsmasq listens", || {
            let shown = inside.command("ss").args(["-ulpn"]).output().expect("ss runs");
            String::from_utf8_lossy(&shown.stdout).contains(&format!(":{port} "))
        });
        dnsmasq
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
