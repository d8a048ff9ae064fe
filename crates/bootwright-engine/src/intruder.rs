//! Requests by ways that the configuration does not list: told once for an operator who forgot a relay, then only counted.

use std::net::Ipv4Addr;

use bootwright_core::{Cause, Change, MacAddr, Timestamp, Verb, Why};

use crate::engine::Engine;
use crate::limit::{INTRUDER_SPAN, INTRUDERS_MAX};

impl Engine {
    /// Tells that a request was refused for the way it took, unless the same was told of that address a short while ago.
    pub(crate) fn tell_intruder(&mut self, now: Timestamp, mac: Option<MacAddr>, why: &Why) {
        let Some(address) = why.intruder() else { return };
        if !self.store_ready || !self.is_news(now, address) || !self.news.take(now) {
            return;
        }
        let who = mac.map_or_else(|| "a machine".to_owned(), |mac| mac.to_string());
        let note = format!("{who} is not answered: {why}");
        self.record(now, Cause::Machine, Verb::Warn, note, Change::SiteNoted);
    }

    /// Remembers so many addresses and no more: anybody can make up any number of them.
    fn is_news(&mut self, now: Timestamp, address: Ipv4Addr) -> bool {
        self.intruders.retain(|_, told| now.since(*told) < INTRUDER_SPAN);
        if self.intruders.len() >= INTRUDERS_MAX || self.intruders.contains_key(&address) {
            return false;
        }
        self.intruders.insert(address, now);
        true
    }
}
