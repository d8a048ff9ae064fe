//! The other DHCP and boot servers of each link: what is told of them, and what an operator should know.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bootwright_core::census::{Deed, Due, Happening, News, Pace, Sign};
use bootwright_core::{Cause, Census, DhcpMode, Span, Timestamp, Verb};

use crate::engine::Engine;
use crate::outcome::Outcome;

/// The time between two rounds where the configuration wants no searches: what is overheard is forgotten by it all the
/// same.
pub(crate) const QUIET_INTERVAL: Span = Span::from_mins(5);

/// Something that an operator should know, with the code under which there is more about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The code: `W` and three digits.
    pub code: &'static str,
    /// One sentence.
    pub words: String,
}

impl Warning {
    /// A warning.
    #[must_use]
    pub const fn new(code: &'static str, words: String) -> Self {
        Self { code, words }
    }
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.words)
    }
}

impl Engine {
    /// A link carries packets from now on. Whatever was known of it may be another segment's.
    pub fn census_begin(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        match self.census.get_mut(link) {
            Some(census) => census.begin_anew(now),
            None => drop(self.census.insert(link.to_owned(), Census::new(now))),
        }
        self.outcome(())
    }

    /// A link is served, or something suggests that servers came or went on it: it is searched again soon.
    pub fn census_hurry(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        match self.census.get_mut(link) {
            Some(census) => census.hurry(now),
            None => drop(self.census.insert(link.to_owned(), Census::new(now))),
        }
        self.outcome(())
    }

    /// Says that nothing can be sent or heard on a link, and why, or that it can again.
    pub fn census_blind(&mut self, now: Timestamp, link: &str, why: Option<String>) -> Outcome<()> {
        let census = self.census.entry(link.to_owned()).or_insert_with(|| Census::new(now));
        census.set_blind(why);
        self.outcome(())
    }

    /// Forgets all links but these.
    pub fn census_only(&mut self, served: impl Fn(&str) -> bool) -> Outcome<()> {
        self.census.retain(|link, _| served(link));
        self.outcome(())
    }

    /// What is due next on a link, and when.
    #[must_use]
    pub fn census_due(&self, link: &str) -> Option<(Timestamp, Due)> {
        self.census.get(link).map(Census::due)
    }

    /// A search was sent, or would have been if the configuration wanted any.
    pub fn census_searched(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        if let Some(census) = self.census.get_mut(link) {
            census.searched(now);
        }
        self.outcome(())
    }

    /// A sign of another server came in on a link.
    pub fn census_heard(&mut self, now: Timestamp, link: &str, sign: &Sign) -> Outcome<()> {
        let census = self.census.get_mut(link);
        if let Some((first, news)) = census.and_then(|census| Some((!census.is_taken(), census.hear(now, sign)?))) {
            self.tell_server(now, link, &news, first);
        }
        self.outcome(())
    }

    /// A round on a link has been listened to long enough.
    pub fn census_concluded(&mut self, now: Timestamp, link: &str) -> Outcome<()> {
        let pace = Pace {
            interval: self.policy.census.unwrap_or(QUIET_INTERVAL),
            leasing: self.policy.dhcp == DhcpMode::Server,
        };
        let news = self.census.get_mut(link).map(|census| census.conclude(now, pace));
        for news in news.into_iter().flatten() {
            self.tell_server(now, link, &news, false);
        }
        self.outcome(())
    }

    /// The other servers of each link.
    #[must_use]
    pub fn census(&self) -> &BTreeMap<String, Census> {
        &self.census
    }

    fn tell_server(&mut self, now: Timestamp, link: &str, news: &News, first_round: bool) {
        let Some(census) = self.census.get(link) else { return };
        let about = census.servers().get(&news.server).map(ToString::to_string);
        let unwelcome = self.is_unwelcome(census, news.server);
        self.tell_of_server(now, link, news, &about.unwrap_or_default(), (first_round, unwelcome));
    }

