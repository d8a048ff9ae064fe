//! The stages of a boot, and how one leads to the next.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use crate::ipxe::{Interpreter, Reply, Step};
use crate::rom::{self, Datagram, Place, Quirk, Rom};
use crate::tftp::{self, End, Receiver, Wish};

use super::{Fate, Gone, Machine, Output, Start};

/// Where a machine stands.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// DHCP and PXE, by the firmware or by iPXE.
    Looking { rom: Box<Rom>, ipxe: bool },
    /// TFTP: the boot file, or its size first.
    Fetching {
        receiver: Receiver,
        server: Ipv4Addr,
        /// What is fetched after this: EDK2 learns the size first.
        then: Option<Wish>,
        /// The script that came so far, if iPXE fetches.
        script: Option<Vec<u8>>,
    },
    /// HTTP boot: the boot file.
    Loading,
    /// A script runs, and waits for a fetch, for a key, or for a time.
    Script {
        ipxe: Box<Interpreter>,
        until: Option<Duration>,
        waits: bool,
        asks: bool,
    },
    /// It has come to something. What iPXE started may come back to it.
    Ended { fate: Fate, ipxe: Option<Box<Interpreter>> },
}

/// How often a script may ask for an address by `dhcp` in one boot; each is granted at once.
const STEPS_MAX: u32 = 1000;

impl Machine {
    /// Begins to look for something to boot.
    pub(super) fn look(&mut self, firmware: rom::Firmware, now: Duration) -> Vec<Output> {
        self.rounds = self.rounds.wrapping_add(1);
        let seed = self.spec.seed.wrapping_add(self.rounds.wrapping_mul(0x0100_0193));
        let ipxe = matches!(firmware, rom::Firmware::Ipxe { .. });
        let quirk = if ipxe { Quirk::None } else { self.spec.quirk };
        let (rom, first) = Rom::begin_odd(firmware, quirk, self.spec.mac, self.spec.uuid, seed, now);
        let rom = Box::new(rom);
        self.stage = Stage::Looking { rom, ipxe };
        self.looked(now, first)
    }

    /// After anything that the firmware did: what it sent, or what its search came to.
    pub(super) fn looked(&mut self, now: Duration, datagram: Option<Datagram>) -> Vec<Output> {
        let mut outputs: Vec<Output> = datagram.into_iter().map(Output::Send).collect();
        let Stage::Looking { rom, ipxe } = &self.stage else {
            return outputs;
        };
        let ipxe = *ipxe;
        match rom.end().cloned() {
            None => {}
            Some(Err(fault)) => outputs.extend(self.end(Fate::NextEntry(Gone::Fault(fault)))),
            Some(Ok(found)) => {
                self.address = found.address;
                outputs.extend(match found.place {
                    Place::Tftp { server, name } => {
                        self.program.clone_from(&name);
                        self.fetch_file(now, server, &name, ipxe)
                    }
                    Place::Url(url) if ipxe => self.first_script(now, &url),
                    Place::Url(url) => {
                        self.program = url.rsplit('/').next().unwrap_or_default().as_bytes().to_vec();
                        self.stage = Stage::Loading;
                        vec![self.fetch(url)]
                    }
                });
            }
        }
        outputs
    }

    fn fetch(&mut self, url: String) -> Output {
        self.fetches = self.fetches.wrapping_add(1);
        Output::Fetch { id: self.fetches, url }
    }

    fn fetch_file(&mut self, now: Duration, server: Ipv4Addr, name: &[u8], ipxe: bool) -> Vec<Output> {
        let (wish, then) = match self.spec.start {
            Start::UefiPxe | Start::Arm64Pxe | Start::UefiHttp if !ipxe => {
                let [probe, fetch] = Wish::edk2(name);
                (probe, Some(fetch))
            }
            _ => (Wish::ipxe(name), None),
        };
        let script = ipxe.then(Vec::new);
        self.begin_fetch(now, server, wish, then, script)
    }

    fn begin_fetch(
        &mut self,
        now: Duration,
        server: Ipv4Addr,
        wish: Wish,
        then: Option<Wish>,
        script: Option<Vec<u8>>,
    ) -> Vec<Output> {
        self.port = self.port.wrapping_add(1).max(super::TFTP_PORT_FIRST);
        let (receiver, step) = Receiver::begin(wish, now);
        let reply = step.reply;
        self.stage = Stage::Fetching {
            receiver,
            server,
            then,
            script,
        };
        self.send_tftp(reply, tftp_port(None))
    }

    /// Writes a TFTP packet. Requests go to port 69, all else to the port that the server answered from.
    fn send_tftp(&self, reply: Option<tftp::Reply>, port: u16) -> Vec<Output> {
        let (Stage::Fetching { receiver, server, .. }, Some(reply)) = (&self.stage, reply) else {
            return Vec::new();
        };
        let mut bytes = vec![0; 600];
        let Some(len) = receiver.render(reply, &mut bytes) else {
            return Vec::new();
        };
        bytes.truncate(len);
        vec![Output::Send(Datagram {
            source: SocketAddrV4::new(self.address, self.port),
            destination: SocketAddrV4::new(*server, port),
            bytes,
        })]
    }

    pub(super) fn on_block(&mut self, now: Duration, port: u16, bytes: &[u8]) -> Vec<Output> {
        let Stage::Fetching { receiver, script, .. } = &mut self.stage else {
            return Vec::new();
        };
        let step = receiver.on_packet(now, port, bytes);
        if let Some(script) = script {
            script.extend(step.payload);
        }
        let (reply, end) = (step.reply, step.end);
        let mut outputs = self.send_tftp(reply, port);
        outputs.extend(self.fetched(now, end));
        outputs
    }

