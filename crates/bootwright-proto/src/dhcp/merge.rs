//! Offers that are held until the DHCP server's own is seen, and then repeat it with our boot data in it.
//!
//! For firmware that takes one offer, or none: it never puts a proxy's and the server's together. What goes out carries the
//! server's name, so that the client asks the server for the address, and the server alone grants it. No address is made up.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bootwright_core::{MacAddr, Span, Timestamp};

use super::answer::Answer;
use super::render::{Unrenderable, render};
use super::reply::{Boot, Reply};
use super::request::{MessageType, Request};

/// How many offers are held, and how many of the server's are remembered: single machines need this.
const HELD_MAX: usize = 64;

/// How long the one waits for the other: firmware asks again after that.
const HELD_SPAN: Span = Span::from_secs(4);

/// Offers of ours and of the DHCP server, by client and transaction, until both are there.
#[derive(Debug, Default)]
pub struct Merger {
    held: BTreeMap<(MacAddr, u32), (Timestamp, Half)>,
}

#[derive(Debug)]
enum Half {
    /// A machine asked, and this is what it should boot from our address.
    Ours(Box<Request>, Ipv4Addr, Box<Boot>),
    /// The server has offered an address.
    Theirs(Box<Answer>),
}

impl Merger {
    /// A machine searches, and is to boot this from our address `from`: the merged offer, if the server's was seen already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn ask(
        &mut self,
        now: Timestamp,
        request: &Request,
        from: Ipv4Addr,
        boot: Boot,
    ) -> Result<Option<Vec<u8>>, Unrenderable> {
        let key = (request.mac, request.xid);
        match self.held.remove(&key) {
            Some((at, Half::Theirs(main))) if now.since(at) < HELD_SPAN => {
                render(request, from, &Reply::MergedOffer(main, boot)).map(Some)
            }
            _ => {
                self.hold(now, key, Half::Ours(Box::new(request.clone()), from, Box::new(boot)));
                Ok(None)
            }
        }
    }

    /// A server answers somebody: the merged offer, if a machine waits for this.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn hear(
        &mut self,
        now: Timestamp,
        answer: &Answer,
        ours: &[Ipv4Addr],
    ) -> Result<Option<Vec<u8>>, Unrenderable> {
        let named = answer
            .server_id
            .is_some_and(|server| !server.is_unspecified() && !ours.contains(&server));
        if answer.message != Some(MessageType::Offer) || answer.yiaddr.is_unspecified() || !named {
            return Ok(None);
        }
        // Our own merged offers are heard, too, and bear the server's name.
        if ours.contains(&answer.siaddr) {
            return Ok(None);
        }
        let key = (answer.mac, answer.xid);
        match self.held.remove(&key) {
            Some((at, Half::Ours(request, from, boot))) if now.since(at) < HELD_SPAN => {
                render(&request, from, &Reply::MergedOffer(Box::new(answer.clone()), *boot)).map(Some)
            }
            _ => {
                self.hold(now, key, Half::Theirs(Box::new(answer.clone())));
                Ok(None)
            }
        }
    }

    fn hold(&mut self, now: Timestamp, key: (MacAddr, u32), half: Half) {
        if self.held.len() >= HELD_MAX {
            self.held.retain(|_, (at, _)| now.since(*at) < HELD_SPAN);
        }
        // Who waits for us goes before what was heard of others.
        if self.held.len() >= HELD_MAX && matches!(half, Half::Ours(..)) {
            let theirs = self.held.iter().find(|(_, (_, half))| matches!(half, Half::Theirs(_)));
            if let Some(key) = theirs.map(|(key, _)| *key) {
                self.held.remove(&key);
            }
        }
        if self.held.len() < HELD_MAX {
            self.held.insert(key, (now, half));
        }
    }
}