    /// Records what became of a server. What exceeds a bound is not recorded; the status shows it all the same.
    pub(crate) fn tell_of_server<A: std::fmt::Display>(
        &mut self,
        now: Timestamp,
        link: &str,
        news: &News<A>,
        about: &str,
        (first_round, unwelcome): (bool, bool),
    ) {
        let address = &news.server;
        let note = match news.what {
            Happening::Appeared if first_round => format!("there is a server on {link}: {address} {about}"),
            Happening::Appeared => format!("a server has appeared on {link}: {address} {about}"),
            Happening::DoesMore => format!("server {address} on {link} does more than before: it {about}"),
            Happening::Moved => format!("server {address} on {link} answers from another station: {about}"),
            Happening::Vanished => format!("server {address} on {link} is gone: it answers no search any more"),
        };
        let odd = match news.what {
            Happening::Appeared => !first_round || unwelcome,
            Happening::DoesMore | Happening::Moved => true,
            Happening::Vanished => false,
        };
        let verb = if odd { Verb::Warn } else { Verb::Seen };
        if self.server_news.take(now) {
            self.site_note(now, Cause::Machine, verb, note);
        }
    }

    /// Whether a server is one too many, also if it was there before us.
    fn is_unwelcome(&self, census: &Census, address: Ipv4Addr) -> bool {
        let Some(server) = census.servers().get(&address) else {
            return false;
        };
        let second = census.lessor().is_some_and(|first| first != address);
        let boots = [Deed::Boots, Deed::ClaimsPxe]
            .iter()
            .any(|deed| server.deeds.contains(deed));
        let second = second || self.policy.dhcp == DhcpMode::Server;
        boots || server.deeds.contains(&Deed::Leases) && second
    }

    /// How many servers there are that do what only one may do: lend addresses beside another, or lead machines elsewhere.
    pub(crate) fn rogues(&self) -> usize {
        let of_link = |census: &Census| {
            let addresses = census.servers().keys();
            addresses.filter(|address| self.is_unwelcome(census, **address)).count()
        };
        self.census.values().map(of_link).sum()
    }

    /// What an operator should know of the other servers, one sentence each.
    #[must_use]
    pub fn segment_warnings(&self) -> Vec<Warning> {
        let over_ipv6 = self.ipv6_warnings();
        if self.policy.dhcp == DhcpMode::Off {
            return over_ipv6;
        }
        let links = self.census.iter();
        links
            .flat_map(|(link, census)| self.link_warnings(link, census))
            .chain(over_ipv6)
            .collect()
    }

    /// Too few or too many who lease addresses.
    fn lessor_warning(&self, link: &str, census: &Census) -> Option<Warning> {
        let lessors: Vec<String> = census.lessors().map(|address| address.to_string()).collect();
        let names = lessors.join(", ");
        if self.policy.dhcp == DhcpMode::Server {
            return match self.closed(link) {
                _ if lessors.is_empty() => None,
                Some(why) => Some(Warning::new(
                    "W117",
                    format!("no addresses are leased on {link}: {why}"),
                )),
                None => Some(Warning::new(
                    "W117",
                    format!(
                        "other DHCP servers answer on {link} beside us: {names}; machines may get an address from any, so \
                     switch all but one off"
                    ),
                )),
            };
        }
        match lessors.len() {
            0 if census.is_taken() && self.policy.census.is_some() => Some(Warning::new(
                "W111",
                format!("no DHCP server answers on {link}: machines get no address there, and so none boots"),
            )),
            0 | 1 => None,
            count => Some(Warning::new(
                "W110",
                format!("{count} DHCP servers answer on {link}: {names}; switch all but one off"),
            )),
        }
    }

    fn link_warnings(&self, link: &str, census: &Census) -> Vec<Warning> {
        if let Some(why) = census.blind() {
            let words = format!("other DHCP servers on {link} cannot be searched for: {why}");
            return vec![Warning::new("W115", words)];
        }
        let mut warnings: Vec<Warning> = self.lessor_warning(link, census).into_iter().collect();
        for (address, server) in census.servers() {
            let does = |deed| server.deeds.contains(&deed);
            if does(Deed::Boots) {
                warnings.push(Warning::new("W112", format!(
                    "{address} on {link} tells machines where to boot as well; whom a machine follows is chance, so switch \
                     one of the two off, or set `dhcp.mode = \"observe\"` here"
                )));
            }
            if does(Deed::ClaimsPxe) {
                warnings.push(Warning::new("W113", format!(
                    "DHCP server {address} on {link} says `PXEClient` (option 60), so that UEFI machines ask it for a boot \
                     file and ignore ours; take that option out there"
                )));
            }
            if does(Deed::HidesProxies) {
                warnings.push(Warning::new("W114", format!(
                    "DHCP server {address} on {link} tells iPXE not to wait for us (option 175, 176 in it); take that out \
                     there"
                )));
            }
        }
        warnings
    }
}