    pub(super) fn on_fetch_timer(&mut self, now: Duration) -> Vec<Output> {
        let Stage::Fetching { receiver, .. } = &mut self.stage else {
            return Vec::new();
        };
        let step = receiver.on_timer(now);
        let port = tftp_port(receiver.server_port());
        let (reply, end) = (step.reply, step.end);
        let mut outputs = self.send_tftp(reply, port);
        outputs.extend(self.fetched(now, end));
        outputs
    }

    fn fetched(&mut self, now: Duration, end: Option<End>) -> Vec<Output> {
        let Stage::Fetching {
            server, then, script, ..
        } = &mut self.stage
        else {
            return Vec::new();
        };
        let (server, then, script) = (*server, then.take(), script.take());
        match (end, then, script) {
            (None, next, text) => {
                if let Stage::Fetching { then, script, .. } = &mut self.stage {
                    (*then, *script) = (next, text);
                }
                Vec::new()
            }
            (Some(End::Sized(_)), Some(wish), _) => self.begin_fetch(now, server, wish, None, None),
            (Some(End::Complete), _, Some(script)) => self.run_script(now, &script),
            (Some(End::Complete), _, None) => self.run_program(now),
            (Some(end), _, _) => self.end(Fate::NextEntry(Gone::Tftp(end))),
        }
    }

    /// The boot program is there, and begins to look for the script.
    pub(super) fn run_program(&mut self, now: Duration) -> Vec<Output> {
        let dead = self.spec.dead_program.as_ref();
        if dead.is_some_and(|dead| dead.as_bytes() == self.program) {
            return self.end(Fate::Hung);
        }
        self.look(self.ipxe_firmware(true), now)
    }

    /// The first script comes by a URL: iPXE runs it as if another had chained it.
    fn first_script(&mut self, now: Duration, url: &str) -> Vec<Output> {
        self.run_script(now, format!("#!ipxe\nchain {url}\n").as_bytes())
    }

    fn run_script(&mut self, now: Duration, script: &[u8]) -> Vec<Output> {
        let mut ipxe = Interpreter::new(self.spec.generation, self.platform(), self.settings());
        let step = ipxe.start(script);
        self.stage = Stage::Script {
            ipxe: Box::new(ipxe),
            until: None,
            waits: false,
            asks: false,
        };
        self.follow(now, step)
    }

    pub(super) fn go_on(&mut self, now: Duration, reply: Reply) -> Vec<Output> {
        let Stage::Script { ipxe, .. } = &mut self.stage else {
            return Vec::new();
        };
        let step = ipxe.resume(reply);
        self.follow(now, step)
    }

    /// Does what a script wants until it has to wait.
    fn follow(&mut self, now: Duration, step: Step) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut step = step;
        for _ in 0..STEPS_MAX {
            let waiting = match step {
                Step::Print(line) => {
                    outputs.push(Output::Print(line));
                    None
                }
                // The firmware's lease stands: an address is there at once.
                Step::Dhcp => None,
                Step::Fetch(url) => {
                    outputs.push(self.fetch(url));
                    Some((None, true, false))
                }
                Step::Sleep(time) => Some((Some(now.saturating_add(time)), false, false)),
                Step::Prompt { timeout, text, .. } => {
                    outputs.push(Output::Print(text));
                    Some((timeout.map(|timeout| now.saturating_add(timeout)), false, true))
                }
                Step::Boot(boot) => {
                    self.leave_to(Fate::Kernel(boot));
                    return outputs;
                }
                Step::SanBoot { drive, .. } => {
                    self.leave_to(Fate::Disk { drive });
                    return outputs;
                }
                Step::Reboot => {
                    outputs.extend(self.end(Fate::Reboot));
                    return outputs;
                }
                Step::Exit(code) => {
                    outputs.extend(self.end(Fate::NextEntry(Gone::Left(code))));
                    return outputs;
                }
                Step::Runaway => break,
            };
            let Stage::Script {
                ipxe,
                until,
                waits,
                asks,
            } = &mut self.stage
            else {
                return outputs;
            };
            match waiting {
                Some(waiting) => {
                    (*until, *waits, *asks) = waiting;
                    return outputs;
                }
                None => step = ipxe.resume(Reply::Done),
            }
        }
        outputs.extend(self.end(Fate::NextEntry(Gone::Runaway)));
        outputs
    }

    pub(super) fn end(&mut self, fate: Fate) -> Vec<Output> {
        self.stage = Stage::Ended { fate, ipxe: None };
        Vec::new()
    }

    /// Something was started by iPXE, which stays behind it.
    fn leave_to(&mut self, fate: Fate) {
        if let Stage::Script { ipxe, .. } = &self.stage {
            let ipxe = Some(ipxe.clone());
            self.stage = Stage::Ended { fate, ipxe };
        }
    }

    /// What iPXE started came back.
    pub(super) fn wake(&mut self, now: Duration, reply: Reply) -> Vec<Output> {
        let Stage::Ended { ipxe: Some(ipxe), .. } = &self.stage else {
            return Vec::new();
        };
        self.stage = Stage::Script {
            ipxe: ipxe.clone(),
            until: None,
            waits: false,
            asks: false,
        };
        self.go_on(now, reply)
    }
}

/// Where a packet goes: to the server's own port as long as it has not answered from another.
fn tftp_port(known: Option<u16>) -> u16 {
    known.unwrap_or(69)
}
