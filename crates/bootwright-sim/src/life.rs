//! What machines do, from power-on to their own system.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_client::machine::{Fate, Gone, Machine, Output};
use bootwright_client::rom::Datagram;
use bootwright_core::{MacAddr, Token};

use crate::installer::{Installer, Wish};
use crate::machine::{Content, Doing, Starts};
use crate::reply::Waiting;
use crate::system::System;
use crate::world::{Event, World};

/// How long a machine that has found nothing takes to begin anew.
const AGAIN: Duration = Duration::from_secs(10);

impl World {
    pub(crate) fn reset(&mut self, machine: usize) -> Result<(), String> {
        self.power_on(machine, false)
    }

    /// Another machine with this one's card is switched on in its place.
    pub(crate) fn another(&mut self, machine: usize) -> Result<(), String> {
        self.power_on(machine, true)
    }

    fn power_on(&mut self, machine: usize, is_another: bool) -> Result<(), String> {
        let (now, seed) = (self.now, self.chance.next());
        let Some(body) = self.machines.get_mut(machine) else {
            return Ok(());
        };
        body.power += 1;
        body.system = None;
        body.is_another = is_another;
        let seed = u32::try_from(seed >> 32).unwrap_or(0);
        let (firmware, outputs) = Machine::power_on(body.spec(seed), now);
        body.doing = Doing::Firmware(Box::new(firmware));
        let who = if is_another { "another machine instead of " } else { "" };
        self.note(&format!("{who}machine {machine} is switched on"));
        self.carry(machine, outputs)
    }

    /// Carries what a machine's firmware wants, and looks where it has come to.
    pub(crate) fn carry(&mut self, machine: usize, outputs: Vec<Output>) -> Result<(), String> {
        let power = self.machines.get(machine).map_or(0, |body| body.power);
        for output in outputs {
            match output {
                Output::Print(_) => {}
                Output::Send(datagram) => self.travel(|| Event::ToServers(datagram.clone())),
                Output::Fetch { id, url } => {
                    let waiting = Waiting { machine, power, id };
                    let after = Duration::from_millis(self.chance.between(1, 30));
                    self.after(after, Event::Request(waiting, url));
                }
            }
        }
        let fate = match self.machines.get(machine).map(|body| &body.doing) {
            Some(Doing::Firmware(firmware)) => firmware.fate().cloned(),
            _ => None,
        };
        self.look_at(machine);
        fate.map_or(Ok(()), |fate| self.fate(machine, &fate))?;
        self.look_at(machine);
        Ok(())
    }

    /// Carries what the network of a machine's own system wants.
    pub(crate) fn carry_system(&mut self, machine: usize, sent: Option<Datagram>) {
        if let Some(datagram) = sent {
            self.travel(|| Event::ToServers(datagram.clone()));
        }
        self.look_at(machine);
    }

    fn fate(&mut self, machine: usize, fate: &Fate) -> Result<(), String> {
        let now = self.now;
        let Some(body) = self.machines.get_mut(machine) else {
            return Ok(());
        };
        let has_system = matches!(body.content, Content::System(_)) && !body.is_another;
        let way = match (fate, body.starts) {
            (_, Starts::Anyhow)
            | (Fate::NextEntry(_), Starts::ByFirmware)
            | (Fate::NextEntry(Gone::Fault(_) | Gone::Tftp(_) | Gone::Http), Starts::Untouched) => true,
            (_, Starts::ByFirmware | Starts::Untouched | Starts::Never) => false,
        };
        let starts = has_system && way;
        let breaks_down = has_system && !way && matches!(fate, Fate::Disk { .. } | Fate::NextEntry(_));
        let tries_again = body.tries_again;
        match fate {
            Fate::Kernel(boot) => {
                let installer = Installer::start(&boot.args);
                if let Some(installer) = installer.as_ref().filter(|_| body.is_another) {
                    self.checker
                        .may_be_used_by(installer.token, &format!("OTHER-{}", body.serial))?;
                    body.doing = Doing::Stuck;
                    return Ok(());
                }
                let power = body.power;
                body.doing = installer.map_or(Doing::Stuck, Doing::Installer);
                self.note(&format!("machine {machine} starts its installer"));
                self.after(Duration::from_millis(3_000), Event::Installer(machine, power));
            }
            Fate::Disk { .. } | Fate::NextEntry(_) if starts => self.start_system(machine),
            Fate::Disk { .. } | Fate::NextEntry(_) if breaks_down => {
                body.doing = Doing::Stuck;
                self.note(&format!("the disk of machine {machine} resets it"));
                self.reset_after(AGAIN, machine);
            }
            Fate::Disk { .. } if !body.is_another => {
                if let Doing::Firmware(firmware) = &mut body.doing {
                    let outputs = firmware.came_back(now, 0x2e85_2001);
                    return self.carry(machine, outputs);
                }
            }
            Fate::Reboot => return self.reset(machine),
            Fate::Hung | Fate::Disk { .. } | Fate::NextEntry(_) => {
                body.doing = Doing::Stuck;
                self.note(&format!("machine {machine} finds nothing to start"));
                if tries_again {
                    self.reset_after(AGAIN, machine);
                }
            }
        }
        Ok(())
    }

