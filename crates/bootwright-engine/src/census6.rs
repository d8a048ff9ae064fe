//! The other DHCPv6 servers of each link: as over IPv4, except that nobody has to make room for them. Where two lend addresses a
//! machine takes one from each, or from the first; what an operator has to know is that there are two.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use bootwright_core::census::{Deed, Due, News, Pace, Sign};
use bootwright_core::{Census, DhcpMode, Timestamp, Way};

use crate::census::{QUIET_INTERVAL, Warning};
use crate::engine::Engine;
use crate::outcome::Outcome;

impl Engine {
    /// A link carries packets from now on. Whatever was known of it may be another segment's.
    pub fn census6_begin(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        match self.census6.get_mut(link) {
            Some(census) => census.begin_anew(now),
            None => drop(self.census6.insert(link.to_owned(), Census::new(now))),
        }
        self.outcome(())
    }

    /// A link is served, or something suggests that servers came or went on it: it is searched again soon.
    pub fn census6_hurry(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        match self.census6.get_mut(link) {
            Some(census) => census.hurry(now),
            None => drop(self.census6.insert(link.to_owned(), Census::new(now))),
        }
        self.outcome(())
    }

    /// A machine speaks to another server on a link. It is searched again soon if no such server is known there.
    pub fn census6_overheard(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        if let Some(census) = self.census6.get_mut(link)
            && census.lessor().is_none()
        {
            census.hurry(now);
        }
        self.outcome(())
    }

    /// Says that nothing can be sent or heard on a link, and why, or that it can again.
    pub fn census6_blind(&mut self, now: Timestamp, link: &str, why: Option<String>) -> Outcome<()> {
        let census = self.census6.entry(link.to_owned()).or_insert_with(|| Census::new(now));
        census.set_blind(why);
        self.outcome(())
    }

    /// Forgets all links but these.
    pub fn census6_only(&mut self, served: impl Fn(&str) -> bool) -> Outcome<()> {
        self.census6.retain(|link, _| served(link));
        self.outcome(())
    }

    /// What is due next on a link, and when.
    #[must_use]
    pub fn census6_due(&self, link: &str) -> Option<(Timestamp, Due)> {
        self.census6.get(link).map(Census::due)
    }

    /// A search was sent.
    pub fn census6_searched(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        if let Some(census) = self.census6.get_mut(link) {
            census.searched(now);
        }
        self.outcome(())
    }

    /// A sign of another server came in on a link.
    pub fn census6_heard(&mut self, now: Timestamp, link: &str, sign: &Sign<Ipv6Addr>) -> Outcome<()> {
        let census = self.census6.get_mut(link);
        if let Some((first, news)) = census.and_then(|census| Some((!census.is_taken(), census.hear(now, sign)?))) {
            self.tell_server6(now, link, &news, first);
        }
        self.outcome(())
    }

    /// A round on a link has been listened to long enough.
    pub fn census6_concluded(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        let pace = Pace {
            interval: self.policy.census.unwrap_or(QUIET_INTERVAL),
            // No pool waits for it.
            leasing: false,
        };
        let news = self.census6.get_mut(link).map(|census| census.conclude(now, pace));
        for news in news.into_iter().flatten() {
            self.tell_server6(now, link, &news, false);
        }
        self.outcome(())
    }

    /// The other DHCPv6 servers of each link, by the addresses that they send from.
    #[must_use]
    pub fn census6(&self) -> &BTreeMap<String, Census<Ipv6Addr>> {
        &self.census6
    }

    fn tell_server6(&mut self, now: Timestamp, link: &str, news: &News<Ipv6Addr>, first_round: bool) {
        let Some(server) = self.census6.get(link).map(|census| census.servers().get(&news.server)) else {
            return;
        };
        let does = |deed| server.is_some_and(|server| server.deeds.contains(&deed));
        let unwelcome = does(Deed::Boots) || does(Deed::Leases) && self.policy.dhcp_by(Way::Ipv6) == DhcpMode::Server;
        let about = server.map(ToString::to_string).unwrap_or_default();
        self.tell_of_server(now, link, news, &about, (first_round, unwelcome));
    }

    /// What an operator should know of them, one sentence each.
    pub(crate) fn ipv6_warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (link, census) in &self.census6 {
            if let Some(why) = census.blind() {
                warnings.push(Warning::new(
                    "W119",
                    format!("other DHCPv6 servers on {link} cannot be searched for: {why}"),
                ));
            }
            let lessors: Vec<String> = census.lessors().map(|address| address.to_string()).collect();
            if self.policy.dhcp_by(Way::Ipv6) == DhcpMode::Server && !lessors.is_empty() {
                warnings.push(Warning::new("W119", format!(
                    "other DHCPv6 servers answer on {link} beside us: {}; a machine that takes its address from one of them is \
                     not told what to boot, so switch them off, or set `ipv6.mode = \"proxy\"`",
                    lessors.join(", ")
                )));
            }
            for (address, _) in census
                .servers()
                .iter()
                .filter(|(_, server)| server.deeds.contains(&Deed::Boots))
            {
                warnings.push(Warning::new("W119", format!(
                    "{address} on {link} tells machines over IPv6 where to boot, and not from here; whom a machine follows is \
                     chance, so take option 59 out there, or let it name a URL of ours"
                )));
            }
        }
        warnings
    }
}
