//! The wire between the machines and the servers.

use std::net::SocketAddrV4;
use std::time::Duration;

use bootwright_client::rom::Datagram;
use bootwright_core::DhcpMode;
use bootwright_proto::dhcp::{Port, Request, parse};

use crate::daemon::SERVER;
use crate::machine::Doing;
use crate::world::{Event, World};

impl World {
    /// A datagram goes over the wire: it may be lost, come twice, or late.
    pub(crate) fn travel(&mut self, event: impl Fn() -> Event) {
        let copies = match () {
            () if self.chance.percent(self.faults.loss) => 0,
            () if self.chance.percent(self.faults.repeat) => 2,
            () => 1,
        };
        for _ in 0..copies {
            let after = 1 + self.chance.below(self.faults.delay_ms + 1);
            self.after(Duration::from_millis(after), event());
        }
    }

    pub(crate) fn at_servers(&mut self, datagram: &Datagram) {
        match datagram.destination.port() {
            port @ (67 | 4011) => {
                let Ok(request) = parse(&datagram.bytes) else { return };
                let Some(machine) = self.by_card.get(&request.mac).copied() else {
                    return;
                };
                let on = if port == 67 { Port::Dhcp } else { Port::Pxe };
                if self.leases_addresses() {
                    self.serve(machine, datagram, request, on);
                } else {
                    self.serve_boot(machine, datagram, &request, on);
                }
            }
            port => {
                let now = self.now;
                let sent = self
                    .daemon
                    .as_mut()
                    .map(|daemon| daemon.tftp(now, datagram.source, port, &datagram.bytes));
                if let Some((from, packets)) = sent {
                    self.send_blocks(from, datagram.source, packets);
                }
            }
        }
    }

    /// What a machine is told to boot, and by the segment's own DHCP server about its address.
    pub(crate) fn serve_boot(&mut self, machine: usize, datagram: &Datagram, request: &Request, on: Port) {
        let leases = on == Port::Dhcp && !self.leases_addresses();
        let leased = if leases { self.lan.answer(request) } else { None };
        let now = self.site_now();
        let asked = self.daemon.as_mut().map(|daemon| {
            let (reply, woken) = daemon.dhcp(now, on, request);
            (reply, daemon.wake(now, &woken))
        });
        let (booted, awake) = asked.unwrap_or_default();
        let merged = match (&leased, &mut self.daemon) {
            (Some((_, bytes)), Some(daemon)) => daemon.overhear(now, bytes),
            _ => None,
        };
        self.plan_commit();
        for parked in awake {
            self.answer_parked(&parked);
        }
        let port = match on {
            Port::Dhcp => 68,
            Port::Pxe => datagram.source.port(),
        };
        for (source, bytes) in [leased, booted, merged].into_iter().flatten() {
            self.send(machine, source, port, &bytes);
        }
    }

    /// Whether it is the daemon that leases addresses.
    pub(crate) fn leases_addresses(&self) -> bool {
        self.policy.dhcp == DhcpMode::Server
    }

    pub(crate) fn send_blocks(&mut self, from: u16, peer: SocketAddrV4, packets: Vec<Vec<u8>>) {
        let Some(machine) = self.by_address.get(peer.ip()).copied() else {
            return;
        };
        for bytes in packets {
            self.send(machine, SocketAddrV4::new(SERVER, from), peer.port(), &bytes);
        }
    }

    pub(crate) fn send(&mut self, machine: usize, source: SocketAddrV4, port: u16, bytes: &[u8]) {
        let power = self.machines.get(machine).map_or(0, |body| body.power);
        self.travel(|| Event::ToMachine {
            machine,
            power,
            source,
            port,
            bytes: bytes.to_vec(),
        });
    }

    pub(crate) fn at_machine(
        &mut self,
        machine: usize,
        power: u32,
        source: SocketAddrV4,
        port: u16,
        bytes: &[u8],
    ) -> Result<(), String> {
        let now = self.now;
        let outputs = match self.machines.get_mut(machine) {
            Some(body) if body.power == power => match &mut body.doing {
                Doing::Firmware(machine) => machine.on_packet(now, source, port, bytes),
                Doing::System => {
                    let system = body.system.as_mut().filter(|_| port == 68);
                    let sent = system.and_then(|system| system.on_packet(now, bytes));
                    self.carry_system(machine, sent);
                    return Ok(());
                }
                Doing::Off | Doing::Installer(_) | Doing::Stuck => return Ok(()),
            },
            Some(_) | None => return Ok(()),
        };
        self.carry(machine, outputs)
    }
}

#[cfg(test)]
mod tests {
    use crate::daemon::SERVER;
    use crate::lan::{LAN_SERVER, Lan};
    use crate::machine::Body;

    #[test]
    fn servers_and_machines_have_addresses_of_their_own() {
        let mut lan = Lan::default();
        let first = lan.address(Body::new(0, false).mac);
        assert!(first != SERVER && first != LAN_SERVER);
        assert_eq!(lan.address(Body::new(0, false).mac), first);
        assert_ne!(lan.address(Body::new(1, false).mac), first);
    }
}