    fn start_system(&mut self, machine: usize) {
        let (now, leases) = (self.now, self.leases_addresses());
        let seed = if leases {
            u32::try_from(self.chance.next() >> 32).unwrap_or(0)
        } else {
            0
        };
        let Some(body) = self.machines.get_mut(machine) else {
            return;
        };
        body.doing = Doing::System;
        if let Content::System(token) = body.content {
            body.reports_left.push((token, "up"));
        }
        if leases {
            let (system, first) = System::start(body.mac, body.remembered, seed, now);
            body.system = Some(system);
            self.carry_system(machine, Some(first));
        } else {
            let datagram = system_asks(body.mac);
            self.travel(|| Event::ToServers(datagram.clone()));
        }
        self.note(&format!("machine {machine} starts its system"));
        self.after(Duration::from_secs(5), Event::LateReport(machine));
    }

    /// A report of a system, or one that an installer could not make or makes again.
    pub(crate) fn late_report(&mut self, machine: usize) {
        let Some(body) = self.machines.get_mut(machine) else {
            return;
        };
        let report = body.reports_left.pop().or(match body.content {
            Content::System(token) => Some((token, "done")),
            Content::Empty | Content::Data | Content::Half(_) => None,
        });
        let Some((token, kind)) = report else { return };
        // Nobody waits for the answer.
        let waiting = Waiting {
            machine,
            power: 0,
            id: 0,
        };
        let target = format!("/r/{}/{kind}", token.reveal());
        self.after(Duration::from_millis(5), Event::Request(waiting, target));
    }

    pub(crate) fn response(&mut self, waiting: Waiting, status: u16, body: String) -> Result<(), String> {
        let now = self.now;
        let Some(at) = self.machines.get_mut(waiting.machine) else {
            return Ok(());
        };
        if at.power != waiting.power {
            return Ok(());
        }
        match &mut at.doing {
            Doing::Firmware(firmware) => {
                let outputs = firmware.on_response(now, waiting.id, status, body.into_bytes());
                self.carry(waiting.machine, outputs)?;
            }
            Doing::Installer(installer) => {
                let token = installer.token;
                let wish = installer.heard(status, &body, &mut self.chance);
                if status == 200 && wish == Wish::Reboot && body == "ok" {
                    self.checker.end_acknowledged(token)?;
                }
                self.grant_wish(waiting.machine, token, wish)?;
            }
            Doing::Off | Doing::System | Doing::Stuck => {}
        }
        Ok(())
    }

    pub(crate) fn installer_goes_on(&mut self, machine: usize, power: u32) {
        let Some(body) = self.machines.get_mut(machine) else {
            return;
        };
        let found = body.found();
        let (present, disk) = (body.power, body.disk.clone());
        let Doing::Installer(installer) = &mut body.doing else {
            return;
        };
        if present != power {
            return;
        }
        if let Wish::Fetch(target) = installer.want(&disk, found) {
            let waiting = Waiting { machine, power, id: 0 };
            let after = Duration::from_millis(self.chance.between(1, 30));
            self.after(after, Event::Request(waiting, target));
        }
    }

    fn grant_wish(&mut self, machine: usize, token: Token, wish: Wish) -> Result<(), String> {
        let Some(body) = self.machines.get_mut(machine) else {
            return Ok(());
        };
        let power = body.power;
        let go_on = |world: &mut Self, ms| world.after(Duration::from_millis(ms), Event::Installer(machine, power));
        match wish {
            Wish::Fetch(_) => go_on(self, 0),
            Wish::Wait(ms) => go_on(self, ms),
            Wish::Write { more_after_ms } => {
                self.checker.wiped(token, &body.disk, body.found())?;
                body.content = Content::Half(token);
                self.note(&format!("machine {machine} writes to its disk"));
                go_on(self, more_after_ms);
            }
            Wish::Complete => {
                body.content = Content::System(token);
                go_on(self, 0);
            }
            Wish::Reboot => self.reset(machine)?,
        }
        Ok(())
    }
}

/// A system asks for an address: a DISCOVER (option 53) that says what it is (60), as RFC 2131 has it.
fn system_asks(mac: MacAddr) -> Datagram {
    let mut bytes = vec![1, 1, 6, 0];
    bytes.extend([0x5e, 0x5e, 0x5e, 0x5e]);
    bytes.resize(28, 0);
    bytes.extend(mac.octets());
    bytes.resize(236, 0);
    bytes.extend([99, 130, 83, 99, 53, 1, 1, 60, 6]);
    bytes.extend(b"dhcpcd");
    bytes.push(255);
    Datagram {
        source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        destination: SocketAddrV4::new(Ipv4Addr::BROADCAST, 67),
        bytes,
    }
}
