//! Server mode: what machines say about their addresses, and the grants that wait for their record.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use bootwright_client::rom::Datagram;
use bootwright_core::lease::{Origin, Probed};
use bootwright_core::{MacAddr, Timestamp, Way};
use bootwright_engine::{LeaseAsk, LeaseReply};
use bootwright_proto::dhcp::{
    Arrival, Client, ClientKind, Port, Question, Reply, Request, ServerQuestion, classify, render, server_question,
};
use bootwright_proto::http::BaseUrl;

use crate::daemon::{Release, SERVER, boot_of, offer_ask};
use crate::lease::end_of;
use crate::world::{Event, World};

/// How long it is looked whether somebody uses an address.
const LOOK: Duration = Duration::from_millis(500);

/// How many addresses are tried for one request.
const TRIES_MAX: u32 = 3;

/// A request about an address, and what is needed to answer it later.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    machine: usize,
    request: Request,
    ask: LeaseAsk,
    tries: u32,
}

/// A reply to a machine, with the address that it speaks of.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    machine: usize,
    holder: MacAddr,
    bytes: Vec<u8>,
    says: Says,
}

/// What a reply says of an address.
#[derive(Clone, Copy, Debug)]
enum Says {
    Nothing,
    Refused,
    Offered(Ipv4Addr),
    Granted(Ipv4Addr, Timestamp),
}

impl World {
    /// A request to a server that leases addresses.
    pub(crate) fn serve(&mut self, machine: usize, datagram: &Datagram, request: Request, on: Port) {
        let client = classify(&request);
        let arrival = Arrival {
            port: on,
            ours: &[SERVER],
        };
        let to_us = *datagram.destination.ip() == SERVER;
        match server_question(&request, &client, arrival, to_us) {
            Ok(ServerQuestion::Lease(message)) => {
                let ask = self.lease_ask(&request, &client, message);
                self.answer_errand(Box::new(Errand {
                    machine,
                    request,
                    ask,
                    tries: 0,
                }));
            }
            Ok(ServerQuestion::Boot(_)) => self.serve_boot(machine, datagram, &request, on),
            Err(_) => {}
        }
    }

    fn lease_ask(&self, request: &Request, client: &Client, message: bootwright_core::lease::LeaseMessage) -> LeaseAsk {
        let boots = client.kind != ClientKind::Plain;
        LeaseAsk {
            message,
            mac: request.mac,
            uuid: request.uuid,
            origin: Origin {
                link: "lan0".to_owned(),
                addresses: vec![SERVER],
                way: Way::Link,
                relay: None,
                wish: None,
            },
            client_id: request.client_id.clone(),
            host_name: request.host_name.clone(),
            booting: boots,
            boot: boots
                .then(|| offer_ask(&self.policy, request, client, Question::Discover))
                .flatten(),
        }
    }

    fn answer_errand(&mut self, errand: Box<Errand>) {
        let now = self.site_now();
        let Some(base) = self.daemon.as_ref().map(|daemon| daemon.base.clone()) else {
            return;
        };
        let ask = errand.ask.clone();
        self.ask(
            |engine, now| engine.lease(now, &ask),
            |reply| release(errand, reply, &base, now),
        );
    }

    /// It was looked whether somebody uses the address that is to be offered.
    pub(crate) fn looked(&mut self, mut errand: Box<Errand>, parcel: Parcel) {
        let Says::Offered(address) = parcel.says else { return };
        let user = if self.squatted.contains(&address) {
            Some(MacAddr::new([0x52, 0x54, 0x00, 0x99, 0x99, 0x99]))
        } else {
            let machine = self.by_address.get(&address);
            machine
                .and_then(|machine| self.machines.get(*machine))
                .map(|body| body.mac)
        };
        let found = user.map_or(Probed::Free, |user| Probed::InUse(Some(user)));
        self.ask(|engine, now| engine.probed(now, address, found), |()| Release::Nothing);
        if user.is_none_or(|user| user == errand.request.mac) {
            return self.deliver(parcel);
        }
        errand.tries += 1;
        if errand.tries < TRIES_MAX {
            self.answer_errand(errand);
        }
    }

    pub(crate) fn look_later(&mut self, errand: Box<Errand>, parcel: Parcel) {
        self.after(LOOK, Event::Looked(errand, parcel));
    }

    /// A reply leaves.
    pub(crate) fn deliver(&mut self, parcel: Parcel) {
        if let Err(what) = self.may_leave(&parcel) {
            self.broken = Some(what);
        }
        self.send(parcel.machine, SocketAddrV4::new(SERVER, 67), 68, &parcel.bytes);
    }

    fn may_leave(&mut self, parcel: &Parcel) -> Result<(), String> {
        let (now, holder) = (self.site_now(), parcel.holder);
        match parcel.says {
            Says::Nothing => Ok(()),
            Says::Refused => {
                self.leases.end_all(holder);
                Ok(())
            }
            Says::Offered(address) | Says::Granted(address, _) if self.squatted.contains(&address) => Err(format!(
                "{holder} is given {address}, which another machine uses by itself"
            )),
            Says::Offered(address) => self.leases.offer(now, &self.policy, holder, address),
            Says::Granted(address, until) => {
                let record: Vec<_> = self.disk.lease(address).into_iter().collect();
                if let Some(before) = self.leases.address_of(now, holder).filter(|before| *before != address) {
                    return Err(format!("{holder} has {before} and is granted {address}"));
                }
                self.note(&format!("machine {} has {address}", parcel.machine));
                self.leases.grant(now, &self.policy, holder, (address, until), &record)
            }
        }
    }
}

/// What leaves, and when: a grant with its record, an offer perhaps after a look.
fn release(errand: Box<Errand>, reply: &LeaseReply, base: &BaseUrl, now: Timestamp) -> Release {
    let (says, written) = match reply {
        LeaseReply::Offer { lease, boot, .. } => {
            let boot = boot.as_ref().and_then(|boot| boot_of(base, boot));
            (Says::Offered(lease.address), Reply::LeaseOffer(lease.clone(), boot))
        }
        LeaseReply::Ack { lease, boot } => {
            let boot = boot.as_ref().and_then(|boot| boot_of(base, boot));
            let until = end_of(now, lease.secs.unwrap_or(0));
            (
                Says::Granted(lease.address, until),
                Reply::LeaseAck(lease.clone(), boot),
            )
        }
        LeaseReply::Told(lease) => (Says::Nothing, Reply::LeaseAck(lease.clone(), None)),
        LeaseReply::Nak(_) => (Says::Refused, Reply::Nak),
        LeaseReply::Noted | LeaseReply::Silence(_) => return Release::Nothing,
    };
    let Ok(bytes) = render(&errand.request, SERVER, &written) else {
        return Release::Nothing;
    };
    let parcel = Parcel {
        machine: errand.machine,
        holder: errand.request.mac,
        bytes,
        says,
    };
    match reply {
        LeaseReply::Offer { probe: true, .. } => Release::Look(errand, parcel),
        _ => Release::Lease(parcel),
    }
}
